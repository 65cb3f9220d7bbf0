"""The page of coverage: who is drawn, in which order, and that it says what the reports say."""

import json

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest
from ui_app import Open, texts

from sweeplens.report.columns import columns_of
from sweeplens.report.coverage import compare_profiles, measure_breadth, rank_accounts
from sweeplens.report.facts import LEVELS
from sweeplens.store.snapshot import Snapshot
from sweeplens.ui.charts.coverage import draw_breadth, draw_profiles
from sweeplens.ui.tables.coverage import breadth
from sweeplens.ui.theme import PALETTES
from sweeplens.ui.touch import clicked


def ids(app: AppTest) -> list[str]:
    return list(app.dataframe[0].value["id"])


def drawn(app: AppTest) -> list[str]:
    """The accounts of the picture, from top to bottom, without their levels."""
    figure = json.loads(app.get("plotly_chart")[0].proto.spec)
    return [label.split(" ")[0] for label in figure["layout"]["yaxis"]["ticktext"][1:]]


def test_the_page_shows_flagged_accounts_first(open_page: Open) -> None:
    app = open_page("coverage")
    assert "A typical flagged account asks about 3 of 3 capabilities" in texts(app)
    assert ids(app) == drawn(app) == ["dealt-a", "dealt-b", "dealt-c", "lone"]
    assert len(app.get("plotly_chart")) == 2


def test_filters_narrow_the_rows_down(open_page: Open, snapshot: Snapshot) -> None:
    app = open_page("coverage", rows="all")
    everybody = [columns_of(snapshot).accounts[i] for i in rank_accounts(snapshot, "level")]
    assert ids(app) == everybody
    assert ids(open_page("coverage", rows="all", rank="breadth"))[0] == "lone"
    assert ids(open_page("coverage", rows="all", level="watch")) == ["chat-2"]
    assert ids(open_page("coverage", rows="all", id="DEALT")) == ["dealt-a", "dealt-b", "dealt-c"]
    assert set(ids(open_page("coverage", rows="campaign", campaign="K-02"))) == {"chat-1", "chat-2"}
    app = open_page("coverage", id="nobody")
    assert "No account matches these filters." in texts(app)


def test_who_asks_about_one_thing(open_page: Open, snapshot: Snapshot) -> None:
    app = open_page("coverage", rows="all", capability="Mathematics")
    columns = columns_of(snapshot)
    assert ids(app) == [columns.accounts[i] for i in rank_accounts(snapshot, "share", 2)]
    shares = list(app.dataframe[0].value["share"])
    assert shares == sorted(shares, reverse=True)
    app = open_page("coverage", rows="all", capability="Mathematics", by="number")
    numbers = list(app.dataframe[0].value["there"])
    assert numbers == sorted(numbers, reverse=True)


def test_like_accounts_stand_beside_each_other(open_page: Open) -> None:
    app = open_page("coverage", rows="all", order="alike")
    order = drawn(app)
    assert set(order) == set(ids(app))
    assert abs(order.index("dealt-a") - order.index("dealt-b")) <= 2
    assert abs(order.index("chat-1") - order.index("shop")) <= 2


def test_a_click_opens_the_account(open_page: Open) -> None:
    app = open_page("coverage")
    app.session_state["who-covers"] = {"selection": {"rows": [], "columns": [], "cells": [(3, "id")]}}
    app.run()
    assert not app.exception
    assert "Account `lone`" in texts(app)


def test_marks_carry_the_row_of_their_account(snapshot: Snapshot) -> None:
    columns, rows = columns_of(snapshot), np.array([3, 5, 6])
    profiles = compare_profiles(snapshot, rows)
    levels = [LEVELS[i] for i in columns.levels[rows].tolist()]
    figure = draw_profiles(PALETTES["light"], profiles, levels, rows, "Coding").figure
    marks = figure.data[2]
    width = len(profiles.shares.columns)
    assert list(marks.customdata) == [-1] * width + [3] * width + [5] * width + [6] * width
    assert "dealt-a" in marks.text[width]
    assert "% of its prompts" in marks.text[width]
    assert figure.data[1].z.shape == (3, width)
    assert len(figure.layout.shapes) == 1
    cloud = draw_breadth(
        PALETTES["dark"], measure_breadth(snapshot), columns.n_prompts, columns.levels, columns.accounts
    ).figure
    assert sorted(i for trace in cloud.data for i in trace.customdata) == list(range(8))
    assert {trace.name for trace in cloud.data} == {"none or unjudged", "watch", "review", "high"}


def test_the_table_has_the_percentiles_of_peers(snapshot: Snapshot) -> None:
    columns, wide = columns_of(snapshot), measure_breadth(snapshot)
    frame = breadth(columns, wide, np.arange(8), None).data
    shown = [None if v != v else round(100 * v, 6) for v in frame["above_cells"]]
    assert shown == [None if np.isnan(v) else v for v in wide.percentiles[:, 0]]


@pytest.mark.parametrize(
    ("points", "expected"),
    [([], None), ([{"customdata": 4}], 4), ([{"customdata": [7]}], 7), ([{"customdata": -1}], None), ([{}], None),
     ([{"customdata": "x"}, {"customdata": 2.0}], 2)],
)  # fmt: skip
def test_a_click_names_a_row_or_nothing(points: list[dict[str, object]], expected: int | None) -> None:
    assert clicked(points) == expected
