"""Cached reads of the queue: the ranked columns, the snapshot before, and what an analyst has not seen yet."""

from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from sweeplens.errors import StoreError
from sweeplens.report import narrowing, ranking, standing
from sweeplens.report.narrowing import Desk, Fields
from sweeplens.report.ranking import Ranking
from sweeplens.report.standing import Earlier
from sweeplens.review.desk import Visit, note_visit
from sweeplens.store.snapshot import Snapshot
from sweeplens.ui import access, data, words
from sweeplens.ui.data import KEY

_NOTED = "queue-visit"


@dataclass(frozen=True, eq=False)
class News:
    """What changed: `change` as in `Desk`, what it is held against (empty for nothing), and what is gone, in words."""

    change: NDArray[np.int8]
    since: str
    gone: str = ""


@st.cache_resource(max_entries=2, show_spinner="Ranking the accounts", hash_funcs=KEY)
def ranked(snapshot: Snapshot) -> Ranking:
    """Return the rows of the queue as columns."""
    return ranking.rank(snapshot)


@st.cache_resource(max_entries=2, show_spinner=False, hash_funcs=KEY)
def fields(snapshot: Snapshot) -> Fields:
    """Return what accounts can be narrowed down by."""
    return Fields(snapshot)


def parent(snapshot: Snapshot) -> Earlier | None:
    """Return the snapshot before, or None where there is none or it is gone."""
    name = standing.parent_of(snapshot)
    return None if name is None else _earlier(snapshot.folder.parent, name)


@st.cache_resource(max_entries=4, ttl="10m", show_spinner="Reading the snapshot before")
def _earlier(store: Path, snapshot_id: str) -> Earlier | None:
    return standing.read_earlier(store, snapshot_id)


def desk(snapshot: Snapshot, change: NDArray[np.int8]) -> Desk:
    """Return what is known about each row besides the snapshot, as it is now."""
    return narrowing.lay_out(ranked(snapshot), data.cases(snapshot), data.audited(snapshot), change)


def news(snapshot: Snapshot) -> News:
    """Return what is new to this analyst: since the last visit, else since the snapshot before."""
    rows, visit = ranked(snapshot), _last_visit(snapshot)
    if visit is not None and visit.snapshot_id == snapshot.snapshot_id:
        return News(standing.changes_since(rows, None), f"since your last visit, {_when(visit.at)}")
    if visit is not None:
        seen = _earlier(snapshot.folder.parent, visit.snapshot_id)
        if seen is not None:
            return News(_changes(snapshot, visit.snapshot_id, seen), f"since your last visit, {_when(visit.at)}")
    before, name = parent(snapshot), standing.parent_of(snapshot)
    gone = "" if visit is None else f"the snapshot of your last visit, {_when(visit.at)}, is gone"
    if before is None or name is None:
        return News(standing.changes_since(rows, None), "", gone)
    return News(_changes(snapshot, name, before), f"since the snapshot before, {_when(before.created)}", gone)


@st.cache_resource(max_entries=4, show_spinner=False, hash_funcs=KEY)
def _changes(snapshot: Snapshot, earlier: str, _seen: Earlier) -> NDArray[np.int8]:
    del earlier  # a part of the key; what it stands for is not
    return standing.changes_since(ranked(snapshot), _seen)


def _last_visit(snapshot: Snapshot) -> Visit | None:
    """Return the visit before this one; notes this one once a session and snapshot, where it can be written."""
    noted: tuple[str, Visit | None] | None = st.session_state.get(_NOTED)
    if noted is None or noted[0] != snapshot.snapshot_id:
        before = None
        if access.may_write():
            with suppress(StoreError):  # a store that is only read keeps no visits
                before = note_visit(snapshot.folder.parent, access.visitor().person, snapshot.snapshot_id)
        noted = st.session_state[_NOTED] = snapshot.snapshot_id, before
    return noted[1]


def _when(at: datetime | None) -> str:
    return words.day(at)
