"""Every call that changes a store: counted, kept with its data, or answered with a SIGKILL of this very process."""

import errno
import os
import signal
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from unittest import mock

from sweeplens.store import disk

FSYNCS = frozenset({"fsync", "fsync_folder"})
OPS = frozenset({"create", "write", "rename", "link", "unlink", "mkdir", "rmdir", "chmod"}) | FSYNCS
CACHE = ".cache"
Hook = Callable[[str, str, Path, Path | None, bytes | None], None]


@dataclass(frozen=True)
class Call:
    """One call of the hook: what is about to be done or was just done, to what, paths relative to the store."""

    op: str
    when: str
    path: str
    other: str | None = None
    data: bytes | None = None

    def __str__(self) -> str:
        where = self.path if self.other is None else f"{self.path} and {self.other}"
        return f"{self.when} the {self.op} of {where}"


def record(store: Path, action: Callable[[Path], object]) -> list[Call]:
    """Run the action on the store and return every call of the hook, in order, with the data of the writes."""
    calls: list[Call] = []

    def hook(op: str, when: str, path: Path, other: Path | None, data: bytes | None) -> None:
        assert op in OPS, op
        calls.append(Call(op, when, _relative(path, store), other and _relative(other, store), data and bytes(data)))

    with observe(hook):
        action(store)
    return calls


def die_at(point: int, store: Path, action: Callable[[Path], object]) -> None:
    """Run the action and kill this process, as a scheduler does, at the call of the hook with that number."""
    with observe(_at(point, lambda: os.kill(os.getpid(), signal.SIGKILL))):
        action(store)


def fail_at(point: int, store: Path, action: Callable[[Path], object]) -> None:
    """Run the action and let the call of the hook with that number fail for want of space, once."""

    def fail() -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with observe(_at(point, fail)):
        action(store)


def _at(point: int, what: Callable[[], object]) -> Hook:
    left = point

    def hook(op: str, when: str, path: Path, other: Path | None, data: bytes | None) -> None:
        nonlocal left
        left -= 1
        if left == -1:
            what()

    return hook


@contextmanager
def observe(hook: Hook) -> Iterator[None]:
    """Call the hook before and after each change, those of the vector cache included, which knows no hook itself."""
    with disk.observe(hook), _observe_cache(hook):
        yield


@contextmanager
def _observe_cache(hook: Hook) -> Iterator[None]:
    """Stand in for the calls to the system with which the vector cache changes its folder."""
    real = {name: getattr(os, name) for name in ("fsync", "replace", "unlink", "mkdir", "fdopen")}
    real_mkstemp = tempfile.mkstemp

    def tell(op: str, path: object, call: Callable[[], object], other: object = None) -> object:
        here = Path(os.fspath(path))  # type: ignore[call-overload] # what the system takes as a path
        if CACHE not in here.parts:
            return call()
        there = None if other is None else Path(os.fspath(other))  # type: ignore[call-overload]
        hook(op, "before", here, there, None)
        result = call()
        hook(op, "after", here, there, None)
        return result

    def fsync(handle: int) -> object:
        path = Path(f"/proc/self/fd/{handle}").readlink()
        return tell("fsync_folder" if path.is_dir() else "fsync", path, lambda: real["fsync"](handle))

    def replace(source: object, target: object, **more: object) -> object:
        return tell("rename", source, lambda: real["replace"](source, target, **more), target)

    def unlink(path: object, **more: object) -> object:
        return tell("unlink", path, lambda: real["unlink"](path, **more))

    def mkdir(path: object, *args: object, **more: object) -> object:
        return tell("mkdir", path, lambda: real["mkdir"](path, *args, **more))

    def mkstemp(*args: object, **more: object) -> tuple[int, str]:
        if CACHE not in Path(str(more.get("dir"))).parts:
            return real_mkstemp(*args, **more)
        hook("create", "before", Path(str(more["dir"])), None, None)
        handle, name = real_mkstemp(*args, **more)
        hook("create", "after", Path(name), None, None)
        return handle, name

    def fdopen(handle: int, *args: object, **more: object) -> object:
        path = Path(f"/proc/self/fd/{handle}").readlink()
        stream = real["fdopen"](handle, *args, **more)
        return _Told(stream, path, hook) if CACHE in path.parts and stream.writable() else stream

    with (
        mock.patch.multiple(os, fsync=fsync, replace=replace, unlink=unlink, mkdir=mkdir, fdopen=fdopen),
        mock.patch.object(tempfile, "mkstemp", mkstemp),
    ):
        yield


class _Told:
    """A stream that tells the hook of its writes, each of which is made at once."""

    def __init__(self, stream: object, path: Path, hook: Hook) -> None:
        self._stream, self._path, self._hook = stream, path, hook

    def write(self, data: bytes) -> int:
        self._hook("write", "before", self._path, None, data)
        done = self._stream.write(data)
        self._stream.flush()
        self._hook("write", "after", self._path, None, data)
        return done

    def __getattr__(self, name: str) -> object:
        return getattr(self._stream, name)

    def __enter__(self) -> "_Told":
        self._stream.__enter__()
        return self

    def __exit__(self, *why: object) -> object:
        return self._stream.__exit__(*why)


def _relative(path: Path, store: Path) -> str:
    return os.path.relpath(path, store)
