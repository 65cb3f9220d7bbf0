"""An index of one part, held by FAISS: exact or inverted."""

from typing import Any, BinaryIO

import numpy as np
from numpy.typing import ArrayLike, NDArray


class FaissIndex:
    """A FAISS index of inner products. Its ids are row numbers."""

    def __init__(self, faiss_index: Any, kind: str) -> None:  # noqa: ANN401 - FAISS has no types
        self._faiss = faiss_index
        self.kind = kind
        self.size = int(faiss_index.ntotal)
        self.dim = int(faiss_index.d)

    def search(self, vectors: ArrayLike, k: int) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        """Return similarity and ids, both [m, min(k, size)], nearest first and equally near ones by id."""
        queries = np.ascontiguousarray(np.atleast_2d(np.asarray(vectors, dtype=np.float32)))
        k = min(k, self.size)
        if k < 1 or not len(queries):
            return np.empty((len(queries), max(k, 0)), np.float32), np.empty((len(queries), max(k, 0)), np.int64)
        similarity, ids = self._faiss.search(queries, k)
        return in_order(similarity, ids)

    def write(self, stream: BinaryIO) -> None:
        """Write the index to a binary stream. Errors of the stream come through."""
        import faiss

        errors: list[Exception] = []

        def write(data: bytes) -> int:
            if not errors:  # FAISS must not see the exception: it would put one of its own in its place
                try:
                    stream.write(data)
                except (OSError, ValueError) as error:
                    errors.append(error)
            return len(data)

        writer = faiss.PyCallbackIOWriter(write)  # type: ignore[attr-defined]  # no stub
        faiss.write_index(self._faiss, writer)
        del writer
        if errors:
            raise errors[0]


def in_order(similarity: NDArray[np.float32], ids: NDArray[np.int64]) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Sort each row of [m, k] by similarity, then id; places without an id (-1) become -inf and go last."""
    similarity = np.where(ids < 0, np.float32(-np.inf), similarity)
    order = np.lexsort((ids, -similarity))
    return np.take_along_axis(similarity, order, 1), np.take_along_axis(ids, order, 1)


def kind_of(faiss_index: Any) -> str:  # noqa: ANN401 - FAISS has no types
    """Name the kind of a FAISS index. Raises `TypeError` for one that `build_index` does not build."""
    import faiss

    if type(faiss_index) is faiss.IndexFlatIP:
        return "flat"
    raise TypeError(f"an index that SweepLens builds was expected, not {type(faiss_index).__name__}")
