"""Cached access to the snapshot: opened once for all sessions, evidence kept for the pages that were looked at last.

Everything comes from `report`, so that a number here is the number that the command line prints. What is cached is
immutable and shared between sessions; its key is the snapshot's folder, which never changes.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import streamlit as st
from numpy.typing import ArrayLike, NDArray

from sweeplens.config import Settings, load_settings
from sweeplens.errors import NotFoundError
from sweeplens.report import account, campaign, cluster, ground, queue, search
from sweeplens.report.cases import Cases, Subject, cases_of
from sweeplens.report.cases import audited as draw_audit
from sweeplens.report.columns import columns_of
from sweeplens.report.compare import LinkInCommon
from sweeplens.report.facts import (
    AccountEvidence,
    AccountRow,
    CampaignEvidence,
    CampaignRow,
    ClusterEvidence,
    ClusterRow,
    Hit,
    LinkFact,
    MapPoints,
    Overview,
    PromptRow,
    SharedLink,
)  # fmt: skip
from sweeplens.review.database import review_stamp
from sweeplens.review.verdicts import Verdict, latest_verdicts
from sweeplens.store.snapshot import Snapshot, open_snapshot, read_current, read_manifest

_FRESH = 60.0  # seconds after which entries of the allow-list are looked at again
MAX_PROMPTS = 2000  # prompts of one account or campaign that are listed, the typical ones first
Period = tuple[datetime | None, datetime | None]
Linked = TypeVar("Linked", LinkFact, SharedLink, LinkInCommon)


def _folder(snapshot: Snapshot) -> str:
    return str(snapshot.folder)


def _named(snapshot: Snapshot) -> str:
    return f"{snapshot.folder} {columns_of(snapshot).naming.last}"


KEY: dict[str | type[Any], Callable[[Any], Any]] = {Snapshot: _named}  # for what shows names of clusters
LASTING: dict[str | type[Any], Callable[[Any], Any]] = {Snapshot: _folder}  # for what does not


def settings() -> Settings:
    """Return the settings of this process; `sweeplens app` hands its own over in the environment."""
    return load_settings()


def current() -> Snapshot:
    """Return the snapshot that CURRENT names now; raises `StoreError` and its kin."""
    store = settings().store
    snapshot_id, digest = read_current(store)
    snapshot = _opened(str(store.resolve()), snapshot_id, digest)
    columns_of(snapshot).read_names()  # what somebody called a cluster is seen by all at the next click
    return snapshot


@st.cache_resource(max_entries=2, show_spinner="Opening the snapshot")
def _opened(store: str, snapshot_id: str, digest: str) -> Snapshot:
    snapshot = open_snapshot(Path(store), snapshot_id)
    read_manifest(snapshot.folder, digest)
    return snapshot


@st.cache_resource(max_entries=2, show_spinner=False, hash_funcs=LASTING)
def overview(snapshot: Snapshot) -> Overview:
    """Return the numbers of the snapshot. The age in it is that of the first look: `age_of` has the present one."""
    return queue.overview(snapshot)


def age_of(seen: Overview, now: datetime) -> float | None:
    """Return the age of the snapshot in days."""
    return None if seen.created is None else (now - seen.created).total_seconds() / 86_400


@st.cache_resource(max_entries=2, show_spinner="Ranking the accounts", hash_funcs=LASTING)
def accounts(snapshot: Snapshot) -> list[AccountRow]:
    """Return all accounts, those to look at first on top."""
    return queue.account_queue(snapshot)


@st.cache_resource(max_entries=2, show_spinner=False, hash_funcs=LASTING)
def account_rows(snapshot: Snapshot) -> dict[str, AccountRow]:
    """Return all accounts by their id."""
    return {row.account_id: row for row in accounts(snapshot)}


@st.cache_resource(max_entries=2, show_spinner=False, hash_funcs=LASTING)
def campaigns(snapshot: Snapshot) -> list[CampaignRow]:
    """Return all groups, whatever their label, those to look at first on top."""
    return queue.campaign_queue(snapshot, include_all=True)


def hidden() -> bool:
    """Say whether prompt text stays on the server until somebody asks for one prompt."""
    return settings().hide_prompts


def account_evidence(snapshot: Snapshot, account_id: str) -> AccountEvidence:
    """Return everything that is shown about one account; texts are None where prompts are hidden."""
    return _account_evidence(snapshot, account_id, hidden())


@st.cache_resource(max_entries=24, show_spinner="Gathering the evidence", hash_funcs=KEY)
def _account_evidence(snapshot: Snapshot, account_id: str, hide: bool) -> AccountEvidence:
    found = account.account_evidence(snapshot, account_id, max_prompts=MAX_PROMPTS)
    if not hide:
        return found
    return replace(found, prompts=_without_text(found.prompts), links=without_prompts(found.links))


def campaign_evidence(snapshot: Snapshot, campaign_id: str) -> CampaignEvidence:
    """Return everything that is shown about one campaign; texts are None where prompts are hidden."""
    return _campaign_evidence(snapshot, campaign_id, hidden())


@st.cache_resource(max_entries=8, show_spinner="Gathering the evidence", hash_funcs=KEY)
def _campaign_evidence(snapshot: Snapshot, campaign_id: str, hide: bool) -> CampaignEvidence:
    found = campaign.campaign_evidence(snapshot, campaign_id, max_prompts=MAX_PROMPTS)
    if not hide:
        return found
    return replace(found, prompts=_without_text(found.prompts), links=without_prompts(found.links))


def without_prompts(rows: tuple[Linked, ...]) -> tuple[Linked, ...]:
    """Return what accounts have in common, without the text of system prompts, which are prompts as well."""
    return tuple(replace(row, value="(text not shown)") if row.kind == "system_prompt" else row for row in rows)


def _without_text(rows: Sequence[PromptRow]) -> tuple[PromptRow, ...]:
    return tuple(replace(row, text=None) for row in rows)


def prompt_rows(snapshot: Snapshot, prompt_ids: ArrayLike) -> list[PromptRow]:
    """Return the prompts of these ids, in the order given; texts are None where prompts are hidden."""
    rows = ground.prompt_rows(snapshot, prompt_ids)
    return list(_without_text(rows)) if hidden() else rows


def text_of(snapshot: Snapshot, prompt_id: int) -> str | None:
    """Return the text of one prompt, hidden or not; `note_look` comes first where it is."""
    return ground.prompt_rows(snapshot, [prompt_id])[0].text


def note_look(snapshot: Snapshot, prompt_id: int) -> None:
    """Note in the review file who reads a hidden prompt; raises `StoreError` where it cannot be noted."""
    from sweeplens.review.looks import add_look
    from sweeplens.ui.access import visitor

    add_look(settings().store, prompt_id, by=visitor().person, snapshot_id=snapshot.snapshot_id)


def cases(snapshot: Snapshot) -> Cases:
    """Return the state of review of all accounts and campaigns, as it is now."""
    stamp = review_stamp(snapshot.folder.parent)
    return _cases(snapshot, stamp, settings().allow_days)


@st.cache_resource(max_entries=4, ttl=_FRESH, show_spinner=False, hash_funcs=KEY)
def _cases(snapshot: Snapshot, stamp: tuple[int, ...], allow_days: int) -> Cases:
    del stamp  # a part of the key: what was written since makes another one
    return cases_of(snapshot, allow_days=allow_days)


def last_verdicts(snapshot: Snapshot) -> dict[Subject, Verdict]:
    """Return the last verdict on each account and campaign."""
    store = snapshot.folder.parent
    return _last_verdicts(store, review_stamp(store))


@st.cache_resource(max_entries=4, show_spinner=False)
def _last_verdicts(store: Path, stamp: tuple[int, ...]) -> dict[Subject, Verdict]:
    del stamp
    return latest_verdicts(store)


def assignees(snapshot: Snapshot) -> dict[Subject, str]:
    """Return who is to look at each case that somebody is assigned to."""
    return {key: case.assignee for key, case in cases(snapshot).known.items() if case.assignee}


def audited(snapshot: Snapshot) -> frozenset[str]:
    """Return the accounts that are drawn at random for the audit."""
    return _audited(snapshot, settings().audit)


@st.cache_resource(max_entries=4, show_spinner=False, hash_funcs=KEY)
def _audited(snapshot: Snapshot, share: float) -> frozenset[str]:
    return draw_audit(snapshot, share)


@st.cache_resource(max_entries=2, show_spinner=False, hash_funcs=KEY)
def clusters(snapshot: Snapshot) -> list[ClusterRow]:
    """Return all clusters, those with most prompts first."""
    return cluster.cluster_table(snapshot)


def cluster_evidence(snapshot: Snapshot, cluster_id: str) -> ClusterEvidence:
    """Return everything that is shown about one cluster; its id comes from the address."""
    if not cluster_id.isascii() or not cluster_id.isdecimal() or len(cluster_id) > 9:
        raise NotFoundError(f"a cluster's id is a number, but the address says {cluster_id[:40]!r}")
    return _cluster_evidence(snapshot, int(cluster_id), hidden())


@st.cache_resource(max_entries=16, show_spinner="Gathering the evidence", hash_funcs=KEY)
def _cluster_evidence(snapshot: Snapshot, cluster_id: int, hide: bool) -> ClusterEvidence:
    found = cluster.cluster_evidence(snapshot, cluster_id)
    if not hide:
        return found
    return replace(found, prompts=_without_text(found.prompts), exemplars=_without_text(found.exemplars))


@st.cache_resource(max_entries=2, show_spinner="Drawing the map", hash_funcs=LASTING)
def map_points(snapshot: Snapshot) -> MapPoints:
    """Return all prompts as columns."""
    return ground.map_points(snapshot)


def peer_values(snapshot: Snapshot, account_ids: Sequence[str], signal: str) -> NDArray[np.float64]:
    """Return the value of one signal for each of these accounts, without those that lack it."""
    columns = columns_of(snapshot)
    if signal not in columns.signals.names:
        return np.empty(0)
    rows = np.array([columns.position[a] for a in account_ids], np.int64)
    values: NDArray[np.float64] = columns.signals.values[rows, columns.signals.names.index(signal)]
    return values[~np.isnan(values)]


@st.cache_resource(max_entries=32, show_spinner="Encoding the text", hash_funcs=LASTING)
def _vector(snapshot: Snapshot, text: str) -> NDArray[np.float32]:
    from sweeplens.pipeline import encode_query

    return encode_query(snapshot, text, settings())


def search_text(snapshot: Snapshot, text: str, k: int = 50) -> list[Hit]:
    """Return the prompts nearest to a text; raises `EncoderError` where the snapshot's encoder is not at hand."""
    hits = search.search(snapshot, _vector(snapshot, text), k)
    return [replace(hit, text=None) for hit in hits] if hidden() else hits
