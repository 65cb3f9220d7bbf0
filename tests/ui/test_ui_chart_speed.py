"""Charts of a large log: few dots, a ground that is counted once, and no template but ours."""

import numpy as np
from plotly.subplots import make_subplots
from scipy.ndimage import gaussian_filter

from sweeplens.report.facts import MapPoints, PromptRow
from sweeplens.ui.charts import ground
from sweeplens.ui.charts.base import density, limits, new_figure
from sweeplens.ui.theme import palette

P = palette("light")


def make_points(n: int) -> MapPoints:
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(2, n)).astype(np.float32)
    codes = np.zeros(n, np.int32)
    return MapPoints(x, y, codes, codes, codes.astype(np.int8), codes + 1, (("coding", "Coding"),))


def make_row(prompt: int) -> PromptRow:
    return PromptRow(prompt, f"prompt {prompt}", 0, "lists", "coding", "core", 1, 1, None)


def test_of_very_many_prompts_a_sample_is_drawn_with_those_that_are_listed() -> None:
    points, ids = make_points(30_000), np.arange(1000, 29_000, dtype=np.int32)
    listed = (1001, 17_003, 28_998)
    chart = ground.draw_ground(P, points, ids, [make_row(p) for p in listed], [])
    dots = chart.figure.data[-1]
    assert len(dots.x) == len(dots.text) == ground.MAX_DOTS
    lit = {str(text).split("<br>")[0] for text in dots.text if text}
    assert lit == {f"prompt {p}" for p in listed}
    for p in listed:
        assert points.x[p] in np.asarray(dots.x)
    assert "An even sample is drawn: 8 000 of 28 000 prompts." in chart.caption.replace("\u2009", " ")


def test_few_prompts_are_all_drawn() -> None:
    points, ids = make_points(500), np.array([3, 1, 499], np.int32)
    chart = ground.draw_ground(P, points, ids, [], [])
    assert np.array_equal(chart.figure.data[-1].x, points.x[ids])
    assert "sample" not in chart.caption


def test_the_ground_is_the_smoothed_logarithm_of_the_counts_and_is_counted_once(monkeypatch) -> None:
    points = make_points(2000)
    counts = np.histogram2d(points.x, points.y, bins=(110, 80), range=(limits(points.x), limits(points.y)))[0]
    plain = gaussian_filter(np.log1p(counts), 0.9).T
    first = density(P, points)
    assert np.array_equal(first.z, plain.round(2))
    assert first.zmax == plain.max()
    monkeypatch.setattr(np, "histogram2d", None)  # would fail if it were called again
    assert np.array_equal(density(palette("dark"), points).z, first.z)
    assert density(P, points).x[0] > limits(points.x)[0]


def test_panels_take_our_template_alone() -> None:
    figure = new_figure(P, 300, panels=make_subplots(rows=1, cols=2), margin={"t": 31})
    assert figure.layout.template.data.to_plotly_json() == {}
    assert figure.layout.template.layout.paper_bgcolor == P.ground
    assert (figure.layout.height, figure.layout.margin.t) == (300, 31)
    assert figure.layout.xaxis2.domain is not None
