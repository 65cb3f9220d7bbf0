"""Small files beside the snapshots that are an operator's own: private, and written whole or not at all."""

import os
import secrets
from contextlib import suppress
from pathlib import Path

from sweeplens.errors import StoreError
from sweeplens.store import disk

TEMPORARY = ".writing-"  # how the names of files begin that are not yet whole


def write_private(store: Path, name: str, data: bytes) -> Path:
    """Write the file `name` of the store, mode 0600, so that a reader sees the old or the new. Raises `StoreError`."""
    path = store / name
    try:
        disk.make_folder(store)
        replace_file(path, data)
    except OSError as error:
        raise StoreError(f"the file {path} cannot be written: {error.strerror}") from None
    return path


def replace_file(path: Path, data: bytes) -> None:
    """Write a file anew, durably, so that a reader sees the old or the new. Raises `OSError`."""
    temporary = path.with_name(temporary_name())
    try:
        disk.write_file(temporary, data)
        disk.replace(temporary, path)
    except OSError:
        with suppress(OSError):
            disk.unlink(temporary)
        raise
    disk.sync_folder(path.parent)


def remove_private(store: Path, name: str) -> bool:
    """Remove the file `name` of the store; False where there was none. Raises `StoreError`."""
    try:
        disk.unlink(store / name)
        disk.sync_folder(store)
    except FileNotFoundError:
        return False
    except OSError as error:
        raise StoreError(f"the file {store / name} cannot be removed: {error.strerror}") from None
    return True


def temporary_name() -> str:
    """Return a name that no other process takes, for a file that is not yet whole."""
    return f"{TEMPORARY}{os.getpid()}-{secrets.token_hex(4)}"
