"""The companion of the map in the browser: it writes names by zoom, explains points, and says what the analyst does.

Streamlit does not tell the server how plotly was zoomed, and sends every point inside a drawing with it, which is more
than a message may hold on a large map; the companion sends the corners alone.
"""

from collections.abc import Callable, Mapping
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import numpy as np
import streamlit as st

from sweeplens.report.facts import LEVELS, ClusterRow, MapPoints
from sweeplens.report.sentences import shown_text
from sweeplens.text import one_line
from sweeplens.ui import data, words
from sweeplens.ui.charts.atlas import GROW, LARGEST, Range, whole_view
from sweeplens.ui.theme import FONT, Palette

if TYPE_CHECKING:
    from sweeplens.store.snapshot import Snapshot

_KEY = "map-companion"
_NAMES = 2000  # clusters whose names are sent, the largest
_AT_ONCE = 60  # names that stand on the map at once
_NAME, _TEXT = 34, 160  # characters of a name on the map, and of a prompt on hover
_NEAR = 150  # prompts around the pointer whose beginnings are sent with that of the one under it
_SIZES = ((0.9, 14), (0.6, 13), (0.0, 12))  # rank of a cluster among all by size, and px of its name


def walk_beside(
    snapshot: "Snapshot", p: Palette, points: MapPoints, size: float, heard: Callable[[str, Any], bool]
) -> None:
    """Put the companion beside the map. `size` is that of a point of the whole map, in px.

    `heard` is told what happened ("drawn", "cleared" or "view") and returns whether the page has to be drawn again.
    """
    state = st.session_state

    def listen(name: str) -> Callable[[], None]:
        def hear() -> None:
            told = state[_KEY].get(name)
            if told is not None and heard(name, told):
                state["map-again"] = True

        return hear

    component()(
        key=_KEY,
        data={**_fixed(snapshot, p, points), "size": size, "texts": _texts(snapshot, points, _near(len(points.x)))},
        on_near_change=lambda: None,
        **{f"on_{name}_change": listen(name) for name in ("drawn", "cleared", "view")},
    )
    if state.pop("map-again", False):
        st.rerun()


@cache
def component() -> Any:  # noqa: ANN401 - Streamlit's own callable
    """Return the component; Streamlit knows it from then on."""
    script = files("sweeplens.ui.mapping").joinpath("companion.js").read_text(encoding="utf-8")
    return st.components.v2.component("sweeplens_map_companion", js=script)


def _near(total: int) -> int | None:
    """Return the prompt on which the pointer rested last, or None."""
    found = (st.session_state.get(_KEY) or {}).get("near")
    return found if isinstance(found, int) and not isinstance(found, bool) and 0 <= found < total else None


def _fixed(snapshot: "Snapshot", p: Palette, points: MapPoints) -> dict[str, Any]:
    rows, (x, y) = data.clusters(snapshot), whole_view(points)
    return {
        "snapshot": snapshot.snapshot_id, "theme": p.mode, "font": FONT, "most": _AT_ONCE, "grow": GROW,
        "largest": LARGEST, "whole": {"x": x, "y": y}, "names": names_of(rows),
        "clusters": {str(c.cluster_id): f"{one_line(c.name, 50)} · {c.capability_name}" for c in rows},
        "levels": [words.LEVEL_WORDS[level] for level in LEVELS],
        "colours": {"ink": p.ink, "quiet": p.quiet, "ground": p.ground, "panel": p.panel, "line": p.line},
        "readable": not data.hidden() and snapshot.manifest.get("text", "kept") == "kept",
    }  # fmt: skip


def names_of(rows: list[ClusterRow]) -> list[tuple[float, float, str, int]]:
    """Return (x, y, name, px) of the clusters, the largest first."""
    placed = [r for r in rows if np.isfinite(r.x) and np.isfinite(r.y)][:_NAMES]
    found = []
    for i, row in enumerate(placed):
        rank = 1 - i / max(1, len(placed))
        px = next(px for least, px in _SIZES if rank > least or least == 0.0)
        found.append((round(row.x, 4), round(row.y, 4), one_line(row.name, _NAME), px))
    return found


def _texts(snapshot: "Snapshot", points: MapPoints, near: int | None) -> Mapping[str, str]:
    """Return the beginnings of the prompts around one on the map; none where prompts are hidden or not kept."""
    if near is None or data.hidden():
        return {}
    away = (points.x - points.x[near]) ** 2 + (points.y - points.y[near]) ** 2
    ids = np.arange(len(away)) if len(away) <= _NEAR else np.argpartition(away, _NEAR)[:_NEAR]
    rows = data.prompt_rows(snapshot, ids)
    return {str(r.prompt_id): one_line(shown_text(r.text), _TEXT) for r in rows if r.text is not None}


def read_view(told: Any) -> tuple[Range, Range] | None:  # noqa: ANN401 - whatever the browser says
    """Return the limits (x, y) of what is looked at, or None where the browser says something else."""
    if not isinstance(told, list) or len(told) != 4:
        return None
    if not all(isinstance(v, int | float) and not isinstance(v, bool) and np.isfinite(v) for v in told):
        return None
    x0, x1, y0, y1 = map(float, told)
    return ((x0, x1), (y0, y1)) if x0 < x1 and y0 < y1 else None
