"""verdicts list, add, export and import."""

import csv
import io
import json
import re
from pathlib import Path

import pytest

from support.small_store import write_small_store
from sweeplens.report.decisions import KEYS
from sweeplens.review import add_verdict, history, latest_verdicts
from sweeplens.review.people import Person, system_person
from sweeplens.review.trade import FIELDS
from sweeplens.store.snapshot import open_snapshot

ABOUT = {"snapshot_id": "s", "detector": "d"}
ANN = Person("ann\x1b[2J@example.com", verified=True)


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cli) -> Path:
    """A store of this test alone, in which `cli` works from now on."""
    store = tmp_path / "own"
    write_small_store(store)
    monkeypatch.setenv("SWEEPLENS_STORE", str(store))
    return store


def test_a_verdict_is_kept_with_what_it_is_about(cli, own: Path) -> None:
    code, out, err = cli("verdicts", "add", "C-01", "confirmed-sweep", "--note", "same list", "--assign", "bob b")
    (kept,) = latest_verdicts(own).values()
    assert (code, out, err) == (0, f"{kept.id}\n", "")
    assert (kept.kind, kept.verdict, kept.note, kept.level) == ("campaign", "confirmed sweep", "same list", "high")
    assert kept.members == ("dealt-a", "dealt-b", "dealt-c")
    assert (kept.snapshot_id, kept.detector) == (open_snapshot(own).snapshot_id, "handmade 1")
    assert (kept.analyst, kept.verified) == (system_person().name, False)
    (row,) = json.loads(cli("campaigns", "--format", "json").out)
    assert (row["state"], row["verdict"], row["assignee"]) == ("confirmed", "confirmed sweep", "bob b")
    rows = [json.loads(line) for line in cli("score", "--format", "jsonl").out.splitlines()]
    assert {r["account_id"] for r in rows if r["state"] == "confirmed"} == set(kept.members)
    assert re.search(r"^high .* dealt-a .* confirmed", cli("score").out, flags=re.M)
    assert re.search(r"^high .* C-01 .* confirmed", cli("campaigns").out, flags=re.M)


@pytest.mark.parametrize("until", ["90d", "12w", "2999-12-31", "2999-12-31T10:00Z"])
def test_until_is_a_date_or_a_span(cli, own: Path, until: str) -> None:
    assert cli("verdicts", "add", "lone", "benign", "--until", until).code == 0
    (kept,) = history(own, "account", "lone")
    assert kept.until is not None
    if until == "90d":
        assert abs((kept.until - kept.at).days - 90) <= 1
    if until == "2999-12-31":
        assert kept.until.isoformat() == "2999-12-31T23:59:59+00:00"


@pytest.mark.parametrize(
    "words",
    [
        ["verdicts", "add", "lone", "evil"], ["verdicts", "add", "lone"], ["verdicts"],
        ["verdicts", "add", "lone", "benign", "--until", "2020-01-01"],
        ["verdicts", "add", "lone", "benign", "--until", "soon"],
        ["verdicts", "add", "lone", "benign", "--kind", "account", "--members", "a"],
        ["verdicts", "add", "C-01", "benign", "--members", " , "],
        ["verdicts", "list", "--state", "closed"], ["verdicts", "export", "--format", "json"],
    ],
)  # fmt: skip
def test_wrong_usage_exits_with_two(cli, own: Path, words: list[str]) -> None:
    assert cli(*words).code == 2
    assert latest_verdicts(own) == {}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["nobody", "benign"], "has no account 'nobody'"),
        (["C-9", "benign", "--kind", "campaign"], "has no campaign 'C-9'"),
        (["lone", "benign", "--members", "a"], "has no campaign 'lone'"),
        (["C-01", "benign", "--members", "dealt-a,lone"], "campaign 'C-01' has no member 'lone': it has 3, such as"),
        (["lone", "unsure", "--until", "9d"], "only benign, benchmark, tenant can end at a date"),
        (["lone", "benign", "--assign", "x" * 201], "the name of an assignee has at most 200 characters"),
        (["lone", "benign", "--note", "x" * 10_001], "a note has at most 10000 characters"),
    ],
)
def test_what_cannot_be_decided_is_one_sentence_and_nothing_is_kept(
    cli, own: Path, words: list[str], said: str
) -> None:
    code, out, err = cli("verdicts", "add", *words)
    assert (code, out) == (1, "")
    assert said in err
    assert err.count("\n") == 1
    assert latest_verdicts(own) == {}


def test_chosen_members_are_decided_one_by_one(cli, own: Path, tmp_path: Path) -> None:
    assert cli("verdicts", "add", "C-01", "benign", "--members", "dealt-c, dealt-a").out == "1\n2\n"
    assert set(latest_verdicts(own)) == {("account", "dealt-a"), ("account", "dealt-c")}
    (tmp_path / "ids.csv").write_text("account_id,x\ndealt-b,1\n", encoding="utf-8")
    assert cli("verdicts", "add", "C-01", "tenant", "--members", "ids.csv").code == 0
    assert latest_verdicts(own)["account", "dealt-b"].verdict == "tenant"


def test_the_verdict_of_somebody_else_is_shown_before_it_is_overwritten(cli, own: Path) -> None:
    theirs = add_verdict(own, "account", "lone", "benign", note="known customer", by=ANN, **ABOUT)
    code, out, err = cli("verdicts", "add", "lone", "confirmed-sweep", "--assign", "bob")
    assert (code, out) == (1, "")
    assert "warning: not overwritten: number 1, benign on account lone by ann\\x1b[2J@example.com, 20" in err
    assert "known customer" in err
    assert "\x1b" not in err
    assert err.endswith("nothing is saved: read that first, then add --seen 1 to overwrite it\n")
    assert history(own, "account", "lone") == [theirs]
    assert cli("verdicts", "list", "--assignee", "bob", "--format", "jsonl").out == ""
    assert cli("verdicts", "add", "lone", "confirmed-sweep", "--seen", "0").code == 1
    code, out, err = cli("verdicts", "add", "lone", "confirmed-sweep", "--seen", "1")
    assert (code, out) == (0, "2\n")
    assert "overwritten: number 1, benign on account lone" in err
    code, out, err = cli("verdicts", "add", "lone", "unsure", "--quiet")  # one's own is overwritten without asking
    assert (code, out, err) == (0, "3\n", "")


def test_a_verdict_that_comes_in_between_is_shown_too(cli, own: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from sweeplens.report import cases

    decide = cases.decision_on

    def slowly(*args, **more):
        add_verdict(own, "account", "lone", "tenant", by=ANN, **ABOUT)
        return decide(*args, **more)

    monkeypatch.setattr(cases, "decision_on", slowly)
    code, out, err = cli("verdicts", "add", "lone", "benign")
    assert (code, out) == (1, "")
    assert "not overwritten: number 1, tenant on account lone" in err
    assert "--seen 1" in err
    assert [v.verdict for v in history(own, "account", "lone")] == ["tenant"]


def test_an_id_of_both_kinds_is_asked_for_its_kind(cli, own: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from sweeplens.cli import verdicts

    monkeypatch.setattr(verdicts, "_kinds", lambda *_: {"account", "campaign"})
    code, _, err = cli("verdicts", "add", "lone", "benign")
    assert code == 1
    assert "'lone' is an account and a campaign: say which with --kind" in err
    assert cli("verdicts", "add", "lone", "benign", "--kind", "account").code == 0


@pytest.fixture
def filled(cli, own: Path) -> Path:
    add_verdict(own, "account", "lone", "unsure", by=ANN, **ABOUT)
    add_verdict(own, "account", "lone", "benign", level="review", note="=1+1", **ABOUT)
    add_verdict(own, "account", "gone", "tenant", by=ANN, **ABOUT)
    add_verdict(own, "account", "shop", "unsure", by=ANN, **ABOUT)
    cli("verdicts", "add", "C-01", "confirmed-sweep", "--assign", "bob")
    return own


@pytest.mark.parametrize(
    ("words", "wanted"),
    [
        ([], ["C-01", "shop", "gone", "lone"]),
        (["--all-history"], ["C-01", "shop", "gone", "lone", "lone"]),
        (["--kind", "campaign"], ["C-01"]),
        (["--kind", "account", "--state", "allowed"], ["lone"]),
        (["--analyst", ANN.name], ["shop", "gone"]),
        (["--analyst", ANN.name, "--all-history"], ["shop", "gone", "lone"]),
        (["--assignee", "bob"], ["C-01"]),
        (["--open"], ["shop"]),
        (["--state", "reopened"], []),
    ],
)
def test_list_filters(cli, filled: Path, words: list[str], wanted: list[str]) -> None:
    rows = json.loads(cli("verdicts", "list", *words, "--format", "json").out)
    assert [row["subject"] for row in rows] == wanted


def test_every_format_of_the_list(cli, filled: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = json.loads(cli("verdicts", "list", "--format", "json").out)
    assert all(tuple(row) == KEYS for row in rows)
    lines = cli("verdicts", "list", "--format", "jsonl").out.splitlines()
    assert [json.loads(line) for line in lines] == rows
    table = list(csv.DictReader(io.StringIO(cli("verdicts", "list", "--format", "csv").out)))
    assert [row["subject"] for row in table] == [row["subject"] for row in rows]
    assert table[-1]["note"] == "'=1+1"
    monkeypatch.setenv("COLUMNS", "80")
    said = cli("verdicts", "list").out
    assert max(map(len, said.splitlines())) <= 80
    assert re.search(r"^confirmed sweep +C-01 +confirmed ", said, flags=re.M)
    assert "\x1b" not in said
    assert cli("verdicts", "list", "-o", "x.parquet").code == 1


@pytest.mark.parametrize("name", ["trail.jsonl", "trail.csv"])
def test_what_is_exported_is_imported(cli, filled: Path, tmp_path: Path, name: str) -> None:
    assert cli("verdicts", "export", "-o", name).code == 0
    other = tmp_path / "other"
    write_small_store(other)
    code, out, err = cli("verdicts", "import", name, "--store", str(other))
    assert (code, out, err) == (0, "", "sweeplens: 5 verdicts added\n")
    assert (
        cli("verdicts", "import", name, "--store", str(other)).err == "sweeplens: 0 verdicts added; 5 there already\n"
    )
    was, now = latest_verdicts(filled), latest_verdicts(other)
    assert was.keys() == now.keys()
    for key, old in was.items():
        assert {**vars(old), "verified": False} == vars(now[key])


def test_export_goes_to_standard_output_and_import_reads_standard_input(
    cli, filled: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = cli("verdicts", "export").out
    assert [json.loads(line)["subject"] for line in out.splitlines()] == ["lone", "lone", "gone", "shop", "C-01"]
    assert all(tuple(json.loads(line)) == FIELDS for line in out.splitlines())
    assert cli("verdicts", "export", "--format", "csv").out.startswith("id,kind,subject,verdict,note,")
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(out.encode())))
    assert cli("verdicts", "import", "-").err == "sweeplens: 0 verdicts added; 5 there already\n"


@pytest.mark.parametrize("words", [["import", "none.jsonl"], ["import", "bad.csv"], ["export", "--store", "no/such"]])
def test_handled_errors_are_one_sentence(cli, own: Path, tmp_path: Path, words: list[str]) -> None:
    (tmp_path / "bad.csv").write_text("kind,subject\n", encoding="utf-8")
    code, out, err = cli("verdicts", *words)
    assert (code, out, err.count("\n")) == (1, "", 1)
    assert latest_verdicts(own) == {}
