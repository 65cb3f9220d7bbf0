"""A second snapshot on top of the small store's, with other levels, members or accounts."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from sweeplens.store.publish import write_snapshot
from sweeplens.store.schema import CELLS, INDEX, REJECTS, TABLES, VECTORS
from sweeplens.store.snapshot import Snapshot, open_snapshot


def follow(
    store: Path,
    *,
    levels: Mapping[str, str] | None = None,
    members: Sequence[str] | None = None,
    without: Sequence[str] = (),
) -> Snapshot:
    """Publish a snapshot whose parent is the current one, and return it.

    `levels` are those of accounts and campaigns that change, `members` are the campaign C-01's, and `without` are
    accounts that are not there.
    """
    old, levels = open_snapshot(store), levels or {}
    with write_snapshot(store) as writer:
        for name in TABLES:
            table = old.table(name)
            if name in {"accounts", "campaigns"}:
                ids = table["account_id" if name == "accounts" else "campaign_id"].to_pylist()
                now = [levels.get(i, was) for i, was in zip(ids, table["level"].to_pylist(), strict=True)]
                table = _replaced(table, "level", now)
            if name == "campaigns" and members is not None:
                was = table["accounts"].to_pylist()
                table = _replaced(table, "accounts", [list(members), *was[1:]])
            if name == "accounts":
                table = table.filter(pc.invert(pc.is_in(table["account_id"], pa.array(without, pa.string()))))
            writer.add_table(name, table)
        for name in (VECTORS, CELLS, INDEX):
            writer.adopt(old, name)
        with writer.create(REJECTS):
            pass
        known = {k: old.manifest[k] for k in ("encoder", "detector", "counts")}
        return writer.publish({**known, "parent": old.snapshot_id})


def _replaced(table: pa.Table, name: str, values: Sequence[object]) -> pa.Table:
    at = table.schema.get_field_index(name)
    return table.set_column(at, table.schema.field(at), pa.array(values, table.schema.field(at).type))
