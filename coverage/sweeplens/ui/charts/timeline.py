"""Requests by day and by hour of the day."""

from datetime import datetime, time, timedelta

from sweeplens.report.facts import Timeline
from sweeplens.ui import words
from sweeplens.ui.charts.base import Chart, new_figure, time_axis
from sweeplens.ui.theme import Palette


def draw_timeline(p: Palette, timeline: Timeline) -> Chart:
    """Draw requests by day, and beside them by hour of the day."""
    import plotly.graph_objects as go
    from plotly.subplots import make_subplots

    figure = make_subplots(cols=2, rows=1, column_widths=[0.68, 0.32], horizontal_spacing=0.09)
    figure.update_layout(new_figure(p, 230).layout)
    days = [d for d, _ in timeline.days]
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
        first, last = (datetime.combine(d, time()) for d in (days[0], days[-1]))
        time_axis(figure, first, max(last, first + timedelta(days=4)), row=1, col=1)
        figure.update_xaxes(range=(first - timedelta(hours=16), last + timedelta(hours=16)), row=1, col=1)
    figure.update_xaxes(showgrid=False, tickvals=[0, 6, 12, 18], title_text="hour of the day", row=1, col=2)
    figure.update_xaxes(title_text="day, UTC", row=1, col=1)
    for column, counts in ((1, [n for _, n in timeline.days]), (2, timeline.hours)):
        few = {"dtick": 1} if max(counts, default=0) <= 4 else {"nticks": 5}
        figure.update_yaxes(rangemode="tozero", tickformat=",d", **few, row=1, col=column)
    figure.update_yaxes(title_text="requests", row=1, col=1)
    return Chart(
        figure,
        timeline_title(timeline),
        "Requests by day, and by hour of the day in UTC; people sleep, programs and shared gateways need not. "
        "Requests without a time are not drawn.",
        "Requests by day and by hour of the day",
    )


def timeline_title(timeline: Timeline) -> str:
    """Say on how many days and in how many hours of the day there were requests."""
    if not timeline.days:
        return "The log has no times for these requests"
    first, last = timeline.days[0][0], timeline.days[-1][0]
    span = (last - first).days + 1
    hours = sum(n > 0 for n in timeline.hours)
    return f"Active on {len(timeline.days)} of {words.counted(span, 'day')}, in {hours} of 24 hours of the day"
