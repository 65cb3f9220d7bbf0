"""snapshots, verify, use and prune."""

import json
from pathlib import Path

import pytest

from support.small_store import write_small_store
from sweeplens.store.publish import write_snapshot
from sweeplens.store.snapshot import list_snapshots, open_snapshot, read_current


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cli) -> Path:
    """Make a store of three snapshots the one that commands use, after `cli` set another."""
    folder = tmp_path / "own"
    for _ in range(3):
        write_small_store(folder).close()
    monkeypatch.setenv("SWEEPLENS_STORE", str(folder))
    return folder


@pytest.fixture
def ids(own: Path) -> list[str]:
    return [info.snapshot_id for info in list_snapshots(own)]


def damage(path: Path) -> None:
    raw = bytearray(path.read_bytes())
    raw[len(raw) // 2] ^= 4
    path.write_bytes(raw)


def test_snapshots_are_listed_in_order_with_a_star(cli, ids: list[str]) -> None:
    lines = cli("snapshots").out.splitlines()[2:]
    assert [line.lstrip("* ").split()[0] for line in lines] == ids
    assert [line.startswith("*") for line in lines] == [False, False, True]
    rows = json.loads(cli("snapshots", "--format", "json").out)
    assert [row["sequence"] for row in rows] == [1, 2, 3]


def test_a_sound_store_is_one_line(cli, ids: list[str]) -> None:
    seen = "manifests and sizes were read; --deep reads every byte"
    assert cli("verify") == (0, f"no damage was found in the current snapshot: {seen}\n", "")
    said = cli("verify", "--deep", "--all")
    assert (said.code, said.out) == (0, "no damage was found in every snapshot: every byte and table was read\n")
    assert ids[0] in cli("verify", "--snapshot", ids[0]).out
    assert json.loads(cli("verify", "--format", "json").out) == []


def test_damage_is_listed_and_exits_with_1(cli, own: Path, ids: list[str]) -> None:
    damage(own / ids[0] / "signals.parquet")
    damage(own / ids[2] / "cells.npy")
    assert cli("verify", "--all").code == 0
    said = cli("verify", "--deep", "--all")
    assert said.code == 1
    assert all(word in said.out for word in (ids[0], "signals.parquet", ids[2], "cells.npy"))
    assert ids[1] not in said.out
    assert cli("verify", "--deep", "--snapshot", ids[1]).code == 0
    said = cli("verify", "--deep", "--format", "json")
    assert (said.code, json.loads(said.out)) == (
        1, [{"snapshot_id": ids[2], "file": "cells.npy", "problem": "its SHA-256 is not the manifest's"}]
    )  # fmt: skip


def test_what_verify_cannot_do_is_said(cli, own: Path) -> None:
    assert cli("verify", "--all", "--snapshot", "x").code == 2
    said = cli("verify", "--snapshot", "x")
    assert (said.code, said.out) == (1, "")
    assert said.err == f"sweeplens: the store {own} has no snapshot 'x': `sweeplens snapshots` lists them\n"


def test_use_rolls_back_and_forward(cli, own: Path, ids: list[str]) -> None:
    said = cli("use", ids[0])
    assert (said.code, said.out) == (0, ids[0] + "\n")
    assert said.err.startswith(f"sweeplens: the current snapshot is {ids[0]}, made at 20")
    assert read_current(own)[0] == ids[0]
    assert cli("use", ids[2], "--quiet") == (0, ids[2] + "\n", "")
    assert read_current(own)[0] == ids[2]
    said = cli("use", "nonesuch")
    assert (said.code, said.out) == (1, "")
    assert "has no snapshot 'nonesuch'" in said.err


def test_prune_removes_the_oldest_and_says_what_it_left(cli, own: Path, ids: list[str]) -> None:
    with open_snapshot(own, ids[0]):
        for words in (["--dry-run"], []):
            said = cli("prune", "--keep", "1", *words)
            assert (said.code, said.out) == (0, ids[1] + "\n")
            assert f"warning: snapshot {ids[0]} was left: it is being read" in said.err
            assert ("1 snapshot would be removed" if words else "1 snapshot removed, 0.") in said.err
    assert [info.snapshot_id for info in list_snapshots(own)] == [ids[0], ids[2]]
    assert cli("prune", "--keep", "1", "--quiet") == (0, ids[0] + "\n", "")
    assert cli("prune", "--keep", "0").code == 2
    assert cli("prune").code == 2


def test_a_store_that_is_being_written_is_said_in_one_sentence(cli, own: Path, ids: list[str]) -> None:
    with write_snapshot(own):
        for words in (["prune", "--keep", "1"], ["use", ids[0]]):
            said = cli(*words)
            assert (said.code, said.out) == (1, "")
            assert "another process is writing to the store" in said.err
            assert len(said.err.splitlines()) == 1
        assert cli("verify", "--deep").code == 0
