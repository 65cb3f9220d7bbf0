"""Campaign: a group of accounts, what makes it one, and how its members share the ground."""

from typing import TYPE_CHECKING

import streamlit as st

from sweeplens.report.columns import spaced
from sweeplens.report.facts import CampaignEvidence
from sweeplens.report.grouping import describe_grouping, describe_label
from sweeplens.report.sentences import describe_rarity
from sweeplens.ui import data, deciding, links, parts, prompts, words
from sweeplens.ui.charts.campaign import draw_rhythm, draw_shares, draw_similarity, draw_union
from sweeplens.ui.charts.ground import draw_ground
from sweeplens.ui.reads import campaign as reads
from sweeplens.ui.tables import campaigns as tables
from sweeplens.ui.views.account import SHARED_HELP, cluster_labels
from sweeplens.ui.views.campaigns import show_list
from sweeplens.ui.views.members import show_members

if TYPE_CHECKING:
    from sweeplens.store.snapshot import Snapshot

_DRAWN = 20_000  # prompts that are drawn on the map, spread evenly over all


def show() -> None:
    """Draw the page of ?campaign=..., or all groups to choose from."""
    snapshot = data.current()
    campaign_id = links.wanted("campaign")
    if campaign_id is None:
        show_list(snapshot)
        return
    evidence = data.campaign_evidence(snapshot, campaign_id)
    p = parts.colours()
    _head(evidence)
    deciding.bar(snapshot, "campaign", campaign_id)
    left, right = st.columns(2, gap="medium")
    with left:
        _evidence(evidence)
    with right:
        _ground(snapshot, evidence)
    show_members(snapshot, evidence)
    _thinned(evidence)
    left, right = st.columns(2, gap="medium")
    with left:
        _shares(evidence)
    with right:
        parts.draw(draw_similarity(p, evidence.similarity, evidence.alike_elsewhere), "similarity")
    parts.draw(draw_rhythm(p, evidence.timeline, evidence.days, evidence.hours), "rhythm")
    if evidence.timeline.undated and evidence.timeline.days:
        st.caption(f"{words.counted(evidence.timeline.undated, 'request')} without a time.")
    left, right = st.columns(2, gap="medium")
    with left:
        parts.draw(draw_union(p, evidence.coverage), "union")
    with right:
        _links(evidence)
    left, right = st.columns(2, gap="medium")
    with left:
        _templates(snapshot, evidence)
    with right:
        _shared_prompts(snapshot, evidence)
    _prompts(snapshot, evidence)


def _head(evidence: CampaignEvidence) -> None:
    row = evidence.row
    facts = [
        f"score {words.score(row.score)}",
        *words.chances(row.p_value, row.q_value),
        words.counted(row.n_prompts, "distinct prompt"),
        words.period(evidence.first_ts, evidence.last_ts),
        describe_label(row.label),
    ]  # fmt: skip
    text, buttons = st.columns([5, 2])
    with text:
        rarity = describe_rarity(row)
        parts.heading("Campaign", row.campaign_id, evidence.headline, facts, level=row.level, chance=rarity)
    with buttons, st.container(horizontal=True, horizontal_alignment="right"):
        parts.link("On the map", "map", campaign=row.campaign_id)
        parts.link("All campaigns", "campaign")


def _evidence(evidence: CampaignEvidence) -> None:
    st.markdown("**Evidence**", help="What the detector wrote down when it put these accounts together.")
    said = describe_grouping(evidence.row, evidence.n_shared_prompts)
    st.text(words.thin("\n".join(f"• {sentence}" for sentence in said)))


def _ground(snapshot: "Snapshot", evidence: CampaignEvidence) -> None:
    ids = evidence.prompt_ids[spaced(len(evidence.prompt_ids), _DRAWN)]
    some = "" if len(ids) == len(evidence.prompt_ids) else f", {words.count(len(ids))} of them drawn"
    weights: dict[int, int] = {}
    for row in evidence.prompts:
        weights[row.cluster_id] = weights.get(row.cluster_id, 0) + 1
    chart = draw_ground(
        parts.colours(), data.map_points(snapshot), ids, evidence.prompts, cluster_labels(snapshot, weights),
        title=f"{words.counted(len(evidence.prompt_ids), 'prompt')} of the campaign on the map{some}",
        who="the members of this campaign",
    )  # fmt: skip
    parts.draw(chart, "ground")


def _thinned(evidence: CampaignEvidence) -> None:
    drawn, total = len(evidence.similarity.rows), len(evidence.row.accounts)
    if drawn < total:
        st.caption(
            f"The charts of single members below show {words.count(drawn)} of {words.count(total)}, spread evenly over "
            "the list; sums and bars count all."
        )


@parts.fragment
def _shares(evidence: CampaignEvidence) -> None:
    place = st.container()
    several = len(evidence.capabilities.columns) > 1
    by = st.segmented_control(
        "Ground", ["capability", "cluster"], default="capability" if several else "cluster", required=True,
        key="ground-by", label_visibility="collapsed", format_func=lambda g: f"by {g}",
    )  # fmt: skip
    matrix = evidence.clusters if by == "cluster" else evidence.capabilities
    with place:
        parts.draw(draw_shares(parts.colours(), matrix, str(by)), "shares")


@parts.fragment
def _templates(snapshot: "Snapshot", evidence: CampaignEvidence) -> None:
    st.markdown(
        "**Templates**",
        help="Openings, endings and phrases that many of the members' prompts have and few of other accounts' do. "
        "Words that few prompts have became a gap. Users of one app or one tool share templates, too.",
    )
    found = reads.found_templates(snapshot, evidence.row.campaign_id)
    if found is None:
        why = "is hidden here" if data.hidden() else "was not kept"
        parts.nothing(f"The text of prompts {why}, and templates are made of it.", "Look at the clusters they share.")
        return
    if not found.found:
        parts.nothing("The members' prompts have no wording of their own in common.", "Read some of them below.")
        return
    at = parts.pick(tables.templates(found.found), tables.template_columns(), "templates", rows=8)
    st.caption(
        f"Of {words.counted(found.n_prompts, 'prompt')} of {words.counted(found.n_members, 'member')} that were "
        f"compared with {words.count(found.n_outside)} of others. A click shows a prompt that has it."
    )
    if at is not None and at < len(found.found):
        (row,) = data.prompt_rows(snapshot, [found.found[at].example])
        prompts.show_prompt(snapshot, row, "template")


@parts.fragment
def _shared_prompts(snapshot: "Snapshot", evidence: CampaignEvidence) -> None:
    st.markdown(
        "**Prompts that several members sent**",
        help="Word for word the same. Runs of a benchmark and users of one app share prompts, too; a sweep that is "
        "dealt out well shares none.",
    )
    shared = evidence.shared
    if not shared:
        parts.nothing("No two members sent the same prompt, word for word.", "Templates show what is alike in wording.")
        return
    rows = data.prompt_rows(snapshot, [s.prompt_id for s in shared])
    frame = tables.shared_prompts(shared, rows, len(evidence.row.accounts))
    at = parts.pick(frame, tables.shared_prompt_columns(), "shared", rows=6)
    if len(shared) < evidence.n_shared_prompts:
        st.caption(f"Those {len(shared)} of {words.count(evidence.n_shared_prompts)} that most members sent.")
    if at is not None and at < len(rows):
        prompts.show_prompt(snapshot, rows[at], "shared-prompt")


def _links(evidence: CampaignEvidence) -> None:
    st.markdown("**What members have in common**", help=SHARED_HELP)
    kinds = {link.kind for link in evidence.links}
    missing = [word for kind, word in words.LINK_WORDS.items() if kind not in kinds]
    if not kinds:
        parts.nothing(
            "No two members share an organisation, address, user agent or system prompt.",
            "Or the log has none of these.",
        )
        return
    st.dataframe(
        tables.common_links(evidence.links, len(evidence.row.accounts), hide_text=data.hidden()), hide_index=True,
        column_config=tables.common_link_columns(), height="auto",
    )  # fmt: skip
    if missing:
        st.caption(f"No two members share, or the log does not have: {', '.join(missing)}.")


@parts.fragment
def _prompts(snapshot: "Snapshot", evidence: CampaignEvidence) -> None:
    st.markdown(
        "**What they ask**",
        help="Typical ones first: the clusters take turns, each with the prompt nearest to its middle.",
    )
    prompts.show_prompts(snapshot, evidence.prompts, len(evidence.prompt_ids), evidence.row.campaign_id)
