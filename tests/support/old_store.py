"""The small store as SweepLens 0.1 wrote it: schema version 1, with files of fixed names and the use in `prompts`."""

import hashlib
import json
import shutil
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq

from support.small_store import write_small_store
from sweeplens.store.snapshot import Snapshot, open_snapshot

_NEW = ("use", "texts", "lineage")


def write_old_store(store: Path) -> Snapshot:
    """Write the store by hand, of two snapshots with made-up times, and return the current one, opened."""
    scratch = store.with_name(store.name + "-scratch")
    new = write_small_store(scratch)
    for moment in ("20260301-020000", "20260302-020000"):
        write_old_snapshot(store, new, moment).close()
    new.close()
    shutil.rmtree(scratch)
    return open_snapshot(store)


def write_old_snapshot(store: Path, new: Snapshot, moment: str = "20260301-020000") -> Snapshot:
    """Write a snapshot, of one part each, into `store` as version 0.1 did, and return it, opened."""
    folder = store / "making"
    folder.mkdir(parents=True)
    tables = {}
    for name in (n for n in new.manifest["tables"] if n not in _NEW):
        table = new.table(name)
        if name == "requests":
            table = table.drop_columns(["request_key"])
        if name == "prompts":
            use = new.table("use")
            table = table.append_column("n_requests", use["n_requests"]).append_column("n_accounts", use["n_accounts"])
        pq.write_table(table, folder / f"{name}.parquet", compression="zstd", store_schema=True)
        tables[name] = [f"{name}.parquet"]
    np.save(folder / "vectors.npy", new.vectors[:])
    np.save(folder / "cells.npy", new.cells)
    shutil.copyfile(new.folder / "index.faiss", folder / "index.faiss")
    (folder / "rejects.jsonl").write_bytes(b"")
    files = {
        p.name: {"sha256": hashlib.sha256(p.read_bytes()).hexdigest(), "bytes": p.stat().st_size}
        for p in sorted(folder.iterdir())
    }
    manifest = {
        "schema": 1, "created": f"{moment[:4]}-03-01T02:00:00Z", "sweeplens": "0.1.0", "parent": None,
        **{k: new.manifest[k] for k in ("encoder", "detector", "counts")},
        "index": {"kind": "flat"}, "tables": tables, "vectors": ["vectors.npy"], "files": files,
    }  # fmt: skip
    raw = json.dumps(manifest, indent=1).encode()
    digest = hashlib.sha256(raw).hexdigest()
    (folder / "manifest.json").write_bytes(raw)
    target = store / f"{moment}-{digest[:8]}"
    folder.rename(target)
    (store / "CURRENT").write_text(f"{target.name} {digest}\n", encoding="ascii")
    return open_snapshot(store)
