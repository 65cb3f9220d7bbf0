"""Open a snapshot and read from it; nothing here writes."""

import hashlib
import json
import logging
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sweeplens.errors import NotFoundError, SchemaError, StoreError
from sweeplens.store.schema import CELLS, INDEX, MANIFEST, SCHEMA_VERSION, VECTORS

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

    from sweeplens.index.flat import Index

CURRENT = "CURRENT"
_ID = re.compile(r"[0-9]{8}-[0-9]{6}-[0-9a-f]{8}(?:-[0-9]+)?")
_checked: set[tuple[str, str]] = set()
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class SnapshotInfo:
    """One line of the list of snapshots."""

    snapshot_id: str
    created: str
    current: bool
    encoder: str
    n_requests: int
    n_accounts: int
    n_prompts: int
    n_bytes: int


class Snapshot:
    """One immutable build. Tables are read when they are asked for, vectors are memory-mapped."""

    def __init__(self, folder: Path, manifest: dict[str, Any]) -> None:
        self.folder = folder
        self.manifest = manifest
        self._tables: dict[str, pa.Table] = {}

    @property
    def snapshot_id(self) -> str:
        """The name of the snapshot's folder."""
        return self.folder.name

    def table(self, name: str, columns: Sequence[str] | None = None) -> "pa.Table":
        """Return a whole table, kept for the next call, or only some `columns` of it."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        if name not in self._tables:
            parts = self.manifest["tables"].get(name)
            if parts is None:
                raise StoreError(f"snapshot {self.snapshot_id} has no table {name}")
            try:
                tables = [pq.read_table(self.folder / part, columns=columns) for part in parts]
            except (OSError, pa.ArrowInvalid) as error:
                raise StoreError(f"table {name} of snapshot {self.snapshot_id} cannot be read: {error}") from None
            table = tables[0] if len(tables) == 1 else pa.concat_tables(tables, promote_options="default")
            if columns is not None:
                return table
            self._tables[name] = table.unify_dictionaries()
        table = self._tables[name]
        return table if columns is None else table.select(list(columns))

    @cached_property
    def vectors(self) -> "np.ndarray":
        """The prompts' vectors, float16 [n_prompts, dim], unit rows, memory-mapped."""
        return self._array(VECTORS)

    @cached_property
    def cells(self) -> "np.ndarray":
        """The centres of the cells, float32 [K, dim], unit rows."""
        return self._array(CELLS)

    @cached_property
    def index(self) -> "Index":
        """The FAISS index; its hash is checked, once in a process, before the native parser sees the file."""
        from sweeplens.index.flat import read_index

        self.check_file(INDEX)
        return read_index(self.folder / INDEX)

    def check_file(self, name: str) -> None:
        """Raise `StoreError` unless the file has the hash that the manifest gives."""
        want = self.manifest["files"][name]["sha256"]
        key = (str(self.folder / name), want)
        if key not in _checked:
            if file_hash(self.folder / name) != want:
                raise StoreError(f"{name} of snapshot {self.snapshot_id} is damaged: its SHA-256 is not the manifest's")
            _checked.add(key)

    def _array(self, name: str) -> "np.ndarray":
        import numpy as np

        try:
            loaded: np.ndarray = np.load(self.folder / name, mmap_mode="r", allow_pickle=False)
        except (OSError, ValueError) as error:
            raise StoreError(f"{name} of snapshot {self.snapshot_id} cannot be read: {error}") from None
        return loaded


def open_snapshot(store: Path, snapshot_id: str | None = None) -> Snapshot:
    """Open the snapshot of that id, or the one that CURRENT names.

    Checks the manifest against CURRENT, its schema version and the size of each file. Raises `StoreError` where the
    store or a file is missing or damaged, `SchemaError` for a snapshot of a newer version, `NotFoundError` for an
    unknown id.
    """
    want_hash = None
    if snapshot_id is None:
        snapshot_id, want_hash = read_current(store)
    elif not _ID.fullmatch(snapshot_id) or not (store / snapshot_id / MANIFEST).is_file():
        raise NotFoundError(f"the store {store} has no snapshot {snapshot_id!r}: `sweeplens snapshots` lists them")
    folder = store / snapshot_id
    manifest = read_manifest(folder, want_hash)
    for name, entry in manifest["files"].items():
        try:
            size = (folder / name).stat().st_size
        except OSError as error:
            raise StoreError(f"{name} of snapshot {snapshot_id} cannot be read: {error.strerror}") from None
        if size != entry["bytes"]:
            raise StoreError(f"{name} of snapshot {snapshot_id} is damaged: it has {size} bytes, not {entry['bytes']}")
    return Snapshot(folder, manifest)


def read_current(store: Path) -> tuple[str, str]:
    """Return (snapshot id, SHA-256 of its manifest) from the pointer CURRENT."""
    if not store.is_dir():
        raise StoreError(f"the store {store} does not exist: `sweeplens build LOG` makes one")
    try:
        words = (store / CURRENT).read_text(encoding="ascii").split()
    except FileNotFoundError:
        raise StoreError(f"the store {store} holds no snapshot yet: `sweeplens build LOG` makes one") from None
    except (OSError, UnicodeDecodeError) as error:
        raise StoreError(f"the pointer {store / CURRENT} cannot be read: {error}") from None
    if len(words) != 2 or not _ID.fullmatch(words[0]):
        raise StoreError(f"the pointer {store / CURRENT} is damaged: expected a snapshot id and a hash")
    return words[0], words[1]


def read_manifest(folder: Path, want_hash: str | None = None) -> dict[str, Any]:
    """Read and check the manifest of one snapshot folder."""
    try:
        raw = (folder / MANIFEST).read_bytes()
    except OSError as error:
        raise StoreError(f"the manifest of snapshot {folder.name} cannot be read: {error.strerror}") from None
    if want_hash is not None and hashlib.sha256(raw).hexdigest() != want_hash:
        raise StoreError(f"the manifest of snapshot {folder.name} is damaged: its SHA-256 is not the one in {CURRENT}")
    try:
        manifest = json.loads(raw)
        version = manifest["schema"]
        if not isinstance(version, int) or not isinstance(manifest["files"], dict):
            raise TypeError
    except (ValueError, KeyError, TypeError):
        raise StoreError(f"the manifest of snapshot {folder.name} is damaged: it is not a manifest") from None
    if version > SCHEMA_VERSION:
        raise SchemaError(
            f"snapshot {folder.name} has schema version {version}, but this SweepLens reads versions up to "
            f"{SCHEMA_VERSION}: upgrade SweepLens"
        )
    checked: dict[str, Any] = manifest
    return checked


def list_snapshots(store: Path) -> list[SnapshotInfo]:
    """Return every readable snapshot of the store, oldest first; unreadable ones are logged and left out."""
    current = read_current(store)[0] if (store / CURRENT).exists() else None
    if not store.is_dir():
        read_current(store)
    rows = []
    for folder in sorted(p for p in store.iterdir() if _ID.fullmatch(p.name) and p.is_dir()):
        try:
            m = read_manifest(folder)
        except StoreError as error:
            log.warning("%s", error)
            continue
        counts = m.get("counts", {})
        rows.append(
            SnapshotInfo(
                folder.name, m.get("created", ""), folder.name == current, m.get("encoder", {}).get("name", ""),
                counts.get("requests", 0), counts.get("accounts", 0), counts.get("prompts", 0),
                sum(f["bytes"] for f in m["files"].values()),
            )
        )  # fmt: skip
    return rows


def file_hash(path: Path) -> str:
    """Return the SHA-256 of a file in hex."""
    try:
        with path.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError as error:
        raise StoreError(f"{path.name} cannot be read: {error.strerror}") from None
