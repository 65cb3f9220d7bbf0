"""What is drawn around on the map is what is selected, drawn as a point or not."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sweeplens.report.facts import MapPoints
from sweeplens.ui.selection import inside, is_empty, keep, outlines


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


@pytest.mark.parametrize("data", [7, [7]])
def test_a_click_selects_the_point(data: object) -> None:
    found = inside(points_at(GRID), {"points": [{"customdata": data, "x": 1.0, "y": 1.0}], "box": [], "lasso": []})
    assert found.tolist() == [7]


def test_nothing_drawn_is_nothing_selected() -> None:
    nothing = {"points": [], "box": [], "lasso": []}
    assert is_empty(nothing)
    assert is_empty(None)
    assert not len(inside(points_at(GRID), nothing))
    assert not len(inside(points_at(GRID), {"box": [{"x": [20, 30], "y": [20, 30]}]}))


def test_a_click_on_something_that_is_no_prompt_is_ignored() -> None:
    assert not len(inside(points_at(GRID), {"points": [{"x": 1.0}, {"customdata": 99}, {"customdata": -1}]}))


def test_what_is_kept_selects_the_same_and_has_an_outline() -> None:
    drawn = {
        "points": [{"customdata": 1}],
        "lasso": [{"x": [0, 2, 0], "y": [0, 0, 2]}],
        "box": [{"x": [3, 4], "y": [3, 5]}],
    }
    kept = keep(drawn)
    assert "points" not in kept
    assert inside(points_at(GRID), kept).tolist() == inside(points_at(GRID), drawn).tolist()
    assert outlines(kept) == [[(3, 3), (4, 3), (4, 5), (3, 5)], [(0, 0), (2, 0), (0, 2)]]
    assert keep({"points": [{"customdata": [5]}]}) == {"points": [{"customdata": [5]}]}
