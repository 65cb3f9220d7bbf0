"""What analysts call clusters: the last name on a cluster's id counts, earlier ones stay in the trail.

A cluster keeps its id from snapshot to snapshot, so its name stays with it. Where a store has branched, because an
older snapshot was made current and built upon, ids that one branch gave out later mean nothing in the other.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import RowMapping, func, insert, select

from sweeplens.errors import StoreError
from sweeplens.review.database import read_review, write_review
from sweeplens.review.people import Person
from sweeplens.review.tables import cluster_names as table
from sweeplens.store.manifests import SNAPSHOT_ID
from sweeplens.store.snapshot import read_manifest

LONGEST = 80  # characters of a name
_LEAST = 4  # version of the file that has names first


@dataclass(frozen=True)
class ClusterName:
    """What somebody called a cluster; without a name it bears that which the map found."""

    id: int
    cluster_id: int
    name: str | None
    pinned: bool
    analyst: str
    verified: bool
    at: datetime
    snapshot_id: str


def name_cluster(
    store: Path, cluster_id: int, *, name: str | None, pinned: bool, by: Person, snapshot_id: str
) -> ClusterName:
    """Name a cluster, or give the name that the map found back with None; `pinned` keeps it on top of lists.

    What changes nothing is not written again. Raises `StoreError` for a name that is empty, longer than `LONGEST` or of
    more than one line, for an id that no cluster can have, and for a store that cannot be written.
    """
    if cluster_id < 0:
        raise StoreError(f"a cluster's id is a number from 0 on, but it is {cluster_id}")
    cleaned = None if name is None else _check(name)
    values = {
        "cluster_id": int(cluster_id), "name": cleaned, "pinned": bool(pinned), "analyst": by.name,
        "verified": by.verified, "at": datetime.now(UTC), "snapshot_id": snapshot_id,
    }  # fmt: skip
    with write_review(store) as connection:
        mine = select(table).where(table.c.cluster_id == cluster_id).order_by(table.c.id.desc()).limit(1)
        last = connection.execute(mine).mappings().first()
        if last is not None and (last["name"], last["pinned"]) == (cleaned, pinned):
            return _name(last)
        key = connection.execute(insert(table).values(**values)).inserted_primary_key
    return ClusterName(id=int(key[0]), **values)  # type: ignore[index, arg-type] # an insert of one row has a key


def _check(name: str) -> str:
    cleaned = name.strip()
    if not cleaned:
        raise StoreError("a cluster's name has at least one character, but this one is empty")
    if len(cleaned) > LONGEST:
        raise StoreError(f"a cluster's name has at most {LONGEST} characters, but this one has {len(cleaned)}")
    if len(cleaned.splitlines()) > 1:
        raise StoreError(f"a cluster's name is one line, but this one has {len(cleaned.splitlines())}")
    return cleaned


def cluster_names(store: Path, snapshot_id: str | None = None) -> dict[int, ClusterName]:
    """Return the last name on each cluster id, or only those that hold in one snapshot."""
    with read_review(store, least=_LEAST) as connection:
        if connection is None:
            return {}
        rows = [_name(row) for row in connection.execute(select(table).order_by(table.c.id)).mappings()]
    if snapshot_id is not None:
        bounds = {given: _bound(store, given, snapshot_id) for given in {row.snapshot_id for row in rows}}
        rows = [row for row in rows if _below(row.cluster_id, bounds[row.snapshot_id])]
    return {row.cluster_id: row for row in rows}


def name_history(store: Path, cluster_id: int) -> list[ClusterName]:
    """Return every name that a cluster was given or lost, the last one first."""
    with read_review(store, least=_LEAST) as connection:
        if connection is None:
            return []
        mine = select(table).where(table.c.cluster_id == cluster_id).order_by(table.c.id.desc())
        return [_name(row) for row in connection.execute(mine).mappings()]


def last_naming(store: Path) -> int:
    """Return a number that grows with every name that is given; 0 where none ever was."""
    with read_review(store, least=_LEAST) as connection:
        if connection is None:
            return 0
        return int(connection.execute(select(func.max(table.c.id))).scalar() or 0)


def _name(row: RowMapping) -> ClusterName:
    return ClusterName(**{str(key): value for key, value in row.items()})


def _below(cluster_id: int, bound: int | None) -> bool:
    return bound is None or cluster_id < bound


def _bound(store: Path, given: str, shown: str) -> int | None:
    """Return from which cluster id on two snapshots mean different clusters; None where one grew out of the other.

    Nothing is known, and None returned, where the snapshots between them were pruned.
    """
    if given == shown:
        return None
    lines = [dict(_line(store, snapshot_id)) for snapshot_id in (given, shown)]
    if given in lines[1] or shown in lines[0]:
        return None
    common = next((manifest for name, manifest in lines[0].items() if name in lines[1]), None)
    if common is not None:
        number = common.get("next_cluster")
        return number if isinstance(number, int) else None
    whole = all(line and next(reversed(line.values())).get("parent") is None for line in lines)
    return 0 if whole else None


def _line(store: Path, snapshot_id: str | None) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield a snapshot and those that it was made from, with their manifests, as far as they are still there."""
    seen: set[str] = set()
    while snapshot_id is not None and snapshot_id not in seen and SNAPSHOT_ID.fullmatch(snapshot_id):
        seen.add(snapshot_id)
        try:
            manifest = read_manifest(store / snapshot_id)
        except StoreError:
            return
        yield snapshot_id, manifest
        snapshot_id = manifest.get("parent")
