"""Vectors on disk by content hash, shared by all snapshots of a store and by all processes that write to it."""

import contextlib
import hashlib
import logging
import os
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from filelock import FileLock, Timeout

from sweeplens.errors import StoreError

log = logging.getLogger(__name__)

# Segments of fewer rows are small; more than so many small ones are merged into one.
_SMALL_ROWS = 16_384
_SMALL_SEGMENTS = 16
_SUFFIX = ".npy"

Mask = npt.NDArray[np.bool_]
Halves = npt.NDArray[np.float16]
Words = npt.NDArray[np.uint64]


class VectorCache:
    """The vectors of one encoder, float16 [n, dim], in the folder `folder`/<first half of its fingerprint>.

    A segment is a .npy file of rows (hash in two words, vector) that is named by its own SHA-256, written beside its
    place, flushed and renamed, and never changed: processes write at the same time without waiting, and a damaged file
    is told by its name. Whoever removes segments (a merge; a prompt that must be forgotten) holds the folder's lock and
    first writes what is to stay. A cache that is `readonly` makes no folder and keeps nothing.
    """

    def __init__(self, folder: Path, fingerprint: str, dim: int, *, readonly: bool = False) -> None:
        self.folder = folder / fingerprint[:32]
        self.dim = dim
        self.readonly = readonly
        self.damaged = 0
        self._row = np.dtype([("hash", "<u8", (2,)), ("vector", "<f2", (dim,))])
        self._segments: dict[str, npt.NDArray[Any]] = {}
        self._bad: set[str] = set()
        self._index: tuple[Words, Words, npt.NDArray[np.int64]] | None = None
        if not readonly:
            with _writing(self.folder):
                folder.mkdir(mode=0o700, parents=True, exist_ok=True)
                self.folder.mkdir(mode=0o700, exist_ok=True)

    def get(self, hashes: Sequence[str]) -> tuple[Mask, Halves]:
        """Return (found, vectors): a mask, and float16 [n, dim] with rows of zeros for hashes that are not known."""
        self._refresh()
        found = np.zeros(len(hashes), dtype=bool)
        vectors = np.zeros((len(hashes), self.dim), dtype=np.float16)
        first, second, place = self._sorted()
        if not len(first) or not len(hashes):
            return found, vectors
        wanted = _split(hashes)
        at = np.minimum(np.searchsorted(first, wanted[:, 0]), len(first) - 1)
        # Two hashes that share their first half but not their second make a miss, never a wrong vector.
        found = (first[at] == wanted[:, 0]) & (second[at] == wanted[:, 1])
        rows = place[at[found]]
        target = np.flatnonzero(found)
        begin = 0
        for segment in self._segments.values():
            here = (rows >= begin) & (rows < begin + len(segment))
            if here.any():
                vectors[target[here]] = segment["vector"][rows[here] - begin]
            begin += len(segment)
        return found, vectors

    def put(self, hashes: Sequence[str], vectors: Halves) -> None:
        """Keep float16 [n, dim] under these hashes. Raises `StoreError` when they cannot be written."""
        if self.readonly or not len(hashes):
            return
        rows = np.empty(len(hashes), dtype=self._row)
        rows["hash"] = _split(hashes)
        rows["vector"] = vectors
        self._write([rows])

    def compact(self) -> None:
        """Merge the small segments into one where there are many, unless another process is at it."""
        if self.readonly:
            return
        try:
            with FileLock(self.folder / "merge.lock", timeout=0, mode=0o600):
                self._refresh()
                small = {name: s for name, s in self._segments.items() if len(s) < _SMALL_ROWS}
                if len(small) <= _SMALL_SEGMENTS:
                    return
                merged = self._write(small.values())
                for name in small:
                    if name != merged:
                        (self.folder / name).unlink(missing_ok=True)
                log.debug("merged %d segments of the vector cache", len(small))
        except Timeout:
            return
        except OSError as error:
            raise _unwritable(self.folder, error) from None

    def _write(self, parts: Iterable[npt.NDArray[Any]]) -> str:
        """Write the rows of `parts` as one segment and return its name."""
        parts = list(parts)
        header = {"descr": np.lib.format.dtype_to_descr(self._row), "fortran_order": False}
        with _writing(self.folder):
            handle, name = tempfile.mkstemp(prefix=".part-", dir=self.folder)  # private to its owner
            try:
                digest = hashlib.sha256()
                with os.fdopen(handle, "wb") as stream:
                    np.lib.format.write_array_header_2_0(
                        _Tee(stream.write, digest.update), {**header, "shape": (sum(map(len, parts)),)}
                    )
                    for part in parts:
                        data = np.ascontiguousarray(part).tobytes()
                        digest.update(data)
                        stream.write(data)
                    stream.flush()
                    os.fsync(stream.fileno())
                target = digest.hexdigest() + _SUFFIX
                Path(name).replace(self.folder / target)
            finally:
                Path(name).unlink(missing_ok=True)
        self._bad.discard(target)  # what was damaged under this name is whole again
        return target

    def _refresh(self) -> None:
        """Open the segments that are new in the folder, and let go of those that were merged away."""
        for _ in range(3):
            try:
                names = sorted(path.name for path in self.folder.glob(f"*{_SUFFIX}"))
                if self._segments.keys() | self._bad == set(names):
                    return
                kept = {n: self._segments.get(n, None) for n in names if n not in self._bad}
                opened = {n: self._open(n) if s is None else s for n, s in kept.items()}
            except FileNotFoundError:
                continue  # another process merged it away after it was listed: look again
            self._segments = {n: s for n, s in opened.items() if s is not None}
            self._index = None
            return

    def _open(self, name: str) -> npt.NDArray[Any] | None:
        path = self.folder / name
        try:
            with path.open("rb") as stream:
                whole = hashlib.file_digest(stream, "sha256").hexdigest() + _SUFFIX == name
            rows: npt.NDArray[Any] | None = np.load(path, mmap_mode="r", allow_pickle=False) if whole else None
        except FileNotFoundError:
            raise
        except (OSError, ValueError):
            rows = None
        if rows is None or rows.dtype != self._row or rows.ndim != 1:
            self._bad.add(name)
            self.damaged += 1
            log.warning("a segment of the vector cache is damaged and is not used: %s", path)
            return None
        return rows

    def _sorted(self) -> tuple[Words, Words, npt.NDArray[np.int64]]:
        """Return the hashes' first and second words, sorted by the first, and the row that each stands in."""
        if self._index is None:
            parts = [np.ascontiguousarray(s["hash"]) for s in self._segments.values()]
            words = np.concatenate(parts) if parts else np.empty((0, 2), dtype=np.uint64)
            order = np.argsort(words[:, 0], kind="stable")
            self._index = (words[order, 0], words[order, 1], order)
        return self._index


class _Tee:
    """A stream that gives what is written to it to several functions."""

    def __init__(self, *sinks: Callable[[bytes], object]) -> None:
        self._sinks = sinks

    def write(self, data: bytes) -> None:
        for sink in self._sinks:
            sink(data)


def _split(hashes: Sequence[str]) -> Words:
    return np.frombuffer(bytes.fromhex("".join(hashes)), dtype=">u8").reshape(len(hashes), 2).astype(np.uint64)


@contextlib.contextmanager
def _writing(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise _unwritable(folder, error) from None


def _unwritable(folder: Path, error: OSError) -> StoreError:
    return StoreError(f"the vector cache {folder} must be writable, but: {error.strerror}")
