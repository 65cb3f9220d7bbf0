"""The kind of index that suits a number of vectors, and how it is built."""

from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from sweeplens.index.contract import Index
from sweeplens.index.single import FaissIndex

# Rows that are turned to float32 at once: the vectors are float16 files that may be larger than the memory.
_ROWS = 65_536
# Up to here every row is compared with every other: exact, and a minute or two of one core. benchmarks/results/index.md
FLAT_UP_TO = 100_000
# An inverted index has about _LISTS_PER_ROOT * sqrt(n) lists, and looks through the _PROBES nearest to a query.
_LISTS_PER_ROOT = 4
_MOST_LISTS = 16_384
_PROBES = 64
# k-means of the lists' centres: rows per list, rounds, seed.
_SAMPLE_PER_LIST = 32
_ROUNDS = 8
_SEED = 5


class Rows(Protocol):
    """Unit rows [n, dim] that are read a slice at a time: an array, a memory-mapped file, or several files as one."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Rows and columns."""
        ...

    def __len__(self) -> int:
        """How many rows there are."""
        ...

    def __getitem__(self, rows: slice, /) -> NDArray[Any]:
        """Return some rows."""
        ...


def build_index(vectors: Rows, *, threads: int = 1) -> Index:
    """Index unit rows [n, dim]; row numbers are the ids.

    Up to `FLAT_UP_TO` rows the index is exact; above, it looks only through the lists of rows whose centres are nearest
    to the query. The same rows and threads give the same index. Rows of float16 are kept without loss.
    """
    import faiss

    faiss.omp_set_num_threads(threads)
    if len(vectors) <= FLAT_UP_TO:
        return FaissIndex(_filled(faiss.IndexFlatIP(int(vectors.shape[1])), vectors))
    return FaissIndex(_filled(_trained(vectors), vectors))


def _trained(vectors: Rows) -> Any:  # noqa: ANN401 - FAISS has no types
    """Return an empty inverted index whose centres are the spherical k-means of a seeded sample of the rows."""
    import faiss

    n, dim = len(vectors), int(vectors.shape[1])
    lists = max(1, min(int(_LISTS_PER_ROOT * n**0.5), _MOST_LISTS, n))
    centres = faiss.IndexFlatIP(dim)
    index = faiss.IndexIVFScalarQuantizer(
        centres, dim, lists, faiss.ScalarQuantizer.QT_fp16, faiss.METRIC_INNER_PRODUCT, False
    )
    index.cp.spherical, index.cp.seed, index.cp.niter = True, _SEED, _ROUNDS
    index.cp.min_points_per_centroid, index.cp.max_points_per_centroid = 1, _SAMPLE_PER_LIST
    index.train(_sample(vectors, min(n, lists * _SAMPLE_PER_LIST)))
    index.nprobe = min(lists, _PROBES)
    return index


def _filled(index: Any, vectors: Rows) -> Any:  # noqa: ANN401 - FAISS has no types
    for start in range(0, len(vectors), _ROWS):
        index.add(np.ascontiguousarray(vectors[start : start + _ROWS], dtype=np.float32))
    return index


def _sample(vectors: Rows, size: int) -> NDArray[np.float32]:
    """Return a seeded sample of the rows, [size, dim], read in the order of the file."""
    n = len(vectors)
    chosen = np.sort(np.random.default_rng(_SEED).choice(n, size, replace=False))
    sample = np.empty((size, int(vectors.shape[1])), np.float32)
    for start in range(0, n, _ROWS):
        first, last = np.searchsorted(chosen, [start, start + _ROWS])
        sample[first:last] = vectors[start : start + _ROWS][chosen[first:last] - start]
    return sample
