"""Campaigns: all groups of accounts, whatever they look like, to choose one from."""

from typing import TYPE_CHECKING

import streamlit as st

from sweeplens.report.facts import CampaignRow
from sweeplens.ui import data, links, parts, words
from sweeplens.ui.reads import campaign as reads
from sweeplens.ui.tables import campaigns as tables

if TYPE_CHECKING:
    from sweeplens.store.snapshot import Snapshot

_SHOWN = 1000  # rows of the table


def show_list(snapshot: "Snapshot") -> None:
    """Draw the list; ?label= and ?level= filter it."""
    rows = data.campaigns(snapshot)
    parts.heading("Campaigns", None, _count(rows))
    if not rows:
        parts.nothing(
            "No accounts of this log act alike enough to be a group.",
            "Groups need five or more accounts on like ground; the queue ranks accounts alone.",
        )
        return
    _list(snapshot, rows)


@parts.fragment
def _list(snapshot: "Snapshot", rows: list[CampaignRow]) -> None:
    shown = _filtered(rows)
    if not shown:
        parts.nothing("No group matches these filters.", "Take one of the filters back.")
        return
    if len(shown) < len(rows):
        st.caption(f"{words.count(len(shown))} of {words.counted(len(rows), 'group')}.")
    cases = data.cases(snapshot)
    top = shown[:_SHOWN]
    states = {row.campaign_id: cases.of_row(row).state for row in top}
    frame = tables.campaigns(top, reads.periods(snapshot), states)
    at = parts.pick(frame, tables.campaign_columns(top), "campaigns", rows=17)
    if len(shown) > _SHOWN:
        st.caption(f"The first {words.count(_SHOWN)} of {words.count(len(shown))}; the filters narrow them down.")
    if at is not None and at < len(top):
        links.go_to("campaign", campaign=top[at].campaign_id)


def _filtered(rows: list[CampaignRow]) -> list[CampaignRow]:
    left, right = st.columns(2)
    labels = left.pills(
        "Looks like", [w for w in words.LABEL_WORDS if any(r.label == w for r in rows)], selection_mode="multi",
        key="label", bind="query-params", format_func=lambda w: words.LABEL_WORDS[w],
    )  # fmt: skip
    levels = right.pills(
        "Level", [w for w in words.LEVELS if any(r.level == w for r in rows)], selection_mode="multi", key="level",
        bind="query-params", format_func=lambda w: words.LEVEL_WORDS[w],
    )  # fmt: skip
    return [r for r in rows if (not labels or r.label in labels) and (not levels or r.level in levels)]


def _count(rows: list[CampaignRow]) -> str:
    if not rows:
        return "No group of accounts was found."
    sweeps = sum(r.label == "sweep" for r in rows)
    verb = "resembles" if sweeps == 1 else "resemble"
    return f"{words.counted(len(rows), 'group')} of accounts, {words.count(sweeps)} of which {verb} one sweep."
