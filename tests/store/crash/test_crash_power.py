"""What was not synced when the power went is not missed; and the tests would notice if it were."""

import random

from crash_driver import FLAWS
from crash_journal import Call
from crash_power import Disk, Tree


def test_power_lost_at_every_change(report):
    lost = report["power"]
    assert lost["problems"] == []
    assert lost["points"] > lost["calls"] / 2


def test_a_publish_that_leaves_out_a_sync_is_found(reports):
    found = reports("publish", *FLAWS)
    assert found.keys() == FLAWS.keys()
    assert [name for name, report in found.items() if not report["problems"]] == []


def replay(folder, *calls):
    disk = Disk(folder)
    for op, path, *more in calls:
        other = more[0] if op in {"rename", "link"} else None
        disk.do(Call(op, "after", path, other, more[0] if op == "write" else None))
    return disk


def left(disk, subsets=0):
    return [
        {**dict.fromkeys(tree.folders), **{name: data for name, _, data in tree.files}}
        for _, tree in disk.losses(random.Random(1), subsets)
    ]


def test_bytes_and_names_are_safe_only_once_both_are_synced(tmp_path):
    made = [("create", "a"), ("write", "a", b"one")]
    assert left(replay(tmp_path, *made)) == [{}, {"a": b""}]
    assert left(replay(tmp_path, *made, ("fsync", "a"))) == [{}, {"a": b"one"}]
    assert left(replay(tmp_path, *made, ("fsync_folder", "."))) == [{"a": b""}]
    assert left(replay(tmp_path, *made, ("fsync", "a"), ("fsync_folder", "."))) == [{"a": b"one"}]
    assert left(replay(tmp_path, *made, ("fsync", "a"), ("fsync_folder", "."), ("write", "a", b"two"))) == [
        {"a": b"one"}
    ]


def test_a_rename_is_whole_or_not_at_all(tmp_path):
    (tmp_path / "old").write_bytes(b"old")
    (tmp_path / "new").write_bytes(b"new")
    disk = replay(tmp_path, ("rename", "new", "old"))
    assert left(disk) == [{"old": b"old", "new": b"new"}, {"old": b"new"}]
    disk.do(Call("fsync_folder", "after", "."))
    assert left(disk) == [{"old": b"new"}]


def test_a_folder_that_was_renamed_keeps_what_was_safe_in_it(tmp_path):
    disk = replay(
        tmp_path, ("mkdir", "t"), ("fsync_folder", "."), ("create", "t/a"), ("write", "t/a", b"x"), ("fsync", "t/a"),
        ("rename", "t", "s"), ("fsync_folder", "."),
    )  # fmt: skip
    assert left(disk) == [{"s": None}, {"s": None, "s/a": b"x"}]
    disk.do(Call("fsync_folder", "after", "s"))
    assert left(disk) == [{"s": None, "s/a": b"x"}]


def test_changes_are_lost_each_for_itself(tmp_path):
    (tmp_path / "a").write_bytes(b"a")
    disk = replay(tmp_path, ("link", "a", "b"), ("unlink", "a"))
    assert left(disk) == [{"a": b"a"}, {"a": b"a", "b": b"a"}, {}]
    found = left(disk, subsets=40)[3:]
    assert {tuple(sorted(tree)) for tree in found} == {("a",), ("a", "b"), ("b",), ()}


def test_what_was_not_synced_of_a_file_may_be_torn_or_zero(tmp_path):
    disk = replay(tmp_path, ("create", "a"), ("fsync_folder", "."), ("write", "a", b"xyz"))
    found = {tree["a"] for tree in left(disk, subsets=200)}
    assert {b"", b"xyz", b"x", b"x\0\0", b"\0\0\0"} <= found


def test_a_tree_is_written_with_its_hard_links(tmp_path):
    (tmp_path / "disk").mkdir()
    disk = replay(tmp_path / "disk", ("create", "a"), ("write", "a", b"x"), ("mkdir", "f"), ("link", "a", "f/b"))
    disk.whole().write(tmp_path / "copy")
    assert (tmp_path / "copy/a").read_bytes() == b"x"
    assert (tmp_path / "copy/a").samefile(tmp_path / "copy/f/b")
    assert Disk(tmp_path / "copy").whole() == disk.whole()
    assert isinstance(disk.whole(), Tree)
