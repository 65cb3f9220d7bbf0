"""Coverage against brute force: rarefaction by counting every sample, curves by hand."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sweeplens.signals.coverage import (
    accumulate,
    counts,
    curve_points,
    evenness,
    measure_discovery,
    rarefy,
    rarefy_once,
)


def every_sample(count, m):
    labels = [k for k, n in enumerate(count) for _ in range(n)]
    samples = list(itertools.combinations(labels, m))
    distinct = np.mean([len(set(s)) for s in samples])
    once = np.mean([sum(s.count(k) == 1 for k in set(s)) for s in samples])
    return distinct, once


@given(st.lists(st.integers(1, 4), min_size=1, max_size=4), st.data())
def test_rarefaction_is_the_mean_over_every_sample(count, data):
    m = data.draw(st.integers(1, sum(count)))
    distinct, once = every_sample(count, m)
    assert rarefy(np.array(count), m) == pytest.approx(distinct)
    assert rarefy_once(np.array(count), m) == pytest.approx(once)


def test_rarefaction_of_a_known_table():
    # 3 + 2 + 1 individuals, samples of 3: 3 - (C(3,3) + C(4,3) + C(5,3)) / C(6,3)
    assert rarefy(np.array([3, 2, 1]), 3) == pytest.approx(3 - 15 / 20)


@given(st.lists(st.integers(1, 9), min_size=1, max_size=30), st.integers(1, 40))
def test_rarefaction_never_exceeds_the_sample_or_the_labels(count, m):
    m = min(m, sum(count))
    assert 1 - 1e-9 <= rarefy(np.array(count), m) <= min(m, len(count)) + 1e-9


def test_rarefaction_of_large_accounts_does_not_see_volume():
    shares = np.array([50, 30, 15, 5])
    small, large = rarefy(shares * 20, 40), rarefy(shares * 2000, 40)
    assert small == pytest.approx(large, abs=0.01)


def test_evenness_is_one_when_all_differ_and_zero_when_none_does():
    assert evenness(np.ones(6, int), 6) == 1
    assert evenness(np.array([6]), 6) == 0
    assert np.isnan(evenness(np.array([1]), 1))


def test_evenness_is_the_chance_that_two_differ():
    labels = [0, 0, 0, 1, 1, 2]
    pairs = list(itertools.combinations(labels, 2))
    assert evenness(counts(np.array(labels)), 6) == pytest.approx(np.mean([a != b for a, b in pairs]))


def test_discovery_counts_cells_that_the_window_has_not_seen():
    assert measure_discovery(np.array([1, 1, 1, 1])) == 1 / 4
    assert measure_discovery(np.array([1, 2, 3, 4])) == 1
    # 1 comes back after two others: within a window of 1 it is new again, within one of 3 it is not
    assert measure_discovery(np.array([1, 2, 3, 1]), window=1) == 1
    assert measure_discovery(np.array([1, 2, 3, 1]), window=3) == 3 / 4


def test_curve_counts_distinct_cells_as_they_come():
    assert accumulate(np.array([5, 5, 2, 5, 9])).tolist() == [1, 1, 2, 2, 3]
    assert accumulate(np.array([], int)).tolist() == []


@pytest.mark.parametrize("n", [1, 2, 15, 16, 20, 21, 40, 1000])
def test_curve_points_rise_and_end_at_the_last_prompt(n):
    points = curve_points(n)
    assert points == sorted(set(points))
    assert points[-1] == n
    assert len(points) < 30
