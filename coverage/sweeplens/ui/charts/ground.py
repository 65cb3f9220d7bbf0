"""Some prompts over the density of all."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from sweeplens.report.columns import spaced
from sweeplens.report.facts import MapPoints, PromptRow
from sweeplens.report.sentences import shown_text
from sweeplens.ui import words
from sweeplens.ui.charts.base import (
    Chart,
    Label,
    density,
    hide_axes,
    limits,
    new_figure,
    place_labels,
    scatter,
    write_labels,
)  # fmt: skip
from sweeplens.ui.safe import plot_text
from sweeplens.ui.theme import Palette

MAX_DOTS = 8000  # dots beyond which more of them would show nothing new, and a browser would draw for seconds


def draw_ground(
    p: Palette, points: MapPoints, prompt_ids: NDArray[np.int32], prompts: Sequence[PromptRow], names: Sequence[Label],
    *, title: str = "", who: str = "this account",
) -> Chart:  # fmt: skip
    """Draw prompts over the density of all; `names` are cluster names that may be written where they fit.

    Of very many prompts an even sample is drawn, with all of `prompts` among them.
    """
    drawn = _sample(prompt_ids, [row.prompt_id for row in prompts])
    figure = new_figure(p, 400)
    figure.add_trace(density(p, points))
    texts = {row.prompt_id: plot_text(shown_text(row.text), 70) for row in prompts}
    clusters = {row.prompt_id: plot_text(row.cluster_name, 40) for row in prompts}
    ids = drawn.tolist()
    hover = [f"{texts[i]}<br><i>{clusters[i]}</i>" if i in texts else "" for i in ids]
    trace = scatter(len(ids))(
        x=points.x[drawn], y=points.y[drawn], mode="markers", text=hover,
        marker={"size": 6 if len(ids) < 600 else 4, "color": p.accent, "opacity": 0.8, "line": {"width": 0}},
        hovertemplate="%{text}<extra></extra>",
    )  # fmt: skip
    figure.add_trace(trace)
    x, y = limits(points.x), limits(points.y)
    hide_axes(figure, x, y)
    write_labels(figure, p, place_labels(names, x, y, (440, 360), most=5, width=24), 24)
    return Chart(
        figure,
        title or _ground_title(points, prompt_ids),
        f"Prompts that are alike lie near each other; dots are the prompts of {who}, the grey ground is everybody's. "
        f"Distances between far islands mean little.{_how_many(len(ids), len(prompt_ids))}",
        f"Map of all prompts with those of {who} lit",
    )


def _sample(ids: NDArray[np.int32], always: Sequence[int]) -> NDArray[np.int32]:
    """Return all ids, or `always` and an even sample of the others, in their order."""
    if len(ids) <= MAX_DOTS:
        return ids
    kept = np.isin(ids, np.array(always, np.int64))
    others = np.flatnonzero(~kept)
    kept[others[spaced(len(others), max(0, MAX_DOTS - int(kept.sum())))]] = True
    chosen: NDArray[np.int32] = ids[kept]
    return chosen


def _how_many(drawn: int, total: int) -> str:
    return "" if drawn == total else f" An even sample is drawn: {words.count(drawn)} of {words.count(total)} prompts."


def _ground_title(points: MapPoints, ids: NDArray[np.int32]) -> str:
    own = np.unique(points.cluster[ids])
    reached, total = int((own >= 0).sum()), len(np.unique(points.cluster[points.cluster >= 0]))
    return f"Reaches {words.count(reached)} of {words.counted(total, 'cluster')} of the map"
