"""The page of snapshots: the list, and one snapshot against another."""

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest
from ui_app import Open, open_app, texts

from support.altered import Altered, publish, with_column
from support.small_store import write_small_store
from sweeplens.report.difference import difference
from sweeplens.report.snapshots import describe_difference
from sweeplens.store.prune import prune, use
from sweeplens.store.schema import make_table
from sweeplens.store.snapshot import open_snapshot
from sweeplens.ui import words
from sweeplens.ui.charts.snapshots import draw_drift, draw_flow, draw_levels, draw_sizes
from sweeplens.ui.theme import PALETTES

LEVELS = {"chat-1": "review", "lone": "none"}


def write_two(store: Path) -> list[str]:
    """Write the small store and a later snapshot in which levels, a cluster's size and a name differ."""
    first = write_small_store(store)
    accounts, clusters, membership = (first.table(t) for t in ("accounts", "clusters", "membership"))
    pairs = list(zip(accounts["account_id"].to_pylist(), accounts["level"].to_pylist(), strict=True))
    cluster = [0 if p == 38 else c for p, c in enumerate(membership["cluster"].to_pylist())]
    lineage = make_table("lineage", {
        "kind": ["cluster"] * 4, "id": ["0", "1", "2", "3"], "event": ["kept", "kept", "split", "kept"],
        "parents": [["0"], ["1"], ["2"], ["3"]], "n_before": [10, 10, 10, 8], "n_after": [11, 10, 10, 8],
        "n_shared": [10, 10, 10, 8],
    })  # fmt: skip
    tables = {
        "accounts": with_column(accounts, "level", [LEVELS.get(a, w) for a, w in pairs]),
        "clusters": with_column(clusters, "n_prompts", [11, 10, 10, 8]),
        "membership": with_column(membership, "cluster", cluster), "lineage": lineage,
    }  # fmt: skip
    last = publish(store, Altered(first, tables, parent=first.snapshot_id))
    return [first.snapshot_id, last.snapshot_id]


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[str]]:
    store = tmp_path_factory.mktemp("two") / "store"
    return store, write_two(store)


def opener(store: Path, monkeypatch: pytest.MonkeyPatch) -> Open:
    monkeypatch.setenv("SWEEPLENS_STORE", str(store))

    def open_it(page: str = "", **params: str) -> AppTest:
        app = open_app(store, page, **params)
        assert not app.exception, [e.message for e in app.exception]
        return app

    return open_it


@pytest.fixture
def open_two(two: tuple[Path, list[str]], monkeypatch: pytest.MonkeyPatch) -> Open:
    return opener(two[0], monkeypatch)


def tables(app: AppTest, column: str) -> list[list[object]]:
    return [list(d.value[column]) for d in app.dataframe if column in d.value]


def test_a_store_of_one_snapshot_has_nothing_to_compare(open_page: Open, snapshot: object) -> None:
    app = open_page("snapshots")
    assert "The store holds 1 snapshot; the current one is" in texts(app)
    assert "There is no older snapshot to compare with." in texts(app)
    assert list(app.dataframe[0].value["current"]) == ["current"]


def test_the_list_has_the_numbers_of_each(open_two: Open, two: tuple[Path, list[str]]) -> None:
    listed = open_two("snapshots").dataframe[0].value
    assert list(listed["id"]) == two[1][::-1]
    assert list(listed["current"]) == ["current", ""]
    assert list(listed["n_requests"]) == [89, 89]
    assert list(listed["n_flagged"]) == [4, 4]
    assert list(listed["n_campaigns"]) == [1, 1]
    assert set(listed["detector"]) == {"handmade 1"}


def test_the_current_one_stands_against_the_one_before(open_two: Open, two: tuple[Path, list[str]]) -> None:
    store, ids = two
    app = open_two("snapshots")
    facts = difference(open_snapshot(store, ids[0]), open_snapshot(store, ids[1]))
    assert words.thin(describe_difference(facts)) in texts(app)
    assert "1 account rose in level, 1 account fell in level and 1 cluster split." in texts(app)
    assert [m.value for m in app.metric] == ["89", "8", "40", "4", "1"]
    assert ["chat-1"] in tables(app, "before") or tables(app, "id")[1] == ["chat-1"]
    assert len(app.get("plotly_chart")) == 4
    lowered = app.segmented_control(key="moved").set_value("lowered").run()
    assert ["lone"] in tables(lowered, "id")


def test_the_address_says_which_two(open_two: Open, two: tuple[Path, list[str]]) -> None:
    app = open_two("snapshots", before=two[1][1], after=two[1][0])
    assert app.selectbox(key="pair-before").value == two[1][1]
    assert ["lone"] in tables(app, "id")
    app.selectbox(key="pair-after").set_value(two[1][1]).run()
    assert "Both sides are the same snapshot." in texts(app)
    assert app.query_params["after"] == two[1][1]
    app.selectbox(key="pair-before").set_value(two[1][0]).run()
    assert app.query_params["before"] == two[1][0]
    assert ["chat-1"] in tables(app, "id")


def test_a_click_opens_the_account(open_two: Open) -> None:
    app = open_two("snapshots")
    app.session_state["moved-accounts"] = {"selection": {"rows": [], "columns": [], "cells": [(0, "id")]}}
    app.run()
    assert "Account `chat-1`" in texts(app)


def test_a_click_compares_a_snapshot_with_its_parent(open_two: Open, two: tuple[Path, list[str]]) -> None:
    app = open_two("snapshots", before=two[1][1], after=two[1][0])
    app.session_state[f"snapshots-{two[1][1]}-{two[1][0]}"] = {
        "selection": {"rows": [], "columns": [], "cells": [(0, "id")]}
    }
    app.run()
    assert app.selectbox(key="pair-before").value == two[1][0]
    assert app.selectbox(key="pair-after").value == two[1][1]


def test_a_pruned_snapshot_gives_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = tmp_path / "store"
    ids = write_two(store)
    use(store, ids[0])
    use(store, ids[1])
    prune(store, 1)
    app = opener(store, monkeypatch)("snapshots", before=ids[0])
    assert f"The store has no snapshot '{ids[0]}': it may have been pruned" in texts(app)
    assert not app.get("plotly_chart")


def test_comparing_leaves_the_older_snapshot_free(open_two: Open, two: tuple[Path, list[str]]) -> None:
    open_two("snapshots")
    done = prune(two[0], 1, dry_run=True)
    assert (done.removed, done.kept) == ((two[1][0],), ())


@pytest.mark.parametrize("mode", ["light", "dark"])
def test_the_charts_hold_what_the_difference_says(two: tuple[Path, list[str]], mode: str) -> None:
    palette = PALETTES[mode]  # type: ignore[index]
    facts = difference(*(open_snapshot(two[0], i) for i in two[1]))
    chart = draw_levels(palette, facts.accounts.levels)
    assert chart.title == "2 of 8 accounts have another level"
    counts = [[int(t) if t else 0 for t in row] for row in chart.figure.data[0].text]
    assert sum(map(sum, counts)) == 8
    assert (counts[1][3], counts[3][1]) == (1, 1)  # lone fell, chat-1 rose
    assert draw_flow(palette, facts.prompts).title == "100 % of the prompts that were in a cluster stayed in it"
    bars = dict(zip(draw_flow(palette, facts.prompts).figure.layout.yaxis.ticktext,
                    draw_flow(palette, facts.prompts).figure.data[0].x, strict=True))  # fmt: skip
    assert (bars["stayed in their cluster"], bars["found a cluster"], bars["new prompts"]) == (38, 1, 0)
    sizes = draw_sizes(palette, facts.clusters.grown, facts.clusters.shrunk)
    assert sizes.title == "Cluster 0 grew most, by 1 prompt"
    assert draw_sizes(palette, (), ()).title == "No cluster grew or shrank"
    assert draw_drift(palette, [facts.score], ["score"]).title == "Scores have moved hardly (stability index 0.00)"
