"""A store as its readers and writers see it: publish, open, refuse what is damaged."""

import os
import stat
import tempfile
from pathlib import Path

import numpy as np
import pytest

from sweeplens.errors import NotFoundError, SchemaError, StoreError
from sweeplens.index import build_index
from sweeplens.store.publish import write_snapshot
from sweeplens.store.schema import CELLS, REJECTS, SCHEMA_VERSION, TABLES, make_table, schemas
from sweeplens.store.snapshot import CURRENT, list_snapshots, open_snapshot, read_current


def publish(store, *, prompts=("one", "two"), manifest=None):
    vectors = np.eye(2, dtype=np.float16)[: len(prompts)]
    with write_snapshot(store) as writer:
        columns = {
            "prompt_id": [0, 1], "prompt_hash": ["a", "b"], "text": list(prompts), "n_chars": [3, 3],
            "language": ["en", "en"],
        }  # fmt: skip
        writer.add_table("prompts", make_table("prompts", columns))
        writer.add_vectors(vectors)
        writer.add_array(CELLS, vectors.astype(np.float32))
        writer.add_index(build_index(vectors))
        (writer.folder / REJECTS).write_text("", encoding="utf-8")  # past the writer: private and durable all the same
        return writer.publish({"encoder": {"name": "x"}, "counts": {"requests": 2}} | (manifest or {}))


def test_what_is_published_is_read_back(tmp_path):
    made = publish(tmp_path / "store")
    snapshot = open_snapshot(tmp_path / "store")
    assert snapshot.snapshot_id == made.snapshot_id
    assert snapshot.table("prompts")["text"].to_pylist() == ["one", "two"]
    assert snapshot.table("prompts", ["n_chars"]).column_names == ["n_chars"]
    assert snapshot.vectors.dtype == np.float16
    assert snapshot.index.search(np.eye(2)[:1], 1)[1].tolist() == [[0]]


def test_the_newest_is_current_and_the_older_can_still_be_opened(tmp_path):
    first, second = publish(tmp_path), publish(tmp_path, prompts=("three", "four"))
    assert read_current(tmp_path)[0] == second.snapshot_id
    assert open_snapshot(tmp_path, first.snapshot_id).table("prompts")["text"].to_pylist() == ["one", "two"]
    listed = list_snapshots(tmp_path)
    assert {s.snapshot_id for s in listed} == {first.snapshot_id, second.snapshot_id}
    assert [s.snapshot_id for s in listed if s.current] == [second.snapshot_id]
    assert listed[0].n_requests == 2


def test_equal_tables_have_equal_bytes(tmp_path):
    first, second = publish(tmp_path / "a"), publish(tmp_path / "b")
    assert first.manifest["files"] == second.manifest["files"]


def test_files_are_private(tmp_path):
    made = publish(tmp_path / "store")
    assert stat.S_IMODE((tmp_path / "store").stat().st_mode) == 0o700
    assert stat.S_IMODE(made.folder.stat().st_mode) == 0o700
    assert all(stat.S_IMODE(p.stat().st_mode) == 0o600 for p in made.folder.iterdir())


def test_a_build_that_fails_leaves_nothing(tmp_path):
    publish(tmp_path)
    before = sorted(p.name for p in tmp_path.iterdir())
    with pytest.raises(KeyError, match="prompts"), write_snapshot(tmp_path) as writer:
        writer.add_table("prompts", make_table("prompts", {"prompt_id": [0]}))
    assert sorted(p.name for p in tmp_path.iterdir()) == before


def test_leftovers_of_a_killed_build_are_removed_by_the_next(tmp_path):
    (tmp_path / ".building-1-1").mkdir()
    publish(tmp_path)
    assert not (tmp_path / ".building-1-1").exists()


def test_only_one_process_writes(tmp_path):
    with write_snapshot(tmp_path), pytest.raises(StoreError, match="another process"), write_snapshot(tmp_path):
        pass


@pytest.mark.parametrize("name", ["prompts.parquet", "vectors.npy", "index.faiss", "manifest.json"])
def test_a_file_of_another_size_is_noticed_at_opening(tmp_path, name):
    made = publish(tmp_path)
    with (made.folder / name).open("ab") as stream:
        stream.write(b"x")
    with pytest.raises(StoreError, match="damaged"):
        open_snapshot(tmp_path)


def test_the_index_is_checked_before_it_is_parsed(tmp_path):
    made = publish(tmp_path)
    raw = bytearray((made.folder / "index.faiss").read_bytes())
    raw[-1] ^= 1
    (made.folder / "index.faiss").write_bytes(raw)
    with pytest.raises(StoreError, match=r"index\.faiss .* is damaged"):
        _ = open_snapshot(tmp_path).index


def test_a_newer_schema_is_refused(tmp_path):
    with pytest.raises(SchemaError, match=f"version {SCHEMA_VERSION + 1}"):
        publish(tmp_path, manifest={"schema": SCHEMA_VERSION + 1})
    with pytest.raises(SchemaError, match=f"version {SCHEMA_VERSION + 1}"):
        open_snapshot(tmp_path)


def test_what_is_no_store_is_told_apart(tmp_path):
    with pytest.raises(StoreError, match="does not exist"):
        open_snapshot(tmp_path / "none")
    with pytest.raises(StoreError, match="holds no snapshot yet"):
        open_snapshot(tmp_path)
    (tmp_path / CURRENT).write_text("../../etc x")
    with pytest.raises(StoreError, match="damaged"):
        open_snapshot(tmp_path)
    with pytest.raises(NotFoundError):
        open_snapshot(tmp_path, "../../etc")


@pytest.fixture
def not_root():
    """Act as nobody while the test runs, as root may write anywhere."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


def test_a_store_that_cannot_be_written_says_so(not_root):
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o500)
        with pytest.raises(StoreError, match="cannot be written: Permission denied"):
            publish(Path(folder) / "store")
        Path(folder).chmod(0o700)


def test_every_table_has_a_schema_and_needs_its_columns():
    assert set(schemas()) == set(TABLES)
    with pytest.raises(KeyError, match="n_chars"):
        make_table("prompts", {"prompt_id": [0], "prompt_hash": ["a"], "text": ["x"]})
    requests = make_table("requests", {"request_id": ["r"], "account_id": ["a"], "prompt_id": [0]})
    assert requests["ts"].null_count == 1
