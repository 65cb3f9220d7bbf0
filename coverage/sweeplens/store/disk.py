"""Every call that changes a store on disk, each told to whoever observes: tests kill, fail and replay them here.

A file that was made here is durable once its stream is closed; a name is durable after `sync_folder`. What goes wrong
stays an `OSError`: the caller knows what it was writing, and says so.
"""

import io
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, cast

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

# op ("create", "write", "fsync", "rename", "link", "unlink", "mkdir", "rmdir", "fsync_folder", "chmod"),
# when ("before", "after"), path, the other path of a rename or link, the data of a write
Hook = Callable[[str, str, Path, Path | None, bytes | None], None]

_BUFFER = 1 << 20  # bytes that are gathered before they are written
_hooks: list[Hook] = []


@contextmanager
def observe(hook: Hook) -> Iterator[None]:
    """Call `hook` before and after every change; an exception of the hook takes the place of the call."""
    _hooks.append(hook)
    try:
        yield
    finally:
        _hooks.remove(hook)


@contextmanager
def create(path: Path) -> Iterator[IO[bytes]]:
    """Give a binary stream to a new file, mode 0600, that is durable when the block ends well.

    Raises `FileExistsError` for a file that is there: it may share its bytes with another snapshot.
    """
    raw = _File(path)
    try:
        stream = io.BufferedWriter(raw, _BUFFER)
        yield cast("IO[bytes]", stream)
        if not stream.closed:  # by a wrapper, such as one for text
            stream.flush()
        raw.sync()
    finally:
        raw.release()  # what a failure left in the buffer is not worth a second failure


def write_file(path: Path, data: bytes) -> None:
    """Write a new file whole; see `create`."""
    with create(path) as stream:
        stream.write(data)


def replace(source: Path, target: Path) -> None:
    """Give the file or folder `source` the name `target`; a file of that name is replaced."""
    with _told("rename", source, target):
        source.replace(target)


def link(source: Path, target: Path) -> None:
    """Give the file `source` a second name."""
    with _told("link", source, target):
        os.link(source, target, follow_symlinks=False)


def unlink(path: Path) -> None:
    """Remove a file's name."""
    with _told("unlink", path):
        path.unlink()


def chmod(path: Path, mode: int) -> None:
    """Set the permissions of a file or folder."""
    with _told("chmod", path):
        path.chmod(mode)


def make_folder(path: Path) -> bool:
    """Make the folder and those above it, mode 0700, each durable in its parent; False where it was there."""
    try:
        with _told("mkdir", path):
            path.mkdir(mode=0o700)
    except FileExistsError:
        if not path.is_dir():
            raise
        return False
    except FileNotFoundError:
        if path.parent == path:
            raise
        make_folder(path.parent)
        return make_folder(path)
    sync_folder(path.parent)
    return True


def remove_tree(path: Path) -> None:
    """Remove a folder with all that is in it, file by file; what is gone already is no error."""
    try:
        entries = sorted(os.scandir(path), key=lambda e: e.name)
    except FileNotFoundError:
        return
    for entry in entries:
        if entry.is_dir(follow_symlinks=False):
            remove_tree(path / entry.name)
        else:
            unlink(path / entry.name)
    with _told("rmdir", path):
        path.rmdir()


def open_lock(path: Path) -> int:
    """Return a descriptor of the file, open for a lock; the file is made where there is none, and stays as it is."""
    flags = os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW
    try:
        return os.open(path, flags)
    except FileNotFoundError:
        with _told("create", path):
            return os.open(path, flags | os.O_CREAT, 0o600)


def sync_file(path: Path) -> None:
    """Make what a file holds durable."""
    with _told("fsync", path):
        _sync(path)


def sync_folder(path: Path) -> None:
    """Make the names in a folder durable."""
    with _told("fsync_folder", path):
        _sync(path)


def touch(path: Path) -> None:
    """Set a file's time to now. Nobody is told: it changes nothing that is read after a crash."""
    os.utime(path)


class _File(io.RawIOBase):
    """A new file. It hides its descriptor, so that no library writes past `write`, and keeps it until `release`."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self._path = path
        with _told("create", path):
            self._fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        self._at = 0

    def writable(self) -> bool:
        return True

    def write(self, data: "ReadableBuffer") -> int:
        view = memoryview(data).cast("B")
        with _told("write", self._path, data=view):
            done = 0
            while done < len(view):
                done += os.write(self._fd, view[done:])
        self._at += done
        return done

    def tell(self) -> int:
        return self._at

    def sync(self) -> None:
        with _told("fsync", self._path):
            os.fsync(self._fd)

    def release(self) -> None:
        self.close()
        os.close(self._fd)


@contextmanager
def _told(op: str, path: Path, other: Path | None = None, data: memoryview | None = None) -> Iterator[None]:
    _tell(op, "before", path, other, data)
    yield
    _tell(op, "after", path, other, data)


def _tell(op: str, when: str, path: Path, other: Path | None, data: memoryview | None) -> None:
    for hook in tuple(_hooks):
        hook(op, when, path, other, None if data is None else data.tobytes())


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
