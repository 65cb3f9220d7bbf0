"""score and campaigns: formats, files, limits and exit codes."""

import csv
import io
import json
import os
import stat
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from support.small_store import SENT
from sweeplens.report.cases import review_of
from sweeplens.report.queue import KEYS, account_queue, campaign_queue, to_records
from sweeplens.store.snapshot import open_snapshot

RANKED = ["dealt-a", "dealt-b", "dealt-c", "lone", "chat-2", "chat-1", "shop", "=cmd"]


def test_table_ranks_accounts_and_the_closing_line_is_on_stderr(cli) -> None:
    code, out, err = cli("score")
    rows = [line.split() for line in out.splitlines()[2:]]
    assert code == 0
    assert [row[2] for row in rows] == RANKED
    assert rows[0][:6] == ["high", "0.71", "dealt-a", "10", "10", "C-01"]
    assert rows[-1][:3] == ["insufficient", "-", "=cmd"]
    assert "asks like 2 other accounts" in out
    assert err.startswith("sweeplens: snapshot=")
    assert 'detector="handmade 1"' in err
    assert max(map(len, out.splitlines())) <= 100


def test_table_fits_eighty_columns(cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    for command in (["score"], ["campaigns", "--all"], ["cluster"], ["snapshots"], ["account", "lone"]):
        assert max(map(len, cli(*command).out.splitlines())) <= 80, command


def test_jsonl_and_json_are_the_records_of_the_report(cli, store: Path) -> None:
    code, out, _ = cli("score", "--format", "jsonl")
    review = review_of(open_snapshot(store), allow_days=90, audit=0.02)
    records = to_records(account_queue(open_snapshot(store)), review)
    assert (code, [json.loads(line) for line in out.splitlines()]) == (0, records)
    assert json.loads(cli("score", "--format", "json").out) == records
    groups = to_records(campaign_queue(open_snapshot(store), include_all=True), review)
    assert json.loads(cli("campaigns", "--all", "--format", "json").out) == groups
    assert [g["campaign_id"] for g in json.loads(cli("campaigns", "--format", "json").out)] == ["C-01"]


def test_csv_disarms_formulas_and_joins_reasons(cli) -> None:
    rows = list(csv.DictReader(io.StringIO(cli("score", "--format", "csv").out)))
    assert tuple(rows[0]) == KEYS["accounts"]
    assert [row["account_id"] for row in rows] == [*RANKED[:-1], "'=cmd"]
    assert rows[0]["reasons"] == (
        "asks like 2 other accounts, which together score 0.93; asks in 10 different cells; peers of like volume in 5"
    )
    assert rows[-1]["score"] == ""
    (group,) = csv.DictReader(io.StringIO(cli("campaigns", "--format", "csv").out))
    assert (group["accounts"], json.loads(group["evidence"])["union_cells"]) == ("dealt-a; dealt-b; dealt-c", 15)


@pytest.mark.parametrize(("command", "name"), [("score", "accounts"), ("campaigns", "campaigns")])
def test_parquet_has_the_types_of_the_store(cli, store: Path, command: str, name: str, tmp_path: Path) -> None:
    assert cli(command, "--output", "out.parquet").code == 0
    table = pq.read_table(tmp_path / "out.parquet")
    assert tuple(table.column_names) == KEYS[name]
    kept = open_snapshot(store).table(name)
    stands = {"state": pa.string(), "verdict": pa.string(), "assignee": pa.string(), "audit": pa.bool_()}
    for column in KEYS[name]:
        known = stands[column] if column in stands else kept.schema.field(column).type
        assert table.schema.field(column).type == known
    assert table.column(0).to_pylist() == (RANKED if name == "accounts" else ["C-01"])


def test_format_follows_the_ending_of_the_file_unless_it_is_named(cli, tmp_path: Path) -> None:
    assert cli("score", "-o", "a.jsonl").out == ""
    assert len((tmp_path / "a.jsonl").read_text().splitlines()) == 8
    cli("score", "-o", "b.txt")
    assert (tmp_path / "b.txt").read_text().startswith("level")
    cli("score", "-o", "c.jsonl", "--format", "csv")
    assert (tmp_path / "c.jsonl").read_text().startswith("account_id,")


def test_top_cuts_the_output_but_not_the_judgement(cli) -> None:
    code, out, _ = cli("score", "--top", "1", "--format", "jsonl")
    assert (code, len(out.splitlines())) == (0, 1)
    assert len(cli("score", "--top", "0", "--format", "jsonl").out.splitlines()) == 8
    code, out, _ = cli("campaigns", "--all", "--top", "1", "--format", "jsonl", "--fail-on", "review")
    assert (code, len(out.splitlines())) == (3, 1)


def test_fail_on_exits_with_three_and_the_output_is_whole(cli) -> None:
    assert cli("score", "--fail-on", "high").code == 3
    code, out, _ = cli("score", "--fail-on", "review", "--format", "jsonl")
    assert (code, len(out.splitlines())) == (3, len(SENT))


def test_manifest_file_says_what_was_done(cli, tmp_path: Path, store: Path) -> None:
    code, out, err = cli("score", "--quiet", "--manifest", "m.json", "--fail-on", "high")
    about = json.loads((tmp_path / "m.json").read_text())
    assert (code, err) == (3, "")
    assert out
    assert (about["command"], about["accounts"], about["exit"]) == ("score", 8, 3)
    assert about["snapshot"] == open_snapshot(store).snapshot_id


def test_output_keeps_the_mode_of_a_file_and_follows_links(cli, tmp_path: Path) -> None:
    (tmp_path / "real.csv").write_text("old")
    (tmp_path / "real.csv").chmod(0o640)
    (tmp_path / "link.csv").symlink_to("real.csv")
    assert cli("score", "-o", "link.csv").code == 0
    assert (tmp_path / "link.csv").is_symlink()
    assert (tmp_path / "real.csv").read_text().startswith("account_id")
    assert stat.S_IMODE((tmp_path / "real.csv").stat().st_mode) == 0o640
    assert sorted(p.name for p in tmp_path.iterdir()) == ["link.csv", "real.csv"]


@pytest.mark.parametrize("target", ["none/x.csv", ".", "/dev/full"])
def test_output_that_cannot_be_written_is_one_sentence(cli, target: str) -> None:
    code, out, err = cli("score", "-o", target)
    assert (code, out) == (1, "")
    assert err.startswith(f"sweeplens: the output {target} cannot be written: ")
    assert err.count("\n") == 1


def test_a_failed_write_leaves_the_old_file(cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "x.csv").write_text("old")

    def full(handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    code, _, err = cli("score", "-o", "x.csv")
    assert code == 1
    assert "No space left on device" in err
    assert [(p.name, p.read_text()) for p in tmp_path.iterdir()] == [("x.csv", "old")]


@pytest.mark.parametrize(
    "words",
    [["score", "--since", "2026-03-01"], ["score", "--fail-on", "none"], ["score", "--format", "xml"],
     ["score", "--top", "-1"],
     ["nothing"], ["score", "--nothing"], ["account"], ["cluster", "zero"], ["search", " "], ["build"],
     ["build", "x", "--map", "account_id"], ["build", "x", "--map", "account=id"]],
)  # fmt: skip
def test_wrong_usage_exits_with_two(cli, words: list[str]) -> None:
    code, out, err = cli(*words)
    assert (code, out) == (2, "")
    assert "Error: " in err
    assert "Traceback" not in err


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["score", "--store", "no/such"], "the store no/such does not exist: `sweeplens build LOG` makes one"),
        (["score", "--snapshot", "latest"], "has no snapshot 'latest': `sweeplens snapshots` lists them"),
        (["account", "dealt-x"], "has no account 'dealt-x': did you mean dealt-"),
        (["account", "\x1b[2Jx"], "has no account '\\x1b[2Jx': it has 8"),
        (["cluster", "44"], "has no cluster '44': it has 4, such as 0, 1, 2"),
        (["score", "--config", "no.toml"], "the settings file no.toml does not exist"),
        (["snapshots", "--store", "no/such"], "the store no/such does not exist"),
        (["app", "--store", "no/such"], "the store no/such does not exist"),
    ],
)
def test_handled_errors_are_one_sentence_on_stderr(cli, words: list[str], sentence: str) -> None:
    code, out, err = cli(*words)
    assert (code, out) == (1, "")
    assert err.startswith("sweeplens: ")
    assert sentence in err
    assert err.count("\n") == 1
    assert "\x1b" not in err


def test_campaigns_say_how_many_groups_are_no_sweeps(cli, store: Path) -> None:
    labels = open_snapshot(store).table("campaigns")["label"].to_pylist()
    others = [label for label in labels if label != "sweep"]
    assert others, "the store of this test has a group that is no sweep"
    code, _, told = cli("campaigns")
    assert code == 0
    assert f"{len(others)} other group" in told
    assert all(f"{others.count(label)} {label}" in told for label in others)
    assert "other group" not in cli("campaigns", "--all")[2]
    assert "other group" not in cli("campaigns", "--quiet")[2]
