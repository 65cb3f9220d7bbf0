"""forget: it asks, says what went and what still holds it, and does nothing where it knows nobody of that name."""

import json
import shutil
from pathlib import Path

import pytest

from support.tiny_log import tiny_settings, write_tiny_log
from sweeplens.cli import forgetting
from sweeplens.pipeline import build
from sweeplens.review import add_verdict
from sweeplens.store.snapshot import list_snapshots, open_snapshot


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store of two snapshots in which dora alone sent two of six prompts."""
    folder = tmp_path_factory.mktemp("forget")
    common = write_tiny_log(folder / "common.jsonl")
    own = write_tiny_log(folder / "own.jsonl", accounts=("dora",), prompts=6)
    for _ in range(2):
        build([common, own], tiny_settings(folder / "store")).snapshot.close()
    add_verdict(folder / "store", "account", "dora", "unsure", snapshot_id="s", detector="d")
    return folder / "store"


@pytest.fixture
def run(cli, made: Path, tmp_path: Path):
    """Return a function that runs the command on a copy of that store, and the copy."""
    store = tmp_path / "copy"
    shutil.copytree(made, store)

    def run_forget(*words: str):
        return cli("forget", *words, "--store", str(store))

    return run_forget, store


def accounts(store: Path) -> list[str]:
    with open_snapshot(store) as snapshot:
        return snapshot.table("accounts")["account_id"].to_pylist()


def test_it_prints_the_new_snapshot_and_says_what_went_and_what_still_holds_it(run) -> None:
    forget, store = run
    older = [row.snapshot_id for row in list_snapshots(store)]
    code, out, err = forget("dora", "--yes")
    assert (code, accounts(store)) == (0, ["ada", "ben", "cleo"])
    assert out == f"{list_snapshots(store)[-1].snapshot_id}\n"
    said = "6 requests and 2 prompts that nobody else sent, with 2 vectors in the cache and 1 verdict"
    assert f"sweeplens: forgotten: {said}\n" in err
    for name in older:
        assert f"sweeplens: warning: snapshot {name} still holds what was forgotten\n" in err
    assert "`sweeplens forget --everywhere` with the same ids removes what still holds them" in err


def test_everywhere_removes_older_snapshots_but_names_one_that_is_being_read(run) -> None:
    forget, store = run
    first, second = (row.snapshot_id for row in list_snapshots(store))
    with open_snapshot(store, first):
        code, _, err = forget("dora", "--everywhere", "--yes", "--manifest", "run.json")
    assert code == 0
    assert "1 older snapshot that held them is removed" in err
    assert f"warning: snapshot {first} still holds what was forgotten: it is being read" in err
    about = json.loads(Path("run.json").read_text())
    assert about["pruned"] == [second]
    assert about["holding"] == [first]
    code, _, err = forget("dora", "--everywhere", "-y", "-q")
    assert (code, err) == (0, "")
    assert len(list_snapshots(store)) == 2


def test_a_file_of_accounts_counts_beside_the_arguments(run, tmp_path: Path) -> None:
    forget, store = run
    (tmp_path / "erase.txt").write_text("\ufeffdora\r\n\n ben \n", encoding="utf-8")
    code, _, _ = forget("ada", "dora", "--accounts", "erase.txt", "--yes")
    assert (code, accounts(store)) == (0, ["cleo"])


@pytest.mark.parametrize(("answer", "code", "left"), [("y", 0, 3), ("n", 1, 4), ("", 1, 4)])
def test_it_says_what_would_go_and_asks_on_a_terminal(
    run, monkeypatch: pytest.MonkeyPatch, answer: str, code: int, left: int
) -> None:
    forget, store = run
    asked: list[str] = []

    def confirm(question: str, *, err: bool) -> bool:
        assert err
        asked.append(question)
        return answer == "y"

    monkeypatch.setattr(forgetting.sys.stdin, "isatty", lambda: True, raising=False)
    monkeypatch.setattr(forgetting.typer, "confirm", confirm)
    done = forget("dora", "--everywhere")
    assert (done.code, len(accounts(store)), len(asked)) == (code, left, 1)
    name = list_snapshots(store)[-1].snapshot_id if code else ""
    assert f"erase 1 account with 6 requests from snapshot {name}" in done.err
    assert "and remove older snapshots that hold them" in done.err
    assert ("nothing was forgotten" in done.err) == bool(code)


BAD = {
    "unknown": (["nobody", "dora", "--yes"], 1, "has no account 'nobody': nothing was forgotten"),
    "several": (["nobody", "else", "--yes"], 1, "has no account 'nobody' and 1 more: nothing was forgotten"),
    "no terminal": (["dora"], 2, "no terminal to ask on: give --yes"),
    "nobody named": (["--yes"], 2, "forget needs the id of an account"),
    "no file": (["--accounts", "gone.txt", "--yes"], 1, "the file of accounts gone.txt does not exist"),
    "empty file": (["--accounts", "empty.txt", "--yes"], 2, "forget needs the id of an account"),
    "not text": (["--accounts", "bytes.txt", "--yes"], 1, "the file of accounts bytes.txt cannot be read"),
}


@pytest.mark.parametrize("kind", list(BAD))
def test_what_cannot_be_done_is_one_sentence_and_nothing_is_done(run, tmp_path: Path, kind: str) -> None:
    forget, store = run
    words, want, said = BAD[kind]
    (tmp_path / "empty.txt").write_text("\n\n")
    (tmp_path / "bytes.txt").write_bytes(b"\xff\xfe\x00")
    code, out, err = forget(*words, *(["-q"] if want == 1 else []))
    assert (code, out) == (want, "")
    assert said in " ".join(err.replace("│", " ").split())
    assert want == 2 or (err.startswith("sweeplens: ") and err.count("\n") == 1)
    assert accounts(store) == ["ada", "ben", "cleo", "dora"]
    assert not (store / "forgotten.json").exists()


def test_an_unknown_id_is_said_before_it_asks(run, monkeypatch: pytest.MonkeyPatch) -> None:
    forget, _ = run
    monkeypatch.setattr(forgetting.sys.stdin, "isatty", lambda: True, raising=False)
    code, _, err = forget("dora", "nobody")
    assert (code, err.count("\n")) == (1, 1)
    assert "no account 'nobody'" in err
