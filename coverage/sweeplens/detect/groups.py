"""Groups of accounts that ask alike: average linkage on fingerprints, never over all pairs of a large log."""

import numpy as np

from sweeplens.detect.fingerprints import Fingerprints

CUT = 0.2  # likeness under which two groups stay apart
LEAST = 4  # accounts that make a group
_NEAREST = 64  # neighbours an account brings to the graph
_LARGEST = 6000  # accounts of one component that are linked at once; 6,000 squared floats are 288 MB
_TOP = 1.2  # likenesses are noisy: those above 1.2 count as 1.2


def find_groups(prints: Fingerprints) -> list[np.ndarray]:
    """Return groups of account codes, largest first; accounts that are like nobody are in none.

    Average linkage joins two groups only where some pair is at least as alike as the cut. So the connected components
    of the graph of such pairs can be linked one by one, with the result of linking all at once; the graph holds each
    account's 64 nearest, which keep a group of alike accounts connected.
    """
    if len(prints.codes) < LEAST:
        return []
    rows = prints.scaled()
    groups = []
    for component in _components(rows):
        if len(component) < LEAST:
            continue
        groups += [np.sort(prints.codes[m]) for m in _link(rows, component) if len(m) >= LEAST]
    return sorted(groups, key=lambda g: (-len(g), int(g[0])))


def likeness(rows: np.ndarray) -> np.ndarray:
    """Return the likeness of scaled fingerprints, float32 [n, n], clipped to [-1, 1.2]."""
    alike: np.ndarray = np.clip(rows @ rows.T, -1.0, _TOP)
    return alike


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
    count, label = connected_components(graph, directed=False)
    order = np.argsort(label, kind="stable")
    return np.split(order, np.cumsum(np.bincount(label, minlength=count))[:-1])


def _link(rows: np.ndarray, component: np.ndarray) -> list[np.ndarray]:
    from scipy.cluster.hierarchy import fcluster, linkage
    from scipy.spatial.distance import squareform

    if len(component) > _LARGEST:
        return [part for half in _halve(rows, component) for part in _link(rows, half)]
    far = np.maximum(_TOP - likeness(rows[component]).astype(np.float64), 0.0)
    far = (far + far.T) / 2
    np.fill_diagonal(far, 0.0)
    label = fcluster(linkage(squareform(far, checks=False), "average"), _TOP - CUT, "distance")
    return [component[label == k] for k in np.unique(label)]


def _halve(rows: np.ndarray, component: np.ndarray) -> list[np.ndarray]:
    """Cut a component that is too large to link along the main axis of its fingerprints."""
    part = rows[component] - rows[component].mean(0)
    _, _, axes = np.linalg.svd(part[:: max(1, len(part) // 2000)], full_matrices=False)
    order = np.argsort(part @ axes[0], kind="stable")
    middle = len(order) // 2
    return [component[order[:middle]], component[order[middle:]]]
