"""The members of a campaign side by side: on which ground, how alike, and at which times."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from sweeplens.report.columns import NO_TIME, Columns, columns_of, names_of, spaced, times
from sweeplens.report.facts import Matrix, Timeline
from sweeplens.report.ground import day_of, moment

if TYPE_CHECKING:
    from sweeplens.store.snapshot import Snapshot

_CLUSTERS = 20  # columns of the matrix of clusters
_PER_MEMBER = 256  # prompts whose mean stands for an account
_POPULATION = 20_000  # prompts whose mean stands for everybody
_OTHERS = 200  # accounts of the log that say how alike two accounts usually are
_PER_OTHER = 64
_FEW = 20  # accounts with enough prompts below which nothing is said about two accounts in general
_ENOUGH = 5  # prompts of such an account, at least
_LONGEST = 366  # days that are all shown, empty ones too
_DAY, _HOUR = 86_400_000_000, 3_600_000_000
Rows = NDArray[np.int64]  # accounts, as their rows in the accounts table


def rank_members(columns: Columns, members: Rows) -> Rows:
    """Return the members as the queue ranks them: by level, then score (none last), then id."""
    scores = np.where(np.isnan(columns.scores[members]), np.inf, -columns.scores[members])
    ids = np.array(names_of(columns.accounts, members))
    return members[np.lexsort((ids, scores, -columns.levels[members].astype(int)))]


def link_members(snapshot: "Snapshot", members: Rows) -> tuple[Rows, NDArray[np.float32]]:
    """Return the members in the leaf order of an average linkage, and the likeness of each pair in that order.

    Likeness is the cosine of two members' mean prompts, less the mean of everybody.
    """
    from scipy.cluster.hierarchy import leaves_list, linkage
    from scipy.spatial.distance import squareform

    means = _means(snapshot, members, _PER_MEMBER)
    cosine = np.clip(means @ means.T, -1.0, 1.0)
    np.fill_diagonal(cosine, 1.0)
    if len(members) < 3:
        return members, cosine
    far = squareform(1.0 - (cosine + cosine.T) / 2.0, checks=False)
    order = leaves_list(linkage(far, "average", optimal_ordering=True))
    return members[order], cosine[np.ix_(order, order)]


def usual_likeness(snapshot: "Snapshot") -> float | None:
    """Return the median likeness of two accounts of the log, from 200 spread over it; None where there are too few."""
    columns = columns_of(snapshot)
    able = np.flatnonzero(np.diff(columns.pairs.starts) >= _ENOUGH)
    if len(able) < _FEW:
        return None
    means = _means(snapshot, able[spaced(len(able), _OTHERS)], _PER_OTHER)
    return float(np.median((means @ means.T)[np.triu_indices(len(means), 1)]))


def _means(snapshot: "Snapshot", accounts: Rows, most: int) -> NDArray[np.float32]:
    pairs, vectors = columns_of(snapshot).pairs, snapshot.vectors
    everybody = np.asarray(vectors[spaced(len(vectors), _POPULATION)], np.float32).mean(0)
    means = np.empty((len(accounts), vectors.shape[1]), np.float32)
    for i, account in enumerate(accounts.tolist()):
        own = pairs.prompt[pairs.starts[account] : pairs.starts[account + 1]]
        means[i] = np.asarray(vectors[own[spaced(len(own), most)]], np.float32).mean(0) - everybody
    means /= np.maximum(np.linalg.norm(means, axis=1, keepdims=True), 1e-12)
    return means


def share_by_capability(columns: Columns, members: Rows) -> Matrix:
    """Return the share of each member's prompts on each capability that any has, those with most of them first."""
    shares = columns.profile[members] / np.maximum(1, columns.profile[members].sum(1, keepdims=True))
    total = shares.sum(0)
    used = np.argsort(-total.round(6), kind="stable")[: int((total > 0).sum())]
    everybody = (columns.profile / np.maximum(1, columns.profile.sum(1, keepdims=True))).mean(0)
    names = tuple(columns.capabilities[i][1] for i in used)
    rows = names_of(columns.accounts, members)
    return Matrix(rows, names, shares[:, used].astype(np.float32), everybody[used].astype(np.float32))


def share_by_cluster(columns: Columns, members: Rows, prompts: NDArray[np.int64]) -> Matrix:
    """Return the share of each member's prompts in each of the 20 clusters that hold most of the campaign's prompts."""
    found, n = np.unique(columns.prompt_cluster[prompts], return_counts=True)
    n, found = n[found >= 0], found[found >= 0]
    top = found[np.argsort(-n, kind="stable")[:_CLUSTERS]]
    place = np.full(int(columns.prompt_cluster.max(initial=-1)) + 2, -1)
    place[top] = np.arange(len(top))  # no cluster, -1, is the last place
    pairs = columns.pairs
    column = place[columns.prompt_cluster[pairs.prompt]]
    inside = column >= 0
    each = 1.0 / np.maximum(1, np.diff(pairs.starts))[pairs.account[inside]]
    everybody = np.bincount(column[inside], each, len(top)) / max(1, len(columns.accounts))
    shares = np.zeros((len(members), len(top)), np.float32)
    for i, member in enumerate(members.tolist()):
        own = column[pairs.starts[member] : pairs.starts[member + 1]]
        shares[i] = np.bincount(own[own >= 0], minlength=len(top)) / max(1, len(own))
    names = tuple(f"{c} {columns.cluster_names[c]}" for c in top.tolist())
    return Matrix(names_of(columns.accounts, members), names, shares, everybody.astype(np.float32))


def by_start(columns: Columns, members: Rows) -> Rows:
    """Return the members, who began first on top; those without times last."""
    starts = columns.requests.starts[members]  # an account's dated requests stand first, in order of time
    first = columns.requests.ts[np.minimum(starts, len(columns.requests.ts) - 1)]
    return members[np.argsort(first, kind="stable")]


def count_days(columns: Columns, members: Rows, timeline: Timeline) -> Matrix:
    """Count each member's requests on each day of the timeline."""
    days = [day for day, _ in timeline.days]
    if days and (days[-1] - days[0]).days < _LONGEST:
        days = [days[0] + timedelta(days=i) for i in range((days[-1] - days[0]).days + 1)]
    place = {day: i for i, day in enumerate(days)}
    counts = np.zeros((len(members), len(days)), np.float32)
    for i, ts in enumerate(_times(columns, members)):
        found, n = np.unique(ts // _DAY, return_counts=True)
        counts[i, [place[day_of(d)] for d in found.tolist()]] = n
    return Matrix(names_of(columns.accounts, members), tuple(day.isoformat() for day in days), counts)


def count_hours(columns: Columns, members: Rows) -> Matrix:
    """Count each member's requests in each hour of the day, in UTC."""
    counts = [np.bincount((ts // _HOUR) % 24, minlength=24) for ts in _times(columns, members)]
    values = np.array(counts, np.float32).reshape(len(members), 24)
    return Matrix(names_of(columns.accounts, members), tuple(f"{hour:02d}" for hour in range(24)), values)


def _times(columns: Columns, members: Rows) -> list[NDArray[np.int64]]:
    starts = columns.requests.starts
    parts = [columns.requests.ts[starts[m] : starts[m + 1]] for m in members.tolist()]
    return [ts[ts != NO_TIME] for ts in parts]


def periods(
    snapshot: "Snapshot", groups: Sequence[tuple[str, Sequence[str]]]
) -> dict[str, tuple[datetime | None, datetime | None]]:
    """Return when the members of each group, by its name, were first and last seen."""
    columns, table = columns_of(snapshot), snapshot.table("accounts")
    first, last = times(table["first_ts"]), times(table["last_ts"])
    last = np.where(last == NO_TIME, -1, last)
    found: dict[str, tuple[datetime | None, datetime | None]] = {}
    for name, accounts in groups:
        rows = np.array([columns.position[account] for account in accounts], np.int64)
        ends = int(last[rows].max(initial=-1))
        found[name] = (
            moment(int(first[rows].min(initial=NO_TIME))), None if ends < 0 else moment(ends)
        )  # fmt: skip
    return found
