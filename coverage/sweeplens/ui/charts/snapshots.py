"""Charts about what changed between two snapshots."""

from collections.abc import Sequence

import numpy as np

from sweeplens.report.changes import ClusterChange, LevelMove, PromptFlow
from sweeplens.report.drift import Drift
from sweeplens.text import one_line
from sweeplens.ui import words
from sweeplens.ui.charts.base import Chart, new_figure
from sweeplens.ui.safe import plot_text
from sweeplens.ui.theme import Palette, translucent

_GONE = "not there"
_NAME = 30  # characters of a cluster's name on an axis
_LARGE, _SMALL = 0.25, 0.1  # readings of the stability index


def draw_levels(p: Palette, moves: Sequence[LevelMove]) -> Chart:
    """Draw how many accounts went from each level to each other one."""
    import plotly.graph_objects as go

    heads = [*(words.LEVEL_WORDS[level] for level in words.LEVELS), _GONE]
    place: dict[str | None, int] = {level: i for i, level in enumerate(words.LEVELS)}
    place[None] = len(words.LEVELS)
    counts = np.zeros((len(heads), len(heads)), int)
    for move in moves:
        counts[place[move.before], place[move.after]] += move.n_accounts
    kinds = np.array([[_kind(i, j) if counts[i, j] else 0 for j in range(len(heads))] for i in range(len(heads))])
    scale = [p.ground, p.panel, translucent(p.level("high"), 0.35), translucent(p.level("watch"), 0.35), p.line]
    colours = [(k, colour) for i, colour in enumerate(scale) for k in (i / len(scale), (i + 1) / len(scale))]
    text = [["" if not n else words.count(n) for n in row] for row in counts.tolist()]
    hover = [
        [f"{words.counted(n, 'account')}: {was} before, {now} after" for now, n in zip(heads, row, strict=True)]
        for was, row in zip(heads, counts.tolist(), strict=True)
    ]
    figure = new_figure(p, 300)
    figure.add_trace(
        go.Heatmap(
            x=list(range(len(heads))), y=list(range(len(heads))), z=kinds, xgap=2, ygap=2,
            zmin=-0.5, zmax=len(scale) - 0.5,
            colorscale=colours, showscale=False, text=text, texttemplate="%{text}", customdata=hover,
            textfont={"size": 13, "color": p.ink}, hovertemplate="%{customdata}<extra></extra>",
        )
    )  # fmt: skip
    ticks = {"tickvals": list(range(len(heads))), "showgrid": False, "tickfont": {"color": p.ink, "size": 12}}
    figure.update_xaxes(
        ticktext=[head.replace(" ", "<br>") for head in heads],
        tickangle=0,
        side="top",
        title_text="level after",
        **ticks,
    )
    figure.update_yaxes(ticktext=heads, autorange="reversed", title_text="level before", **ticks)
    return Chart(
        figure, levels_title(moves),
        "Accounts by their level in the older snapshot (rows) and in the newer one (columns): red rose, blue fell, the "
        "rest stayed, came or went. Having too little to be judged is no lower than none.",
        "Accounts by level before and after",
    )  # fmt: skip


def _kind(before: int, after: int) -> int:
    """Return 1 for no change of weight, 2 for higher, 3 for lower, 4 for came or went."""
    none, gone = words.LEVELS.index("none"), len(words.LEVELS)
    if gone in {before, after}:
        return 4
    was, now = min(before, none), min(after, none)
    return 1 if was == now else 2 if now < was else 3


def levels_title(moves: Sequence[LevelMove]) -> str:
    """Say how many accounts changed their level, of those that both snapshots have."""
    both = [m for m in moves if m.before is not None and m.after is not None]
    changed = sum(m.n_accounts for m in both if m.before != m.after)
    verb = "has" if changed == 1 else "have"
    return f"{words.count(changed)} of {words.counted(sum(m.n_accounts for m in both), 'account')} {verb} another level"


def draw_flow(p: Palette, flow: PromptFlow) -> Chart:
    """Draw what became of the prompts."""
    import plotly.graph_objects as go

    rest = flow.shared - flow.stayed - flow.changed - flow.gained - flow.lost
    rows = [
        ("stayed in their cluster", flow.stayed, p.other), ("in another cluster now", flow.changed, p.accent),
        ("found a cluster", flow.gained, p.accent), ("lost their cluster", flow.lost, p.accent),
        ("in no cluster before and after", rest, p.other), ("new prompts", flow.came, p.quiet),
        ("prompts that went", flow.went, p.quiet),
    ]  # fmt: skip
    figure = new_figure(p, 300, bargap=0.35, margin={"l": 8, "r": 60, "t": 8, "b": 8})
    figure.add_trace(
        go.Bar(
            x=[n for _, n, _ in rows], y=list(range(len(rows))), orientation="h",
            marker={"color": [c for _, _, c in rows]}, text=[words.count(n) for _, n, _ in rows], cliponaxis=False,
            textposition="outside", textfont={"color": p.ink, "size": 12}, hovertemplate="%{x:,d}<extra></extra>",
        )
    )  # fmt: skip
    figure.update_yaxes(
        tickvals=list(range(len(rows))), ticktext=[name for name, _, _ in rows], autorange="reversed", showgrid=False,
        tickfont={"color": p.ink, "size": 12},
    )  # fmt: skip
    figure.update_xaxes(rangemode="tozero", title_text="distinct prompts", tickformat=",d", nticks=5)
    return Chart(
        figure, flow_title(flow),
        "Distinct prompts that both snapshots have, by what became of their cluster, and those that only one has. A "
        "map that goes on moves few; one that was laid out anew moves more without any change in what people ask.",
        "What became of the prompts",
    )  # fmt: skip


def flow_title(flow: PromptFlow) -> str:
    """Say which part of the prompts in clusters stayed in theirs."""
    held = flow.stayed + flow.changed + flow.lost
    if not held:
        return "No prompt of a cluster is in both snapshots"
    return f"{100 * flow.stayed / held:.0f} % of the prompts that were in a cluster stayed in it"


def draw_sizes(p: Palette, grown: Sequence[ClusterChange], shrunk: Sequence[ClusterChange]) -> Chart:
    """Draw the clusters that grew and shrank most: prompts before and after."""
    import plotly.graph_objects as go

    rows = [*grown, *shrunk]
    places = list(range(len(rows)))
    figure = new_figure(p, 24 * max(4, len(rows)) + 80, showlegend=True,
                        legend={"orientation": "h", "x": 0, "y": 1.0, "yanchor": "bottom"})  # fmt: skip
    gaps_x = [v for c in rows for v in (c.n_before, c.n_after, None)]
    gaps_y = [v for i in places for v in (i, i, None)]
    figure.add_trace(
        go.Scatter(x=gaps_x, y=gaps_y, mode="lines", line={"color": p.other, "width": 2}, hoverinfo="skip",
                   showlegend=False)
    )  # fmt: skip
    hover = [
        f"{plot_text(c.name_after or '', 60)}<br>{words.count(c.n_before)} before, {words.count(c.n_after)} after"
        for c in rows
    ]
    ring = {"color": p.ground, "size": 8, "line": {"color": p.quiet, "width": 1.5}}
    for name, values, look in (
        ("before", [c.n_before for c in rows], ring),
        ("after", [c.n_after for c in rows], {"color": p.accent, "size": 9}),
    ):
        figure.add_trace(
            go.Scatter(x=values, y=places, mode="markers", name=name, marker=look, text=hover,
                       hovertemplate="%{text}<extra></extra>", customdata=[c.cluster_id for c in rows])
        )  # fmt: skip
    names = [f"{plot_text(one_line(c.name_after or '', _NAME), _NAME)} {c.cluster_id}" for c in rows]
    figure.update_yaxes(
        tickvals=places, ticktext=names, range=[len(rows) - 0.4, -0.6], showgrid=False,
        tickfont={"color": p.ink, "size": 12},
    )  # fmt: skip
    figure.update_xaxes(rangemode="tozero", title_text="distinct prompts", tickformat=",d", nticks=6)
    return Chart(
        figure, sizes_title(grown, shrunk),
        "A line is a cluster that goes on: the ring is its size before, the dot after. Those that grew most stand on "
        "top. A cluster grows, too, when the log does.",
        "Clusters that grew and shrank most",
    )  # fmt: skip


def sizes_title(grown: Sequence[ClusterChange], shrunk: Sequence[ClusterChange]) -> str:
    """Name what grew most."""
    if grown:
        most = grown[0]
        return f"Cluster {most.cluster_id} grew most, by {words.counted(most.n_after - most.n_before, 'prompt')}"
    if shrunk:
        most = shrunk[0]
        return f"Cluster {most.cluster_id} shrank most, by {words.counted(most.n_before - most.n_after, 'prompt')}"
    return "No cluster grew or shrank"


def draw_drift(p: Palette, drifts: Sequence[Drift], labels: Sequence[str]) -> Chart:
    """Draw how far the score and the signals are from where they were; `labels` name them."""
    import plotly.graph_objects as go

    values = [d.ks or 0.0 for d in drifts]
    places = list(range(len(drifts)))
    figure = new_figure(p, 24 * max(4, len(drifts)) + 60, bargap=0.6, margin={"l": 8, "r": 40, "t": 8, "b": 8})
    figure.add_trace(
        go.Bar(
            x=values, y=places, orientation="h", marker={"color": [p.accent, *[p.other] * (len(drifts) - 1)]},
            text=[f"{v:.2f}" for v in values], textposition="outside", cliponaxis=False,
            textfont={"color": p.ink, "size": 12},
            hovertemplate="%{y}: distance %{x:.3f}<extra></extra>",
        )
    )  # fmt: skip
    figure.update_yaxes(
        tickvals=places, ticktext=[plot_text(label, 40) for label in labels], autorange="reversed", showgrid=False,
        tickfont={"color": p.ink, "size": 12},
    )  # fmt: skip
    figure.update_xaxes(range=[0, max(0.2, 1.15 * max(values, default=0.0))], title_text="distance, 0 to 1")
    return Chart(
        figure, drift_title(drifts),
        "The largest distance of the two distributions over accounts (Kolmogorov-Smirnov): 0 is the same, 1 apart. The "
        "score is on top. It grows by chance where accounts are few, and when other accounts are in the log.",
        "Drift of the score and of the signals",
    )  # fmt: skip


def drift_title(drifts: Sequence[Drift]) -> str:
    """Say how far the score went, the first of the drifts, as the stability index is commonly read."""
    psi = drifts[0].psi if drifts else None
    if psi is None:
        return "Too few scores to say how far they went"
    how = "far" if psi > _LARGE else "somewhat" if psi > _SMALL else "hardly"
    return f"Scores have moved {how} (stability index {psi:.2f})"
