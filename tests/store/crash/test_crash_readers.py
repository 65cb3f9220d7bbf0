"""Readers go on with the snapshot that they opened, whatever is published and pruned meanwhile."""

import os
import subprocess
import sys
import time
from pathlib import Path

from support.small_store import write_small_store
from sweeplens.store.prune import prune, use
from sweeplens.store.snapshot import list_snapshots, open_snapshot

TESTS = Path(__file__).parents[2]
READER = """
import sys, pathlib
from sweeplens.store.prune import prune, use
from sweeplens.store.snapshot import open_snapshot
store, stop = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
seen, reads = set(), 0
print("ready", flush=True)
while not stop.exists():
    snapshot = open_snapshot(store)
    for _ in range(3):
        ids = snapshot.index.search(snapshot.vectors[:5], 1)[1]
        assert ids.ravel().tolist() == [0, 1, 2, 3, 4], ids
    assert snapshot.table("prompts").num_rows == 40
    seen.add(snapshot.snapshot_id)
    snapshot.close()
    reads += 1
print(reads, len(seen), flush=True)
"""


def test_a_reader_searches_through_twenty_publishes_and_prunes(tmp_path):
    store, stop = tmp_path / "store", tmp_path / "stop"
    write_small_store(store)
    words = [sys.executable, "-c", READER, store, stop]
    environment = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(TESTS)}
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment) as reader:
        assert reader.stdout.readline() == "ready\n"
        for _ in range(20):
            write_small_store(store).close()
            prune(store, keep=1)
            time.sleep(0.05)
        stop.touch()
        out, problems = reader.communicate(timeout=60)
    assert reader.returncode == 0, problems
    reads, seen = map(int, out.split())
    assert reads >= seen >= 5
    prune(store, keep=1)
    assert len(list_snapshots(store)) == 1


def test_a_snapshot_that_is_held_open_outlives_prunes_and_rollbacks(tmp_path):
    store = tmp_path / "store"
    write_small_store(store).close()
    held = open_snapshot(store)
    for _ in range(3):
        write_small_store(store).close()
        prune(store, keep=1)
    assert {held.snapshot_id} < {info.snapshot_id for info in list_snapshots(store)}
    assert held.table("campaigns").num_rows == 2
    assert held.index.search(held.vectors[:1], 1)[1].tolist() == [[0]]
    use(store, held.snapshot_id).close()
    assert held.table("requests").num_rows == open_snapshot(store).table("requests").num_rows
    write_small_store(store).close()
    held.close()
    prune(store, keep=1)
    assert held.snapshot_id not in {info.snapshot_id for info in list_snapshots(store)}
