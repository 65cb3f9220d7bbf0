"""Several indexes as one: a base and what later updates added."""

from collections.abc import Sequence
from typing import BinaryIO

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sweeplens.errors import StoreError
from sweeplens.index.contract import Index
from sweeplens.index.single import in_order


class StackedIndex:
    """Parts that are searched one after the other. Row numbers run on over them."""

    def __init__(self, parts: Sequence[Index]) -> None:
        self._parts = tuple(parts)
        self._starts = np.cumsum([0, *(part.size for part in parts)])[:-1].tolist()
        self.size = sum(part.size for part in parts)
        self.dim = parts[0].dim
        self.kind = _kind([part.kind for part in parts])

    def search(
        self, vectors: ArrayLike, k: int, *, quick: bool = False
    ) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        """Return similarity and ids, both [m, min(k, size)], nearest first and equally near ones by id."""
        similarities, ids = [], []
        for start, part in zip(self._starts, self._parts, strict=True):
            near, found = part.search(vectors, k, quick=quick)
            similarities.append(near)
            ids.append(np.where(found < 0, found, found + start))
        k = max(0, min(k, self.size))
        similarity, merged = in_order(np.concatenate(similarities, 1), np.concatenate(ids, 1))
        return similarity[:, :k], merged[:, :k]

    def write(self, stream: BinaryIO) -> None:  # noqa: ARG002 - the contract's
        """Raise `StoreError`: the parts are files of their own."""
        raise StoreError(f"an index of one part was expected, to be written as one file; this one is {self.kind}")


def stack(parts: Sequence[Index]) -> Index:
    """Return one index over all parts; row numbers run on over them. Raises `StoreError` for none or unlike ones."""
    if not parts:
        raise StoreError("an index of at least one part was expected; none came")
    dims = sorted({part.dim for part in parts})
    if len(dims) > 1:
        raise StoreError(
            f"index parts of one width were expected; these have {dims[0]} and {dims[-1]} numbers a vector"
        )
    return parts[0] if len(parts) == 1 else StackedIndex(parts)


def _kind(kinds: Sequence[str]) -> str:
    """Join the parts' kinds; a run of like ones is counted: "ivf1549,sq8+flat*30"."""
    runs: list[tuple[str, int]] = []
    for kind in kinds:
        if runs and runs[-1][0] == kind:
            runs[-1] = (kind, runs[-1][1] + 1)
        else:
            runs.append((kind, 1))
    return "+".join(kind if count == 1 else f"{kind}*{count}" for kind, count in runs)
