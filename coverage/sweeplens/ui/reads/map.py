"""Cached reads of the map: columns of all prompts, and what is computed for a selection."""

import hashlib
from collections.abc import Callable
from datetime import date
from typing import Any

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from sweeplens.report import ground, search, selection, terms
from sweeplens.report.columns import columns_of
from sweeplens.report.coverage import rank_accounts
from sweeplens.report.find import find_account, find_campaign
from sweeplens.report.search import Near
from sweeplens.report.selection import Filter, PromptFields, Senders
from sweeplens.report.terms import Background, Term
from sweeplens.store.snapshot import Snapshot
from sweeplens.ui import data
from sweeplens.ui.charts import atlas
from sweeplens.ui.data import LASTING
from sweeplens.ui.selection import Drawn, inside
from sweeplens.ui.theme import PALETTES, Mode

Ids = NDArray[np.int64]


def key_of(ids: Ids) -> str:
    """Return what stands for a selection among cached answers."""
    return hashlib.blake2b(ids.tobytes(), digest_size=16).hexdigest()


_SELECTION: dict[str | type[Any], Callable[[Any], Any]] = {**LASTING, np.ndarray: key_of}


@st.cache_resource(max_entries=2, show_spinner=False, hash_funcs=LASTING)
def fields(snapshot: Snapshot) -> PromptFields:
    """Return what prompts are filtered by."""
    return selection.prompt_fields(snapshot)


@st.cache_resource(max_entries=2, show_spinner=False, hash_funcs=LASTING)
def ranks(snapshot: Snapshot) -> NDArray[np.int32]:
    """Return the order in which prompts are drawn where not all are."""
    return atlas.rank_points(data.map_points(snapshot).cluster)


@st.cache_resource(max_entries=2, show_spinner=False, hash_funcs=LASTING)
def times(snapshot: Snapshot) -> atlas.Times:
    """Return when each prompt was first sent."""
    return atlas.days_of(fields(snapshot).first)


@st.cache_resource(max_entries=2, show_spinner=False, hash_funcs=LASTING)
def days(snapshot: Snapshot) -> tuple[date, date] | None:
    """Return the first and the last day on which a prompt was sent for the first time, or None without times."""
    known = times(snapshot).days[~np.isnan(times(snapshot).days)]
    return (ground.day_of(int(known.min())), ground.day_of(int(known.max()))) if len(known) else None


@st.cache_resource(max_entries=2, show_spinner="Reading the words of the log", hash_funcs=LASTING)
def background(snapshot: Snapshot) -> Background:
    """Return prompts that stand for all, by their words."""
    return terms.read_background(snapshot)


@st.cache_resource(max_entries=4, show_spinner=False, hash_funcs=LASTING)
def cluster_colours(snapshot: Snapshot, mode: Mode) -> atlas.Colouring:
    """Return the colours of all clusters in a theme."""
    return atlas.colour_clusters(PALETTES[mode], data.map_points(snapshot), data.clusters(snapshot))


@st.cache_resource(max_entries=8, show_spinner=False, hash_funcs=LASTING)
def passing(snapshot: Snapshot, wanted: Filter) -> NDArray[np.bool_]:
    """Return which prompts pass a filter."""
    return selection.passing(data.map_points(snapshot), fields(snapshot), wanted)


@st.cache_resource(max_entries=4, show_spinner=False, hash_funcs=LASTING)
def within(snapshot: Snapshot, drawn: Drawn) -> Ids:
    """Return the prompts inside a drawing."""
    return inside(data.map_points(snapshot), drawn)


@st.cache_resource(max_entries=32, show_spinner=False, hash_funcs=LASTING)
def prompts_of(snapshot: Snapshot, account_id: str) -> Ids:
    """Return the distinct prompts of an account; raises `NotFoundError`."""
    row, pairs = find_account(snapshot, account_id), columns_of(snapshot).pairs
    return pairs.prompt[pairs.starts[row] : pairs.starts[row + 1]].astype(np.int64)


@st.cache_resource(max_entries=8, show_spinner=False, hash_funcs=LASTING)
def prompts_of_campaign(snapshot: Snapshot, campaign_id: str) -> Ids:
    """Return the distinct prompts of all members of a campaign; raises `NotFoundError`."""
    columns = columns_of(snapshot)
    member = np.zeros(len(columns.accounts), bool)
    member[[columns.position[a] for a in find_campaign(snapshot, campaign_id).accounts]] = True
    return np.unique(columns.pairs.prompt[member[columns.pairs.account]]).astype(np.int64)


@st.cache_resource(max_entries=16, show_spinner="Looking for what is like it", hash_funcs=LASTING)
def like_prompt(snapshot: Snapshot, prompt_id: int, k: int) -> Near:
    """Return the prompts nearest to a prompt; raises `NotFoundError`."""
    return search.near_prompt(snapshot, prompt_id, k)


@st.cache_resource(max_entries=16, show_spinner="Looking for what is like its prompts", hash_funcs=LASTING)
def like_account(snapshot: Snapshot, account_id: str, k: int) -> Near:
    """Return the prompts of others nearest to those of an account; raises `NotFoundError`."""
    return search.near_account(snapshot, account_id, k)


@st.cache_resource(max_entries=8, show_spinner=False, hash_funcs=LASTING)
def account_codes(snapshot: Snapshot, accounts: tuple[str, ...]) -> NDArray[np.int16]:
    """Return for each prompt which of the accounts sent it, -1 for none; of several the first."""
    codes = np.full(len(columns_of(snapshot).prompt_cell), -1, np.int16)
    for place, account in reversed(list(enumerate(accounts))):
        codes[prompts_of(snapshot, account)] = place
    return codes


@st.cache_resource(max_entries=2, show_spinner=False, hash_funcs=LASTING)
def first_accounts(snapshot: Snapshot) -> Ids:
    """Return the rows of all accounts, those to look at first on top."""
    return rank_accounts(snapshot, "level")


@st.cache_resource(max_entries=2, show_spinner=False, hash_funcs=LASTING)
def largest_senders(snapshot: Snapshot) -> tuple[str, ...]:
    """Return the accounts with most distinct prompts."""
    columns = columns_of(snapshot)
    order = np.argsort(-np.diff(columns.pairs.starts), kind="stable")[: atlas.COLOURS]
    return tuple(columns.accounts[i] for i in order)


@st.cache_resource(max_entries=8, show_spinner="Comparing the accounts", hash_funcs=_SELECTION)
def senders(snapshot: Snapshot, ids: Ids) -> Senders:
    """Return who sent a selection, and how much more often than others."""
    return selection.measure_senders(snapshot, ids)


@st.cache_resource(max_entries=8, show_spinner="Reading the selection", hash_funcs=_SELECTION)
def words_of(snapshot: Snapshot, ids: Ids) -> list[Term]:
    """Return the words that set a selection apart; not to be asked for where prompts are hidden."""
    return terms.distinctive_terms(snapshot, ids, background(snapshot))


@st.cache_resource(max_entries=8, show_spinner=False, hash_funcs=_SELECTION)
def typical(snapshot: Snapshot, ids: Ids, most: int) -> Ids:
    """Return the first prompts of a selection, typical ones first."""
    return ids[ground.typical_order(snapshot, ids)[:most]]
