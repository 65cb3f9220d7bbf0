"""Groups of accounts that ask alike: average linkage on fingerprints, never over all pairs of a large log."""

import numpy as np

from sweeplens.detect.halves import Halves

CUT = 0.35  # mean likeness under which two groups stay apart: of 0.15, 0.25 and 0.35 it glued fewest campaigns together
LEAST = 5  # accounts that make a group: four that are alike are found by chance too often
_NEAREST = 64  # neighbours an account brings to the graph
_LARGEST = 6000  # accounts of one component that are linked at once; 6,000 squared floats are 288 MB
_TOP = 1.2  # likenesses are noisy: those above 1.2 count as 1.2
_STAY = 0.45  # of the likeness that a group's members have to the rest of it, on average: under it an account is out
_FLOOR = 0.1  # likeness to a group under which an account is in none, however loose the group is
_ONE = 0.6  # likeness of the means of two groups from which on they are one; 0.5 glues campaigns together
# The same where rows are whitened by the frozen population alone, where what a subject has in common counts more.
# With one prompt set dealt over 200 accounts of 15 prompts, two thirds of a log, it makes one group of up to 16, at no
# cost elsewhere; 0.8 glues campaigns together.
_ONE_FROZEN = 0.9
_LOOSEST = 0.05  # likeness inside that a group is taken to have at least
_ROUNDS = 3  # of moving accounts to the group that they are most like: hardly any move after the third


def find_groups(halves: Halves) -> list[np.ndarray]:
    """Return groups of account codes, largest first; accounts that are like nobody are in none.

    Groups form on the first halves of prompts alone. Then each account goes to the group that all its prompts are most
    like, or to none, and groups that are one in two are joined.
    """
    if len(halves.codes) < LEAST:
        return []
    label = settle(halves.whole, link(halves.first))
    label = settle(halves.whole, rejoin(halves.whole, label, _ONE))
    label = rejoin(halves.frozen, label, _ONE_FROZEN)
    groups = [np.sort(halves.codes[g]) for g in _split(label, LEAST)]
    return sorted(groups, key=lambda g: (-len(g), int(g[0])))


def likeness(rows: np.ndarray) -> np.ndarray:
    """Return the likeness of scaled fingerprints, float32 [n, n], clipped to [-1, 1.2]."""
    alike: np.ndarray = np.clip(rows @ rows.T, -1.0, _TOP)
    return alike


def mean_likeness(rows: np.ndarray) -> float:
    """Return the mean likeness of all pairs of rows, [n, r]; 0 for fewer than two rows."""
    n = len(rows)
    if n < 2:
        return 0.0
    total = rows.sum(0, dtype=np.float64)
    return float((total @ total - (rows.astype(np.float64) ** 2).sum()) / (n * (n - 1)))


def link(rows: np.ndarray) -> np.ndarray:
    """Return the group of each row, int64 [n], by average linkage.

    Average linkage joins two groups only where some pair is at least as alike as the cut. So the connected components
    of the graph of such pairs can be linked one by one, with the result of linking all at once; the graph holds each
    account's 64 nearest, which keep a group of alike accounts connected. A component too large to link at once is cut
    along its main axis; groups that the cut went through are joined again later, as all groups are that are one in two.
    """
    label = np.empty(len(rows), np.int64)
    count = 0
    for component in _components(rows):
        for part in _pieces(rows, component):
            for members in _link(rows, part):
                label[members] = count
                count += 1
    return label


def settle(rows: np.ndarray, label: np.ndarray) -> np.ndarray:
    """Move each account to the group whose other members it is most like; out where that is too little. Labels >= 0.

    A group is as loose as its members are: one that was dealt at random from one pool has members that are all alike,
    one that was dealt by topic has not. So the bar is a share of the mean likeness inside.
    """
    label = label.copy()
    for _ in range(_ROUNDS):
        groups = _split(label, LEAST)
        if not groups:
            break
        means = np.stack([rows[g].mean(0) for g in groups])
        to = rows @ means.T
        bar = np.empty(len(groups))
        for j, g in enumerate(groups):
            to[g, j] = (len(g) * to[g, j] - (rows[g] ** 2).sum(1)) / (len(g) - 1)
            bar[j] = max(_FLOOR, _STAY * float(to[g, j].mean()))
        best = to.argmax(1)
        inside = to[np.arange(len(rows)), best] >= bar[best]
        moved = np.where(inside, best, len(groups) + np.arange(len(rows)))
        if np.array_equal(moved, label):
            break
        label = moved
    return label


def _split(label: np.ndarray, least: int) -> list[np.ndarray]:
    """Return the rows of each label that at least so many have."""
    order = np.argsort(label, kind="stable")
    starts = np.flatnonzero(np.r_[True, np.diff(label[order]) != 0]) if len(label) else np.empty(0, np.int64)
    return [g for g in np.split(order, starts[1:]) if len(g) >= least]


def _components(rows: np.ndarray) -> list[np.ndarray]:
    import faiss
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    n = len(rows)
    index = faiss.IndexFlatIP(rows.shape[1])
    index.add(np.ascontiguousarray(rows))
    similarity, ids = index.search(np.ascontiguousarray(rows), min(_NEAREST + 1, n))
    keep = (similarity >= CUT) & (ids >= 0)
    source = np.repeat(np.arange(n), ids.shape[1])[keep.ravel()]
    graph = coo_matrix((np.ones(len(source), np.int8), (source, ids[keep])), shape=(n, n))
    _, label = connected_components(graph, directed=False)
    return _split(label, 1)


def _link(rows: np.ndarray, component: np.ndarray) -> list[np.ndarray]:
    from scipy.cluster.hierarchy import fcluster, linkage
    from scipy.spatial.distance import squareform

    if len(component) == 1:
        return [component]
    far = np.maximum(_TOP - likeness(rows[component]).astype(np.float64), 0.0)
    far = (far + far.T) / 2
    np.fill_diagonal(far, 0.0)
    label = fcluster(linkage(squareform(far, checks=False), "average"), _TOP - CUT, "distance")
    return [component[g] for g in _split(label, 1)]


def _pieces(rows: np.ndarray, component: np.ndarray) -> list[np.ndarray]:
    """Cut a component that is too large to link along the main axis of its fingerprints, again and again."""
    if len(component) <= _LARGEST:
        return [component]
    part = rows[component] - rows[component].mean(0)
    _, _, axes = np.linalg.svd(part[:: max(1, len(part) // 2000)], full_matrices=False)
    order = np.argsort(part @ axes[0], kind="stable")
    middle = len(order) // 2
    return _pieces(rows, component[order[:middle]]) + _pieces(rows, component[order[middle:]])


def rejoin(rows: np.ndarray, label: np.ndarray, one: float) -> np.ndarray:
    """Join groups that are one group in two: average linkage on their means, over the root of their likeness inside.

    What is noise in single fingerprints is averaged out of the mean of many. Labels are >= 0.
    """
    from scipy.cluster.hierarchy import fcluster, linkage
    from scipy.spatial.distance import squareform

    groups = _split(label, LEAST)
    if len(groups) < 2:
        return label
    means = np.stack([rows[g].mean(0) for g in groups]).astype(np.float64)
    inside = np.maximum([mean_likeness(rows[g]) for g in groups], _LOOSEST)
    far = np.maximum(_TOP - means @ means.T / np.sqrt(np.outer(inside, inside)), 0.0)
    np.fill_diagonal(far, 0.0)
    joined = fcluster(linkage(squareform(far, checks=False), "average"), _TOP - one, "distance")
    new = label + int(joined.max()) + 1
    for g, at in zip(groups, joined.tolist(), strict=True):
        new[g] = at
    return new
