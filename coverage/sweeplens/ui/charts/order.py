"""The sweep order: which capability an account asks for when."""

import numpy as np

from sweeplens.report.facts import SweepOrder
from sweeplens.ui import words
from sweeplens.ui.charts.base import Chart, ink_scale, log_counts, new_figure, time_axis
from sweeplens.ui.safe import plot_text
from sweeplens.ui.theme import Palette

_BINS = 120
_FEW = 20


def draw_order(p: Palette, order: SweepOrder, *, by_time: bool) -> Chart:
    """Draw requests as a raster: columns are time (or arrival), rows are capabilities."""
    import plotly.graph_objects as go

    dated = ~np.isnat(order.ts)
    by_time = by_time and bool(dated.any())
    keep = dated if by_time else np.ones(len(order.ts), bool)
    place = order.ts[keep].astype(np.int64) if by_time else order.arrival[keep]
    used = np.unique(order.capability[keep])
    row = np.searchsorted(used, order.capability[keep])
    edges = np.linspace(place.min(), place.max() + 1, _BINS + 1)
    column = np.clip(np.searchsorted(edges, place, side="right") - 1, 0, len(edges) - 2)
    counts = np.zeros((len(used), len(edges) - 1))
    np.add.at(counts, (row, column), 1)
    middle = (edges[:-1] + edges[1:]) / 2
    names = [plot_text(order.capabilities[i][1], 26) for i in used.tolist()]
    figure = new_figure(p, max(20 * len(used) + 60, min(300, 44 * len(used) + 90)))
    figure.add_trace(
        go.Heatmap(
            x=middle.astype("datetime64[us]") if by_time else middle, y=list(range(len(used))),
            **log_counts(counts), colorscale=ink_scale(p), showscale=False, ygap=6, customdata=counts,
            text=[[name] * len(middle) for name in names],
            hovertemplate="%{text}: %{customdata:,d} requests<br>"
            + ("%{x|%-d %b %H:%M} UTC" if by_time else "around request %{x:,.0f}") + "<extra></extra>",
        )
    )  # fmt: skip
    figure.update_yaxes(
        tickvals=list(range(len(used))), ticktext=names, autorange="reversed", tickfont={"color": p.ink, "size": 12},
        gridcolor=p.line, ticklabelstandoff=6,
    )  # fmt: skip
    title = "time, UTC" if by_time else "order of arrival"
    figure.update_xaxes(title_text=title, showgrid=False, tickformat=",d", nticks=8)
    if by_time:
        time_axis(figure, *(t.astype("datetime64[us]").item() for t in (place.min(), place.max())))
    return Chart(
        figure,
        order_title(order),
        "Each mark is a request; a sweep fills the picture like a raster, a person leaves streaks. A gateway for many "
        "people looks like a raster too." + _thinned(order),
        "Raster of capabilities over time",
    )


def _thinned(order: SweepOrder) -> str:
    if order.total <= len(order.arrival):
        return ""
    return f" Of {words.count(order.total)} requests, {words.count(len(order.arrival))} are drawn, evenly spaced."


def order_title(order: SweepOrder) -> str:
    """Say whether neighbours in time stay with a capability more often than chance would have it."""
    c = order.capability
    if len(c) < _FEW:
        return "Too few requests to see an order"
    stays = float((c[1:] == c[:-1]).mean())
    chance = float(((np.bincount(c) / len(c)) ** 2).sum())
    if chance > 0.8:
        return "Asks for one capability nearly all the time"
    if stays - chance < 0.25 * (1 - chance):
        return "Jumps between capabilities from one request to the next"
    return "Stays with a capability for a while, then moves on"
