"""What every chart is made of: a figure with a title that says what to see, and a caption that says how to read it."""

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from sweeplens.report.facts import MapPoints
from sweeplens.ui.safe import plot_text
from sweeplens.ui.theme import Palette, template

if TYPE_CHECKING:
    import plotly.graph_objects as go

MAX_SVG = 1500  # marks that a browser draws well as SVG; more of them go to WebGL
_CHAR, _LINE = 6.2, 16  # size of a character and of a line of 12 px text, in px
_LIFT = 10  # px by which a name stands above the middle of what it names


@dataclass(frozen=True, eq=False)
class Chart:
    """A figure, its title (what to see), caption (how to read it, what fools it) and name for screen readers."""

    figure: "go.Figure"
    title: str
    caption: str
    alt: str


@dataclass(frozen=True)
class Label:
    """A name to write onto a map, at its place; `weight` says which one wins where two would overlap."""

    x: float
    y: float
    text: str
    weight: float


def new_figure(
    p: Palette,
    height: int,
    *,
    panels: "go.Figure | None" = None,
    **layout: Any,  # noqa: ANN401 - plotly's own options
) -> "go.Figure":
    """Return an empty figure, or the one with these `panels`, in the palette's template."""
    import plotly.graph_objects as go

    whole = {"template": template(p.mode), "height": height, **layout}
    # Plotly takes most of its time for updates; a layout of another figure would bring plotly's own template along.
    return go.Figure(layout=whole) if panels is None else panels.update_layout(whole)


def scatter(n: int) -> Any:  # noqa: ANN401 - one of two classes of plotly
    """Return the kind of trace that draws n marks well."""
    import plotly.graph_objects as go

    return go.Scatter if n <= MAX_SVG else go.Scattergl


def hide_axes(figure: "go.Figure", x: tuple[float, float], y: tuple[float, float]) -> None:
    """Make the figure a map: no axes, these limits."""
    figure.update_xaxes(visible=False, range=x)
    figure.update_yaxes(visible=False, range=y)


def limits(values: NDArray[np.float32], margin: float = 0.04) -> tuple[float, float]:
    """Return the range of the values with a margin on both sides."""
    if not len(values):
        return -1.0, 1.0
    low, high = float(values.min()), float(values.max())
    pad = (high - low) * margin or 1.0
    return low - pad, high + pad


def density(p: Palette, points: MapPoints, bins: tuple[int, int] = (110, 80)) -> "go.Heatmap":
    """Return all points as a quiet ground: logarithm of the number in a bin, slightly smoothed."""
    import plotly.graph_objects as go

    ground = _ground(points, bins)
    return go.Heatmap(
        x=ground.x, y=ground.y, z=ground.z.round(2), zmin=0.0, zmax=max(0.1, float(ground.z.max())),
        colorscale=list(p.density), showscale=False, hoverinfo="skip", zsmooth="best",
    )  # fmt: skip


class _Ground(NamedTuple):
    """The middles of the bins, and how dense they are, [y, x]."""

    x: NDArray[np.float64]
    y: NDArray[np.float64]
    z: NDArray[np.float64]


_grounds: "WeakKeyDictionary[MapPoints, dict[tuple[int, int], _Ground]]" = WeakKeyDictionary()


def _ground(points: MapPoints, bins: tuple[int, int]) -> _Ground:
    """Count the points in bins; a map of a million is counted once, as long as it is there."""
    from scipy.ndimage import gaussian_filter

    known = _grounds.setdefault(points, {})
    if bins not in known:
        counts, x, y = np.histogram2d(points.x, points.y, bins=bins, range=(limits(points.x), limits(points.y)))
        z = gaussian_filter(np.log1p(counts), 0.9).T
        known[bins] = _Ground((x[:-1] + x[1:]) / 2, (y[:-1] + y[1:]) / 2, z)
    return known[bins]


def log_counts(counts: NDArray[np.float64]) -> dict[str, Any]:
    """Return counts as a heat map's z with its limits: logarithms, and nothing where there is none."""
    z = np.log1p(counts)
    return {"z": np.where(counts > 0, z, np.nan).round(3), "zmin": 0.0, "zmax": max(0.1, float(z.max(initial=0.0)))}


def ink_scale(p: Palette) -> list[tuple[float, str]]:
    """Return the colours of marks that count: one request shows, many are ink."""
    return [(0.0, p.line), (0.25, p.quiet), (1.0, p.ink)]


def text_width(text: str) -> float:
    """Return about how many px a text of 12 px takes: a Chinese character is twice as wide as a letter, a mark nothing.

    >>> text_width("餐馆") == 2 * text_width("ab")
    True
    """
    wide = sum(unicodedata.east_asian_width(c) in "WF" for c in text)
    marks = sum(unicodedata.category(c) in {"Mn", "Me"} for c in text)
    return _CHAR * (len(text) + wide - marks)


def place_labels(
    labels: Sequence[Label],
    x: tuple[float, float],
    y: tuple[float, float],
    size: tuple[float, float],
    *,
    most: int = 30,
    width: int = 30,
) -> list[Label]:
    """Return the labels that fit without overlap on a picture of `size` px with limits x and y, heavy ones first.

    A label that would reach over an edge is moved inside.
    """
    placed: list[tuple[float, float, float, float]] = []
    kept: list[Label] = []
    for label in sorted(labels, key=lambda k: -k.weight):
        if len(kept) >= most:
            break
        half = (text_width(label.text[:width]) / 2 + 5) / size[0] * (x[1] - x[0])
        tall = _LINE / 2 / size[1] * (y[1] - y[0])
        at_x = min(max(label.x, x[0] + half), x[1] - half)
        at_y = min(max(label.y, y[0] + tall), y[1] - tall)
        box = (at_x - half, at_x + half, at_y - tall, at_y + tall)
        if not any(box[0] < b[1] and b[0] < box[1] and box[2] < b[3] and b[2] < box[3] for b in placed):
            placed.append(box)
            kept.append(Label(at_x, at_y, label.text, label.weight))
    return kept


def write_labels(figure: "go.Figure", p: Palette, labels: Sequence[Label], width: int = 30) -> None:
    """Write names onto a map, with a halo that parts them from the points."""
    halo = ", ".join(f"0 0 {px}px {p.ground}" for px in (2, 2, 4, 6))
    for label in labels:
        figure.add_annotation(
            x=label.x, y=label.y, text=plot_text(label.text, width), font={"size": 12, "color": p.ink, "shadow": halo},
            captureevents=False, yshift=_LIFT,
        )  # fmt: skip


def time_axis(figure: "go.Figure", first: datetime, last: datetime, **where: int) -> None:
    """Set up the time axis, in UTC: ticks by hour where there are few days, else by day; the larger unit once."""
    days = (last - first).total_seconds() / 86_400
    if days <= 3:
        form, step = "%H:%M\n%-d %b %Y", 3_600_000 * next(h for h in (1, 2, 3, 6, 12) if days * 24 / h <= 7 or h == 12)
    else:
        form, step = "%-d %b\n%Y", 86_400_000 * next(d for d in (1, 2, 5, 7, 14, 28, 10_000) if days / d <= 7)
    start = datetime(first.year, first.month, first.day)  # noqa: DTZ001 - plotly's axis knows no zones
    ticks = {"dtick": step, "tick0": start} if step < 86_400_000 * 10_000 else {"nticks": 7}
    figure.update_xaxes(type="date", tickformat=form, showgrid=False, **ticks, **where)


def label_end(figure: "go.Figure", at: tuple[float, float], text: str, colour: str, shift: int = 0) -> None:
    """Write a series' name at the end of its line; `text` is our own."""
    figure.add_annotation(
        x=at[0], y=at[1], text=text, font={"color": colour, "size": 12}, xanchor="left", yanchor="middle", xshift=6,
        yshift=shift,
    )  # fmt: skip
