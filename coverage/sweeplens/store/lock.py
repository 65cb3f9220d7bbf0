"""One writer at a time: a lock of the operating system, and beside it a file that says who holds it.

The operating system frees `.lock` when its holder ends, however it ends, but not every network file system tells one
host of another's locks. So the holder keeps `.lock.holder` fresh, and a writer on another host refuses while it is.
Its age is taken from the clock of the file system alone: clocks of hosts differ.
"""

import errno
import fcntl
import json
import logging
import os
import secrets
import socket
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sweeplens.errors import StoreError
from sweeplens.store import disk
from sweeplens.store.private import TEMPORARY, temporary_name

LOCK, HOLDER = ".lock", ".lock.holder"
BUILDING, DELETING = ".building-", ".deleting-"  # how the names of folders begin that are not whole
BEAT, STALE = 30.0, 600.0  # seconds between two signs of life, and after which a holder without one is gone
_LEFT = (f"{BUILDING}*", f"{DELETING}*", "CURRENT.new")
_PAUSE = 0.1
_BUSY = frozenset({errno.EAGAIN, errno.EACCES, errno.EWOULDBLOCK})
_NO_LINKS = frozenset({errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS, errno.EINVAL})
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Lock:
    """The right to write to the store, until the end of `hold_lock`."""

    store: Path
    token: str = field(default_factory=lambda: secrets.token_hex(8))

    def check(self) -> None:
        """Raise `StoreError` where another host took the lock over, as it does after ten minutes without a sign."""
        if _read_holder(self.store).get("token") != self.token:
            raise StoreError(f"another host took over the lock of the store {self.store}: nothing was published")

    def building_name(self) -> str:
        """Return the name of a folder that the next writer removes if this one does not."""
        return f"{BUILDING}{os.getpid()}-{time.monotonic_ns()}"


@contextmanager
def hold_lock(store: Path, *, wait: float = 0.0) -> Iterator[Lock]:
    """Be the only one that writes to the store, after removing what earlier writers left unfinished.

    Raises `StoreError` when another process is still writing after `wait` seconds, and turns an `OSError` of the block
    into one.
    """
    lock = Lock(store)
    handle = None
    try:
        disk.make_folder(store)
        handle = _take(store, time.monotonic() + wait)
        _enter(lock)
        stop = threading.Event()
        beat = threading.Thread(target=_beat, args=(store / HOLDER, stop), name="sweeplens-lock", daemon=True)
        beat.start()
        try:
            _clear(store)
            yield lock
        finally:
            stop.set()
            beat.join()
            _leave(lock)
    except OSError as error:
        raise StoreError(_explain(store, error)) from error
    finally:
        if handle is not None and handle in _open_handles:
            _open_handles.discard(handle)
            with suppress(OSError):
                # A child that was just forked may not have closed its copy yet: closing ours alone would keep the lock.
                fcntl.flock(handle, fcntl.LOCK_UN)
            with suppress(OSError):
                os.close(handle)


def _take(store: Path, until: float) -> int:
    """Return the descriptor that holds the operating system's lock."""
    while True:
        handle = disk.open_lock(store / LOCK)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(handle)
            if error.errno not in _BUSY:
                raise
        else:
            if _is_named(handle, store / LOCK):
                _open_handles.add(handle)
                return handle
            os.close(handle)  # somebody removed the file meanwhile: this lock keeps nobody out
            continue
        if time.monotonic() >= until:
            raise StoreError(f"another process is writing to the store {store}{_whose(store)}: wait until it is done")
        time.sleep(_PAUSE)


def _is_named(handle: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(handle), path.stat())
    except FileNotFoundError:
        return False


def _enter(lock: Lock) -> None:
    """Write down who holds the lock, unless a live holder on another host did. Raises `StoreError` and `OSError`."""
    path, mine = lock.store / HOLDER, lock.store / temporary_name()
    note = {
        "host": socket.gethostname(), "pid": os.getpid(), "command": _command(),
        "since": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"), "token": lock.token,
    }  # fmt: skip
    try:
        disk.write_file(mine, (json.dumps(note) + "\n").encode())
        if not _link(mine, path):
            _refuse_live(lock.store, mine.stat().st_mtime)
            disk.replace(mine, path)
    finally:
        with suppress(FileNotFoundError):
            disk.unlink(mine)
    lock.check()


def _link(mine: Path, path: Path) -> bool:
    """Give the note the holder's name if nobody has it: of two hosts that try at once, one succeeds."""
    try:
        disk.link(mine, path)
    except FileExistsError:
        return False
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        return False
    return True


def _refuse_live(store: Path, now: float) -> None:
    holder = _read_holder(store)
    if not holder or holder.get("host") == socket.gethostname():
        return  # this host's lock is the operating system's, and that was had: its holder has ended
    try:
        age = now - (store / HOLDER).stat().st_mtime
    except FileNotFoundError:
        return
    if age < STALE:
        minutes = max(1, round((STALE - max(age, 0.0)) / 60))
        raise StoreError(
            f"another host is writing to the store {store}{_whose(store)}: wait until it is done; if it is gone, the "
            f"lock frees itself in {minutes} minute{'s' if minutes > 1 else ''}"
        )
    log.warning("the lock of the store %s%s had no sign of life for ten minutes: taken over", store, _whose(store))


def _leave(lock: Lock) -> None:
    if _read_holder(lock.store).get("token") == lock.token:
        with suppress(OSError):  # a note that stays is taken over
            disk.unlink(lock.store / HOLDER)


def _beat(path: Path, stop: threading.Event) -> None:
    while not stop.wait(BEAT):
        with suppress(OSError):
            disk.touch(path)


def _clear(store: Path) -> None:
    """Remove what writers left that were killed."""
    for pattern in _LEFT:
        for left in store.glob(pattern):
            if left.is_dir() and not left.is_symlink():
                disk.remove_tree(left)
            else:
                disk.unlink(left)
    for left in store.glob(f"{TEMPORARY}*"):
        if _is_abandoned(left):
            with suppress(FileNotFoundError):
                disk.unlink(left)


def _is_abandoned(path: Path) -> bool:
    """Say whether nobody writes the file any more: small files are also written without the lock, in an instant."""
    number = path.name.removeprefix(TEMPORARY).partition("-")[0]
    try:
        os.kill(int(number), 0)
    except ProcessLookupError:
        return True
    except (ValueError, OverflowError, OSError):
        pass
    try:
        return time.time() - path.stat().st_mtime > STALE
    except FileNotFoundError:
        return False


def _read_holder(store: Path) -> dict[str, Any]:
    try:
        found = json.loads((store / HOLDER).read_bytes())
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _whose(store: Path) -> str:
    """Return who holds the lock, as a remark; nothing where that is not known."""
    holder = _read_holder(store)
    if not {"host", "pid", "since", "command"} <= set(holder):
        return ""
    return f" ({holder['command']} on host {holder['host']}, process {holder['pid']}, since {holder['since']})"


def _command() -> str:
    """Return the program and its command, such as `sweeplens update`: further words may name accounts."""
    words = [Path(sys.argv[0]).name or "python", *sys.argv[1:2]] if sys.argv else ["python"]
    return " ".join(word for word in words if word.replace("-", "").replace("_", "").replace(".", "").isalnum())


def _explain(store: Path, error: OSError) -> str:
    where = Path(os.fsdecode(error.filename)) if isinstance(error.filename, str | bytes) else store
    what = f"the store {store} cannot be written" if where.is_relative_to(store) else f"{where} cannot be used"
    return f"{what}: {error.strerror or error}"


_open_handles: set[int] = set()


def _forget_in_child() -> None:
    # A child that lives longer than the writer would keep its lock.
    for handle in _open_handles:
        os.close(handle)
    _open_handles.clear()


os.register_at_fork(after_in_child=_forget_in_child)
