"""The nearest neighbours of every prompt, in memory that does not grow with the square of their number."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

# Queries that are searched at once: enough to keep the processor in large matrix products, and a progress bar moving.
_ROWS = 4096


@dataclass(frozen=True)
class Neighbours:
    """Of n points the k nearest others, nearest first and equally near ones by id.

    `ids` is int32 [n, k]; `similarity` float32 [n, k], the inner product of unit rows. No point is its own neighbour.
    Which of more than k equally near points are kept is open, but the same each time.
    """

    ids: NDArray[np.int32]
    similarity: NDArray[np.float32]


def all_neighbours(
    vectors: NDArray[np.floating[Any]], k: int, *, threads: int, progress: Callable[[int, int], None] | None = None
) -> Neighbours:
    """Find the k nearest others of each unit row of [n, d]; k is cut to n - 1. `progress` gets (rows done, n)."""
    import faiss

    n, dim = vectors.shape
    k = max(0, min(k, n - 1))
    ids = np.empty((n, k), np.int32)
    similarity = np.empty((n, k), np.float32)
    if k == 0:
        return Neighbours(ids, similarity)
    faiss.omp_set_num_threads(threads)
    index = faiss.IndexFlatIP(dim)
    for start in range(0, n, _ROWS):
        index.add(np.ascontiguousarray(vectors[start : start + _ROWS], dtype=np.float32))
    for start in range(0, n, _ROWS):
        stop = min(start + _ROWS, n)
        near, found = index.search(np.ascontiguousarray(vectors[start:stop], dtype=np.float32), k + 1)
        ids[start:stop], similarity[start:stop] = _without_self(near, found, start)
        if progress is not None:
            progress(stop, n)
    return Neighbours(ids, similarity)


def _without_self(
    similarity: NDArray[np.float32], ids: NDArray[np.int64], first: int
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Drop each row's own id, or its farthest where copies of the point pushed its own id out; sort the rest."""
    rows, width = ids.shape
    drop = ids == np.arange(first, first + rows)[:, None]
    drop[~drop.any(1), -1] = True
    ids, similarity = ids[~drop].reshape(rows, width - 1), similarity[~drop].reshape(rows, width - 1)
    order = np.lexsort((ids, -similarity))
    return np.take_along_axis(ids, order, 1), np.take_along_axis(similarity, order, 1)
