"""Every page on the small store: what it says, its filters, its deep links."""

import json
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest
from ui_app import Open, open_app, texts

from support.fast_store import write_fast_store
from support.judged_store import P, Q, write_judged_store
from sweeplens.report.account import account_evidence
from sweeplens.report.campaign import campaign_evidence
from sweeplens.report.cluster import cluster_table
from sweeplens.report.queue import account_queue, overview
from sweeplens.store.snapshot import Snapshot
from sweeplens.text import content_hash
from sweeplens.ui import words
from sweeplens.ui.main import doubts

SEARCH = "Search in these prompts"


def click_cell(app: AppTest, key: str, row: int) -> AppTest:
    """Click into a row of a table."""
    app.session_state[key] = {"selection": {"rows": [], "columns": [], "cells": [(row, "id")]}}
    return app.run()


def labelled(widgets: Iterable[Any], label: str) -> Any:
    return next(w for w in widgets if w.label == label)


def shown_columns(app: AppTest, *names: str) -> list[str]:
    """Return which of these columns the first table shows."""
    columns = json.loads(app.dataframe[0].proto.columns)
    return [name for name in names if not (columns.get(name) or {}).get("hidden")]


def ids(app: AppTest) -> list[str]:
    return list(app.dataframe[0].value["id"])


@pytest.mark.parametrize("account_id", ["lone", "dealt-a", "chat-1", "=cmd", "dealt-c"])
def test_every_account_has_a_page_with_the_headline_of_the_report(
    open_page: Open, snapshot: Snapshot, account_id: str
) -> None:
    app = open_page("account", account=account_id)
    evidence = account_evidence(snapshot, account_id)
    assert words.thin(evidence.headline) in texts(app)
    assert len(app.get("plotly_chart")) >= 5
    prompts = next(d.value for d in app.dataframe if "text" in d.value)
    assert len(prompts) == len(evidence.prompts)


def test_the_account_page_without_an_account_lists_all(open_page: Open, snapshot: Snapshot) -> None:
    app = open_page("account")
    assert ids(app) == [row.account_id for row in account_queue(snapshot)]
    app = click_cell(app, "accounts", ids(app).index("lone"))
    assert "Account `lone`" in texts(app)


def test_prompts_of_an_account_can_be_searched_and_ordered(open_page: Open) -> None:
    app = open_page("account", account="lone")
    labelled(app.text_input, SEARCH).set_value("FRENCH").run()
    found = next(d.value for d in app.dataframe if "text" in d.value)
    assert len(found) == 5
    assert all("French" in text for text in found["text"])
    labelled(app.text_input, SEARCH).set_value("no such words").run()
    assert "No prompt here has these words." in texts(app)
    labelled(app.text_input, SEARCH).set_value("").run()
    labelled(app.segmented_control, "Order").set_value("time").run()
    first = next(d.value for d in app.dataframe if "text" in d.value)["first"]
    assert first.is_monotonic_increasing


def test_an_unknown_account_is_answered_with_those_that_look_like_it(open_page: Open) -> None:
    said = texts(open_page("account", account="lonee"))
    assert "This cannot be shown" in said
    assert "did you mean lone?" in said


def test_a_campaign_has_its_members_and_charts(open_page: Open, snapshot: Snapshot) -> None:
    app = open_page("campaign", campaign="C-01")
    evidence = campaign_evidence(snapshot, "C-01")
    assert words.thin(evidence.headline) in texts(app)
    assert ids(app) == [m.account_id for m in evidence.members]
    assert len(app.get("plotly_chart")) == 5
    app.segmented_control(key="ground-by").set_value("cluster").run()
    assert not app.exception
    app = click_cell(app, "members", 1)
    assert f"Account `{evidence.members[1].account_id}`" in texts(app)


def test_the_campaigns_page_lists_groups_of_every_label(open_page: Open) -> None:
    app = open_page("campaign")
    assert ids(app) == ["C-01", "K-02"]
    assert list(app.dataframe[0].value["label"]) == ["sweep", "one business"]
    app = click_cell(app, "campaigns", 1)
    assert "Campaign `K-02`" in texts(app)


def test_the_cluster_table_sorts_and_filters(open_page: Open, snapshot: Snapshot) -> None:
    app = open_page("clusters")
    rows = cluster_table(snapshot)
    assert [int(i) for i in ids(app)] == [r.cluster_id for r in rows]
    app.segmented_control(key="order").set_value("flagged").run()
    shares = list(app.dataframe[0].value["flagged"])
    assert shares == sorted(shares, reverse=True)
    app.selectbox(key="capability").set_value("Coding").run()
    assert [int(i) for i in ids(app)] == [r.cluster_id for r in rows if r.capability == "coding"]


def test_a_cluster_has_its_terms_exemplars_and_accounts(open_page: Open) -> None:
    app = open_page("clusters", cluster="1")
    said = texts(app)
    assert "Cluster 1 `translate, french`" in said
    assert "translate · french" in said
    tables = [list(d.value.columns) for d in app.dataframe]
    assert any("of_cluster" in columns for columns in tables)
    assert sum("text" in columns for columns in tables) == 2


@pytest.mark.parametrize("cluster", ["99", "abc", "-1", "١"])
def test_a_cluster_that_does_not_exist_is_said_in_a_sentence(open_page: Open, cluster: str) -> None:
    assert "This cannot be shown" in texts(open_page("clusters", cluster=cluster))


@pytest.mark.parametrize("colour", ["capability", "cluster", "level"])
def test_the_map_has_one_picture_and_says_what_to_do(open_page: Open, colour: str) -> None:
    app = open_page("map", colour=colour)
    assert len(app.get("plotly_chart")) == 1
    assert "Nothing is selected." in texts(app)


@pytest.mark.parametrize(("name", "value"), [("account", "lone"), ("campaign", "C-01"), ("cluster", "2")])
def test_the_map_lights_what_the_address_names(open_page: Open, name: str, value: str) -> None:
    app = open_page("map", **{name: value})
    assert value in texts(app)
    assert any("text" in d.value for d in app.dataframe)


def test_a_selection_of_the_map_is_listed_until_it_is_cleared(open_page: Open) -> None:
    app = open_page("map")
    app.session_state["map-drawn"] = {"box": [{"x": [0.5, 2.0], "y": [-1.0, 1.0]}], "lasso": []}
    app.run()
    assert "selected" in texts(app)
    assert set(next(d.value for d in app.dataframe if "text" in d.value)["cluster"]) >= {"python, function"}
    app.segmented_control(key="colour").set_value("level").run()
    assert "selected" in texts(app)
    app.button(key="map-clear").click().run()
    assert "Nothing is selected." in texts(app)


def test_a_search_without_its_encoder_says_so_and_keeps_the_map(open_page: Open) -> None:
    app = open_page("map")
    app.text_input(key="map-search").set_value("anything").run()
    assert not app.exception
    assert "The search is not possible" in texts(app)
    assert len(app.get("plotly_chart")) == 1


def test_a_search_lights_the_nearest_prompts_nearest_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SWEEPLENS_STORE", str(tmp_path))
    write_fast_store(tmp_path)
    app = open_app(tmp_path, "map")
    app.text_input(key="map-search").set_value("solve an integral").run()
    assert not app.exception
    assert "nearest to what you looked for" in texts(app)
    prompts = next(d.value for d in app.dataframe if "text" in d.value)
    assert all("integral" in text for text in prompts["text"][:10])
    assert "solve" not in str(app.query_params)


def test_hostile_prompts_and_ids_appear_as_plain_text_only(open_page: Open) -> None:
    app = open_page("account", account="dealt-b")
    table = next(d.value for d in app.dataframe if "text" in d.value)
    at = next(i for i, text in enumerate(table["text"]) if "<script>" in text)
    assert "\x1b" not in table["text"][at]
    app = click_cell(app, f"prompts-{content_hash('dealt-b')[:8]}-table", at)
    assert any("<script>alert(1)</script>" in code.value and "\\x1b" in code.value for code in app.code)
    assert not any("<script>" in m.value for m in (*app.markdown, *app.caption))


def test_p_and_q_stand_where_there_are_any(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SWEEPLENS_STORE", str(tmp_path))
    write_judged_store(tmp_path)
    queue = open_app(tmp_path, "")
    table = queue.dataframe[0].value.set_index("id")
    assert {i: table.loc[i, "p"] for i in P if i in table.index} == {i: p for i, p in P.items() if i != "K-02"}
    assert {i: table.loc[i, "q"] for i in Q if i in table.index} == {i: q for i, q in Q.items() if i != "K-02"}
    assert shown_columns(queue, "p", "q") == ["p", "q"]
    groups = open_app(tmp_path, "campaign")
    assert list(groups.dataframe[0].value["p"]) == [P["C-01"], P["K-02"]]
    assert shown_columns(groups, "p", "q") == ["p", "q"]
    page = open_app(tmp_path, "campaign", campaign="C-01")
    assert "score 0.93 · p 0.002 · q 0.01" in texts(page)
    assert any("0.2 % or fewer are as strong" in (c.help or "") for c in page.caption)
    assert shown_columns(page, "p", "q") == ["p", "q"]
    account = open_app(tmp_path, "account", account="lone")
    assert "p 0.0008 · q 0.004" in texts(account)
    assert any("0.1 % or fewer score as high" in (c.help or "") for c in account.caption)


def test_without_p_and_q_nothing_is_said_of_them(open_page: Open) -> None:
    for page in (open_page(), open_page("campaign"), open_page("campaign", campaign="C-01")):
        assert shown_columns(page, "p", "q") == []
    assert " · p " not in texts(open_page("account", account="lone"))


def test_what_kin_and_campaign_add_stands_among_all_signals(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SWEEPLENS_STORE", str(tmp_path))
    write_judged_store(tmp_path)
    app = open_app(tmp_path, "account", account="dealt-a")
    signals = next(d.value for d in app.dataframe if "median" in d.value)
    assert list(signals["label"][:2]) == ["its campaign", "accounts that ask alike"]
    assert list(signals["weight"][:2]) == [2.0, 1.75]


@pytest.mark.parametrize(
    ("facts", "doubt"),
    [
        ({"reference": None, "detector": {"fallback": False}}, "No benign reference fits the detector"),
        ({"reference": None, "detector": {"fallback": True}}, "No detector was trained for this encoder"),
        ({"reference": {"accounts": 9}, "detector": {}}, None),
        ({"detector": {}}, None),
    ],
)
def test_a_snapshot_without_a_reference_says_that_it_has_no_p(
    snapshot: Snapshot, facts: dict[str, Any], doubt: str | None
) -> None:
    seen = replace(overview(snapshot), n_accounts=500)
    said = doubts(SimpleNamespace(manifest=facts), seen, 0.0)  # type: ignore[arg-type] # a manifest is all it reads
    assert [s.startswith(doubt) for s in said] == [True] if doubt else said == []


def test_an_account_says_its_languages_and_whom_it_is_compared_with(open_page: Open) -> None:
    captions = [c.value for c in open_page("account", account="lone").caption]
    line = (
        "Asks in English 100 % · compared with the 5 accounts nearest in volume that ask mostly in English "
        "(10 distinct prompts)"
    )
    assert line in captions


def test_the_sidebar_names_the_snapshot_and_its_doubts(open_page: Open, snapshot: Snapshot) -> None:
    said = texts(open_page())
    assert snapshot.snapshot_id in said
    assert "peers say little in so small a log" in said
