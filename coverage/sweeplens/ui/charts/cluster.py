"""Charts about clusters: where they lie and how much of each is flagged, and how one grows."""

from collections.abc import Sequence
from datetime import date, timedelta

import numpy as np

from sweeplens.report.facts import ClusterRow, MapPoints
from sweeplens.report.sentences import percent
from sweeplens.ui import words
from sweeplens.ui.charts.base import (
    Chart,
    Label,
    density,
    hide_axes,
    limits,
    new_figure,
    place_labels,
    write_labels,
)
from sweeplens.ui.safe import plot_text
from sweeplens.ui.theme import Palette

_SIZE = (900.0, 400.0)  # px for which names are placed
_LARGEST = 34  # px of the circle of the largest cluster
_NAMED = 26
_PINNED = 1e12  # weight of the name of a pinned cluster, over any number of prompts


def draw_clusters(p: Palette, points: MapPoints, rows: Sequence[ClusterRow]) -> Chart:
    """Draw clusters as circles at their place: the size is their prompts, the colour their flagged traffic."""
    import plotly.graph_objects as go

    figure = new_figure(p, int(_SIZE[1]) + 30, clickmode="event+select")
    figure.add_trace(density(p, points))
    large = sorted(rows, key=lambda r: -r.n_prompts)
    most = max((r.n_prompts for r in large), default=1)
    hover = [
        f"{plot_text(r.name, 60)}<br>{words.counted(r.n_prompts, 'prompt')} of {words.counted(r.n_accounts, 'account')}"
        f"<br>{percent(r.flagged_share)} of its requests flagged"
        for r in large
    ]
    figure.add_trace(
        go.Scatter(
            x=[r.x for r in large], y=[r.y for r in large], mode="markers", customdata=[r.cluster_id for r in large],
            text=hover, hovertemplate="%{text}<extra></extra>",
            marker={
                "size": [max(6.0, _LARGEST * float(np.sqrt(r.n_prompts / most))) for r in large], "opacity": 0.85,
                "color": [100 * r.flagged_share for r in large], "cmin": 0, "cmax": 100,
                "colorscale": [(0.0, p.other), (1.0, p.level("high"))],
                "line": {"width": 1, "color": p.ground},
                "colorbar": {"title": {"text": "flagged<br>traffic", "font": {"size": 11, "color": p.quiet}},
                             "ticksuffix": " %", "thickness": 10, "outlinewidth": 0, "nticks": 5},
            },
            selected={"marker": {"opacity": 1}}, unselected={"marker": {"opacity": 0.85}},
        )
    )  # fmt: skip
    x, y = limits(points.x), limits(points.y, 0.07)
    hide_axes(figure, x, y)
    names = [Label(r.x, r.y, r.name, r.n_prompts + _PINNED * r.pinned) for r in large]
    write_labels(figure, p, place_labels(names, x, y, _SIZE, most=_NAMED, width=26), 26)
    return Chart(
        figure,
        clusters_title(rows),
        "A circle is a cluster: its size says how many distinct prompts it has, its colour which share of its requests "
        "comes from accounts at review or high. Pinned ones are always named. A click opens the cluster; where many "
        "accounts are flagged, so is much of every topic.",
        "Clusters on the map",
    )


def clusters_title(rows: Sequence[ClusterRow]) -> str:
    """Say how many clusters come mostly from flagged accounts."""
    mostly = sum(r.flagged_share > 0.5 for r in rows)
    verb = "comes" if mostly == 1 else "come"
    return f"{words.count(mostly)} of {words.counted(len(rows), 'cluster')} {verb} mostly from flagged accounts"


def draw_growth(p: Palette, weekly: Sequence[tuple[date, int, int]], days: int) -> Chart:
    """Draw the requests of a cluster by week or day, those of flagged accounts apart."""
    import plotly.graph_objects as go

    legend = {"orientation": "h", "x": 0, "y": 1.0, "yanchor": "bottom"}
    figure = new_figure(p, 250, barmode="stack", showlegend=True, legend=legend)
    starts = [start for start, _, _ in weekly]
    middles = [start + timedelta(days=days / 2) for start in starts]
    spans = [_span(start, days) for start in starts]
    flagged, others = [f for _, _, f in weekly], [n - f for _, n, f in weekly]
    for name, values, colour in (("from flagged accounts", flagged, p.level("high")), ("from others", others, p.other)):
        figure.add_trace(
            go.Bar(
                x=middles, y=values, name=name, marker={"color": colour}, text=spans, textposition="none",
                hovertemplate="%{text}: %{y:,d} requests " + name + "<extra></extra>", width=days * 0.8 * 86_400_000,
            )
        )  # fmt: skip
    figure.update_xaxes(
        tickvals=middles[:: max(1, -(-len(middles) // 8))], showgrid=False, title_text="day, UTC",
        ticktext=spans[:: max(1, -(-len(middles) // 8))],
    )  # fmt: skip
    few = {"dtick": 1} if max((n for _, n, _ in weekly), default=0) <= 4 else {"nticks": 5}
    figure.update_yaxes(rangemode="tozero", tickformat=",d", title_text="requests", **few)
    return Chart(
        figure,
        growth_title(weekly, days),
        f"Requests by {'week' if days > 1 else 'day'}; the last one ends with the last day of the log, the first may "
        "be cut by its beginning. A topic grows, too, when the log does. Requests without a time are not drawn.",
        "Requests of the cluster over time",
    )


def _span(start: date, days: int) -> str:
    end = start + timedelta(days=days - 1)
    if days == 1:
        return f"{start.day} {start:%b}"
    return (
        f"{start.day}–{end.day} {end:%b}"
        if start.month == end.month
        else f"{start.day} {start:%b} – {end.day} {end:%b}"
    )


def growth_title(weekly: Sequence[tuple[date, int, int]], days: int) -> str:
    """Say when most was asked, and how much of it by flagged accounts."""
    if not weekly or not any(n for _, n, _ in weekly):
        return "The log has no times for these requests"
    start, n, flagged = max(weekly, key=lambda w: w[1])
    return f"Busiest on {_span(start, days)}: {words.counted(n, 'request')}, {percent(flagged / n)} flagged"
