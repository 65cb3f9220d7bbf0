"""report: one file on one account or campaign, on standard output or where --output says, and nowhere else."""

import json
import re
import shutil
import sys
from pathlib import Path

import pytest

from support.altered import Altered, publish, with_column
from support.hostile_store import EMAIL, NAME, write_hostile_store
from support.small_store import write_small_store


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Path:
    store = tmp_path_factory.mktemp("hostile") / "store"
    write_hostile_store(store).close()
    return store


def test_a_page_goes_to_standard_output(cli, tmp_path: Path) -> None:
    code, out, err = cli("report", "lone")
    assert code == 0
    assert out.startswith("<!DOCTYPE html>")
    assert out.rstrip().endswith("</html>")
    assert "<bdi>lone</bdi>" in out
    assert err.splitlines()[-1].startswith("sweeplens: snapshot=")
    assert list(tmp_path.iterdir()) == []


def test_the_ending_of_the_file_chooses_the_format(cli, tmp_path: Path) -> None:
    assert cli("report", "C-01", "--output", "case.json", "-q") == (0, "", "")
    assert json.loads((tmp_path / "case.json").read_text())["kind"] == "campaign"
    assert cli("report", "C-01", "--output", "case.html", "-q").code == 0
    assert (tmp_path / "case.html").read_text(encoding="utf-8").startswith("<!DOCTYPE html>")
    assert cli("report", "C-01", "--output", "case.txt", "--format", "json", "-q").code == 0
    assert json.loads((tmp_path / "case.txt").read_text())["subject"] == "C-01"


def test_a_terminal_gets_no_page(cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    code, out, err = cli("report", "lone")
    assert (code, out) == (1, "")
    assert "a page is not for a terminal: name a file with --output" in err
    assert cli("report", "lone", "--format", "json").code == 0


def test_an_id_is_never_a_path(cli, hostile: Path, tmp_path: Path) -> None:
    before = sorted(hostile.parent.rglob("*"))
    code, out, _ = cli("report", NAME, "--store", str(hostile))
    assert code == 0
    assert "../../etc/passwd&#34;&gt;&lt;script&gt;" in out
    assert cli("report", "../../../etc/passwd").code == 1
    assert list(tmp_path.iterdir()) == []
    assert [p for p in sorted(hostile.parent.rglob("*")) if p not in before and "sqlite" not in p.name] == []


def test_numbers_are_those_of_the_other_commands(cli) -> None:
    accounts = [json.loads(line) for line in cli("score", "--format", "jsonl", "-q").out.splitlines()]
    assert len(accounts) == 8
    for row in accounts:
        told = json.loads(cli("report", row["account_id"], "--format", "json", "-q").out)
        page = json.loads(cli("account", row["account_id"], "--format", "json").out)
        for key in ("n_requests", "n_prompts", "score", "p_value", "q_value", "level", "level_from", "campaign_id"):
            assert told[key] == row[key], key
        assert [r["text"] for r in told["reasons"]] == [r["text"] for r in row["reasons"]]
        assert told["summary"] == page["headline"]
        for key in ("curve", "timeline", "links"):
            assert told[key] == page[key], key
        listed = [(p["prompt_id"], p["text"], p["n_sent"]) for p in told["prompts"]["entries"]]
        assert listed[:10] == [(p["prompt_id"], p["text"], p["n_sent"]) for p in page["prompts"][:10]]
    for line in cli("campaigns", "--all", "--format", "jsonl", "-q").out.splitlines():
        row = json.loads(line)
        told = json.loads(cli("report", row["campaign_id"], "--format", "json", "-q").out)
        for key in ("label", "n_requests", "score", "p_value", "q_value", "level", "evidence"):
            assert told[key] == row[key], key
        assert sorted(m["account_id"] for m in told["members"]) == sorted(row["accounts"])


def test_redaction_is_the_default_and_prompts_can_be_left_out(cli, hostile: Path) -> None:
    words = ("report", NAME, "--store", str(hostile), "--format", "json", "-q")
    assert EMAIL not in cli(*words).out
    assert EMAIL in cli(*words, "--no-redact").out
    bare = json.loads(cli(*words, "--no-prompts").out)
    assert bare["prompts"]["entries"] == []
    assert len(json.loads(cli(*words, "--prompts", "3").out)["prompts"]["entries"]) == 3


def test_the_user_of_the_system_made_it_unverified(cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOGNAME", "mia")
    made = json.loads(cli("report", "lone", "--format", "json", "-q").out)["made"]
    assert (made["by"], made["verified"]) == ("mia", False)


def test_an_id_of_two_things_needs_a_kind(cli, tmp_path: Path) -> None:
    store = tmp_path / "twice"
    base = write_small_store(store)
    campaigns = with_column(base.table("campaigns"), "campaign_id", ["lone", "K-02"])
    publish(store, Altered(base, {"campaigns": campaigns})).close()
    # Accounts of C-01 name a campaign that is not there, so that only the two called alike are asked for.
    code, out, err = cli("report", "lone", "--store", str(store))
    assert (code, out) == (2, "")
    assert "say which with --kind" in re.sub(r"[\s│]+", " ", err)
    for kind in ("account", "campaign"):
        told = json.loads(cli("report", "lone", "--store", str(store), "--kind", kind, "--format", "json", "-q").out)
        assert told["kind"] == kind
    shutil.rmtree(store)


def test_an_unknown_id_is_answered_with_one_like_it(cli) -> None:
    code, out, err = cli("report", "lonee")
    assert (code, out) == (1, "")
    assert "has no account or campaign 'lonee': did you mean lone?" in err
    assert cli("report", "lone", "--kind", "campaign").code == 1


def test_releases_of_the_settings_are_marked(cli, tmp_path: Path) -> None:
    (tmp_path / "releases.toml").write_text('[[release]]\ndate = 2026-03-09\nname = "Model 2"\n')
    (tmp_path / "sweeplens.toml").write_text('releases = "releases.toml"\n')
    pictures = json.loads(cli("report", "lone", "--format", "json", "-q").out)["pictures"]
    (caption,) = [p["caption"] for p in pictures if p["key"] == "timeline"]
    assert "Dotted lines: 1 Model 2 (9 Mar 2026)." in caption
