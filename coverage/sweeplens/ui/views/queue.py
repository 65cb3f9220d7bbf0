"""Queue: campaigns and accounts in one ranked list."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import streamlit as st

from sweeplens.report.facts import AccountRow, CampaignRow
from sweeplens.ui import data, links, parts, words
from sweeplens.ui.tables import accounts as account_tables

if TYPE_CHECKING:
    from sweeplens.report.facts import Overview
    from sweeplens.store.snapshot import Snapshot

Row = AccountRow | CampaignRow
_SHOWN = 1000  # rows of the table; who needs more narrows the filters
_SHOW = {"all": "campaigns and accounts", "campaigns": "campaigns", "accounts": "accounts"}


def show() -> None:
    """Draw the page."""
    snapshot = data.current()
    seen = data.overview(snapshot)
    parts.heading("Queue", None, _headline(seen))
    _numbers(seen)
    rows = _filtered(snapshot)
    if not rows:
        parts.nothing("Nothing in the queue matches these filters.", "Take one of the filters back.")
        return
    frame = account_tables.queue(rows[:_SHOWN], data.campaign_periods(snapshot))
    at = parts.pick(frame, account_tables.queue_columns(rows[:_SHOWN]), "queue", rows=15)
    if len(rows) > _SHOWN:
        st.caption(f"The first {words.count(_SHOWN)} of {words.count(len(rows))}; the filters narrow them down.")
    if at is not None and at < len(rows):
        row = rows[at]
        if isinstance(row, CampaignRow):
            links.go_to("campaign", campaign=row.campaign_id)
        else:
            links.go_to("account", account=row.account_id)


def ranked(snapshot: "Snapshot") -> list[Row]:
    """Return the campaigns labelled sweep and all accounts in one list: by level, then score, campaigns first.

    Among rows of its level, a campaign stands above its members, whatever their scores.
    """
    accounts = data.accounts(snapshot)
    own = {row.account_id: row.score for row in accounts}

    def key(row: Row) -> tuple[int, float]:
        members = row.accounts if isinstance(row, CampaignRow) else ()
        scores = [s for s in (row.score, *(own[a] for a in members)) if s is not None]
        # Scores count as they are written, so that a campaign stands above members that show the same score.
        return words.LEVELS.index(row.level), -round(max(scores), 2) if scores else 1.0

    return sorted([*(c for c in data.campaigns(snapshot) if c.label == "sweep"), *accounts], key=key)


def _headline(seen: "Overview") -> str:
    groups = words.counted(seen.n_campaigns, "campaign")
    flagged = f"{words.count(seen.n_flagged)} of {words.counted(seen.n_accounts, 'account')}"
    return f"{groups} and {flagged} are at review or high."


def _numbers(seen: "Overview") -> None:
    age = words.age(data.age_of(seen, datetime.now(UTC)))
    with_help = (
        ("Accounts", words.count(seen.n_accounts), "Accounts in the log."),
        ("Flagged", words.count(seen.n_flagged), "Accounts at review or high, alone or through their campaign."),
        ("Campaigns", words.count(seen.n_campaigns), "Groups of accounts that resemble one sweep."),
        (
            "Requests",
            words.count(seen.n_requests),
            f"Requests in the log, {words.period(seen.first_ts, seen.last_ts)}.",
        ),
        ("Snapshot age", age, "Time since this snapshot was built."),
    )
    for column, (label, value, help_text) in zip(st.columns(5), with_help, strict=True):
        column.metric(label, value, help=help_text)


def _filtered(snapshot: "Snapshot") -> Sequence[Row]:
    about = data.mostly_about(snapshot)
    first, second, third, fourth = st.columns([2.4, 2.6, 2, 2], vertical_alignment="bottom")
    show_only = first.segmented_control(
        "Show", list(_SHOW), default="all", required=True, key="show", bind="query-params",
        format_func=lambda s: s if s != "all" else "both",
    )  # fmt: skip
    levels = second.multiselect(
        "Level", words.LEVELS, key="level", bind="query-params", format_func=lambda w: words.LEVEL_WORDS[w],
        placeholder="any level",
    )  # fmt: skip
    topic = third.selectbox(
        "Asks most about", sorted(set(about.values())), index=None, key="about", bind="query-params",
        placeholder="anything",
    )  # fmt: skip
    needle = fourth.text_input("Id contains", key="id", bind="query-params", placeholder="part of an id", type="search")
    rows = ranked(snapshot)
    if show_only != "all":
        rows = [r for r in rows if isinstance(r, CampaignRow) == (show_only == "campaigns")]
    if levels:
        rows = [r for r in rows if r.level in levels]
    if topic:
        rows = [r for r in rows if topic in _topics(r, about)]
    if needle:
        rows = [r for r in rows if needle.casefold() in _id(r).casefold()]
    return rows


def _topics(row: Row, about: dict[str, str]) -> set[str]:
    accounts = row.accounts if isinstance(row, CampaignRow) else (row.account_id,)
    return {about[a] for a in accounts}


def _id(row: Row) -> str:
    return row.campaign_id if isinstance(row, CampaignRow) else row.account_id
