"""Look for damage: the pointer, manifests and files, and where it is asked for every byte and every table."""

import hashlib
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sweeplens.errors import NotFoundError, StoreError
from sweeplens.store.hashes import file_hash, has_hash
from sweeplens.store.leases import Gone, Lease
from sweeplens.store.manifests import CURRENT, SNAPSHOT_ID, manifest_order, parse_current, parse_manifest
from sweeplens.store.schema import INDEX, MANIFEST, VECTORS
from sweeplens.store.snapshot import Snapshot, snapshot_folders

_EACH = ("texts", "use", "membership")  # tables with one row for each prompt
_ROWS = 1 << 16  # that are decoded at once


@dataclass(frozen=True)
class Finding:
    """What is wrong with a file of the store; `snapshot_id` is empty for the pointer CURRENT."""

    snapshot_id: str
    file: str
    problem: str

    def __str__(self) -> str:
        return f"{self.snapshot_id + '/' if self.snapshot_id else ''}{self.file}: {self.problem}"


def verify(store: Path, snapshot_id: str | None = None, *, every: bool = False, deep: bool = False) -> list[Finding]:
    """Check the current snapshot, that of `snapshot_id`, or `every` one, and return what is wrong, in order.

    Looks at the pointer, the manifests, and whether each file is there with its size and no other; a `deep` look also
    at the SHA-256 of every file and at what the tables hold. Raises `StoreError` for a store that does not exist or
    holds no snapshot, `NotFoundError` for an unknown id.
    """
    found, current = _check_pointer(store)
    names = [folder.name for folder in snapshot_folders(store)]
    if every:
        wanted = names
    elif snapshot_id is not None:
        wanted = [snapshot_id]
        if snapshot_id not in names:
            raise NotFoundError(f"the store {store} has no snapshot {snapshot_id!r}: `sweeplens snapshots` lists them")
    else:
        wanted = [] if current is None else [current[0]]
    known = {} if current is None else {current[0]: current[1]}
    children = _named_by_children(store, names)
    opened = []
    for name in wanted:
        problems, order = _check_snapshot(store / name, known.get(name), children.get(name), deep=deep)
        opened.append((order, name, problems))
    for _, _, problems in sorted(opened, key=lambda row: row[:2]):
        found += problems
    return found


def _check_pointer(store: Path) -> tuple[list[Finding], tuple[str, str] | None]:
    """Return what is wrong with CURRENT, and what it names if that can be used."""
    if not store.is_dir():
        raise StoreError(f"the store {store} does not exist: `sweeplens build LOG` makes one")
    try:
        raw = (store / CURRENT).read_bytes()
    except FileNotFoundError:
        if not snapshot_folders(store):
            raise StoreError(f"the store {store} holds no snapshot yet: `sweeplens build LOG` makes one") from None
        return [Finding("", CURRENT, "it is missing; `sweeplens use ID` writes it anew")], None
    except OSError as error:
        raise StoreError(f"the pointer {store / CURRENT} cannot be read: {error.strerror}") from None
    named = parse_current(raw)
    if named is None:
        return [Finding("", CURRENT, "it is damaged: expected a snapshot id and a hash")], None
    manifest = store / named[0] / MANIFEST
    if not manifest.is_file():
        return [Finding("", CURRENT, f"it names the snapshot {named[0]}, whose manifest is not there")], None
    digest = file_hash(manifest)
    if digest != named[1] and _fits(named[0], digest):
        return [Finding("", CURRENT, "it is damaged: its hash is not that of the manifest, which fits its id")], None
    return [], named


def _fits(snapshot_id: str, digest: str) -> bool:
    name = SNAPSHOT_ID.fullmatch(snapshot_id)
    return name is not None and digest.startswith(name[1])


def _named_by_children(store: Path, names: list[str]) -> dict[str, str]:
    """Return the SHA-256 that the manifests of later snapshots give for the manifests of their parents."""
    found = {}
    for name in names:
        try:
            manifest = parse_manifest((store / name / MANIFEST).read_bytes(), name)
        except (OSError, StoreError):
            continue  # it has findings of its own
        if manifest.get("parent_manifest"):
            found[manifest["parent"]] = manifest["parent_manifest"]
    return found


def _check_snapshot(
    folder: Path, digest: str | None, by_child: str | None, *, deep: bool
) -> tuple[list[Finding], tuple[int, str]]:
    name = folder.name
    try:
        lease = Lease(folder)
    except (Gone, OSError) as error:
        why = "it is missing" if isinstance(error, Gone) else f"it cannot be read: {error.strerror}"
        return [Finding(name, MANIFEST, why)], (0, name)
    try:
        raw = lease.read()
        if by_child is not None and hashlib.sha256(raw).hexdigest() != by_child:
            return [Finding(name, MANIFEST, "it is damaged: a later snapshot was made when it was another")], (0, name)
        try:
            manifest = parse_manifest(raw, name, digest)
        except StoreError as error:
            return [Finding(name, MANIFEST, str(error))], (0, name)
        found = [*_check_files(folder, manifest, deep=deep), *_find_strangers(folder, manifest)]
        if deep:
            damaged = {f.file for f in found}
            found += _check_tables(Snapshot(folder, manifest), damaged)
        return found, manifest_order(name, manifest)
    finally:
        lease.close()


def _check_files(folder: Path, manifest: dict[str, Any], *, deep: bool) -> Iterator[Finding]:
    for file, entry in manifest["files"].items():
        path = folder / file
        try:
            seen = path.lstat()
            if not stat.S_ISREG(seen.st_mode):
                yield Finding(folder.name, file, "it is not a file")
            elif seen.st_size != entry["bytes"]:
                yield Finding(folder.name, file, f"it has {seen.st_size} bytes, not {entry['bytes']}")
            elif deep and not has_hash(path, entry["sha256"], again=True):
                yield Finding(folder.name, file, "its SHA-256 is not the manifest's")
        except FileNotFoundError:
            yield Finding(folder.name, file, "it is missing")
        except OSError as error:
            yield Finding(folder.name, file, f"it cannot be read: {error.strerror}")
        except StoreError as error:
            yield Finding(folder.name, file, str(error))


def _find_strangers(folder: Path, manifest: dict[str, Any]) -> Iterator[Finding]:
    for name in sorted(entry.name for entry in os.scandir(folder)):
        if name != MANIFEST and name not in manifest["files"]:
            yield Finding(folder.name, name, "the manifest does not know it")


def _check_tables(snapshot: Snapshot, damaged: set[str]) -> Iterator[Finding]:
    """Decode every table that has its hash, and compare the tables' and the vectors' numbers of rows."""
    name = snapshot.snapshot_id
    rows: dict[str, int] = {}
    for table, files in snapshot.manifest["tables"].items():
        whole = True
        for file in files:
            found = None if file in damaged else _decode(snapshot.folder / file, table)
            if found is None or isinstance(found, str):
                whole = False
                if found is not None:
                    yield Finding(name, file, found)
            else:
                rows[table] = rows.get(table, 0) + found[0]
                rows[f"{table} up to"] = max(rows.get(f"{table} up to", 0), found[1])
        if not whole:
            rows.pop(table, None)
    prompts = rows.get("prompts")
    if prompts is None:
        return
    for table in _EACH:
        if rows.get(table, prompts) != prompts:
            files = snapshot.manifest["tables"][table]
            yield Finding(name, files[0], f"it has {rows[table]} rows for {prompts} prompts")
    if "requests" in rows and rows["requests up to"] > prompts:
        files = snapshot.manifest["tables"]["requests"]
        yield Finding(name, files[0], f"it names the prompt {rows['requests up to'] - 1}, but there are {prompts}")
    yield from _check_vectors(snapshot, prompts, damaged)


def _check_vectors(snapshot: Snapshot, prompts: int, damaged: set[str]) -> Iterator[Finding]:
    for part, files in ((VECTORS, snapshot.manifest[VECTORS]), (INDEX, snapshot.manifest[INDEX]["files"])):
        if not files or damaged & set(files):
            continue
        try:
            size = len(snapshot.vectors) if part == VECTORS else snapshot.index.size
        except StoreError as error:
            yield Finding(snapshot.snapshot_id, files[0], str(error))
            continue
        if size != prompts:
            yield Finding(snapshot.snapshot_id, files[0], f"it has {size} rows for {prompts} prompts")


def _decode(path: Path, table: str) -> tuple[int, int] | str:
    """Read a Parquet file whole, a block at a time; return its rows and one more than its highest prompt id.

    A file that cannot be decoded gives what is wrong with it.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    rows = top = 0
    try:
        with pq.ParquetFile(path) as stream:
            batches: Iterator[pa.RecordBatch] = stream.iter_batches(batch_size=_ROWS)
            for batch in batches:
                rows += batch.num_rows
                if table == "requests" and batch.num_rows:
                    top = max(top, 1 + int(batch.column("prompt_id").to_numpy().max()))
    except (OSError, pa.ArrowException, KeyError) as error:
        return f"it cannot be decoded: {error}"
    return rows, top
