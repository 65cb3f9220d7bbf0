"""Accounts side by side: what the address names, adding and removing one, and what cannot be shown."""

import json
from typing import Any

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest
from test_ui_account_page import figures, keyed
from ui_app import Open, texts

from sweeplens.report.account import account_evidence
from sweeplens.report.compare import compare_accounts
from sweeplens.report.ground import map_points
from sweeplens.report.queue import account_queue
from sweeplens.store.snapshot import Snapshot
from sweeplens.ui.charts import compare as charts
from sweeplens.ui.theme import PALETTES, palette

P = palette("light")


def open_compare(open_page: Open, *ids: str, **params: str) -> AppTest:
    return open_page("compare", accounts=list(ids), **params)


def table_with(app: AppTest, column: str) -> Any:
    return next(d.value for d in app.dataframe if column in d.value)


def column_names(app: AppTest, column: str) -> list[str]:
    """Labels of the accounts' columns in the first table that has this column."""
    table = next(d for d in app.dataframe if column in d.value)
    columns = json.loads(table.proto.columns)
    return [columns[name]["label"] for name in table.value.columns if name.startswith("a") and name[1:].isdigit()]


def test_accounts_stand_side_by_side_with_the_headline_of_the_report(open_page: Open, snapshot: Snapshot) -> None:
    ids = ["dealt-a", "dealt-b", "lone"]
    app = open_compare(open_page, *ids)
    found = compare_accounts(snapshot, [account_evidence(snapshot, a) for a in ids])
    assert found.headline in texts(app)
    assert len(figures(app)) == 4
    assert column_names(app, "apart") == ids
    assert list(table_with(app, "apart")["label"]) == [d.label for d in found.differences]
    assert len(table_with(app, "similarity")) == 3


def test_all_panels_have_the_same_scales(open_page: Open) -> None:
    curves, profiles, _, orders = figures(open_compare(open_page, "dealt-a", "lone"))
    assert curves["layout"]["yaxis"]["range"] == curves["layout"]["yaxis2"]["range"]
    for figure in (curves, profiles, orders):
        matched = [
            axis.get("matches") for name, axis in figure["layout"].items() if name.startswith(("xaxis", "yaxis"))
        ]
        assert len(matched) == 4
        assert sum(m is not None for m in matched) == 2  # the second panel's axes follow the first one's


def test_an_account_is_added_and_removed(open_page: Open, snapshot: Snapshot) -> None:
    app = open_compare(open_page, "dealt-a", "lone")
    add = app.selectbox[0]
    assert len(add.options) == len(account_queue(snapshot))
    add.set_value("chat-1").run()
    assert app.query_params["accounts"] == ["dealt-a", "lone", "chat-1"]
    assert column_names(app, "apart") == ["dealt-a", "lone", "chat-1"]
    keyed(app.button, "compare-remove-0").click().run()
    assert app.query_params["accounts"] == ["lone", "chat-1"]
    keyed(app.button, "compare-open-1").click().run()
    assert app.query_params["account"] == "chat-1"


def test_four_are_the_most(open_page: Open) -> None:
    app = open_compare(open_page, "dealt-a", "dealt-b", "dealt-c", "lone", "shop")
    assert "The address names 5 accounts; the first 4 are shown." in texts(app)
    assert column_names(app, "apart") == ["dealt-a", "dealt-b", "dealt-c", "lone"]
    assert not app.selectbox


def test_unknown_ids_are_said_and_the_rest_is_shown(open_page: Open) -> None:
    app = open_compare(open_page, "lone", "<b>nobody</b>", "shop")
    assert "Not in this snapshot: <b>nobody</b>." in texts(app)
    assert len(figures(app)) == 4
    assert not any("<b>" in m.value for m in app.markdown)


def test_with_one_account_those_on_like_ground_are_offered(open_page: Open, snapshot: Snapshot) -> None:
    app = open_compare(open_page, "shop")
    assert "Choose a second account, to stand beside shop." in texts(app)
    near = [n.account_id for n in account_evidence(snapshot, "shop").nearest]
    assert list(table_with(app, "similarity")["id"]) == near
    app.session_state["compare-nearest"] = {"selection": {"rows": [], "columns": [], "cells": [(0, "id")]}}
    app.run()
    assert app.query_params["accounts"] == ["shop", near[0]]


def test_without_accounts_it_says_how_to_begin(open_page: Open) -> None:
    app = open_page("compare")
    assert "Choose two to four accounts" in texts(app)
    assert not figures(app)


def test_signals_can_stand_by_their_place_among_peers(open_page: Open) -> None:
    app = open_compare(open_page, "dealt-a", "chat-1", by="peers")
    table = table_with(app, "apart")
    assert next(iter(table["label"])) == "ground covered"
    assert table["a0"][0].endswith("above 20 %")
    assert table["a1"][0].endswith("above 0 %")


def test_prompts_in_common_are_listed_and_hidden_where_they_must(
    open_page: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = open_compare(open_page, "shop", "chat-1")
    shared = table_with(app, "text")
    assert shared["text"][0] == "A recipe for soup number 30"
    assert (shared["a0"][0], shared["a1"][0]) == (3, 3)
    monkeypatch.setenv("SWEEPLENS_HIDE_PROMPTS", "true")
    hidden = table_with(open_compare(open_page, "shop", "chat-1"), "text")
    assert not hidden["text"].str.contains("soup").any()


@pytest.mark.parametrize("mode", PALETTES)
def test_the_charts_are_drawn_in_the_colours_of_the_theme(snapshot: Snapshot, mode: str) -> None:
    p, ids = palette(mode), ["lone", "=cmd"]
    found = [account_evidence(snapshot, a) for a in ids]
    drawn = [
        charts.draw_curves(p, ids, [e.curve for e in found]),
        charts.draw_profiles(p, ids, [e.capabilities for e in found]),
        charts.draw_grounds(p, ids, map_points(snapshot), [e.prompt_ids for e in found], "title"),
        charts.draw_orders(p, ids, [e.order for e in found], [e.timeline for e in found], by_time=True),
    ]
    for chart in drawn:
        assert chart.figure.layout.template.layout.paper_bgcolor == p.ground
        assert chart.title
        assert [a.text for a in chart.figure.layout.annotations][:2] == ids


def test_every_request_is_in_the_raster_of_its_account(snapshot: Snapshot) -> None:
    found = [account_evidence(snapshot, a) for a in ("chat-1", "shop")]
    chart = charts.draw_orders(
        P, ["chat-1", "shop"], [e.order for e in found], [e.timeline for e in found], by_time=True,
        clusters={0: "code", 2: "maths", 3: "<i>soup</i>"},
    )  # fmt: skip
    assert [int(np.asarray(h.customdata).sum()) for h in chart.figure.data] == [13, 12]
    assert "<i>" not in chart.figure.to_json()
    assert chart.title == "On 1 of 1 day both were active"


def test_titles_say_what_there_is_to_see(snapshot: Snapshot) -> None:
    found = [account_evidence(snapshot, a) for a in ("lone", "shop")]
    assert charts.curves_title([e.curve for e in found]) == "After 10 prompts the widest has 10 cells, the narrowest 5"
    assert charts.draw_profiles(P, ["a", "b"], [e.capabilities for e in found]).title == (
        "They differ most in translation: from 0 % to 25.0 % of the prompts"
    )
