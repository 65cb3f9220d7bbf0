"""The store's key, the hashes under it, and the accounts that the store has forgotten."""

import hashlib
import hmac
import json
import multiprocessing
import os
import stat

import numpy as np
import pytest

from sweeplens.errors import StoreError
from sweeplens.store.key import check_key, key_id, keyed_hash, store_key
from sweeplens.store.tombstones import FILE, Tombstones, add_tombstones, load_tombstones
from sweeplens.text import content_hash

UNKNOWN = np.iinfo(np.int64).min


def _make_key(store, barrier, found):
    barrier.wait()
    found.put(store_key(store))


def test_the_key_is_random_private_and_stays(tmp_path):
    before = os.umask(0)
    try:
        key = store_key(tmp_path / "a")
    finally:
        os.umask(before)
    assert len(key) == 32
    assert store_key(tmp_path / "a") == store_key(tmp_path / "a", create=False) == key
    assert (tmp_path / "a" / "key").read_bytes() == key
    assert {stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "a").iterdir()} == {0o600}
    assert store_key(tmp_path / "b") != key


def test_processes_that_make_the_key_at_once_agree(tmp_path):
    context = multiprocessing.get_context("fork")
    for attempt in range(5):
        barrier, found = context.Barrier(4), context.Queue()
        makers = [context.Process(target=_make_key, args=(tmp_path / str(attempt), barrier, found)) for _ in range(4)]
        for maker in makers:
            maker.start()
        keys = {found.get(timeout=30) for _ in makers}
        for maker in makers:
            maker.join(30)
        assert keys == {(tmp_path / str(attempt) / "key").read_bytes()}
        assert not list((tmp_path / str(attempt)).glob(".writing-*"))


@pytest.mark.parametrize("bad", [b"", b"short", b"x" * 33])
def test_a_key_that_is_damaged_or_not_there_is_said(tmp_path, bad):
    with pytest.raises(StoreError, match="has no key"):
        store_key(tmp_path, create=False)
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "key").write_bytes(bad)
    with pytest.raises(StoreError, match=f"expected 32 bytes, but it has {len(bad)}"):
        store_key(tmp_path)
    assert (tmp_path / "key").read_bytes() == bad


def test_a_key_that_hashes_were_made_under_is_told_from_another(tmp_path):
    check_key(tmp_path, None)
    with pytest.raises(StoreError, match="key is missing; put it back"):
        check_key(tmp_path, "ab" * 8)
    check_key(tmp_path, key_id(store_key(tmp_path)))
    with pytest.raises(StoreError, match="key is another; put it back from a backup, or build anew"):
        check_key(tmp_path, "ab" * 8)


def test_a_keyed_hash_is_an_hmac_under_a_key_of_its_kind():
    key = bytes(range(32))
    own = hmac.new(key, b"sweeplens prompt", hashlib.sha256).digest()
    assert keyed_hash(key, "grüße") == hmac.new(own, "grüße".encode(), hashlib.sha256).hexdigest()[:32]
    assert len({keyed_hash(key, "a", kind=kind) for kind in ("prompt", "system", "account")}) == 3
    assert keyed_hash(key, "a") != keyed_hash(key[::-1], "a")
    assert keyed_hash(key, "a") != content_hash("a")
    assert len(keyed_hash(key, "lone \ud800")) == 32
    assert len(key_id(key)) == 16
    assert key_id(key) != key_id(key[::-1])


def test_rows_up_to_the_erasure_are_refused_and_later_ones_count(tmp_path):
    assert add_tombstones(tmp_path, ["a", "b"], 1000) == 2
    stones = load_tombstones(tmp_path)
    assert len(stones) == 2
    cases = [("a", 999), ("a", 1000), ("a", None), ("a", 1001), ("c", 5), ("c", None)]
    assert [stones.forgets(name, ts) for name, ts in cases] == [True, True, True, False, False, False]
    account = np.array([0, 0, 0, 0, 1, 1], dtype=np.int32)
    ts = np.array([UNKNOWN if ts is None else ts for _, ts in cases])
    assert stones.forgets_rows(["a", "c"], account, ts).tolist() == [stones.forgets(name, ts) for name, ts in cases]


def test_a_second_erasure_counts_from_its_own_time_and_the_clock_never_takes_one_back(tmp_path):
    add_tombstones(tmp_path, ["a"], 1000)
    assert add_tombstones(tmp_path, ["a", "b"], 2000) == 1
    assert add_tombstones(tmp_path, ["a"], 500) == 0
    stones = load_tombstones(tmp_path)
    assert (stones.erased_at("a"), stones.erased_at("b"), stones.erased_at("c")) == (2000, 2000, None)


def test_a_store_that_forgot_nobody_has_no_tombstones_and_needs_no_key(tmp_path):
    stones = load_tombstones(tmp_path)
    assert stones == Tombstones()
    assert not stones.forgets("a", None)
    assert stones.forgets_rows(["a"], np.zeros(2, np.int32), np.array([UNKNOWN, 1])).tolist() == [False, False]
    assert add_tombstones(tmp_path, [], 1) == 0
    assert list(tmp_path.iterdir()) == []


def test_the_file_is_private_and_says_neither_the_id_nor_a_plain_hash_of_it(tmp_path):
    name = "acct-2231-mallory@example.com"
    add_tombstones(tmp_path, [name], 1_767_225_600_000_000)
    raw = (tmp_path / FILE).read_bytes()
    assert stat.S_IMODE((tmp_path / FILE).stat().st_mode) == 0o600
    assert keyed_hash(store_key(tmp_path), name, kind="account").encode() in raw
    for plain in (name.encode(), hashlib.sha256(name.encode()).hexdigest()[:32].encode(), b"mallory"):
        assert plain not in raw


@pytest.mark.parametrize("lost", ["missing", "another"])
def test_tombstones_without_their_key_stop_the_reader(tmp_path, lost):
    add_tombstones(tmp_path, ["a"], 1)
    (tmp_path / "key").unlink()
    if lost == "another":
        store_key(tmp_path)
    with pytest.raises(StoreError, match=f"{lost}: put it back from a backup"):
        load_tombstones(tmp_path)
    with pytest.raises(StoreError, match=lost):
        add_tombstones(tmp_path, ["b"], 2)


@pytest.mark.parametrize("raw", ["", "[]", "{}", '{"version": 1, "key": "x", "accounts": {"a": "soon"}}', "\x00"])
def test_damaged_tombstones_and_newer_ones_are_said(tmp_path, raw):
    add_tombstones(tmp_path, ["a"], 1)
    whole = json.loads((tmp_path / FILE).read_text())
    (tmp_path / FILE).write_text(raw)
    with pytest.raises(StoreError, match="are damaged"):
        load_tombstones(tmp_path)
    (tmp_path / FILE).write_text(json.dumps({**whole, "version": 2}))
    with pytest.raises(StoreError, match="have version 2"):
        load_tombstones(tmp_path)
