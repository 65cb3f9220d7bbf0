"""The one module that changes a store: what it tells its observers, and that nothing is written over."""

import io
import os
import stat
from pathlib import Path

import numpy as np
import pytest

from sweeplens.store import disk
from sweeplens.store.schema import make_table, write_table


@pytest.fixture
def calls():
    """What an observer hears, as (op, when, file name, other name, data)."""
    heard = []
    with disk.observe(
        lambda op, when, path, other, data: heard.append((op, when, path.name, other and other.name, data))
    ):
        yield heard


def test_a_file_is_created_written_synced_and_private(tmp_path, calls):
    before = os.umask(0)
    try:
        disk.write_file(tmp_path / "f", b"one")
    finally:
        os.umask(before)
    assert (tmp_path / "f").read_bytes() == b"one"
    assert stat.S_IMODE((tmp_path / "f").stat().st_mode) == 0o600
    assert calls == [
        ("create", "before", "f", None, None), ("create", "after", "f", None, None),
        ("write", "before", "f", None, b"one"), ("write", "after", "f", None, b"one"),
        ("fsync", "before", "f", None, None), ("fsync", "after", "f", None, None),
    ]  # fmt: skip


def test_every_byte_goes_through_the_observed_write(tmp_path, calls):
    big = np.arange(1 << 19, dtype=np.float64)
    with disk.create(tmp_path / "a.npy") as stream:
        np.save(stream, big, allow_pickle=False)
    with disk.create(tmp_path / "t.parquet") as stream:
        write_table(stream, make_table("curves", {"account_id": ["a"], "n": [1], "cells": [1]}))
    with disk.create(tmp_path / "text") as stream, io.TextIOWrapper(stream, "utf-8") as text:
        text.write("één\n")
    for name in ("a.npy", "t.parquet", "text"):
        written = b"".join(c[4] for c in calls if c[:3] == ("write", "after", name))
        assert written == (tmp_path / name).read_bytes()


def test_a_file_that_is_there_is_never_written_over(tmp_path):
    disk.write_file(tmp_path / "parent", b"kept")
    disk.link(tmp_path / "parent", tmp_path / "child")
    (tmp_path / "dangling").symlink_to(tmp_path / "elsewhere")
    for name in ("child", "dangling"):
        with pytest.raises(FileExistsError):
            disk.write_file(tmp_path / name, b"lost")
    assert (tmp_path / "parent").read_bytes() == b"kept"
    assert not (tmp_path / "elsewhere").exists()


def test_a_failure_inside_the_block_closes_the_file_and_is_not_hidden(tmp_path, calls):
    def fail():
        with disk.create(tmp_path / "f") as stream:
            stream.write(b"half")
            raise KeyError

    open_before = len(list(Path("/proc/self/fd").iterdir()))
    with pytest.raises(KeyError):
        fail()
    assert len(list(Path("/proc/self/fd").iterdir())) == open_before
    assert [c[0] for c in calls] == ["create", "create"]  # neither written nor synced


def test_folders_are_private_and_durable_in_their_parents(tmp_path, calls):
    assert disk.make_folder(tmp_path / "a" / "b")
    assert not disk.make_folder(tmp_path / "a" / "b")
    assert stat.S_IMODE((tmp_path / "a").stat().st_mode) == 0o700
    done = [(c[0], c[2]) for c in calls if c[1] == "after"]
    assert done == [("mkdir", "a"), ("fsync_folder", tmp_path.name), ("mkdir", "b"), ("fsync_folder", "a")]
    disk.write_file(tmp_path / "f", b"")
    with pytest.raises(FileExistsError):
        disk.make_folder(tmp_path / "f")
    with pytest.raises(NotADirectoryError):
        disk.make_folder(tmp_path / "f" / "g")


def test_a_tree_goes_file_by_file_and_links_are_not_followed(tmp_path, calls):
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "kept").write_bytes(b"")
    disk.make_folder(tmp_path / "t" / "deep")
    disk.write_file(tmp_path / "t" / "deep" / "f", b"")
    (tmp_path / "t" / "way-out").symlink_to(outside)
    calls.clear()
    disk.remove_tree(tmp_path / "t")
    disk.remove_tree(tmp_path / "t")
    assert [(c[0], c[2]) for c in calls if c[1] == "before"] == [
        ("unlink", "f"), ("rmdir", "deep"), ("unlink", "way-out"), ("rmdir", "t"),
    ]  # fmt: skip
    assert (outside / "kept").exists()


def test_the_other_calls_are_told_with_both_names(tmp_path, calls):
    disk.write_file(tmp_path / "f", b"")
    calls.clear()
    disk.link(tmp_path / "f", tmp_path / "g")
    disk.replace(tmp_path / "g", tmp_path / "h")
    disk.chmod(tmp_path / "h", 0o400)
    disk.sync_file(tmp_path / "h")
    disk.touch(tmp_path / "h")
    disk.unlink(tmp_path / "h")
    disk.sync_folder(tmp_path)
    assert [c[:4] for c in calls if c[1] == "after"] == [
        ("link", "after", "f", "g"), ("rename", "after", "g", "h"), ("chmod", "after", "h", None),
        ("fsync", "after", "h", None), ("unlink", "after", "h", None), ("fsync_folder", "after", tmp_path.name, None),
    ]  # fmt: skip


def test_an_exception_of_the_observer_takes_the_place_of_the_call(tmp_path):
    def full(op, when, path, other, data):
        if (op, when) == ("write", "before"):
            raise OSError(28, "No space left on device")

    with disk.observe(full), pytest.raises(OSError, match="No space left"):
        disk.write_file(tmp_path / "f", b"one")
    assert (tmp_path / "f").read_bytes() == b""
    disk.write_file(tmp_path / "g", b"one")  # nobody observes any more
    assert (tmp_path / "g").read_bytes() == b"one"
