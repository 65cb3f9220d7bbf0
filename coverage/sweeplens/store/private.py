"""Small files beside the snapshots that are an operator's own: private, and written whole or not at all."""

import os
import tempfile
from pathlib import Path

from sweeplens.errors import StoreError

_TEMPORARY = ".writing-"


def write_private(store: Path, name: str, data: bytes) -> Path:
    """Write the file `name` of the store, mode 0600, so that a reader sees the old or the new. Raises `StoreError`."""
    path = store / name
    try:
        store.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(prefix=_TEMPORARY, dir=store)  # private to its owner
        try:
            with os.fdopen(handle, "wb") as stream:
                stream.write(data)
                stream.flush()
                os.fsync(stream.fileno())
            Path(temporary).replace(path)
        finally:
            Path(temporary).unlink(missing_ok=True)
        _sync(store)
    except OSError as error:
        raise StoreError(f"the file {path} cannot be written: {error.strerror}") from None
    return path


def remove_private(store: Path, name: str) -> bool:
    """Remove the file `name` of the store; False where there was none. Raises `StoreError`."""
    try:
        (store / name).unlink()
        _sync(store)
    except FileNotFoundError:
        return False
    except OSError as error:
        raise StoreError(f"the file {store / name} cannot be removed: {error.strerror}") from None
    return True


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
