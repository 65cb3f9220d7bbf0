"""Who reads a snapshot holds a lease on it: a shared lock on its manifest, which also works on a read-only store."""

import errno
import fcntl
import os
import time
import weakref
from pathlib import Path

from sweeplens.store.schema import MANIFEST

_BUSY = frozenset({errno.EAGAIN, errno.EACCES, errno.EWOULDBLOCK})
_TRIES, _PAUSE = 50, 0.02  # a prune that looks holds the other lock for a moment


class Gone(Exception):  # noqa: N818 - no error: whoever opens a snapshot looks anew
    """The snapshot was removed before the lease could be had."""


class Lease:
    """A shared lock on a snapshot, until `close` or the end of the object; on a file system without locks, nothing."""

    def __init__(self, folder: Path) -> None:
        """Take the lease. Raises `Gone`, or `OSError` where the manifest cannot be read."""
        self._handle = _lock(folder / MANIFEST)
        self._end = weakref.finalize(self, os.close, self._handle)

    def read(self) -> bytes:
        """Return the manifest that the lease is on."""
        parts = []
        at = 0
        while part := os.pread(self._handle, 1 << 20, at):
            parts.append(part)
            at += len(part)
        return b"".join(parts)

    def close(self) -> None:
        """Give the lease back; a second time does nothing."""
        self._end()


def take_alone(folder: Path) -> int | None:
    """Return the descriptor of an exclusive lock on the snapshot, to be closed; None while a reader has a lease.

    Raises `OSError` where the file system has no locks, or the manifest cannot be opened for writing.
    """
    handle = os.open(folder / MANIFEST, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)  # over NFS, reading is not enough
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(handle)
        if error.errno in _BUSY:
            return None
        raise
    return handle


def _lock(path: Path) -> int:
    for _ in range(_TRIES):
        try:
            handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
        except FileNotFoundError:
            raise Gone from None
        try:
            if _share(handle):
                seen = path.stat()  # the folder may have gone away under its name before the lock was there
                if os.path.samestat(seen, os.fstat(handle)):
                    return handle
        except FileNotFoundError:
            os.close(handle)
            raise Gone from None
        except BaseException:
            os.close(handle)
            raise
        os.close(handle)
        time.sleep(_PAUSE)
    raise Gone


def _share(handle: int) -> bool:
    """Take the shared lock; False while another has the exclusive one."""
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError as error:
        return error.errno not in _BUSY  # without locks, whoever reads goes on without a lease
    return True
