"""The small store, with p and q beside the scores, and kin among the reasons of two accounts."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import pyarrow as pa

from support.small_store import write_small_store
from sweeplens.store.publish import write_snapshot
from sweeplens.store.schema import CELLS, INDEX, REJECTS, TABLES, VECTORS
from sweeplens.store.snapshot import Snapshot

P = {"lone": 0.0008, "dealt-a": 0.006, "dealt-b": 0.08, "chat-1": 0.7, "C-01": 0.002, "K-02": 0.4}
Q = {"lone": 0.004, "dealt-a": 0.03, "dealt-b": 0.2, "chat-1": 1.0, "C-01": 0.01, "K-02": 0.8}
KIN = {
    "signal": "kin", "value": 0.9, "peer_percentile": None, "weight": 1.75,
    "text": "the 3 accounts that ask most like it score 0.90",
}  # fmt: skip
HAVE_KIN = ("dealt-a", "dealt-c")


def write_judged_store(store: Path, scores: Mapping[str, float] | None = None) -> Snapshot:
    """Publish the snapshot into `store`, after that of the small store, and return it; `scores` take others' place."""
    old = write_small_store(store)
    with write_snapshot(store) as writer:
        for name in TABLES:
            table = old.table(name)
            if name in {"accounts", "campaigns"}:
                ids = table["account_id" if name == "accounts" else "campaign_id"].to_pylist()
                table = _replaced(table, "p_value", [P.get(i) for i in ids])
                table = _replaced(table, "q_value", [Q.get(i) for i in ids])
            if name == "accounts":
                own = zip(ids, table["score"].to_pylist(), strict=True)
                table = _replaced(table, "score", [(scores or {}).get(i, s) for i, s in own])
                reasons = zip(ids, table["reasons"].to_pylist(), strict=True)
                table = _replaced(table, "reasons", [[*r, KIN] if i in HAVE_KIN else r for i, r in reasons])
            writer.add_table(name, table)
        for name in (VECTORS, CELLS, INDEX):
            writer.adopt(old, name)
        with writer.create(REJECTS):
            pass
        return writer.publish({k: old.manifest[k] for k in ("encoder", "detector", "counts")})


def _replaced(table: pa.Table, name: str, values: Sequence[object]) -> pa.Table:
    at = table.schema.get_field_index(name)
    return table.set_column(at, table.schema.field(at), pa.array(values, table.schema.field(at).type))
