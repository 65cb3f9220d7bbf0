"""A store of version 0.1 whose encoder was called `fast`: what is `fast-english` today, and bears its fingerprint."""

import hashlib
import json
from pathlib import Path

from sweeplens.store.snapshot import Snapshot, open_snapshot, read_current


def call_encoder_fast(store: Path) -> Snapshot:
    """Write into the current snapshot's manifest the name that the encoder had, and return the snapshot, opened."""
    snapshot_id, _ = read_current(store)
    path = store / snapshot_id / "manifest.json"
    manifest = json.loads(path.read_text(encoding="utf-8"))
    assert manifest["encoder"]["name"] == "fast-english"
    manifest["encoder"]["name"] = "fast"
    manifest["config"]["encoder"] = "fast"
    raw = json.dumps(manifest, indent=1).encode()
    digest = hashlib.sha256(raw).hexdigest()
    path.chmod(0o600)
    path.write_bytes(raw)
    renamed = f"{snapshot_id.rpartition('-')[0]}-{digest[:8]}"
    (store / snapshot_id).rename(store / renamed)
    (store / "CURRENT").write_text(f"{renamed} {digest}\n", encoding="ascii")
    return open_snapshot(store)
