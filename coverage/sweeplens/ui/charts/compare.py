"""The same charts for a few accounts side by side, in the same scales."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from sweeplens.report.columns import UNASSIGNED
from sweeplens.report.facts import CapabilityShare, Curve, MapPoints, SweepOrder, Timeline
from sweeplens.report.sentences import mid_sentence, percent
from sweeplens.ui import words
from sweeplens.ui.charts.base import Chart, density, hide_axes, limits, new_figure, scatter, time_axis
from sweeplens.ui.charts.order import raster, rows_of
from sweeplens.ui.safe import plot_text
from sweeplens.ui.theme import Palette, translucent

if TYPE_CHECKING:
    import plotly.graph_objects as go

_TOP = 26  # px of the names above
_NAME = 26  # characters of an account's name


def draw_curves(p: Palette, names: Sequence[str], curves: Sequence[Curve]) -> Chart:
    """Draw the coverage curve of each account over the band of its own peers."""
    import plotly.graph_objects as go

    figure = _panels(p, names, 260, shared_yaxes=True, shared_xaxes="all")
    for k, curve in enumerate(curves, 1):
        banded = [i for i, low in enumerate(curve.low) if low is not None]
        n = [curve.n[i] for i in banded]
        for line, fill in ((curve.high, None), (curve.low, "tonexty")):
            figure.add_trace(
                go.Scatter(
                    x=n, y=[line[i] for i in banded], mode="lines", line={"width": 0}, fill=fill, hoverinfo="skip",
                    fillcolor=translucent(p.quiet, 0.18),
                ),
                row=1, col=k,
            )  # fmt: skip
        figure.add_trace(
            go.Scatter(
                x=n, y=[curve.median[i] for i in banded], mode="lines", hoverinfo="skip",
                line={"color": p.quiet, "width": 1.5, "dash": "dot"},
            ),
            row=1, col=k,
        )  # fmt: skip
        figure.add_trace(
            go.Scatter(
                x=curve.n, y=curve.cells, mode="lines+markers", line={"color": p.accent, "width": 2.5},
                marker={"size": 4}, hovertemplate="after %{x:,d} prompts: %{y:,d} cells<extra></extra>",
            ),
            row=1, col=k,
        )  # fmt: skip
    top = max((v for curve in curves for v in (*curve.cells, *(h for h in curve.high if h is not None))), default=1.0)
    figure.update_yaxes(range=(0, top * 1.04), tickformat=",d", nticks=6)
    figure.update_xaxes(title_text="distinct prompts", rangemode="tozero", tickformat=",d", showgrid=False, nticks=5)
    figure.update_yaxes(title_text="distinct cells", row=1, col=1)
    return Chart(
        figure,
        curves_title(curves),
        "Each blue line is an account's distinct cells after so many distinct prompts, the grey band holds 90 % of its "
        "own peers and the dotted line is their median; all panels have the same axes.",
        "Coverage curves of the accounts side by side",
    )


def curves_title(curves: Sequence[Curve]) -> str:
    """Say how much ground the accounts have covered after as many prompts as all of them sent."""
    common = min((curve.n[-1] for curve in curves if curve.n), default=0)
    if not common:
        return "None of them has a coverage curve"
    cells = [round(float(np.interp(common, curve.n, curve.cells))) for curve in curves]
    if min(cells) == max(cells):
        return f"After {words.count(common)} prompts each has {words.counted(cells[0], 'cell')}"
    widest, narrowest = words.count(max(cells)), words.count(min(cells))
    return f"After {words.count(common)} prompts the widest has {widest} cells, the narrowest {narrowest}"


def draw_profiles(p: Palette, names: Sequence[str], profiles: Sequence[Sequence[CapabilityShare]]) -> Chart:
    """Draw each account's share on each capability, with the median of its peers as a tick; the same rows for all."""
    import plotly.graph_objects as go

    tables = [{share.capability: share for share in profile} for profile in profiles]
    used = [share for share in profiles[0] if any(table[share.capability].n_prompts for table in tables)]
    used.sort(key=lambda s: max(table[s.capability].share for table in tables))
    rows = list(range(len(used)))
    figure = _panels(p, names, 22 * max(3, len(used)) + 64 + _TOP, shared_yaxes=True, shared_xaxes="all", bargap=0.45)
    for k, table in enumerate(tables, 1):
        shares = [table[s.capability] for s in used]
        figure.add_trace(
            go.Bar(
                x=[100 * s.share for s in shares], y=rows, orientation="h", marker={"color": p.accent},
                customdata=[[plot_text(s.name), s.n_prompts] for s in shares],
                hovertemplate="%{customdata[0]}: %{x:.2~r} %, %{customdata[1]:,d} prompts<extra></extra>",
            ),
            row=1, col=k,
        )  # fmt: skip
        figure.add_trace(
            go.Scatter(
                x=[100 * (s.peer_median or 0.0) for s in shares], y=rows, mode="markers", cliponaxis=False,
                marker={"symbol": "line-ns-open", "size": 13, "color": p.ink, "line": {"width": 2}},
                customdata=[plot_text(s.name) for s in shares],
                hovertemplate="%{customdata}: its peers' median %{x:.2~r} %<extra></extra>",
            ),
            row=1, col=k,
        )  # fmt: skip
    figure.update_yaxes(
        tickvals=rows, ticktext=[plot_text(s.name, 26) for s in used], tickfont={"color": p.ink, "size": 12},
        showgrid=False,
    )  # fmt: skip
    figure.update_xaxes(ticksuffix=" %", rangemode="tozero", title_text="share of its prompts", nticks=5)
    return Chart(
        figure,
        profiles_title(used, tables),
        "Bars are an account's shares of its distinct prompts, ticks the median of its own peers; all panels have the "
        "same rows and axes.",
        "Share of prompts on each capability, accounts side by side",
    )


def profiles_title(used: Sequence[CapabilityShare], tables: Sequence[Mapping[str, CapabilityShare]]) -> str:
    """Name the capability in which the accounts differ most."""
    spreads = []
    for share in used:
        if share.capability == UNASSIGNED:
            continue
        own = [table[share.capability].share for table in tables]
        spreads.append((max(own) - min(own), max(own), min(own), share.name))
    if not spreads or max(spreads)[0] < 0.05:
        return "They ask for the same capabilities in like shares"
    _, high, low, name = max(spreads)
    return f"They differ most in {mid_sentence(name)}: from {percent(low)} to {percent(high)} of the prompts"


def draw_grounds(
    p: Palette, names: Sequence[str], points: MapPoints, ids: Sequence[NDArray[np.int32]], title: str
) -> Chart:
    """Draw each account's prompts over the density of all."""
    figure = _panels(p, names, 270)
    x, y = limits(points.x), limits(points.y)
    ground = density(p, points, (80, 60))
    for k, own in enumerate(ids, 1):
        figure.add_trace(ground, row=1, col=k)
        figure.add_trace(
            scatter(len(own))(
                x=points.x[own], y=points.y[own], mode="markers", hoverinfo="skip",
                marker={"size": 5 if len(own) < 600 else 3, "color": p.accent, "opacity": 0.8, "line": {"width": 0}},
            ),
            row=1, col=k,
        )  # fmt: skip
    hide_axes(figure, x, y)
    return Chart(
        figure,
        title,
        "Dots are an account's distinct prompts on the map of all, the grey ground is everybody's; prompts that are "
        "alike lie near each other.",
        "Maps of the accounts' prompts side by side",
    )


def draw_orders(
    p: Palette, names: Sequence[str], orders: Sequence[SweepOrder], timelines: Sequence[Timeline], *, by_time: bool,
    clusters: Mapping[int, str] | None = None,
) -> Chart:  # fmt: skip
    """Draw each account's requests as a raster, on one clock and with the same rows."""
    by_time = by_time and all(bool((~np.isnat(o.ts)).any()) for o in orders)
    keeps = [~np.isnat(o.ts) if by_time else np.ones(len(o.ts), bool) for o in orders]
    every = rows_of(_joined(orders), clusters)
    cuts = np.cumsum([len(o.arrival) for o in orders])[:-1]
    figure = _panels(p, names, 20 * len(every.names) + 64 + _TOP, shared_yaxes=True, shared_xaxes="all")
    places = [
        (o.ts[keep].astype(np.int64) if by_time else o.arrival[keep]) for o, keep in zip(orders, keeps, strict=True)
    ]
    span = (min(place.min() for place in places), max(place.max() for place in places))
    for k, (place, row, keep) in enumerate(zip(places, np.split(every.row, cuts), keeps, strict=True), 1):
        figure.add_trace(
            raster(p, place, row[keep], every.names, span, by_time=by_time, bins=max(40, 120 // len(orders))),
            row=1, col=k,
        )  # fmt: skip
    figure.update_yaxes(
        tickvals=list(range(len(every.names))), ticktext=list(every.names), range=(len(every.names) - 0.5, -0.5),
        tickfont={"color": p.ink, "size": 12}, gridcolor=p.line,
    )  # fmt: skip
    figure.update_xaxes(showgrid=False, tickformat=",d", nticks=5)
    figure.update_xaxes(title_text="time, UTC" if by_time else "order of arrival")
    if by_time:
        time_axis(figure, *(t.astype("datetime64[us]").item() for t in span))
        figure.update_xaxes(nticks=4, dtick=None)
    return Chart(
        figure,
        orders_title(timelines),
        "Each mark is a request; all panels have the same rows and the same clock, so that accounts that take turns "
        "or work at the same times show it. The ink is relative to each account's busiest bin.",
        "Rasters of the accounts' requests side by side",
    )


def orders_title(timelines: Sequence[Timeline]) -> str:
    """Say on how many days all accounts were active."""
    days = [{day for day, _ in timeline.days} for timeline in timelines]
    if not all(days):
        return "The log has no times for some of them"
    every, common = set.union(*days), set.intersection(*days)
    who = "both" if len(days) == 2 else f"all {len(days)}"
    if not common:
        return f"On none of {words.counted(len(every), 'day')} were {who} active"
    return f"On {len(common)} of {words.counted(len(every), 'day')} {who} were active"


def _joined(orders: Sequence[SweepOrder]) -> SweepOrder:
    return replace(
        orders[0],
        ts=np.concatenate([o.ts for o in orders]),
        capability=np.concatenate([o.capability for o in orders]),
        cluster=np.concatenate([o.cluster for o in orders]),
    )


def _panels(p: Palette, names: Sequence[str], height: int, *, bargap: float = 0.25, **shared: Any) -> "go.Figure":  # noqa: ANN401 - plotly's own options
    """Return one row of empty panels, each with its account's name above."""
    from plotly.subplots import make_subplots

    figure = make_subplots(rows=1, cols=len(names), horizontal_spacing=0.03, **shared)
    new_figure(p, height, panels=figure, margin={"t": _TOP}, bargap=bargap)
    for k, name in enumerate(names, 1):
        figure.add_annotation(
            x=0, y=1, xref="x domain" if k == 1 else f"x{k} domain", yref="y domain" if k == 1 else f"y{k} domain",
            text=plot_text(name, _NAME), xanchor="left", yanchor="bottom", yshift=6, showarrow=False,
            font={"size": 13, "color": p.ink},
        )  # fmt: skip
    return figure
