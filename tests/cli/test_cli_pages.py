"""account, cluster, search and snapshots: what the report knows, as text and as JSON."""

import json
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from support.small_store import SENT
from sweeplens.cli.tables import count, make_table, share
from sweeplens.report.account import account_evidence
from sweeplens.report.cluster import cluster_evidence
from sweeplens.report.facts import Hit, Matrix, Overview
from sweeplens.report.plain import to_plain
from sweeplens.store.snapshot import open_snapshot


def test_account_page_says_what_the_report_says(cli, store: Path) -> None:
    facts = account_evidence(open_snapshot(store), "dealt-a")
    code, out, err = cli("account", "dealt-a")
    assert (code, err) == (0, "")
    assert facts.headline in " ".join(out.split())
    for text in ("high (from the campaign)", "asks in 10 different cells", "192.0.2.7", "org-9", "Mathematics"):
        assert text in out
    assert max(map(len, out.splitlines())) <= 100


def test_account_page_says_its_languages_and_whom_it_is_compared_with(cli) -> None:
    flat = " ".join(cli("account", "lone").out.split())
    assert "languages Asks in English 100 %" in flat
    whom = "compared with the 5 accounts nearest in volume that ask mostly in English (10 distinct prompts)"
    assert f"peers {whom}" in flat
    facts = json.loads(cli("account", "lone", "--format", "json").out)
    assert [(s["language"], s["n_prompts"]) for s in facts["languages"]["shares"]] == [("en", 20)]
    assert facts["peers"]["language"] == facts["languages"]["main"] == "en"


def test_account_as_json_is_the_whole_evidence(cli, store: Path) -> None:
    facts = json.loads(cli("account", "lone", "--format", "json", "--prompts", "3").out)
    assert facts == to_plain(account_evidence(open_snapshot(store), "lone", max_prompts=3))
    assert facts["row"]["first_ts"] == "2026-03-09T09:00:00Z"
    assert (len(facts["prompts"]), facts["prompt_ids"]) == (3, SENT["lone"])


def test_account_without_times_or_signals_says_so(cli) -> None:
    out = cli("account", "=cmd").out
    assert "Has too few prompts to be judged alone: 1 distinct prompt in 3 requests." in out
    assert "Too few prompts for any signal." in out
    assert "The log has no times." in out


def test_hostile_prompts_print_as_plain_text(cli) -> None:
    code, out, _ = cli("cluster", "0")
    flat = " ".join(out.split())
    assert code == 0
    assert "\x1b" not in out
    assert "Fix [bold]this[/bold] \\x1b[31mred\\x1b[0m" in flat
    assert "<script>alert(1)</script>" in flat


def test_cluster_page_and_list(cli, store: Path) -> None:
    facts = cluster_evidence(open_snapshot(store), 3)
    assert facts.headline in " ".join(cli("cluster", "3").out.split())
    listed = cli("cluster").out.splitlines()
    assert [line.split()[0] for line in listed[2:]] == ["0", "1", "2", "3"]
    assert [row["cluster_id"] for row in json.loads(cli("cluster", "--format", "json").out)] == [0, 1, 2, 3]
    assert json.loads(cli("cluster", "3", "--format", "json", "--prompts", "1").out)["row"]["n_requests"] == 25


def test_snapshots_mark_the_current_one(cli, store: Path, tmp_path: Path) -> None:
    current = open_snapshot(store).snapshot_id
    assert f"*  {current}" in cli("snapshots").out
    cli("snapshots", "-o", "list.json")
    (row,) = json.loads((tmp_path / "list.json").read_text())
    assert (row["snapshot_id"], row["current"], row["n_accounts"]) == (current, True, 8)


def test_facts_become_what_json_holds() -> None:
    matrix = Matrix(("a",), ("b",), np.array([[np.nan]], np.float32))
    assert to_plain(matrix) == {"rows": ["a"], "columns": ["b"], "values": [[None]], "everybody": None}
    hit = Hit(1, 0.5, "x", 0, "n", "c", 1, 1, ("a",))
    assert to_plain([hit])[0]["accounts"] == ["a"]
    made = datetime(2026, 3, 1, tzinfo=UTC)
    facts = Overview("s", made, float("inf"), 0, 0, 0, 0, 0, {"high": 0}, None, None, "e", "d")
    assert to_plain(facts)["created"] == "2026-03-01T00:00:00Z"
    assert to_plain(facts)["age_days"] is None
    assert to_plain({"when": np.array(["2026-03-01T09:00", "NaT"], "datetime64[us]")}) == {
        "when": ["2026-03-01T09:00:00", None]
    }


def test_numbers_for_people() -> None:
    from io import BytesIO, StringIO, TextIOWrapper

    from sweeplens.cli.streams import duration, make_console

    ascii_only = TextIOWrapper(BytesIO(), encoding="ascii")
    assert count(1234567, make_console(TextIOWrapper(BytesIO(), encoding="utf-8"))) == "1\u2009234\u2009567"
    assert count(1234567, make_console(ascii_only)) == "1,234,567"
    assert [share(v) for v in (0, 0.004, 0.0995, 0.456, 0.999, 1)] == ["0 %", "0.4 %", "10 %", "46 %", "99 %", "100 %"]
    assert [duration(s) for s in (0.84, 12.4, 200, 7500)] == ["0.8 s", "12 s", "3 min 20 s", "2 h 5 min"]
    drawn = StringIO()
    make_console(drawn).print(make_table("a>", "b:5"))
    assert "a" in drawn.getvalue()
