"""Indexes from files."""

from collections.abc import Sequence
from pathlib import Path

from sweeplens.errors import StoreError
from sweeplens.index.contract import Index
from sweeplens.index.single import FaissIndex
from sweeplens.index.stacked import stack


def read_index(paths: Sequence[Path]) -> Index:
    """Read a base and the parts that updates added, each a file that `write` wrote; row numbers run on over them.

    FAISS parses native data without distrust: check the files' hashes first. Raises `StoreError` when one cannot be
    read, holds something else, or does not fit the others.
    """
    return stack([_read(path) for path in paths])


def _read(path: Path) -> FaissIndex:
    import faiss

    try:
        return FaissIndex(faiss.read_index(str(path)))
    except (RuntimeError, MemoryError, ValueError, TypeError):
        raise StoreError(f"the index {path} cannot be read: a file that SweepLens wrote was expected") from None
