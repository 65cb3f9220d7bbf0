"""Requests by day and by hour of the day, with what came out when."""

from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING

from sweeplens.report.facts import Timeline
from sweeplens.report.releases import Release
from sweeplens.report.titles import timeline_title
from sweeplens.ui.charts.base import Chart, new_figure, time_axis
from sweeplens.ui.safe import plot_text
from sweeplens.ui.theme import Palette

if TYPE_CHECKING:
    import plotly.graph_objects as go

_BEFORE = timedelta(days=10)  # before the first request, in which a release still is of interest
_MARKS = 8  # releases that are drawn, the latest ones
_LINE = 15  # px of a line of names
_WIDTH = 20  # characters of a name


def draw_timeline(p: Palette, timeline: Timeline, releases: Sequence[Release] = ()) -> Chart:
    """Draw requests by day, with releases as dotted lines, and beside them requests by hour of the day."""
    import plotly.graph_objects as go
    from plotly.subplots import make_subplots

    figure = make_subplots(cols=2, rows=1, column_widths=[0.68, 0.32], horizontal_spacing=0.09)
    days = [d for d, _ in timeline.days]
    marks = _near(releases, days)
    rows = min(3, len(marks))
    new_figure(p, 230 + _LINE * rows, panels=figure, margin={"t": 8 + _LINE * rows})
    figure.add_trace(
        go.Bar(
            x=days, y=[n for _, n in timeline.days], marker={"color": p.accent},
            hovertemplate="%{x|%-d %b %Y}: %{y:,d} requests<extra></extra>",
        ),
        row=1, col=1,
    )  # fmt: skip
    figure.add_trace(
        go.Bar(
            x=list(range(24)), y=list(timeline.hours), marker={"color": p.quiet},
            hovertemplate="%{x}:00–%{x}:59 UTC: %{y:,d} requests<extra></extra>",
        ),
        row=1, col=2,
    )  # fmt: skip
    if days:
        first, last = (datetime.combine(d, time()) for d in (min([days[0], *(m.day for m in marks)]), days[-1]))
        time_axis(figure, first, max(last, first + timedelta(days=4)), row=1, col=1)
        figure.update_xaxes(range=(first - timedelta(hours=16), last + timedelta(hours=16)), row=1, col=1)
        _mark(figure, p, marks, (first, last))
    figure.update_xaxes(showgrid=False, tickvals=[0, 6, 12, 18], title_text="hour of the day", row=1, col=2)
    figure.update_xaxes(title_text="day, UTC", row=1, col=1)
    for column, counts in ((1, [n for _, n in timeline.days]), (2, timeline.hours)):
        few = {"dtick": 1} if max(counts, default=0) <= 4 else {"nticks": 5}
        figure.update_yaxes(rangemode="tozero", tickformat=",d", **few, row=1, col=column)
    figure.update_yaxes(title_text="requests", row=1, col=1)
    lines = " A dotted line is a release, or the day on which the log first names a model." if marks else ""
    return Chart(
        figure,
        timeline_title(timeline),
        "Requests by day, and by hour of the day in UTC; people sleep, programs and shared gateways need not. "
        "Requests without a time are not drawn." + lines,
        "Requests by day and by hour of the day",
    )


def _near(releases: Sequence[Release], days: Sequence[date]) -> list[Release]:
    if not days:
        return []
    return [r for r in releases if days[0] - _BEFORE <= r.day <= days[-1]][-_MARKS:]


def _mark(figure: "go.Figure", p: Palette, marks: Sequence[Release], span: tuple[datetime, datetime]) -> None:
    """Draw a dotted line for each release, with its name above in one of three lines; late ones lean to the left."""
    middle = span[0] + (span[1] - span[0]) / 2
    for i, mark in enumerate(marks):
        at = datetime.combine(mark.day, time())
        figure.add_shape(
            type="line", x0=at, x1=at, y0=0, y1=1, yref="y domain", line={"color": p.ink, "width": 1, "dash": "dot"},
            row=1, col=1,
        )  # fmt: skip
        figure.add_annotation(
            x=at, y=1, yref="y domain", text=plot_text(mark.name, _WIDTH), yanchor="bottom", showarrow=False,
            xanchor="left" if at <= middle else "right", yshift=_LINE * (i % 3), font={"size": 12, "color": p.ink},
            hovertext=f"{plot_text(mark.name)}<br>{mark.day.day} {mark.day:%b %Y}", row=1, col=1,
        )  # fmt: skip
