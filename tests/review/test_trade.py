"""Verdicts as files: what is written is read back, and what is no verdict is said with its line."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sweeplens.detect.detector import LEVELS
from sweeplens.review import add_verdict
from sweeplens.review.people import Person
from sweeplens.review.trade import (
    FIELDS,
    Imported,
    TradeError,
    import_verdicts,
    read_verdicts,
    write_csv,
    write_jsonl,
)
from sweeplens.review.verdicts import VERDICTS, Verdict, all_verdicts, latest_verdicts
from sweeplens.store.tombstones import add_tombstones

ABOUT = {"snapshot_id": "20260302-090000-00000000", "detector": "shipped 1"}
WRITERS = (write_jsonl, write_csv)
_TEXT = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12)
_HOSTILE = st.sampled_from(
    ["=cmd", "'=x", "''-1", '"quoted"', '"', "a\x1b[2Jb", "\u202eevil", "l1\nl2", "\t", "-", "1,2"]
)
_WORDS = _TEXT | _HOSTILE
_PAST = st.datetimes(datetime(2020, 1, 1), datetime(2025, 1, 1)).map(lambda t: t.replace(tzinfo=UTC))  # noqa: DTZ001


@st.composite
def some_verdict(draw: st.DrawFn) -> Verdict:
    kind = draw(st.sampled_from(["account", "campaign"]))
    word = draw(st.sampled_from(VERDICTS))
    allows = word in {"benign", "benchmark", "tenant"}
    return Verdict(
        id=0,
        kind=kind,
        subject=draw(_WORDS),
        verdict=word,
        note=draw(_WORDS).strip(),
        analyst=draw(_WORDS),
        verified=False,
        at=draw(_PAST),
        snapshot_id=draw(_WORDS),
        detector=draw(_WORDS),
        inclusion=draw(st.none() | st.floats(0.001, 1.0)),
        until=draw(st.none() | _PAST) if allows else None,
        level=draw(st.none() | st.sampled_from(LEVELS)),
        members=tuple(draw(st.lists(_WORDS, max_size=3))) if kind == "campaign" else (),
    )


@given(st.lists(some_verdict(), min_size=1, max_size=4))
def test_what_is_written_is_read_back(found: list[Verdict]) -> None:
    for write in WRITERS:
        assert read_verdicts(write(found), "f") == found


def test_jsonl_is_ascii_and_csv_disarms_formulas_and_controls(tmp_path: Path) -> None:
    add_verdict(tmp_path, "account", "=cmd", "benign", note="-1\nsecond", **ABOUT)
    add_verdict(tmp_path, "account", "a\x1b[2J", "unsure", note="ü", **ABOUT)
    found = all_verdicts(tmp_path)
    assert write_jsonl(found).isascii()
    text = write_csv(found).decode()
    assert "\x1b" not in text
    assert ",'=cmd," in text
    assert ',"\'-1\nsecond",' in text


@pytest.mark.parametrize("write", WRITERS)
def test_a_store_takes_over_another_ones_trail(tmp_path: Path, write) -> None:
    here, there = tmp_path / "here", tmp_path / "there"
    here.mkdir()
    there.mkdir()
    boss = Person("ann@example.com", verified=True)
    soon = datetime.now(UTC) + timedelta(days=9)
    add_verdict(here, "account", "a", "benign", by=boss, until=soon, level="review", inclusion=0.02, **ABOUT)
    add_verdict(here, "campaign", "C-1", "confirmed sweep", note="n", members=("a", "b"), level="high", **ABOUT)
    old = all_verdicts(here)
    assert import_verdicts(there, read_verdicts(write(old), "f")) == Imported(2, 0, 0)
    new = all_verdicts(there)
    assert [{**vars(v), "verified": False} for v in old] == [vars(v) for v in new]
    assert import_verdicts(there, read_verdicts(write(old), "f")) == Imported(0, 2, 0)
    assert import_verdicts(here, read_verdicts(write(old), "f")) == Imported(0, 2, 0)
    assert [v.verified for v in all_verdicts(here)] == [False, True]


def test_an_older_verdict_that_is_imported_does_not_become_the_last(tmp_path: Path) -> None:
    mine = add_verdict(tmp_path, "account", "a", "benign", **ABOUT)
    line = {"kind": "account", "subject": "a", "verdict": "unsure", "analyst": "bob", "at": "2024-05-01T10:00:00Z"}
    twice = f"{json.dumps(line)}\n\n{json.dumps(line)}\n".encode()
    assert import_verdicts(tmp_path, read_verdicts(twice, "f")) == Imported(1, 1, 0)
    assert latest_verdicts(tmp_path) == {("account", "a"): mine}
    assert [v.analyst for v in all_verdicts(tmp_path)] == [mine.analyst, "bob"]
    assert [(v.snapshot_id, v.detector) for v in all_verdicts(tmp_path)][1] == ("unknown", "unknown")
    again = add_verdict(tmp_path, "account", "a", "tenant", seen=mine.id, **ABOUT)  # the imported one is not in its way
    assert latest_verdicts(tmp_path) == {("account", "a"): again}


def test_what_was_erased_does_not_come_back(tmp_path: Path) -> None:
    when = datetime(2026, 2, 1, tzinfo=UTC)
    add_tombstones(tmp_path, ["gone"], round(when.timestamp() * 1e6))
    rows = [
        ("account", "gone", "2026-01-31T00:00:00Z", None),
        ("account", "gone", "2026-02-02T00:00:00Z", None),
        ("campaign", "C-1", "2026-01-31T00:00:00Z", ["gone", "here"]),
    ]
    lines = [
        {"kind": k, "subject": s, "verdict": "benign", "analyst": "ann", "at": at, "members": members}
        for k, s, at, members in rows
    ]
    found = read_verdicts("\n".join(map(json.dumps, lines)).encode(), "f")
    assert import_verdicts(tmp_path, found) == Imported(2, 0, 1)
    assert [(v.subject, v.members) for v in all_verdicts(tmp_path)] == [("gone", ()), ("C-1", ("here",))]


GOOD = {"kind": "account", "subject": "a", "verdict": "benign", "analyst": "ann", "at": "2026-01-01T00:00:00Z"}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"kind": "cluster"}, "a verdict is on one of account, campaign, but not on 'cluster'"),
        ({"verdict": "evil"}, "a verdict is one of confirmed sweep, benign"),
        ({"subject": ""}, "must have a value for subject, but has none"),
        ({"analyst": None}, "must have a value for analyst, but has none"),
        ({"subject": 7}, "must have text for subject, but has '7'"),
        ({"subject": "a\ud800"}, "must have text for subject"),
        ({"at": "yesterday"}, "must have a time for at such as 2026-03-01T09:30:00Z, but has 'yesterday'"),
        ({"at": "2999-01-01"}, "must have a time in `at` that is past, but has '2999-01-01'"),
        ({"until": 5}, "must have a time for until"),
        ({"verdict": "unsure", "until": "2027-01-01"}, "only benign, benchmark, tenant can end at a date"),
        ({"inclusion": "often"}, "must have a number for inclusion, but has 'often'"),
        ({"inclusion": 0}, "above 0 and at most 1"),
        ({"inclusion": True}, "must have a number for inclusion"),
        ({"level": "severe"}, "a level is one of insufficient"),
        ({"members": ["b"]}, "only a campaign has members"),
        ({"members": "b"}, "must have a list of ids for members"),
        ({"members": ["b", ""]}, "must have a list of ids for members"),
        ({"state": "open"}, "must have no other fields than id, kind"),
        ({"note": "x" * 10_001}, "a note has at most 10000 characters"),
    ],
)  # fmt: skip
def test_a_line_that_is_no_verdict_is_named(change: dict[str, object], said: str) -> None:
    text = f"{json.dumps(GOOD)}\n{json.dumps(GOOD | change)}\n"
    with pytest.raises(TradeError, match=r"line 2 of the verdicts f\.jsonl") as caught:
        read_verdicts(text.encode(), "f.jsonl")
    assert said in str(caught.value)
    assert len(str(caught.value)) < 300


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"\xff\xfe", "must be text in UTF-8"),
        (b"", "line 1 of the verdicts f must be a header with kind, subject, verdict, analyst, at, or a JSON object"),
        (b"kind,subject\naccount,a\n", "must be a header with kind"),
        (b"kind,subject,verdict,analyst,at,at\n", "must name each column once"),
        (b"kind,subject,verdict,analyst,at\naccount,a\n", "line 2 of the verdicts f must have 5 fields as"),
        (b'kind,subject,verdict,analyst,at\naccount,"a"b,c,d,e\n', "line 2 of the verdicts f must be CSV, but"),
        (b'{"kind": "account"\n', "line 1 of the verdicts f must be a JSON object, but it is"),
        (b'{"a": 1}\n[2]\n', "line 1 of the verdicts f must have no other fields"),
    ],
)  # fmt: skip
def test_a_file_that_holds_no_verdicts_is_said(data: bytes, said: str) -> None:
    with pytest.raises(TradeError) as caught:
        read_verdicts(data, "f")
    assert said in str(caught.value)


def test_a_hand_made_csv_needs_five_columns() -> None:
    text = "\ufeffanalyst,at,kind,subject,verdict,note\nann,2026-01-01,account,a,confirmed sweep,'tis\n"
    (found,) = read_verdicts(text.encode(), "f")
    assert (found.at, found.note, found.verdict) == (datetime(2026, 1, 1, tzinfo=UTC), "'tis", "confirmed sweep")
    assert set(FIELDS) >= {"analyst", "at", "kind", "subject", "verdict", "note", "members", "inclusion"}


def test_import_is_all_or_nothing(tmp_path: Path) -> None:
    bad = [Verdict(0, "account", "a", "benign", "", "ann", False, datetime(2026, 1, 1, tzinfo=UTC), "s", "d")]
    bad.append(Verdict(0, "cluster", "b", "benign", "", "ann", False, datetime(2026, 1, 2, tzinfo=UTC), "s", "d"))
    with pytest.raises(Exception, match="CHECK constraint"):
        import_verdicts(tmp_path, bad)
    assert all_verdicts(tmp_path) == []
