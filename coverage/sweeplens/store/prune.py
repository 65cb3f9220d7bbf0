"""Which snapshots the store keeps, and which one is current."""

import logging
import os
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

from sweeplens.errors import StoreError
from sweeplens.store import disk
from sweeplens.store.leases import take_alone
from sweeplens.store.lock import DELETING, hold_lock
from sweeplens.store.manifests import CURRENT, manifest_order, parse_current
from sweeplens.store.publish import swap_current
from sweeplens.store.snapshot import Snapshot, open_snapshot, read_current, read_manifest, snapshot_folders

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Pruned:
    """What `prune` removed, or would.

    removed  the ids of the snapshots, oldest first
    kept     (id, why) of those that would have gone, but were left
    freed    bytes of the files that no snapshot has any more
    """

    removed: tuple[str, ...]
    kept: tuple[tuple[str, str], ...]
    freed: int


def use(store: Path, snapshot_id: str) -> Snapshot:
    """Let CURRENT name an older snapshot, or a newer one again, and return it.

    Its manifest and the sizes of its files are checked first. Raises `NotFoundError` for an unknown id, `StoreError`
    for one that is damaged and a store that cannot be written.
    """
    open_snapshot(store, snapshot_id).close()  # says so before the store is locked, or made
    with hold_lock(store):
        snapshot = open_snapshot(store, snapshot_id)
        if _pointer(store) != (snapshot_id, snapshot.digest):
            swap_current(store, snapshot_id, snapshot.digest)
    return snapshot


def prune(store: Path, keep: int, *, dry_run: bool = False) -> Pruned:
    """Remove all but the newest `keep` snapshots; never the current one, nor one that is being read.

    The newest are those that were made last, whatever the clock said. Raises `StoreError` where CURRENT cannot be
    read, or the store not be written.
    """
    if keep < 1:
        raise ValueError(f"at least one snapshot must be kept, not {keep}")
    read_current(store)
    with hold_lock(store):
        goes, kept = _choose(store, keep, read_current(store)[0])
        return _take_away(goes, kept, dry_run=dry_run)


def remove_snapshots(store: Path, snapshot_ids: Collection[str]) -> Pruned:
    """Remove these snapshots, but never the current one, nor one that is being read. Raises `StoreError` as `prune`."""
    with hold_lock(store):
        current = read_current(store)[0]
        goes = [f for f in snapshot_folders(store) if f.name in snapshot_ids and f.name != current]
        return _take_away(goes, [], dry_run=False)


def _take_away(goes: Sequence[Path], kept: list[tuple[str, str]], *, dry_run: bool) -> Pruned:
    removed, links = [], Counter[tuple[int, int]]()
    sizes: dict[tuple[int, int], tuple[int, int]] = {}
    for folder in goes:
        files = [entry.stat(follow_symlinks=False) for entry in os.scandir(folder)]
        why = _is_read(folder) if dry_run else _remove(folder)
        if why is not None:
            kept.append((folder.name, why))
            continue
        removed.append(folder.name)
        for seen in files:
            key = (seen.st_dev, seen.st_ino)
            links[key] += 1
            # Those that went before took their links along.
            sizes.setdefault(key, (seen.st_nlink, seen.st_size))
    freed = sum(size for key, (count, size) in sizes.items() if links[key] == count)
    return Pruned(tuple(removed), tuple(kept), freed)


def _choose(store: Path, keep: int, current: str) -> tuple[list[Path], list[tuple[str, str]]]:
    """Return the folders that go, oldest first, and those that stay because nobody can tell how old they are."""
    known, kept = [], []
    for folder in snapshot_folders(store):
        try:
            known.append((manifest_order(folder.name, read_manifest(folder)), folder))
        except StoreError as error:
            kept.append((folder.name, str(error)))
    ordered = [folder for _, folder in sorted(known, key=lambda row: row[0])]
    return [folder for folder in ordered[:-keep] if folder.name != current], kept


def _is_read(folder: Path) -> str | None:
    try:
        handle = take_alone(folder)
    except OSError as error:
        return f"it cannot be locked: {error.strerror}"
    if handle is None:
        return "it is being read"
    os.close(handle)
    return None


def _remove(folder: Path) -> str | None:
    """Take a snapshot out of sight while nobody can begin to read it, then remove it. Returns why it was left."""
    try:
        handle = take_alone(folder)
    except OSError as error:
        return f"it cannot be locked: {error.strerror}"
    if handle is None:
        return "it is being read"
    hidden = folder.with_name(f"{DELETING}{folder.name}")
    try:
        disk.replace(folder, hidden)
        disk.sync_folder(folder.parent)
    finally:
        os.close(handle)
    disk.remove_tree(hidden)
    disk.sync_folder(folder.parent)  # or what was erased comes back after a power loss, until the next writer
    return None


def _pointer(store: Path) -> tuple[str, str] | None:
    try:
        return parse_current((store / CURRENT).read_bytes())
    except FileNotFoundError:
        return None
