"""What was drawn around on the map: which prompts lie inside, and how it is drawn again."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sweeplens.report.facts import MapPoints

MOST_CLICKED = 500
_AREAS, _CORNERS = 20, 2000  # of a drawing that are looked at: it comes from the browser
Drawn = Mapping[str, Any]  # corners of each `box` and `lasso`, and `points` that were clicked, by prompt id


def is_empty(drawn: Drawn | None) -> bool:
    """Say whether nothing was drawn or clicked."""
    return not drawn or not any(drawn.get(kind) for kind in ("box", "lasso", "points"))


def keep(drawn: Any) -> dict[str, Any]:  # noqa: ANN401 - whatever the browser says
    """Return what can be used of a drawing from the browser: its areas, or the clicked points where there is none."""
    if not isinstance(drawn, Mapping):
        return {}
    areas = {kind: _areas(drawn.get(kind), least) for kind, least in (("box", 2), ("lasso", 3))}
    if areas["box"] or areas["lasso"]:
        return areas
    points = drawn.get("points")
    clicked = [int(i) for i in _numbers(points)[:MOST_CLICKED]] if isinstance(points, Sequence) else []
    return {"points": clicked} if clicked else {}


def _areas(found: Any, least: int) -> list[dict[str, list[float]]]:  # noqa: ANN401
    areas = []
    for area in list(found)[:_AREAS] if isinstance(found, Sequence) else []:
        x, y = (_numbers(area.get(axis)) for axis in "xy") if isinstance(area, Mapping) else ([], [])
        if len(x) == len(y) >= least:
            areas.append({"x": x, "y": y})
    return areas


def _numbers(values: Any) -> list[float]:  # noqa: ANN401
    if not isinstance(values, Sequence) or isinstance(values, str):
        return []
    able = [v for v in values if isinstance(v, int | float) and not isinstance(v, bool) and np.isfinite(v)]
    return able[:_CORNERS]


def inside(points: MapPoints, drawn: Drawn) -> NDArray[np.int64]:
    """Return the ids of all prompts inside what was drawn, shown as points or not; without an area, those clicked."""
    if not drawn.get("box") and not drawn.get("lasso"):
        clicked = [int(i) for i in drawn.get("points", ()) if 0 <= int(i) < len(points.x)]
        return np.array(clicked[:MOST_CLICKED], np.int64)
    found = np.zeros(len(points.x), bool)
    for box in drawn.get("box", ()):
        found |= _within_box(points, box)
    for lasso in drawn.get("lasso", ()):
        found[_within_lasso(points, lasso)] = True
    return np.flatnonzero(found)


def shapes(drawn: Drawn) -> list[dict[str, Any]]:
    """Return each area as a selection of plotly's."""
    boxes = [
        {"type": "rect", "xref": "x", "yref": "y", "x0": b["x"][0], "x1": b["x"][1], "y0": b["y"][0], "y1": b["y"][1]}
        for b in drawn.get("box", ())
    ]
    lassos = [
        {"type": "path", "xref": "x", "yref": "y",
         "path": "M" + "L".join(f"{x},{y}" for x, y in zip(a["x"], a["y"], strict=True)) + "Z"}
        for a in drawn.get("lasso", ())
    ]  # fmt: skip
    return boxes + lassos


def _within_box(points: MapPoints, box: Any) -> NDArray[np.bool_]:  # noqa: ANN401
    (x0, x1), (y0, y1) = sorted(box["x"]), sorted(box["y"])
    found: NDArray[np.bool_] = (points.x >= x0) & (points.x <= x1) & (points.y >= y0) & (points.y <= y1)
    return found


def _within_lasso(points: MapPoints, lasso: Any) -> NDArray[np.int64]:  # noqa: ANN401
    """Return which points lie in a polygon: a ray to the right crosses its edges an odd number of times.

    The points are sorted by height, so that an edge is compared with those beside it alone.
    """
    x, y = np.asarray(lasso["x"], float), np.asarray(lasso["y"], float)
    near = np.flatnonzero(_within_box(points, {"x": [x.min(), x.max()], "y": [y.min(), y.max()]}))
    near = near[np.argsort(points.y[near], kind="stable")]
    px, py = points.x[near].astype(float), points.y[near].astype(float)
    found = np.zeros(len(near), bool)
    for x0, y0, x1, y1 in zip(x, y, np.roll(x, -1), np.roll(y, -1), strict=True):
        if y0 != y1:
            a, b = np.searchsorted(py, [min(y0, y1), max(y0, y1)])
            found[a:b] ^= px[a:b] < x0 + (py[a:b] - y0) * (x1 - x0) / (y1 - y0)
    return near[found]
