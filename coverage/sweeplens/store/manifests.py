"""The manifest of a snapshot and the pointer to the current one: read, checked, and older versions brought up to date.

The manifest of version 2 names its files by what they hold:

    tables   table -> its files, in order        vectors  the files of the prompts' vectors, in order
    index    {"kind", "files": base and deltas}  arrays   array -> its file
    files    file -> {"sha256", "bytes"}, all but the manifest itself
    sequence one more than any snapshot had that was in the store; clocks go backwards, this does not
"""

import hashlib
import json
import re
from typing import Any

from sweeplens.errors import SchemaError, StoreError
from sweeplens.store.schema import CELLS, INDEX, SCHEMA_VERSION, VECTORS

CURRENT = "CURRENT"
SNAPSHOT_ID = re.compile(r"[0-9]{8}-[0-9]{6}-([0-9a-f]{8})(?:-[0-9]+)?")
_POINTER = re.compile(r"(\S+) ([0-9a-f]{64})\n")
_FILE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


def parse_current(raw: bytes) -> tuple[str, str] | None:
    """Return (snapshot id, SHA-256 of its manifest) as the pointer has them; None where it is damaged."""
    found = _POINTER.fullmatch(raw.decode("ascii", "replace"))
    return (found[1], found[2]) if found and SNAPSHOT_ID.fullmatch(found[1]) else None


def format_current(snapshot_id: str, digest: str) -> bytes:
    """Return what the pointer holds."""
    return f"{snapshot_id} {digest}\n".encode("ascii")


def parse_manifest(raw: bytes, snapshot_id: str, digest: str | None = None) -> dict[str, Any]:
    """Check a manifest and return it in the form of version 2; `schema` still says which version it was.

    Its SHA-256 must begin as the snapshot's id ends, and be `digest` where that is given. Raises `StoreError`, and
    `SchemaError` for a version that this SweepLens does not know.
    """
    found = hashlib.sha256(raw).hexdigest()
    name = SNAPSHOT_ID.fullmatch(snapshot_id)
    if digest is not None and found != digest:
        raise StoreError(f"the manifest of snapshot {snapshot_id} is damaged: its SHA-256 is not the one in {CURRENT}")
    if name is None or not found.startswith(name[1]):
        raise StoreError(f"the manifest of snapshot {snapshot_id} is damaged: its SHA-256 is not that of the id")
    try:
        manifest = json.loads(raw)
        version = manifest["schema"]
        if type(version) is not int or version < 1:
            raise TypeError
    except (ValueError, KeyError, TypeError):
        raise StoreError(f"the manifest of snapshot {snapshot_id} is damaged: it is not a manifest") from None
    if version > SCHEMA_VERSION:
        raise SchemaError(
            f"snapshot {snapshot_id} has schema version {version}, but this SweepLens reads versions up to "
            f"{SCHEMA_VERSION}: upgrade SweepLens"
        )
    try:
        if version == 1:
            manifest |= _upgrade(manifest)
        _check(manifest)
    except (KeyError, TypeError, AttributeError):
        raise StoreError(f"the manifest of snapshot {snapshot_id} is damaged: it is not a manifest") from None
    checked: dict[str, Any] = manifest
    return checked


def manifest_order(snapshot_id: str, manifest: dict[str, Any]) -> tuple[int, str]:
    """Return what snapshots are sorted by, oldest first: those of version 1, which are not numbered, by name."""
    return int(manifest.get("sequence", 0)), snapshot_id


def listed_files(manifest: dict[str, Any]) -> list[str]:
    """Return every file that holds a table, vectors, the index or an array; a shared one is there once for each."""
    tables = [file for files in manifest["tables"].values() for file in files]
    return [*tables, *manifest["vectors"], *manifest["index"]["files"], *manifest["arrays"].values()]


def _upgrade(manifest: dict[str, Any]) -> dict[str, Any]:
    """Return what version 1 lacks: its vectors, cells and index were files of fixed names, the index one file."""
    files = manifest["files"]
    held = {name: [file] if file in files else [] for name, file in
            ((VECTORS, "vectors.npy"), (CELLS, "cells.npy"), (INDEX, "index.faiss"))}  # fmt: skip
    return {
        "vectors": held[VECTORS],
        "index": {"kind": "flat", **manifest.get("index", {}), "files": held[INDEX]},
        "arrays": {CELLS: held[CELLS][0]} if held[CELLS] else {},
        "text": "kept",
    }


def _check(manifest: dict[str, Any]) -> None:
    """Raise `TypeError` or its kin unless the manifest has the form that the readers rely on."""
    files = manifest["files"]
    for name, entry in files.items():
        if not _FILE.fullmatch(name) or type(entry["bytes"]) is not int or not re.fullmatch(
            r"[0-9a-f]{64}", entry["sha256"]
        ):  # fmt: skip
            raise TypeError
    if not all(file in files for file in listed_files(manifest)):
        raise TypeError
