"""Charts about one account."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from sweeplens.report.facts import CapabilityShare, Curve
from sweeplens.report.sentences import odds, signed
from sweeplens.report.titles import capability_title, curve_title
from sweeplens.ui.charts.base import Chart, label_end, new_figure
from sweeplens.ui.safe import plot_text, wrapped
from sweeplens.ui.theme import Palette, translucent

if TYPE_CHECKING:
    import plotly.graph_objects as go

_ROW = 78  # px of one reason
_PEERS = 300  # peers that are drawn on a strip, spread evenly over them
_STRIP, _BAR = (0.0, 0.76), (0.83, 0.99)  # parts of the width: the strip, and what it adds
_WRAP = 66  # characters of a line of a sentence


@dataclass(frozen=True, eq=False)
class Strip:
    """One reason: its sentence, what it adds to the log-odds, and the account's value among those of its peers.

    `shown` are the account's value and the peers' median as people read them. A reason without a value of its own has
    no peers.
    """

    sentence: str
    adds: float | None
    value: float | None
    peers: NDArray[np.float64]
    shown: tuple[str, str] = ("", "")


def draw_strips(p: Palette, strips: Sequence[Strip]) -> Chart:
    """Draw the reasons, one below the other: a sentence, the peers as ticks with the account's dot, what it adds."""
    figure = new_figure(p, _ROW * max(1, len(strips)) + 16, hovermode="closest")
    figure.update_xaxes(visible=False, range=(0, 1), fixedrange=True)
    figure.update_yaxes(visible=False, range=(len(strips) - 0.5, -0.5), fixedrange=True)
    known = [strip.adds for strip in strips if strip.adds is not None]
    low, high = min([0.0, *known]), max([0.0, *known])
    zero = _bar_end(0.0, low, high)
    figure.add_shape(
        type="line", x0=zero, x1=zero, y0=-0.45, y1=len(strips) - 0.55, line={"color": p.line, "width": 1},
        layer="below",
    )  # fmt: skip
    for row, strip in enumerate(strips):
        sentence = wrapped(strip.sentence[:1].upper() + strip.sentence[1:], _WRAP, 2)
        figure.add_annotation(
            x=0, y=row - 0.46, xanchor="left", yanchor="top", align="left", text=sentence,
            font={"size": 13, "color": p.ink},
        )  # fmt: skip
        if strip.value is not None and len(strip.peers):
            _add_strip(figure, p, strip, row + (0.3 if "<br>" in sentence else 0.16))
        if strip.adds is not None:
            _add_bar(figure, p, row, strip.adds, (zero, _bar_end(strip.adds, low, high)))
    return Chart(
        figure,
        "Why: what counts most, and how much",
        "Left: each tick is a peer, the dot is this account; each strip has its own scale, and what lies far outside "
        "stands at its edge. The line at the head of the page says who the peers are. Right: what it adds to the "
        "log-odds of the score; + raises it, − lowers it, and 0.7 doubles or halves the odds.",
        "Strips of peers with this account's dot and what each adds to the score, one for each reason",
    )


def _bar_end(adds: float, low: float, high: float) -> float:
    """Return where a bar ends that adds so much, of bars between `low` and `high`."""
    return _BAR[0] + (_BAR[1] - _BAR[0]) * (adds - low) / ((high - low) or 1.0)


def _add_bar(figure: "go.Figure", p: Palette, row: int, adds: float, ends: tuple[float, float]) -> None:
    import plotly.graph_objects as go

    colour = p.levels["review"] if adds > 0 else p.levels["watch"]
    figure.add_shape(
        type="rect", x0=ends[0], x1=ends[1], y0=row - 0.04, y1=row + 0.16, fillcolor=colour, line={"width": 0}
    )
    figure.add_annotation(
        x=ends[0], y=row - 0.06, yanchor="bottom", xanchor="left" if adds > 0 else "right", text=signed(adds),
        font={"size": 13, "color": p.ink},
    )  # fmt: skip
    figure.add_trace(
        go.Scatter(
            x=[sum(ends) / 2], y=[row + 0.06], mode="markers", marker={"size": 22, "color": translucent(colour, 0.0)},
            hovertemplate=f"adds {signed(adds)} to the log-odds:<br>{odds(adds)}<extra></extra>",
        )
    )  # fmt: skip


def _add_strip(figure: "go.Figure", p: Palette, strip: Strip, y: float) -> None:
    import plotly.graph_objects as go

    value = strip.value or 0.0
    low, high = np.quantile(strip.peers, (0.05, 0.95)).tolist()
    if high <= low:
        low, high = float(min(strip.peers.min(), value)), float(max(strip.peers.max(), value))
    span = (high - low) or 1.0
    chosen = strip.peers
    if len(chosen) > _PEERS:
        chosen = np.sort(chosen)[np.linspace(0, len(chosen) - 1, _PEERS).round().astype(int)]
    width = _STRIP[1] - _STRIP[0]

    def place(v: NDArray[np.float64]) -> NDArray[np.float64]:
        inside = 0.15 + 0.7 * (v - low) / span
        clipped: NDArray[np.float64] = (_STRIP[0] + width * np.clip(inside, 0.015, 0.985)).round(4)
        return clipped

    own, middle = (plot_text(text) for text in strip.shown)
    figure.add_shape(
        type="line", x0=_STRIP[0], x1=_STRIP[1], y0=y, y1=y, line={"color": p.line, "width": 1}, layer="below"
    )
    figure.add_trace(
        go.Scatter(
            x=place(chosen), y=np.full(len(chosen), y), mode="markers", hoverinfo="skip",
            marker={"symbol": "line-ns-open", "size": 12, "line": {"width": 1}, "color": translucent(p.quiet, 0.45)},
        )
    )  # fmt: skip
    figure.add_trace(
        go.Scatter(
            x=place(np.array([value])), y=[y], mode="markers", cliponaxis=False,
            marker={"size": 13, "color": p.accent, "line": {"color": p.ground, "width": 2}},
            hovertemplate=f"this account {own}<br>peers' median {middle}<extra></extra>",
        )
    )  # fmt: skip


def draw_curve(p: Palette, curve: Curve) -> Chart:
    """Draw distinct cells against distinct prompts, over the band of the peers."""
    import plotly.graph_objects as go

    figure = new_figure(p, 300, margin={"l": 8, "r": 92, "t": 8, "b": 8})
    banded = [i for i, low in enumerate(curve.low) if low is not None]
    n = [curve.n[i] for i in banded]
    if banded:
        low, middle, high = ([line[i] for i in banded] for line in (curve.low, curve.median, curve.high))
        edge = {"width": 0}
        figure.add_trace(go.Scatter(x=n, y=high, mode="lines", line=edge, hoverinfo="skip"))
        figure.add_trace(
            go.Scatter(
                x=n, y=low, mode="lines", line=edge, fill="tonexty", fillcolor=translucent(p.quiet, 0.18),
                hoverinfo="skip",
            )
        )  # fmt: skip
        figure.add_trace(
            go.Scatter(
                x=n, y=middle, mode="lines", line={"color": p.quiet, "width": 1.5, "dash": "dot"},
                customdata=[[curve.n_peers[i], curve.low[i], curve.high[i]] for i in banded],
                hovertemplate="after %{x:,d} prompts: peers' median %{y:,.0f} cells<br>"
                "90 % have %{customdata[1]:,.0f} to %{customdata[2]:,.0f}, %{customdata[0]:,d} peers<extra></extra>",
            )
        )  # fmt: skip
    figure.add_trace(
        go.Scatter(
            x=curve.n, y=curve.cells, mode="lines+markers", line={"color": p.accent, "width": 2.5},
            marker={"size": 5}, hovertemplate="after %{x:,d} prompts: %{y:,d} cells<extra></extra>",
        )
    )  # fmt: skip
    _label_curve(figure, p, curve, banded)
    figure.update_xaxes(
        title_text="distinct prompts, in order of arrival", rangemode="tozero", tickformat=",d", showgrid=False
    )
    figure.update_yaxes(title_text="distinct cells", rangemode="tozero", tickformat=",d")
    return Chart(
        figure,
        curve_title(curve),
        "Cells are small even parts of the map; the band holds 90 % of its peers that got as far. "
        "Apps that forward many people's requests rise steeply too.",
        "Coverage curve of this account over the band of its peers",
    )


def _label_curve(figure: "go.Figure", p: Palette, curve: Curve, banded: list[int]) -> None:
    if not curve.n:
        return
    shift = 0
    if banded and banded[-1] == len(curve.n) - 1:
        top = max(*curve.cells, curve.high[banded[-1]] or 0.0, 1.0)
        apart = (curve.cells[-1] - (curve.median[banded[-1]] or 0.0)) / top * 240
        shift = 0 if abs(apart) > 16 else 9 if apart >= 0 else -9
    label_end(figure, (curve.n[-1], curve.cells[-1]), "this account", p.accent, shift)
    if banded:
        end = (curve.n[banded[-1]], curve.median[banded[-1]] or 0.0)
        label_end(figure, end, "peers’ median", p.quiet, -shift)


def draw_capabilities(p: Palette, shares: Sequence[CapabilityShare]) -> Chart:
    """Draw the account's share on each capability as a bar, and the peers' median as a tick on it."""
    import plotly.graph_objects as go

    used = [s for s in shares if s.n_prompts or (s.peer_median or 0.0) > 0.004]
    used.sort(key=lambda s: (s.share, s.peer_median or 0.0))
    rows = list(range(len(used)))
    figure = new_figure(p, 23 * max(3, len(used)) + 60, bargap=0.45)
    figure.add_trace(
        go.Bar(
            x=[100 * s.share for s in used], y=rows, orientation="h", marker={"color": p.accent},
            customdata=[[plot_text(s.name), s.n_prompts] for s in used],
            hovertemplate="%{customdata[0]}: %{x:.2~r} %, %{customdata[1]:,d} prompts<extra></extra>",
        )
    )  # fmt: skip
    figure.add_trace(
        go.Scatter(
            x=[100 * (s.peer_median or 0.0) for s in used], y=rows, mode="markers", cliponaxis=False,
            marker={"symbol": "line-ns-open", "size": 15, "color": p.ink, "line": {"width": 2}},
            customdata=[plot_text(s.name) for s in used],
            hovertemplate="%{customdata}: peers' median %{x:.2~r} %<extra></extra>",
        )
    )  # fmt: skip
    figure.update_yaxes(
        tickvals=rows,
        ticktext=[plot_text(s.name, 28) for s in used],
        tickfont={"color": p.ink, "size": 12},
        showgrid=False,
    )
    figure.update_xaxes(ticksuffix=" %", rangemode="tozero", title_text="share of its distinct prompts")
    return Chart(
        figure,
        capability_title(tuple(shares)),
        "Bars are this account's shares, ticks the median of its peers; a sweep is often flat where a person has one "
        "or two long bars, and so is an app for everybody.",
        "Share of this account's prompts on each capability, beside the peers' median",
    )
