"""The cache of vectors: what is put is got, whoever writes beside, whatever happens to the files."""

import multiprocessing
import stat

import numpy as np
import pytest

from sweeplens.embed import VectorCache
from sweeplens.embed import cache as cache_module
from sweeplens.errors import StoreError
from sweeplens.text import content_hash

DIM = 8
FINGERPRINT = "ab" * 32


def _rows(begin, count):
    hashes = [content_hash(f"prompt {i}") for i in range(begin, begin + count)]
    vectors = np.random.default_rng(begin).normal(size=(count, DIM)).astype(np.float16)
    return hashes, vectors


def _write_many(folder, begin):
    cache = VectorCache(folder, FINGERPRINT, DIM)
    for step in range(20):
        hashes, vectors = _rows(begin + 10 * step, 10)
        cache.put(hashes, vectors)
        if step % 5 == 4:
            cache.compact()


def test_what_is_put_is_got_in_the_order_asked_for(tmp_path):
    hashes, vectors = _rows(0, 50)
    VectorCache(tmp_path, FINGERPRINT, DIM).put(hashes, vectors)
    ask = [hashes[7], content_hash("never seen"), hashes[3], hashes[7]]
    found, got = VectorCache(tmp_path, FINGERPRINT, DIM).get(ask)
    assert found.tolist() == [True, False, True, True]
    np.testing.assert_array_equal(got, np.stack([vectors[7], np.zeros(DIM), vectors[3], vectors[7]]))
    assert got.dtype == np.float16


def test_an_empty_cache_and_an_empty_question(tmp_path):
    cache = VectorCache(tmp_path, FINGERPRINT, DIM)
    found, got = cache.get([])
    assert found.shape == (0,)
    assert got.shape == (0, DIM)
    assert not cache.get([content_hash("x")])[0].any()
    cache.put([], np.empty((0, DIM), np.float16))
    assert list(cache.folder.iterdir()) == []


def test_hashes_that_share_their_first_half_are_told_apart(tmp_path):
    cache = VectorCache(tmp_path, FINGERPRINT, DIM)
    cache.put(["00" * 8 + "11" * 8], np.ones((1, DIM), np.float16))
    found, _ = cache.get(["00" * 8 + "22" * 8, "00" * 8 + "11" * 8])
    assert found.tolist() == [False, True]


def test_encoders_do_not_share_vectors(tmp_path):
    hashes, vectors = _rows(0, 3)
    VectorCache(tmp_path, FINGERPRINT, DIM).put(hashes, vectors)
    assert not VectorCache(tmp_path, "cd" * 32, DIM).get(hashes)[0].any()


def test_a_writer_sees_what_another_writes_later(tmp_path):
    first, second = VectorCache(tmp_path, FINGERPRINT, DIM), VectorCache(tmp_path, FINGERPRINT, DIM)
    hashes, vectors = _rows(0, 4)
    assert not first.get(hashes)[0].any()
    second.put(hashes, vectors)
    np.testing.assert_array_equal(first.get(hashes)[1], vectors)


def test_many_small_segments_become_one(tmp_path):
    cache = VectorCache(tmp_path, FINGERPRINT, DIM)
    reader = VectorCache(tmp_path, FINGERPRINT, DIM, readonly=True)
    everything = [_rows(10 * i, 10) for i in range(20)]
    for hashes, vectors in everything:
        cache.put(hashes, vectors)
    hashes = [h for part, _ in everything for h in part]
    vectors = np.concatenate([v for _, v in everything])
    np.testing.assert_array_equal(reader.get(hashes)[1], vectors)
    cache.compact()
    assert len(list(cache.folder.glob("*.npy"))) == 1
    for one in (cache, reader, VectorCache(tmp_path, FINGERPRINT, DIM)):
        found, got = one.get(hashes)
        assert found.all()
        np.testing.assert_array_equal(got, vectors)


def test_few_segments_and_large_ones_are_left_alone(tmp_path, monkeypatch):
    monkeypatch.setattr(cache_module, "_SMALL_ROWS", 5)
    cache = VectorCache(tmp_path, FINGERPRINT, DIM)
    for i in range(20):
        cache.put(*_rows(10 * i, 10))
    cache.compact()
    assert len(list(cache.folder.glob("*.npy"))) == 20


@pytest.mark.parametrize("damage", ["cut", "flip", "junk", "pickle"])
def test_a_damaged_segment_is_left_out_with_a_warning(tmp_path, caplog, damage):
    cache = VectorCache(tmp_path, FINGERPRINT, DIM)
    good, bad = _rows(0, 4), _rows(100, 4)
    cache.put(*good)
    before = set(cache.folder.glob("*.npy"))
    cache.put(*bad)
    (path,) = set(cache.folder.glob("*.npy")) - before
    data = path.read_bytes()
    if damage == "pickle":
        np.save(path, np.array([{"a": 1}], dtype=object), allow_pickle=True)
    else:
        path.write_bytes({"cut": data[:-3], "flip": data[:-1] + bytes([data[-1] ^ 1]), "junk": b"\x00\x01"}[damage])
    again = VectorCache(tmp_path, FINGERPRINT, DIM)
    found, got = again.get(good[0] + bad[0])
    assert found.tolist() == [True] * 4 + [False] * 4
    np.testing.assert_array_equal(got[:4], good[1])
    assert again.damaged == 1
    assert "damaged" in caplog.text
    again.put(*bad)
    assert again.get(bad[0])[0].all()


def test_two_processes_write_and_merge_at_once(tmp_path):
    context = multiprocessing.get_context("fork")
    writers = [context.Process(target=_write_many, args=(tmp_path, begin)) for begin in (0, 1000)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(60)
    assert [writer.exitcode for writer in writers] == [0, 0]
    cache = VectorCache(tmp_path, FINGERPRINT, DIM)
    for begin in (0, 1000):
        for step in range(20):
            hashes, vectors = _rows(begin + 10 * step, 10)
            found, got = cache.get(hashes)
            assert found.all()
            np.testing.assert_array_equal(got, vectors)
    assert not list(cache.folder.glob(".part-*"))


def test_the_cache_is_private_to_its_owner(tmp_path):
    cache = VectorCache(tmp_path / "vectors", FINGERPRINT, DIM)
    cache.put(*_rows(0, 2))
    assert stat.S_IMODE((tmp_path / "vectors").stat().st_mode) == 0o700
    assert stat.S_IMODE(cache.folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in cache.folder.iterdir()} == {0o600}


def test_a_readonly_cache_writes_nothing(tmp_path):
    cache = VectorCache(tmp_path / "vectors", FINGERPRINT, DIM, readonly=True)
    cache.put(*_rows(0, 2))
    cache.compact()
    assert not cache.get(_rows(0, 2)[0])[0].any()
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_made_is_said_in_one_sentence(tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StoreError, match=r"vector cache .* must be writable"):
        VectorCache(tmp_path / "file" / "vectors", FINGERPRINT, DIM)
