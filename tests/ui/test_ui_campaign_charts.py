"""The charts of a campaign: what they draw, what they say, and that nothing hostile gets into them."""

from datetime import date
from typing import Any

import numpy as np
import pytest

from sweeplens.report.campaign import campaign_evidence
from sweeplens.report.facts import Matrix, Timeline, UnionCoverage
from sweeplens.report.titles import shares_title
from sweeplens.store.snapshot import Snapshot
from sweeplens.ui.charts import campaign
from sweeplens.ui.charts.base import Chart
from sweeplens.ui.theme import PALETTES, palette

P = palette("light")
HOSTILE = '<a href="https://example.com">x</a> & <b>y</b>'
HOURS = tuple(f"{hour:02d}" for hour in range(24))


def drawn(chart: Chart) -> str:
    return chart.figure.to_json()


def trace(chart: Chart, kind: str, nth: int = 0) -> Any:
    return [t for t in chart.figure.data if t.type == kind][nth]


@pytest.mark.parametrize("mode", PALETTES)
def test_every_chart_is_drawn_in_the_colours_of_the_theme(snapshot: Snapshot, mode: str) -> None:
    p, evidence = palette(mode), campaign_evidence(snapshot, "C-01")
    for chart in (
        campaign.draw_shares(p, evidence.capabilities, "capability"),
        campaign.draw_shares(p, evidence.clusters, "cluster"),
        campaign.draw_similarity(p, evidence.similarity, 0.1),
        campaign.draw_union(p, evidence.coverage),
        campaign.draw_rhythm(p, evidence.timeline, evidence.days, evidence.hours),
    ):
        assert chart.figure.data
        assert chart.figure.layout.template.layout.paper_bgcolor == p.ground
        assert chart.alt
        assert chart.caption


def test_shares_start_at_zero_leave_nothing_blank_and_escape_ids() -> None:
    matrix = Matrix((HOSTILE, "b"), ("x", HOSTILE), np.array([[0.2, 0.0], [0.25, 0.9]], np.float32))
    chart = campaign.draw_shares(P, matrix, "cluster")
    axis = chart.figure.layout.coloraxis
    assert (axis.cmin, axis.cmax) == (0, pytest.approx(90))
    assert np.isnan(np.asarray(trace(chart, "heatmap").z)[0, 1])
    assert np.asarray(trace(chart, "heatmap").customdata)[0, 1] == 0
    assert "<a " not in drawn(chart)


def test_all_accounts_stand_in_a_row_of_their_own_above_the_members() -> None:
    everybody = np.array([0.1, 0.95], np.float32)
    matrix = Matrix(("a", "b"), ("x", "y"), np.array([[0.2, 0.3], [0.25, 0.9]], np.float32), everybody)
    chart = campaign.draw_shares(P, matrix, "capability")
    top = trace(chart, "heatmap", 1)
    assert np.asarray(top.z).tolist() == [[pytest.approx(10), pytest.approx(95)]]
    assert top.y[0] < min(trace(chart, "heatmap").y)
    assert chart.figure.layout.yaxis.ticktext == ("all accounts", "a", "b")
    assert chart.figure.layout.coloraxis.cmax == pytest.approx(95)


def test_the_title_of_shares_says_whether_members_are_alike() -> None:
    same = np.tile([[0.5, 0.5, 0.0]], (4, 1)).astype(np.float32)
    apart = np.eye(4, dtype=np.float32)
    assert "like shares" in shares_title(Matrix(tuple("abcd"), tuple("xyz"), same))
    assert "divided" in shares_title(Matrix(tuple("abcd"), tuple("wxyz"), apart))


def test_similarity_names_both_members_and_what_is_usual() -> None:
    matrix = Matrix(("a", HOSTILE), ("a", HOSTILE), np.array([[1.0, 0.8], [0.8, 1.0]], np.float32))
    chart = campaign.draw_similarity(P, matrix, -0.012)
    heat = trace(chart, "heatmap")
    assert (heat.zmin, heat.zmax) == (0, 1)
    assert heat.text[0][1].startswith("a<br>")
    assert "<a " not in drawn(chart)
    assert chart.title == "Their mean prompts are typically 0.80 alike; any two accounts, −0.01"
    assert ";" not in campaign.draw_similarity(P, matrix).title


def test_rows_of_shares_and_similarity_stand_beside_each_other(snapshot: Snapshot) -> None:
    evidence = campaign_evidence(snapshot, "C-01")
    left = campaign.draw_shares(P, evidence.clusters, "cluster").figure.layout
    right = campaign.draw_similarity(P, evidence.similarity).figure.layout
    assert left.height == right.height
    assert left.margin.b == right.margin.b
    assert left.yaxis.range == right.yaxis.range
    assert left.yaxis.ticktext[1:] == right.yaxis.ticktext


def test_the_union_stands_above_single_members_and_the_widest_other() -> None:
    coverage = UnionCoverage(15, 20, (("a", 10), (HOSTILE, 9)), ("shop", 12))
    chart = campaign.draw_union(P, coverage)
    assert trace(chart, "bar").x == (15, 10, 9, 12)
    assert chart.figure.layout.yaxis.ticktext[0] == "all together"
    assert chart.figure.layout.yaxis.ticktext[-1] == "shop, no member"
    assert "<a " not in drawn(chart)


def test_who_works_when_sums_above_and_single_members_below() -> None:
    timeline = Timeline(((date(2026, 3, 2), 3), (date(2026, 3, 4), 2)), (0,) * 9 + (5,) + (0,) * 14, 1)
    days = Matrix(("a", HOSTILE), ("2026-03-02", "2026-03-03", "2026-03-04"), np.array([[3, 0, 0], [0, 0, 2]]))
    hours = Matrix(("a", HOSTILE), HOURS, np.eye(2, 24, 9) * 3)
    chart = campaign.draw_rhythm(P, timeline, days, hours)
    assert trace(chart, "bar", 0).y == (3, 2)
    assert sum(trace(chart, "bar", 1).y) == 5
    assert np.asarray(trace(chart, "heatmap", 0).customdata).tolist() == days.values.tolist()
    assert np.asarray(trace(chart, "heatmap", 1).customdata).tolist() == hours.values.tolist()
    assert chart.title.startswith("On the busiest day 1 of 2 members is at work, on a typical one 1")
    assert "<a " not in drawn(chart)


def test_a_log_without_times_draws_no_days() -> None:
    nothing = Matrix(("a",), (), np.zeros((1, 0), np.float32))
    chart = campaign.draw_rhythm(P, Timeline((), (0,) * 24, 3), nothing, Matrix(("a",), HOURS, np.zeros((1, 24))))
    assert chart.title == "The log has no times for these requests"
