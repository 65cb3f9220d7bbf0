"""The map of all prompts."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from sweeplens.report.facts import LEVELS, MapPoints
from sweeplens.ui import words
from sweeplens.ui.charts.base import Chart, Label, hide_axes, limits, new_figure, place_labels, write_labels
from sweeplens.ui.safe import plot_text
from sweeplens.ui.theme import Palette

if TYPE_CHECKING:
    import plotly.graph_objects as go

MAX_DRAWN = 60_000  # points that a browser draws and selects with ease
SIZE = (640, 480)  # px for which labels are placed; a wider picture has room to spare
_COLOURS = 7


@dataclass(frozen=True, eq=False)
class Group:
    """Points that share a colour: a name, and which prompts."""

    name: str
    colour: str
    members: NDArray[np.bool_]


def sample(points: MapPoints, always: NDArray[np.int64], most: int = MAX_DRAWN) -> NDArray[np.int64]:
    """Return the prompts to draw, in order: `always` and an even share of each cluster, at most `most` in all."""
    total = len(points.x)
    if total <= most:
        return np.arange(total)
    always = np.unique(always)[:most]
    order = np.argsort(points.cluster, kind="stable")  # every n-th of this order takes its share of each cluster
    rest = order[~np.isin(order, always)]
    room = most - len(always)
    chosen = rest[np.linspace(0, len(rest) - 1, room).round().astype(np.int64)] if room else rest[:0]
    return np.unique(np.concatenate([always, chosen]))


def group_points(p: Palette, points: MapPoints, by: str, names: Sequence[tuple[int, str]]) -> list[Group]:
    """Split the points by `capability`, `cluster` or `level`; `names` are (id, name) of the clusters, large ones first.

    What has no colour of its own comes first, so that the rest is drawn over it.
    """
    if by == "level":
        rows = [
            Group(words.LEVEL_WORDS[level], p.level(level) if level != "insufficient" else p.other, points.level == i)
            for i, level in enumerate(LEVELS)
        ]
        return [g for g in rows if g.members.any()]
    if by == "cluster":
        codes, known = points.cluster, [(c, name) for c, name in names][: len(p.categories)]
        rest = "other clusters and none"
    else:
        sizes = np.bincount(points.capability, minlength=len(points.capabilities))
        keys = [i for i, (key, _) in enumerate(points.capabilities) if key != "unassigned" and sizes[i]]
        top = sorted(keys, key=lambda i: -sizes[i])[:_COLOURS]
        codes, known = points.capability, [(i, points.capabilities[i][1]) for i in top]
        rest = "others and unassigned"
    rows = [Group(name, p.categories[k], codes == code) for k, (code, name) in enumerate(known)]
    left = ~np.isin(codes, [code for code, _ in known])
    return [Group(rest, p.other, left), *rows] if left.any() else rows


def draw_map(
    p: Palette,
    points: MapPoints,
    groups: Sequence[Group],
    drawn: NDArray[np.int64],
    names: Sequence[Label],
    *,
    lit: NDArray[np.int64] | None = None,
    lit_name: str = "",
    cluster_names: NDArray[np.object_] | None = None,
) -> Chart:
    """Draw the map: one trace for each group; `lit` prompts are drawn over all, the rest steps back."""
    import plotly.graph_objects as go

    legend = {"orientation": "h", "x": 0, "y": -0.01, "yanchor": "top", "title": None}
    figure = new_figure(p, SIZE[1] + 24, dragmode="lasso", showlegend=True, legend=legend, uirevision="map")
    shine = 0.72 if lit is None else 0.22 if len(drawn) < 5000 else 0.09
    size = 5.0 if len(drawn) < 3000 else 3.5 if len(drawn) < 20_000 else 2.5
    for group in groups:
        ids = drawn[group.members[drawn]]
        if len(ids):
            figure.add_trace(_dots(points, ids, group, size=size, shine=shine, cluster_names=cluster_names))
    if lit is not None and len(lit):
        figure.add_trace(
            go.Scattergl(
                x=points.x[lit], y=points.y[lit], mode="markers", name=plot_text(lit_name, 40), customdata=lit,
                marker={"size": size + 5, "color": p.accent, "line": {"width": 1, "color": p.ground}},
                selected={"marker": {"opacity": 1}}, unselected={"marker": {"opacity": 0.35}}, hoverinfo="skip",
            )
        )  # fmt: skip
    x, y = limits(points.x), limits(points.y)
    hide_axes(figure, x, y)
    write_labels(figure, p, place_labels(names, x, y, SIZE, most=24, width=24), 24)
    return Chart(
        figure,
        "Prompts that are alike lie near each other",
        "A point is a distinct prompt. Click one, or draw around some, to see who asks them. Distances between far "
        "islands mean little, and a large island is not a busy one." + _drawn(len(drawn), len(points.x)),
        "Map of the prompts",
    )


def outline(figure: "go.Figure", p: Palette, areas: Sequence[Sequence[tuple[float, float]]]) -> None:
    """Draw areas that were selected earlier."""
    for corners in areas:
        path = "M " + " L ".join(f"{x},{y}" for x, y in corners) + " Z"
        figure.add_shape(type="path", path=path, line={"color": p.accent, "width": 1.5, "dash": "dot"})


def _dots(
    points: MapPoints, ids: NDArray[np.int64], group: Group, *, size: float, shine: float,
    cluster_names: NDArray[np.object_] | None,
) -> "go.Scattergl":  # fmt: skip
    import plotly.graph_objects as go

    hover = None if cluster_names is None else cluster_names[points.cluster[ids]]
    return go.Scattergl(
        x=points.x[ids], y=points.y[ids], mode="markers", name=plot_text(group.name, 26), customdata=ids, text=hover,
        marker={"size": size, "color": group.colour, "opacity": shine, "line": {"width": 0}},
        selected={"marker": {"opacity": 1}}, unselected={"marker": {"opacity": 0.15}},
        hovertemplate="%{text}<extra></extra>" if hover is not None else None,
    )  # fmt: skip


def _drawn(n: int, total: int) -> str:
    return (
        ""
        if n == total
        else f" {words.count(n)} of {words.count(total)} prompts are drawn, an even share of each cluster."
    )
