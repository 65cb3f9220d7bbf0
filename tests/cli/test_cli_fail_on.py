"""--fail-on counts what is open, not on the allow-list, and new or raised: each of these by itself."""

import json
import shutil
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from support.follow_store import follow
from support.small_store import write_small_store
from sweeplens import pipeline
from sweeplens.cli.answers import counts_for_fail_on
from sweeplens.logs.rows import ReadStats
from sweeplens.pipeline.intake import Left
from sweeplens.pipeline.score import Scored
from sweeplens.report.cases import Review
from sweeplens.report.queue import account_queue
from sweeplens.review import add_verdict
from sweeplens.store.snapshot import open_snapshot

ABOUT = {"snapshot_id": "s", "detector": "d"}
HIGH = ("dealt-a", "dealt-b", "dealt-c")


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cli) -> Path:
    """A store of this test alone, in which `cli` works from now on."""
    store = tmp_path / "own"
    write_small_store(store)
    monkeypatch.setenv("SWEEPLENS_STORE", str(store))
    return store


def counted(cli, *words: str) -> tuple[int, int]:
    """Return the exit code, and how many rows counted."""
    code = cli(*words, "--manifest", "m.json").code
    about = json.loads(Path("m.json").read_text(encoding="utf-8"))
    assert about["exit"] == code
    return code, about["counted"]


def test_without_a_parent_all_open_rows_count(cli, own: Path) -> None:
    assert counted(cli, "score", "--fail-on", "high") == (3, 3)
    assert counted(cli, "score", "--fail-on", "review") == (3, 4)
    assert counted(cli, "campaigns", "--fail-on", "high") == (3, 1)


def test_what_the_parent_had_already_does_not_count(cli, own: Path) -> None:
    follow(own)
    code, _, err = cli("score", "--fail-on", "review")
    assert code == 0
    assert "0 of 8 accounts are at review or above, open, and new or raised since" in err
    assert counted(cli, "campaigns", "--fail-on", "review") == (0, 0)


def test_what_has_risen_or_is_new_since_the_parent_counts(cli, own: Path) -> None:
    follow(own, levels={"lone": "watch", "C-01": "review"}, without=["dealt-c"])
    follow(own, levels={"lone": "high", "C-01": "high"})
    assert counted(cli, "score", "--fail-on", "high") == (3, 1)
    assert counted(cli, "campaigns", "--fail-on", "high") == (3, 1)
    follow(own, levels={"lone": "review"})
    assert counted(cli, "score", "--fail-on", "review") == (0, 0)
    first = open_snapshot(own).manifest["parent"]
    fallen = open_snapshot(own, first).manifest["parent"]
    assert counted(cli, "score", "--fail-on", "review", "--since-snapshot", fallen) == (3, 1)  # lone was at watch
    assert counted(cli, "score", "--fail-on", "high", "--since-snapshot", fallen) == (0, 0)


def test_an_account_that_the_parent_lacks_is_new(cli, own: Path) -> None:
    whole = open_snapshot(own).snapshot_id
    shorter = follow(own, without=["dealt-b"])
    assert counted(cli, "score", "--fail-on", "high") == (0, 0)
    assert counted(cli, "score", "--fail-on", "high", "--snapshot", whole) == (3, 3)
    assert counted(
        cli, "score", "--fail-on", "high", "--snapshot", whole, "--since-snapshot", shorter.snapshot_id
    ) == (3, 1)  # fmt: skip


def test_what_is_decided_does_not_count_and_what_is_unsure_does(cli, own: Path) -> None:
    add_verdict(own, "account", "lone", "unsure", **ABOUT)
    assert counted(cli, "score", "--fail-on", "review") == (3, 4)
    add_verdict(own, "account", "lone", "confirmed sweep", **ABOUT)
    assert counted(cli, "score", "--fail-on", "review") == (3, 3)
    members = {"members": HIGH, "level": "high"}
    add_verdict(own, "campaign", "C-01", "confirmed sweep", **ABOUT, **members)
    assert counted(cli, "score", "--fail-on", "review") == (0, 0)
    assert counted(cli, "campaigns", "--fail-on", "review") == (0, 0)


def test_an_allow_list_entry_counts_again_when_it_ends_or_the_level_rises(cli, own: Path) -> None:
    soon = datetime.now(UTC) + timedelta(days=1)
    for account in HIGH:
        add_verdict(own, "account", account, "tenant", until=soon, level="high", **ABOUT)
    add_verdict(own, "account", "lone", "benign", level="review", **ABOUT)
    assert counted(cli, "score", "--fail-on", "review") == (0, 0)
    add_verdict(own, "account", "dealt-a", "tenant", until=datetime.now(UTC) - timedelta(days=1), **ABOUT)
    assert counted(cli, "score", "--fail-on", "review") == (3, 1)
    follow(own, levels={"lone": "high"})
    assert counted(cli, "score", "--fail-on", "review") == (3, 1)  # lone has risen; dealt-a is open again, but not new


def test_a_parent_that_is_gone_is_warned_of_and_then_all_count(cli, own: Path) -> None:
    first = open_snapshot(own).snapshot_id
    follow(own)
    shutil.rmtree(own / first)
    code, _, err = cli("score", "--fail-on", "review")
    assert code == 3
    assert f"warning: --fail-on counts old rows, too, as there is nothing to compare with: the store {own} has" in err
    assert "4 of 8 accounts are at review or above, open\n" in err
    code, out, err = cli("score", "--fail-on", "review", "--since-snapshot", first)
    assert (code, out) == (1, "")
    assert f"has no snapshot '{first}'" in err


def test_a_log_is_held_against_the_current_snapshot(cli, own: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = open_snapshot(own)
    follow(own, levels={"lone": "watch"})

    def judge(*_: object, **__: object) -> Scored:
        tables = before.table("accounts"), before.table("campaigns")
        about = {
            "snapshot": "s", "detector": "d", "rows": 1, "requests": 1, "campaigns": 1,
            "levels": dict.fromkeys(("high", "review", "watch", "none", "insufficient"), 0),
        }  # fmt: skip
        return Scored(*tables, open_snapshot(own), ReadStats(), Left(), {}, about)

    monkeypatch.setattr(pipeline, "score", judge)
    assert counted(cli, "score", "log.jsonl", "--fail-on", "review") == (3, 1)
    assert counted(
        cli, "score", "log.jsonl", "--fail-on", "review", "--since-snapshot", before.snapshot_id
    ) == (0, 0)  # fmt: skip
    # The level that counts is that of the log: an entry of the allow-list from when it was at watch is reopened by it.
    add_verdict(own, "account", "lone", "benign", level="watch", **ABOUT)
    assert counted(cli, "score", "log.jsonl", "--fail-on", "review") == (3, 1)
    rows = [json.loads(line) for line in cli("score", "log.jsonl", "--format", "jsonl").out.splitlines()]
    states = {row["account_id"]: (row["state"], row["verdict"]) for row in rows}
    assert states["lone"] == ("reopened", "benign")
    assert states["shop"] == ("open", None)
    add_verdict(own, "account", "lone", "benign", level="review", **ABOUT)
    assert counted(cli, "score", "log.jsonl", "--fail-on", "review") == (0, 0)


def test_rows_below_the_level_never_count(own: Path) -> None:
    rows = account_queue(open_snapshot(own))
    assert [r.account_id for r in counts_for_fail_on(rows, "high", Review(), None)] == list(HIGH)
    assert counts_for_fail_on([replace(r, level="watch") for r in rows], "review", Review(), None) == []
