"""update: a log on top of the current snapshot, what it says of it, and one sentence where it cannot."""

import hashlib
import json
from pathlib import Path

import pytest

from support.tiny_log import tiny_settings, write_tiny_log
from sweeplens.pipeline import build
from sweeplens.store.snapshot import list_snapshots, open_snapshot
from sweeplens.store.tombstones import add_tombstones


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """Return a store built from a log of three accounts with four prompts each, on the first of March."""
    folder = tmp_path / "tiny"
    build([write_tiny_log(tmp_path / "first.jsonl", day=1)], tiny_settings(folder))
    return folder


@pytest.fixture
def update(cli, store: Path):
    """Return a function that updates that store."""

    def run(*words: str):
        return cli("update", "--store", str(store), "--workers", "1", *words)

    return run


def test_update_prints_the_new_snapshot_and_tells_the_rest_on_stderr(update, store: Path, tmp_path: Path) -> None:
    before = open_snapshot(store)
    log = write_tiny_log(tmp_path / "second.jsonl", day=2, accounts=("ada", "dan"), prompts=6)
    code, out, err = update(log, "--manifest", "m.json")
    assert code == 0, err
    (snapshot,) = out.split()
    opened = open_snapshot(store)
    assert (opened.snapshot_id, opened.manifest["parent"]) == (snapshot, before.snapshot_id)
    assert "24 requests of 4 accounts, 6 distinct prompts, 2 of them new\n" in err
    assert "requests left out: 0 there already\n" in err
    assert "the map is as it was" in err
    about = json.loads((tmp_path / "m.json").read_text())
    assert (about["command"], about["snapshot"], about["rows"], about["new_prompts"]) == ("update", snapshot, 12, 2)
    assert err.splitlines()[-1].startswith(f"sweeplens: snapshot={snapshot} ")


def test_logs_may_overlap_and_be_given_twice(update, store: Path, tmp_path: Path) -> None:
    first, second = str(tmp_path / "first.jsonl"), write_tiny_log(tmp_path / "second.jsonl", day=2)
    copy = tmp_path / "copy.jsonl"
    copy.write_bytes(Path(second).read_bytes())
    assert "requests left out: 24 there already" in update(first, second, second, str(copy)).err
    assert open_snapshot(store).manifest["counts"]["requests"] == 24
    again = update(second)
    assert again.code == 0
    assert "24 requests of 3 accounts, 4 distinct prompts, 0 of them new" in again.err
    assert "requests left out: 12 there already" in again.err


def test_what_is_old_or_erased_is_left_out_and_said(update, store: Path, tmp_path: Path) -> None:
    add_tombstones(store, ["ben"], 1_775_000_000_000_000)  # April 2026
    log = write_tiny_log(tmp_path / "second.jsonl", day=9)
    code, _, err = update(log, "--window", "7d")
    assert code == 0, err
    assert "requests left out: 0 there already, 12 older than the window, 4 of erased accounts" in err
    assert "8 requests of 2 accounts" in err


def test_the_map_is_laid_out_anew_where_it_has_grown(update, tmp_path: Path) -> None:
    log = write_tiny_log(tmp_path / "second.jsonl", day=2, prompts=6)
    code, _, err = update(log, "--remap", "1.2")
    assert code == 0, err
    assert "the map has grown from 4 prompts to 6: it is laid out anew" in err
    assert "the map was laid out anew" in err


def test_with_log_json_the_summary_is_events(update, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from sweeplens.cli import streams

    monkeypatch.setitem(streams._lines, "json", False)
    log = write_tiny_log(tmp_path / "second.jsonl", day=2)
    lines = [json.loads(line) for line in update(log, "--log-json").err.splitlines()]
    assert any("0 there already" in line["message"] for line in lines if line["event"] == "summary")
    assert (lines[-1]["event"], lines[-1]["command"], lines[-1]["rows"]) == ("done", "update", 12)


def test_rejects_are_listed_in_the_new_snapshot(update, store: Path, tmp_path: Path) -> None:
    log = Path(write_tiny_log(tmp_path / "second.jsonl", day=2))
    log.write_text(log.read_text() + '{"account_id": "ada"}\n')
    assert "1 of 13 rows" in update(str(log), "--quiet").err
    code, out, err = update(str(log), "--max-rejects", "0.1")
    assert code == 0, err
    assert f"1 row rejected, listed in {store / out.strip() / 'rejects.jsonl'}: 1 no prompt" in err


def files(store: Path) -> dict[str, str]:
    every = (path for path in sorted(store.rglob("*")) if path.is_file() and not path.name.startswith(".lock"))
    return {str(path): hashlib.sha256(path.read_bytes()).hexdigest() for path in every}


BAD = {
    "missing": (None, [], "the log log.jsonl does not exist"),
    "empty": ("", [], "log.jsonl is empty"),
    "other columns": ('{"who": "ada", "text": "Hello there"}\n', [], "no account_id"),
    "a map to nothing": ('{"who": "ada", "prompt": "Hi"}\n', ["--map", "account_id=user.id"], "user.id"),
    "no such format": ('{"who": "ada", "prompt": "Hi"}\n', ["--input-format", "xml"], "xml"),
    "no span": ('{"who": "ada", "prompt": "Hi"}\n', ["--window", "soon"], "window must be a number of hours"),
}


@pytest.mark.parametrize("kind", list(BAD))
def test_bad_logs_are_one_sentence_and_leave_the_store_as_it_was(update, store: Path, kind: str) -> None:
    text, words, said = BAD[kind]
    if text is not None:
        Path("log.jsonl").write_text(text)
    before = files(store)
    code, out, err = update("log.jsonl", "--quiet", *words)
    assert (code, out) == (1, "")
    assert said in err
    assert err.count("\n") == 1
    assert files(store) == before
    assert len(list_snapshots(store)) == 1


def test_without_a_snapshot_nothing_is_made(cli, tmp_path: Path) -> None:
    log = write_tiny_log(tmp_path / "log.jsonl")
    for name, said in (("none", "the store none does not exist"), ("bare", "the store bare holds no snapshot yet")):
        if name == "bare":
            (tmp_path / "bare").mkdir()
        code, out, err = cli("update", log, "--store", name, "--quiet")
        assert (code, out, err) == (1, "", f"sweeplens: {said}: `sweeplens build LOG` makes one\n")
    assert not (tmp_path / "none").exists()
    assert list((tmp_path / "bare").iterdir()) == []


@pytest.mark.parametrize("words", [[], ["x", "--encoder", "fast"], ["x", "--no-text"], ["x", "--map", "account_id"]])
def test_wrong_usage_exits_with_two(cli, words: list[str]) -> None:
    code, out, err = cli("update", *words)
    assert (code, out) == (2, "")
    assert "Error: " in err
