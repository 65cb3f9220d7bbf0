"""Cached reads of the coverage page."""

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from sweeplens.report import coverage
from sweeplens.report.coverage import Breadth, Rank
from sweeplens.store.snapshot import Snapshot
from sweeplens.ui.data import LASTING


@st.cache_resource(max_entries=2, show_spinner="Measuring how wide accounts ask", hash_funcs=LASTING)
def breadth(snapshot: Snapshot) -> Breadth:
    """Return how wide every account asks."""
    return coverage.measure_breadth(snapshot)


@st.cache_resource(max_entries=2, show_spinner=False, hash_funcs=LASTING)
def headline(snapshot: Snapshot) -> str:
    """Return the sentence about how wide flagged accounts ask, and others."""
    return coverage.describe_breadth(snapshot, breadth(snapshot))


@st.cache_resource(max_entries=16, show_spinner="Ranking the accounts", hash_funcs=LASTING)
def ranked(snapshot: Snapshot, by: Rank, capability: int | None) -> NDArray[np.int64]:
    """Return the rows of all accounts, those to look at first on top."""
    return coverage.rank_accounts(snapshot, by, capability)
