"""What every index is to its callers, whatever its kind."""

from typing import BinaryIO, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray


class Index(Protocol):
    """Nearest vectors by inner product, which is the cosine, because all vectors have length 1. Row numbers are ids."""

    @property
    def size(self) -> int:
        """How many vectors it holds."""
        ...

    @property
    def dim(self) -> int:
        """How many numbers a vector has."""
        ...

    @property
    def kind(self) -> str:
        """How it searches, for a manifest: "flat" (exact), "ivf1549,sq8" (approximate), "ivf1549,sq8+flat"."""
        ...

    def search(
        self, vectors: ArrayLike, k: int, *, quick: bool = False
    ) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        """Find the k nearest rows of each of [m, dim] queries.

        Returns similarity and ids, both [m, min(k, size)], nearest first and equally near ones by id. Where fewer are
        found, the rest is -inf with id -1. `quick` has an approximate index look at half as many rows: for a great many
        queries, of which each may miss one neighbour in thirty.
        """
        ...

    def write(self, stream: BinaryIO) -> None:
        """Write the index to a binary stream; `read_index` reads the file. Errors of the stream come through.

        Raises `StoreError` for a stacked index: its parts are files of their own.
        """
        ...
