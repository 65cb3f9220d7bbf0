"""What a writer makes: parts, files taken over from the parent, and a manifest that knows them."""

import errno
import hashlib
import json
import os
from contextlib import contextmanager
from datetime import UTC, datetime

import numpy as np
import pytest

from support.small_store import write_small_store
from sweeplens.errors import StoreError
from sweeplens.index import build_index
from sweeplens.store import disk, publish
from sweeplens.store.publish import write_snapshot
from sweeplens.store.schema import make_table
from sweeplens.store.snapshot import list_snapshots, open_snapshot, read_current
from sweeplens.store.verify import verify

MORE = {"account_id": ["late"], "request_id": ["r-late"], "prompt_id": [7], "request_key": [1 << 63]}
HELD = ("requests", "prompts", "use", "membership", "vectors", "index", "cells")


@pytest.fixture
def parent(tmp_path):
    return write_small_store(tmp_path / "store")


def update(parent, part=1, named=None):
    """Publish a child with one more request, prompt and vector; all else is the parent's."""
    store, n = parent.folder.parent, len(parent.vectors)
    extra = np.roll(np.eye(1, parent.vectors.shape[1], dtype=np.float16), n, 1)
    with write_snapshot(store) as writer:
        for name in HELD:
            writer.adopt(parent, name)
        writer.add_table("requests", make_table("requests", MORE), part=part)
        prompt = {"prompt_id": [n], "prompt_hash": [f"h{n}"], "n_chars": [1], "language": ["en"], "text": ["?"]}
        writer.add_table("prompts", make_table("prompts", prompt), part=part)
        use = {"prompt_id": [n], "n_requests": [1], "n_accounts": [1]}
        writer.add_table("use", make_table("use", use), part=part)
        place = {
            "prompt_id": [n],
            "cell": [0],
            "cluster": [-1],
            "kind": ["noise"],
            "probability": [0],
            "x": [0],
            "y": [0],
        }
        writer.add_table("membership", make_table("membership", place), part=part)
        writer.add_vectors(extra)
        writer.add_index(build_index(extra))
        writer.add_array("prints", np.zeros((2, 3), np.float32))
        return writer.publish({"parent": named or parent.snapshot_id})


def test_a_child_shares_the_files_of_its_parent(parent):
    child = update(parent)
    assert child.manifest["tables"]["requests"] == ["requests.parquet", "requests-0001.parquet"]
    assert child.manifest["vectors"] == ["vectors.npy", "vectors-0001.npy"]
    assert child.manifest["index"] == {"kind": "flat", "files": ["index.faiss", "index-0001.faiss"]}
    assert child.manifest["arrays"] == {"cells": "cells.npy", "prints": "prints.npy"}
    for name in ("requests.parquet", "vectors.npy", "index.faiss", "cells.npy"):
        assert (parent.folder / name).samefile(child.folder / name)
        assert child.manifest["files"][name] == parent.manifest["files"][name]
    assert verify(parent.folder.parent, every=True, deep=True) == []


def test_parts_read_as_one(parent):
    child = open_snapshot(parent.folder.parent, update(parent).snapshot_id)
    requests, n = child.table("requests"), parent.table("requests").num_rows
    assert requests["account_id"].to_pylist() == [*parent.table("requests")["account_id"].to_pylist(), "late"]
    assert requests["request_key"].to_pylist()[n - 1 :] == [None, 1 << 63]
    assert child.table("requests", ["prompt_id"])["prompt_id"][-1].as_py() == 7
    assert len(requests["account_id"].unique()) == len(parent.table("requests")["account_id"].unique()) + 1
    assert child.vectors.shape == (41, 16)
    assert np.array_equal(child.vectors[:40], parent.vectors[:])
    assert child.index.search(child.vectors[[40, 3]], 1)[1].tolist() == [[40], [3]]
    assert child.array("prints").shape == (2, 3)


def test_a_grandchild_has_three_parts_and_outlives_what_it_shares(parent):
    child = update(parent)
    last = update(child, part=2)
    assert last.manifest["vectors"] == ["vectors.npy", "vectors-0001.npy", "vectors-0002.npy"]
    assert last.manifest["tables"]["use"] == ["use.parquet", "use-0001.parquet", "use-0002.parquet"]
    for gone in (parent, child):
        disk.remove_tree(gone.folder)
    assert open_snapshot(parent.folder.parent).table("prompts").num_rows == 42
    assert verify(parent.folder.parent, deep=True) == []


def test_where_links_are_refused_files_are_copied(parent, monkeypatch):
    def refuse(*_args, **_more):
        raise OSError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "link", refuse)
    child = update(parent)
    assert not (parent.folder / "vectors.npy").samefile(child.folder / "vectors.npy")
    assert child.manifest["files"]["vectors.npy"] == parent.manifest["files"]["vectors.npy"]
    assert verify(parent.folder.parent, every=True, deep=True) == []


def test_damage_in_the_parent_stays_known_in_the_child(parent):
    raw = bytearray((parent.folder / "vectors.npy").read_bytes())
    raw[-1] ^= 1
    (parent.folder / "vectors.npy").write_bytes(raw)
    with write_snapshot(parent.folder.parent) as writer:
        writer.adopt(parent, "vectors")  # which does not read them
        child = writer.publish({"parent": parent.snapshot_id})
    assert [(f.snapshot_id, f.file) for f in verify(parent.folder.parent, every=True, deep=True)] == [
        (parent.snapshot_id, "vectors.npy"),
        (child.snapshot_id, "vectors.npy"),
    ]


def test_nothing_is_adopted_that_there_is_not_and_nothing_written_over(parent):
    with write_snapshot(parent.folder.parent) as writer:
        with pytest.raises(StoreError, match="has no table or array prints"):
            writer.adopt(parent, "prints")
        writer.adopt(parent, "cells")
        with pytest.raises(FileExistsError):
            writer.add_array("cells", np.zeros(3))
    assert verify(parent.folder.parent, deep=True) == []


def test_snapshots_are_numbered_and_name_the_manifest_of_their_parent(parent):
    child = update(parent)
    raw = (parent.folder / "manifest.json").read_bytes()
    assert child.manifest["parent_manifest"] == hashlib.sha256(raw).hexdigest() == parent.digest
    assert (parent.manifest["sequence"], child.manifest["sequence"]) == (1, 2)
    assert (parent.manifest["parent"], parent.manifest["parent_manifest"]) == (None, None)
    assert update(child, part=2, named="20200101-000000-aaaaaaaa").manifest["parent_manifest"] is None
    assert [i.parent for i in list_snapshots(parent.folder.parent)][:2] == [None, parent.snapshot_id]


def test_a_clock_that_goes_backwards_changes_no_order(parent, monkeypatch):
    class Past(datetime):
        @classmethod
        def now(cls, tz=None):
            return datetime(2020, 1, 1, tzinfo=tz or UTC)

    monkeypatch.setattr(publish, "datetime", Past)
    first, second = update(parent), write_small_store(parent.folder.parent)
    assert first.snapshot_id.startswith("20200101-000000-")
    assert [i.snapshot_id for i in list_snapshots(parent.folder.parent)] == [
        parent.snapshot_id, first.snapshot_id, second.snapshot_id,
    ]  # fmt: skip
    assert read_current(parent.folder.parent)[0] == second.snapshot_id


def test_equal_snapshots_of_one_second_have_names_of_their_own(parent, monkeypatch):
    monkeypatch.setattr(publish, "_next_sequence", lambda _: 1)
    store = parent.folder.parent
    names = {write_small_store(store).snapshot_id for _ in range(8)}
    assert len(names) == 8
    assert all(open_snapshot(store, name).manifest["sequence"] == 1 for name in names)


@pytest.mark.parametrize("op", ["create", "write", "fsync", "rename", "fsync_folder", "mkdir", "link"])
@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EIO, errno.EROFS])
def test_a_disk_that_fails_anywhere_is_one_sentence_and_the_store_is_as_it_was(parent, op, code):
    store = parent.folder.parent
    before = sorted(p.name for p in store.iterdir())
    calls = []
    with disk.observe(lambda name, when, *_: calls.append(name) if when == "before" else None):
        update(parent)
    restore(parent)
    assert op in calls
    for nth in range(calls.count(op)):
        with disk.observe(fail_at(op, nth, code)), says(os.strerror(code)):
            update(parent)
        published = read_current(store)[0] != parent.snapshot_id
        assert published == (op == "fsync_folder" and nth == calls.count(op) - 1)  # the very last call, after the swap
        assert published or sorted(p.name for p in store.iterdir()) == before
        assert verify(store, deep=True) == []
        restore(parent)


def restore(parent):
    """Remove every snapshot but the parent, and make it the current one."""
    store = parent.folder.parent
    for folder in store.iterdir():
        if folder.is_dir() and folder != parent.folder:
            disk.remove_tree(folder)
    (store / "CURRENT").write_text(f"{parent.snapshot_id} {parent.digest}\n", encoding="ascii")


def fail_at(op, nth, code):
    """Return an observer that fails the call of that number."""
    seen = []

    def hook(name, when, *_):
        if (name, when) == (op, "before"):
            seen.append(name)
            if len(seen) == nth + 1:
                raise OSError(code, os.strerror(code))

    return hook


@contextmanager
def says(why):
    """Expect one sentence that says why."""
    with pytest.raises(StoreError, match=why) as caught:
        yield
    assert "\n" not in str(caught.value)


def test_a_manifest_is_plain_json_in_the_form_of_version_2(parent):
    manifest = json.loads((parent.folder / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["schema"] == 2
    assert set(manifest["files"]) == {p.name for p in parent.folder.iterdir()} - {"manifest.json"}
    assert manifest["vectors"] == ["vectors.npy"]
    assert manifest["index"] == {"kind": "flat", "files": ["index.faiss"]}
    assert manifest["arrays"] == {"cells": "cells.npy"}
    assert manifest["tables"]["use"] == ["use.parquet"]
