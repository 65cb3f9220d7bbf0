"""Open a snapshot and read from it; nothing here writes."""

import hashlib
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from sweeplens.errors import NotFoundError, StoreError
from sweeplens.store.hashes import has_hash
from sweeplens.store.leases import Gone, Lease
from sweeplens.store.manifests import CURRENT, SNAPSHOT_ID, manifest_order, parse_current, parse_manifest
from sweeplens.store.once import lock_of, once
from sweeplens.store.schema import CELLS, INDEX, MANIFEST, VECTORS, empty_columns, fit_table, make_table, schemas

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

    from sweeplens.index import Index
    from sweeplens.store.rows import RowView

_NEW = ("texts", "use", "lineage")  # tables that a snapshot need not have: they are empty then
_TRIES = 20
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class SnapshotInfo:
    """One line of the list of snapshots; `n_bytes` counts files that it shares with others, too."""

    snapshot_id: str
    created: str
    current: bool
    encoder: str
    n_requests: int
    n_accounts: int
    n_prompts: int
    n_bytes: int
    sequence: int = 0
    parent: str | None = None


class Snapshot:
    """One immutable build. Tables are read when they are asked for, vectors are memory-mapped.

    Each file's SHA-256 is checked before its first use in a process. While it is open, `prune` leaves it alone.
    """

    def __init__(self, folder: Path, manifest: dict[str, Any], lease: Lease | None = None, digest: str = "") -> None:
        self.folder = folder
        self.manifest = manifest
        self.digest = digest  # SHA-256 of the manifest
        self._lease = lease
        self._tables: dict[str, pa.Table] = {}
        self._arrays: dict[str, np.ndarray] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let `prune` remove it. What was read stays usable."""
        if self._lease is not None:
            self._lease.close()

    @property
    def snapshot_id(self) -> str:
        """The name of the snapshot's folder."""
        return self.folder.name

    def has(self, name: str) -> bool:
        """Say whether it holds the table or array of that name, "vectors" or "index"."""
        if name in {VECTORS, INDEX}:
            return bool(self._files(name))
        return name in self.manifest["tables"] or name in self.manifest["arrays"] or self._is_derived(name)

    def table(self, name: str, columns: Sequence[str] | None = None) -> "pa.Table":
        """Return a whole table, kept for the next call, or only some `columns` of it.

        The tables that came with version 2 are empty where a snapshot lacks them. Raises `StoreError` for another that
        it lacks and for one that is damaged, `KeyError` for a column that the table cannot have.
        """
        if name not in self._tables:
            if columns is not None:
                return self._read_table(name, columns)
            with lock_of(self):  # who asks for the same table meanwhile waits for it
                if name not in self._tables:
                    self._tables[name] = self._read_table(name, None)
        table = self._tables[name]
        return table if columns is None else table.select(list(columns))

    @once
    def vectors(self) -> "RowView":
        """The prompts' vectors, float16 [n_prompts, dim], unit rows, memory-mapped."""
        from sweeplens.store.rows import RowView

        files = self._files(VECTORS)
        if not files:
            raise StoreError(f"snapshot {self.snapshot_id} has no vectors")
        try:
            return RowView([self._map(file) for file in files])
        except ValueError:
            raise StoreError(f"the vectors of snapshot {self.snapshot_id} are damaged: their parts differ") from None

    @property
    def cells(self) -> "np.ndarray":
        """The centres of the cells, float32 [K, dim], unit rows."""
        return self.array(CELLS)

    def array(self, name: str) -> "np.ndarray":
        """Return an array, memory-mapped. Raises `StoreError` where the snapshot has none of that name."""
        if name not in self._arrays:
            if name not in self.manifest["arrays"]:
                raise StoreError(f"snapshot {self.snapshot_id} has no array {name}")
            self._arrays[name] = self._map(self.manifest["arrays"][name])
        return self._arrays[name]

    @once
    def index(self) -> "Index":
        """The FAISS index: the base and what updates added to it."""
        from sweeplens.index.reading import read_index

        files = self._files(INDEX)
        if not files:
            raise StoreError(f"snapshot {self.snapshot_id} has no index")
        return read_index([self.check_file(file) for file in files])

    def check_file(self, name: str) -> Path:
        """Return the path of a file that has the hash that the manifest gives. Raises `StoreError` for any other."""
        path = self.folder / name
        if not has_hash(path, self.manifest["files"][name]["sha256"]):
            raise StoreError(f"{name} of snapshot {self.snapshot_id} is damaged: its SHA-256 is not the manifest's")
        return path

    def _files(self, name: str) -> list[str]:
        files: list[str] = self.manifest[VECTORS] if name == VECTORS else self.manifest[INDEX]["files"]
        return files

    def _is_derived(self, name: str) -> bool:
        return name == "use" and self.manifest["schema"] == 1 and "prompts" in self.manifest["tables"]

    def _read_table(self, name: str, columns: Sequence[str] | None) -> "pa.Table":
        import pyarrow as pa

        files = self.manifest["tables"].get("prompts" if self._is_derived(name) else name)
        if files is None:
            if name not in _NEW:
                raise StoreError(f"snapshot {self.snapshot_id} has no table {name}")
            table = make_table(name, empty_columns(name))
            return table if columns is None else table.select(list(columns))
        parts = [self._read_part(name, file, columns) for file in files]
        table = parts[0] if len(parts) == 1 else pa.concat_tables(parts)
        return table.unify_dictionaries()

    def _read_part(self, name: str, file: str, columns: Sequence[str] | None) -> "pa.Table":
        import pyarrow as pa
        import pyarrow.parquet as pq

        path = self.check_file(file)
        wanted = schemas()[name].names if columns is None else list(columns)
        try:
            with pq.ParquetFile(path) as stream:
                there = set(stream.schema_arrow.names)
                table = stream.read([column for column in wanted if column in there])
        except (OSError, pa.ArrowException) as error:
            raise StoreError(f"{file} of snapshot {self.snapshot_id} cannot be read: {error}") from None
        return fit_table(name, table, columns)

    def _map(self, file: str) -> "np.ndarray":
        import numpy as np

        path = self.check_file(file)
        try:
            loaded: np.ndarray = np.load(path, mmap_mode="r", allow_pickle=False)
        except (OSError, ValueError) as error:
            raise StoreError(f"{file} of snapshot {self.snapshot_id} cannot be read: {error}") from None
        return loaded


def open_snapshot(store: Path, snapshot_id: str | None = None) -> Snapshot:
    """Open the snapshot of that id, or the one that CURRENT names.

    Checks the manifest against CURRENT or the id, its schema version and the size of each file. Raises `StoreError`
    where the store or a file is missing or damaged, `SchemaError` for a snapshot of a newer version, `NotFoundError`
    for an unknown id.
    """
    if snapshot_id is not None:
        try:
            if SNAPSHOT_ID.fullmatch(snapshot_id):
                return _open(store / snapshot_id)
        except Gone:
            pass
        raise NotFoundError(f"the store {store} has no snapshot {snapshot_id!r}: `sweeplens snapshots` lists them")
    named = None
    for _ in range(_TRIES):
        before, named = named, read_current(store)
        try:
            return _open(store / named[0], named[1])
        except Gone:
            if named == before:
                break
    raise StoreError(f"the store {store} is damaged: {CURRENT} names a snapshot that is not there")


def read_current(store: Path) -> tuple[str, str]:
    """Return (snapshot id, SHA-256 of its manifest) from the pointer CURRENT."""
    if not store.is_dir():
        raise StoreError(f"the store {store} does not exist: `sweeplens build LOG` makes one")
    try:
        found = parse_current((store / CURRENT).read_bytes())
    except FileNotFoundError:
        raise StoreError(f"the store {store} holds no snapshot yet: `sweeplens build LOG` makes one") from None
    except OSError as error:
        raise StoreError(f"the pointer {store / CURRENT} cannot be read: {error.strerror}") from None
    if found is None:
        raise StoreError(f"the pointer {store / CURRENT} is damaged: expected a snapshot id and a hash")
    return found


def read_manifest(folder: Path, want_hash: str | None = None) -> dict[str, Any]:
    """Read and check the manifest of one snapshot folder, and bring it up to date where it is of an older version."""
    try:
        raw = (folder / MANIFEST).read_bytes()
    except OSError as error:
        raise StoreError(f"the manifest of snapshot {folder.name} cannot be read: {error.strerror}") from None
    return parse_manifest(raw, folder.name, want_hash)


def snapshot_folders(store: Path) -> list[Path]:
    """Return the folders of the store that have the name of a snapshot, by name."""
    try:
        return sorted(p for p in store.iterdir() if SNAPSHOT_ID.fullmatch(p.name) and p.is_dir())
    except FileNotFoundError:
        return []
    except OSError as error:
        raise StoreError(f"the store {store} cannot be read: {error.strerror}") from None


def list_snapshots(store: Path) -> list[SnapshotInfo]:
    """Return every readable snapshot of the store, oldest first; unreadable ones are logged and left out."""
    current = read_current(store)[0] if (store / CURRENT).exists() or not store.is_dir() else None
    rows = []
    for folder in snapshot_folders(store):
        try:
            rows.append((folder.name, read_manifest(folder)))
        except StoreError as error:
            log.warning("%s", error)
    return [_info(name, m, name == current) for name, m in sorted(rows, key=lambda row: manifest_order(*row))]


def _info(snapshot_id: str, manifest: dict[str, Any], current: bool) -> SnapshotInfo:
    counts = manifest.get("counts", {})
    return SnapshotInfo(
        snapshot_id, manifest.get("created", ""), current, manifest.get("encoder", {}).get("name", ""),
        counts.get("requests", 0), counts.get("accounts", 0), counts.get("prompts", 0),
        sum(f["bytes"] for f in manifest["files"].values()), manifest.get("sequence", 0), manifest.get("parent"),
    )  # fmt: skip


def _open(folder: Path, want_hash: str | None = None) -> Snapshot:
    """Take a lease, then check the manifest and the sizes. Raises `Gone` and `StoreError`."""
    try:
        lease = Lease(folder)
    except OSError as error:
        raise StoreError(f"the manifest of snapshot {folder.name} cannot be read: {error.strerror}") from None
    try:
        raw = lease.read()
        manifest = parse_manifest(raw, folder.name, want_hash)
        for name, entry in manifest["files"].items():
            try:
                size = (folder / name).stat().st_size
            except OSError as error:
                raise StoreError(f"{name} of snapshot {folder.name} cannot be read: {error.strerror}") from None
            if size != entry["bytes"]:
                raise StoreError(
                    f"{name} of snapshot {folder.name} is damaged: it has {size} bytes, not {entry['bytes']}"
                )
    except BaseException:
        lease.close()
        raise
    return Snapshot(folder, manifest, lease, hashlib.sha256(raw).hexdigest())
