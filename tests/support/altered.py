"""A snapshot with some of its tables exchanged."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from sweeplens.index import build_index
from sweeplens.store.publish import write_snapshot
from sweeplens.store.schema import CELLS, REJECTS, TABLES
from sweeplens.store.snapshot import Snapshot


class Altered:
    """A snapshot that gives other tables, and other entries of the manifest, than the one that it stands on."""

    def __init__(
        self,
        base: Snapshot,
        tables: Mapping[str, pa.Table],
        snapshot_id: str = "",
        vectors: Any = None,
        **manifest: Any,
    ) -> None:
        self._base = base
        self._tables = dict(tables)
        self.snapshot_id = snapshot_id or base.snapshot_id
        self.vectors = base.vectors if vectors is None else vectors
        self.manifest = {**base.manifest, **manifest}

    def table(self, name: str, columns: Sequence[str] | None = None) -> pa.Table:
        table = self._tables[name] if name in self._tables else self._base.table(name)
        return table if columns is None else table.select(list(columns))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._base, name)


def with_column(table: pa.Table, name: str, values: Sequence[object]) -> pa.Table:
    """Return the table with other values in one column."""
    place = table.schema.get_field_index(name)
    field = table.schema.field(place).with_nullable(True)
    return table.set_column(place, field, pa.array(values, field.type))


def renumbered(base: Snapshot, ids: Mapping[int, int]) -> Altered:
    """Return the snapshot with other cluster ids, and its clusters in the order of the new ones."""
    membership, clusters = base.table("membership"), base.table("clusters")
    there = [ids.get(c, c) for c in membership["cluster"].to_pylist()]
    named = with_column(clusters, "cluster_id", [ids[c] for c in clusters["cluster_id"].to_pylist()])
    order = np.argsort(named["cluster_id"].to_numpy())
    tables = {"membership": with_column(membership, "cluster", there), "clusters": named.take(order)}
    return Altered(base, tables)


def without_text(base: Snapshot) -> Altered:
    """Return the snapshot as a build makes it that keeps no text: no texts, terms or exemplars, names by capability."""
    prompts, clusters = base.table("prompts"), base.table("clusters")
    n = len(clusters)
    bare = with_column(with_column(clusters, "terms", [[]] * n), "exemplars", [[]] * n)
    tables = {"prompts": with_column(prompts, "text", [None] * len(prompts)), "clusters": bare}
    return Altered(base, tables, text="none")


def publish(store: Path, altered: Altered) -> Snapshot:
    """Write an altered snapshot into the store as the current one."""
    with write_snapshot(store) as writer:
        for name in TABLES:
            writer.add_table(name, altered.table(name))
        writer.add_vectors(np.asarray(altered.vectors[:], np.float16))
        writer.add_array(CELLS, altered.cells)
        writer.add_index(build_index(np.asarray(altered.vectors[:], np.float16)))
        with writer.create(REJECTS):
            pass
        kept = ("encoder", "detector", "counts", "parent", "text")
        return writer.publish({k: altered.manifest[k] for k in kept if k in altered.manifest})
