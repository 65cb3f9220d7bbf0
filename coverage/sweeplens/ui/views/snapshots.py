"""Snapshots: the builds of the store, and which two of them to compare."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import streamlit as st

from sweeplens.errors import NotFoundError
from sweeplens.report.snapshots import find_pair, made, snapshots
from sweeplens.ui import data, links, parts, words
from sweeplens.ui.reads import snapshots as reads
from sweeplens.ui.safe import code_span
from sweeplens.ui.tables import snapshots as tables
from sweeplens.ui.views.difference import show_difference

if TYPE_CHECKING:
    from pathlib import Path

    from sweeplens.store.snapshot import SnapshotInfo

_SIDES = {"before": "Older snapshot", "after": "Newer snapshot"}


def show() -> None:
    """Draw the list of snapshots, and what changed between the two of ?before=...&after=..."""
    store = data.settings().store
    rows = snapshots(store)
    _head(rows)
    try:
        pair = find_pair(store, links.wanted("before"), links.wanted("after"))
        problem = None
    except NotFoundError as error:
        pair, problem = None, error
    _list(store, rows, pair)
    st.markdown("#### What changed")
    if problem is not None:
        parts.nothing(parts.sentence(problem), "The list above has all snapshots that the store still holds.")
        if st.button("Compare the current one with the one before it", type="tertiary", key="compare-newest"):
            links.go_to("snapshots")
        return
    if pair is None:
        parts.nothing(
            "There is no older snapshot to compare with.",
            "`sweeplens update LOG` adds requests to this one and makes the next; this page then says what changed.",
        )
        return
    _choose(rows, pair)
    if pair[0] == pair[1]:
        parts.nothing("Both sides are the same snapshot.", "Choose another one on one of the sides.")
        return
    show_difference(reads.difference(*pair))


def _head(rows: "list[SnapshotInfo]") -> None:
    current = next((row for row in rows if row.current), None)
    count = f"The store holds {words.counted(len(rows), 'snapshot')}"
    if current is None:
        parts.heading("Snapshots", None, f"{count}.")
        return
    when = made(current)
    days = None if when is None else (datetime.now(UTC) - when).total_seconds() / 86_400
    parts.heading("Snapshots", None, f"{count}; the current one is {words.age(days)} old.")


@parts.fragment
def _list(store: "Path", rows: "list[SnapshotInfo]", pair: tuple[str, str] | None) -> None:
    about = [reads.standing(store, row.snapshot_id) for row in rows]
    frame = tables.snapshots(rows, about, datetime.now(UTC))
    # A click stays with the table, which would follow it again and again: another pair has another table.
    key = f"snapshots-{'-'.join(pair or ())}"
    at = parts.pick(frame, tables.snapshot_columns(), key, rows=6)
    st.caption("A click compares a snapshot with the one that it was made from. `sweeplens use ID` makes one current.")
    if at is None or at >= len(rows):
        return
    wanted = _partner(rows, rows[at])
    if wanted is None:
        st.caption(
            f"Snapshot {code_span(rows[at].snapshot_id)} was made from none, and there is no other to compare it with."
        )
    elif wanted != pair:
        links.go_to("snapshots", before=wanted[0], after=wanted[1])


def _partner(rows: "list[SnapshotInfo]", row: "SnapshotInfo") -> tuple[str, str] | None:
    """Return a snapshot and the one that it was made from, else it and the current one, the older one first."""
    if row.parent is not None and row.parent in {r.snapshot_id for r in rows}:
        return row.parent, row.snapshot_id
    current = next((r.snapshot_id for r in rows if r.current), None)
    return None if current in {None, row.snapshot_id} else (row.snapshot_id, str(current))


def _choose(rows: "list[SnapshotInfo]", pair: tuple[str, str]) -> None:
    ids = [row.snapshot_id for row in rows]
    about = {row.snapshot_id: _about(row) for row in rows}
    columns = st.columns(2, gap="medium")
    for place, (side, label), chosen in zip(columns, _SIDES.items(), pair, strict=True):
        st.session_state[f"pair-{side}"] = chosen  # the address says what is shown, not what was chosen earlier
        place.selectbox(label, ids, key=f"pair-{side}", format_func=about.__getitem__, on_change=_keep)


def _about(row: "SnapshotInfo") -> str:
    mark = ", current" if row.current else ""
    return f"{row.snapshot_id} ({words.moment(made(row))} UTC{mark})"


def _keep() -> None:
    for side in _SIDES:
        st.query_params[side] = st.session_state[f"pair-{side}"]
