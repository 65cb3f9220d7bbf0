"""Two snapshots of the small store: since the first, two accounts have come, and one account and a campaign risen."""

from pathlib import Path

from support.altered import Altered, publish, with_column
from support.small_store import write_small_store
from sweeplens.store.snapshot import Snapshot

CAME = ("chat-1", "dealt-c")
WERE = {"lone": "watch", "shop": "high", "=cmd": "none"}  # levels in the first one


def write_risen_store(store: Path) -> tuple[Snapshot, Snapshot]:
    """Publish both snapshots into `store` and return them, the older one first; the campaign was at review."""
    base = write_small_store(store)
    accounts, groups = base.table("accounts"), base.table("campaigns")
    rows = accounts.select(["account_id", "level"]).to_pylist()
    lower = with_column(accounts, "level", [WERE.get(row["account_id"], row["level"]) for row in rows])
    there = [i for i, row in enumerate(rows) if row["account_id"] not in CAME]
    before = {"accounts": lower.take(there), "campaigns": with_column(groups, "level", ["review", "none"])}
    older = publish(store, Altered(base, before))
    return older, publish(store, Altered(base, {}, parent=older.snapshot_id))
