"""Campaign: a group of accounts, what makes it one, and how its members share the ground."""

from collections.abc import Callable
from typing import TYPE_CHECKING

import streamlit as st

from sweeplens.report.facts import CampaignEvidence, CampaignRow
from sweeplens.report.sentences import describe_dealing, describe_rarity, percent
from sweeplens.ui import data, links, parts, prompts, words
from sweeplens.ui.charts.campaign import draw_days, draw_shares, draw_similarity, draw_union
from sweeplens.ui.charts.ground import draw_ground
from sweeplens.ui.tables import accounts as account_tables
from sweeplens.ui.tables import base as base_tables
from sweeplens.ui.tables import evidence as evidence_tables
from sweeplens.ui.views.account import SHARED_HELP, cluster_labels

if TYPE_CHECKING:
    from sweeplens.store.snapshot import Snapshot

_LABELS = {
    "sweep": "Looks like one sweep dealt out over several accounts.",
    "tenant": "Looks like several keys of one business: most members share an organisation.",
    "template": "Looks like users of one template: narrow ground, like wording.",
    "benchmark": "Looks like many runs of one benchmark: members send the same prompts, or those of a known set.",
    "undecided": "The members share ground, for a reason that stays open.",
}


def show() -> None:
    """Draw the page of ?campaign=..., or all groups to choose from."""
    snapshot = data.current()
    campaign_id = links.wanted("campaign")
    if campaign_id is None:
        _choose(snapshot)
        return
    evidence = data.campaign_evidence(snapshot, campaign_id)
    _head(evidence)
    _members(evidence)
    left, right = st.columns(2, gap="medium")
    with left:
        _shares(evidence)
    with right:
        parts.draw(draw_similarity(parts.colours(), evidence.similarity), "similarity")
    left, right = st.columns(2, gap="medium")
    with left:
        parts.draw(draw_union(parts.colours(), evidence.coverage), "union")
        _evidence(evidence)
    with right:
        points = data.map_points(snapshot)
        names = cluster_labels(snapshot, _weights(evidence))
        title = f"{words.counted(len(evidence.prompt_ids), 'prompt')} of the campaign on the map"
        chart = draw_ground(
            parts.colours(),
            points,
            evidence.prompt_ids,
            evidence.prompts,
            names,
            title=title,
            who="the members of this campaign",
        )
        parts.draw(chart, "ground")
    left, right = st.columns(2, gap="medium")
    with left:
        parts.draw(draw_days(parts.colours(), evidence.days), "days")
    with right:
        _links(evidence)
    _prompts(snapshot, evidence)


def _choose(snapshot: "Snapshot") -> None:
    rows = data.campaigns(snapshot)
    sweeps = sum(r.label == "sweep" for r in rows)
    parts.heading("Campaigns", None, _count(rows, sweeps))
    if not rows:
        parts.nothing(
            "No accounts of this log act alike enough to be a group.",
            "Groups need five or more accounts on like ground; the queue ranks accounts alone.",
        )
        return
    frame = account_tables.campaigns(rows, data.campaign_periods(snapshot))
    at = parts.pick(frame, account_tables.campaign_columns(rows), "campaigns", rows=17)
    if at is not None and at < len(rows):
        links.go_to("campaign", campaign=rows[at].campaign_id)


def _count(rows: list[CampaignRow], sweeps: int) -> str:
    if not rows:
        return "No group of accounts was found."
    verb = "resembles" if sweeps == 1 else "resemble"
    return f"{words.counted(len(rows), 'group')} of accounts, {words.count(sweeps)} of which {verb} one sweep."


def _head(evidence: CampaignEvidence) -> None:
    row = evidence.row
    facts = [
        f"score {words.score(row.score)}",
        *words.chances(row.p_value, row.q_value),
        words.counted(row.n_prompts, "distinct prompt"),
        words.period(*data.period(evidence.members)),
        _LABELS.get(row.label, _LABELS["undecided"]),
    ]  # fmt: skip
    text, buttons = st.columns([5, 2])
    with text:
        rarity = describe_rarity(row)
        parts.heading("Campaign", row.campaign_id, evidence.headline, facts, level=row.level, chance=rarity)
    with buttons, st.container(horizontal=True, horizontal_alignment="right"):
        parts.link("On the map", "map", campaign=row.campaign_id)
        parts.link("All campaigns", "campaign")


def _members(evidence: CampaignEvidence) -> None:
    st.markdown("**Members**", help="The highest level first. A click opens the account.")
    columns = {**account_tables.queue_columns(evidence.members), "id": base_tables.text("Account", 150)}
    at = parts.pick(account_tables.members(evidence.members), columns, "members", rows=6)
    if at is not None and at < len(evidence.members):
        links.go_to("account", account=evidence.members[at].account_id)


@parts.fragment
def _shares(evidence: CampaignEvidence) -> None:
    place = st.container()
    by = st.segmented_control(
        "Ground", ["capability", "cluster"], default="capability", required=True, key="ground-by",
        label_visibility="collapsed", format_func=lambda g: "by capability" if g == "capability" else "by cluster",
    )  # fmt: skip
    matrix = evidence.clusters if by == "cluster" else evidence.capabilities
    with place:
        parts.draw(draw_shares(parts.colours(), matrix, str(by)), "shares")
        left_out = len(evidence.members) - len(matrix.rows)
        if left_out:
            st.caption(f"The first {len(matrix.rows)} members; {words.count(left_out)} more are not drawn.")


def _evidence(evidence: CampaignEvidence) -> None:
    known = evidence.row.evidence
    said = [describe_rarity(evidence.row)] if evidence.row.p_value is not None else []
    said += [write(float(v)) for key, write in _SENTENCES.items() if isinstance(v := known.get(key), int | float)]
    said += describe_dealing(known)
    said.append(f"{words.counted(evidence.n_shared_prompts, 'prompt')} sent word for word by more than one member")
    st.markdown("**Evidence**", help="What the detector wrote down when it put these accounts together.")
    st.text("\n".join(f"• {sentence}" for sentence in said))


_SENTENCES: dict[str, Callable[[float], str]] = {
    "mean_likeness": lambda v: (
        f"the fingerprints of two members are {v:.2f} alike on average, where 0 is any two accounts"
    ),
    "mean_score": lambda v: f"the members alone score {v:.2f} on average",
    "union_score": lambda v: f"taken as one account they score {v:.2f}",
    "union_cells_in_40": lambda v: f"40 of their prompts lie in {v:.0f} different cells",
    "tested_likeness": lambda v: f"in the half of prompts that was kept out of the grouping they are {v:.2f} alike",
    "time_overlap": lambda v: f"two members' spans of time overlap by {percent(v)} of the shorter one, on average",
    "starts_within_days": lambda v: f"eight of ten members began within {v:.1f} days",
    "n_joined": lambda v: f"{v:.0f} joined later, by a part of their prompts",
    "same_org": lambda v: f"{percent(v)} of the members share one organisation" if v else "no organisation is shared",
}


def _weights(evidence: CampaignEvidence) -> dict[int, int]:
    weights: dict[int, int] = {}
    for row in evidence.prompts:
        weights[row.cluster_id] = weights.get(row.cluster_id, 0) + 1
    return weights


def _links(evidence: CampaignEvidence) -> None:
    st.markdown("**What members have in common**", help=SHARED_HELP)
    if not evidence.links:
        parts.nothing(
            "No two members share an organisation, address, user agent or system prompt.",
            "Or the log has none of these.",
        )
        return
    columns = {k: v for k, v in evidence_tables.link_columns().items() if k != "others"}
    st.dataframe(evidence_tables.shared_links(evidence.links), hide_index=True, column_config=columns, height="auto")


@parts.fragment
def _prompts(snapshot: "Snapshot", evidence: CampaignEvidence) -> None:
    st.markdown(
        "**What they ask**",
        help="Typical ones first: the clusters take turns, each with the prompt nearest to its middle.",
    )
    prompts.show_prompts(snapshot, evidence.prompts, len(evidence.prompt_ids), evidence.row.campaign_id)
