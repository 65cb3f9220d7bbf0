"""Vectors on disk by content hash, shared by all snapshots of a store and by all processes that write to it."""

import contextlib
import fcntl
import hashlib
import logging
import os
import re
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import IO, Any

import numpy as np
import numpy.typing as npt
from filelock import FileLock, Timeout

from sweeplens.errors import StoreError

log = logging.getLogger(__name__)

# Segments of fewer rows are small; more than so many small ones are merged into one.
_SMALL_ROWS = 16_384
_SMALL_SEGMENTS = 16
_SUFFIX = ".npy"
_PART = ".part-"
_LOCK = "merge.lock"
_WAIT = 60.0  # seconds that a forgetting process waits for one that merges
_CHUNK = 1 << 15  # rows that are copied at a time

Mask = npt.NDArray[np.bool_]
Halves = npt.NDArray[np.float16]
Words = npt.NDArray[np.uint64]


class VectorCache:
    """The vectors of one encoder, float16 [n, dim], in the folder `folder`/<first half of its fingerprint>.

    A segment is a .npy file of rows (hash in two words, vector) that is named by its own SHA-256, written beside its
    place, flushed and renamed, and never changed: processes write at the same time without waiting, and a damaged file
    is told by its name. Whoever removes segments (a merge; a prompt that must be forgotten) holds the folder's lock and
    first writes what is to stay; who has a segment open goes on reading it. A cache that is `readonly` makes no folder
    and keeps nothing.
    """

    def __init__(self, folder: Path, fingerprint: str, dim: int, *, readonly: bool = False) -> None:
        self.folder = folder / fingerprint[:32]
        self.dim = dim
        self.readonly = readonly
        self.damaged = 0
        self._row = _row_type(dim)
        self._segments: dict[str, npt.NDArray[Any]] = {}
        self._bad: set[str] = set()
        self._index: tuple[Words, Words, npt.NDArray[np.int64]] | None = None
        if not readonly:
            with _writing(self.folder):
                folder.mkdir(mode=0o700, parents=True, exist_ok=True)
                self.folder.mkdir(mode=0o700, exist_ok=True)
                _remove_leftovers(self.folder)

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
        self._keep([rows])

    def compact(self) -> None:
        """Merge the small segments into one where there are many, unless another process is at it."""
        if self.readonly:
            return
        try:
            with FileLock(self.folder / _LOCK, timeout=0, mode=0o600):
                self._refresh()
                small = {name: s for name, s in self._segments.items() if len(s) < _SMALL_ROWS}
                if len(small) <= _SMALL_SEGMENTS:
                    return
                merged = self._keep(small.values())
                _sync(self.folder)
                for name in small:
                    if name != merged:
                        (self.folder / name).unlink(missing_ok=True)
                log.debug("merged %d segments of the vector cache", len(small))
        except Timeout:
            return
        except OSError as error:
            raise _unwritable(self.folder, error) from None

    def forget(self, hashes: Sequence[str]) -> int:
        """Remove the rows of these hashes for good and return how many there were.

        Nothing of them stays in the folder, neither in damaged segments, which go whole, nor in what killed processes
        left. The caller sees to it that nobody puts them again. Raises `StoreError` when the folder cannot be written.
        """
        return self._sweep(hashes, keep=False)

    def retain(self, hashes: Sequence[str]) -> int:
        """Remove all rows but those of these hashes, as `forget` does, and return how many went."""
        return self._sweep(hashes, keep=True)

    def _sweep(self, hashes: Sequence[str], *, keep: bool) -> int:
        if self.readonly:
            raise StoreError(f"the vector cache {self.folder} is open for reading only: nothing in it can be forgotten")
        return _sweep(self.folder, hashes, keep=keep)

    def _keep(self, parts: Iterable[npt.NDArray[Any]]) -> str:
        name = _write(self.folder, self._row, list(parts))
        self._bad.discard(name)  # what was damaged under this name is whole again
        return name

    def _refresh(self) -> None:
        """Open the segments that are new in the folder, and let go of those that were merged away."""
        for _ in range(3):
            try:
                names = sorted(path.name for path in self.folder.glob(f"*{_SUFFIX}"))
                self._bad.intersection_update(names)
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
        rows = _read(self.folder / name)
        if rows is None or rows.dtype != self._row:
            self._bad.add(name)
            self.damaged += 1
            log.warning("a segment of the vector cache is damaged and is not used: %s", self.folder / name)
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


def carried_key(prompt_hash: str) -> str:
    """Return the key under which the vector of what a prompt carries is kept, where that is not its own text."""
    return f"{int(prompt_hash, 16) ^ 1:032x}"


def forget_everywhere(root: Path, hashes: Sequence[str]) -> int:
    """Remove the rows of these hashes from the caches of all encoders under `root`, and return how many there were.

    No encoder is needed. Raises `StoreError` when a folder cannot be written.
    """
    return sum(_sweep(folder, hashes, keep=False) for folder in _folders(root))


def retain_everywhere(root: Path, hashes: Sequence[str]) -> int:
    """Remove all rows but those of these hashes from the caches of all encoders under `root`; return how many went."""
    return sum(_sweep(folder, hashes, keep=True) for folder in _folders(root))


def _folders(root: Path) -> list[Path]:
    if not root.is_dir():
        return []
    return sorted(path for path in root.iterdir() if re.fullmatch("[0-9a-f]{1,32}", path.name) and path.is_dir())


def _sweep(folder: Path, hashes: Sequence[str], *, keep: bool) -> int:
    """Remove the rows whose hash is in `hashes` (or, with `keep`, is not) from all segments of a folder."""
    if not len(hashes) and not keep:
        return 0
    wanted = _words(_split([*hashes, *map(carried_key, hashes)]))
    removed = 0
    with _writing(folder):
        try:
            with FileLock(folder / _LOCK, timeout=_WAIT, mode=0o600):
                _remove_leftovers(folder)
                for path in sorted(folder.glob(f"*{_SUFFIX}")):
                    removed += _sweep_segment(path, wanted, keep=keep)
                _sync(folder)
        except Timeout:
            raise StoreError(f"the vector cache {folder} is in use by another process: try again") from None
    return removed


def _sweep_segment(path: Path, wanted: npt.NDArray[np.bytes_], *, keep: bool) -> int:
    """Write what stays of one segment, make that durable, and only then remove the old one; return the rows that went.

    A damaged segment goes whole: nobody reads it, and nobody can say what is in it.
    """
    rows = _read(path)
    if rows is None:
        path.unlink(missing_ok=True)
        return 0
    goes = np.isin(_words(rows["hash"]), wanted, invert=keep)
    if not goes.any():
        return 0
    if not goes.all():
        _write(path.parent, rows.dtype, [rows[~goes]])
        _sync(path.parent)
    path.unlink(missing_ok=True)
    return int(goes.sum())


def _write(folder: Path, row: np.dtype[Any], parts: Sequence[npt.NDArray[Any]]) -> str:
    """Write the rows of `parts` as one segment and return its name."""
    while True:
        with _writing(folder):
            handle, name = tempfile.mkstemp(prefix=_PART, dir=folder)  # private to its owner
            try:
                with os.fdopen(handle, "wb") as stream:
                    fcntl.flock(stream, fcntl.LOCK_EX)  # says that its writer lives
                    target = _write_rows(stream, row, parts) + _SUFFIX
                    Path(name).replace(folder / target)
            except FileNotFoundError:
                # Taken for a dead process's in the moment before it was locked: write it again, if the folder is there.
                if folder.is_dir():
                    continue
                raise
            finally:
                Path(name).unlink(missing_ok=True)
        return target


def _write_rows(stream: IO[bytes], row: np.dtype[Any], parts: Sequence[npt.NDArray[Any]]) -> str:
    """Write a .npy file of all rows durably and return the SHA-256 of its bytes."""
    digest = hashlib.sha256()
    header = {"descr": np.lib.format.dtype_to_descr(row), "fortran_order": False, "shape": (sum(map(len, parts)),)}
    np.lib.format.write_array_header_2_0(_Tee(stream.write, digest.update), header)
    for part in parts:
        for begin in range(0, len(part), _CHUNK):
            data = np.ascontiguousarray(part[begin : begin + _CHUNK]).tobytes()
            digest.update(data)
            stream.write(data)
    stream.flush()
    os.fsync(stream.fileno())
    return digest.hexdigest()


def _read(path: Path) -> npt.NDArray[Any] | None:
    """Map the rows of a segment, or return None where it is damaged; raises `FileNotFoundError` where it is gone."""
    try:
        with path.open("rb") as stream:
            whole = hashlib.file_digest(stream, "sha256").hexdigest() + _SUFFIX == path.name
        rows: npt.NDArray[Any] | None = np.load(path, mmap_mode="r", allow_pickle=False) if whole else None
    except FileNotFoundError:
        raise
    except (OSError, ValueError):
        return None
    if rows is None or rows.ndim != 1 or rows.dtype.names != ("hash", "vector"):
        return None
    return rows if rows.dtype == _row_type(*rows.dtype["vector"].shape) else None


def _remove_leftovers(folder: Path) -> None:
    """Remove the parts of segments that killed processes left; a process that lives holds a lock on its part."""
    for path in folder.glob(_PART + "*"):
        try:
            with path.open("rb") as stream:
                fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
                path.unlink(missing_ok=True)
        except (FileNotFoundError, BlockingIOError):
            continue


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


class _Tee:
    """A stream that gives what is written to it to several functions."""

    def __init__(self, *sinks: Callable[[bytes], object]) -> None:
        self._sinks = sinks

    def write(self, data: bytes) -> None:
        for sink in self._sinks:
            sink(data)


def _row_type(dim: int) -> np.dtype[Any]:
    return np.dtype([("hash", "<u8", (2,)), ("vector", "<f2", (dim,))])


def _words(words: Words) -> npt.NDArray[np.bytes_]:
    """Return hashes uint64 [n, 2] as strings of 16 bytes, which compare as one value."""
    return np.ascontiguousarray(words, dtype="<u8").view("S16").reshape(len(words))


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
