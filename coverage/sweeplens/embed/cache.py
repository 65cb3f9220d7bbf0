"""Vectors on disk by content hash, shared by all snapshots of a store and by all processes that write to it."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt


class VectorCache:
    """The vectors of one encoder (by its fingerprint) under `folder`, float16 [n, dim]."""

    def __init__(self, folder: Path, fingerprint: str, dim: int) -> None:
        self.folder = folder / fingerprint[:32]
        self.dim = dim
        self._known: dict[str, npt.NDArray[np.float16]] = {}

    def get(self, hashes: Sequence[str]) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.float16]]:
        """Return (found, vectors): a mask of the hashes that are known, and float16 [n, dim], zero rows where they are not."""
        found = np.array([h in self._known for h in hashes], dtype=bool)
        vectors = np.zeros((len(hashes), self.dim), dtype=np.float16)
        for i in np.flatnonzero(found):
            vectors[i] = self._known[hashes[i]]
        return found, vectors

    def put(self, hashes: Sequence[str], vectors: npt.NDArray[np.float16]) -> None:
        """Keep float16 [n, dim] under these hashes; the first vector of a hash stays."""
        for h, v in zip(hashes, vectors, strict=True):
            self._known.setdefault(h, v)
