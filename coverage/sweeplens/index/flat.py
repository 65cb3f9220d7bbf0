"""The index over a snapshot's vectors. Every kind of it stands behind `Index`, and `build_index` chooses the kind."""

from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sweeplens.errors import StoreError

# Rows that are turned to float32 at once: the vectors are a float16 file that may be larger than the memory.
_ROWS = 65_536


class Index(Protocol):
    """Nearest vectors by inner product, which is the cosine, because all vectors have length 1."""

    kind: str
    size: int
    dim: int

    def search(self, vectors: ArrayLike, k: int) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        """Return similarity and ids, both [n, min(k, size)], nearest first and equally near ones by id."""
        ...

    def write(self, path: Path) -> None:
        """Write the index as one file that `read_index` reads."""
        ...


class FlatIndex:
    """An exact index: FAISS compares a query with every vector."""

    kind = "flat"

    def __init__(self, faiss_index: Any) -> None:  # noqa: ANN401 - FAISS has no types
        self._faiss = faiss_index
        self.size = int(faiss_index.ntotal)
        self.dim = int(faiss_index.d)

    def search(self, vectors: ArrayLike, k: int) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        """Return similarity and ids, both [n, min(k, size)], nearest first and equally near ones by id."""
        queries = np.ascontiguousarray(np.atleast_2d(np.asarray(vectors, dtype=np.float32)))
        k = min(k, self.size)
        if k < 1 or not len(queries):
            return np.empty((len(queries), max(k, 0)), np.float32), np.empty((len(queries), max(k, 0)), np.int64)
        similarity, ids = self._faiss.search(queries, k)
        order = np.lexsort((ids, -similarity))
        return np.take_along_axis(similarity, order, 1), np.take_along_axis(ids, order, 1)

    def write(self, path: Path) -> None:
        """Write the index as one file that `read_index` reads."""
        import faiss

        try:
            faiss.write_index(self._faiss, str(path))
        except RuntimeError:
            raise StoreError(f"the index cannot be written to {path}") from None


def build_index(vectors: NDArray[np.floating[Any]]) -> Index:
    """Index unit rows [n, d]; row numbers are the ids. Rows are read in blocks, so that they may be memory-mapped."""
    import faiss

    index = faiss.IndexFlatIP(int(vectors.shape[1]))
    for start in range(0, len(vectors), _ROWS):
        index.add(np.ascontiguousarray(vectors[start : start + _ROWS], dtype=np.float32))
    return FlatIndex(index)


def read_index(path: Path) -> Index:
    """Read an index that `write` wrote.

    FAISS parses native data without distrust: check the file's hash first. Raises `StoreError` when it cannot be read.
    """
    import faiss

    try:
        index = faiss.read_index(str(path))
    except RuntimeError:
        raise StoreError(f"the index {path} cannot be read: a file that SweepLens wrote was expected") from None
    return FlatIndex(index)
