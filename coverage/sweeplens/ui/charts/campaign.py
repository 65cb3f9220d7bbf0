"""Charts about one campaign."""

from datetime import datetime, timedelta

import numpy as np

from sweeplens.report.facts import Matrix, UnionCoverage
from sweeplens.ui import words
from sweeplens.ui.charts.base import Chart, ink_scale, log_counts, new_figure, time_axis
from sweeplens.ui.safe import plot_text
from sweeplens.ui.theme import Palette

_ID = 20  # characters of an account id on an axis


def _height(rows: int, extra: int) -> int:
    return int(np.clip(18 * rows, 110, 620)) + extra


def _rows(p: Palette, matrix: Matrix) -> dict[str, object]:
    size = 11 if len(matrix.rows) <= 36 else 9
    return {
        "tickvals": list(range(len(matrix.rows))), "ticktext": [plot_text(r, _ID) for r in matrix.rows],
        "autorange": "reversed", "tickfont": {"color": p.ink, "size": size}, "showgrid": False,
    }  # fmt: skip


def draw_shares(p: Palette, matrix: Matrix, unit: str) -> Chart:
    """Draw members x capabilities (or clusters): the share of a member's prompts on each."""
    import plotly.graph_objects as go

    figure = new_figure(p, _height(len(matrix.rows), 150))
    hover = [[f"{plot_text(r, 40)}<br>{plot_text(c, 60)}" for c in matrix.columns] for r in matrix.rows]
    figure.add_trace(
        go.Heatmap(
            z=(100 * matrix.values).round(2), x=list(range(len(matrix.columns))), y=list(range(len(matrix.rows))),
            text=hover, hovertemplate="%{text}: %{z:.2~r} % of its prompts<extra></extra>", xgap=1, ygap=1,
            colorscale=list(p.shades), zmin=0, zmax=max(1.0, float(100 * matrix.values.max(initial=0))),
            colorbar={"ticksuffix": " %", "thickness": 10, "outlinewidth": 0, "nticks": 5},
        )
    )  # fmt: skip
    figure.update_yaxes(**_rows(p, matrix))
    figure.update_xaxes(
        tickvals=list(range(len(matrix.columns))), ticktext=[plot_text(c, 20) for c in matrix.columns], tickangle=-90,
        showgrid=False,
    )  # fmt: skip
    return Chart(
        figure,
        shares_title(matrix),
        f"A row is a member, a column a {unit}; the colour is the share of the member's own prompts. Members with few "
        "prompts look spotty by chance.",
        f"Members by {unit}",
    )


def shares_title(matrix: Matrix) -> str:
    """Say how alike the rows are: the mean cosine between a row and the mean of the others."""
    v = np.asarray(matrix.values, float)
    if len(v) < 2 or not v.shape[1]:
        return "How the members share the ground"
    others = (v.sum(0) - v) / (len(v) - 1)
    norms = np.linalg.norm(v, axis=1) * np.linalg.norm(others, axis=1)
    alike = float(np.mean((v * others).sum(1) / np.maximum(norms, 1e-12)))
    if alike >= 0.8:
        return "The members ask for the same things in like shares"
    if alike <= 0.4:
        return "The members have divided the ground between them"
    return "The members share a part of the ground"


def draw_similarity(p: Palette, matrix: Matrix) -> Chart:
    """Draw how alike the members are, like ones beside each other."""
    import plotly.graph_objects as go

    n = len(matrix.rows)
    figure = new_figure(p, _height(n, 130))
    hover = [[f"{plot_text(a, 30)}<br>{plot_text(b, 30)}" for b in matrix.columns] for a in matrix.rows]
    figure.add_trace(
        go.Heatmap(
            z=matrix.values.round(3), x=list(range(n)), y=list(range(n)), text=hover, xgap=1, ygap=1, zmin=0, zmax=1,
            colorscale=list(p.heat), hovertemplate="%{text}<br>likeness %{z:.2f}<extra></extra>",
            colorbar={"thickness": 10, "outlinewidth": 0, "nticks": 5},
        )
    )  # fmt: skip
    figure.update_yaxes(**_rows(p, matrix))
    figure.update_xaxes(visible=False)
    return Chart(
        figure,
        similarity_title(matrix),
        "Likeness is the cosine of two members' mean prompts, less what everybody asks; members in like order from top "
        "and from left. Below zero counts as zero.",
        "Likeness of each pair of members",
    )


def similarity_title(matrix: Matrix) -> str:
    """Give the median likeness of two members."""
    pairs = matrix.values[np.triu_indices(len(matrix.rows), 1)]
    return (
        f"Their mean prompts are typically {float(np.median(pairs)):.2f} alike" if len(pairs) else "Likeness of members"
    )


def draw_union(p: Palette, coverage: UnionCoverage) -> Chart:
    """Draw the ground of all members together against that of the widest single ones."""
    import plotly.graph_objects as go

    rows = [("all together", coverage.cells), *coverage.largest]
    figure = new_figure(p, 26 * len(rows) + 60, bargap=0.4, margin={"l": 8, "r": 44, "t": 8, "b": 8})
    figure.add_trace(
        go.Bar(
            x=[n for _, n in rows], y=list(range(len(rows))), orientation="h",
            marker={"color": [p.accent] + [p.other] * len(coverage.largest)},
            text=[words.count(n) for _, n in rows], textposition="outside", cliponaxis=False,
            textfont={"color": p.ink, "size": 12}, hovertemplate="%{x:,d} cells<extra></extra>",
        )
    )  # fmt: skip
    names = ["all together", *(plot_text(a, _ID) for a, _ in coverage.largest)]
    figure.update_yaxes(
        tickvals=list(range(len(rows))), ticktext=names, autorange="reversed", showgrid=False,
        tickfont={"color": p.ink, "size": 12},
    )  # fmt: skip
    figure.update_xaxes(
        rangemode="tozero", title_text=f"cells, of {words.count(coverage.of)}", tickformat=",d", nticks=5
    )
    return Chart(
        figure,
        _union_title(coverage),
        "Cells are small even parts of the map. Any group covers more than its members; ground that was dealt out adds "
        "up almost fully.",
        "Cells covered by all members together and by the widest single ones",
    )


def _union_title(coverage: UnionCoverage) -> str:
    widest = coverage.largest[0][1] if coverage.largest else 0
    times = coverage.cells / max(1, widest)
    if times < 1.15:
        return "Together they cover hardly more ground than the widest member"
    return f"Together they cover {times:.1f} times the ground of the widest member"


def draw_days(p: Palette, matrix: Matrix) -> Chart:
    """Draw members x days: how many requests each sent on each day."""
    import plotly.graph_objects as go

    figure = new_figure(p, _height(len(matrix.rows), 60))
    counts = np.asarray(matrix.values, float)
    figure.add_trace(
        go.Heatmap(
            **log_counts(counts), x=list(matrix.columns), y=list(range(len(matrix.rows))), customdata=counts,
            showscale=False, ygap=1, xgap=1, colorscale=ink_scale(p),
            text=[[plot_text(r, 30)] * len(matrix.columns) for r in matrix.rows],
            hovertemplate="%{text}<br>%{x|%-d %b %Y}: %{customdata:,d} requests<extra></extra>",
        )
    )  # fmt: skip
    figure.update_yaxes(**_rows(p, matrix))
    if matrix.columns:
        first, last = (datetime.fromisoformat(c) for c in (matrix.columns[0], matrix.columns[-1]))
        time_axis(figure, first - timedelta(hours=12), max(last, first + timedelta(days=4)))
        figure.update_xaxes(range=(first - timedelta(hours=12), last + timedelta(hours=12)))
    return Chart(
        figure,
        days_title(matrix),
        "A row is a member, a column a day in UTC; the stronger, the more requests. Starting and stopping together "
        "speaks for one hand, and so does working in shifts.",
        "Requests of each member by day",
    )


def days_title(matrix: Matrix) -> str:
    """Say how many members are at work on a typical day."""
    if not matrix.columns:
        return "The log has no times for these requests"
    at_work = (np.asarray(matrix.values) > 0).sum(0)
    typical = int(np.median(at_work[at_work > 0])) if (at_work > 0).any() else 0
    verb = "is" if typical == 1 else "are"
    return f"On a typical day {typical} of {words.counted(len(matrix.rows), 'member')} {verb} at work"
