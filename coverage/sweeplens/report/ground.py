"""Prompts, their senders and their times: the pieces that every report shows."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sweeplens.report.columns import NO_TIME, Columns, columns_of, spaced
from sweeplens.report.facts import MapPoints, PromptRow, Timeline

if TYPE_CHECKING:
    from sweeplens.store.snapshot import Snapshot

_DAY, _HOUR = 86_400_000_000, 3_600_000_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_VECTORS = 4096  # prompts whose vectors are compared to find the typical ones; more of them would not change the order


def map_points(snapshot: "Snapshot") -> MapPoints:
    """Return all prompts as columns for the map."""
    table, columns = snapshot.table("membership"), columns_of(snapshot)
    return MapPoints(
        x=np.asarray(table["x"].to_numpy(), np.float32),
        y=np.asarray(table["y"].to_numpy(), np.float32),
        cluster=columns.prompt_cluster,
        capability=columns.prompt_capability,
        level=columns.prompt_level,
        n_requests=np.asarray(snapshot.table("use")["n_requests"].to_numpy(), np.int32),
        capabilities=columns.capabilities,
    )


def prompt_rows(snapshot: "Snapshot", prompt_ids: ArrayLike) -> list[PromptRow]:
    """Return the prompts of these ids, in the order given; numbers are those of all accounts."""
    ids = np.asarray(prompt_ids, np.int64)
    sent = snapshot.table("use")["n_requests"].take(ids).to_numpy()
    return list(make_rows(snapshot, ids, sent, first_sent(snapshot, ids)))


def senders(snapshot: "Snapshot", prompt_ids: ArrayLike, top: int | None = 50) -> list[tuple[str, int]]:
    """Return (account, how many of these prompts it sent), most first, then by id."""
    columns = columns_of(snapshot)
    chosen = np.zeros(len(columns.prompt_cell), bool)
    chosen[np.asarray(prompt_ids, np.int64)] = True
    n = np.bincount(columns.pairs.account[chosen[columns.pairs.prompt]], minlength=len(columns.accounts))
    order = np.argsort(-n, kind="stable")[:top]
    return [(columns.accounts[i], int(n[i])) for i in order if n[i]]


def make_rows(
    snapshot: "Snapshot", ids: NDArray[np.int64], sent: ArrayLike, first: NDArray[np.int64]
) -> tuple[PromptRow, ...]:
    """Build prompt rows from parallel arrays: ids, times sent, first sending in microseconds."""
    columns = columns_of(snapshot)
    texts = snapshot.table("prompts")["text"].take(ids).to_pylist()
    by = snapshot.table("use")["n_accounts"].take(ids).to_pylist()
    kinds = snapshot.table("membership")["kind"].take(ids).to_pylist()
    capabilities = columns.prompt_capability[ids]
    rows = zip(
        ids.tolist(), texts, columns.prompt_cluster[ids].tolist(), capabilities.tolist(), kinds,
        np.asarray(sent).tolist(), by, first.tolist(), strict=True,
    )  # fmt: skip
    return tuple(
        PromptRow(i, text, cluster, columns.cluster_names[cluster], columns.capabilities[c][0], kind, n, m, moment(t))
        for i, text, cluster, c, kind, n, m, t in rows
    )


def first_sent(snapshot: "Snapshot", ids: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return when each prompt was first sent by anybody, in microseconds."""
    first: NDArray[np.int64] = columns_of(snapshot).first_sent[ids]
    return first


def typical_order(snapshot: "Snapshot", prompts: NDArray[np.integer]) -> NDArray[np.int64]:
    """Return the places of the prompts, typical ones first.

    The clusters take turns, those with most of the prompts first; each gives its prompt that is nearest to the mean of
    the account's own there. What is in no cluster comes last. Of many prompts an even sample is compared, and comes
    before the others.
    """
    columns = columns_of(snapshot)
    looked = spaced(len(prompts), _VECTORS)
    n = len(looked)
    cluster = columns.prompt_cluster[prompts[looked]]
    vectors = np.asarray(snapshot.vectors[prompts[looked]], np.float32)
    labels, group, size = np.unique(cluster, return_inverse=True, return_counts=True)
    means = np.zeros((len(labels), vectors.shape[1]), np.float32)
    np.add.at(means, group, vectors)
    closeness = np.einsum("ij,ij->i", vectors, means[group]) / size[group]
    turn = np.empty(n, np.int64)
    by_group = np.lexsort((-closeness, group))
    turn[by_group] = np.arange(n) - np.repeat(np.cumsum(size) - size, size)
    order = np.lexsort((group, -size[group], turn, cluster < 0))
    if n == len(prompts):
        return order
    others = np.ones(len(prompts), bool)
    others[looked] = False
    return np.concatenate([looked[order], np.flatnonzero(others)])


def make_timeline(ts: NDArray[np.int64]) -> Timeline:
    """Count requests by day and by hour of the day, in UTC."""
    known = ts[ts != NO_TIME]
    days, n = np.unique(known // _DAY, return_counts=True)
    hours = np.bincount((known // _HOUR) % 24, minlength=24)
    counted = tuple((day_of(d), c) for d, c in zip(days.tolist(), n.tolist(), strict=True))
    return Timeline(counted, tuple(hours.tolist()), len(ts) - len(known))


def requests_of(columns: Columns, accounts: Sequence[int]) -> NDArray[np.int64]:
    """Return the places in `columns.requests` of all requests of these accounts."""
    starts = columns.requests.starts
    parts = [np.arange(starts[a], starts[a + 1]) for a in accounts]
    return np.concatenate(parts) if parts else np.empty(0, np.int64)


def moment(ts: int) -> datetime | None:
    """Return microseconds since 1970 as a time, `NO_TIME` as None."""
    return None if ts == NO_TIME else _EPOCH + timedelta(microseconds=ts)


def day_of(day: int) -> date:
    """Return the date of a number of days since 1970."""
    return _EPOCH.date() + timedelta(days=day)
