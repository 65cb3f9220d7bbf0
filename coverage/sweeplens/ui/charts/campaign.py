"""Charts about one campaign."""

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np

from sweeplens.report.facts import Matrix, Timeline, UnionCoverage
from sweeplens.report.rhythm import rhythm_title
from sweeplens.report.titles import shares_title, similarity_title, union_title
from sweeplens.ui import words
from sweeplens.ui.charts.base import Chart, ink_scale, log_counts, new_figure, time_axis
from sweeplens.ui.safe import plot_text
from sweeplens.ui.theme import Palette

if TYPE_CHECKING:
    import plotly.graph_objects as go

_ID = 18  # characters of an account id on an axis
_COLUMN = 22  # characters of a column's name
_FOOT = 150  # px below the rows, for the columns' names or the colours' scale
_EVERYBODY = -1.6  # where the row of all accounts stands, apart from those of the members
_BARS = 96  # px of the bars above the raster of times


def _row_height(rows: int) -> int:
    """Return the px of a row: few ones are tall enough to look at, many still carry a name."""
    return 22 if rows <= 16 else 15 if rows <= 36 else 11


def _rows(p: Palette, names: tuple[str, ...], extra: tuple[str, ...] = ()) -> dict[str, Any]:
    size = 11 if len(names) <= 36 else 9
    return {
        "tickvals": [*(_EVERYBODY for _ in extra), *range(len(names))],
        "ticktext": [*extra, *(plot_text(name, _ID) for name in names)],
        "range": (len(names) - 0.5, _EVERYBODY - 0.5), "tickfont": {"color": p.ink, "size": size}, "showgrid": False,
    }  # fmt: skip


def draw_shares(p: Palette, matrix: Matrix, unit: str) -> Chart:
    """Draw members x capabilities (or clusters): the share of a member's prompts on each, below that of everybody."""
    import plotly.graph_objects as go

    n = len(matrix.rows)
    figure = new_figure(p, _row_height(n) * (n + 2) + _FOOT + 8, margin={"b": _FOOT})
    everybody = [matrix.everybody] if matrix.everybody is not None and n else []
    rows = [np.asarray(matrix.values, float), *(np.asarray(row, float)[None] for row in everybody)]
    most = max([0.01, *(float(part.max(initial=0)) for part in rows)])
    for values, names, at, what in (
        (rows[0], matrix.rows, list(range(n)), "of its prompts"),
        *((row, ("all accounts",), [_EVERYBODY], "of an account's prompts on average") for row in rows[1:]),
    ):
        hover = [[f"{plot_text(r, 40)}<br>{plot_text(c, 60)}" for c in matrix.columns] for r in names]
        figure.add_trace(
            go.Heatmap(
                z=np.where(values > 0, 100 * values, np.nan).round(2), customdata=(100 * values).round(2),
                x=list(range(len(matrix.columns))), y=at, text=hover, xgap=1, ygap=1, coloraxis="coloraxis",
                hovertemplate=f"%{{text}}: %{{customdata:.2~r}} % {what}<extra></extra>",
            )
        )  # fmt: skip
    figure.update_layout(
        coloraxis={
            "colorscale": list(p.shades), "cmin": 0, "cmax": 100 * most,
            "colorbar": {"ticksuffix": " %", "nticks": 5, "lenmode": "pixels", "len": 180, "y": 1, "yanchor": "top"},
        }
    )  # fmt: skip
    figure.update_yaxes(**_rows(p, matrix.rows, ("all accounts",) if everybody else ()))
    figure.update_xaxes(
        tickvals=list(range(len(matrix.columns))), ticktext=[plot_text(c, _COLUMN) for c in matrix.columns],
        tickangle=-90, tickfont={"color": p.ink, "size": 11}, showgrid=False, automargin=False,
    )  # fmt: skip
    return Chart(
        figure,
        shares_title(matrix),
        f"A row is a member, a column a {unit}; the colour is the share of the member's own prompts, blank is none. "
        "The row on top is the mean of all accounts of the log. Members with few prompts look spotty by chance.",
        f"Members by {unit}, below all accounts",
    )


def draw_similarity(p: Palette, matrix: Matrix, elsewhere: float | None = None) -> Chart:
    """Draw how alike the members are, like ones beside each other; `elsewhere` is the likeness of any two accounts."""
    import plotly.graph_objects as go

    n = len(matrix.rows)
    figure = new_figure(p, _row_height(n) * (n + 2) + _FOOT + 8, margin={"b": _FOOT})
    hover = [[f"{plot_text(a, 30)}<br>{plot_text(b, 30)}" for b in matrix.columns] for a in matrix.rows]
    figure.add_trace(
        go.Heatmap(
            z=matrix.values.round(3), x=list(range(n)), y=list(range(n)), text=hover, zmin=0, zmax=1,
            xgap=1 if n <= 36 else 0, ygap=1 if n <= 36 else 0, colorscale=list(p.heat),
            hovertemplate="%{text}<br>likeness %{z:.2f}<extra></extra>",
            colorbar={
                "thickness": 10, "outlinewidth": 0, "tickvals": [0, 0.25, 0.5, 0.75, 1], "orientation": "h",
                "ticktext": ["≤ 0", "0.25", "0.5", "0.75", "1"],
                "y": 0, "yanchor": "top", "ypad": 14, "xpad": 0, "len": 1, "tickfont": {"color": p.ink, "size": 11},
            },
        )
    )  # fmt: skip
    figure.update_yaxes(**_rows(p, matrix.rows))
    figure.update_xaxes(visible=False, range=(-0.5, n - 0.5))
    title = similarity_title(matrix)
    return Chart(
        figure,
        title if elsewhere is None or n < 2 else f"{title}; any two accounts, {signed(elsewhere)}",
        "Likeness is the cosine of two members' mean prompts, less what everybody asks. Members stand in the order of "
        "the leaves of an average linkage, from top and from left, and in the same order beside. Below zero counts as "
        "zero; members of one language or trade are alike, too.",
        "Likeness of each pair of members",
    )


def signed(likeness: float) -> str:
    """Return a likeness, which can be below zero."""
    return f"{round(likeness, 2) + 0.0:.2f}".replace("-", "−")


def draw_union(p: Palette, coverage: UnionCoverage) -> Chart:
    """Draw the ground of all members together against that of the widest single ones, and of the widest other one."""
    import plotly.graph_objects as go

    others = [] if coverage.outside is None else [coverage.outside]
    counts = [coverage.cells, *(n for _, n in coverage.largest), *(n for _, n in others)]
    names = ["all together", *(plot_text(a, _ID) for a, _ in coverage.largest)]
    names += [f"{plot_text(a, _ID)}, no member" for a, _ in others]
    at = [
        0.0,
        *(1.3 + i for i in range(len(coverage.largest))),
        *(1.6 + len(coverage.largest) + i for i in range(len(others))),
    ]
    figure = new_figure(p, 26 * len(counts) + 70, bargap=0.4, margin={"l": 8, "r": 48, "t": 8, "b": 8})
    figure.add_trace(
        go.Bar(
            x=counts, y=at, width=0.62, orientation="h",
            marker={"color": [p.accent, *[p.quiet] * len(coverage.largest), *[p.other] * len(others)]},
            text=[words.count(n) for n in counts], textposition="outside", cliponaxis=False,
            textfont={"color": p.ink, "size": 12}, hovertemplate="%{x:,d} cells<extra></extra>",
        )
    )  # fmt: skip
    figure.update_yaxes(
        tickvals=at, ticktext=names, autorange="reversed", showgrid=False, tickfont={"color": p.ink, "size": 12}
    )
    figure.update_xaxes(
        rangemode="tozero", title_text=f"cells, of {words.count(coverage.of)}", tickformat=",d", nticks=5
    )
    return Chart(
        figure,
        union_title(coverage),
        "Cells are small even parts of the map. Any group covers more than its members; ground that was dealt out adds "
        "up almost fully. The last bar is the widest account of the log outside of the campaign.",
        "Cells covered by all members together, by the widest single ones and by the widest other account",
    )


def draw_rhythm(p: Palette, timeline: Timeline, days: Matrix, hours: Matrix) -> Chart:
    """Draw who works when: requests by day and by hour of the day, over one row for each member."""
    from plotly.subplots import make_subplots

    n = len(days.rows)
    height = _BARS + _row_height(n) * max(1, n)
    figure = make_subplots(
        rows=2, cols=2, column_widths=[0.72, 0.28], horizontal_spacing=0.03, vertical_spacing=14 / (height + 14),
        row_heights=[_BARS / height, 1 - _BARS / height], shared_xaxes=True, shared_yaxes="rows",
    )  # fmt: skip
    new_figure(p, height + 70, panels=figure, bargap=0.15)
    _add_bars(figure, p, timeline)
    _add_raster(figure, p, days, 1, "%{text}<br>%{x|%-d %b %Y}: %{customdata:,d} requests<extra></extra>")
    _add_raster(figure, p, hours, 2, "%{text}<br>%{x}:00–%{x}:59 UTC: %{customdata:,d} requests<extra></extra>")
    if days.columns:
        first, last = (datetime.fromisoformat(c) for c in (days.columns[0], days.columns[-1]))
        time_axis(figure, first - timedelta(hours=12), max(last, first + timedelta(days=4)), col=1)
        figure.update_xaxes(range=(first - timedelta(hours=12), last + timedelta(hours=12)), col=1)
    figure.update_xaxes(tickvals=[0, 6, 12, 18, 23], range=(-0.5, 23.5), showgrid=False, col=2)
    figure.update_xaxes(title_text="day, UTC", row=2, col=1)
    figure.update_xaxes(title_text="hour of the day, UTC", row=2, col=2)
    figure.update_yaxes(rangemode="tozero", tickformat=",d", nticks=3, row=1)
    figure.update_yaxes(matches=None, showticklabels=True, row=1, col=2)
    figure.update_yaxes(title_text="requests", row=1, col=1)
    figure.update_yaxes(**{**_rows(p, days.rows), "range": (n - 0.5, -0.5)}, row=2)
    return Chart(
        figure,
        rhythm_title(days, hours),
        "Above, the requests of all members by day and by hour of the day in UTC; below, one row for each, who began "
        "first on top: the darker, the more requests. Starting and stopping together speaks for one hand, and so do "
        "shifts; people of one country share hours, too.",
        "Requests of the campaign and of each member by day and by hour of the day",
    )


def _add_bars(figure: "go.Figure", p: Palette, timeline: Timeline) -> None:
    import plotly.graph_objects as go

    days = [datetime(d.year, d.month, d.day) for d, _ in timeline.days]  # noqa: DTZ001 - plotly's axis knows no zones
    for column, x, counts, at in (
        (1, days, [n for _, n in timeline.days], "%{x|%-d %b %Y}"),
        (2, list(range(24)), list(timeline.hours), "%{x}:00–%{x}:59 UTC"),
    ):
        figure.add_trace(
            go.Bar(
                x=x, y=counts, marker={"color": p.accent}, hovertemplate=f"{at}: %{{y:,d}} requests<extra></extra>"
            ),
            row=1, col=column,
        )  # fmt: skip


def _add_raster(figure: "go.Figure", p: Palette, matrix: Matrix, column: int, hover: str) -> None:
    import plotly.graph_objects as go

    counts = np.asarray(matrix.values, float)
    x = list(range(24)) if column == 2 else [datetime.fromisoformat(c) for c in matrix.columns]
    figure.add_trace(
        go.Heatmap(
            **log_counts(counts), x=x, y=list(range(len(matrix.rows))), customdata=counts, showscale=False,
            ygap=1, xgap=1 if len(x) <= 62 else 0, colorscale=ink_scale(p),
            text=[[plot_text(r, 30)] * len(x) for r in matrix.rows], hovertemplate=hover, hoverongaps=False,
        ),
        row=2, col=column,
    )  # fmt: skip
