"""Pictures of one campaign."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from sweeplens.report.facts import CampaignEvidence, Matrix, UnionCoverage
from sweeplens.report.paper.choice import Choice
from sweeplens.report.paper.drawing import FULL, HALF, SMALL, P, Picture, draw, label_rows, quiet, scale, thousands
from sweeplens.report.paper.shared_pictures import date_axis, draw_ground, draw_timeline
from sweeplens.report.releases import Release
from sweeplens.report.titles import days_title, shares_title, similarity_title, union_title
from sweeplens.report.wording import count
from sweeplens.text import one_line

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from sweeplens.store.snapshot import Snapshot

_EPOCH = 719_163  # ordinal of 1 January 1970, from which matplotlib counts days
_COLUMNS = 8  # columns that the picture of capabilities has room for at least
_ID = 20  # characters of an account's id beside a picture


def draw_campaign(
    snapshot: "Snapshot", evidence: CampaignEvidence, choice: Choice, releases: Sequence[Release] = ()
) -> Mapping[str, Picture]:
    """Return the pictures of a campaign by their keys."""
    clusters = np.unique(_clusters(snapshot, evidence), return_counts=True)
    weights = dict(zip(clusters[0].tolist(), clusters[1].tolist(), strict=True))
    return {
        "shares": _draw_shares(evidence.capabilities),
        "similarity": _draw_similarity(evidence.similarity),
        "ground": draw_ground(snapshot, evidence.prompt_ids, weights, choice, "the members of this campaign"),
        "union": _draw_union(evidence.coverage),
        "days": _draw_days(evidence.days),
        "timeline": draw_timeline(evidence.timeline, releases),
    }


def _clusters(snapshot: "Snapshot", evidence: CampaignEvidence) -> np.ndarray:
    from sweeplens.report.columns import columns_of

    return columns_of(snapshot).prompt_cluster[evidence.prompt_ids]


def _height(rows: int, extra: float) -> float:
    return float(np.clip(0.135 * rows, 1.0, 7.5)) + extra


def _rows(axes: "Axes", matrix: Matrix) -> None:
    label_rows(axes, matrix.rows, _ID, SMALL if len(matrix.rows) <= 40 else 5.5)


def _grid(axes: "Axes", rows: int, columns: int) -> None:
    """Draw gaps between the fields of a heat map, and take its frame away."""
    for side in axes.spines.values():
        side.set_visible(False)
    for row in range(1, rows):
        axes.axhline(row - 0.5, color=P.ground, linewidth=0.6)
    for column in range(1, columns):
        axes.axvline(column - 0.5, color=P.ground, linewidth=0.6)
    axes.tick_params(axis="x", length=0)


def _draw_shares(matrix: Matrix) -> Picture:
    values = 100 * np.asarray(matrix.values, float)

    def paint(figure: "Figure") -> None:
        axes = figure.add_subplot()
        top = max(1.0, float(values.max(initial=0)))
        image = axes.imshow(values, aspect="auto", cmap=scale(P.shades), vmin=0.0, vmax=top, interpolation="nearest")
        quiet(axes)
        _rows(axes, matrix)
        names = [one_line(c, 24) for c in matrix.columns]
        # Anchored where they end: they are drawn in a narrower font than they are measured in.
        axes.set_xticks(
            range(len(names)), labels=names, fontsize=SMALL, color=P.ink, rotation=90, rotation_mode="anchor",
            ha="right", va="center",
        )  # fmt: skip
        _grid(axes, *values.shape)
        axes.set_xlim(-0.5, max(len(names), _COLUMNS) - 0.5)
        _bar(figure, axes, image, "% of the member's prompts")

    return Picture(
        shares_title(matrix),
        "A row is a member, a column a capability; the colour is the share of the member's own prompts. Members with "
        "few prompts look spotty by chance.",
        "Members by capability",
        partial(draw, "shares", (HALF, _height(len(matrix.rows), 1.6)), paint),
    )


def _draw_similarity(matrix: Matrix) -> Picture:
    values = np.asarray(matrix.values, float)

    def paint(figure: "Figure") -> None:
        axes = figure.add_subplot()
        image = axes.imshow(values, aspect="auto", cmap=scale(P.heat), vmin=0.0, vmax=1.0, interpolation="nearest")
        quiet(axes)
        _rows(axes, matrix)
        axes.set_xticks([])
        _grid(axes, *values.shape)
        _bar(figure, axes, image, "likeness")

    return Picture(
        similarity_title(matrix),
        "Likeness is the cosine of two members' mean prompts, less what everybody asks; members in like order from top "
        "and from left. Below zero counts as zero.",
        "Likeness of each pair of members",
        partial(draw, "similarity", (HALF, _height(len(matrix.rows), 0.6)), paint),
    )


def _bar(figure: "Figure", axes: "Axes", image: object, label: str) -> None:
    """Draw the scale of a heat map under it, where it takes no width."""
    bar = figure.colorbar(image, ax=axes, location="bottom", aspect=34, fraction=0.05, pad=0.02)  # type: ignore[arg-type]
    bar.outline.set_visible(False)
    bar.ax.tick_params(colors=P.quiet, labelsize=SMALL, length=0)
    bar.set_label(label, color=P.quiet, fontsize=SMALL)


def _draw_union(coverage: UnionCoverage) -> Picture:
    rows = [("all together", coverage.cells), *coverage.largest]

    def paint(figure: "Figure") -> None:
        axes = figure.add_subplot()
        colours = [P.accent] + [P.other] * len(coverage.largest)
        bars = axes.barh(range(len(rows)), [n for _, n in rows], height=0.62, color=colours, linewidth=0)
        axes.bar_label(bars, labels=[count(n) for _, n in rows], padding=3, fontsize=SMALL, color=P.ink)
        quiet(axes, x=f"cells, of {count(coverage.of)}")
        label_rows(axes, [name for name, _ in rows], _ID)
        axes.set_xlim(0, 1.12 * max(1, coverage.cells))
        thousands(axes.xaxis)

    return Picture(
        union_title(coverage),
        "Cells are small even parts of the map. Any group covers more than its members; ground that was dealt out adds "
        "up almost fully.",
        "Cells covered by all members together and by the widest single ones",
        partial(draw, "union", (HALF, 0.19 * len(rows) + 0.55), paint),
    )


def _draw_days(matrix: Matrix) -> Picture:
    counts = np.asarray(matrix.values, float)

    def paint(figure: "Figure") -> None:
        axes = figure.add_subplot()
        quiet(axes, x="day, UTC")
        if not matrix.columns:
            axes.set_axis_off()
            return
        days = [datetime.fromisoformat(c).toordinal() - _EPOCH for c in matrix.columns]
        whole = days[-1] - days[0] + 1 == len(days)  # of very long logs the days without requests are left out
        first, last = (days[0], days[-1]) if whole else (0, len(days) - 1)
        z = np.where(counts > 0, np.log1p(counts), np.nan)
        ink = scale(((0.0, P.line), (0.25, P.quiet), (1.0, P.ink)))
        extent = (first - 0.5, last + 0.5, len(matrix.rows) - 0.5, -0.5)
        top = max(0.1, float(np.nanmax(z, initial=0.1)))
        axes.imshow(z, aspect="auto", extent=extent, cmap=ink, vmin=0.0, vmax=top, interpolation="nearest")
        for row in range(1, len(matrix.rows)):
            axes.axhline(row - 0.5, color=P.ground, linewidth=0.6)
        _rows(axes, matrix)
        if whole:
            axes.xaxis_date()
            date_axis(axes, last - first)
        else:
            shown = np.linspace(0, last, 5).round().astype(int).tolist()
            axes.set_xticks(shown, labels=[matrix.columns[i] for i in shown])

    return Picture(
        days_title(matrix),
        "A row is a member, a column a day in UTC; the stronger, the more requests. Starting and stopping together "
        "speaks for one hand, and so does working in shifts.",
        "Requests of each member by day",
        partial(draw, "days", (FULL, _height(len(matrix.rows), 0.45)), paint),
    )
