"""score with a log: the same formats and exit codes as without, and the store stays as it is."""

import csv
import io
import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from support.tiny_log import tiny_settings, write_tiny_log
from sweeplens import pipeline
from sweeplens.logs.rows import ReadStats
from sweeplens.pipeline.intake import Left
from sweeplens.pipeline.score import Scored
from sweeplens.report.queue import KEYS
from sweeplens.store.snapshot import open_snapshot


@pytest.fixture(scope="module")
def night(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a tiny store of the first of March, and the logs of the first and the second."""
    folder = tmp_path_factory.mktemp("night")
    pipeline.build([write_tiny_log(folder / "first.jsonl", day=1)], tiny_settings(folder / "store"))
    write_tiny_log(folder / "second.jsonl", day=2, accounts=("ada", "dan"), prompts=6)
    return folder


@pytest.fixture
def score(cli, night: Path):
    """Return a function that scores in that store."""

    def run(*words: str):
        return cli("score", "--store", str(night / "store"), *words)

    return run


@pytest.fixture
def handmade(store: Path, monkeypatch: pytest.MonkeyPatch) -> list[dict[str, object]]:
    """Let every log come to what the small store holds; returns what the pipeline was asked."""
    asked: list[dict[str, object]] = []

    def judge(sources, settings, **more):
        asked.append({"sources": sources, "settings": settings, **more})
        opened = open_snapshot(store)
        about = {
            "snapshot": opened.snapshot_id, "detector": "handmade 1", "rows": 7, "requests": 99,
            "levels": dict.fromkeys(("high", "review", "watch", "none", "insufficient"), 0), "campaigns": 1,
        }  # fmt: skip
        tables = opened.table("accounts"), opened.table("campaigns")
        return Scored(*tables, opened, ReadStats(), Left(), {"read": 0.5}, about)

    monkeypatch.setattr(pipeline, "score", judge)
    return asked


@pytest.mark.parametrize("kind", ["table", "json", "jsonl", "csv", "parquet"])
def test_rows_go_the_same_way_as_those_of_a_snapshot(cli, handmade, tmp_path: Path, kind: str) -> None:
    assert cli("score", "--format", kind, "-o", "snapshot.out").code == 0
    assert cli("score", "log.jsonl", "--format", kind, "-o", "log.out").code == 0
    assert (tmp_path / "log.out").read_bytes() == (tmp_path / "snapshot.out").read_bytes()
    assert handmade[0]["sources"] == ["log.jsonl"]


def test_exit_code_and_manifest_follow_from_all_rows(cli, handmade, tmp_path: Path) -> None:
    code, out, err = cli(
        "score", "log.jsonl", "--top", "1", "--format", "jsonl", "--fail-on", "high", "--manifest", "m.json"
    )
    assert (code, len(out.splitlines())) == (0, 1)  # nothing is new since the current snapshot
    assert "7 rows read; with what the snapshot has, 99 requests" in err
    about = json.loads((tmp_path / "m.json").read_text())
    assert (about["command"], about["accounts"], about["exit"], about["counted"]) == ("score", 8, 0, 0)
    assert about["rows"] == 7
    assert about["steps"] == {"read": 0.5}
    code, out, err = cli("score", "log.jsonl", "--max-q", "0.05", "--fail-on", "review", "--format", "csv", "--quiet")
    assert (code, len(out.splitlines())) == (0, 1)
    assert "no row has a q value" in err


@pytest.mark.parametrize("log", [[], ["log.jsonl"]])
def test_campaigns_are_written_as_the_command_of_that_name_writes_them(cli, handmade, tmp_path: Path, log) -> None:
    cli("campaigns", "--format", "jsonl", "-o", "there.jsonl")
    for name in ("here.jsonl", "here.txt"):
        assert cli("score", *log, "--campaigns-output", name, "--quiet").code == 0
        assert (tmp_path / name).read_bytes() == (tmp_path / "there.jsonl").read_bytes()
    cli("score", *log, "--campaigns-output", "here.parquet", "--quiet")
    assert pq.read_table(tmp_path / "here.parquet").column_names == list(KEYS["campaigns"])


def test_a_log_is_scored_on_top_of_the_snapshot(score, night: Path, tmp_path: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in (night / "store").rglob("*")}
    code, out, err = score(str(night / "second.jsonl"), "--format", "jsonl", "--workers", "1", "--manifest", "m.json")
    assert code == 0, err
    rows = {row["account_id"]: row for row in map(json.loads, out.splitlines())}
    assert {name: row["n_requests"] for name, row in rows.items()} == {"ada": 10, "ben": 4, "cleo": 4, "dan": 6}
    assert all(tuple(row) == KEYS["accounts"] for row in rows.values())
    assert "12 rows read; with what the snapshot has, 24 requests" in err
    about = json.loads((tmp_path / "m.json").read_text())
    assert (about["command"], about["snapshot"]) == ("score", open_snapshot(night / "store").snapshot_id)
    assert {path: path.stat().st_mtime_ns for path in (night / "store").rglob("*")} == before


def test_logs_that_overlap_count_once(score, night: Path) -> None:
    second = str(night / "second.jsonl")
    code, out, err = score(str(night / "first.jsonl"), second, second, "--format", "jsonl")
    assert (code, sum(json.loads(line)["n_requests"] for line in out.splitlines())) == (0, 24)
    assert "requests left out: 12 there already\n" in err


def test_since_until_and_window(score, night: Path) -> None:
    second = str(night / "second.jsonl")
    code, out, err = score(
        second, "--since", "2026-03-02T10:02Z", "--until", "2026-03-02 12:04+02:00", "--format", "csv"
    )
    assert code == 0
    assert "requests left out: 8 outside --since and --until" in err
    assert [row["n_requests"] for row in csv.DictReader(io.StringIO(out))] == ["6", "4", "4", "2"]
    err = score(second, "--window", "12h").err
    assert "requests left out: 12 older than the window" in err


@pytest.mark.parametrize("log", [True, False])
def test_only_the_accounts_in_a_file(score, night: Path, tmp_path: Path, log: bool) -> None:
    (tmp_path / "ids.txt").write_text("ben\r\n\r\nnobody\ncleo\n")
    (tmp_path / "labels.csv").write_text('label,account_id\nbenign,"ben"\nattack,nobody\nbenign,cleo\n')
    words = [str(night / "second.jsonl")] if log else []
    for name in ("ids.txt", "labels.csv"):
        code, out, err = score(*words, "--accounts", name, "--format", "jsonl", "--quiet")
        assert code == 0
        assert [json.loads(line)["account_id"] for line in out.splitlines()] == ["ben", "cleo"]
        assert err.startswith(f"sweeplens: warning: 1 of the 3 accounts in {name} has no request in the ")
    (tmp_path / "ids.txt").write_text("ben\n")
    assert score(*words, "--accounts", "ids.txt", "--quiet").err == ""


def test_a_store_without_text_takes_logs_too(cli, tmp_path: Path) -> None:
    pipeline.build([write_tiny_log(tmp_path / "first.jsonl")], tiny_settings(tmp_path / "bare", text=False))
    log = write_tiny_log(tmp_path / "second.jsonl", day=2)
    for words in (["score", log], ["update", log, "--workers", "1"]):
        code, _, err = cli(*words, "--store", "bare")
        assert code == 0, err
        assert "yeast" not in err
    assert open_snapshot(tmp_path / "bare").manifest["text"] == "none"


ASK = {
    "a file that is not there": (["--accounts", "none.txt"], "the accounts none.txt cannot be read: No such file"),
    "an empty file": (["--accounts", "empty.txt"], "the accounts empty.txt hold no id: expected one a line"),
    "no text": (["--accounts", "junk.txt"], "the accounts junk.txt must be text in UTF-8"),
    "no such snapshot": (
        ["--since-snapshot", "20200101-000000-00000000"],
        "has no snapshot '20200101-000000-00000000'",
    ),
    "no such folder": (["--campaigns-output", "no/x.jsonl"], "the output no/x.jsonl cannot be written"),
}


@pytest.mark.parametrize("log", [True, False])
@pytest.mark.parametrize("kind", list(ASK))
def test_what_cannot_be_done_is_one_sentence(score, night: Path, kind: str, log: bool) -> None:
    Path("empty.txt").write_text("\n")
    Path("junk.txt").write_bytes(b"\xff\xfe\x00")
    words, said = ASK[kind]
    code, out, err = score(*([str(night / "second.jsonl")] if log else []), *words, "--quiet")
    assert (code, out) == (1, "")
    assert said in err
    assert err.count("\n") == 1


BAD = {
    "missing": (None, "log.jsonl", "the log log.jsonl does not exist"),
    "empty": ("", "log.jsonl", "log.jsonl is empty"),
    "other columns": ("who,text\nada,Hello there\n", "log.csv", "log.csv has no column for account_id"),
    "nothing to use": ('{"who": "ada"}\n', "log.jsonl", "none of the 1 rows of the log could be used"),
}


@pytest.mark.parametrize("kind", list(BAD))
def test_bad_logs_are_one_sentence(score, kind: str) -> None:
    text, name, said = BAD[kind]
    if text is not None:
        Path(name).write_text(text)
    code, out, err = score(name, "--quiet")
    assert (code, out) == (1, "")
    assert said in err
    assert err.count("\n") == 1


def test_a_store_without_a_snapshot(cli, night: Path, tmp_path: Path) -> None:
    (tmp_path / "bare").mkdir()
    for name, said in (("none", "does not exist"), ("bare", "holds no snapshot yet")):
        code, out, err = cli("score", str(night / "second.jsonl"), "--store", name, "--quiet")
        assert (code, out, err) == (1, "", f"sweeplens: the store {name} {said}: `sweeplens build LOG` makes one\n")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["bare"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--since", "2026-03-01"], "--since needs a log: without one, score reads the snapshot as it is"),
        (["--until", "2026-03-01"], "--until needs a log"),
        (["--window", "7d"], "--window needs a log"),
        (["--input-format", "generic"], "--input-format needs a log"),
        (["--map", "account_id=user"], "--map needs a log"),
        (["log.jsonl", "--map", "account_id"], "--map account_id is not of the form field=path"),
        (["log.jsonl", "--snapshot", "X"], "--snapshot is for score without a log"),
        (["log.jsonl", "--since", "yesterday"], "expected a date or time such as 2026-03-01"),
        (["log.jsonl", "--since", "2026-03-02", "--until", "2026-03-02T00:00Z"], "--since must be before --until"),
        (["log.jsonl", "-o", "x.jsonl", "--campaigns-output", "x.jsonl"], "must be two files"),
    ],
)
def test_wrong_usage_exits_with_two(score, words: list[str], said: str) -> None:
    code, out, err = score(*words)
    assert (code, out) == (2, "")
    assert said in err
    assert err.count("Error: ") == 1
