"""The sweep order: which capability, or which cluster, an account asks for when."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sweeplens.report.facts import SweepOrder
from sweeplens.report.titles import order_title
from sweeplens.ui import words
from sweeplens.ui.charts.base import Chart, ink_scale, log_counts, new_figure, time_axis
from sweeplens.ui.safe import plot_text
from sweeplens.ui.theme import Palette

BINS = 120
_CLUSTERS = 16  # clusters with a row of their own, those with most requests
_NAME = 26  # characters of a row's name


@dataclass(frozen=True, eq=False)
class Rows:
    """The rows of a raster: the row of each request, and the rows' names as they may be drawn."""

    row: NDArray[np.int64]
    names: tuple[str, ...]


def rows_of(order: SweepOrder, clusters: Mapping[int, str] | None = None) -> Rows:
    """Give each request its row: its capability, or where names of `clusters` are given, its cluster.

    The clusters with most requests have rows of their own, in the order in which they are first asked for; what lies
    in others has one row, and what lies in none another.
    """
    if clusters is None:
        used, row = np.unique(order.capability, return_inverse=True)
        return Rows(row, tuple(plot_text(order.capabilities[i][1], _NAME) for i in used.tolist()))
    found, first, n = np.unique(order.cluster, return_index=True, return_counts=True)
    known = found >= 0
    top = found[known][np.argsort(-n[known], kind="stable")[:_CLUSTERS]]
    top = top[np.argsort(first[np.searchsorted(found, top)], kind="stable")]
    place = np.full(max(int(found.max(initial=-1)), 0) + 2, len(top), np.int64)
    place[top] = np.arange(len(top))
    names = [plot_text(clusters.get(c, f"cluster {c}"), _NAME) for c in top.tolist()]
    others = int(known.sum()) - len(top)
    names += [f"{words.count(others)} other clusters"] if others else []
    place[-1] = len(names)  # cluster -1 is the last entry
    names += ["in no cluster"] if len(found) and not known[0] else []
    return Rows(place[order.cluster], tuple(names))


def draw_order(p: Palette, order: SweepOrder, *, by_time: bool, clusters: Mapping[int, str] | None = None) -> Chart:
    """Draw requests as a raster: columns are time or arrival, rows capabilities, or clusters if these are given."""
    dated = ~np.isnat(order.ts)
    by_time = by_time and bool(dated.any())
    keep = dated if by_time else np.ones(len(order.ts), bool)
    rows = rows_of(order, clusters)
    place = order.ts[keep].astype(np.int64) if by_time else order.arrival[keep]
    figure = new_figure(p, max(20 * len(rows.names) + 60, min(300, 44 * len(rows.names) + 90)))
    figure.add_trace(raster(p, place, rows.row[keep], rows.names, (place.min(), place.max()), by_time=by_time))
    figure.update_yaxes(
        tickvals=list(range(len(rows.names))), ticktext=list(rows.names), autorange="reversed",
        tickfont={"color": p.ink, "size": 12}, gridcolor=p.line, ticklabelstandoff=6,
    )  # fmt: skip
    title = "time, UTC" if by_time else "order of arrival"
    figure.update_xaxes(title_text=title, showgrid=False, tickformat=",d", nticks=8)
    if by_time:
        time_axis(figure, *(t.astype("datetime64[us]").item() for t in (place.min(), place.max())))
    return Chart(
        figure,
        order_title(order) if clusters is None else _cluster_title(order),
        "Each mark is a request; a sweep fills the picture like a raster, a person leaves streaks. A gateway for many "
        "people looks like a raster too." + thinned(order),
        f"Raster of {'capabilities' if clusters is None else 'clusters'} over time",
    )


def raster(
    p: Palette,
    place: NDArray[np.int64],
    row: NDArray[np.int64],
    names: tuple[str, ...],
    span: tuple[np.int64, np.int64],
    *,
    by_time: bool,
    bins: int = BINS,
    most: float | None = None,
) -> Any:  # noqa: ANN401 # fmt: skip - a trace of plotly
    """Return the heat map of requests at these places in time (or arrival) and rows; `most` in a bin is full ink."""
    import plotly.graph_objects as go

    edges = np.linspace(span[0], span[1] + 1, bins + 1)
    column = np.clip(np.searchsorted(edges, place, side="right") - 1, 0, bins - 1)
    counts = np.bincount(row * bins + column, minlength=len(names) * bins).reshape(len(names), bins).astype(float)
    middle = (edges[:-1] + edges[1:]) / 2
    scale = log_counts(counts)
    if most is not None:
        scale["zmax"] = float(np.log1p(most))
    return go.Heatmap(
        x=middle.astype("datetime64[us]") if by_time else middle, y=list(range(len(names))),
        **scale, colorscale=ink_scale(p), showscale=False, ygap=6, customdata=counts,
        text=[[name] * bins for name in names],
        hovertemplate="%{text}: %{customdata:,d} requests<br>"
        + ("%{x|%-d %b %H:%M} UTC" if by_time else "around request %{x:,.0f}") + "<extra></extra>",
    )  # fmt: skip


def _cluster_title(order: SweepOrder) -> str:
    title = order_title(replace(order, capability=order.cluster - order.cluster.min(initial=0)))
    return title.replace("capability", "cluster").replace("capabilities", "clusters")


def thinned(order: SweepOrder) -> str:
    """Say how many of the requests are drawn, where not all are."""
    if order.total <= len(order.arrival):
        return ""
    return f" Of {words.count(order.total)} requests, {words.count(len(order.arrival))} are drawn, evenly spaced."
