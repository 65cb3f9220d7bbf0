"""Disks that are full or read-only, folders of others, clocks that go backwards, two at once: a sentence, no damage."""

import errno
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

import pytest
from crash_checks import expect, find_problems

from support.small_store import write_small_store
from support.tiny_log import write_tiny_log
from sweeplens.errors import StoreError
from sweeplens.store import disk, publish
from sweeplens.store.lock import HOLDER
from sweeplens.store.prune import prune, use
from sweeplens.store.snapshot import list_snapshots, open_snapshot, read_current
from sweeplens.store.verify import verify

TESTS = Path(__file__).parents[2]
NOBODY = 65534


def sweeplens(*words, user=None):
    """Run the command line and return (exit code, lines on standard error)."""
    before = [] if user is None else ["setpriv", f"--reuid={user}", f"--regid={user}", "--clear-groups"]
    done = subprocess.run(
        [*before, sys.executable, "-m", "sweeplens", *map(str, words)],
        env=os.environ | {"OMP_NUM_THREADS": "1", "HOME": tempfile.gettempdir()},
        capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    return done.returncode, done.stderr.splitlines()


def assert_refused(code, lines, pattern):
    """The command ended with one sentence, and nothing that a programmer would read."""
    text = "\n".join(lines)
    assert code == 1, text
    assert "Traceback" not in text
    assert re.search(pattern, lines[-1]), text


@contextmanager
def mounted(folder, *options):
    """Mount a file system at the folder, or skip the test where that is not allowed."""
    if os.geteuid() != 0:
        pytest.skip("only root mounts file systems")
    done = subprocess.run(["mount", *options, folder], capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"no file system can be mounted here: {done.stderr.strip()}")
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)


# -- disk full ---------------------------------------------------------------------------------------------------------


def test_a_full_disk_leaves_the_store_as_it_was(tmp_path):
    with mounted(tmp_path, "-t", "tmpfs", "-o", "size=2m", "tmpfs"):
        store, filler = tmp_path / "store", tmp_path / "filler"
        write_small_store(store)
        expected = expect(store, tmp_path / "copy", write_small_store)
        shutil.rmtree(tmp_path / "copy")
        refused = 0
        for spare in (0, 1, 2, 3, 5, 8, 13, 21, 34):  # pages
            with filler.open("wb") as stream:
                _fill(stream, spare * 4096)
            try:
                with pytest.raises(StoreError, match="cannot be written: No space left on device"):
                    write_small_store(store)
                refused += 1
            except pytest.fail.Exception:
                pass  # there was room enough
            assert find_problems(store, expected) == []
            filler.unlink()
        assert refused >= 5
        write_small_store(store)
        assert find_problems(store, expected, done=True, clean=True) == []


def _fill(stream, spare):
    """Write until the disk is full, and give `spare` bytes back."""
    block = bytes(4096)
    try:
        while True:
            os.write(stream.fileno(), block)
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
    os.ftruncate(stream.fileno(), max(0, os.fstat(stream.fileno()).st_size - spare))


def test_a_full_disk_is_told_in_a_sentence(tmp_path):
    log = write_tiny_log(tmp_path / "log.jsonl")
    (tmp_path / "disk").mkdir()
    with mounted(tmp_path / "disk", "-t", "tmpfs", "-o", "size=1m", "tmpfs"):
        with (tmp_path / "disk/filler").open("wb") as stream:
            _fill(stream, 16384)
        code, lines = sweeplens("build", log, "--store", tmp_path / "disk/store", "--encoder", "fast")
        assert_refused(code, lines, "must be writable|cannot be written")
        assert "No space left on device" in lines[-1]


# -- read-only, and folders of others ----------------------------------------------------------------------------------


def _publish(store):
    snapshot = write_small_store(store)
    snapshot.close()
    return snapshot.snapshot_id


def test_a_read_only_store_is_read_and_not_written(tmp_path):
    store, log = tmp_path / "store", write_tiny_log(tmp_path / "log.jsonl")
    ids = [_publish(store) for _ in range(2)]
    with mounted(store, "--bind", store):
        subprocess.run(["mount", "-o", "remount,ro,bind", store], check=True)
        before = sorted(p.name for p in store.iterdir())
        assert open_snapshot(store).table("prompts").num_rows == 40
        assert_refused(*sweeplens("build", log, "--store", store, "--encoder", "fast"), "Read-only file system")
        assert verify(store, every=True, deep=True) == []
        assert sweeplens("score", "--store", store, "--format", "jsonl")[0] == 0
        for write in (lambda: use(store, ids[0]), lambda: prune(store, 1), lambda: write_small_store(store)):
            with pytest.raises(StoreError, match="cannot be written: Read-only file system"):
                write()
        assert sorted(p.name for p in store.iterdir()) == before


@pytest.fixture
def as_nobody():
    """Run the command line as a user without rights, where that is possible."""
    if os.geteuid() != 0 or shutil.which("setpriv") is None:
        pytest.skip("only root, with setpriv, acts as another user")
    code, lines = sweeplens("--help", user=NOBODY)
    if code:
        pytest.skip(f"another user cannot run this installation: {lines[-1:]}")
    return lambda *words: sweeplens(*words, user=NOBODY)


def test_a_store_of_another_user_is_refused_in_a_sentence(as_nobody):
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        log = Path(write_tiny_log(folder / "log.jsonl"))
        log.chmod(0o644)
        write_small_store(folder / "store")
        current = read_current(folder / "store")[0]
        for words in (
            ("build", log),
            ("score",),
            ("verify",),
            ("use", current),
            ("prune", "--keep", "1"),
            ("snapshots",),
        ):
            code, lines = as_nobody(*words, "--store", folder / "store")
            assert_refused(1 if code == 2 else code, lines, "Permission denied|is not readable")
        assert_refused(*as_nobody("build", log, "--store", folder / "new"), "cannot be written: Permission denied")
        expected = expect(folder / "store", folder / "copy", write_small_store)
        assert find_problems(folder / "store", expected) == []


# -- two at once -------------------------------------------------------------------------------------------------------


def test_of_two_builds_at_once_one_wins_or_both_in_turn(tmp_path):
    store = tmp_path / "store"
    logs = [write_tiny_log(tmp_path / f"{day}.jsonl", day=day) for day in (1, 2)]
    words = [sys.executable, "-m", "sweeplens", "build", "--store", store, "--encoder", "fast", "--quiet"]
    started = [
        subprocess.Popen([*words, log], stderr=subprocess.PIPE, text=True, env=os.environ | {"OMP_NUM_THREADS": "1"})
        for log in logs
    ]
    ended = [(process.communicate(timeout=300)[1].splitlines(), process.returncode) for process in started]
    won = [code == 0 for _, code in ended]
    assert any(won)
    for lines, code in ended:
        if code:
            assert_refused(code, lines, "is writing to the store")
    snapshot = open_snapshot(store)
    assert snapshot.table("requests").num_rows == 12
    snapshot.close()
    assert len([p for p in store.iterdir() if p.is_dir() and not p.name.startswith(".")]) == sum(won)


def test_while_one_writes_the_other_is_told(tmp_path):
    """One process stands still in the middle of publishing until the other has been refused."""
    store, ready = tmp_path / "store", tmp_path / "ready"
    write_small_store(store).close()
    before = read_current(store)
    code = (
        "import sys, pathlib\n"
        "from support.small_store import write_small_store\n"
        "from sweeplens.store import disk\n"
        "def hook(op, when, path, other, data):\n"
        "    if op == 'rename' and path.is_dir():\n"
        "        pathlib.Path(sys.argv[2]).touch()\n"
        "        sys.stdin.readline()\n"
        "with disk.observe(hook):\n"
        "    write_small_store(pathlib.Path(sys.argv[1]))\n"
    )
    words = [sys.executable, "-c", code, store, ready]
    environment = os.environ | {"PYTHONPATH": str(TESTS)}
    with subprocess.Popen(words, stdin=subprocess.PIPE, text=True, env=environment) as first:
        while not ready.exists():
            assert first.poll() is None
        with pytest.raises(StoreError, match="is writing to the store"):
            write_small_store(store)
        assert read_current(store) == before
        first.communicate("go on\n", timeout=60)
    assert first.returncode == 0
    after = read_current(store)
    assert after != before
    write_small_store(store)
    assert read_current(store) != after


# -- locks and clocks --------------------------------------------------------------------------------------------------


def leave_lock(store, *, host, age, **more):
    """Leave the note of a writer, as it stands there while the writer lives."""
    note = {"host": host, "pid": 4194304, "command": "sweeplens update", "since": "2026-03-02T09:00:00Z", "token": "aa"}
    path = store / HOLDER
    path.write_text(json.dumps(note | more), encoding="utf-8")
    then = time.time() - age
    os.utime(path, (then, then))
    return path


@pytest.mark.parametrize("age", [0, 30, 500])
def test_a_lock_of_another_host_is_respected_while_it_is_young(tmp_path, age):
    write_small_store(tmp_path).close()
    before = sorted(p.name for p in tmp_path.iterdir())
    note = leave_lock(tmp_path, host="elsewhere.example", age=age)
    with pytest.raises(StoreError, match=r"another host is writing .*sweeplens update on host elsewhere\.example"):
        write_small_store(tmp_path)
    note.unlink()
    assert sorted(p.name for p in tmp_path.iterdir()) == before
    write_small_store(tmp_path).close()
    assert len(list_snapshots(tmp_path)) == 2


@pytest.mark.parametrize(("host", "age"), [("elsewhere.example", 3600), (socket.gethostname(), 0)])
def test_a_lock_without_a_life_behind_it_is_taken_over(tmp_path, host, age):
    write_small_store(tmp_path).close()
    note = leave_lock(tmp_path, host=host, age=age)
    write_small_store(tmp_path).close()
    assert not note.exists()
    assert len(list_snapshots(tmp_path)) == 2


@pytest.mark.parametrize("text", ["", "{", "[]", "\0" * 40])
def test_a_lock_file_that_was_torn_keeps_nobody_out(tmp_path, text):
    write_small_store(tmp_path).close()
    (tmp_path / HOLDER).write_text(text, encoding="utf-8")
    write_small_store(tmp_path).close()
    assert not (tmp_path / HOLDER).exists()


def test_a_writer_whose_lock_was_taken_over_publishes_nothing(tmp_path):
    write_small_store(tmp_path).close()
    before = read_current(tmp_path)

    def take_over(op, when, path, other, data):
        if op == "create" and path.name == "manifest.json":
            leave_lock(tmp_path, host="elsewhere.example", age=0)

    with disk.observe(take_over), pytest.raises(StoreError, match="another host took over the lock"):
        write_small_store(tmp_path)
    assert read_current(tmp_path) == before
    assert (tmp_path / HOLDER).exists()
    assert len(list_snapshots(tmp_path)) == 1


def test_a_clock_that_goes_backwards_mixes_up_nothing(tmp_path, monkeypatch):
    made = []
    for day in (20, 3, 11):

        class Clock(datetime):
            @classmethod
            def now(cls, tz=None, day=day):
                return datetime(2026, 3, day, 12, 0, 0, tzinfo=tz)

        monkeypatch.setattr(publish, "datetime", Clock)
        made.append(write_small_store(tmp_path))
        assert read_current(tmp_path)[0] == made[-1].snapshot_id
        made[-1].close()
    ids = [snapshot.snapshot_id for snapshot in made]
    assert ids != sorted(ids)
    assert [info.snapshot_id for info in list_snapshots(tmp_path)] == ids
    prune(tmp_path, keep=2)
    assert [info.snapshot_id for info in list_snapshots(tmp_path)] == ids[1:]
    assert read_current(tmp_path)[0] == ids[-1]
    assert verify(tmp_path, deep=True) == []
