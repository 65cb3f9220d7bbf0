"""The form for a verdict: what it saves, what it says, and what happens when somebody else was first."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest
from ui_app import texts

from support.small_store import write_small_store
from sweeplens.review import add_verdict, history, latest_verdicts
from sweeplens.review.people import Person
from sweeplens.store.snapshot import open_snapshot

KEY = {"account": "decide-account-", "campaign": "decide-campaign-"}


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    folder = tmp_path / "store"
    write_small_store(folder)
    monkeypatch.setenv("SWEEPLENS_STORE", str(folder))
    return folder


def draw(kind: str, subject: str) -> AppTest:
    script = (
        "from sweeplens.ui import data, deciding\n"
        f"deciding.bar(data.current(), {kind!r}, {subject!r})\n"
    )  # fmt: skip
    return AppTest.from_string(script, default_timeout=60).run()


def draw_many(subjects: list[tuple[str, str]]) -> AppTest:
    script = (
        "from sweeplens.ui import data, deciding\n"
        f"deciding.decide_many(data.current(), {subjects!r})\n"
    )  # fmt: skip
    return AppTest.from_string(script, default_timeout=60).run()


def choose(app: AppTest, verdict: str, note: str = "") -> AppTest:
    next(s for s in app.selectbox if s.label == "Verdict").set_value(verdict)
    next(t for t in app.text_input if t.label == "Note").set_value(note)
    return app.run()


def press(app: AppTest, label: str) -> AppTest:
    next(b for b in app.button if b.label == label).click()
    return app.run()


def labels(app: AppTest) -> list[str]:
    return [b.label for b in app.button]


def names(store: Path) -> tuple[str, str]:
    snapshot = open_snapshot(store)
    campaign = snapshot.table("campaigns").to_pylist()[0]
    return campaign["accounts"][0], campaign["campaign_id"]


def test_a_verdict_is_saved_with_note_level_and_end(store: Path) -> None:
    account, _ = names(store)
    app = choose(draw("account", account), "benign", "a partner's load test")
    assert [d.label for d in app.date_input] == ["Allow until"]
    press(app, "Save")
    assert not app.exception
    (kept,) = history(store, "account", account)
    assert (kept.verdict, kept.note, kept.verified) == ("benign", "a partner's load test", False)
    assert kept.level in {"none", "watch", "review", "high", "insufficient"}
    assert kept.until is not None
    assert timedelta(days=89) < kept.until - datetime.now(UTC) < timedelta(days=92)
    assert "The verdict is saved." in texts(app)
    assert "Benign, allowed until" in texts(app)


def test_a_campaign_keeps_who_its_members_were(store: Path) -> None:
    account, campaign = names(store)
    press(choose(draw("campaign", campaign), "confirmed sweep"), "Save")
    (kept,) = history(store, "campaign", campaign)
    assert account in kept.members
    app = draw("account", account)
    assert f"Confirmed sweep with its campaign {campaign}" in texts(app)


def test_nothing_can_be_saved_without_a_verdict(store: Path) -> None:
    app = draw("account", names(store)[0])
    (save,) = [b for b in app.button if b.label == "Save"]
    assert save.disabled
    assert "No verdict yet." in texts(app)
    assert not latest_verdicts(store)


def test_the_second_of_two_sees_the_first_ones_verdict_before_it_overwrites(store: Path) -> None:
    account, _ = names(store)
    app = choose(draw("account", account), "confirmed sweep", "mine")
    about = {"snapshot_id": open_snapshot(store).snapshot_id, "detector": "shipped 1"}
    add_verdict(store, "account", account, "benign", note="ann's reason", by=Person("ann", True), **about)
    press(app, "Save")
    assert [v.verdict for v in history(store, "account", account)] == ["benign"]
    assert "Not saved" in texts(app)
    assert "benign by ann" in texts(app)
    assert "ann's reason" in texts(app)
    press(app, "Save mine as the last word")
    assert [v.verdict for v in history(store, "account", account)] == ["confirmed sweep", "benign"]
    assert history(store, "account", account)[0].note == "mine"
    assert "Not saved" not in texts(app)


def test_leaving_a_conflict_saves_nothing_and_keeps_what_was_typed(store: Path) -> None:
    account, _ = names(store)
    app = choose(draw("account", account), "unsure", "mine")
    about = {"snapshot_id": open_snapshot(store).snapshot_id, "detector": "shipped 1"}
    add_verdict(store, "account", account, "benign", by=Person("ann"), **about)
    press(press(app, "Save"), "Leave it")
    assert [v.verdict for v in history(store, "account", account)] == ["benign"]
    assert next(t for t in app.text_input if t.label == "Note").value == "mine"


def test_many_are_decided_at_once_or_none(store: Path) -> None:
    accounts = open_snapshot(store).table("accounts")["account_id"].to_pylist()[:3]
    app = choose(draw_many([("account", a) for a in accounts]), "tenant")
    about = {"snapshot_id": open_snapshot(store).snapshot_id, "detector": "shipped 1"}
    add_verdict(store, "account", accounts[1], "unsure", by=Person("ann"), **about)
    press(app, "Save")
    assert set(latest_verdicts(store)) == {("account", accounts[1])}
    press(app, "Save mine as the last word")
    assert {v.verdict for v in latest_verdicts(store).values()} == {"tenant"}
    assert "3 verdicts are saved." in texts(app)


def test_a_case_is_given_to_somebody_and_taken_back(store: Path) -> None:
    from sweeplens.review.assigning import assignees

    account, _ = names(store)
    app = draw("account", account)
    box = next(s for s in app.selectbox if s.label == "Assigned to")
    box.set_value(box.options[0].removesuffix(" (me)"))
    app.run()
    assert set(assignees(store)) == {("account", account)}
    next(s for s in app.selectbox if s.label == "Assigned to").set_value(None)
    app.run()
    assert assignees(store) == {}


def test_a_viewer_sees_the_state_but_no_form(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from sweeplens.ui import access

    account, _ = names(store)
    monkeypatch.setattr(access, "visitor", lambda: access.Visitor(Person("vera", True), "viewer"))
    app = draw("account", account)
    assert "Save" not in labels(app)
    assert "No verdict yet." in texts(app)


def test_a_store_that_cannot_be_written_says_so(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from sweeplens.errors import StoreError
    from sweeplens.ui import deciding

    def refuse(*_: object, **__: object) -> None:
        raise StoreError("the review file cannot be written: read-only file system")

    monkeypatch.setattr(deciding, "add_verdicts", refuse)
    app = press(choose(draw("account", names(store)[0]), "unsure"), "Save")
    assert "The review file cannot be written: read-only file system." in texts(app)
