"""The list of all accounts, to choose one from."""

from typing import TYPE_CHECKING

import streamlit as st

from sweeplens.ui import data, links, parts, words
from sweeplens.ui.tables import accounts as account_tables

if TYPE_CHECKING:
    from sweeplens.store.snapshot import Snapshot

_SHOWN = 1000


def choose(snapshot: "Snapshot") -> None:
    """Draw the list; a click on a row opens the account."""
    rows = data.accounts(snapshot)
    flagged = sum(r.level in {"high", "review"} for r in rows)
    parts.heading(
        "Accounts", None, f"{words.counted(len(rows), 'account')}, {words.count(flagged)} of them at review or high."
    )
    left, right, _ = st.columns([3, 4, 3], vertical_alignment="bottom")
    needle = left.text_input("Id contains", key="id", bind="query-params", placeholder="part of an id", type="search")
    levels = right.pills(
        "Level", words.LEVELS, selection_mode="multi", key="level", bind="query-params",
        format_func=words.LEVEL_WORDS.__getitem__,
    )  # fmt: skip
    folded = (needle or "").casefold()
    rows = [r for r in rows if folded in r.account_id.casefold() and (not levels or r.level in levels)]
    if not rows:
        parts.nothing(
            "No account has this in its id, or this level.", "Shorten what you look for, or take another level."
        )
        return
    frame = account_tables.queue(rows[:_SHOWN], {})
    columns = {**account_tables.queue_columns(rows[:_SHOWN]), "kind": None}
    at = parts.pick(frame, columns, "accounts", rows=17)
    if len(rows) > _SHOWN:
        st.caption(f"The first {words.count(_SHOWN)} of {words.count(len(rows))}, highest scores first.")
    if at is not None and at < len(rows):
        links.go_to("account", account=rows[at].account_id)
