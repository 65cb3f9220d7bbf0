"""Some prompts over the density of all."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

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


def draw_ground(
    p: Palette, points: MapPoints, prompt_ids: NDArray[np.int32], prompts: Sequence[PromptRow], names: Sequence[Label],
    *, title: str = "", who: str = "this account",
) -> Chart:  # fmt: skip
    """Draw prompts over the density of all; `names` are cluster names that may be written where they fit."""
    figure = new_figure(p, 400)
    figure.add_trace(density(p, points.x, points.y))
    texts = {row.prompt_id: plot_text(shown_text(row.text), 70) for row in prompts}
    clusters = {row.prompt_id: plot_text(row.cluster_name, 40) for row in prompts}
    ids = prompt_ids.tolist()
    hover = [f"{texts[i]}<br><i>{clusters[i]}</i>" if i in texts else "" for i in ids]
    trace = scatter(len(ids))(
        x=points.x[prompt_ids], y=points.y[prompt_ids], mode="markers", text=hover,
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
        "Distances between far islands mean little.",
        f"Map of all prompts with those of {who} lit",
    )


def _ground_title(points: MapPoints, ids: NDArray[np.int32]) -> str:
    own = np.unique(points.cluster[ids])
    reached, total = int((own >= 0).sum()), len(np.unique(points.cluster[points.cluster >= 0]))
    return f"Reaches {words.count(reached)} of {words.counted(total, 'cluster')} of the map"
