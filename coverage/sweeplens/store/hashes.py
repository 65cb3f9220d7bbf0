"""SHA-256 of files, taken once in a process for each file that stays as it is."""

import hashlib
from pathlib import Path

from sweeplens.errors import StoreError

_checked: set[tuple[int, int, int, int, str]] = set()


def file_hash(path: Path) -> str:
    """Return the SHA-256 of a file in hex. Raises `StoreError`."""
    try:
        with path.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError as error:
        raise StoreError(f"{path} cannot be read: {error.strerror}") from None


def has_hash(path: Path, want: str, *, again: bool = False) -> bool:
    """Say whether the file has that SHA-256; one that had it, and was not touched since, is not read `again`.

    Snapshots share files, so that one is known by its inode, size and time of change, not by its name. Raises
    `StoreError` for a file that cannot be read.
    """
    try:
        seen = path.stat()
    except OSError as error:
        raise StoreError(f"{path} cannot be read: {error.strerror}") from None
    key = (seen.st_dev, seen.st_ino, seen.st_size, seen.st_mtime_ns, want)
    if key in _checked and not again:
        return True
    if file_hash(path) != want:
        return False
    _checked.add(key)
    return True


def forget_hashes() -> None:
    """Read every file again the next time."""
    _checked.clear()
