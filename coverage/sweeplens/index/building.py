"""The kind of index that suits a number of vectors, and how it is built."""

from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from sweeplens.index.contract import Index
from sweeplens.index.single import FaissIndex

# Rows that are turned to float32 at once: the vectors are float16 files that may be larger than the memory.
_ROWS = 65_536


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
    """Index unit rows [n, dim]; row numbers are the ids."""
    import faiss

    faiss.omp_set_num_threads(threads)
    index = faiss.IndexFlatIP(int(vectors.shape[1]))
    for start in range(0, len(vectors), _ROWS):
        index.add(np.ascontiguousarray(vectors[start : start + _ROWS], dtype=np.float32))
    return FaissIndex(index, "flat")
