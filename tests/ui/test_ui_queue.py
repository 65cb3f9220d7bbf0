"""The queue, driven without a browser: its order, filters, views, marks, and decisions on many rows."""

import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest
from streamlit.util import calc_hash
from ui_app import Open, open_app, texts

from support.altered import Altered, publish, with_column
from support.judged_store import write_judged_store
from support.risen_store import write_risen_store
from support.small_store import write_small_store
from sweeplens.report.queue import account_queue, campaign_queue, overview
from sweeplens.review.assigning import assign
from sweeplens.review.cases import Case
from sweeplens.review.desk import note_visit, save_view, saved_views
from sweeplens.review.people import Person, system_person
from sweeplens.review.verdicts import Verdict, add_verdict
from sweeplens.store.snapshot import Snapshot, open_snapshot
from sweeplens.ui import words
from sweeplens.ui.queueing.saved import from_params, to_params
from sweeplens.ui.tables.queue import review_words

ME = system_person()


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A store of the test's own, to write into."""
    monkeypatch.setenv("SWEEPLENS_STORE", str(tmp_path))
    return tmp_path


def ids(app: AppTest) -> list[str]:
    return list(app.dataframe[0].value["id"]) if app.dataframe else []


def column(app: AppTest, name: str) -> dict[str, str]:
    return dict(zip(ids(app), app.dataframe[0].value[name], strict=True))


def touch(app: AppTest, rows: tuple[int, ...] = (), cell: int | None = None) -> AppTest:
    """Tick rows of the table, and click into one."""
    cells = [] if cell is None else [(cell, "id")]
    app.session_state[app.session_state["queue-table"]] = {
        "selection": {"rows": list(rows), "columns": [], "cells": cells}
    }
    return app.run()


def press(app: AppTest, key: str) -> AppTest:
    return app.button(key=key).click().run()


def back_to_the_queue(app: AppTest, **params: str) -> AppTest:
    """Go to the queue from another page, by the sidebar or by an address."""
    app.query_params.clear()
    for name, value in params.items():
        app.query_params[name] = value
    app._page_hash = calc_hash("queue")
    return app.run()


def decide(store: Path, kind: str, subject: str, verdict: str, **more: object) -> None:
    snapshot = open_snapshot(store)
    add_verdict(store, kind, subject, verdict, snapshot_id=snapshot.snapshot_id, detector="d", **more)


# -- the list ------------------------------------------------


def test_the_queue_ranks_campaigns_and_accounts_in_one_list(open_page: Open, snapshot: Snapshot) -> None:
    app = open_page()
    accounts = [row.account_id for row in account_queue(snapshot)]
    assert sorted(ids(app)) == sorted([*accounts, "C-01"])
    assert [i for i in ids(app) if i != "C-01"] == accounts
    assert ids(app)[0] == "C-01"


def test_a_campaign_stands_above_members_of_its_level_that_score_higher(own: Path) -> None:
    write_judged_store(own, scores={"dealt-b": 0.99})
    assert ids(open_app(own, ""))[:3] == ["C-01", "dealt-b", "dealt-a"]


def test_a_row_says_its_size_its_group_and_its_reasons(open_page: Open) -> None:
    app = open_page()
    assert (column(app, "group")["C-01"], column(app, "group")["dealt-a"]) == ("3 accounts", "in C-01")
    assert column(app, "reason")["dealt-a"] == "Asks in 10 different cells"
    assert column(app, "reason")["=cmd"] == "Too few prompts to be judged alone"
    assert column(app, "n_requests")["C-01"] == 29
    assert str(column(app, "first")["lone"]) == "2026-03-09 09:00:00"


def test_a_row_opens_its_page(open_page: Open) -> None:
    app = touch(open_page(), cell=0)
    assert "Campaign `C-01`" in texts(app)
    assert app.query_params["campaign"] == "C-01"
    app = touch(open_page(show="accounts"), cell=0)
    assert "Account `dealt-a`" in texts(app)
    assert "Campaign `C-01`" in texts(press(open_page(), "queue-first"))


# -- the numbers ------------------------------------------------


def test_the_five_numbers_are_the_reports_and_say_how_they_changed(own: Path) -> None:
    older, newer = write_risen_store(own)
    app, seen, before = open_app(own, ""), overview(newer), overview(older)
    assert [m.label for m in app.metric] == ["Accounts", "Flagged", "Campaigns", "Requests", "Snapshot age"]
    assert [m.value for m in app.metric[:4]] == [
        words.count(n) for n in (seen.n_accounts, seen.n_flagged, seen.n_campaigns, seen.n_requests)
    ]
    changes = (seen.n_accounts - before.n_accounts, seen.n_flagged - before.n_flagged)
    assert changes == (2, 1)
    more = seen.n_requests - before.n_requests
    assert [m.delta for m in app.metric[:4]] == ["+2", "+1", "±0", f"+{more}"]
    assert app.metric[0].proto.delta_description.startswith("since ")
    assert app.metric[4].delta == "under a minute"


def test_without_a_snapshot_before_there_is_no_change(open_page: Open) -> None:
    assert [m.delta for m in open_page().metric] == [""] * 5


def test_the_headline_counts_what_is_open_at_review_or_high(own: Path) -> None:
    write_small_store(own)
    assert "5 open at review or high: 1 campaign, 4 accounts." in texts(open_app(own, ""))
    decide(own, "account", "lone", "confirmed sweep")
    assert "4 open at review or high: 1 campaign, 3 accounts." in texts(open_app(own, ""))
    decide(own, "campaign", "C-01", "confirmed sweep", members=("dealt-a", "dealt-b", "dealt-c"))
    assert "Nothing at review or high is open: 5 decided." in texts(open_app(own, ""))


# -- filters ------------------------------------------------


@pytest.mark.parametrize(
    ("params", "expected"),
    [
        ({"show": "accounts", "id": "DEALT"}, ["dealt-a", "dealt-b", "dealt-c"]),
        ({"level": "watch"}, ["chat-2"]),
        ({"about": "Cooking"}, None),
        ({"about": "Coding", "show": "campaigns"}, ["C-01"]),
        ({"language": "English", "show": "campaigns"}, ["C-01"]),
        ({"since": "2026-03-08"}, ["lone"]),
        ({"until": "2026-03-02", "level": "high", "show": "accounts"}, ["dealt-a", "dealt-b", "dealt-c"]),
        ({"assignee": "me"}, []),
        ({"state": "confirmed"}, []),
        ({"level": "no such level"}, None),
    ],
    ids=lambda value: str(value) if isinstance(value, dict) else "",
)
def test_filters_come_from_the_address(open_page: Open, params: dict[str, str], expected: list[str] | None) -> None:
    found = ids(open_page(**params))
    assert found == expected if expected is not None else len(found) == 9


def test_filters_narrow_the_list_down_and_stand_in_the_address(open_page: Open, snapshot: Snapshot) -> None:
    app = open_page()
    app.multiselect(key="level").set_value(["watch"]).run()
    assert ids(app) == [row.account_id for row in account_queue(snapshot) if row.level == "watch"]
    app.multiselect(key="level").set_value([]).run()
    app.segmented_control(key="show").set_value("campaigns").run()
    assert ids(app) == [row.campaign_id for row in campaign_queue(snapshot)]


def test_free_text_is_looked_for_and_never_stands_in_the_address(open_page: Open) -> None:
    app = open_page()
    app.text_input(key="queue-text").set_value("org-9").run()
    assert ids(app) == ["C-01", "dealt-a", "dealt-b", "chat-1"]
    assert dict(app.query_params) == {}


def test_notes_of_verdicts_are_found(own: Path) -> None:
    write_small_store(own)
    decide(own, "account", "shop", "benign", note="An aggregator that we know")
    app = open_app(own, "")
    app.text_input(key="queue-text").set_value("AGGREGATOR").run()
    assert ids(app) == ["shop"]


def test_models_can_be_chosen_where_the_log_names_them(own: Path) -> None:
    base = write_small_store(own)
    assert "model" not in {box.key for box in press(open_app(own, ""), "queue-more-button").selectbox}
    requests = base.table("requests")
    named = ["nano" if a == "lone" else None for a in requests["account_id"].to_pylist()]
    publish(own, Altered(base, {"requests": with_column(requests, "model", named)}))
    app = press(open_app(own, ""), "queue-more-button")
    app.selectbox(key="model").set_value("nano").run()
    assert ids(app) == ["lone"]


def test_no_match_says_what_to_do(open_page: Open) -> None:
    app = open_page(id="no such id")
    assert not app.dataframe
    assert "Nothing in the queue matches these filters." in texts(app)
    app = press(app, "queue-clear")
    assert len(ids(app)) == 9
    assert "id" not in app.query_params


def test_the_second_row_of_filters_stays_while_one_of_them_is_set(open_page: Open) -> None:
    app = open_page()
    assert not app.selectbox
    app = press(app, "queue-more-button")
    app.selectbox(key="about").set_value("Coding").run()
    assert app.button(key="queue-more-button").disabled
    app.selectbox(key="about").set_value(None).run()
    app = press(app, "queue-more-button")
    assert not app.selectbox


def test_filters_are_kept_while_another_page_is_open(open_page: Open) -> None:
    app = open_page(level="high", show="accounts")
    app.text_input(key="queue-text").set_value("org-9").run()
    assert ids(app) == ["dealt-a", "dealt-b"]
    app = touch(app, cell=1)
    assert "Account `dealt-b`" in texts(app)
    app = back_to_the_queue(app)
    assert ids(app) == ["dealt-a", "dealt-b"]
    assert app.query_params["level"] == "high"


def test_an_address_counts_more_than_what_was_kept(open_page: Open) -> None:
    app = open_page(level="high", show="accounts")
    app.text_input(key="queue-text").set_value("org-9").run()
    app = touch(app, cell=0)
    app = back_to_the_queue(app, level="watch")
    assert ids(app) == ["chat-2"]
    assert not app.text_input(key="queue-text").value


# -- what is new ------------------------------------------------


def test_without_a_visit_the_snapshot_before_says_what_is_new(own: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SWEEPLENS_AUDIT", "0")  # who is drawn depends on the key of the store
    write_risen_store(own)
    app = open_app(own, "")
    assert {k: v for k, v in column(app, "mark").items() if v} == {
        "chat-1": "new", "dealt-c": "new", "lone": "raised", "C-01": "raised",
    }  # fmt: skip
    assert "4 new or raised since the snapshot before" in texts(app)
    app.pills(key="only").set_value(["new"]).run()
    assert sorted(ids(app)) == ["C-01", "chat-1", "dealt-c", "lone"]


def test_what_is_new_is_held_against_the_snapshot_of_the_last_visit(own: Path) -> None:
    older, newer = write_risen_store(own)
    note_visit(own, ME, older.snapshot_id)
    app = open_app(own, "")
    assert "4 new or raised since your last visit" in texts(app)
    assert "4 new or raised since your last visit" in texts(open_app(own, "")), "a reload is the same visit"
    third = publish(own, Altered(newer, {}, parent=older.snapshot_id))
    assert third.snapshot_id != newer.snapshot_id
    assert "none new or raised since your last visit" in texts(open_app(own, ""))


def test_a_visit_whose_snapshot_is_gone_gives_way_to_the_snapshot_before(own: Path) -> None:
    write_risen_store(own)
    note_visit(own, ME, "20200101-000000-00000000")
    app = open_app(own, "")
    assert "4 new or raised since the snapshot before" in texts(app)
    assert "the snapshot of your last visit" in texts(app)


def test_a_store_that_cannot_be_written_keeps_no_visit_and_shows_the_list(
    own: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from sweeplens.errors import StoreError
    from sweeplens.ui.reads import queue as reads

    def refuse(*_: object) -> None:
        raise StoreError("the review file cannot be written")

    write_risen_store(own)
    monkeypatch.setattr(reads, "note_visit", refuse)
    assert "since the snapshot before" in texts(open_app(own, ""))


# -- review ------------------------------------------------


def test_a_row_says_how_its_review_stands_and_whose_it_is(own: Path) -> None:
    write_small_store(own)
    until = datetime.now(UTC) + timedelta(days=30)
    decide(own, "account", "lone", "confirmed sweep", by=Person("ada", verified=True))
    decide(own, "account", "shop", "benign", by=Person("ada", verified=True), until=until)
    decide(own, "account", "chat-2", "benign", by=Person("ada", verified=True), level="none")
    assign(own, [("account", "dealt-a")], "bob", by=ME)
    state = column(open_app(own, ""), "state")
    assert state["lone"] == "confirmed by ada"
    assert state["shop"] == f"allowed to {until.day} {until:%b} by ada"
    assert state["chat-2"] == "reopened: Its level has risen from none to watch since."
    assert state["dealt-a"] == "open"
    # The store's own random key may draw the account for the audit, too.
    assert column(open_app(own, ""), "mark")["dealt-a"].removesuffix(", audit") == "for bob"
    app = open_app(own, "", assignee="bob")
    assert ids(app) == ["dealt-a"]


def test_the_state_of_a_member_names_the_campaign_that_settled_it() -> None:
    verdict = Verdict(1, "campaign", "C-01", "confirmed sweep", "", "a\x1bda", True, datetime.now(UTC), "s", "d")
    assert (
        review_words(Case("account", "a", "confirmed", verdict, through="C-01")) == "confirmed with C-01, by a\\x1bda"
    )
    assert review_words(Case("account", "a")) == "open"


def test_ticked_rows_are_decided_together_and_then_unticked(own: Path) -> None:
    write_small_store(own)
    app = open_app(own, "")
    assert app.button(key="queue-decide").disabled
    app = press(touch(app, rows=(1, 2)), "queue-decide")
    assert "**2 cases chosen**" in texts(app)
    assert "Verdict" in {box.label for box in app.selectbox}
    app.session_state["queue-many-saved"] = 2  # a test drives no dialog further; the browser does
    app = press(app, "queue-decide")
    assert not app.exception
    assert "2 verdicts saved" in texts(app)
    assert app.button(key="queue-decide").disabled


def test_ticks_outlive_filters_and_only_those_in_the_list_are_decided(open_page: Open) -> None:
    app = touch(open_page(), rows=(0, 1))
    assert app.button(key="queue-decide").label == "Decide on 2"
    app.segmented_control(key="show").set_value("campaigns").run()
    assert app.button(key="queue-decide").label == "Decide on 1"
    assert "1 ticked row is not in this list" in texts(app)
    app.segmented_control(key="show").set_value(None).run()
    assert app.button(key="queue-decide").label == "Decide on 2"
    app = press(app, "queue-untick")
    assert app.button(key="queue-decide").disabled


# -- views ------------------------------------------------


def test_ready_made_views_set_the_filters(own: Path) -> None:
    write_small_store(own)
    decide(own, "account", "lone", "confirmed sweep")
    app = press(open_app(own, ""), "view-Open at review or high")
    assert ids(app) == ["C-01", "dealt-a", "dealt-b", "dealt-c"]
    app = press(app, "view-Mine")
    assert ids(app) == []
    app = press(app, "view-everything")
    assert len(ids(app)) == 9
    assert dict(app.query_params) == {}


def test_filters_are_kept_under_a_name_and_dropped(own: Path) -> None:
    write_small_store(own)
    app = open_app(own, "", level="high")
    app.text_input(key="queue-text").set_value("org-9").run()
    app.text_input(key="queue-view-name").set_value("Shared **org**").run()
    app = press(app, "queue-view-keep")
    (view,) = saved_views(own, ME)
    assert (view.name, dict(view.params)) == ("Shared **org**", {"level": ["high"], "text": ["org-9"]})
    app = open_app(own, "")
    button = next(b for b in app.button if b.label == "`Shared **org**`")
    app = button.click().run()
    assert ids(app) == ["C-01", "dealt-a", "dealt-b"]
    app = next(b for b in app.button if b.label == "Delete").click().run()
    assert saved_views(own, ME) == []


def test_views_belong_to_an_analyst(own: Path) -> None:
    write_small_store(own)
    save_view(own, Person("ada"), "Hers", {"level": ["high"]})
    assert not [b for b in open_app(own, "").button if "Hers" in b.label]


def test_a_view_that_an_older_version_kept_says_what_can_still_be_read() -> None:
    params = {"level": ["high", "awful"], "since": ["2026-03-02"], "until": ["soon"], "gone": ["x"], "text": ["a"]}
    values, text = from_params(params)
    assert (values["level"], str(values["since"]), values["until"], text) == (["high"], "2026-03-02", None, "a")
    assert to_params({"level": ["high"], "since": values["since"]}, "a") == {
        "level": ["high"], "since": ["2026-03-02"], "text": ["a"],
    }  # fmt: skip


# -- who may ------------------------------------------------


def test_a_viewer_looks_and_writes_nothing(own: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from sweeplens.ui import access

    write_risen_store(own)
    monkeypatch.setattr(access, "may_write", lambda: False)
    app = open_app(own, "")
    assert len(ids(app)) == 9
    keys = {button.key for button in app.button}
    assert not keys & {"queue-decide", "queue-view-keep"}
    assert not (own / "review.sqlite").exists()


def test_an_empty_snapshot_says_what_to_do(own: Path) -> None:
    base = write_small_store(own)
    nobody = {name: base.table(name).slice(0, 0) for name in ("accounts", "campaigns", "requests", "signals", "curves")}
    publish(own, Altered(base, {**nobody, "links": base.table("links").slice(0, 0)}))
    assert "This snapshot holds no accounts." in texts(open_app(own, ""))


def test_a_parent_that_was_pruned_is_not_missed(own: Path) -> None:
    older, _ = write_risen_store(own)
    older.close()
    shutil.rmtree(older.folder)
    app = open_app(own, "")
    assert [m.delta for m in app.metric] == [""] * 5
    assert len(ids(app)) == 9
