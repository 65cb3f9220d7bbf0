"""The small store again, with vectors of the fast encoder, so that it can be searched by text."""

from pathlib import Path

import numpy as np

from support.small_store import write_small_store
from sweeplens.embed.encoder import load_encoder
from sweeplens.index import build_index
from sweeplens.store.publish import write_snapshot
from sweeplens.store.schema import CELLS, REJECTS, TABLES
from sweeplens.store.snapshot import Snapshot


def write_fast_store(store: Path) -> Snapshot:
    """Publish the tables of the small store with real vectors, and return the snapshot."""
    old = write_small_store(store)
    encoder = load_encoder("fast", models=store / "models", threads=1)
    vectors = encoder.encode(old.table("prompts")["text"].to_pylist()).astype(np.float16)
    with write_snapshot(store) as writer:
        for name in TABLES:
            writer.add_table(name, old.table(name))
        writer.add_vectors(vectors)
        writer.add_index(build_index(vectors))
        writer.adopt(old, CELLS)
        with writer.create(REJECTS):
            pass
        known = {"fingerprint": encoder.fingerprint, **encoder.describe()}
        return writer.publish({**{k: old.manifest[k] for k in ("detector", "counts")}, "encoder": known})
