"""Find the files that a log consists of, and open each as a stream of plain bytes."""

import contextlib
import glob
import gzip
import io
import logging
import os
import stat
import sys
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING

from sweeplens.errors import LogError
from sweeplens.text import printable

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

_log = logging.getLogger(__name__)
STDIN = "-"
EXTENSIONS = tuple(
    name + packed
    for name in (".jsonl", ".ndjson", ".json", ".csv", ".tsv", ".parquet")
    for packed in ("", ".gz", ".zst", ".zstd")
)
HEAD_BYTES = 1 << 16
_BUFFER_BYTES = 1 << 18
# So little goes into the decompressor at once because what comes out can be ten thousand times as much.
_ZSTD_STEP = 1 << 12
_GZIP, _ZSTD = b"\x1f\x8b", b"\x28\xb5\x2f\xfd"
_FOREIGN = {
    b"BZh": "bzip2",
    b"\xfd7zXZ": "xz",
    b"PK\x03\x04": "zip",
    b"7z\xbc\xaf": "7-zip",
    b"\x04\x22\x4d\x18": "lz4",
}


@dataclass(frozen=True)
class Source:
    """One file of a log. `label` names it in rejects, relative to the folder or glob that led to it."""

    path: str
    label: str
    named: bool
    """Whether the user named this very file, rather than a folder or a glob that holds it."""

    @property
    def name(self) -> str:
        """The base name, which requests carry."""
        return Path(self.label).name

    @property
    def shown(self) -> str:
        """The path as messages show it."""
        return "standard input" if self.path == STDIN else printable(self.path)


@dataclass(frozen=True)
class Opened:
    """An open file: its decompressed stream, its first bytes (still in the stream), its path if it can be seeked."""

    stream: io.BufferedReader
    head: bytes
    path: str | None


def find_sources(entries: Sequence[str]) -> list[Source]:
    """Resolve files, folders, globs and ``-`` to files, each once, in the given order; folders and globs are sorted.

    Raises `LogError` for what does not exist, a folder without logs and a glob without a match.
    """
    found: dict[str, Source] = {}
    for entry in map(os.fspath, entries):
        for source in _resolve(entry):
            key = STDIN if source.path == STDIN else os.path.realpath(source.path)
            found.setdefault(key, source)
    if not found:
        raise LogError("no log was named: expected files, folders, globs, or - for standard input")
    return list(found.values())


def _resolve(entry: str) -> list[Source]:
    if entry == STDIN:
        return [Source(STDIN, STDIN, True)]
    path = Path(entry)
    if path.is_dir():
        inside = _inside(path, path)
        if not inside:
            raise LogError(
                f"the folder {printable(entry)} holds no logs: expected files such as .jsonl, .csv or .parquet"
            )
        return inside
    if path.exists():
        return [Source(entry, path.name, True)]
    if "://" in entry:
        raise LogError(f"{printable(entry)} is a URL: expected a file, a folder, a glob, or - for standard input")
    if glob.has_magic(entry):
        return _matches(entry)
    raise LogError(f"the log {printable(entry)} does not exist")


def _matches(pattern: str) -> list[Source]:
    names = sorted(glob.glob(pattern, recursive=True))  # noqa: PTH207 - Path.glob takes no absolute patterns
    fixed = Path(pattern)
    while glob.has_magic(str(fixed)):
        fixed = fixed.parent
    found: list[Source] = []
    for name in names:
        path = Path(name)
        found += _inside(path, fixed) if path.is_dir() else [Source(name, os.path.relpath(name, fixed), False)]
    if not found:
        raise LogError(f"no file matches {printable(pattern)}")
    return found


def _inside(folder: Path, base: Path) -> list[Source]:
    paths: list[Path] = []
    for root, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        paths += [Path(root, name) for name in files if _is_log(name)]
    return [Source(str(path), os.path.relpath(path, base), False) for path in sorted(paths)]


def _is_log(name: str) -> bool:
    return not name.startswith(".") and name.lower().endswith(EXTENSIONS)


@contextlib.contextmanager
def open_source(source: Source) -> Iterator[Opened]:
    """Open a file or standard input; gzip and Zstandard are recognised by their first bytes and decompressed.

    Raises `LogError` when it cannot be read, is truncated, or is packed in another way.
    """
    with contextlib.ExitStack() as stack:
        with readable(source):
            raw: IO[bytes]
            if source.path == STDIN:
                raw = sys.stdin.buffer
            else:
                raw = stack.enter_context(Path(source.path).open("rb", buffering=0))
            seekable = source.path != STDIN and stat.S_ISREG(os.fstat(raw.fileno()).st_mode)
            head = _read_head(raw)
            stream: io.RawIOBase = _Replay(head, raw)
            packed = head.startswith((_GZIP, _ZSTD))
            if packed:
                stream = _unpacked(head, stream)
                head = _read_head(stream)
                stream = _Replay(head, stream)
        for magic, name in _FOREIGN.items():
            if head.startswith(magic):
                raise LogError(f"{source.shown} is packed with {name}: expected plain text, gzip or Zstandard")
        yield Opened(io.BufferedReader(stream, _BUFFER_BYTES), head, source.path if seekable and not packed else None)


@contextlib.contextmanager
def readable(source: Source) -> Iterator[None]:
    """Turn the errors of reading a file into `LogError`."""
    try:
        yield
    except EOFError:
        raise LogError(f"{source.shown} ends in the middle of its compressed data: the log is incomplete") from None
    except PermissionError:
        raise LogError(f"{source.shown} may not be read by this user") from None
    except gzip.BadGzipFile:
        raise LogError(f"{source.shown} holds damaged gzip data") from None
    except zlib.error:
        raise LogError(f"{source.shown} holds damaged gzip data") from None
    except OSError as error:
        raise LogError(f"{source.shown} cannot be read: {error.strerror or error}") from None


def _unpacked(head: bytes, stream: io.RawIOBase) -> io.RawIOBase:
    buffered = io.BufferedReader(stream, _BUFFER_BYTES)
    if head.startswith(_ZSTD):
        return _ZstdReader(buffered)
    return _Replay(b"", gzip.GzipFile(fileobj=buffered, mode="rb"))


def _read_head(stream: IO[bytes] | io.RawIOBase) -> bytes:
    head = b""
    while len(head) < HEAD_BYTES:
        more = stream.read(HEAD_BYTES - len(head))
        if not more:
            break
        head += more
    return head


class _Replay(io.RawIOBase):
    """A stream whose first bytes were read already."""

    def __init__(self, head: bytes, rest: IO[bytes] | io.RawIOBase | gzip.GzipFile) -> None:
        self._head, self._rest = head, rest

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "WriteableBuffer", /) -> int:
        view = memoryview(buffer).cast("B")
        chunk, self._head = self._head[: len(view)], self._head[len(view) :]
        if not chunk:
            chunk = self._rest.read(len(view)) or b""
        view[: len(chunk)] = chunk
        return len(chunk)


class _ZstdReader(io.RawIOBase):
    """Zstandard frames one after another; the library's own stream reader takes a truncated one for complete."""

    def __init__(self, source: IO[bytes]) -> None:
        import zstandard

        self._source, self._error = source, zstandard.ZstdError
        self._library = zstandard.ZstdDecompressor()
        self._frame = self._library.decompressobj()
        self._started, self._input, self._output = False, b"", memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "WriteableBuffer", /) -> int:
        view = memoryview(buffer).cast("B")
        while not self._output:
            if not self._more():
                return 0
        size = min(len(view), len(self._output))
        view[:size], self._output = self._output[:size], self._output[size:]
        return size

    def _more(self) -> bool:
        data = self._input or self._source.read(_ZSTD_STEP)
        if not data:
            if self._started:
                raise EOFError
            return False
        try:
            self._output, self._started, self._input = memoryview(self._frame.decompress(data)), True, b""
        except self._error:
            raise OSError("its Zstandard data is damaged, or needs more than 128 MiB of memory to decompress") from None
        if self._frame.eof:
            self._input = self._frame.unused_data
            self._frame, self._started = self._library.decompressobj(), False
        return True
