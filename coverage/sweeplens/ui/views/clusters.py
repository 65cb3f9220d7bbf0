"""Clusters: the topics of the log, and one of them."""

from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from sweeplens.report.facts import ClusterEvidence, ClusterRow
from sweeplens.ui import data, links, parts, prompts, words
from sweeplens.ui.charts.ground import draw_ground
from sweeplens.ui.charts.timeline import draw_timeline
from sweeplens.ui.tables import prompts as prompt_tables
from sweeplens.ui.views.account import cluster_labels

if TYPE_CHECKING:
    from sweeplens.store.snapshot import Snapshot


def show() -> None:
    """Draw the page of ?cluster=..., or the table of all clusters."""
    snapshot = data.current()
    cluster_id = links.wanted("cluster")
    if cluster_id is None:
        _choose(snapshot)
        return
    evidence = data.cluster_evidence(snapshot, cluster_id)
    _head(evidence)
    left, right = st.columns(2, gap="medium")
    with left:
        _accounts(evidence)
    with right:
        points = data.map_points(snapshot)
        inside = np.flatnonzero(points.cluster == evidence.row.cluster_id).astype(np.int32)
        names = cluster_labels(snapshot, {evidence.row.cluster_id: 1})
        shown = {"title": "Where it lies on the map", "who": "this cluster"}
        chart = draw_ground(parts.colours(), points, inside, evidence.prompts, names, **shown)
        parts.draw(chart, "ground")
    _exemplars(snapshot, evidence)
    left, right = st.columns(2, gap="medium")
    with left:
        parts.draw(draw_timeline(parts.colours(), evidence.timeline), "timeline")
    with right:
        _terms(evidence.row)
    _prompts(snapshot, evidence)


def _choose(snapshot: "Snapshot") -> None:
    rows = data.clusters(snapshot)
    seen = data.overview(snapshot)
    inside = sum(r.n_prompts for r in rows)
    share = inside / max(1, seen.n_prompts)
    all_prompts = words.counted(seen.n_prompts, "distinct prompt")
    hold = (
        f"{words.counted(len(rows), 'cluster')} hold {100 * share:.0f} % of {all_prompts}; the rest lies between them."
    )
    parts.heading("Clusters", None, hold)
    if not rows:
        parts.nothing("This snapshot has no clusters.", "A log with more distinct prompts gives some.")
        return
    left, right = st.columns([2, 2], vertical_alignment="bottom")
    capability = left.selectbox(
        "Capability", sorted({r.capability_name for r in rows}), index=None, key="capability", bind="query-params",
        placeholder="any capability",
    )  # fmt: skip
    order = right.segmented_control(
        "Largest first by", ["prompts", "flagged", "accounts"], default="prompts", required=True, key="order",
        bind="query-params", format_func=lambda o: {"flagged": "flagged traffic"}.get(o, o),
    )  # fmt: skip
    rows = [r for r in rows if capability is None or r.capability_name == capability]
    key = {"flagged": lambda r: -r.flagged_share, "accounts": lambda r: -r.n_accounts}.get(
        str(order), lambda r: -r.n_prompts
    )
    rows.sort(key=key)
    at = parts.pick(prompt_tables.clusters(rows), prompt_tables.cluster_columns(), "clusters", rows=16)
    if at is not None and at < len(rows):
        links.go_to("clusters", cluster=str(rows[at].cluster_id))


def _head(evidence: ClusterEvidence) -> None:
    row = evidence.row
    facts = [
        row.capability_name, f"{words.count(row.n_core)} core, {words.count(row.n_placed)} placed by their neighbours",
        words.counted(row.n_flagged_accounts, "flagged account"),
    ]  # fmt: skip
    text, buttons = st.columns([5, 2])
    with text:
        parts.heading(f"Cluster {row.cluster_id}", row.name, evidence.headline, facts)
    with buttons, st.container(horizontal=True, horizontal_alignment="right"):
        parts.link("On the map", "map", cluster=str(row.cluster_id))
        parts.link("All clusters", "clusters")


@parts.fragment
def _accounts(evidence: ClusterEvidence) -> None:
    shown = evidence.accounts
    st.markdown("**Who asks here**", help="Accounts by number of requests in this cluster. A click opens the account.")
    at = parts.pick(
        prompt_tables.cluster_accounts(shown), prompt_tables.cluster_account_columns(), "cluster-accounts", rows=11
    )
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


def _terms(row: ClusterRow) -> None:
    st.markdown("**Words that set it apart**", help="Terms that are frequent here and rare in other clusters.")
    if row.terms:
        st.text(" · ".join(row.terms))
    else:
        parts.nothing("No words set this cluster apart.", "They come from the prompts' text, which may not be kept.")


@parts.fragment
def _prompts(snapshot: "Snapshot", evidence: ClusterEvidence) -> None:
    st.markdown("**All prompts**", help="Core members first, the surest on top.")
    prompts.show_prompts(
        snapshot, evidence.prompts, evidence.row.n_prompts, str(evidence.row.cluster_id), cluster=False
    )
