"""Damage of any kind is named, and nothing that is damaged reaches a parser."""

import json
import shutil

import numpy as np
import pytest

from support.small_store import write_small_store
from sweeplens.errors import NotFoundError, SchemaError, StoreError
from sweeplens.store.hashes import forget_hashes
from sweeplens.store.manifests import parse_current, parse_manifest
from sweeplens.store.prune import use
from sweeplens.store.publish import write_snapshot
from sweeplens.store.schema import make_table
from sweeplens.store.snapshot import list_snapshots, open_snapshot, read_current
from sweeplens.store.verify import Finding, verify


@pytest.fixture(scope="module")
def sound(tmp_path_factory):
    """A store of two snapshots, the second a child of the first, that no test touches."""
    store = tmp_path_factory.mktemp("sound") / "store"
    first = write_small_store(store)
    with write_snapshot(store) as writer:
        for name in [*first.manifest["tables"], "vectors", "index", "cells"]:
            writer.adopt(first, name)
        writer.publish({"parent": first.snapshot_id})
    return store


@pytest.fixture
def store(sound, tmp_path):
    forget_hashes()
    shutil.copytree(sound, tmp_path / "store")
    return tmp_path / "store"


@pytest.fixture
def ids(store):
    return [info.snapshot_id for info in list_snapshots(store)]


def flip(path, at, bit=1):
    raw = bytearray(path.read_bytes())
    raw[at] ^= bit
    path.write_bytes(raw)


def files_of(store, snapshot_id):
    return sorted(p.name for p in (store / snapshot_id).iterdir())


def test_a_sound_store_has_no_findings(store, ids):
    assert verify(store) == verify(store, deep=True) == verify(store, every=True, deep=True) == []
    assert verify(store, ids[0], deep=True) == []


@pytest.mark.parametrize("place", ["first", "middle", "last"])
def test_one_flipped_byte_in_any_file_is_named_and_the_file_alone(store, ids, place):
    for snapshot_id in ids:
        for name in files_of(store, snapshot_id):
            path = store / snapshot_id / name
            size = path.stat().st_size
            if not size:
                continue
            at = {"first": 0, "middle": size // 2, "last": size - 1}[place]
            flip(path, at)
            assert [(f.snapshot_id, f.file) for f in verify(store, every=True, deep=True)] == [(snapshot_id, name)]
            flip(path, at)
    assert verify(store, every=True, deep=True) == []


def test_any_flipped_bit_of_the_pointer_is_named_and_nothing_opens(store):
    raw = (store / "CURRENT").read_bytes()
    for at in range(len(raw)):
        for bit in (1, 2, 16, 32, 128):
            flip(store / "CURRENT", at, bit)
            assert [f.file for f in verify(store)] == ["CURRENT"]
            with pytest.raises(StoreError):
                open_snapshot(store)
            flip(store / "CURRENT", at, bit)


def test_a_damaged_pointer_is_written_anew_by_use(store, ids):
    for damage in (b"", b"x\n", (store / "CURRENT").read_bytes().upper()):
        (store / "CURRENT").write_bytes(damage)
        use(store, ids[1]).close()
        assert verify(store, deep=True) == []
    (store / "CURRENT").unlink()
    assert "use" in verify(store)[0].problem
    use(store, ids[0]).close()
    assert read_current(store)[0] == ids[0]


def test_every_byte_of_a_manifest_counts_whichever_snapshot_is_current(store, ids):
    use(store, ids[0]).close()
    for snapshot_id in ids:
        path = store / snapshot_id / "manifest.json"
        for at in range(0, path.stat().st_size, 97):
            flip(path, at)
            assert [(f.snapshot_id, f.file) for f in verify(store, every=True)] == [(snapshot_id, "manifest.json")]
            with pytest.raises(StoreError, match=r"manifest of snapshot .* is damaged"):
                open_snapshot(store, snapshot_id)
            flip(path, at)


def test_a_manifest_is_also_compared_with_what_its_child_says(store, ids):
    other = store / ids[0] / "manifest.json"
    other.write_bytes(other.read_bytes() + b" ")
    assert "later snapshot" in str(verify(store, ids[0])[0])


@pytest.mark.parametrize(
    "change",
    [lambda p: p.unlink(), lambda p: p.write_bytes(p.read_bytes() + b"x"), lambda p: p.write_bytes(b"")],
    ids=["missing", "longer", "emptied"],
)
def test_a_missing_or_resized_file_is_named_without_reading_any(store, ids, change):
    change(store / ids[1] / "signals.parquet")
    assert [(f.snapshot_id, f.file) for f in verify(store)] == [(ids[1], "signals.parquet")]
    with pytest.raises(StoreError, match=r"signals\.parquet of snapshot"):
        open_snapshot(store)


def test_files_that_nobody_knows_are_named(store, ids):
    (store / ids[1] / "notes.txt").write_text("mine")
    (store / ids[1] / "deep").mkdir()
    (store / ids[1] / "signals.parquet").unlink()
    (store / ids[1] / "signals.parquet").symlink_to(store / ids[0] / "signals.parquet")
    assert [f.file for f in verify(store)] == ["signals.parquet", "deep", "notes.txt"]


def test_a_finding_says_where_and_what():
    assert str(Finding("20260301-020000-1a2b3c4d", "x.npy", "gone")) == "20260301-020000-1a2b3c4d/x.npy: gone"
    assert str(Finding("", "CURRENT", "gone")) == "CURRENT: gone"


def test_no_damaged_file_reaches_a_parser(store, ids, monkeypatch):
    import faiss
    import pyarrow.parquet as pq

    def forbidden(*_args, **_more):
        raise AssertionError("a parser saw a damaged file")

    for name in files_of(store, ids[1]):
        if name.endswith((".parquet", ".npy", ".faiss")):
            path = store / ids[1] / name
            flip(path, path.stat().st_size // 2)
    monkeypatch.setattr(pq, "ParquetFile", forbidden)
    monkeypatch.setattr(np, "load", forbidden)
    monkeypatch.setattr(faiss, "read_index", forbidden)
    snapshot = open_snapshot(store)
    reads = [lambda name=name: snapshot.table(name) for name in snapshot.manifest["tables"]]
    reads += [lambda: snapshot.vectors, lambda: snapshot.cells, lambda: snapshot.index]
    for read in reads:
        with pytest.raises(StoreError, match="is damaged: its SHA-256 is not the manifest's"):
            read()
    assert {f.file for f in verify(store, deep=True)} == set(files_of(store, ids[1])) - {"manifest.json"}


def test_a_file_is_hashed_once_in_a_process_and_again_when_it_is_touched(store, ids, monkeypatch):
    from sweeplens.store import hashes

    seen = []
    real = hashes.file_hash
    monkeypatch.setattr(hashes, "file_hash", lambda path: seen.append(path.name) or real(path))
    for _ in range(3):
        assert open_snapshot(store).table("signals").num_rows > 0
    assert seen == ["signals.parquet"]
    path = store / ids[1] / "signals.parquet"
    flip(path, 40)
    with pytest.raises(StoreError, match="damaged"):
        open_snapshot(store).table("signals")


def test_tables_that_do_not_fit_each_other_are_named(tmp_path):
    old = write_small_store(tmp_path)
    with write_snapshot(tmp_path) as writer:
        for name in ("prompts", "index", "cells"):
            writer.adopt(old, name)
        writer.add_table(
            "requests", make_table("requests", {"request_id": ["r"], "account_id": ["a"], "prompt_id": [40]})
        )
        writer.add_table("use", make_table("use", {"prompt_id": [0], "n_requests": [1], "n_accounts": [1]}))
        writer.add_vectors(old.vectors[:39])
        with writer.create("junk.parquet") as stream:
            stream.write(b"PAR1 this is no Parquet PAR1")
        writer.add_part("signals", "junk.parquet")
        writer.publish({})
    found = {f.file: f.problem for f in verify(tmp_path, deep=True)}
    assert set(found) == {"requests.parquet", "use.parquet", "vectors.npy", "junk.parquet"}
    assert found["requests.parquet"] == "it names the prompt 40, but there are 40"
    assert found["use.parquet"] == "it has 1 rows for 40 prompts"
    assert found["vectors.npy"] == "it has 39 rows for 40 prompts"
    assert found["junk.parquet"].startswith("it cannot be decoded")
    assert verify(tmp_path) == []


def test_what_cannot_be_verified_is_said(tmp_path, store):
    with pytest.raises(StoreError, match="does not exist"):
        verify(tmp_path / "none")
    (tmp_path / "empty").mkdir()
    with pytest.raises(StoreError, match="holds no snapshot yet"):
        verify(tmp_path / "empty")
    for name in ("20200101-000000-aaaaaaaa", "../x"):
        with pytest.raises(NotFoundError, match="has no snapshot"):
            verify(store, name)


ID = "20260301-020000-1a2b3c4d"


@pytest.mark.parametrize("raw", [b"", b"\xff", f"{ID} {'a' * 64}".encode(), f"{ID} {'A' * 64}\n".encode(),
                                 f"{ID}  {'a' * 64}\n".encode(), f"../{ID} {'a' * 64}\n".encode(),
                                 f"{ID} {'a' * 63}\n".encode(), f"{ID} {'a' * 64}\n\n".encode()])  # fmt: skip
def test_a_pointer_has_one_form(raw):
    assert parse_current(raw) is None
    assert parse_current(f"{ID} {'a' * 64}\n".encode()) == (ID, "a" * 64)


GOOD = {"sha256": "0" * 64, "bytes": 1}


@pytest.mark.parametrize(
    "change",
    [
        {"schema": "2"}, {"schema": True}, {"schema": 0}, {"files": None}, {"files": {"../x": GOOD}},
        {"files": {"a": {"sha256": "x", "bytes": 1}}}, {"files": {"a": {"sha256": "0" * 64, "bytes": "1"}}},
        {"tables": {"requests": ["/etc/passwd"]}}, {"vectors": ["gone.npy"]}, {"index": None},
        {"arrays": {"cells": "x"}},
    ],
    ids=str,
)  # fmt: skip
def test_a_manifest_of_another_form_is_refused(change):
    import hashlib

    whole = {"schema": 2, "files": {}, "tables": {}, "vectors": [], "index": {"kind": None, "files": []}, "arrays": {}}

    def read(manifest):
        raw = json.dumps(manifest).encode()
        return parse_manifest(raw, f"20260301-020000-{hashlib.sha256(raw).hexdigest()[:8]}")

    assert read(whole)["schema"] == 2
    with pytest.raises(StoreError, match="it is not a manifest"):
        read(whole | change)
    with pytest.raises(SchemaError, match="upgrade SweepLens"):
        read({"schema": 3})
