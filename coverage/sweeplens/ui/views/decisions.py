"""Decisions: what was decided, by whom, what is open again, and what an audit lets expect."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import streamlit as st

from sweeplens.evaluate.verdicts import Audit, describe_audit
from sweeplens.report.decisions import Decided, allow_list
from sweeplens.review.trade import write_csv, write_jsonl
from sweeplens.review.verdicts import VERDICTS, Verdict
from sweeplens.text import one_line
from sweeplens.ui import access, data, downloads, links, parts, words
from sweeplens.ui.reads import decisions as reads
from sweeplens.ui.tables import decisions as decision_tables

if TYPE_CHECKING:
    from sweeplens.store.snapshot import Snapshot

SOON = 14  # days within which an entry of the allow-list ends soon
_SHOWN = 1000  # rows of a table; who needs more narrows the filters
_KINDS = {"all": "both", "accounts": "accounts", "campaigns": "campaigns"}


def show() -> None:
    """Draw the page."""
    snapshot = data.current()
    rows = reads.trail(snapshot)
    parts.heading("Decisions", None, _headline(rows))
    _standing(snapshot)
    _audit(snapshot)
    _trail(snapshot)
    if access.visitor().role == "admin":
        _looks(snapshot)


def _headline(rows: Sequence[Decided]) -> str:
    found = _verdicts(rows)
    if not found:
        return "Nothing is decided yet."
    people = words.counted(len({(v.analyst, v.verified) for v in found}), "analyst")
    again = sum(row.state == "reopened" for row in rows)
    still = {0: "no case is", 1: "1 case is"}.get(again, f"{words.count(again)} cases are")
    return f"{words.counted(len(found), 'verdict')} by {people}; {still} open again."


def _verdicts(rows: Sequence[Decided]) -> list[Verdict]:
    return [row.verdict for row in rows if row.verdict is not None]


@parts.fragment
def _standing(snapshot: "Snapshot") -> None:
    """Draw what is open again, and the allow-list, side by side."""
    rows, now = reads.trail(snapshot), datetime.now(UTC)
    again = [row for row in rows if row.state == "reopened"]
    allowed = allow_list(rows, now)
    if not again and not allowed:
        return
    left, right = st.columns([1.25, 1], gap="medium")
    with left:
        st.markdown(
            f"**{_are(len(again), 'case')} open again**",
            help="A case is open again when its entry of the allow-list ends, when its level rises above that at which "
            "it was decided, and a campaign's when fewer than 0.7 of its members, then and now, are the same.",
        )
        at = None
        if again:
            frame = decision_tables.reopened(again[:_SHOWN])
            at = parts.pick(frame, decision_tables.reopened_columns(), "open-again", rows=6)
        else:
            st.caption("What was decided holds for all that it was decided on.")
    _open(again, at)
    soon, entries = len(allow_list(allowed, now, days=SOON)), "entry" if len(allowed) == 1 else "entries"
    with right:
        st.markdown(
            f"**{words.count(soon)} of {words.count(len(allowed))} allow-list {entries} "
            f"{'ends' if soon == 1 else 'end'} within {SOON} days**",
            help="An entry keeps a case from being asked about again; it takes nothing out of scores and grouping.",
        )
        at = None
        if allowed:
            frame = decision_tables.allowed(allowed[:_SHOWN], now)
            at = parts.pick(frame, decision_tables.allowed_columns(), "allow-list", rows=6)
        else:
            st.caption("Benign, benchmark and tenant make an entry.")
    _open(allowed, at)


def _are(n: int, noun: str) -> str:
    return f"{words.counted(n, noun)} {'is' if n == 1 else 'are'}"


def _open(rows: Sequence[Decided], at: int | None) -> None:
    """Open the case of the row that was clicked."""
    if at is not None and at < len(rows):
        links.go_to(rows[at].kind, **{rows[at].kind: rows[at].subject})


@parts.fragment
def _audit(snapshot: "Snapshot") -> None:
    """Draw how far the random audit is, what it says, and who is next."""
    audit = reads.judged(snapshot).audit
    st.markdown(
        "**What the random audit says about accounts below review**",
        help=f"The setting audit draws {100 * audit.share:g} % of the accounts by the store's key, whatever their "
        "level. Decided as they are found, they tell what is missed among those that nobody looks at.",
    )
    if audit.drawn:
        st.progress(audit.reviewed / audit.drawn)
    st.text(words.thin(describe_audit(audit)))
    _next(snapshot, audit)


def _next(snapshot: "Snapshot", audit: Audit) -> None:
    waiting = reads.to_audit(snapshot) if audit.drawn else []
    if not waiting:
        return
    with st.expander(f"{words.counted(len(waiting), 'account')} to audit", key="to-audit", on_change="rerun") as box:
        if not box.open:
            return
        frame = decision_tables.to_audit(waiting[:_SHOWN])
        at = parts.pick(frame, decision_tables.to_audit_columns(), "audit-next", rows=8)
    if at is not None and at < len(waiting):
        links.go_to("account", account=waiting[at].account_id)


@parts.fragment
def _trail(snapshot: "Snapshot") -> None:
    """Draw all verdicts, the newest first."""
    rows = [row for row in reads.trail(snapshot) if row.verdict is not None]
    st.markdown(
        "**All verdicts, the newest first**",
        help="Nothing here is ever changed: a later verdict replaces an earlier one, and both stay. A name is verified "
        "where a login has proven it.",
    )
    if not rows:
        parts.nothing("Nobody has left a verdict.", "Open an account or a campaign and choose one there.")
        return
    last = {(row.kind, row.subject): row.verdict.id for row in reversed(rows) if row.verdict is not None}
    replaced = {v.id for v in _verdicts(rows)} - set(last.values())
    rows = _filtered(rows)
    if not rows:
        parts.nothing("No verdict matches these filters.", "Take one of the filters back.")
        return
    frame = decision_tables.trail(rows[:_SHOWN], replaced)
    at = parts.pick(frame, decision_tables.trail_columns(), "trail", rows=14)
    if len(rows) > _SHOWN:
        st.caption(f"The first {words.count(_SHOWN)} of {words.count(len(rows))}; the filters narrow them down.")
    found = _verdicts(rows)[::-1]
    help_text = "With everything that is known of them, for `sweeplens verdicts import` to read back."
    with st.container(horizontal=True):
        downloads.offer("Save as CSV", "verdicts", lambda: write_csv(found), key="csv", kind="csv", help=help_text)
        downloads.offer(
            "Save as JSONL", "verdicts", lambda: write_jsonl(found), key="jsonl", kind="jsonl", help=help_text
        )
    _open(rows, at)


def _filtered(rows: list[Decided]) -> list[Decided]:
    first, second, third = st.columns([2.6, 3, 2.4], vertical_alignment="bottom")
    names = sorted({v.analyst for v in _verdicts(rows)})
    analysts = first.multiselect(
        "Analyst", names, key="analyst", bind="query-params", placeholder="anybody",
        format_func=lambda name: one_line(name, 40),
    )  # fmt: skip
    given = second.multiselect("Verdict", VERDICTS, key="verdict", bind="query-params", placeholder="any verdict")
    kind = third.segmented_control(
        "Of", list(_KINDS), default="all", required=True, key="kind", bind="query-params",
        format_func=lambda k: _KINDS[k],
    )  # fmt: skip
    return [
        row
        for row in rows
        if row.verdict is not None
        and (not analysts or row.verdict.analyst in analysts)
        and (not given or row.verdict.verdict in given)
        and kind in {"all", f"{row.kind}s"}
    ]


def _looks(snapshot: "Snapshot") -> None:
    rows = reads.looks(snapshot)
    if not rows:
        return
    with st.expander(f"Who read hidden prompts ({words.count(len(rows))})", key="looks"):
        st.dataframe(
            decision_tables.looks(rows), hide_index=True, column_config=decision_tables.looks_columns(),
            key="looks-table",
        )  # fmt: skip
