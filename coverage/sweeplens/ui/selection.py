"""What was drawn around on the map: which prompts lie inside, and how it is drawn again."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sweeplens.report.facts import MapPoints

MOST_CLICKED = 500
Drawn = Mapping[str, Any]  # Streamlit's selection: `points`, and the corners of each `box` and `lasso`


def is_empty(drawn: Drawn | None) -> bool:
    """Say whether nothing was drawn or clicked."""
    return not drawn or not any(drawn.get(kind) for kind in ("box", "lasso", "points"))


def keep(drawn: Drawn) -> dict[str, Any]:
    """Return what has to be remembered of a selection: its areas, or the clicked points where there is none."""
    areas = {k: [{"x": list(a["x"]), "y": list(a["y"])} for a in drawn.get(k, ())] for k in ("box", "lasso")}
    if areas["box"] or areas["lasso"]:
        return areas
    clicked = [p.get("customdata") for p in drawn.get("points", ())][:MOST_CLICKED]
    return {"points": [{"customdata": c} for c in clicked if c is not None]}


def inside(points: MapPoints, drawn: Drawn) -> NDArray[np.int64]:
    """Return the ids of all prompts inside what was drawn, shown as points or not; without an area, those clicked."""
    found = np.zeros(len(points.x), bool)
    for box in drawn.get("box", ()):
        found |= _within_box(points, box)
    for lasso in drawn.get("lasso", ()):
        found |= _within_lasso(points, lasso)
    if not drawn.get("box") and not drawn.get("lasso"):
        clicked = [_first(p["customdata"]) for p in drawn.get("points", ()) if p.get("customdata") is not None]
        return np.array([int(i) for i in clicked if 0 <= int(i) < len(found)][:MOST_CLICKED], np.int64)
    return np.flatnonzero(found)


def outlines(drawn: Drawn) -> list[list[tuple[float, float]]]:
    """Return the corners of each area."""
    boxes = [[(x, y) for x, y in zip((b["x"][0], b["x"][1], b["x"][1], b["x"][0]),
                                     (b["y"][0], b["y"][0], b["y"][1], b["y"][1]), strict=True)]
             for b in drawn.get("box", ())]  # fmt: skip
    return boxes + [list(zip(a["x"], a["y"], strict=True)) for a in drawn.get("lasso", ())]


def _first(value: Any) -> Any:  # noqa: ANN401 - a number, or a list of one
    return value[0] if isinstance(value, list | tuple) else value


def _within_box(points: MapPoints, box: Any) -> NDArray[np.bool_]:  # noqa: ANN401
    (x0, x1), (y0, y1) = sorted(box["x"]), sorted(box["y"])
    found: NDArray[np.bool_] = (points.x >= x0) & (points.x <= x1) & (points.y >= y0) & (points.y <= y1)
    return found


def _within_lasso(points: MapPoints, lasso: Any) -> NDArray[np.bool_]:  # noqa: ANN401
    """Return which points lie in a polygon: a ray to the right crosses its edges an odd number of times."""
    x, y = np.asarray(lasso["x"], float), np.asarray(lasso["y"], float)
    found = np.zeros(len(points.x), bool)
    for x0, y0, x1, y1 in zip(x, y, np.roll(x, -1), np.roll(y, -1), strict=True):
        if y0 != y1:
            between = (points.y >= min(y0, y1)) & (points.y < max(y0, y1))
            found ^= between & (points.x < x0 + (points.y - y0) * (x1 - x0) / (y1 - y0))
    return found
