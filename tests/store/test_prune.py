"""Which snapshots go, which stay, and that readers keep what they have opened."""

import errno
import fcntl
import os
import threading
from pathlib import Path

import numpy as np
import pytest

from support.small_store import write_small_store
from sweeplens.errors import NotFoundError, StoreError
from sweeplens.store import disk, leases
from sweeplens.store.prune import prune, use
from sweeplens.store.publish import write_snapshot
from sweeplens.store.snapshot import list_snapshots, open_snapshot, read_current
from sweeplens.store.verify import verify


@pytest.fixture
def store(tmp_path):
    """A store of four snapshots, each linked to the one before, none of them open."""
    write_small_store(tmp_path).close()
    for _ in range(3):
        with open_snapshot(tmp_path) as parent, write_snapshot(tmp_path) as writer:
            for name in [*parent.manifest["tables"], "vectors", "index", "cells"]:
                writer.adopt(parent, name)
            writer.add_array("own", np.arange(100_000.0) + parent.manifest["sequence"])
            writer.publish({"parent": parent.snapshot_id}).close()
    return tmp_path


@pytest.fixture
def ids(store):
    return [info.snapshot_id for info in list_snapshots(store)]


def present(store):
    return [info.snapshot_id for info in list_snapshots(store)]


def test_the_oldest_go_and_what_is_left_is_sound(store, ids):
    done = prune(store, 2)
    assert done.removed == (*ids[:2],)
    assert done.kept == ()
    assert present(store) == ids[2:]
    assert verify(store, every=True, deep=True) == []
    assert not list(store.glob(".deleting-*"))
    assert prune(store, 2).removed == ()


def test_a_dry_run_says_the_same_and_does_nothing(store, ids):
    dry = prune(store, 1, dry_run=True)
    assert present(store) == ids
    assert prune(store, 1) == dry
    # the tables are shared with the last; manifests, rejects, and arrays of their own are freed
    assert 2 * 800_000 < dry.freed < 2 * 800_000 + 60_000


def test_the_current_one_stays_however_old(store, ids):
    use(store, ids[0]).close()
    assert prune(store, 1).removed == (ids[1], ids[2])
    assert present(store) == [ids[0], ids[3]]
    assert read_current(store)[0] == ids[0]


def test_one_that_is_open_stays_until_it_is_closed(store, ids):
    with open_snapshot(store, ids[1]) as reader:
        for dry in (True, False):
            done = prune(store, 1, dry_run=dry)
            assert done.removed == (ids[0], ids[2])
            assert done.kept == ((ids[1], "it is being read"),)
        assert reader.table("requests").num_rows > 0
    assert prune(store, 1).removed == (ids[1],)


def test_a_reader_in_another_process_counts_and_so_does_one_without_write_access(store, ids):
    ready, go = os.pipe(), os.pipe()
    child = os.fork()
    if child == 0:
        opened = open_snapshot(store, ids[0])
        os.write(ready[1], b"x")
        os.read(go[0], 1)
        os._exit(0 if opened.table("prompts").num_rows == 40 else 1)
    os.read(ready[0], 1)
    assert prune(store, 1).kept == ((ids[0], "it is being read"),)
    os.write(go[1], b"x")
    assert os.waitpid(child, 0)[1] == 0
    assert prune(store, 1).removed == (ids[0],)
    for end in (*ready, *go):
        os.close(end)


def test_a_snapshot_that_is_forgotten_is_closed(store, ids):
    opened = open_snapshot(store, ids[0])
    assert prune(store, 3).kept == ((ids[0], "it is being read"),)
    del opened
    assert prune(store, 3).removed == (ids[0],)


def test_one_that_cannot_be_read_is_left_and_named(store, ids):
    (store / ids[0] / "manifest.json").write_text("{}")
    done = prune(store, 1)
    assert done.removed == (ids[1], ids[2])
    assert [name for name, _ in done.kept] == [ids[0]]
    assert "is damaged" in done.kept[0][1]


def test_a_file_system_without_locks_lets_read_and_keeps_all(store, ids, monkeypatch):
    def refuse(*_args):
        raise OSError(errno.EOPNOTSUPP, "Operation not supported")

    monkeypatch.setattr(leases, "fcntl", type("Without", (), {"flock": staticmethod(refuse), "LOCK_SH": 1,
                                                               "LOCK_EX": 2, "LOCK_NB": 4}))  # fmt: skip
    with open_snapshot(store, ids[0]) as opened:
        assert opened.table("prompts").num_rows == 40
    assert {why for _, why in prune(store, 1).kept} == {"it cannot be locked: Operation not supported"}
    assert present(store) == ids


def test_prune_needs_a_pointer_and_keeps_at_least_one(store, ids):
    with pytest.raises(ValueError, match="at least one"):
        prune(store, 0)
    (store / "CURRENT").write_text("damaged")
    with pytest.raises(StoreError, match="damaged"):
        prune(store, 1)
    assert len(list(store.iterdir())) >= len(ids)
    with pytest.raises(StoreError, match="does not exist"):
        prune(store / "none", 1)


def test_a_reader_looks_again_where_the_snapshot_went_away_meanwhile(store, ids, monkeypatch):
    """Between reading CURRENT and opening, another is published and the old one pruned."""
    use(store, ids[0]).close()
    real, seen = read_current, []

    def slow(folder):
        named = real(folder)
        if not seen:
            seen.append(named)
            use(store, ids[3]).close()
            prune(store, 1)
        return named

    monkeypatch.setattr("sweeplens.store.snapshot.read_current", slow)
    assert open_snapshot(store).snapshot_id == ids[3]
    assert seen[0][0] == ids[0]
    assert not (store / ids[0]).exists()


def test_a_lease_on_a_folder_that_was_renamed_is_none(store, ids, monkeypatch):
    """The manifest is opened, then the folder goes, then the lock is had: it is on nothing."""
    real = leases._share

    def late(handle):
        if (store / ids[0]).exists():
            (store / ids[0]).rename(store / ".deleting-x")
        return real(handle)

    monkeypatch.setattr(leases, "_share", late)
    with pytest.raises(NotFoundError):
        open_snapshot(store, ids[0])


def test_a_pointer_to_nothing_is_damage(store, ids):
    disk.remove_tree(store / ids[3])
    with pytest.raises(StoreError, match="names a snapshot that is not there"):
        open_snapshot(store)
    use(store, ids[2]).close()
    assert open_snapshot(store).snapshot_id == ids[2]


def test_a_reader_waits_for_no_writer(store, ids):
    with write_snapshot(store), open_snapshot(store) as opened:
        assert opened.snapshot_id == ids[3]
        assert [info.current for info in list_snapshots(store)] == [False, False, False, True]


def test_use_refuses_what_is_damaged_and_what_there_is_not(store, ids):
    before = (store / "CURRENT").read_bytes()
    with pytest.raises(NotFoundError):
        use(store, "20200101-000000-aaaaaaaa")
    (store / ids[0] / "signals.parquet").unlink()
    with pytest.raises(StoreError, match="cannot be read"):
        use(store, ids[0])
    with write_snapshot(store), pytest.raises(StoreError, match="another process"):
        use(store, ids[1])
    assert (store / "CURRENT").read_bytes() == before


def test_use_of_the_current_one_writes_nothing(store, ids):
    calls = []
    with disk.observe(lambda op, when, path, *_: calls.append(path.name)):
        use(store, ids[3]).close()
    assert "CURRENT" not in calls


def test_readers_that_open_while_snapshots_come_and_go_see_whole_ones(store):
    wrong, stop = [], threading.Event()

    def read():
        while not stop.is_set():
            try:
                with open_snapshot(store) as opened:
                    if opened.table("prompts").num_rows != 40 or len(opened.vectors) != 40:
                        wrong.append(opened.snapshot_id)
            except StoreError as error:
                wrong.append(str(error))

    readers = [threading.Thread(target=read) for _ in range(3)]
    for reader in readers:
        reader.start()
    for _ in range(6):
        write_small_store(store).close()
        prune(store, 1)
    stop.set()
    for reader in readers:
        reader.join()
    assert wrong == []
    assert verify(store, every=True, deep=True) == []


def test_a_lease_is_a_shared_lock_on_the_manifest(store, ids):
    with (
        open_snapshot(store, ids[0]),
        open_snapshot(store, ids[0]),
        Path(store, ids[0], "manifest.json").open() as file,
    ):
        with pytest.raises(BlockingIOError):
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        assert leases.take_alone(store / ids[0]) is None
