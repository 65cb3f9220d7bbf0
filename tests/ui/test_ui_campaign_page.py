"""The pages about campaigns: the list with its filters, and one campaign with everything about it."""

import functools
import json
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest
from ui_app import Open, open_app, texts

from support.grouped_store import SECRET, write_grouped_store
from support.small_store import prompt_text
from sweeplens.report.campaign import campaign_evidence
from sweeplens.review.people import Person
from sweeplens.review.verdicts import Decision, add_verdicts, latest_verdicts
from sweeplens.store.snapshot import Snapshot, open_snapshot
from sweeplens.ui import words

ME = Person("ada", verified=True)
SKELETON = "Write a Python function that sorts list number #"


@pytest.fixture
def grouped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SWEEPLENS_STORE", str(tmp_path))
    write_grouped_store(tmp_path)
    return tmp_path


def opened(store: Path, **params: str) -> AppTest:
    app = open_app(store, "campaign", **params)
    assert not app.exception, [e.message for e in app.exception]
    return app


def table(app: AppTest, column: str) -> Any:
    """Return the first table that has this column."""
    return next(d.value for d in app.dataframe if column in d.value)


def choose(app: AppTest, key: str, rows: list[int], cells: list[tuple[int, str]] | None = None) -> AppTest:
    app.session_state[key] = {"selection": {"rows": rows, "columns": [], "cells": cells or []}}
    app.run()
    assert not app.exception, [e.message for e in app.exception]
    return app


def everything(app: AppTest) -> str:
    """Return all that the server sent: texts, tables and charts."""
    tables = [d.value.to_json(date_format="iso") for d in app.dataframe]
    charts = [json.dumps(json.loads(c.proto.spec)) for c in app.get("plotly_chart")]
    return "\n".join([texts(app), *tables, *charts])


def test_the_list_says_what_stands_out_and_filters_by_label_and_level(open_page: Open) -> None:
    app = open_page("campaign")
    rows = app.dataframe[0].value
    assert list(rows["id"]) == ["C-01", "K-02"]
    assert list(rows["reason"]) == ["Together 15 cells", "Together 10 cells"]
    assert list(rows["state"]) == ["open", "open"]
    assert list(rows["n_accounts"]) == [3, 2]
    app.pills(key="label").set_value(["tenant"]).run()
    assert list(app.dataframe[0].value["id"]) == ["K-02"]
    assert "1 of 2 groups." in texts(app)
    app.pills(key="level").set_value(["high"]).run()
    assert not app.dataframe
    assert "No group matches these filters." in texts(app)


def test_the_filters_of_the_list_come_from_the_address(open_page: Open) -> None:
    app = open_page("campaign", label="one business")
    assert app.pills(key="label").value == ["tenant"]
    assert list(app.dataframe[0].value["id"]) == ["K-02"]
    assert list(open_page("campaign", level="high").dataframe[0].value["id"]) == ["C-01"]


def test_the_state_of_review_stands_in_the_list_and_among_the_members(grouped: Path) -> None:
    snapshot = open_snapshot(grouped)
    decision = Decision(
        "campaign", "C-01", "confirmed sweep", level="high", members=("dealt-a", "dealt-b", "dealt-c"), seen=None
    )
    add_verdicts(grouped, [decision], by=ME, snapshot_id=snapshot.snapshot_id, detector="handmade 1")
    assert list(opened(grouped).dataframe[0].value["state"]) == ["confirmed", "open"]
    assert set(table(opened(grouped, campaign="C-01"), "n_prompts")["state"]) == {"confirmed"}


def test_a_campaign_has_a_head_its_members_and_every_picture(open_page: Open, snapshot: Snapshot) -> None:
    app = open_page("campaign", campaign="C-01")
    evidence = campaign_evidence(snapshot, "C-01")
    said = texts(app)
    assert words.thin(evidence.headline) in said
    assert "29 prompts of the campaign on the map" in said
    assert "On the busiest day 3 of 3 members are at work" in said
    assert "Their mean prompts are typically" in said
    assert len(app.get("plotly_chart")) == 5
    assert list(table(app, "n_prompts")["id"]) == [m.account_id for m in evidence.members]


def test_a_members_reason_is_its_own_and_not_the_campaign(open_page: Open) -> None:
    reasons = table(open_page("campaign", campaign="C-01"), "n_prompts").set_index("id")["reason"]
    assert reasons["dealt-a"].startswith("Asks in 10 different cells")
    assert reasons["dealt-c"] == ""


def test_a_click_opens_a_member(open_page: Open) -> None:
    app = choose(open_page("campaign", campaign="C-01"), "members", [], [(1, "id")])
    assert "Account `dealt-b`" in texts(app)


def test_chosen_members_can_be_compared(open_page: Open) -> None:
    app = open_page("campaign", campaign="C-01")
    assert app.button(key="members-compare").disabled
    choose(app, "members", [0])
    assert app.button(key="members-compare").disabled
    choose(app, "members", [0, 2])
    assert "2 members chosen." in texts(app)
    app.button(key="members-compare").click().run()
    assert not app.exception
    assert app.query_params["accounts"] == ["dealt-a", "dealt-c"]


def test_a_verdict_on_chosen_members_is_saved_for_them_alone(grouped: Path) -> None:
    app = choose(opened(grouped, campaign="C-01"), "members", [0, 2])
    app.selectbox(key="decide-members-verdict").set_value("benign").run()
    app.button(key="decide-members-save").click().run()
    assert not app.exception
    found = latest_verdicts(grouped)
    assert {subject: v.verdict for subject, v in found.items()} == {
        ("account", "dealt-a"): "benign", ("account", "dealt-c"): "benign",
    }  # fmt: skip


def test_the_choice_is_there_again_after_a_look_at_another_page(open_page: Open) -> None:
    app = choose(open_page("campaign", campaign="C-01"), "members", [0, 2])
    choose(app, "members", [0, 2], [(1, "id")])
    assert "Account `dealt-b`" in texts(app)
    assert app.session_state["members-chosen"] == {"C-01": [0, 2]}


def test_templates_say_who_has_them_and_show_a_prompt(open_page: Open) -> None:
    app = open_page("campaign", campaign="C-01")
    rows = table(app, "skeleton")
    at = list(rows["skeleton"]).index(SKELETON)
    assert rows["place"][at] == "whole prompt"
    assert (rows["members"][at], rows["outside"][at]) == (1.0, 0.0)
    assert "Of 29 prompts of 3 members that were compared with 11 of others." in texts(app)
    choose(app, "templates", [], [(at, "skeleton")])
    assert any(code.value.startswith("Write a Python function") for code in app.code)


def test_prompts_of_several_members_are_listed_with_who_else_sent_them(grouped: Path) -> None:
    app = opened(grouped, campaign="K-02")
    rows = table(app, "n_others")
    assert prompt_text(30) in list(rows["text"])
    assert set(rows["n_members"]) == {2}
    assert set(rows["share"]) == {1.0}
    assert dict(zip(rows["text"], rows["n_others"], strict=True))[prompt_text(31)] == 0
    choose(app, "shared", [], [(0, "text")])
    assert any(code.value == rows["text"][0] for code in app.code)
    assert "No two members sent the same prompt" in texts(opened(grouped, campaign="C-01"))


def test_links_say_how_many_members_and_others_have_them(grouped: Path) -> None:
    rows = table(opened(grouped, campaign="C-01"), "value")
    found = {row.kind: (row.value, row.n_members, round(row.share, 2), row.n_others) for row in rows.itertuples()}
    assert found["IP address"] == ("192.0.2.7", 2, 0.67, 0)
    assert found["organisation"] == ("org-9", 2, 0.67, 1)
    assert found["system prompt"][0] == SECRET
    assert "No two members share, or the log does not have: IP prefix, user agent." in texts(
        opened(grouped, campaign="C-01")
    )


def test_hidden_prompts_never_leave_the_server(grouped: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shown = everything(opened(grouped, campaign="C-01")) + everything(opened(grouped, campaign="K-02"))
    assert "Write a Python function" in shown
    assert SECRET in shown
    monkeypatch.setenv("SWEEPLENS_HIDE_PROMPTS", "true")
    for campaign in ("C-01", "K-02"):
        app = opened(grouped, campaign=campaign)
        sent = everything(app)
        for text in ("Write a Python function", "Translate sentence", "Solve integral", "A recipe for", "secret"):
            assert text not in sent
        assert "The text of prompts is hidden here, and templates are made of it." in texts(app)


def test_a_group_with_many_members_says_what_is_drawn(grouped: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    few = functools.partial(campaign_evidence, max_members=2, max_rows=2)
    monkeypatch.setattr("sweeplens.report.campaign.campaign_evidence", few)
    said = texts(opened(grouped, campaign="C-01"))
    assert "The first 2 of 3 members" in said
    assert "show 2 of 3, spread evenly over the list" in said


def test_nothing_is_said_of_thinning_where_all_are_drawn(open_page: Open) -> None:
    assert "spread evenly" not in texts(open_page("campaign", campaign="C-01"))
