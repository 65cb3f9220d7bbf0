"""Cached reads of the page of snapshots: what each says, and what changed between two.

Snapshots other than the current one are opened only as long as they are compared, so that they take no memory from it,
and `prune` may remove them.
"""

import gc
from contextlib import ExitStack
from pathlib import Path

import streamlit as st

from sweeplens.report.changes import Difference
from sweeplens.report.columns import columns_of
from sweeplens.report.difference import difference as compare
from sweeplens.report.snapshots import Standing
from sweeplens.report.snapshots import standing as read_standing
from sweeplens.store.snapshot import Snapshot, open_snapshot
from sweeplens.ui import data

TOP = 100  # rows of each list of a difference


@st.cache_resource(max_entries=200, show_spinner="Looking into the snapshots")
def standing(store: Path, snapshot_id: str) -> Standing:
    """Return what a snapshot says beside its counts; it never changes."""
    return read_standing(store, snapshot_id)


def difference(before: str, after: str) -> Difference:
    """Return what changed between two snapshots; raises `NotFoundError` for one that is not there."""
    current = data.current()
    return _difference(current, before, after)


@st.cache_resource(
    max_entries=8, hash_funcs=data.KEY,
    show_spinner="Comparing the two snapshots: prompts, clusters, campaigns, accounts and signals",
)  # fmt: skip
def _difference(current: Snapshot, before: str, after: str) -> Difference:
    columns_of(current)  # kept, where the others are not
    with ExitStack() as held:

        def opened(snapshot_id: str) -> Snapshot:
            if snapshot_id == current.snapshot_id:
                return current
            return held.enter_context(open_snapshot(current.folder.parent, snapshot_id))

        facts = compare(opened(before), opened(after), top=TOP)
    gc.collect()  # a snapshot and its columns hold each other
    return facts
