"""The cache of vectors: what is put is got, whoever writes beside, whatever happens to the files."""

import multiprocessing
import os
import signal
import stat

import numpy as np
import pytest

from sweeplens.embed import VectorCache
from sweeplens.embed import cache as cache_module
from sweeplens.embed.cache import forget_everywhere, retain_everywhere
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


# -- what must be forgotten ------------------------------------------------


def _traces(folder, hashes, vectors):
    """Return the files under `folder` that hold any of these hashes, as anybody writes them, or vectors."""
    needles = [row.tobytes() for row in vectors]
    for name in hashes:
        words = np.frombuffer(bytes.fromhex(name), dtype=">u8")
        needles += [
            bytes.fromhex(name),
            words.astype("<u8").tobytes(),
            words.astype("<u8")[:1].tobytes(),
            name.encode(),
        ]
    files = [path for path in folder.rglob("*") if path.is_file()]
    return sorted({path.name for path in files for needle in needles if needle in path.read_bytes()})


def _fill(folder, parts=3, fingerprint=FINGERPRINT):
    cache = VectorCache(folder, fingerprint, DIM)
    written = [_rows(100 * i, 10) for i in range(parts)]
    for hashes, vectors in written:
        cache.put(hashes, vectors)
    return cache, [h for part, _ in written for h in part], np.concatenate([v for _, v in written])


def test_what_is_forgotten_leaves_no_trace_and_the_rest_stays(tmp_path):
    cache, hashes, vectors = _fill(tmp_path)
    gone = [0, 9, 10, 11, *range(20, 30)]  # some of two segments, all of the third
    stays = sorted(set(range(30)) - set(gone))
    named = [hashes[i] for i in gone]
    assert len(_traces(tmp_path, named, vectors[gone])) == 3
    assert cache.forget([*named, content_hash("never seen")]) == len(gone)
    assert _traces(tmp_path, named, vectors[gone]) == []
    for one in (cache, VectorCache(tmp_path, FINGERPRINT, DIM)):
        found, got = one.get(hashes)
        assert np.flatnonzero(found).tolist() == stays
        np.testing.assert_array_equal(got[stays], vectors[stays])
    assert cache.forget(named) == 0
    assert cache.damaged == 0


def test_forgetting_nothing_or_what_is_not_there_touches_no_file(tmp_path):
    cache, _, _ = _fill(tmp_path)
    before = {path.name: path.stat().st_ino for path in cache.folder.glob("*.npy")}
    assert cache.forget([]) == 0
    assert cache.forget([content_hash("never seen")]) == 0
    assert {path.name: path.stat().st_ino for path in cache.folder.glob("*.npy")} == before


def test_only_what_is_retained_stays(tmp_path):
    cache, hashes, vectors = _fill(tmp_path)
    assert cache.retain([*hashes[5:15], content_hash("never seen")]) == 20
    assert np.flatnonzero(cache.get(hashes)[0]).tolist() == list(range(5, 15))
    assert _traces(tmp_path, hashes[:5] + hashes[15:], np.delete(vectors, slice(5, 15), axis=0)) == []
    assert cache.retain([]) == 10
    assert list(cache.folder.glob("*.npy")) == []


def test_a_row_that_two_processes_wrote_goes_from_both_segments(tmp_path):
    cache = VectorCache(tmp_path, FINGERPRINT, DIM)
    hashes, vectors = _rows(0, 6)
    cache.put(hashes[:4], vectors[:4])
    cache.put(hashes[2:], vectors[2:])
    assert cache.forget(hashes[2:4]) == 4
    assert cache.get(hashes)[0].tolist() == [True, True, False, False, True, True]


def test_hashes_that_share_a_half_or_end_in_zeros_are_told_apart(tmp_path):
    cache = VectorCache(tmp_path, FINGERPRINT, DIM)
    hashes = ["00" * 8 + "11" * 8, "00" * 8 + "22" * 8, "11" * 8 + "22" * 8, "aa" * 8 + "00" * 8, "aa" + "00" * 15]
    cache.put(hashes, np.ones((5, DIM), np.float16))
    assert cache.forget([hashes[0], hashes[4]]) == 2
    assert cache.get(hashes)[0].tolist() == [False, True, True, True, False]
    assert cache.retain([hashes[3], "00" * 16]) == 2
    assert cache.get(hashes)[0].tolist() == [False, False, False, True, False]


def test_every_encoder_forgets_also_those_that_are_not_loaded(tmp_path):
    _, hashes, vectors = _fill(tmp_path)
    other = VectorCache(tmp_path, "cd" * 32, 3)
    other.put(hashes, np.random.default_rng(5).normal(size=(30, 3)).astype(np.float16))
    (tmp_path / "notes").mkdir()
    assert forget_everywhere(tmp_path, hashes[:2]) == 4
    assert not other.get(hashes[:2])[0].any()
    assert other.get(hashes[2:])[0].all()
    assert _traces(tmp_path, hashes[:2], vectors[:2]) == []
    assert retain_everywhere(tmp_path, hashes[:3]) == 2 * 27
    assert forget_everywhere(tmp_path / "none", hashes) == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == ["ab" * 16, "cd" * 16, "notes"]


def test_who_has_a_segment_open_goes_on_and_later_sees_that_it_is_gone(tmp_path):
    cache, hashes, vectors = _fill(tmp_path)
    reader = VectorCache(tmp_path, FINGERPRINT, DIM, readonly=True)
    assert reader.get(hashes)[0].all()
    held = list(reader._segments.values())  # as in the middle of a `get`
    cache.forget(hashes[:1])
    np.testing.assert_array_equal(
        np.sort(np.concatenate([s["vector"] for s in held]), axis=0), np.sort(vectors, axis=0)
    )
    assert reader.get(hashes)[0].tolist() == [False] + [True] * 29


def test_damaged_segments_and_what_killed_processes_left_go_too(tmp_path):
    cache, hashes, vectors = _fill(tmp_path)
    bad = next(path for path in cache.folder.glob("*.npy") if _traces_in(path, vectors[:1]))
    bad.write_bytes(bad.read_bytes()[:-1] + b"?")
    (cache.folder / ".part-dead").write_bytes(b"head" + vectors[0].tobytes())
    assert cache.forget(hashes[:1]) == 0
    assert _traces(tmp_path, hashes[:10], vectors[:10]) == []
    assert cache.get(hashes)[0].tolist() == [False] * 10 + [True] * 20


def _traces_in(path, vectors):
    return any(row.tobytes() in path.read_bytes() for row in vectors)


def test_the_next_start_removes_what_killed_processes_left_but_not_the_part_of_a_living_one(tmp_path):
    cache, _, _ = _fill(tmp_path)
    (cache.folder / ".part-dead").write_bytes(b"half")
    with (cache.folder / ".part-alive").open("wb") as living:
        cache_module.fcntl.flock(living, cache_module.fcntl.LOCK_EX)
        VectorCache(tmp_path, FINGERPRINT, DIM)
        assert [path.name for path in cache.folder.glob(".part-*")] == [".part-alive"]
    VectorCache(tmp_path, FINGERPRINT, DIM)
    assert not list(cache.folder.glob(".part-*"))


def test_a_part_that_was_taken_for_a_dead_ones_is_written_again(tmp_path, monkeypatch):
    cache = VectorCache(tmp_path, FINGERPRINT, DIM)
    hashes, vectors = _rows(0, 4)
    real, taken = cache_module.fcntl.flock, []

    def steal(stream, operation):
        if not taken:
            taken.append(stream.name)
            for path in cache.folder.glob(".part-*"):
                path.unlink()
        real(stream, operation)

    monkeypatch.setattr(cache_module.fcntl, "flock", steal)
    cache.put(hashes, vectors)
    assert taken
    np.testing.assert_array_equal(cache.get(hashes)[1], vectors)


def test_a_readonly_cache_forgets_nothing_and_says_so(tmp_path):
    _, hashes, _ = _fill(tmp_path)
    cache = VectorCache(tmp_path, FINGERPRINT, DIM, readonly=True)
    for change in (cache.forget, cache.retain):
        with pytest.raises(StoreError, match="for reading only"):
            change(hashes)
    assert cache.get(hashes)[0].all()


def _forget_until_killed(folder, hashes, at):
    """Forget in this process, which is killed before its file operation number `at`."""
    count = 0

    def kill_before(real):
        def wrapped(*args, **more):
            nonlocal count
            count += 1
            if count == at:
                os.kill(os.getpid(), signal.SIGKILL)
            return real(*args, **more)

        return wrapped

    cache = VectorCache(folder, FINGERPRINT, DIM)
    for name in ("fsync", "replace", "unlink", "fdopen"):
        setattr(os, name, kill_before(getattr(os, name)))
    cache.forget(hashes)


def test_a_kill_at_any_moment_loses_nothing_and_the_next_run_forgets(tmp_path):
    context = multiprocessing.get_context("fork")
    gone = [0, 1, 12]
    for at in range(1, 100):
        folder = tmp_path / str(at)
        _, hashes, vectors = _fill(folder, parts=2)
        named, stays = [hashes[i] for i in gone], sorted(set(range(20)) - set(gone))
        victim = context.Process(target=_forget_until_killed, args=(folder, named, at))
        victim.start()
        victim.join(30)
        found, got = VectorCache(folder, FINGERPRINT, DIM).get(hashes)
        assert found[stays].all()
        np.testing.assert_array_equal(got[stays], vectors[stays])
        forget_everywhere(folder, named)
        assert _traces(folder, named, vectors[gone]) == []
        found, got = VectorCache(folder, FINGERPRINT, DIM).get(hashes)
        assert np.flatnonzero(found).tolist() == stays
        if victim.exitcode == 0:
            break
        assert victim.exitcode == -signal.SIGKILL
    assert victim.exitcode == 0
    assert at > 10  # two segments: each is opened, flushed, renamed, made durable and unlinked
