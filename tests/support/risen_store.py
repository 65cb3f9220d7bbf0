"""Two snapshots of the small store: since the first, two accounts have come, and one account and a campaign risen."""

from pathlib import Path

import pyarrow as pa

from support.altered import Altered, publish, with_column
from support.small_store import write_small_store
from sweeplens.store.snapshot import Snapshot

CAME = ("chat-1", "dealt-c")
WERE = {"lone": "watch", "shop": "high", "=cmd": "none"}  # levels in the first one


def write_risen_store(store: Path) -> tuple[Snapshot, Snapshot]:
    """Publish both snapshots into `store` and return them, the older one first; the campaign was at review."""
    base = write_small_store(store)
    tables = {name: _without(base.table(name)) for name in ("requests", "accounts", "signals", "curves", "links")}
    levels = [WERE.get(row["account_id"], row["level"]) for row in tables["accounts"].to_pylist()]
    groups = base.table("campaigns")
    members = [[a for a in accounts if a not in CAME] for accounts in groups["accounts"].to_pylist()]
    tables["accounts"] = with_column(tables["accounts"], "level", levels)
    tables["campaigns"] = with_column(with_column(groups, "level", ["review", "none"]), "accounts", members)
    older = publish(store, Altered(base, tables))
    return older, publish(store, Altered(base, {}, parent=older.snapshot_id))


def _without(table: pa.Table) -> pa.Table:
    accounts = table["account_id"].to_pylist()
    return table.take([i for i, account in enumerate(accounts) if account not in CAME])
