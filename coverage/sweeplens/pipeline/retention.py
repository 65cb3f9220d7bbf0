"""Retention: what is older than may be kept goes from older snapshots and from the cache."""

from datetime import datetime

from sweeplens.config import Settings
from sweeplens.embed.cache import retain_everywhere
from sweeplens.pipeline.traffic import CACHE
from sweeplens.store.prune import Pruned, remove_snapshots
from sweeplens.store.snapshot import Snapshot, list_snapshots, open_snapshot


def erase_old(settings: Settings, snapshot: Snapshot) -> Pruned:
    """Remove older snapshots with requests from before those of `snapshot`, and vectors that no snapshot needs."""
    first = _earliest(snapshot)
    goes = []
    needed = set(snapshot.table("prompts", ["prompt_hash"])["prompt_hash"].to_pylist())
    for row in list_snapshots(settings.store):
        if row.snapshot_id == snapshot.snapshot_id:
            continue
        with open_snapshot(settings.store, row.snapshot_id) as other:
            before = _earliest(other)
            if first is not None and before is not None and before < first:
                goes.append(row.snapshot_id)
            else:
                needed.update(other.table("prompts", ["prompt_hash"])["prompt_hash"].to_pylist())
    pruned = remove_snapshots(settings.store, goes)
    retain_everywhere(settings.store / CACHE, sorted(needed))
    return pruned


def _earliest(snapshot: Snapshot) -> datetime | None:
    import pyarrow.compute as pc

    first: datetime | None = pc.min(snapshot.table("accounts", ["first_ts"])["first_ts"]).as_py()
    return first
