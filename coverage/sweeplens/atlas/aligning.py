"""Aligning: clusters and campaigns of a new snapshot take the ids of those that they continue."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

# MONIC's thresholds (Spiliopoulou et al., "MONIC: modeling and monitoring cluster transitions", KDD 2006): the share
# that makes two clusters the same one, at the lowest value that still makes it most of it, and that of a part.
MATCH = 0.5
PART = 0.25
EVENTS = ("born", "kept", "split", "merged", "died")
_Counts = NDArray[np.int64]


@dataclass(frozen=True)
class Lineage:
    """Where one cluster, or one campaign, comes from. "Prompts" are accounts where it is a campaign.

    Let x be an old one and y a new one. They are alike if they share at least half of x or half of y. y is a part of x
    if it holds a quarter of x, or if half of y is from x; a single part that is not like x is none. The parents of y
    are all x that it is a part of. There is one row for each y, and one for each x without a part:

    born    y has no parent.
    kept    y has the id of an x, and is neither split nor merged.
    split   y has parents and a new id, so that it is what an old one lost; or y has the id of x, and two or more new
            ones hold a quarter of x each. One that only lost a crumb is kept.
    merged  y holds half or more of each of two or more x.
    died    x has no part: nobody continues it. Its one parent is itself.

    An x that is merged into a y of another id, or whose parts all have other ids, stands among the parents only.

    `id` and `parents` are strings; `n_before` counts the parents' prompts in the old snapshot, `n_after` those of y in
    the new one, `n_shared` those of y that were the parents'.
    """

    kind: str
    id: str
    event: str
    parents: tuple[str, ...]
    n_before: int
    n_after: int
    n_shared: int


@dataclass(frozen=True)
class ClusterAlignment:
    """The id of each new cluster, int32 [k]; the next free id; and where each comes from."""

    ids: NDArray[np.int32]
    next_id: int
    lineage: tuple[Lineage, ...]


@dataclass(frozen=True)
class CampaignAlignment:
    """The id of each new campaign, in their order; the next free number; and where each comes from."""

    ids: tuple[str, ...]
    next_number: int
    lineage: tuple[Lineage, ...]


@dataclass(frozen=True)
class _Overlap:
    """What m old groups and k new ones share: counts [m, k], and what each group counts as a whole, [m] and [k]."""

    shared: _Counts
    old: _Counts
    new: _Counts

    def alike(self) -> NDArray[np.bool_]:
        """Say which pairs share at least half of either side."""
        return (self.shared > 0) & ((self._of_old() >= MATCH) | (self._of_new() >= MATCH))

    def parts(self) -> NDArray[np.bool_]:
        """Say which new group is a part of which old one."""
        alike, large = self.alike(), self._of_old() >= PART
        parts: NDArray[np.bool_] = alike | large
        alone = (parts.sum(1) == 1) & ~alike.any(1)
        parts[alone] = False
        return parts

    def large(self) -> NDArray[np.bool_]:
        """Say which new group holds a quarter of which old one."""
        return self._of_old() >= PART

    def swallowed(self) -> NDArray[np.bool_]:
        """Say which new group holds half of which old one."""
        return self._of_old() >= MATCH

    def _of_old(self) -> NDArray[np.float64]:
        return self.shared / np.maximum(1, self.old)[:, None]

    def _of_new(self) -> NDArray[np.float64]:
        return self.shared / np.maximum(1, self.new)[None, :]


def align_clusters(
    old: NDArray[np.integer[Any]],
    new: NDArray[np.integer[Any]],
    *,
    old_ids: Sequence[int] | NDArray[np.integer[Any]],
    old_sizes: Sequence[int] | NDArray[np.integer[Any]],
    new_sizes: Sequence[int] | NDArray[np.integer[Any]],
    next_id: int,
) -> ClusterAlignment:
    """Give each of k new clusters the id of the old one that it continues, or a fresh one from `next_id` on.

    `old` and `new` are the clusters [n] of the n prompts that both snapshots have, -1 for none: `old` as ids among
    `old_ids` [m], `new` as numbers from 0 to k - 1. `old_sizes` [m] and `new_sizes` [k] count all their prompts.

    Old and new ones are paired one to one so that pairs share as many prompts as possible in total, and only those that
    share half of either side (MONIC, see `Lineage`). Shares are of the prompts that both snapshots have, because others
    say nothing about what became of a cluster: one that tripled keeps its id, and so does one whose old prompts went.
    """
    ids, m, k = np.asarray(old_ids, np.int64), len(old_ids), len(new_sizes)
    order = np.argsort(ids, kind="stable")
    row = np.full(len(old), -1, np.int64)
    if m:
        row[old >= 0] = order[np.searchsorted(ids[order], old[old >= 0])]
    both = (row >= 0) & (new >= 0)
    shared = np.bincount(row[both] * k + new[both], minlength=m * k).reshape(m, k)
    overlap = _Overlap(
        shared, np.bincount(row[row >= 0], minlength=m), np.bincount(np.asarray(new)[new >= 0], minlength=k)
    )
    matched = _best_total(np.where(overlap.alike(), shared, 0))
    fresh = np.flatnonzero(matched < 0)
    found = np.empty(k, np.int32)
    found[matched >= 0] = ids[matched[matched >= 0]]
    found[fresh] = next_id + np.arange(len(fresh))
    names = [str(i) for i in ids.tolist()], [str(i) for i in found.tolist()]
    lineage = _lineage("cluster", overlap, matched, names, (np.asarray(old_sizes), np.asarray(new_sizes)))
    return ClusterAlignment(found, next_id + len(fresh), lineage)


def align_campaigns(
    old: Mapping[str, Collection[str]], new: Sequence[Collection[str]], *, next_number: int
) -> CampaignAlignment:
    """Give each new campaign the id of the old one that it continues, or a fresh one such as C-07 (`next_number` 7).

    `old` has the account ids of each old campaign, `new` those of the new ones. A campaign keeps its id where the two
    share at least half of the smaller one and each is the other's best match: the one that it shares most accounts
    with, that with the larger share of both (Jaccard) among equals, then the first.
    """
    sizes = np.array([len(set(a)) for a in old.values()], np.int64), np.array([len(set(a)) for a in new], np.int64)
    overlap = _Overlap(_common_accounts(list(old.values()), new), *sizes)
    matched = _each_others_best(overlap)
    old_ids, ids, number = list(old), [], next_number
    for row in matched.tolist():
        if row >= 0:
            ids.append(old_ids[row])
        else:
            ids.append(f"C-{number:02d}")
            number += 1
    return CampaignAlignment(tuple(ids), number, _lineage("campaign", overlap, matched, (old_ids, ids), sizes))


def _common_accounts(old: Sequence[Collection[str]], new: Sequence[Collection[str]]) -> _Counts:
    shared = np.zeros((len(old), len(new)), np.int64)
    groups: dict[str, list[int]] = {}
    for column, accounts in enumerate(new):
        for account in set(accounts):
            groups.setdefault(account, []).append(column)
    for row, accounts in enumerate(old):
        for account in set(accounts):
            shared[row, groups.get(account, [])] += 1
    return shared


def _best_total(weight: _Counts) -> NDArray[np.int64]:
    """Return for each column its row, or -1, in the one-to-one pairing of the largest total; zero is never paired.

    Solved apart for each set of rows and columns that weights connect, because these are small where the whole is not.
    """
    from scipy.optimize import linear_sum_assignment
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    m, k = weight.shape
    matched = np.full(k, -1, np.int64)
    rows, columns = np.nonzero(weight)
    graph = coo_array((np.ones(len(rows)), (rows, columns + m)), shape=(m + k, m + k))
    of_edge = connected_components(graph, directed=False)[1][rows]
    order = np.argsort(of_edge, kind="stable")
    for edges in np.split(order, np.flatnonzero(np.diff(of_edge[order])) + 1) if len(order) else ():
        r, c = np.unique(rows[edges]), np.unique(columns[edges])
        part = weight[np.ix_(r, c)]
        i, j = linear_sum_assignment(part, maximize=True)
        real = part[i, j] > 0
        matched[c[j[real]]] = r[i[real]]
    return matched


def _each_others_best(overlap: _Overlap) -> NDArray[np.int64]:
    """Return for each column its row, or -1, where each is the other's best and they are alike."""
    shared = overlap.shared
    m, k = shared.shape
    matched = np.full(k, -1, np.int64)
    if not m or not k:
        return matched
    together = np.maximum(1, overlap.old[:, None] + overlap.new[None, :] - shared)
    # A Jaccard index is at most 1, so that half of it settles equal counts and nothing else.
    value = shared + 0.5 * shared / together
    best_row, best_column = value.argmax(0), value.argmax(1)
    columns = np.arange(k)
    mutual = (best_column[best_row] == columns) & overlap.alike()[best_row, columns]
    matched[mutual] = best_row[mutual]
    return matched


def _lineage(
    kind: str,
    overlap: _Overlap,
    matched: NDArray[np.int64],
    names: tuple[Sequence[str], Sequence[str]],
    sizes: tuple[NDArray[np.integer[Any]], NDArray[np.integer[Any]]],
) -> tuple[Lineage, ...]:
    """Return a row for each new group, in their order, then one for each old group that died."""
    parts, split = overlap.parts(), overlap.large().sum(1) > 1
    merged = overlap.swallowed().sum(0) > 1
    (old_names, new_names), (before, after) = names, sizes
    lines = []
    for y, x in enumerate(matched.tolist()):
        parents = np.flatnonzero(parts[:, y])
        if not len(parents):
            event = "born"
        elif merged[y]:
            event = "merged"
        else:
            event = "split" if x < 0 or split[x] else "kept"
        n = int(before[parents].sum()), int(after[y]), int(overlap.shared[parents, y].sum())
        lines.append(Lineage(kind, new_names[y], event, tuple(old_names[p] for p in parents.tolist()), *n))
    gone = np.flatnonzero(~parts.any(1)).tolist()
    return (*lines, *(Lineage(kind, old_names[x], "died", (old_names[x],), int(before[x]), 0, 0) for x in gone))
