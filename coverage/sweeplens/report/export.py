"""A snapshot's tables as one folder of Parquet or CSV, for a warehouse to load."""

import fcntl
import json
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sweeplens import __version__
from sweeplens.engine.progress import Progress, Silent
from sweeplens.engine.steps import Run
from sweeplens.errors import NotFoundError, StoreError, SweepLensError
from sweeplens.report.flat import flatten, leave_out_text, plain_schema
from sweeplens.store.hashes import file_hash
from sweeplens.store.schema import TABLES

if TYPE_CHECKING:
    import pyarrow as pa

    from sweeplens.store.snapshot import Snapshot

    Batches = Iterator[pa.RecordBatch]

FORMATS = ("parquet", "csv")
MANIFEST = "manifest.json"
_KIND = "sweeplens-export"  # what makes a folder one of ours, in its manifest
_ROWS = 1 << 16  # rows that are held at once; a row group in Parquet
_TEMPORARY = ".exporting-"


class ExportError(SweepLensError):
    """The folder of an export cannot be written, or holds something else."""


@dataclass(frozen=True)
class Exported:
    """A finished export: its folder, its manifest, the numbers of a closing line, and seconds by step."""

    folder: Path
    manifest: dict[str, Any]
    summary: dict[str, Any]
    seconds: dict[str, float]


def export_snapshot(
    snapshot: "Snapshot",
    folder: Path,
    *,
    kind: str = "parquet",
    tables: Sequence[str] | None = None,
    text: bool = True,
    overwrite: bool = False,
    progress: Progress | None = None,
) -> Exported:
    """Write one file for each of `tables` (all that the snapshot holds when None) and a manifest.json into `folder`.

    The folder appears whole or not at all. One that is there must be empty, or with `overwrite` an earlier export,
    which is replaced. No more than some ten thousand rows are held in memory. Without `text`, prompts and system
    prompts are null, clusters bear the name of their capability and have no terms. Raises `ExportError` for the
    folder, `NotFoundError` for a table that the snapshot does not hold, `StoreError` for one that cannot be read.
    """
    names = _choose(snapshot, tables)
    run = Run(progress or Silent())
    target = folder.absolute()
    _check_target(target, overwrite=overwrite)
    files: dict[str, dict[str, Any]] = {}
    try:
        with _sibling(target) as building:
            for name in names:
                with run.step(name) as step:
                    path = building / f"{name}.{kind}"
                    rows = _write_table(snapshot, name, path, kind=kind, text=text, update=step.update)
                    entry = {"file": path.name, "rows": rows, "bytes": path.stat().st_size, "sha256": file_hash(path)}
                    files[name] = entry
            manifest = _describe(snapshot, kind, files, text=text)
            (building / MANIFEST).write_text(json.dumps(manifest, indent=1) + "\n", encoding="utf-8")
            for path in [*building.iterdir(), building]:
                _sync(path)
            _put(building, target)
    except OSError as error:
        raise ExportError(f"the export {folder} cannot be written: {error.strerror or error}") from error
    detector = snapshot.manifest.get("detector", {})
    summary = {
        "snapshot": snapshot.snapshot_id,
        "detector": f"{detector.get('name', '')} {detector.get('version', '')}".strip(),
        "rows": sum(entry["rows"] for entry in files.values()),
        "tables": len(files),
        "bytes": sum(entry["bytes"] for entry in files.values()),
    }
    return Exported(folder, manifest, summary, run.seconds)


def _choose(snapshot: "Snapshot", tables: Sequence[str] | None) -> list[str]:
    held = [name for name in TABLES if name in snapshot.manifest["tables"]]
    if tables is None:
        return held
    unknown = [name for name in tables if name not in held]
    if unknown or not tables:
        what = f"no table {unknown[0]!r}" if unknown else "no table without a name"
        raise NotFoundError(f"snapshot {snapshot.snapshot_id} has {what}: it has {', '.join(held)}")
    return [name for name in held if name in tables]


def _describe(snapshot: "Snapshot", kind: str, files: dict[str, dict[str, Any]], *, text: bool) -> dict[str, Any]:
    about = snapshot.manifest
    return {
        "kind": _KIND,
        "sweeplens": __version__,
        "snapshot": snapshot.snapshot_id,
        "created": about.get("created"),
        "schema": about["schema"],
        "detector": about.get("detector"),
        "encoder": about.get("encoder"),
        "format": kind,
        "text": "none" if not text else about.get("text", "kept"),
        "tables": files,
    }


# -- tables ------------------------------------------------


def _write_table(
    snapshot: "Snapshot", name: str, path: Path, *, kind: str, text: bool, update: Callable[[int, int], None]
) -> int:
    """Write one table and return its number of rows."""
    schema, total = _measure(snapshot, name)
    rows = 0
    with _writer(path, schema, kind) as write:
        for batch in _batches(snapshot, name, schema):
            write(batch if text else leave_out_text(name, batch))
            rows += batch.num_rows
            update(rows, total)
    return rows


def _measure(snapshot: "Snapshot", name: str) -> "tuple[pa.Schema, int]":
    """Return the table's columns, words not coded, and its number of rows; checks the hash of each part first."""
    import pyarrow.parquet as pq

    parts = snapshot.manifest["tables"][name]
    for part in parts:
        snapshot.check_file(part)
    footers = [pq.ParquetFile(snapshot.folder / part) for part in parts]
    schema = plain_schema(footers[0].schema_arrow)
    total = sum(footer.metadata.num_rows for footer in footers)
    for footer in footers:
        footer.close()
    return schema, total


def _batches(snapshot: "Snapshot", name: str, schema: "pa.Schema") -> "Batches":
    import pyarrow as pa
    import pyarrow.parquet as pq

    for part in snapshot.manifest["tables"][name]:
        try:
            with pq.ParquetFile(snapshot.folder / part) as file:
                for batch in file.iter_batches(batch_size=_ROWS):
                    yield pa.RecordBatch.from_arrays([batch[f.name].cast(f.type) for f in schema], schema=schema)
        except (OSError, KeyError, pa.ArrowInvalid) as error:
            raise StoreError(f"{part} of snapshot {snapshot.snapshot_id} cannot be read: {error}") from None


@contextmanager
def _writer(path: Path, schema: "pa.Schema", kind: str) -> "Iterator[Callable[[pa.RecordBatch], None]]":
    if kind == "parquet":
        import pyarrow.parquet as pq

        # Without the Arrow schema in the footer, readers other than Arrow see the same types as Arrow does.
        with pq.ParquetWriter(path, schema, compression="zstd", compression_level=3, store_schema=False) as parquet:
            yield parquet.write_batch
        return
    import pyarrow as pa
    from pyarrow import csv

    flat = flatten(pa.RecordBatch.from_arrays([pa.array([], f.type) for f in schema], schema=schema)).schema
    with csv.CSVWriter(path, flat) as lines:
        yield lambda batch: lines.write_batch(flatten(batch))


# -- the folder ------------------------------------------------


def _check_target(target: Path, *, overwrite: bool) -> None:
    """Raise `ExportError` unless there is nothing at `target`, an empty folder, or what `overwrite` may replace."""
    try:
        if not target.exists() and not target.is_symlink():
            return
        if target.is_symlink() or not target.is_dir():
            raise ExportError(f"the export {target} must be a folder, but something else of that name is there")
        held = {path.name for path in target.iterdir()}
    except OSError as error:
        raise ExportError(f"the export {target} cannot be looked at: {error.strerror}") from None
    if not held:
        return
    ours = _files_of(target)
    if ours is None or held - ours:
        raise ExportError(f"the folder {target} holds something else than an export: name a new or an empty one")
    if not overwrite:
        raise ExportError(f"the folder {target} holds an export already: name another one, or replace it: --overwrite")


def _files_of(folder: Path) -> set[str] | None:
    """Return the files of the export in `folder`, its manifest among them; None where there is no export."""
    try:
        about = json.loads((folder / MANIFEST).read_bytes())
        if about["kind"] != _KIND:
            return None
        return {MANIFEST, *(entry["file"] for entry in about["tables"].values())}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


@contextmanager
def _sibling(target: Path) -> Iterator[Path]:
    """Give a folder beside `target`, removed at the end where it is still there, and clear away those of the dead."""
    target.parent.mkdir(parents=True, exist_ok=True)
    lead = f".{target.name}{_TEMPORARY}"
    for left in target.parent.glob(f"{lead}*"):
        with _held(left) as alone:
            if alone:
                shutil.rmtree(left, ignore_errors=True)
    building = Path(tempfile.mkdtemp(prefix=lead, dir=target.parent))
    try:
        with _held(building):
            yield building
    finally:
        shutil.rmtree(building, ignore_errors=True)


@contextmanager
def _held(folder: Path) -> Iterator[bool]:
    """Lock a folder while the process lives; False where another does, or where it is gone."""
    try:
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    except OSError:
        yield False
        return
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        alone = True
    except OSError:
        alone = False
    try:
        yield alone
    finally:
        os.close(handle)


def _put(building: Path, target: Path) -> None:
    """Let the finished folder take the place of `target`; what was there goes away last."""
    mask = os.umask(0o077)
    os.umask(mask)
    building.chmod(0o777 & ~mask)
    if not target.exists() or not any(target.iterdir()):
        building.rename(target)
        _sync(target.parent)
        return
    old = target.parent / f".{target.name}{_TEMPORARY}old-{time.monotonic_ns()}"
    target.rename(old)
    try:
        building.rename(target)
    except OSError:
        old.rename(target)
        raise
    _sync(target.parent)
    shutil.rmtree(old, ignore_errors=True)


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
