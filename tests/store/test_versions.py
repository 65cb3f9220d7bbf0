"""A store that SweepLens 0.1 wrote is read as it is, and goes on in the layout of today."""

import numpy as np
import pyarrow as pa
import pytest

from support.old_store import write_old_store
from support.small_store import write_small_store
from sweeplens.errors import StoreError
from sweeplens.store.prune import prune, use
from sweeplens.store.publish import write_snapshot
from sweeplens.store.schema import TABLES, fit_table, make_table, schemas
from sweeplens.store.snapshot import list_snapshots, open_snapshot
from sweeplens.store.verify import verify


@pytest.fixture
def old(tmp_path):
    return write_old_store(tmp_path / "store")


@pytest.fixture(scope="module")
def new(tmp_path_factory):
    return write_small_store(tmp_path_factory.mktemp("new"))


def test_every_table_has_the_columns_of_today_and_the_old_rows(old, new):
    for name in TABLES:
        table = old.table(name)
        assert table.schema.names == schemas()[name].names
        assert table.to_pylist() == new.table(name).to_pylist()
    assert old.table("requests")["request_key"].null_count == old.table("requests").num_rows


def test_what_came_later_is_empty_and_the_use_is_derived(old):
    assert (old.has("use"), old.has("texts"), old.has("lineage")) == (True, False, False)
    assert old.table("texts").num_rows == old.table("lineage").num_rows == 0
    assert old.table("use", ["n_requests"]).column_names == ["n_requests"]
    assert sum(old.table("use")["n_requests"].to_pylist()) == old.table("requests").num_rows
    with pytest.raises(KeyError):
        old.table("prompts", ["n_requests"])


def test_vectors_cells_and_index_are_the_files_of_fixed_names(old, new):
    assert np.array_equal(old.vectors[:], new.vectors[:])
    assert np.array_equal(old.cells, new.array("cells"))
    assert old.index.search(new.vectors[3:4], 1)[1].tolist() == [[3]]
    assert old.manifest["index"] == {"kind": "flat", "files": ["index.faiss"]}
    assert (old.has("vectors"), old.has("index"), old.has("cells"), old.has("prints")) == (True, True, True, False)
    with pytest.raises(StoreError, match="has no array prints"):
        old.array("prints")


def test_old_snapshots_are_listed_by_name_and_before_all_new_ones(old):
    store = old.folder.parent
    fresh = write_small_store(store)
    names = [info.snapshot_id for info in list_snapshots(store)]
    assert names == [*sorted(names[:2]), fresh.snapshot_id]
    assert [info.sequence for info in list_snapshots(store)] == [0, 0, 1]


def test_an_old_store_is_verified_rolled_back_and_pruned(old):
    store = old.folder.parent
    old.close()
    assert verify(store, every=True, deep=True) == []
    first = list_snapshots(store)[0].snapshot_id
    use(store, first).close()
    assert open_snapshot(store).snapshot_id == first
    assert prune(store, 1).removed == ()  # the newest is one, the current the other
    raw = bytearray((store / first / "prompts.parquet").read_bytes())
    raw[len(raw) // 2] ^= 1
    (store / first / "prompts.parquet").write_bytes(raw)
    assert [f.file for f in verify(store, deep=True)] == ["prompts.parquet"]


def test_an_update_of_an_old_snapshot_takes_its_files_over(old):
    store = old.folder.parent
    with write_snapshot(store) as writer:
        for name in ("requests", "prompts", "vectors", "index", "cells"):
            writer.adopt(old, name)
        more = {"prompt_id": [40], "prompt_hash": ["x"], "n_chars": [1], "language": ["en"]}  # without its text
        writer.add_table("prompts", make_table("prompts", more), part=1)
        writer.add_vectors(np.ones((1, old.vectors.shape[1]), np.float16))
        made = writer.publish({"parent": old.snapshot_id})
    assert made.manifest["tables"]["prompts"] == ["prompts.parquet", "prompts-0001.parquet"]
    assert made.table("prompts").column_names == schemas()["prompts"].names
    assert made.table("prompts")["text"].to_pylist()[-2:] == [old.table("prompts")["text"][39].as_py(), None]
    assert made.vectors.shape == (41, old.vectors.shape[1])
    assert made.manifest["index"] == {"kind": "flat", "files": ["index.faiss"]}
    assert not made.has("use")  # it is of this version, which would have it as a table


def test_columns_are_fitted_to_those_of_today():
    table = pa.table({"prompt_id": pa.array([1], pa.int64()), "extra": ["x"], "n_requests": [2], "n_accounts": [1]})
    fitted = fit_table("use", table)
    assert fitted.schema == schemas()["use"]
    assert fitted.to_pylist() == [{"prompt_id": 1, "n_requests": 2, "n_accounts": 1}]
    with pytest.raises(KeyError, match="lacks the column n_accounts"):
        fit_table("use", table.drop_columns(["n_accounts"]))
