"""An index of one part, held by FAISS: exact or inverted."""

from typing import Any, BinaryIO

import numpy as np
from numpy.typing import ArrayLike, NDArray

# So many queries at once are put in order of their nearest list before the search.
_MANY = 4096


class FaissIndex:
    """A FAISS index of inner products, flat or inverted. Its ids are row numbers."""

    def __init__(self, faiss_index: Any) -> None:  # noqa: ANN401 - FAISS has no types
        """Hold an index. Raises `TypeError` for one that `build_index` does not build."""
        self._faiss = faiss_index
        self._lists = _lists(faiss_index)
        self.size = int(faiss_index.ntotal)
        self.dim = int(faiss_index.d)
        self.kind = f"ivf{self._lists},fp16" if self._lists else "flat"

    def search(
        self, vectors: ArrayLike, k: int, *, quick: bool = False
    ) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        """Return similarity and ids, both [m, min(k, size)], nearest first and equally near ones by id.

        An inverted index looks through `nprobe` lists, half of them if `quick`, or as many as it takes to find so many.
        """
        queries = np.ascontiguousarray(np.atleast_2d(np.asarray(vectors, dtype=np.float32)))
        k = min(k, self.size)
        if k < 1 or not len(queries):
            return np.empty((len(queries), max(k, 0)), np.float32), np.empty((len(queries), max(k, 0)), np.int64)
        if not self._lists:
            return in_order(*self._faiss.search(queries, k))
        probes = max(1, int(self._faiss.nprobe) // (2 if quick else 1))
        similarity, ids = self._probe(queries, k, probes)
        short = np.flatnonzero((ids < 0).any(1))
        while len(short) and probes < self._lists:
            probes = min(2 * probes, self._lists)
            similarity[short], ids[short] = self._probe(queries[short], k, probes)
            short = short[(ids[short] < 0).any(1)]
        return in_order(similarity, ids)

    def _probe(
        self, queries: NDArray[np.float32], k: int, probes: int
    ) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        """Look through each query's nearest lists. Of many, like queries go one after the other: lists stay cached."""
        import faiss

        params = faiss.SearchParametersIVF()
        params.nprobe = probes
        if len(queries) < _MANY:
            similarity, ids = self._faiss.search(queries, k, params=params)
            return similarity, ids
        order = np.argsort(self._faiss.quantizer.search(queries, 1)[1][:, 0], kind="stable")
        similarity, ids = np.empty((len(queries), k), np.float32), np.empty((len(queries), k), np.int64)
        similarity[order], ids[order] = self._faiss.search(queries[order], k, params=params)
        return similarity, ids

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


def _lists(index: Any) -> int:  # noqa: ANN401 - FAISS has no types
    """Return how many lists an inverted index has, 0 for a flat one; raise `TypeError` for any other."""
    import faiss

    if type(index) is faiss.IndexFlatIP:
        return 0
    if type(index) is faiss.IndexIVFScalarQuantizer:
        lists, centres = int(index.nlist), faiss.downcast_index(index.quantizer)
        right = (
            index.metric_type == faiss.METRIC_INNER_PRODUCT
            and index.sq.qtype == faiss.ScalarQuantizer.QT_fp16
            and type(centres) is faiss.IndexFlatIP
            and (centres.d, centres.ntotal) == (index.d, lists)
            and 1 <= index.nprobe <= lists
            and sum(map(index.get_list_size, range(lists))) == index.ntotal
        )
        if right:
            return lists
    raise TypeError(f"an index that SweepLens builds was expected, not {type(index).__name__}")
