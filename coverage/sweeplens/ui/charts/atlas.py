"""The map of all prompts: which are drawn, in which colours, and the picture."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from sweeplens.report.columns import NO_TIME
from sweeplens.report.facts import LEVELS, ClusterRow, MapPoints
from sweeplens.ui import words
from sweeplens.ui.charts.base import Chart, hide_axes, limits, new_figure
from sweeplens.ui.safe import plot_text
from sweeplens.ui.theme import Palette

if TYPE_CHECKING:
    import plotly.graph_objects as go

MAX_DRAWN = 100_000  # points that a browser draws with ease
COLOURS = 7
GROW = 0.4  # a point grows by this power of the zoom, up to LARGEST times
LARGEST = 3.0
_DAY = 86_400_000_000
_LIT = ((300, 5.0, 1.0), (3000, 3.0, 0.0), (float("inf"), 1.2, 0.0))  # up to so many: px larger, px of the rim
_FOCUS = 0.85  # of the points that are drawn: the share that lies in what is looked at
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
Range = tuple[float, float]


@dataclass(frozen=True, eq=False)
class Colouring:
    """Which colour each prompt has: `codes` int16 [prompts] are places in `names` and `colours`, -1 for the `rest`."""

    codes: NDArray[np.int16]
    names: tuple[str, ...]
    colours: tuple[str, ...]
    rest: str
    legend: bool = True


@dataclass(frozen=True, eq=False)
class Times:
    """When each prompt was first sent, in days since 1970 as float32 [prompts]; NaN for none."""

    days: NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Light:
    """Prompts that are lit: what they are, in which colour."""

    name: str
    colour: str
    ids: NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Look:
    """What is drawn, and how.

    drawn     prompts that are drawn, in order
    grey      which prompts the filters grey out, a mask over all; None for none
    lights    what is lit over the rest
    areas     what was drawn around, as plotly has it
    clicked   prompts that were clicked
    view      the limits (x, y) of what is looked at; None for the whole map
    revision  changes where the analyst's drawing on the map is to be forgotten
    legend    changes where it is to be forgotten what he hid by a click in the legend
    """

    drawn: NDArray[np.int64]
    grey: NDArray[np.bool_] | None = None
    lights: tuple[Light, ...] = ()
    areas: Sequence[dict[str, Any]] = ()
    clicked: NDArray[np.int64] | None = None
    view: tuple[Range, Range] | None = None
    revision: str = ""
    legend: str = ""


def rank_points(cluster: NDArray[np.integer]) -> NDArray[np.int32]:
    """Return a rank for each prompt such that those below any number are an even share of each cluster."""
    n = len(cluster)
    rng = np.random.default_rng(0)
    mixed = rng.permutation(n)
    order = mixed[np.argsort(cluster[mixed], kind="stable")]
    _, first, size = np.unique(cluster[order], return_index=True, return_counts=True)
    place = np.arange(n) - np.repeat(first, size)
    share = (place + np.repeat(rng.random(len(size)), size)) / np.repeat(size, size)
    rank = np.empty(n, np.int32)
    rank[order[np.argsort(share, kind="stable")]] = np.arange(n, dtype=np.int32)
    return rank


def sample(
    rank: NDArray[np.int32], always: NDArray[np.int64], within: NDArray[np.bool_] | None = None, most: int = MAX_DRAWN
) -> NDArray[np.int64]:
    """Return the prompts to draw, in order: `always`, and of those `within` an even share of each cluster.

    At most `most` in all; where `always` are more, an even share of them.
    """
    candidates = np.arange(len(rank)) if within is None else np.flatnonzero(within)
    always = _first(rank, np.unique(always), most)
    if len(candidates) + len(always) > most:
        left = np.ones(len(rank), bool)
        left[always] = False
        candidates = _first(rank, candidates[left[candidates]], most - len(always))
    return np.union1d(candidates, always)


def sample_view(
    points: MapPoints, rank: NDArray[np.int32], always: NDArray[np.int64], view: tuple[Range, Range], *,
    within: NDArray[np.bool_] | None = None, most: int = MAX_DRAWN,
) -> NDArray[np.int64]:  # fmt: skip
    """Return the prompts to draw where the map is looked at closely: more of those in view, and some of all others."""
    seen = in_view(points, view, margin=0.25)
    if within is not None:
        seen &= within
    near = _first(rank, np.flatnonzero(seen), int(_FOCUS * most))
    return sample(rank, np.union1d(near, always), within, most)


def in_view(points: MapPoints, view: tuple[Range, Range], margin: float = 0.0) -> NDArray[np.bool_]:
    """Return which prompts lie within limits, widened by a share of them."""
    (x0, x1), (y0, y1) = view
    dx, dy = margin * (x1 - x0), margin * (y1 - y0)
    found: NDArray[np.bool_] = (
        (points.x >= x0 - dx) & (points.x <= x1 + dx) & (points.y >= y0 - dy) & (points.y <= y1 + dy)
    )
    return found


def _first(rank: NDArray[np.int32], ids: NDArray[np.int64], most: int) -> NDArray[np.int64]:
    if len(ids) <= most:
        return ids
    return ids[np.argpartition(rank[ids], most)[:most]] if most > 0 else ids[:0]


def colour_clusters(p: Palette, points: MapPoints, clusters: Sequence[ClusterRow]) -> Colouring:
    """Colour all clusters such that neighbours differ; their names stand on the map, and a legend would say nothing."""
    place = tell_apart(np.array([(c.x, c.y) for c in clusters], float).reshape(-1, 2), COLOURS)
    table = np.full(max((c.cluster_id for c in clusters), default=-1) + 2, -1, np.int16)  # the last entry is for -1
    table[[c.cluster_id for c in clusters]] = place
    found: NDArray[np.int16] = table[points.cluster]
    return Colouring(found, ("",) * COLOURS, p.categories[:COLOURS], "in no cluster", legend=False)


def tell_apart(xy: NDArray[np.float64], n_colours: int) -> NDArray[np.int16]:
    """Return a colour for each place [n, 2] such that near ones differ; the first ones choose first.

    Each takes the colour whose nearest other place is farthest away.
    """
    chosen = np.zeros(len(xy), np.int16)
    nearest = np.full((len(xy), n_colours), np.inf)
    for i in range(len(xy)):
        chosen[i] = int(nearest[i].argmax())  # the first unused one, which is infinitely far away, else the farthest
        away = ((xy - xy[i]) ** 2).sum(1)
        nearest[:, chosen[i]] = np.minimum(nearest[:, chosen[i]], away)
    return chosen


def colour_points(p: Palette, points: MapPoints, by: str) -> Colouring:
    """Colour the points by `capability` or `level`."""
    if by == "level":
        there = [i for i in range(len(LEVELS)) if (points.level == i).any()]
        colours = tuple(p.level(LEVELS[i]) if LEVELS[i] != "insufficient" else p.other for i in there)
        return Colouring(
            coded(points.level, there), tuple(words.LEVEL_WORDS[LEVELS[i]] for i in there), colours, "no level"
        )
    sizes = np.bincount(points.capability, minlength=len(points.capabilities))
    keys = [i for i, (key, _) in enumerate(points.capabilities) if key != "unassigned" and sizes[i]]
    top = sorted(keys, key=lambda i: -sizes[i])[:COLOURS]
    return Colouring(
        coded(points.capability, top), tuple(points.capabilities[i][1] for i in top), p.categories[: len(top)],
        "others and unassigned",
    )  # fmt: skip


def coded(values: NDArray[np.integer], known: Sequence[int]) -> NDArray[np.int16]:
    """Return the place of each value in `known`, -1 for what is not there. Values are -1 and above."""
    top = max([int(values.max(initial=-1)), *known])
    table = np.full(top + 2, -1, np.int16)  # the last entry is for -1
    table[list(known)] = np.arange(len(known))
    found: NDArray[np.int16] = table[values]
    return found


def days_of(first: NDArray[np.int64]) -> Times:
    """Return microseconds since 1970 as days."""
    return Times(np.where(first == NO_TIME, np.nan, first / _DAY).astype(np.float32))


def whole_view(points: MapPoints) -> tuple[Range, Range]:
    """Return the limits of the whole map."""
    return limits(points.x), limits(points.y)


def point_size(n_drawn: int) -> float:
    """Return the size in px of a point of the whole map."""
    return 6.0 if n_drawn < 3000 else 4.0 if n_drawn < 15_000 else 3.0 if n_drawn < 50_000 else 2.4


def draw_map(p: Palette, points: MapPoints, colouring: Colouring | Times, look: Look) -> Chart:
    """Draw the map: a trace for each colour, what is lit over all. Each point carries its prompt id and a code.

    The code is 8 times its cluster's id plus one, plus the place of its level: `mapping/companion.js` has the names,
    and shows those of the clusters by zoom and the rest on hover.
    """
    whole = whole_view(points)
    view = look.view or whole
    figure = new_figure(
        p, 480, dragmode="lasso", showlegend=True, uirevision="map", selections=list(look.areas),
        selectionrevision=look.revision, margin={"l": 0, "r": 0, "t": 0, "b": 0},
        legend={"orientation": "h", "x": 0, "y": -0.01, "yanchor": "top", "title": None, "font": {"size": 12},
            "uirevision": look.legend},
    )  # fmt: skip
    zoom = max(1.0, (whole[0][1] - whole[0][0]) / (view[0][1] - view[0][0]))
    size = round(point_size(len(look.drawn)) * min(LARGEST, zoom**GROW), 1)
    _draw_points(figure, p, points, colouring, look=look, size=size)
    for light in look.lights:
        _draw_light(figure, p, points, light, size)
    if look.clicked is not None and len(look.clicked):
        ring = {"size": 15, "color": "rgba(0,0,0,0)", "line": {"width": 2.5, "color": p.ink}}
        figure.add_trace(_dots(points, look.clicked, "clicked", ring, meta="ring", hoverinfo="skip"))
    hide_axes(figure, *view)
    return Chart(
        figure,
        "Prompts that are alike lie near each other",
        "A point is a distinct prompt. Click one, or draw around some, to see who asks them; names come as you zoom. "
        "Distances between far islands mean little, and a large island is not a busy one."
        + _drawn(len(look.drawn), len(points.x)),
        "Map of the prompts",
    )


def _draw_points(
    figure: "go.Figure", p: Palette, points: MapPoints, colouring: Colouring | Times, *, look: Look, size: float
) -> None:
    drawn, faint = look.drawn, bool(look.lights)
    shine = (0.16 if len(drawn) < 5000 else 0.05) if faint else (0.8 if len(drawn) < 15_000 else 0.6)
    marker = {"size": size, "opacity": shine, "line": {"width": 0}}
    if look.grey is not None:
        grey = look.grey[drawn]
        if grey.any():
            pale = {**marker, "color": p.other, "opacity": min(0.12, 0.6 * shine)}
            figure.add_trace(_dots(points, drawn[grey], "filtered out", pale, hoverinfo="skip"))
            _add_key(figure, "filtered out", p.line)
        drawn = drawn[~grey]
    if isinstance(colouring, Times):
        _draw_times(figure, p, points, colouring, drawn=drawn, marker=marker)
        return
    codes = colouring.codes[drawn]
    order = np.argsort(codes, kind="stable")
    bounds = np.searchsorted(codes[order], np.arange(-1, len(colouring.names) + 1))
    for code, (a, b) in enumerate(pairwise(bounds.tolist()), start=-1):
        if b > a:
            name, colour = (colouring.names[code], colouring.colours[code]) if code >= 0 else (colouring.rest, p.other)
            figure.add_trace(_dots(points, drawn[order[a:b]], name or str(code), {**marker, "color": colour}))
            if colouring.legend or code < 0:
                _add_key(figure, name, colour)


def _draw_times(
    figure: "go.Figure", p: Palette, points: MapPoints, times: Times, *, drawn: NDArray[np.int64],
    marker: dict[str, Any],
) -> None:  # fmt: skip
    known = ~np.isnan(times.days[drawn])
    if not known.all():
        figure.add_trace(_dots(points, drawn[~known], "without a time", {**marker, "color": p.other}))
        _add_key(figure, "without a time", p.other)
    ids = drawn[known]
    if not len(ids):
        return
    days = times.days[ids]
    low, high = float(days.min()), float(days.max())
    ticks = np.linspace(low, high, 5 if high - low >= 4 else 2)
    form = "%-d %b %Y" if high - low >= 2 else "%-d %b %H:%M"
    bar = {
        "orientation": "h", "x": 0.02, "xanchor": "left", "y": -0.01, "yanchor": "top", "len": 0.6, "thickness": 8,
        "outlinewidth": 0, "tickvals": ticks.tolist(), "title": {"text": "First sent, UTC", "side": "top"},
        "ticktext": [f"{_EPOCH + timedelta(days=float(t)):{form}}" for t in ticks],
        "tickfont": {"color": p.quiet, "size": 12},
    }  # fmt: skip
    colours = {"color": days, "colorscale": list(p.heat), "cmin": low, "cmax": max(high, low + 1e-3), "colorbar": bar}
    figure.add_trace(_dots(points, ids, "first sent", {**marker, **colours}))


def _draw_light(figure: "go.Figure", p: Palette, points: MapPoints, light: Light, size: float) -> None:
    grow, line = next((g, w) for most, g, w in _LIT if len(light.ids) <= most)
    marker = {
        "size": size + grow, "color": light.colour, "opacity": 0.95 if line else 0.75,
        "line": {"width": line, "color": p.ink},
    }  # fmt: skip
    if len(light.ids):
        figure.add_trace(_dots(points, light.ids, light.name, marker, meta="light", legendgroup=f"light {light.name}"))
        _add_key(figure, light.name, light.colour, f"light {light.name}")


def _add_key(figure: "go.Figure", name: str, colour: str, group: str | None = None) -> None:
    """Add an entry to the legend, in full colour: plotly would make it as faint as the points are."""
    import plotly.graph_objects as go

    marker = {"size": 8, "color": colour, "opacity": 1.0, "line": {"width": 0}}
    figure.add_trace(
        go.Scattergl(
            x=[None], y=[None], mode="markers", name=plot_text(name, 34), marker=marker, hoverinfo="skip", meta="key",
            legendgroup=group or name, uid=f"key {group or name}",
        )
    )  # fmt: skip


def _dots(
    points: MapPoints, ids: NDArray[np.int64], name: str, marker: dict[str, Any], **more: Any  # noqa: ANN401
) -> "go.Scattergl":  # fmt: skip
    import plotly.graph_objects as go

    carried = np.empty((len(ids), 2), np.int32)
    carried[:, 0], carried[:, 1] = ids, 8 * (points.cluster[ids] + 1) + points.level[ids]
    return go.Scattergl(
        x=points.x[ids], y=points.y[ids], mode="markers", name=plot_text(name, 34), customdata=carried, marker=marker,
        **{
            "hoverinfo": "none", "selected": {"marker": {"opacity": 0.95}}, "unselected": {"marker": {"opacity": 0.07}},
            "meta": "point", "showlegend": False, "legendgroup": name, **more,
            "uid": f"{more.get('meta', 'point')} {more.get('legendgroup', name)}",
        },
    )  # fmt: skip


def _drawn(n: int, total: int) -> str:
    if n >= total:
        return ""
    return (
        f" {words.count(n)} of {words.count(total)} prompts are drawn, an even share of each cluster and more where "
        "you zoom in; what you draw around takes all of them."
    )
