"""Write a snapshot: everything into a temporary sibling, then one rename, then one swap of CURRENT."""

import errno
import hashlib
import json
import logging
import re
import shutil
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from sweeplens.errors import StoreError
from sweeplens.store import disk
from sweeplens.store.hashes import file_hash
from sweeplens.store.lock import Lock, hold_lock
from sweeplens.store.manifests import CURRENT, format_current
from sweeplens.store.private import replace_file
from sweeplens.store.schema import INDEX, MANIFEST, SCHEMA_VERSION, VECTORS, write_table
from sweeplens.store.snapshot import Snapshot, open_snapshot, read_manifest, snapshot_folders

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

    from sweeplens.index import Index

_PART = re.compile(r"-([0-9]+)\.[a-z]+")
_NO_LINKS = frozenset({errno.EPERM, errno.EXDEV, errno.EMLINK, errno.EOPNOTSUPP, errno.ENOSYS, errno.EINVAL})
log = logging.getLogger(__name__)


class SnapshotWriter:
    """A snapshot in the making; `publish` makes it visible, leaving it unpublished removes it.

    What is added may be a part: the base `requests.parquet` and `requests-0001.parquet` are one table. Errors of the
    disk are `OSError` here; `write_snapshot` turns them into one sentence.
    """

    def __init__(self, lock: Lock, folder: Path) -> None:
        self.store = lock.store
        self.folder = folder
        self._lock = lock
        self._tables: dict[str, list[str]] = {}
        self._vectors: list[str] = []
        self._index: dict[str, Any] = {"kind": None, "files": []}
        self._arrays: dict[str, str] = {}
        self._own: set[str] = set()  # made here: durable and private already
        self._adopted: dict[str, dict[str, Any]] = {}

    def create(self, file: str) -> AbstractContextManager[IO[bytes]]:
        """Give a binary stream to a new file of the snapshot; `add_part` says which table it belongs to, if any."""
        self._own.add(file)
        return disk.create(self.folder / file)

    def add_part(self, name: str, file: str) -> None:
        """Take a file, written into `folder` already, as the next part of the table `name`."""
        self._tables.setdefault(name, []).append(file)

    def parts(self, name: str) -> list[str]:
        """Return the files of a table so far."""
        return list(self._tables.get(name, ()))

    def add_table(self, name: str, table: "pa.Table", part: int | None = None) -> None:
        """Write a table whole, or one more part of it under that number."""
        file = _file(name, ".parquet", part)
        with self.create(file) as stream:
            write_table(stream, table)
        self.add_part(name, file)

    def add_vectors(self, array: "np.ndarray", part: int | None = None) -> None:
        """Write vectors [n, dim] after those that are there; a part without a number gets the next free one."""
        file = _file(VECTORS, ".npy", _next(self._vectors) if part is None else part)
        self._save(file, array)
        self._vectors.append(file)

    def add_index(self, index: "Index", part: int | None = None) -> None:
        """Write the index, or a delta after the parts that are there; the manifest's kind is that of the first."""
        files = self._index["files"]
        file = _file(INDEX, ".faiss", _next(files) if part is None else part)
        with self.create(file) as stream:
            index.write(stream)  # type: ignore[arg-type] # a BufferedWriter
        if not files:
            self._index["kind"] = index.kind
        files.append(file)

    def add_array(self, name: str, array: "np.ndarray") -> None:
        """Write one array under its name."""
        self._save(f"{name}.npy", array)
        self._arrays[name] = f"{name}.npy"

    def adopt(self, parent: Snapshot, name: str) -> None:
        """Take all the parent's files of a table or array, of "vectors" or "index", without reading them.

        They are linked, so that they take no room twice, and keep the hashes of the parent's manifest: what is damaged
        there is known as damaged here. Raises `StoreError` where the parent has nothing of that name.
        """
        if name == VECTORS:
            self._vectors += self._take(parent, parent.manifest[VECTORS])
        elif name == INDEX:
            held = parent.manifest[INDEX]
            self._index = {**held, "files": [*self._index["files"], *self._take(parent, held["files"])]}
        elif name in parent.manifest["arrays"]:
            self._arrays[name] = self._take(parent, [parent.manifest["arrays"][name]])[0]
        elif name in parent.manifest["tables"]:
            self._tables.setdefault(name, []).extend(self._take(parent, parent.manifest["tables"][name]))
        else:
            raise StoreError(f"snapshot {parent.snapshot_id} has no table or array {name}")

    def publish(self, manifest: dict[str, Any]) -> Snapshot:
        """Complete the manifest, make everything durable, and let CURRENT point here.

        `manifest` holds what the caller knows: config, encoder, log, counts, parent and so on.
        """
        now = datetime.now(UTC)
        parent = manifest.get("parent")
        whole = {
            "schema": SCHEMA_VERSION,
            "created": now.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "sequence": _next_sequence(self.store),
            "parent": parent,
            "parent_manifest": None if parent is None else _hash_if_there(self.store / parent / MANIFEST),
            **manifest,
            "tables": self._tables,
            "vectors": self._vectors,
            "index": {**manifest.get("index", {}), **self._index},
            "arrays": self._arrays,
            "files": self._finish_files(),
        }
        raw = (json.dumps(whole, indent=1, ensure_ascii=False) + "\n").encode()
        digest = hashlib.sha256(raw).hexdigest()
        disk.write_file(self.folder / MANIFEST, raw)
        disk.sync_folder(self.folder)
        target = _free_name(self.store, f"{now:%Y%m%d-%H%M%S}-{digest[:8]}")
        self._lock.check()
        disk.replace(self.folder, target)
        try:
            disk.sync_folder(self.store)
            swap_current(self.store, target.name, digest)
        except BaseException:
            self._take_back(target)
            raise
        return open_snapshot(self.store, target.name)

    def _save(self, file: str, array: "np.ndarray") -> None:
        import numpy as np

        with self.create(file) as stream:
            np.save(stream, np.asarray(array), allow_pickle=False)

    def _take(self, parent: Snapshot, files: list[str]) -> list[str]:
        for file in files:
            source, target = parent.folder / file, self.folder / file
            try:
                disk.link(source, target)
            except OSError as error:
                if error.errno not in _NO_LINKS:
                    raise
                with source.open("rb") as old, disk.create(target) as new:
                    shutil.copyfileobj(old, new, 1 << 20)
            self._adopted[file] = parent.manifest["files"][file]
        return list(files)

    def _finish_files(self) -> dict[str, dict[str, Any]]:
        """Make what was written past `create` private and durable, and return the manifest's entry of each file."""
        entries = {}
        for path in sorted(self.folder.iterdir()):
            if path.name in self._adopted:
                entries[path.name] = dict(self._adopted[path.name])
                continue
            if path.name not in self._own:
                disk.chmod(path, 0o600)
                disk.sync_file(path)
            entries[path.name] = {"sha256": file_hash(path), "bytes": path.stat().st_size}
        return entries

    def _take_back(self, target: Path) -> None:
        """Let a snapshot that CURRENT could not be pointed to be removed with the temporary folder."""
        try:
            if format_current(target.name, "")[:-1] not in (self.store / CURRENT).read_bytes():
                disk.replace(target, self.folder)
        except FileNotFoundError:
            disk.replace(target, self.folder)
        except OSError as error:
            log.warning("the snapshot %s could not be taken back: %s", target.name, error.strerror)


@contextmanager
def write_snapshot(store: Path, *, wait: float = 0.0) -> Iterator[SnapshotWriter]:
    """Hold the store's lock and give a writer; what was not published is removed at the end.

    Raises `StoreError` when the store cannot be written, or another process is still writing to it after `wait`
    seconds.
    """
    with hold_lock(store, wait=wait) as lock:
        folder = store / lock.building_name()
        try:
            disk.make_folder(folder)
            yield SnapshotWriter(lock, folder)
        finally:
            try:
                disk.remove_tree(folder)
            except OSError as error:
                log.warning("the temporary folder %s stays until the next run: %s", folder, error.strerror)


def swap_current(store: Path, snapshot_id: str, digest: str) -> None:
    """Let CURRENT name a snapshot and the SHA-256 of its manifest, at once and durably. Raises `OSError`."""
    replace_file(store / CURRENT, format_current(snapshot_id, digest))


def _file(name: str, ending: str, part: int | None) -> str:
    return f"{name}{ending}" if part is None else f"{name}-{part:04d}{ending}"


def _next(files: list[str]) -> int | None:
    """Return the number after the highest among the files; None for the first of all, which has no number."""
    numbers = [int(found[1]) if (found := _PART.search(file)) else 0 for file in files]
    return max(numbers) + 1 if numbers else None


def _next_sequence(store: Path) -> int:
    highest = 0
    for folder in snapshot_folders(store):
        try:
            highest = max(highest, int(read_manifest(folder).get("sequence", 0)))
        except StoreError as error:
            log.warning("%s", error)
    return highest + 1


def _hash_if_there(path: Path) -> str | None:
    return file_hash(path) if path.is_file() else None


def _free_name(store: Path, name: str) -> Path:
    target, number = store / name, 1
    while target.exists():
        number += 1
        target = store / f"{name}-{number}"
    return target
