"""Charts about who covers what: accounts by capabilities, and breadth against volume."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from sweeplens.report.coverage import Breadth, Profiles
from sweeplens.report.facts import FLAGGED, LEVELS
from sweeplens.ui import words
from sweeplens.ui.charts.base import Chart, new_figure
from sweeplens.ui.safe import plot_text
from sweeplens.ui.theme import Palette

if TYPE_CHECKING:
    import plotly.graph_objects as go

_ID = 22  # characters of an account id on the axis
_ROW = 14  # px of a row
_EVERYBODY = -1.6  # place of the row of everybody, a little above the first account
_STRONGEST = 95  # percentile of the shares that is drawn darkest: one narrow account must not fade all others
_DRAWN = 3000  # accounts that are drawn of those that are not flagged, and of those that are
_SYMBOLS = {"high": "diamond", "review": "square", "watch": "triangle-up"}


def draw_profiles(
    p: Palette, profiles: Profiles, levels: Sequence[str], rows: NDArray[np.int64], chosen: str | None = None
) -> Chart:
    """Draw accounts x capabilities; `rows` are handed to the click, `chosen` is the capability to frame."""
    import plotly.graph_objects as go

    shares, n = profiles.shares, len(profiles.shares.rows)
    figure = new_figure(p, _ROW * (n + 3) + 150, clickmode="event+select", margin={"l": 8, "r": 8, "t": 8, "b": 4})
    percent, everybody = 100.0 * shares.values, 100.0 * profiles.everybody
    present = np.concatenate([percent[percent > 0], everybody])
    top = max(5.0, float(np.ceil(np.percentile(present, _STRONGEST)))) if len(present) else 5.0
    columns = list(range(len(shares.columns)))
    scale = {"zmin": 0.0, "zmax": top, "colorscale": list(p.shades), "hoverinfo": "skip", "xgap": 1, "ygap": 1}
    bar: dict[str, object] = {
        "ticksuffix": " %", "thickness": 10, "outlinewidth": 0, "nticks": 5, "len": 180, "lenmode": "pixels", "y": 1.0,
        "yanchor": "top",
    }  # fmt: skip
    if top < 100.0:
        bar["title"] = {"text": f"{top:.0f} % or<br>more is full", "font": {"size": 11, "color": p.quiet}}
    figure.add_trace(go.Heatmap(x=columns, y=[_EVERYBODY], z=[everybody.round(2)], showscale=False, **scale))
    figure.add_trace(go.Heatmap(x=columns, y=list(range(n)), z=percent.round(2), colorbar=bar, **scale))
    figure.add_trace(_touch(profiles, rows))
    ids = [f"{plot_text(r, _ID)} {_level(p, level)}" for r, level in zip(shares.rows, levels, strict=True)]
    figure.update_yaxes(
        tickvals=[_EVERYBODY, *range(n)], ticktext=["<b>all prompts</b>", *ids], range=[n - 0.4, _EVERYBODY - 0.7],
        tickfont={"color": p.ink, "size": 11}, showgrid=False,
    )  # fmt: skip
    figure.update_xaxes(
        tickvals=columns, ticktext=[plot_text(c, 30) for c in shares.columns], tickangle=-50, side="top",
        showgrid=False, tickfont={"color": p.ink, "size": 11},
    )  # fmt: skip
    if chosen in shares.columns:
        at = shares.columns.index(chosen)
        box = {"x0": at - 0.5, "x1": at + 0.5, "y0": _EVERYBODY - 0.6, "y1": n - 0.4}
        figure.add_shape(type="rect", line={"color": p.accent, "width": 1.5}, **box)
    return Chart(
        figure,
        profiles_title(profiles),
        "A row is an account, a column a capability; the colour is the share of the account's own distinct prompts. "
        "The row on top is the share of all distinct prompts of the log. A click opens the account. Accounts with few "
        "prompts look spotty by chance, and an app that forwards many people's requests is as even as a sweep.",
        "Accounts by capability",
    )


def _level(p: Palette, level: str) -> str:
    return f"<span style='color:{p.level(level)}'>{words.LEVEL_WORDS[level]}</span>"


def _touch(profiles: Profiles, rows: NDArray[np.int64]) -> "go.Scatter":
    """Return unseen marks over the picture that say what is under the pointer, and take the click."""
    import plotly.graph_objects as go

    shares = profiles.shares
    n, width = len(shares.rows), len(shares.columns)
    names, heads = [plot_text(r, 40) for r in shares.rows], [plot_text(c, 60) for c in shares.columns]
    text = [
        f"all prompts<br>{head}: {share:.2g} %"
        for head, share in zip(heads, (100 * profiles.everybody).tolist(), strict=True)
    ]
    text += [
        f"{name}<br>{head}: {share:.2g} % of its prompts"
        for name, line in zip(names, (100 * shares.values).tolist(), strict=True)
        for head, share in zip(heads, line, strict=True)
    ]
    return go.Scatter(
        x=list(range(width)) * (n + 1), y=[_EVERYBODY] * width + np.repeat(np.arange(n), width).tolist(),
        customdata=[-1] * width + np.repeat(rows, width).tolist(), text=text, mode="markers",
        marker={"size": 13, "symbol": "square", "opacity": 0}, hovertemplate="%{text}<extra></extra>",
        selected={"marker": {"opacity": 0}}, unselected={"marker": {"opacity": 0}},
    )  # fmt: skip


def profiles_title(profiles: Profiles) -> str:
    """Say how many of the capabilities a typical row asks about."""
    values = profiles.shares.values
    if not len(values):
        return "No account is chosen"
    typical = int(np.median((values[:, : profiles.n_known] > 0).sum(1)))
    if len(values) == 1:
        return f"It asks about {typical} of {profiles.n_known} capabilities"
    return f"A typical one of these {len(values)} asks about {typical} of {profiles.n_known} capabilities"


def draw_breadth(
    p: Palette, wide: Breadth, prompts: NDArray[np.int32], levels: NDArray[np.int8], ids: Sequence[str]
) -> Chart:
    """Draw distinct cells against distinct prompts, one mark an account; flagged ones by level, the rest thinned."""
    import plotly.graph_objects as go

    legend = {"orientation": "h", "x": 0, "y": 1.0, "yanchor": "bottom"}
    figure = new_figure(p, 380, showlegend=True, legend=legend, clickmode="event+select")
    drawn = 0
    for codes, name in _groups():
        found = np.flatnonzero(np.isin(levels, codes) & (prompts > 0))
        found = found[np.linspace(0, len(found) - 1, min(len(found), _DRAWN)).astype(np.int64)] if len(found) else found
        if not len(found):
            continue
        drawn += len(found)
        colour = p.level(name) if name in _SYMBOLS else p.other
        figure.add_trace(
            go.Scattergl(
                x=prompts[found], y=wide.cells[found], mode="markers", name=name, customdata=found,
                text=[plot_text(ids[i], 40) for i in found.tolist()],
                marker={"color": colour, "symbol": _SYMBOLS.get(name, "circle"), "size": 7 if name in _SYMBOLS else 5,
                        "opacity": 0.85 if name in _SYMBOLS else 0.5, "line": {"width": 0}},
                hovertemplate="%{text}<br>%{y:,d} cells in %{x:,d} distinct prompts<extra></extra>",
                selected={"marker": {"opacity": 1}}, unselected={"marker": {"opacity": 0.5}},
            )
        )  # fmt: skip
    for axis, title in ((figure.update_xaxes, "distinct prompts"), (figure.update_yaxes, "distinct cells")):
        axis(type="log", title_text=title, dtick=1, tickformat=",d")
    some = "" if drawn == int((prompts > 0).sum()) else f" {words.count(drawn)} accounts are drawn, an even share."
    return Chart(
        figure,
        breadth_title(levels, wide.percentiles[:, 0]),
        "Each mark is an account. Who asks more covers more, so compare accounts of like volume: those at the upper "
        "edge find new ground with every prompt, those below return. Apps that forward many people's requests lie at "
        f"the upper edge, too. A click opens the account.{some}",
        "Distinct cells against distinct prompts of each account",
    )


def _groups() -> list[tuple[list[int], str]]:
    flagged = [([LEVELS.index(level)], level) for level in ("watch", *FLAGGED)]
    return [([LEVELS.index("insufficient"), LEVELS.index("none")], "none or unjudged"), *flagged]


def breadth_title(levels: NDArray[np.int8], percentiles: NDArray[np.float64]) -> str:
    """Say above how many of its peers a typical flagged account covers ground."""
    flagged = np.isin(levels, [LEVELS.index(level) for level in FLAGGED])
    known = percentiles[flagged & ~np.isnan(percentiles)]
    if not len(known):
        return "How much ground accounts cover for their volume"
    return f"A typical flagged account covers more ground than {np.median(known):.0f} % of its peers"
