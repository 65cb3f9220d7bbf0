"""Pictures of one account."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from sweeplens.report.columns import columns_of
from sweeplens.report.facts import AccountEvidence, CapabilityShare, Curve, SweepOrder
from sweeplens.report.paper.choice import Choice
from sweeplens.report.paper.drawing import (
    FULL,
    HALF,
    SMALL,
    P,
    Picture,
    bare,
    draw,
    label_rows,
    quiet,
    scale,
    thousands,
)
from sweeplens.report.paper.shared_pictures import date_axis, draw_ground, draw_timeline
from sweeplens.report.releases import Release
from sweeplens.report.titles import capability_title, curve_title, order_title
from sweeplens.report.wording import count

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from sweeplens.store.snapshot import Snapshot

_PEERS = 300  # peers that are drawn on a strip, spread evenly over them
_ROWS = 5  # rows that a picture of capabilities has room for at least
_BINS = 150  # columns of the sweep order


def draw_account(
    snapshot: "Snapshot", evidence: AccountEvidence, choice: Choice, releases: Sequence[Release] = ()
) -> Mapping[str, Picture]:
    """Return the pictures of an account by their keys; those of its reasons are called strip_ and their signal."""
    weights = {c.cluster_id: c.n_prompts for c in evidence.clusters}
    return {
        **_draw_strips(snapshot, evidence),
        "ground": draw_ground(snapshot, evidence.prompt_ids, weights, choice, "this account"),
        "curve": _draw_curve(evidence.curve),
        "capabilities": _draw_capabilities(evidence.capabilities),
        "order": _draw_order(evidence.order),
        "timeline": draw_timeline(evidence.timeline, releases),
    }


def _draw_strips(snapshot: "Snapshot", evidence: AccountEvidence) -> dict[str, Picture]:
    signals, position = columns_of(snapshot).signals, columns_of(snapshot).position
    rows = np.array([position[a] for a in evidence.peers.account_ids], np.int64)
    pictures = {}
    for reason in evidence.row.reasons:
        value = next((f.value for f in evidence.signals if f.signal == reason.signal), None)
        if reason.signal not in signals.names or value is None:
            continue
        peers = signals.values[rows, signals.names.index(reason.signal)]
        peers = np.sort(peers[~np.isnan(peers)])
        if len(peers):
            pictures[f"strip_{reason.signal}"] = _draw_strip(reason.signal, peers, value)
    return pictures


def _draw_strip(signal: str, peers: NDArray[np.float64], value: float) -> Picture:
    low, high = np.quantile(peers, (0.05, 0.95)).tolist()
    if high <= low:
        low, high = float(min(peers[0], value)), float(max(peers[-1], value))
    span = (high - low) or 1.0
    chosen = peers[np.linspace(0, len(peers) - 1, min(len(peers), _PEERS)).round().astype(int)]

    def place(v: NDArray[np.float64]) -> NDArray[np.float64]:
        inside: NDArray[np.float64] = np.clip(0.17 + 0.66 * (v - low) / span, 0.02, 0.98)
        return inside

    def paint(figure: "Figure") -> None:
        figure.set_layout_engine("none")
        axes = figure.add_axes((0, 0, 1, 1), xlim=(0, 1), ylim=(-1, 1))
        bare(axes)
        axes.plot((0, 1), (0, 0), color=P.line, linewidth=0.7)
        # One line with gaps: a thousand marks of their own would be a long file.
        x = np.repeat(place(chosen), 3)
        y = np.tile((-0.55, 0.55, np.nan), len(chosen))
        axes.plot(x, y, color=P.quiet, linewidth=0.5, alpha=0.45)
        middle = float(place(np.array([np.median(peers)]))[0])
        axes.plot((middle, middle), (-0.9, 0.9), color=P.ink, linewidth=0.9)
        axes.plot(place(np.array([value])), [0], "o", color=P.accent, markersize=6.5, markeredgecolor=P.ground)

    alt = "Strip of the peers with the account as a dot and their median as a line"
    return Picture("", "", alt, partial(draw, f"strip_{signal}", (1.75, 0.21), paint))


def _draw_curve(curve: Curve) -> Picture:
    banded = [i for i, low in enumerate(curve.low) if low is not None]
    n = [curve.n[i] for i in banded]
    low, middle, high = ([line[i] or 0.0 for i in banded] for line in (curve.low, curve.median, curve.high))

    def paint(figure: "Figure") -> None:
        axes = figure.add_subplot()
        axes.fill_between(n, low, high, color=P.quiet, alpha=0.18, linewidth=0)
        axes.plot(n, middle, color=P.quiet, linewidth=1, linestyle=(0, (1.5, 1.5)))
        axes.plot(curve.n, curve.cells, color=P.accent, linewidth=1.6, marker="o", markersize=2.6)
        quiet(axes, x="distinct prompts, in order of arrival", y="distinct cells")
        axes.set_xlim(left=0)
        axes.set_ylim(bottom=0)
        thousands(axes.xaxis)
        thousands(axes.yaxis)
        axes.grid(axis="y", color=P.line, linewidth=0.5)
        axes.set_axisbelow(True)
        if curve.n:
            _label_curve(axes, curve, banded)

    return Picture(
        curve_title(curve),
        "Cells are small even parts of the map; the band holds 90 % of its peers that got as far. "
        "Apps that forward many people's requests rise steeply too.",
        "Coverage curve of this account over the band of its peers",
        partial(draw, "curve", (HALF, 2.3), paint),
    )


def _label_curve(axes: "Axes", curve: Curve, banded: list[int]) -> None:
    shift = 0.0
    if banded:
        top = max(*curve.cells, curve.high[banded[-1]] or 0.0, 1.0)
        apart = (curve.cells[-1] - (curve.median[banded[-1]] or 0.0)) / top * 120
        shift = 0.0 if abs(apart) > 9 or banded[-1] != len(curve.n) - 1 else 5.0 if apart >= 0 else -5.0
        end = (curve.n[banded[-1]], curve.median[banded[-1]] or 0.0)
        _label(axes, end, "peers’ median", P.quiet, -shift)
    _label(axes, (curve.n[-1], curve.cells[-1]), "this account", P.accent, shift)


def _label(axes: "Axes", at: tuple[float, float], text: str, colour: str, shift: float) -> None:
    axes.annotate(
        text, at, xytext=(4, shift), textcoords="offset points", color=colour, fontsize=SMALL, va="center",
        annotation_clip=False,
    )  # fmt: skip


def _draw_capabilities(shares: tuple[CapabilityShare, ...]) -> Picture:
    used = [s for s in shares if s.n_prompts or (s.peer_median or 0.0) > 0.004]
    used.sort(key=lambda s: (-s.share, -(s.peer_median or 0.0)))

    def paint(figure: "Figure") -> None:
        axes = figure.add_subplot()
        rows = range(len(used))
        axes.barh(rows, [100 * s.share for s in used], height=0.62, color=P.accent, linewidth=0)
        medians = [100 * (s.peer_median or 0.0) for s in used]
        axes.plot(medians, rows, "|", color=P.ink, markersize=6, markeredgewidth=1.1, clip_on=False)
        quiet(axes, x="share of its distinct prompts, %")
        label_rows(axes, [s.name for s in used], 28, least=_ROWS)
        axes.set_xlim(left=0)
        axes.grid(axis="x", color=P.line, linewidth=0.5)
        axes.set_axisbelow(True)

    return Picture(
        capability_title(shares),
        "Bars are this account's shares, ticks the median of its peers; a sweep is often flat where a person has one "
        "or two long bars, and so is an app for everybody.",
        "Share of this account's prompts on each capability, beside the peers' median",
        partial(draw, "capabilities", (HALF, 0.148 * max(_ROWS, len(used)) + 0.5), paint),
    )


def _draw_order(order: SweepOrder) -> Picture:
    dated = ~np.isnat(order.ts)
    by_time = bool(dated.any())
    keep = dated if by_time else np.ones(len(order.ts), bool)
    place = order.ts[keep].astype("datetime64[us]").astype(np.int64) if by_time else order.arrival[keep]
    used, row = np.unique(order.capability[keep], return_inverse=True)
    edges = np.linspace(place.min(initial=place[0]), place.max(initial=place[0]) + 1, _BINS + 1)
    column = np.clip(np.searchsorted(edges, place, side="right") - 1, 0, _BINS - 1)
    counts = np.zeros((max(1, len(used)), _BINS))
    np.add.at(counts, (row, column), 1)

    def paint(figure: "Figure") -> None:
        axes = figure.add_subplot()
        z = np.where(counts > 0, np.log1p(counts), np.nan)
        ends = edges[[0, -1]].astype("datetime64[us]").astype(float) / 86_400e6 if by_time else edges[[0, -1]]
        extent = (float(ends[0]), float(ends[1]), len(used) - 0.5, -0.5)
        ink = scale(((0.0, P.line), (0.25, P.quiet), (1.0, P.ink)))
        top = max(0.1, float(np.nanmax(z, initial=0.1)))
        axes.imshow(z, aspect="auto", extent=extent, cmap=ink, vmin=0.0, vmax=top, interpolation="nearest")
        for edge in range(1, len(used)):  # gaps, so that rows can be told apart
            axes.axhline(edge - 0.5, color=P.ground, linewidth=2.2)
        quiet(axes, x="time, UTC" if by_time else "order of arrival")
        label_rows(axes, [order.capabilities[i][1] for i in used.tolist()], 28, least=2)
        if by_time:
            _time_axis(axes, float(ends[1] - ends[0]))
        else:
            thousands(axes.xaxis)

    thinned = "" if order.total <= len(order.arrival) else (
        f" Of {count(order.total)} requests, {count(len(order.arrival))} are drawn, evenly spaced."
    )  # fmt: skip
    return Picture(
        order_title(order),
        "Each mark is a request; a sweep fills the picture like a raster, a person leaves streaks. A gateway for many "
        "people looks like a raster too." + thinned,
        "Raster of capabilities over time",
        partial(draw, "order", (FULL, 0.15 * max(2, len(used)) + 0.45), paint),
    )


def _time_axis(axes: "Axes", days: float) -> None:
    from matplotlib.dates import DateFormatter, HourLocator

    axes.xaxis_date()
    if days > 3:
        date_axis(axes, int(days))
        return
    step = next((h for h in (1, 2, 3, 6, 12) if days * 24 / h <= 7), 12)
    axes.xaxis.set_major_locator(HourLocator(byhour=range(0, 24, step)))  # type: ignore[no-untyped-call]
    axes.xaxis.set_major_formatter(DateFormatter("%H:%M\n%-d %b %Y"))  # type: ignore[no-untyped-call]
