"""One cluster: its words, who asks there, how it grows, where it lies, and what it is called."""

from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from sweeplens.errors import StoreError
from sweeplens.report.facts import ClusterEvidence, ClusterRow
from sweeplens.report.growth import describe_origin, describe_pace
from sweeplens.review.naming import LONGEST
from sweeplens.ui import access, data, links, parts, prompts, words
from sweeplens.ui.charts.base import Label
from sweeplens.ui.charts.cluster import draw_growth
from sweeplens.ui.charts.ground import draw_ground
from sweeplens.ui.charts.timeline import draw_timeline
from sweeplens.ui.reads import clusters as reads
from sweeplens.ui.safe import code_span
from sweeplens.ui.tables import clusters as tables
from sweeplens.ui.tables import prompts as prompt_tables

if TYPE_CHECKING:
    from sweeplens.store.snapshot import Snapshot


def show_cluster(snapshot: "Snapshot", cluster_id: str) -> None:
    """Draw the page of one cluster."""
    evidence = data.cluster_evidence(snapshot, cluster_id)
    row = evidence.row
    _head(snapshot, evidence)
    left, right = st.columns(2, gap="medium")
    with left:
        _accounts(evidence)
    with right:
        points = data.map_points(snapshot)
        inside = np.flatnonzero(points.cluster == row.cluster_id).astype(np.int32)
        name = [Label(row.x, row.y, row.name, 1.0)]
        shown = {"title": "Where it lies on the map", "who": "this cluster"}
        parts.draw(draw_ground(parts.colours(), points, inside, evidence.prompts, name, **shown), "ground")
    _exemplars(snapshot, evidence)
    left, right = st.columns(2, gap="medium")
    with left:
        parts.draw(draw_growth(parts.colours(), evidence.weekly, evidence.span_days), "growth")
        _say_growth(evidence)
    with right:
        parts.draw(draw_timeline(parts.colours(), evidence.timeline), "timeline")
    left, right = st.columns([2, 3], gap="medium")
    with left:
        _terms(row)
    with right:
        _names(snapshot, row)
    _prompts(snapshot, evidence)


def _head(snapshot: "Snapshot", evidence: ClusterEvidence) -> None:
    row = evidence.row
    facts = [
        *(["Pinned"] if row.pinned else []), row.capability_name,
        f"{words.count(row.n_core)} core, {words.count(row.n_placed)} placed by their neighbours",
        words.counted(row.n_flagged_accounts, "flagged account"),
        *([f"the map calls it {code_span(row.found_name)}"] if row.name != row.found_name else []),
    ]  # fmt: skip
    text, buttons = st.columns([5, 2])
    with text:
        parts.heading(f"Cluster {row.cluster_id}", row.name, evidence.headline, facts)
    with buttons, st.container(horizontal=True, horizontal_alignment="right"):
        parts.link("On the map", "map", cluster=str(row.cluster_id))
        parts.link("Its capability", "clusters", capability=row.capability_name)
        parts.link("All clusters", "clusters")
        _rename(snapshot, row)


def _rename(snapshot: "Snapshot", row: ClusterRow) -> None:
    if not access.may_write():
        return
    with st.popover("Name and pin", key=f"rename-{row.cluster_id}"), st.form("cluster-name", border=False):
        given = st.text_input(
            "Name", value="" if row.name == row.found_name else row.name, max_chars=LONGEST,
            key=f"cluster-name-{row.cluster_id}", placeholder=row.found_name[:LONGEST],
            help="It stays with the cluster from snapshot to snapshot, for all who look. Nothing gives back the name "
            "that the map found.",
        )  # fmt: skip
        pinned = st.checkbox(
            "Pin", value=row.pinned, key=f"cluster-pin-{row.cluster_id}",
            help="A pinned cluster stays on top of the list, and is always named on the map.",
        )  # fmt: skip
        kept = st.form_submit_button("Keep")
    if not kept:
        return
    try:
        reads.name(snapshot, row.cluster_id, given.strip() or None, pinned=pinned)
    except StoreError as error:
        st.toast(parts.sentence(error))
        return
    st.rerun()


@parts.fragment
def _accounts(evidence: ClusterEvidence) -> None:
    shown = evidence.accounts
    st.markdown("**Who asks here**", help="Accounts by number of requests in this cluster. A click opens the account.")
    at = parts.pick(tables.cluster_accounts(shown), tables.cluster_account_columns(), "cluster-accounts", rows=11)
    if evidence.row.n_accounts > len(shown):
        st.caption(f"The {len(shown)} with most requests, of {words.count(evidence.row.n_accounts)}.")
    if at is not None and at < len(shown):
        links.go_to("account", account=shown[at].account_id)


@parts.fragment
def _exemplars(snapshot: "Snapshot", evidence: ClusterEvidence) -> None:
    st.markdown("**Typical prompts**", help="The prompts nearest to the middle of the cluster.")
    rows = evidence.exemplars
    if not rows:
        nothing = "This cluster has no typical prompts to show."
        parts.nothing(nothing, "They are chosen by their text, which this snapshot does not keep.")
        return
    at = parts.pick(prompt_tables.prompts(rows), prompt_tables.prompt_columns(cluster=False), "exemplars")
    if at is not None and at < len(rows):
        prompts.show_prompt(snapshot, rows[at], "exemplar")


def _say_growth(evidence: ClusterEvidence) -> None:
    row = evidence.row
    origin = describe_origin(row.event, evidence.parents, evidence.n_before, row.n_prompts)
    said = [s for s in (origin, describe_pace(evidence.pace, evidence.span_days)) if s]
    if said:
        sentence = "; ".join(said)
        st.caption(f"{words.thin(sentence[:1].upper() + sentence[1:])}.")


def _terms(row: ClusterRow) -> None:
    st.markdown("**Words that set it apart**", help="Terms that are frequent here and rare in other clusters.")
    if row.terms:
        st.text(" · ".join(row.terms))
    else:
        parts.nothing("No words set this cluster apart.", "They come from the prompts' text, which may not be kept.")


def _names(snapshot: "Snapshot", row: ClusterRow) -> None:
    st.markdown(
        "**What it was called**",
        help="Every name that it was given, who gave it and in which snapshot, the last one first. Nothing here is "
        "ever changed or deleted.",
    )
    history = reads.name_history(snapshot, row.cluster_id)
    if not history:
        st.caption("It bears the name that the map found; nobody has given it another.")
        return
    frame = tables.name_history(history, row.found_name)
    st.dataframe(frame, hide_index=True, column_config=tables.name_columns(), height="auto", placeholder="")


@parts.fragment
def _prompts(snapshot: "Snapshot", evidence: ClusterEvidence) -> None:
    st.markdown("**All prompts**", help="Core members first, the surest on top.")
    prompts.show_prompts(
        snapshot, evidence.prompts, evidence.row.n_prompts, str(evidence.row.cluster_id), cluster=False
    )
