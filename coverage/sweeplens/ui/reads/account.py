"""Cached reads of the pages of one account and of several."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from sweeplens.report import compare, peers, releases, showing
from sweeplens.report.compare import Comparison
from sweeplens.report.contributions import Contributions
from sweeplens.report.releases import Release
from sweeplens.store.snapshot import Snapshot
from sweeplens.text import one_line
from sweeplens.ui import data

_ID = 80  # characters of an id in a list to choose from


@st.cache_resource(max_entries=64, show_spinner=False, hash_funcs=data.LASTING)
def contributions(snapshot: Snapshot, account_id: str) -> Contributions | None:
    """Return what an account's score is the sum of, None where that is not known."""
    return peers.add_up(snapshot, account_id)


@st.cache_resource(max_entries=64, show_spinner="Looking for prompts that show it", hash_funcs=data.LASTING)
def prompts_showing(snapshot: Snapshot, account_id: str, signal: str) -> NDArray[np.int64]:
    """Return the ids of prompts of an account that show a signal."""
    return showing.prompts_showing(snapshot, account_id, signal)


def comparison(snapshot: Snapshot, account_ids: Sequence[str]) -> Comparison:
    """Return what is known about a few accounts together; texts are left out where prompts are hidden."""
    return _comparison(snapshot, tuple(account_ids), data.hidden())


@st.cache_resource(max_entries=16, show_spinner="Comparing", hash_funcs=data.KEY)
def _comparison(snapshot: Snapshot, account_ids: tuple[str, ...], hide: bool) -> Comparison:
    found = compare.compare_accounts(snapshot, [data.account_evidence(snapshot, a) for a in account_ids])
    return replace(found, links=data.without_prompts(found.links)) if hide else found


@st.cache_resource(max_entries=2, show_spinner=False, hash_funcs=data.LASTING)
def choices(snapshot: Snapshot) -> dict[str, str]:
    """Return all account ids as they stand in a list to choose from, no two alike, with the id; high scores first."""
    found: dict[str, str] = {}
    for n, row in enumerate(data.accounts(snapshot), 1):
        shown = one_line(row.account_id, _ID)
        found[f"{shown} (row {n})" if shown in found else shown] = row.account_id
    return found


def releases_of(snapshot: Snapshot) -> tuple[Release, ...]:
    """Return the releases of the file that the settings name, and the first day of each model that the log names.

    Raises `ConfigError` where the file does not hold releases.
    """
    path = data.settings().releases
    told = () if path is None else _told(str(path), _written(path))
    return tuple(sorted((*told, *_models(snapshot)), key=lambda release: release.day))


def _written(path: Path) -> int:
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return 0  # reading it says what is wrong


@st.cache_data(max_entries=2, show_spinner=False)
def _told(path: str, written: int) -> tuple[Release, ...]:
    del written  # a part of the key: a file that was edited is read again
    return releases.load_releases(Path(path))


@st.cache_resource(max_entries=2, show_spinner=False, hash_funcs=data.LASTING)
def _models(snapshot: Snapshot) -> tuple[Release, ...]:
    return tuple(Release(r.day, f"first {r.name}") for r in releases.first_days(snapshot))
