"""The map: what is drawn, in which colours, and what is selected, drawn as a point or not."""

import base64
import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from streamlit.testing.v1 import AppTest
from ui_app import Open, texts

from support.small_store import SENT, prompt_text
from sweeplens.report.cluster import cluster_table
from sweeplens.report.columns import columns_of
from sweeplens.report.facts import MapPoints
from sweeplens.report.ground import map_points
from sweeplens.report.selection import measure_senders, prompt_fields, rank_senders
from sweeplens.store.snapshot import Snapshot
from sweeplens.ui.charts import atlas
from sweeplens.ui.charts.base import Chart
from sweeplens.ui.mapping.companion import names_of, read_view
from sweeplens.ui.selection import inside, is_empty, keep, shapes
from sweeplens.ui.theme import palette

P = palette("light")
HOSTILE = "<img src=x onerror=alert(1)>"


def points_at(places: list[tuple[float, float]]) -> MapPoints:
    xy = np.array(places, np.float32).reshape(-1, 2)
    whole = np.zeros(len(xy), np.int32)
    return MapPoints(xy[:, 0], xy[:, 1], whole, whole, whole.astype(np.int8), whole, (("a", "A"),))


def lies_in(x: float, y: float, polygon: list[tuple[float, float]]) -> bool:
    """Even-odd rule, one point at a time."""
    crossings = 0
    for (x0, y0), (x1, y1) in zip(polygon, polygon[1:] + polygon[:1], strict=True):
        if (y0 > y) != (y1 > y) and x < x0 + (y - y0) * (x1 - x0) / (y1 - y0):
            crossings += 1
    return crossings % 2 == 1


GRID = [(float(x), float(y)) for x in range(6) for y in range(6)]


def test_a_box_selects_what_lies_in_it_whichever_way_it_was_drawn() -> None:
    found = inside(points_at(GRID), {"box": [{"x": [3.5, 0.5], "y": [0.5, 2.5]}]})
    assert {GRID[i] for i in found} == {(x, y) for x, y in GRID if 0.5 < x < 3.5 and 0.5 < y < 2.5}


def test_a_lasso_selects_what_lies_in_its_polygon() -> None:
    corner = {"x": [-0.5, 4.4, -0.5], "y": [-0.5, -0.5, 4.4]}
    found = inside(points_at(GRID), {"lasso": [corner]})
    assert {GRID[i] for i in found} == {(x, y) for x, y in GRID if x + y <= 3}


@given(st.lists(st.tuples(st.floats(-1, 6), st.floats(-1, 6)), min_size=3, max_size=9, unique=True))
@settings(max_examples=60, deadline=None)
def test_any_polygon_agrees_with_the_even_odd_rule(corners: list[tuple[float, float]]) -> None:
    shifted = [(x + 0.0137, y + 0.0071) for x, y in corners]
    found = inside(points_at(GRID), {"lasso": [{"x": [x for x, _ in shifted], "y": [y for _, y in shifted]}]})
    expected = {i for i, (x, y) in enumerate(GRID) if lies_in(x, y, shifted)}
    assert set(found.tolist()) == expected


def test_two_areas_add_up() -> None:
    boxes = [{"x": [-0.5, 0.5], "y": [-0.5, 0.5]}, {"x": [4.5, 5.5], "y": [4.5, 5.5]}]
    assert len(inside(points_at(GRID), {"box": boxes})) == 2


def test_a_click_selects_the_point() -> None:
    assert inside(points_at(GRID), {"points": [7]}).tolist() == [7]


def test_nothing_drawn_is_nothing_selected() -> None:
    nothing = {"points": [], "box": [], "lasso": []}
    assert is_empty(nothing)
    assert is_empty(None)
    assert not len(inside(points_at(GRID), nothing))
    assert not len(inside(points_at(GRID), {"box": [{"x": [20, 30], "y": [20, 30]}]}))


def test_a_click_on_something_that_is_no_prompt_is_ignored() -> None:
    assert not len(inside(points_at(GRID), {"points": [99, -1]}))


def test_what_is_kept_selects_the_same_and_is_drawn_again() -> None:
    drawn = {"points": [1], "lasso": [{"x": [0, 2, 0], "y": [0, 0, 2]}], "box": [{"x": [3, 4], "y": [3, 5]}]}
    kept = keep(drawn)
    assert "points" not in kept
    assert inside(points_at(GRID), kept).tolist() == inside(points_at(GRID), drawn).tolist()
    box, lasso = shapes(kept)
    assert (box["type"], box["x0"], box["x1"], box["y0"], box["y1"]) == ("rect", 3, 4, 3, 5)
    assert (lasso["type"], lasso["path"]) == ("path", "M0,0L2,0L0,2Z")
    assert keep({"points": [5]}) == {"points": [5]}


@pytest.mark.parametrize(
    "told",
    [
        None, "lasso", 7, [], {"lasso": "M0,0"}, {"lasso": [{"x": [1, 2], "y": [1, 2]}]}, {"box": [{"x": [1, 2]}]},
        {"lasso": [{"x": [1, 2, 3], "y": [1, 2]}]}, {"points": "abc"}, {"points": [None, "5"]},
        {"box": [{"x": [1, float("nan")], "y": [1, 2]}]},
    ],
)  # fmt: skip
def test_what_the_browser_should_not_say_selects_nothing(told: object) -> None:
    assert is_empty(keep(told))


@pytest.mark.parametrize("told", [None, [1, 2, 3], [1, 2, 3, "4"], [2, 1, 3, 4], [1, float("inf"), 3, 4], {"x": 1}])
def test_a_view_that_makes_no_sense_is_none(told: object) -> None:
    assert read_view(told) is None


def test_a_view_is_its_limits() -> None:
    assert read_view([0, 2, -1, 1.5]) == ((0.0, 2.0), (-1.0, 1.5))


def random_points(n: int, clusters: int = 5) -> MapPoints:
    rng = np.random.default_rng(1)
    return MapPoints(
        rng.normal(size=n).astype(np.float32), rng.normal(size=n).astype(np.float32),
        (np.arange(n) % clusters - 1).astype(np.int32), (np.arange(n) % 3).astype(np.int32),
        (np.arange(n) % 5).astype(np.int8), np.ones(n, np.int32),
        (("a", "A"), ("b", "B"), ("unassigned", "Unassigned")),
    )  # fmt: skip


def test_a_sample_keeps_what_is_lit_and_an_even_share_of_each_cluster() -> None:
    points = random_points(1000)
    always = np.array([3, 77, 999])
    ids = atlas.sample(atlas.rank_points(points.cluster), always, most=100)
    assert len(ids) == len(np.unique(ids)) == 100
    assert np.isin(always, ids).all()
    shares = np.bincount(points.cluster[ids] + 1)
    assert shares.max() - shares.min() <= 4


def test_every_beginning_of_the_ranks_is_an_even_share() -> None:
    cluster = np.repeat([-1, 0, 1, 2], [700, 200, 90, 10])
    rank = atlas.rank_points(cluster)
    assert sorted(rank.tolist()) == list(range(1000))
    for most in (50, 200, 500):
        share = np.bincount(cluster[rank < most] + 1, minlength=4) / most
        assert share == pytest.approx([0.7, 0.2, 0.09, 0.01], abs=2.5 / most)


def test_a_sample_of_few_points_is_all_of_them() -> None:
    rank = atlas.rank_points(random_points(50).cluster)
    assert len(atlas.sample(rank, np.empty(0, np.int64), most=50)) == 50


def test_a_sample_stays_within_a_mask() -> None:
    rank = atlas.rank_points(random_points(1000).cluster)
    mask = np.arange(1000) < 300
    ids = atlas.sample(rank, np.array([999]), mask, most=100)
    assert len(ids) == 100
    assert 999 in ids
    assert mask[ids[ids != 999]].all()


def test_more_lit_prompts_than_can_be_drawn_are_an_even_share() -> None:
    rank = atlas.rank_points(random_points(1000).cluster)
    ids = atlas.sample(rank, np.arange(500), most=100)
    assert len(ids) == 100
    assert ids.max() < 500


def test_more_is_drawn_where_the_map_is_looked_at() -> None:
    points = random_points(4000)
    rank, nothing, view = atlas.rank_points(points.cluster), np.empty(0, np.int64), ((0.0, 0.4), (0.0, 0.4))
    inside_view = atlas.in_view(points, view)
    far, close = atlas.sample(rank, nothing, most=400), atlas.sample_view(points, rank, nothing, view, most=400)
    assert len(close) == 400
    assert inside_view[close].sum() == inside_view.sum() > 3 * inside_view[far].sum()
    assert not inside_view[close].all()


@pytest.mark.parametrize("by", ["capability", "level"])
def test_every_point_has_one_colour(by: str) -> None:
    points = random_points(200)
    found = atlas.colour_points(P, points, by)
    assert found.codes.min() >= -1
    assert found.codes.max() == len(found.names) - 1 == len(found.colours) - 1
    values = points.capability if by == "capability" else points.level
    assert len(set(zip(values.tolist(), found.codes.tolist(), strict=True))) == len(np.unique(values))


def test_neighbouring_clusters_differ_in_colour() -> None:
    places = np.array([(x, y) for x in range(8) for y in range(8)], float)
    colours = atlas.tell_apart(places, 7)
    assert set(colours.tolist()) == set(range(7))
    for i, a in enumerate(places):
        for j, b in enumerate(places[:i]):
            assert np.abs(a - b).sum() > 1 or colours[i] != colours[j]


def test_cluster_colours_follow_the_ids(snapshot: Snapshot) -> None:
    found = atlas.colour_clusters(P, map_points(snapshot), cluster_table(snapshot))
    assert (found.codes[38:] == -1).all()
    assert len(set(found.codes[:38].tolist())) == 4
    assert all(len(set(found.codes[a : a + 8].tolist())) == 1 for a in (0, 10, 20, 30))


def dots(chart: Chart) -> list[Any]:
    """The traces of a map without the entries of its legend."""
    return [t for t in chart.figure.data if t.meta != "key"]


def test_the_map_draws_each_point_once_and_escapes_names(snapshot: Snapshot) -> None:
    points = map_points(snapshot)
    colouring = atlas.Colouring(atlas.coded(points.cluster, [0, 1]), (HOSTILE, "b"), P.categories[:2], "rest")
    light = atlas.Light(HOSTILE, P.accent, np.array([1, 2]))
    chart = atlas.draw_map(P, points, colouring, atlas.Look(np.arange(40), lights=(light,)))
    *ground, lit = dots(chart)
    ids = np.concatenate([t.customdata[:, 0] for t in ground])
    assert sorted(ids.tolist()) == list(range(40))
    assert [t.marker.color for t in ground] == [P.other, *P.categories[:2]]
    assert lit.customdata[:, 0].tolist() == [1, 2]
    codes = dict(np.concatenate([t.customdata for t in ground]).tolist())
    assert all(codes[i] == 8 * (points.cluster[i] + 1) + points.level[i] for i in range(40))
    assert all(t.type == "scattergl" for t in chart.figure.data)
    assert "<img" not in chart.figure.to_json()


def test_what_does_not_pass_is_grey_and_has_no_colour(snapshot: Snapshot) -> None:
    points = map_points(snapshot)
    grey = np.arange(40) >= 30
    look = atlas.Look(np.arange(40), grey=grey)
    first, *rest = dots(atlas.draw_map(P, points, atlas.colour_points(P, points, "level"), look))
    assert first.customdata[:, 0].tolist() == list(range(30, 40))
    assert (first.marker.color, first.hoverinfo) == (P.other, "skip")
    assert sum(len(t.x) for t in rest) == 30


def test_times_have_a_scale_and_what_has_none_is_grey(snapshot: Snapshot) -> None:
    points, times = map_points(snapshot), atlas.days_of(prompt_fields(snapshot).first)
    assert np.isnan(times.days[39])
    undated, dated = dots(atlas.draw_map(P, points, times, atlas.Look(np.arange(40))))
    assert undated.customdata[:, 0].tolist() == np.flatnonzero(np.isnan(times.days)).tolist()
    assert "2 Mar 2026" in dated.marker.colorbar.ticktext[0]
    assert dated.marker.colorscale[0][1] == P.heat[0][1]


def test_points_grow_where_the_map_is_looked_at_closely(snapshot: Snapshot) -> None:
    points = map_points(snapshot)
    colouring = atlas.colour_points(P, points, "level")
    whole = atlas.draw_map(P, points, colouring, atlas.Look(np.arange(40))).figure
    (x0, x1), y = atlas.whole_view(points)
    near = atlas.draw_map(P, points, colouring, atlas.Look(np.arange(40), view=((x0, x0 + (x1 - x0) / 4), y))).figure
    assert near.data[0].marker.size == pytest.approx(whole.data[0].marker.size * 4**atlas.GROW, abs=0.06)
    assert near.layout.xaxis.range == (x0, x0 + (x1 - x0) / 4)


def test_a_hundred_thousand_points_are_a_small_message() -> None:
    points = random_points(100_000, clusters=40)
    chart = atlas.draw_map(P, points, atlas.colour_points(P, points, "capability"), atlas.Look(np.arange(100_000)))
    assert len(chart.figure.to_json()) < 2_500_000


def test_names_are_those_of_the_clusters_largest_first(snapshot: Snapshot) -> None:
    rows = cluster_table(snapshot)
    assert [name for _, _, name, _ in names_of(rows)] == [r.name for r in rows]
    assert [px for _, _, _, px in names_of(rows)] == sorted((px for *_, px in names_of(rows)), reverse=True)


def shown(app: AppTest) -> list[str]:
    """The prompts that are listed."""
    return list(next(d.value for d in app.dataframe if "text" in d.value)["text"])


def test_what_is_like_a_prompt_is_lit_by_its_address(open_page: Open) -> None:
    app = open_page("map", like="30")
    assert "nearest to prompt 30" in texts(app)
    table = next(d.value for d in app.dataframe if "text" in d.value)
    assert prompt_text(30) not in list(table["text"])
    assert list(table["near"]) == sorted(table["near"], reverse=True)


@pytest.mark.parametrize(("like", "said"), [("99", "no prompt 99"), ("abc", "id is a number"), ("-1", "is a number")])
def test_a_prompt_that_does_not_exist_is_said_in_a_sentence(open_page: Open, like: str, said: str) -> None:
    app = open_page("map", like=like)
    assert "This cannot be shown" in texts(app)
    assert said in texts(app)


def test_what_is_like_an_account_is_that_of_others(open_page: Open) -> None:
    app = open_page("map", like_account="chat-2")
    own = {prompt_text(p) for p in SENT["chat-2"]}
    assert "of others nearest to those of account `chat-2`" in texts(app)
    assert not own & set(shown(app))
    assert "This cannot be shown" in texts(open_page("map", like_account="nobody"))


def test_several_accounts_are_lit_each_in_a_colour(open_page: Open) -> None:
    app = open_page("map")
    app.session_state["accounts"] = ["lone", "shop"]
    app.run()
    assert not app.exception
    assert "2 accounts" in texts(app)
    lights = [t for t in figure_of(app)["data"] if t.get("meta") == "light"]
    keys = [t["name"] for t in figure_of(app)["data"] if t["meta"] == "key"]
    assert [t["name"] for t in lights] == ["lone", "shop"]
    assert keys == ["everybody else", "lone", "shop"]
    assert len({t["marker"]["color"] for t in lights}) == 2


def test_an_account_in_a_cluster_is_what_both_share(open_page: Open) -> None:
    app = open_page("map", account="lone", cluster="2")
    assert "Account `lone` in Cluster 2 `integral, solve`" in texts(app)
    assert set(shown(app)) == {prompt_text(p) for p in SENT["lone"] if 20 <= p < 30}


def figure_of(app: AppTest) -> dict[str, Any]:
    (chart,) = app.get("plotly_chart")
    return json.loads(chart.proto.spec)


@pytest.mark.parametrize("by", ["capability", "cluster", "level", "account", "time", "language"])
def test_every_colour_draws_each_prompt_once(open_page: Open, by: str) -> None:
    app = open_page("map")
    app.segmented_control(key="colour").set_value(by).run()
    assert not app.exception
    assert sum(length(t["x"]) for t in figure_of(app)["data"]) == 40


def length(packed: dict[str, str]) -> int:
    return len(np.frombuffer(base64.b64decode(packed["bdata"]), packed["dtype"])) if "bdata" in packed else 0


def test_filters_say_how_many_remain_and_keep_the_selection(open_page: Open) -> None:
    app = open_page("map")
    app.session_state["map-drawn"] = {"box": [{"x": [-2.0, 2.0], "y": [-2.0, 2.0]}], "lasso": []}
    app.run()
    assert "40 prompts selected" in texts(app)
    app.multiselect(key="capability").set_value(["Coding"]).run()
    assert "10 of 40 prompts pass the filters; the rest is grey." in texts(app)
    assert "10 prompts selected" in texts(app)
    assert figure_of(app)["data"][0]["name"] == "filtered out"
    app.segmented_control(key="rest").set_value("left out").run()
    assert sum(length(t["x"]) for t in figure_of(app)["data"]) == 10
    app.button(key="map-no-filters").click().run()
    assert "40 prompts selected" in texts(app)
    assert "pass the filters" not in texts(app)


def test_of_what_is_lit_it_is_said_how_much_passes(open_page: Open) -> None:
    app = open_page("map", account="lone")
    assert "of them pass the filters" not in texts(app)
    app.multiselect(key="capability").set_value(["Coding"]).run()
    assert "5 of them pass the filters." in texts(app)
    assert set(shown(app)) == {prompt_text(p) for p in range(0, 10, 2)}


def test_what_is_left_out_cannot_be_selected(open_page: Open) -> None:
    app = open_page("map", cluster="2")
    app.segmented_control(key="rest").set_value("left out").run()
    app.session_state["map-drawn"] = {"box": [{"x": [-2.0, 2.0], "y": [-2.0, 2.0]}], "lasso": []}
    app.run()
    assert "10 prompts selected" in texts(app)


def test_accounts_are_listed_by_how_much_more_they_ask_here(open_page: Open, snapshot: Snapshot) -> None:
    app = open_page("map", cluster="3")
    table = next(d.value for d in app.dataframe if "times" in d.value)
    found = measure_senders(snapshot, np.arange(30, 38))
    places = rank_senders(found, "more")
    names = columns_of(snapshot).accounts
    assert list(table["id"]) == [names[found.account[i]] for i in places] == ["chat-1", "shop"]
    app.segmented_control(key="map-who").set_value("most").run()
    table = next(d.value for d in app.dataframe if "times" in d.value)
    assert list(table["id"]) == ["chat-1", "shop", "lone"]
    assert table["times"].isna().tolist() == [False, False, True]
    assert list(table["here"]) == [8, 8, 4]


def test_the_first_accounts_of_a_selection_can_be_lit(open_page: Open) -> None:
    app = open_page("map", cluster="3")
    app.button(key="map-light").click().run()
    assert not app.exception
    assert app.session_state["accounts"] == ["chat-1", "shop"]
    assert "2 accounts" in texts(app)


def test_words_of_a_selection_are_those_of_its_text(open_page: Open) -> None:
    said = texts(open_page("map", cluster="3"))
    assert "recipe" in said
    assert "**Words**" in said


def test_hidden_prompts_stay_on_the_server(open_page: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SWEEPLENS_HIDE_PROMPTS", "true")
    app = open_page("map", like="30")
    app.session_state["map-companion"] = {"near": 31}
    app.run()
    assert set(shown(app)) == {"(text not shown)"}
    sent = "".join(str(e.proto) for e in app.main if hasattr(e, "proto"))
    assert "A recipe for soup number" not in sent + texts(app)


def test_nothing_of_a_search_stands_in_the_address(open_page: Open) -> None:
    app = open_page("map", cluster="1")
    app.button(key="map-dark").click().run()
    assert "Nothing is selected." in texts(app)
    assert not app.query_params
