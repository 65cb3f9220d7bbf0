"""The page of decisions: the trail, what is open again, the allow-list, the audit, and who read what."""

import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest
from ui_app import Open, open_app, texts

from sweeplens.review import add_verdict
from sweeplens.review.looks import add_look
from sweeplens.review.people import Person
from sweeplens.ui import access

ANN = Person("ann@example.com", verified=True)
HOSTILE = Person("<b>:red[bob]</b>\u202e")
ABOUT = {"snapshot_id": "20260302-090000-00000000", "detector": "handmade 1"}


@pytest.fixture
def desk(store: Path, tmp_path: Path) -> Path:
    own = Path(shutil.copytree(store, tmp_path / "desk"))
    soon = datetime.now(UTC) + timedelta(days=3)
    add_verdict(own, "account", "lone", "unsure", by=HOSTILE, note="=1+1 ![x](http://x)", **ABOUT)
    add_verdict(own, "account", "lone", "benign", by=ANN, level="review", until=soon, **ABOUT)
    add_verdict(own, "account", "shop", "benign", by=ANN, until=soon + timedelta(days=40), **ABOUT)
    add_verdict(own, "campaign", "C-01", "tenant", by=ANN, members=("dealt-a", "x", "y"), level="high", **ABOUT)
    add_verdict(own, "account", "gone", "confirmed sweep", by=ANN, **ABOUT)
    add_look(own, 5, by=ANN, snapshot_id="s")
    return own


@pytest.fixture
def page(desk: Path, monkeypatch: pytest.MonkeyPatch) -> Open:
    monkeypatch.setenv("SWEEPLENS_STORE", str(desk))
    monkeypatch.setenv("SWEEPLENS_AUDIT", "1.0")

    def open_it(name: str = "decisions", **params: str) -> AppTest:
        app = open_app(desk, name, **params)
        assert not app.exception, [e.message for e in app.exception]
        return app

    return open_it


def tables(app: AppTest) -> list[list[dict[str, object]]]:
    return [frame.value.to_dict("records") for frame in app.dataframe]


def test_the_page_says_what_was_decided_and_what_is_open_again(page: Open) -> None:
    app = page()
    said = texts(app)
    assert "5 verdicts by 2 analysts; 1 case is open again." in said
    assert "**1 case is open again**" in said
    assert "**1 of 2 allow-list entries ends within 14 days**" in said
    again, allowed, trail = tables(app)[:3]
    assert [(r["id"], r["was"]) for r in again] == [("C-01", "tenant")]
    assert str(again[0]["why"]).startswith("2 accounts have joined since: dealt-b, dealt-c; 2 of the 3 members")
    assert [(r["id"], round(float(str(r["days"])))) for r in allowed] == [("lone", 3), ("shop", 43)]
    assert [(r["id"], r["verdict"], r["state"]) for r in trail] == [
        ("gone", "confirmed sweep", "not in snapshot"), ("C-01", "tenant", "reopened"), ("shop", "benign", "allowed"),
        ("lone", "benign", "allowed"), ("lone", "unsure", "replaced"),
    ]  # fmt: skip
    assert [r["analyst"] for r in trail][-2:] == ["ann@example.com", "<b>:red[bob]</b>\\u202e (unverified)"]
    assert "bob" not in said
    assert trail[-1]["note"] == "=1+1 ![x](http://x)"


def test_the_audit_says_how_far_it_is(page: Open) -> None:
    app = page()
    assert "1 of 4 audited accounts reviewed, none a sweep: at most 75 % of the 4 accounts below review" in texts(app)
    assert app.expander[0].label == "3 accounts to audit"


def test_filters_come_from_the_address(page: Open) -> None:
    app = page("decisions", verdict="unsure")
    assert [r["id"] for r in tables(app)[2]] == ["lone"]
    app = page("decisions", kind="campaigns")
    assert [r["id"] for r in tables(app)[2]] == ["C-01"]
    app = page("decisions", analyst=ANN.name)
    assert len(tables(app)[2]) == 4
    app.multiselect(key="verdict").set_value(["benchmark"]).run()
    assert "No verdict matches these filters." in texts(app)


def test_who_read_hidden_prompts_is_for_admins(page: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    app = page()
    assert [e.label for e in app.expander][-1] == "Who read hidden prompts (1)"
    assert [(r["analyst"], r["prompt"]) for r in tables(app)[-1]] == [("ann@example.com", "5")]
    monkeypatch.setattr(access, "visitor", lambda: access.Visitor(ANN, "analyst"))
    assert not any("hidden prompts" in e.label for e in page().expander)


def test_files_are_offered_unless_they_are_switched_off(page: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    from sweeplens.review.trade import read_verdicts
    from sweeplens.ui import downloads

    made: dict[str, bytes] = {}
    monkeypatch.setattr(
        downloads.st, "download_button", lambda _label, make, file_name, **_: made.update({file_name: make()})
    )
    page("decisions", kind="accounts")
    assert {name: len(read_verdicts(data, name)) for name, data in made.items()} == {
        "verdicts.csv": 4, "verdicts.jsonl": 4,
    }  # fmt: skip
    made.clear()
    monkeypatch.setenv("SWEEPLENS_EXPORT", "false")
    app = page()
    assert made == {}
    assert [b.disabled for b in app.button if b.key in {"csv", "jsonl"}] == [True, True]


def test_an_empty_desk_says_what_to_do(open_page: Open) -> None:
    said = texts(open_page("decisions"))
    assert "Nothing is decided yet." in said
    assert "Nobody has left a verdict." in said
    assert "nothing is known" in said
