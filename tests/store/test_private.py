"""Small private files beside the snapshots."""

import os
import stat
from pathlib import Path

import pytest

from sweeplens.errors import StoreError
from sweeplens.store.private import remove_private, write_private


def test_a_file_is_private_whole_and_alone(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        path = write_private(tmp_path / "store", "own.json", b"one")
        write_private(tmp_path / "store", "own.json", b"two")
    finally:
        os.umask(before)
    assert path.read_bytes() == b"two"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert list(path.parent.iterdir()) == [path]


def test_removing_says_whether_there_was_one(tmp_path: Path) -> None:
    write_private(tmp_path, "own.json", b"one")
    assert remove_private(tmp_path, "own.json")
    assert not remove_private(tmp_path, "own.json")
    assert not remove_private(tmp_path / "none", "own.json")


def test_what_cannot_be_written_is_one_sentence_and_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "own.json").mkdir()
    with pytest.raises(StoreError, match=r"own\.json cannot be written"):
        write_private(tmp_path, "own.json", b"one")
    with pytest.raises(StoreError, match="cannot be removed"):
        remove_private(tmp_path, "own.json")
    assert [p.name for p in tmp_path.iterdir()] == ["own.json"]
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(StoreError, match="cannot be written"):
        write_private(tmp_path / "file", "own.json", b"one")
