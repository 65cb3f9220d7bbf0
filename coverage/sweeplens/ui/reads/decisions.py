"""Cached reads of the page of decisions; what was written since makes other ones."""

import streamlit as st

from sweeplens.evaluate.verdicts import MEANING, Reviewed, account_verdicts, judge_verdicts
from sweeplens.report.cases import Cases
from sweeplens.report.decisions import Decided, decisions_of
from sweeplens.report.facts import FLAGGED, AccountRow
from sweeplens.review.database import review_stamp
from sweeplens.review.looks import Look, all_looks
from sweeplens.store.snapshot import Snapshot
from sweeplens.ui import data


def trail(snapshot: Snapshot) -> list[Decided]:
    """Return all that was ever decided, the newest first, and cases that are only assigned."""
    settings = data.settings()
    return _trail(snapshot, review_stamp(snapshot.folder.parent), settings.allow_days, data.cases(snapshot))


@st.cache_resource(max_entries=2, ttl=60.0, show_spinner="Reading the verdicts", hash_funcs=data.LASTING)
def _trail(snapshot: Snapshot, stamp: tuple[int, ...], allow_days: int, _cases: Cases) -> list[Decided]:
    del stamp, allow_days  # parts of the key
    return decisions_of(snapshot, _cases, replaced=True)


def judged(snapshot: Snapshot) -> Reviewed:
    """Return what the verdicts come to, and what the audit lets expect."""
    return _judged(snapshot, review_stamp(snapshot.folder.parent), data.settings().audit)


@st.cache_resource(max_entries=2, show_spinner="Counting the audit", hash_funcs=data.LASTING)
def _judged(snapshot: Snapshot, stamp: tuple[int, ...], share: float) -> Reviewed:
    del stamp
    return judge_verdicts(snapshot, share)


def to_audit(snapshot: Snapshot) -> list[AccountRow]:
    """Return the accounts of the audit slice, below review, of which no verdict says yet what they are."""
    return _to_audit(snapshot, review_stamp(snapshot.folder.parent), data.settings().audit)


@st.cache_resource(max_entries=2, show_spinner=False, hash_funcs=data.LASTING)
def _to_audit(snapshot: Snapshot, stamp: tuple[int, ...], share: float) -> list[AccountRow]:
    del stamp, share
    known = {a for a, v in account_verdicts(snapshot.folder.parent, snapshot).items() if v.verdict in MEANING}
    rows = data.account_rows(snapshot)
    drawn = sorted(data.audited(snapshot))
    return [rows[a] for a in drawn if a in rows and a not in known and rows[a].level not in FLAGGED]


def looks(snapshot: Snapshot) -> list[Look]:
    """Return who read hidden prompts, the last ones first."""
    return all_looks(snapshot.folder.parent)
