"""Charts are pure functions: what they draw, and that nothing hostile gets into them."""

from datetime import UTC, date, datetime

import numpy as np
import pytest

from sweeplens.report.account import account_evidence
from sweeplens.report.facts import CapabilityShare, Curve, SweepOrder, Timeline
from sweeplens.report.ground import map_points
from sweeplens.store.snapshot import Snapshot
from sweeplens.ui.charts import account, ground, order, timeline
from sweeplens.ui.charts.base import Chart, Label, new_figure, place_labels, time_axis
from sweeplens.ui.theme import PALETTES, palette

P = palette("light")
HOSTILE = '<a href="https://example.com">x</a> & <b>y</b>'


def drawn(chart: Chart) -> str:
    return chart.figure.to_json()


@pytest.mark.parametrize("mode", PALETTES)
def test_every_chart_of_an_account_is_drawn_in_the_colours_of_the_theme(snapshot: Snapshot, mode: str) -> None:
    p, evidence, points = palette(mode), account_evidence(snapshot, "lone"), map_points(snapshot)
    charts = [
        ground.draw_ground(p, points, evidence.prompt_ids, evidence.prompts, []),
        account.draw_curve(p, evidence.curve),
        account.draw_capabilities(p, evidence.capabilities),
        timeline.draw_timeline(p, evidence.timeline),
        order.draw_order(p, evidence.order, by_time=True),
        order.draw_order(p, evidence.order, by_time=False),
        account.draw_strips(p, [account.Strip("covers much", True, 0.9, np.array([0.1, 0.2]), ("9", "2"))]),
    ]
    for chart in charts:
        assert chart.figure.layout.template.layout.paper_bgcolor == p.ground
        assert chart.figure.data
        assert chart.title
        assert chart.caption
        assert chart.alt


def test_the_ground_lights_exactly_the_prompts_of_the_account(snapshot: Snapshot) -> None:
    evidence, points = account_evidence(snapshot, "lone"), map_points(snapshot)
    dots = ground.draw_ground(P, points, evidence.prompt_ids, evidence.prompts, []).figure.data[-1]
    assert np.array_equal(dots.x, points.x[evidence.prompt_ids])
    assert len(dots.text) == len(evidence.prompt_ids)


def test_hover_texts_hold_no_markup_of_a_prompt(snapshot: Snapshot) -> None:
    evidence, points = account_evidence(snapshot, "dealt-b"), map_points(snapshot)
    chart = ground.draw_ground(P, points, evidence.prompt_ids, evidence.prompts, [Label(0, 0, HOSTILE, 1)])
    assert "<script" not in drawn(chart)
    assert any("&lt;script&gt;" in text for text in chart.figure.data[-1].text)
    assert "<a href" not in drawn(chart)


@pytest.mark.parametrize(
    ("cells", "title"),
    [
        ((1, 9), "Keeps finding new ground where peers return"),
        ((1, 1), "Returns to the same ground where peers move on"),
        ((1, 4), "Finds new ground about as peers do"),
    ],
)
def test_the_curve_says_on_which_side_of_the_band_the_account_ends(cells: tuple[int, int], title: str) -> None:
    curve = Curve((1, 10), cells, (1.0, 2.0), (1.0, 4.0), (1.0, 6.0), (8, 8))
    chart = account.draw_curve(P, curve)
    assert chart.title == title
    line = chart.figure.data[-1]
    assert tuple(line.y) == cells


def test_a_curve_without_peers_has_no_band() -> None:
    none = (None, None)
    chart = account.draw_curve(P, Curve((1, 10), (1, 5), none, none, none, (0, 0)))
    assert len(chart.figure.data) == 1
    assert chart.title == "No peers got far enough to compare with"


def test_capabilities_show_shares_and_the_peers_median() -> None:
    shares = [
        CapabilityShare("coding", "Coding <b>", 6, 0.6, 0.1), CapabilityShare("maths", "Mathematics", 0, 0.0, 0.0),
        CapabilityShare("unassigned", "Unassigned", 4, 0.4, 0.2),
    ]  # fmt: skip
    chart = account.draw_capabilities(P, shares)
    bars, ticks = chart.figure.data
    assert list(bars.x) == [40.0, 60.0]
    assert list(ticks.x) == [20.0, 10.0]
    assert chart.title.startswith("More coding")
    assert "<b>" not in chart.figure.layout.yaxis.ticktext[1]


def test_the_timeline_counts_days_and_hours() -> None:
    days = Timeline(((date(2026, 3, 2), 3), (date(2026, 3, 5), 1)), tuple([2, 2] + [0] * 22), 0)
    chart = timeline.draw_timeline(P, days)
    assert chart.title == "Active on 2 of 4 days, in 2 of 24 hours of the day"
    assert list(chart.figure.data[0].y) == [3, 1]
    assert list(chart.figure.data[1].y) == list(days.hours)


def test_a_timeline_without_times_says_so() -> None:
    assert "no times" in timeline.draw_timeline(P, Timeline((), (0,) * 24, 5)).title


def sweep_order(capability: list[int], *, dated: bool = True) -> SweepOrder:
    n = len(capability)
    ts = np.datetime64("2026-03-02T00:00", "us") + np.arange(n) * np.timedelta64(1, "h")
    return SweepOrder(
        np.arange(1, n + 1), ts if dated else np.full(n, np.datetime64("NaT"), "datetime64[us]"),
        np.array(capability, np.int32), np.zeros(n, np.int32), np.arange(n, dtype=np.int32), np.ones(n, bool),
        (("a", "A"), ("b", "B"), ("c", "C")), n,
    )  # fmt: skip


@pytest.mark.parametrize("by_time", [True, False])
def test_the_raster_counts_every_request_once(by_time: bool) -> None:
    chart = order.draw_order(P, sweep_order([0, 1, 2] * 50), by_time=by_time)
    assert int(np.sum(chart.figure.data[0].customdata)) == 150


def test_the_raster_falls_back_to_arrival_where_nothing_is_dated() -> None:
    chart = order.draw_order(P, sweep_order([0, 1] * 20, dated=False), by_time=True)
    assert chart.figure.layout.xaxis.title.text == "order of arrival"


def test_the_raster_tells_jumps_from_streaks() -> None:
    jumps, streaks = sweep_order([0, 1, 2] * 30), sweep_order([0] * 30 + [1] * 30 + [2] * 30)
    assert order.order_title(jumps).startswith("Jumps")
    assert order.order_title(streaks).startswith("Stays")
    assert order.order_title(sweep_order([1] * 40)).startswith("Asks for one capability")
    assert order.order_title(sweep_order([0, 1])).startswith("Too few")


def test_labels_never_overlap_and_stay_inside() -> None:
    rng = np.random.default_rng(2)
    labels = [Label(x, y, f"name {i}", i) for i, (x, y) in enumerate(rng.uniform(0, 1, (200, 2)).tolist())]
    kept = place_labels(labels, (0.0, 1.0), (0.0, 1.0), (600, 400), most=50)
    assert len(kept) > 10
    assert labels[-1].text in {k.text for k in kept}
    for i, a in enumerate(kept):
        assert 0 <= a.x <= 1
        assert 0 <= a.y <= 1
        for b in kept[:i]:
            assert abs(a.y - b.y) * 400 >= 15.9 or abs(a.x - b.x) * 600 >= 6.2 * 6


def test_a_name_in_wide_characters_stays_inside_and_apart() -> None:
    labels = [Label(0.99, 0.5, "餐馆周边附近地铁", 2.0), Label(0.78, 0.5, "cafés", 1.0)]
    first, *others = place_labels(labels, (0.0, 1.0), (0.0, 1.0), (400, 400))
    assert first.x <= 1 - 8 * 12 / 2 / 400
    assert not others
    thai = place_labels([Label(0.5, 0.5, "ที่นี่", 2.0), Label(0.62, 0.5, "ที่นั่น", 1.0)], (0.0, 1.0), (0.0, 1.0), (400, 400))
    assert len(thai) == 2


def test_a_short_time_axis_counts_hours_and_a_long_one_days() -> None:
    hours, days = new_figure(P, 100), new_figure(P, 100)
    time_axis(hours, datetime(2026, 3, 2, 9, tzinfo=UTC), datetime(2026, 3, 3, 4, tzinfo=UTC))
    time_axis(days, datetime(2026, 3, 2, tzinfo=UTC), datetime(2026, 4, 10, tzinfo=UTC))
    assert hours.layout.xaxis.dtick == 3 * 3_600_000
    assert days.layout.xaxis.dtick == 7 * 86_400_000
