"""Clusters: HDBSCAN on the map's five dimensions, numbered by size."""

import math

import numpy as np
from numpy.typing import NDArray

_LEAST = 15  # prompts that are worth a search for clusters; fewer are one cluster, or none
_MIN_SAMPLES = 3


def smallest_cluster(n: int) -> int:
    """Return the least prompts of a cluster for a log of n prompts: 5 for small logs, 30 for 57,600."""
    return max(5, round(math.sqrt(n) / 8))


def find_clusters(points: NDArray[np.float32], *, smallest: int = 0) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """Return cluster int32 [n], -1 for noise, and probability float32 [n], from points [n, d].

    HDBSCAN (Campello, Moulavi and Sander 2013). Fewer than 15 points are one cluster if they are at least `smallest`,
    else none. Points that do not fall apart may be one cluster.
    """
    n = len(points)
    smallest = max(2, smallest or smallest_cluster(n))
    if n < _LEAST or n < 2 * smallest or not np.ptp(points, axis=0).any():
        whole = 0 if n >= smallest else -1
        return np.full(n, whole, np.int32), np.full(n, float(whole == 0), np.float32)
    import hdbscan

    for single in (False, True):
        model = hdbscan.HDBSCAN(
            min_cluster_size=smallest, min_samples=_MIN_SAMPLES, core_dist_n_jobs=1, allow_single_cluster=single
        )
        labels = model.fit_predict(points.astype(np.float64)).astype(np.int32)
        if (labels >= 0).any():
            break
    return labels, np.where(labels >= 0, model.probabilities_, 0.0).astype(np.float32)


def order_by_size(labels: NDArray[np.integer]) -> NDArray[np.int32]:
    """Return the labels with clusters numbered by falling size, equal ones by their first row; -1 stays."""
    if not (labels >= 0).any():
        return np.full(len(labels), -1, np.int32)
    names, first, count = np.unique(labels[labels >= 0], return_index=True, return_counts=True)
    number = np.full(int(names.max()) + 2, -1, np.int32)
    number[names[np.lexsort((first, -count))]] = np.arange(len(names), dtype=np.int32)
    numbered: NDArray[np.int32] = number[labels]
    return numbered
