"""Write a snapshot: everything into a temporary sibling, then one rename, then one swap of CURRENT."""

import hashlib
import json
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from filelock import FileLock, Timeout

from sweeplens.errors import StoreError
from sweeplens.store.schema import MANIFEST, SCHEMA_VERSION, VECTORS, write_table
from sweeplens.store.snapshot import CURRENT, Snapshot, file_hash, read_manifest

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

_TEMPORARY = ".building-"
LOCK = ".lock"  # in the store's folder: whoever writes anything there holds it


class SnapshotWriter:
    """A snapshot in the making; `publish` makes it visible, leaving it unpublished removes it."""

    def __init__(self, store: Path, folder: Path) -> None:
        self.store = store
        self.folder = folder
        self._tables: dict[str, list[str]] = {}

    def add_table(self, name: str, table: "pa.Table") -> None:
        """Write one table whole."""
        write_table(self.folder / f"{name}.parquet", table)
        self.add_part(name, f"{name}.parquet")

    def add_part(self, name: str, file: str) -> None:
        """Take a file, written into `folder` already, as a part of the table `name`."""
        self._tables.setdefault(name, []).append(file)

    def add_array(self, file: str, array: "np.ndarray") -> None:
        """Write one array as .npy."""
        import numpy as np

        np.save(self.folder / file, array, allow_pickle=False)

    def publish(self, manifest: dict[str, Any]) -> Snapshot:
        """Complete the manifest, make everything durable, and let CURRENT point here.

        `manifest` holds what the caller knows: config, encoder, log, counts, parent and so on.
        """
        files = sorted(p for p in self.folder.iterdir() if p.name != MANIFEST)
        now = datetime.now(UTC)
        whole = {
            "schema": SCHEMA_VERSION,
            "created": now.strftime("%Y-%m-%dT%H:%M:%SZ"),
            **manifest,
            "tables": self._tables,
            "vectors": [VECTORS],
            "files": {p.name: {"sha256": file_hash(p), "bytes": p.stat().st_size} for p in files},
        }
        raw = (json.dumps(whole, indent=1, ensure_ascii=False) + "\n").encode()
        digest = hashlib.sha256(raw).hexdigest()
        (self.folder / MANIFEST).write_bytes(raw)
        for path in [*files, self.folder / MANIFEST]:
            path.chmod(0o600)
            _fsync(path)
        _fsync(self.folder)
        target = _free_name(self.store, f"{now:%Y%m%d-%H%M%S}-{digest[:8]}")
        self.folder.rename(target)
        _fsync(self.store)
        _swap_current(self.store, target.name, digest)
        return Snapshot(target, read_manifest(target, digest))


@contextmanager
def write_snapshot(store: Path) -> Iterator[SnapshotWriter]:
    """Hold the store's lock and give a writer; what was not published is removed at the end.

    Raises `StoreError` when the store cannot be written or another process is writing to it.
    """
    try:
        store.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = FileLock(store / LOCK, mode=0o600)
        lock.acquire(timeout=0)
    except Timeout:
        raise StoreError(f"another process is writing to the store {store}: wait until it is done") from None
    except OSError as error:
        raise StoreError(f"the store {store} cannot be written: {error.strerror}") from None
    try:
        for left in store.glob(_TEMPORARY + "*"):
            shutil.rmtree(left, ignore_errors=True)
        folder = store / f"{_TEMPORARY}{os.getpid()}-{time.monotonic_ns()}"
        writer = SnapshotWriter(store, folder)
        try:
            folder.mkdir(mode=0o700)
            yield writer
        except OSError as error:
            raise StoreError(f"the store {store} cannot be written: {error.strerror or error}") from error
        finally:
            shutil.rmtree(folder, ignore_errors=True)
    finally:
        lock.release()


def _free_name(store: Path, name: str) -> Path:
    target, number = store / name, 1
    while target.exists():
        number += 1
        target = store / f"{name}-{number}"
    return target


def _swap_current(store: Path, snapshot_id: str, digest: str) -> None:
    temporary = store / f"{CURRENT}.new"
    temporary.write_text(f"{snapshot_id} {digest}\n", encoding="ascii")
    temporary.chmod(0o600)
    _fsync(temporary)
    temporary.replace(store / CURRENT)
    _fsync(store)


def _fsync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
