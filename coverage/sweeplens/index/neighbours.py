"""The nearest neighbours of every prompt, in memory that does not grow with the square of their number."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from sweeplens.index.building import Rows, build_index
from sweeplens.index.contract import Index

# Queries that are searched at once: enough to keep the processor in large matrix products, and a progress bar moving.
_ROWS = 4096
# An inverted index is quicker the more like queries it can put next to each other.
_ROWS_INVERTED = 65_536


@dataclass(frozen=True)
class Neighbours:
    """Of n points the k nearest others, nearest first and equally near ones by id.

    `ids` is int32 [n, k]; `similarity` float32 [n, k], the inner product of unit rows. No point is its own neighbour.
    Which of more than k equally near points are kept is open, but the same each time.
    """

    ids: NDArray[np.int32]
    similarity: NDArray[np.float32]


class PickedRows(Protocol):
    """Unit rows [n, dim] that are read by their numbers: an array, a memory-mapped file, or several files as one."""

    def __getitem__(self, rows: NDArray[np.int64], /) -> NDArray[Any]:
        """Return some rows."""
        ...


def all_neighbours(
    vectors: Rows,
    k: int,
    *,
    threads: int,
    progress: Callable[[int, int], None] | None = None,
    index: Index | None = None,
) -> Neighbours:
    """Find the k nearest others of each unit row of [n, dim]; k is cut to n - 1. `progress` gets (rows done, n).

    `index` holds these rows in this order; without one it is built, and is as exact as `build_index` makes it.
    """
    import faiss

    n = len(vectors)
    k = max(0, min(k, n - 1))
    ids = np.empty((n, k), np.int32)
    similarity = np.empty((n, k), np.float32)
    if k == 0:
        return Neighbours(ids, similarity)
    index = index or build_index(vectors, threads=threads)
    faiss.omp_set_num_threads(threads)
    for start, stop in _blocks(n, index):
        own = np.arange(start, stop)
        ids[start:stop], similarity[start:stop] = _others(index, vectors[start:stop], own, k)
        if progress is not None:
            progress(stop, n)
    return Neighbours(ids, similarity)


def neighbours_of(rows: NDArray[np.integer], vectors: PickedRows, index: Index, k: int) -> Neighbours:
    """Find the k nearest others of some rows only, [m]: what `all_neighbours` finds for them; k is cut to size - 1.

    `vectors` [size, dim] are those in the index. Similarities may differ from those of `all_neighbours` in their last
    bit, because a matrix product rounds by where a row stands in it; so may the order of rows that are nearer alike
    than that.
    """
    chosen: NDArray[np.int64] = np.asarray(rows, np.int64)
    k = max(0, min(k, index.size - 1))
    ids = np.empty((len(rows), k), np.int32)
    similarity = np.empty((len(rows), k), np.float32)
    if k == 0:
        return Neighbours(ids, similarity)
    for start, stop in _blocks(len(rows), index):
        own = chosen[start:stop]
        ids[start:stop], similarity[start:stop] = _others(index, vectors[own], own, k)
    return Neighbours(ids, similarity)


def _blocks(n: int, index: Index) -> Iterator[tuple[int, int]]:
    step = _ROWS_INVERTED if "ivf" in index.kind else _ROWS
    for start in range(0, n, step):
        yield start, min(start + step, n)


def _others(
    index: Index, queries: NDArray[Any], own: NDArray[np.int64], k: int
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Search one more than k, and drop each row's own id, or its farthest where copies pushed its own id out."""
    similarity, ids = index.search(np.asarray(queries, np.float32), k + 1, quick=True)
    drop = ids == own[:, None]
    drop[~drop.any(1), -1] = True
    return ids[~drop].reshape(len(own), k), similarity[~drop].reshape(len(own), k)
