"""When attacks stood out, on literal evenings."""

import numpy as np
import pytest

from sweeplens.evaluate.days import DAY, Evening, by_day
from sweeplens.evaluate.labels import Label

CAMPAIGN = [Label(f"c{i}", "attack", campaign="ring") for i in range(4)]
LABELS = [*CAMPAIGN, Label("lone", "attack"), Label("late", "attack"), Label("kind", "benign"), Label("gone", "attack")]


def on(*days):
    """Return a request at noon of each day."""
    return np.array([day * DAY + DAY // 2 for day in days], np.int64)


TIMES = {
    "c0": on(1, 2, 3, 9), "c1": on(1, 2), "c2": on(2, 3), "c3": on(5, 6), "lone": on(2, 4, 4, 5), "late": on(7),
    "kind": on(1, 9), "nobody": on(3),
}  # fmt: skip


def evenings(flagged, groups=None):
    groups = groups or {}
    return [Evening(day, set(flagged.get(day, ())), [set(g) for g in groups.get(day, ())]) for day in range(1, 10)]


def found(flagged, groups=None):
    result = by_day(LABELS, TIMES, evenings(flagged, groups))
    return result, {a.name: a for a in result.attacks}


def test_a_campaign_stands_out_when_half_of_its_accounts_so_far_are_flagged():
    _, attacks = found({1: ["kind"], 2: ["c0"], 3: ["c0", "c1"]})
    ring = attacks["ring"]
    assert (ring.first, ring.days, ring.requests, ring.sent, ring.accounts) == (1, 3, 7, 10, 4)


def test_or_when_a_reported_group_is_it_so_far():
    _, attacks = found({}, {1: [["c0"]], 2: [["kind", "nobody"]]})
    assert attacks["ring"].days == 1
    _, attacks = found({}, {2: [["c0", "kind", "nobody"]], 3: [["c0", "c1", "nobody"]]})
    assert (attacks["ring"].days, attacks["ring"].requests) == (3, 7)


def test_a_lone_sweep_stands_out_when_it_is_flagged_and_no_group_says_so_for_it():
    _, attacks = found({4: ["lone"], 5: ["lone"]}, {2: [["lone"]]})
    assert (attacks["lone"].first, attacks["lone"].days, attacks["lone"].requests) == (2, 3, 3)
    assert (attacks["late"].days, attacks["late"].requests, attacks["late"].sent) == (None, None, 1)


def test_medians_are_over_all_attacks_and_none_where_half_were_never_seen():
    result, _ = found({3: ["c0", "c1"], 4: ["lone"]})
    assert (result.campaigns.n, result.campaigns.seen, result.campaigns.days, result.campaigns.requests) == (1, 1, 3, 7)
    assert result.campaigns.share == pytest.approx(0.7)
    assert (result.lone.n, result.lone.seen, result.lone.days, result.lone.share) == (2, 1, None, None)
    both, _ = found({4: ["lone"], 7: ["late"]})
    assert (both.lone.days, both.lone.requests, both.lone.share) == (2.0, 2.0, 0.875)


def test_honest_accounts_that_were_flagged_on_any_day_are_counted_and_attacks_without_times_are_left_out():
    result, attacks = found({1: ["kind"], 9: ["nobody"]})
    assert (result.honest_flagged, result.honest, result.absent) == (1, 1, 1)
    assert "gone" not in attacks
    assert (result.first, result.last) == (1, 9)
    assert [a.name for a in result.attacks] == ["ring", "lone", "late"]


def test_nothing_to_judge_is_no_error():
    empty = by_day([Label("x", "benign")], {}, [])
    assert (empty.attacks, empty.campaigns.n, empty.campaigns.days, empty.honest) == ((), 0, None, 0)
