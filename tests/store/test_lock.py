"""One writer at a time, whatever becomes of it and wherever it runs."""

import json
import os
import socket
import subprocess
import sys
import threading
import time

import pytest

from sweeplens.errors import StoreError
from sweeplens.store import disk, lock
from sweeplens.store.lock import HOLDER, LOCK, hold_lock

HOLDS = """
import sys, time
from pathlib import Path
from sweeplens.store.lock import hold_lock
with hold_lock(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def holder(tmp_path):
    """Another process that holds the lock until it is told to end, or killed."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDS, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    yield process
    process.kill()
    process.communicate()


def names(store):
    return sorted(p.name for p in store.iterdir())


def note(store, host, age, **more):
    """Leave a note of a holder whose last sign of life is so many seconds old."""
    known = {"host": host, "pid": 7, "command": "sweeplens update", "since": "2026-03-01T02:00:00Z", "token": "t"}
    (store / HOLDER).write_text(json.dumps(known | more))
    os.utime(store / HOLDER, (time.time() - age,) * 2)


def test_the_holder_is_written_down_and_wiped_at_the_end(tmp_path):
    with hold_lock(tmp_path):
        held = json.loads((tmp_path / HOLDER).read_text())
        assert held["host"] == socket.gethostname()
        assert held["pid"] == os.getpid()
        assert set(held) == {"host", "pid", "command", "since", "token"}
        assert (
            oct((tmp_path / HOLDER).stat().st_mode & 0o777) == oct((tmp_path / LOCK).stat().st_mode & 0o777) == "0o600"
        )
    assert names(tmp_path) == [LOCK]


def test_a_second_writer_is_told_who_writes(tmp_path, holder):
    with (
        pytest.raises(StoreError, match=rf"writing to the store .* on host .*, process {holder.pid}, since 2"),
        hold_lock(tmp_path),
    ):
        pytest.fail("two writers")
    assert names(tmp_path) == [LOCK, HOLDER]


def test_a_writer_can_wait(tmp_path, holder):
    timer = threading.Timer(0.3, holder.communicate)
    timer.start()
    began = time.monotonic()
    with hold_lock(tmp_path, wait=20):
        assert time.monotonic() - began >= 0.2
    timer.join()


def test_a_killed_writer_leaves_no_lock(tmp_path, holder):
    holder.kill()
    holder.wait()
    assert names(tmp_path) == [LOCK, HOLDER]
    with hold_lock(tmp_path):
        assert json.loads((tmp_path / HOLDER).read_text())["pid"] == os.getpid()
    assert names(tmp_path) == [LOCK]


def test_only_the_command_is_written_down_not_its_arguments(tmp_path, monkeypatch):
    for argv, want in [
        (["/usr/bin/sweeplens", "forget", "acct-9"], "sweeplens forget"),
        (["sweeplens", "--store=x"], "sweeplens"),
        ([""], "python"),
        (["x.py", "a@b.example"], "x.py"),
    ]:
        monkeypatch.setattr(sys, "argv", argv)
        with hold_lock(tmp_path):
            assert json.loads((tmp_path / HOLDER).read_text())["command"] == want


def test_a_live_holder_on_another_host_is_left_alone(tmp_path):
    note(tmp_path, "elsewhere", age=130)
    before = (tmp_path / HOLDER).read_bytes()
    with pytest.raises(StoreError) as caught, hold_lock(tmp_path):
        pytest.fail("two writers")
    assert str(caught.value) == (
        f"another host is writing to the store {tmp_path} (sweeplens update on host elsewhere, process 7, since "
        "2026-03-01T02:00:00Z): wait until it is done; if it is gone, the lock frees itself in 8 minutes"
    )
    assert (tmp_path / HOLDER).read_bytes() == before
    assert names(tmp_path) == [LOCK, HOLDER]


def test_a_holder_without_a_sign_of_life_is_taken_over(tmp_path, caplog):
    note(tmp_path, "elsewhere", age=610)
    with hold_lock(tmp_path):
        assert json.loads((tmp_path / HOLDER).read_text())["pid"] == os.getpid()
    assert "taken over" in caplog.text
    assert names(tmp_path) == [LOCK]


@pytest.mark.parametrize("left", [b"", b"half of {", b"[1]", b"\xff\xfe"])
def test_a_note_that_says_nothing_keeps_nobody_out(tmp_path, left):
    (tmp_path / HOLDER).write_bytes(left)
    with hold_lock(tmp_path):
        assert json.loads((tmp_path / HOLDER).read_text())["pid"] == os.getpid()


def test_only_the_clock_of_the_file_system_counts(tmp_path, monkeypatch):
    note(tmp_path, "elsewhere", age=-50)  # as if made in the future
    with pytest.raises(StoreError, match="in 10 minutes"), hold_lock(tmp_path):
        pytest.fail("two writers")
    note(tmp_path, "elsewhere", age=100)
    for shift in (-1e7, 1e7):
        monkeypatch.setattr("time.time", lambda shift=shift: time.monotonic() + shift)
        with pytest.raises(StoreError, match="another host"), hold_lock(tmp_path):
            pytest.fail("two writers")


def test_a_holder_gives_signs_of_life(tmp_path, monkeypatch):
    monkeypatch.setattr(lock, "BEAT", 0.02)
    with hold_lock(tmp_path):
        os.utime(tmp_path / HOLDER, (1, 1))
        deadline = time.monotonic() + 10
        while (tmp_path / HOLDER).stat().st_mtime == 1 and time.monotonic() < deadline:
            time.sleep(0.01)
        assert (tmp_path / HOLDER).stat().st_mtime > 1
    assert not any(thread.name == "sweeplens-lock" for thread in threading.enumerate())


def test_who_lost_the_lock_publishes_nothing_and_leaves_the_other_s_note(tmp_path):
    with hold_lock(tmp_path) as held:
        held.check()
        note(tmp_path, "elsewhere", age=0)
        with pytest.raises(StoreError, match="took over the lock"):
            held.check()
    assert json.loads((tmp_path / HOLDER).read_text())["host"] == "elsewhere"


def test_of_two_hosts_that_try_at_once_one_wins(tmp_path):
    """The other's note comes between the look and the link: it is seen, and refused."""

    def hook(op, when, path, other, data):
        if (op, when, other) == ("link", "before", tmp_path / HOLDER):
            note(tmp_path, "elsewhere", age=0)

    with disk.observe(hook), pytest.raises(StoreError, match="another host"), hold_lock(tmp_path):
        pytest.fail("two writers")
    assert json.loads((tmp_path / HOLDER).read_text())["host"] == "elsewhere"


def test_a_child_process_does_not_keep_its_parents_lock(tmp_path):
    if not hasattr(os, "fork"):
        pytest.skip("no fork")
    with hold_lock(tmp_path):
        child = os.fork()
        if child == 0:
            time.sleep(30)
            os._exit(0)
    try:
        with hold_lock(tmp_path):
            assert (tmp_path / HOLDER).exists()
    finally:
        os.kill(child, 9)
        os.waitpid(child, 0)


def test_a_lock_file_that_was_removed_keeps_nobody_out_twice(tmp_path):
    with hold_lock(tmp_path):
        (tmp_path / LOCK).unlink()
        # Somebody who removes a held lock gets in; the first holder then sees that it is no longer its own.
        with hold_lock(tmp_path) as second:
            second.check()


def test_what_killed_writers_left_is_removed(tmp_path):
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    for folder in (".building-1-2", ".deleting-20260301-020000-aaaaaaaa"):
        (tmp_path / folder / "deep").mkdir(parents=True)
        (tmp_path / folder / "deep" / "f").write_text("x")
    (tmp_path / "CURRENT.new").write_text("x")
    (tmp_path / f".writing-{ended.pid}-aa").write_text("x")
    (tmp_path / ".writing-old").write_text("x")
    os.utime(tmp_path / ".writing-old", (1, 1))
    (tmp_path / f".writing-{os.getpid()}-bb").write_text("of a live process")
    (tmp_path / "kept").write_text("x")
    with hold_lock(tmp_path):
        assert names(tmp_path) == sorted([LOCK, HOLDER, f".writing-{os.getpid()}-bb", "kept"])


def test_an_error_of_another_place_names_that_place(tmp_path):
    with pytest.raises(StoreError, match=r"/no/such/file cannot be used: No such file"), hold_lock(tmp_path):
        open("/no/such/file")  # noqa: PTH123, SIM115 - never opened
    with pytest.raises(StoreError, match=r"the store .* cannot be written: No such file"), hold_lock(tmp_path):
        (tmp_path / "gone").read_bytes()
    with (
        pytest.raises(StoreError, match=r"cannot be written: Not a directory|cannot be written: File exists"),
        hold_lock(tmp_path / LOCK),
    ):
        pytest.fail("a store that is a file")
    assert names(tmp_path) == [LOCK]
