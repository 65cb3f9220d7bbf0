"""The small store with a second campaign that shares prompts, and a first one whose members share a system prompt."""

from pathlib import Path

import pyarrow as pa

from support.small_store import SENT, write_small_store
from sweeplens.store.publish import write_snapshot
from sweeplens.store.schema import CELLS, INDEX, REJECTS, TABLES, VECTORS, make_table
from sweeplens.store.snapshot import Snapshot

SHARERS = ("chat-1", "shop")  # both send prompts 30 to 37
SECRET = "You are the secret assistant of Example Ltd."  # the system prompt


def write_grouped_store(store: Path) -> Snapshot:
    """Publish the snapshot into `store`, after that of the small store, and return it."""
    old = write_small_store(store)
    with write_snapshot(store) as writer:
        for name in TABLES:
            writer.add_table(name, _changed(name, old.table(name)))
        for name in (VECTORS, CELLS, INDEX):
            writer.adopt(old, name)
        with writer.create(REJECTS):
            pass
        return writer.publish({k: old.manifest[k] for k in ("encoder", "detector", "counts")})


def _changed(name: str, table: pa.Table) -> pa.Table:
    if name == "campaigns":
        rows = table.to_pylist()
        rows[1]["accounts"] = list(SHARERS)
        rows[1]["n_prompts"] = len({p for a in SHARERS for p in SENT[a]})
        return make_table(name, {c: [row[c] for row in rows] for c in table.column_names})
    if name == "links":
        rows = table.to_pylist()
        for account in ("dealt-a", "dealt-b"):
            known = {"account_id": account, "kind": "system_prompt", "value": SECRET, "n_accounts": 2, "weight": 1.25}
            rows.append({**dict.fromkeys(table.column_names), **known})
        return make_table(name, {c: [row[c] for row in rows] for c in table.column_names})
    return table
