"""Coverage: who asks about what, and how wide."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from sweeplens.report.columns import columns_of
from sweeplens.report.coverage import Rank, compare_profiles, order_by_likeness
from sweeplens.report.facts import FLAGGED, LEVELS
from sweeplens.ui import data, links, parts, words
from sweeplens.ui.charts.coverage import draw_breadth, draw_profiles
from sweeplens.ui.reads import coverage as reads
from sweeplens.ui.tables import coverage as coverage_tables
from sweeplens.ui.touch import touch

if TYPE_CHECKING:
    from sweeplens.store.snapshot import Snapshot

DRAWN = 60  # rows of the picture
_LISTED = 500  # rows of the table
_RANKS: dict[str, str] = {
    "level": "level and score", "breadth": "cells covered", "share": "share there", "number": "prompts there",
}  # fmt: skip
_ROWS = {"flagged": "flagged accounts", "all": "all accounts", "campaign": "one campaign"}


@dataclass(frozen=True)
class _Choice:
    """What the filters say: rows of the accounts table in their order, and the capability asked for."""

    rows: NDArray[np.int64]
    capability: int | None
    alike: bool


def show() -> None:
    """Draw the page."""
    snapshot = data.current()
    parts.heading("Coverage", None, reads.headline(snapshot))
    _page(snapshot)


@parts.fragment
def _page(snapshot: "Snapshot") -> None:
    columns = columns_of(snapshot)
    if not columns.accounts:
        parts.nothing("This snapshot has no accounts.", "A build with requests in its window has some.")
        return
    choice = _choose(snapshot)
    if not len(choice.rows):
        parts.nothing("No account matches these filters.", "Take one of the filters back.")
        return
    wide = reads.breadth(snapshot)
    ways = [_picture(snapshot, choice), _list(snapshot, choice)]
    chart = draw_breadth(parts.colours(), wide, columns.n_prompts, columns.levels, columns.accounts)
    ways.append(touch(chart, "breadth"))
    row = next((row for row in ways if row is not None), None)
    if row is not None and row < len(columns.accounts):
        links.go_to("account", account=columns.accounts[row])


def _choose(snapshot: "Snapshot") -> _Choice:
    columns = columns_of(snapshot)
    flagged = columns.levels >= min(LEVELS.index(level) for level in FLAGGED)
    first, second, third, fourth = st.columns([3.4, 2.2, 2, 2], vertical_alignment="bottom")
    rows = first.segmented_control(
        "Rows", list(_ROWS), default="flagged" if flagged.any() else "all", required=True, key="rows",
        bind="query-params",
    )  # fmt: skip
    names = sorted(name for _, name in columns.capabilities)
    topic = second.selectbox(
        "Who asks about", names, index=None, key="capability", bind="query-params", placeholder="any capability"
    )
    levels = third.multiselect(
        "Level", words.LEVELS, key="level", bind="query-params", format_func=lambda w: words.LEVEL_WORDS[w],
        placeholder="any level",
    )  # fmt: skip
    needle = fourth.text_input("Id contains", key="id", bind="query-params", placeholder="part of an id", type="search")
    capability = None if topic is None else [name for _, name in columns.capabilities].index(topic)
    keep = np.ones(len(flagged), bool) if rows == "all" else flagged
    first, second, third, _ = st.columns([3.4, 2.2, 2, 2], vertical_alignment="bottom")
    rank = _rank(first, capability)
    order = second.segmented_control(
        "Rows of the picture", ["ranked", "alike"], default="ranked", required=True, key="order", bind="query-params",
        format_func=lambda o: o, help="As they are ranked, or like ones beside each other.",
    )  # fmt: skip
    if rows == "campaign":
        keep = _members(snapshot, third)
    if levels:
        keep &= np.isin(columns.levels, [LEVELS.index(level) for level in levels])
    if needle:
        keep &= np.array([needle.casefold() in account.casefold() for account in columns.accounts], bool)
    ranked = reads.ranked(snapshot, rank, capability)
    return _Choice(ranked[keep[ranked]], capability, order == "alike")


def _rank(place: "st.delta_generator.DeltaGenerator", capability: int | None) -> Rank:
    if capability is None:
        options, default, key = ["level", "breadth"], "level", "rank"
    else:
        options, default, key = ["share", "number", "level", "breadth"], "share", "by"
    chosen = place.segmented_control(
        "First by", options, default=default, required=True, key=key, bind="query-params",
        help="; ".join(f"{name}: {_RANKS[name]}" for name in options),
    )  # fmt: skip
    return "level" if chosen is None else chosen  # type: ignore[return-value] # one of the options


def _members(snapshot: "Snapshot", place: "st.delta_generator.DeltaGenerator") -> NDArray[np.bool_]:
    columns, groups = columns_of(snapshot), data.campaigns(snapshot)
    inside = np.zeros(len(columns.accounts), bool)
    chosen = place.selectbox(
        "Campaign", [c.campaign_id for c in groups], key="campaign", bind="query-params", placeholder="no campaign"
    )
    for group in groups:
        if group.campaign_id == chosen:
            inside[[columns.position[a] for a in group.accounts]] = True
    return inside


def _picture(snapshot: "Snapshot", choice: _Choice) -> int | None:
    columns = columns_of(snapshot)
    rows = choice.rows[:DRAWN]
    profiles = compare_profiles(snapshot, rows)
    if choice.alike:
        rows = rows[order_by_likeness(profiles.shares.values)]
        profiles = compare_profiles(snapshot, rows)
    levels = [LEVELS[i] for i in columns.levels[rows].tolist()]
    chosen = None if choice.capability is None else columns.capabilities[choice.capability][1]
    at = touch(draw_profiles(parts.colours(), profiles, levels, rows, chosen), "profiles")
    if len(choice.rows) > len(rows):
        st.caption(
            f"The first {words.count(len(rows))} of {words.counted(len(choice.rows), 'account')} are drawn; "
            "the filters narrow them down."
        )
    return at


def _list(snapshot: "Snapshot", choice: _Choice) -> int | None:
    columns = columns_of(snapshot)
    st.markdown(
        "**How wide each of them asks**",
        help="How many different cells, capabilities and clusters an account asks in, and what share of its peers of "
        "like volume reaches fewer. A click opens the account.",
    )
    rows = choice.rows[:_LISTED]
    frame = coverage_tables.breadth(columns, reads.breadth(snapshot), rows, choice.capability)
    shown = coverage_tables.breadth_columns(capability=choice.capability is not None)
    at = parts.pick(frame, shown, "who-covers", rows=12)
    if len(choice.rows) > len(rows):
        st.caption(f"The first {words.count(len(rows))} of {words.counted(len(choice.rows), 'account')}.")
    return None if at is None or at >= len(rows) else int(rows[at])
