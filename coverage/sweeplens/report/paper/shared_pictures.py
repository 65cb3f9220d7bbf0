"""Pictures that accounts and campaigns share: their prompts on the map, and their requests over time."""

from collections.abc import Mapping, Sequence
from datetime import datetime, time, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from sweeplens.report.cluster import cluster_table
from sweeplens.report.facts import Timeline
from sweeplens.report.ground import map_points
from sweeplens.report.paper.choice import Choice
from sweeplens.report.paper.drawing import (
    FULL,
    HALF,
    HALO,
    SMALL,
    P,
    Picture,
    bare,
    draw,
    limits,
    quiet,
    scale,
    thousands,
)
from sweeplens.report.releases import Release
from sweeplens.report.titles import ground_title, timeline_title
from sweeplens.report.wording import day
from sweeplens.text import one_line

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from sweeplens.report.facts import MapPoints
    from sweeplens.store.snapshot import Snapshot

_BINS = (170, 130)
_HEIGHT = 2.5  # inches
_NAMES, _WIDTH = 5, 24  # names of clusters on the map, and characters of one
_MARKS = 8  # releases that are drawn, the latest ones
_MANY = 300  # dots from which on they are one image


def draw_ground(
    snapshot: "Snapshot", prompt_ids: NDArray[np.int32], weights: Mapping[int, int], choice: Choice, who: str
) -> Picture:
    """Draw prompts over the density of all; clusters that weigh most are named where there is room."""
    points = map_points(snapshot)
    rows = {c.cluster_id: c for c in cluster_table(snapshot)}
    named = sorted((c for c in weights if c in rows), key=lambda c: (-weights[c], c))
    names = [(rows[c].x, rows[c].y, one_line(choice.cluster(c, rows[c].name), _WIDTH)) for c in named]

    def paint(figure: "Figure") -> None:
        axes = figure.add_axes((0, 0, 1, 1))
        figure.set_layout_engine("none")
        _paint_ground(axes, points)
        axes.plot(
            points.x[prompt_ids], points.y[prompt_ids], linestyle="none", marker="o", color=P.accent,
            markersize=2.6 if len(prompt_ids) < 600 else 1.7, markeredgewidth=0, alpha=0.85,
            rasterized=len(prompt_ids) > _MANY,
        )  # fmt: skip
        _write_names(axes, names)

    return Picture(
        ground_title(points, prompt_ids),
        f"Prompts that are alike lie near each other; dots are the prompts of {who}, the grey ground is everybody's. "
        "Distances between far islands mean little.",
        f"Map of all prompts with those of {who} as dots",
        partial(draw, "ground", (HALF, _HEIGHT), paint),
    )


def _paint_ground(axes: "Axes", points: "MapPoints") -> None:
    from scipy.ndimage import gaussian_filter

    x, y = limits(points.x), limits(points.y)
    counts, _, _ = np.histogram2d(points.x, points.y, bins=_BINS, range=(x, y))
    z = gaussian_filter(np.log1p(counts), 0.9).T
    top = max(0.1, float(z.max()))
    look: dict[str, Any] = {
        "cmap": scale(P.density),
        "vmin": 0.0,
        "vmax": top,
        "interpolation": "bilinear",
        "aspect": "auto",
    }
    axes.imshow(z, origin="lower", extent=(*x, *y), **look)
    axes.set_xlim(x)
    axes.set_ylim(y)
    bare(axes)


def _write_names(axes: "Axes", names: list[tuple[float, float, str]]) -> None:
    """Write as many names as fit, those of the heaviest first; one that would leave the picture is moved inside."""
    (x0, x1), (y0, y1) = axes.get_xlim(), axes.get_ylim()
    placed: list[tuple[float, float, float, float]] = []
    for x, y, text in names:
        if len(placed) == _NAMES:
            return
        half, tall = (len(text) * 4.1 / 2 + 3) / (72 * HALF) * (x1 - x0), 5.5 / (72 * _HEIGHT) * (y1 - y0)
        at_x, at_y = min(max(x, x0 + half), x1 - half), min(max(y + 1.6 * tall, y0 + tall), y1 - tall)
        box = (at_x - half, at_x + half, at_y - tall, at_y + tall)
        if any(box[0] < b[1] and b[0] < box[1] and box[2] < b[3] and b[2] < box[3] for b in placed):
            continue
        placed.append(box)
        axes.text(at_x, at_y, text, ha="center", va="center", fontsize=SMALL, color=P.ink, gid=HALO)


def draw_timeline(timeline: Timeline, releases: Sequence[Release] = ()) -> Picture:
    """Draw requests by day, with releases as numbered dotted lines, and beside them by hour of the day."""
    marks = [r for r in releases if timeline.days and timeline.days[0][0] <= r.day <= timeline.days[-1][0]][-_MARKS:]

    def paint(figure: "Figure") -> None:
        left, right = figure.subplots(1, 2, width_ratios=(0.68, 0.32))
        if timeline.days:
            days, counts = zip(*timeline.days, strict=True)
            first, last = (datetime.combine(d, time()) for d in (days[0], days[-1]))
            left.bar([datetime.combine(d, time()) for d in days], counts, width=0.78, color=P.accent, linewidth=0)
            pad = timedelta(hours=16)
            left.set_xlim(first - pad, max(last, first + timedelta(days=4)) + pad)
            date_axis(left, max((last - first).days, 4))
            for number, mark in enumerate(marks, 1):
                at = datetime.combine(mark.day, time())
                left.axvline(at, color=P.ink, linewidth=0.8, linestyle=(0, (1.5, 1.5)))
                left.annotate(
                    str(number), (at, 1), xycoords=("data", "axes fraction"), xytext=(2, -2), va="top",
                    textcoords="offset points", fontsize=SMALL, color=P.ink,
                )  # fmt: skip
        right.bar(range(24), timeline.hours, width=0.78, color=P.quiet, linewidth=0)
        right.set_xticks([0, 6, 12, 18])
        quiet(left, x="day, UTC", y="requests")
        quiet(right, x="hour of the day, UTC")
        for axes in (left, right):
            axes.set_ylim(bottom=0)
            thousands(axes.yaxis)
            axes.grid(axis="y", color=P.line, linewidth=0.5)
            axes.set_axisbelow(True)

    undated = f" {timeline.undated} without a time are not drawn." if timeline.undated else ""
    named = ", ".join(f"{number} {mark.name} ({day(mark.day)})" for number, mark in enumerate(marks, 1))
    released = f" Dotted lines: {named}." if marks else ""
    return Picture(
        timeline_title(timeline),
        "Requests by day, and by hour of the day; people sleep, programs and shared gateways need not."
        + undated
        + released,
        "Requests by day and by hour of the day",
        partial(draw, "timeline", (FULL, 1.5), paint),
    )


def date_axis(axes: "Axes", days: int) -> None:
    """Set up an axis of days: at most seven ticks, the month named, the year where there is room for it."""
    from matplotlib.dates import DateFormatter, DayLocator

    step = next((d for d in (1, 2, 5, 7, 14, 28, 56, 91, 182, 364) if days / d <= 7), 1000)
    axes.xaxis.set_major_locator(DayLocator(interval=step))  # type: ignore[no-untyped-call]
    form = "%-d %b\n%Y" if days > 200 else "%-d %b"
    axes.xaxis.set_major_formatter(DateFormatter(form))  # type: ignore[no-untyped-call]
