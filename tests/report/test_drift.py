"""Drift of a signal, against brute force and scipy."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import ks_2samp

from sweeplens.report.drift import Drift, measure_drift

SOME = st.lists(st.floats(-5, 5) | st.integers(0, 3).map(float), min_size=2, max_size=60)


@given(SOME, SOME)
def test_distance_is_that_of_kolmogorov_and_smirnov(a: list[float], b: list[float]) -> None:
    found = measure_drift("cells", np.array(a), np.array(b))
    assert found.ks == pytest.approx(ks_2samp(a, b, method="asymp").statistic)
    assert (found.n_before, found.n_after) == (len(a), len(b))


@given(SOME)
def test_equal_values_have_not_drifted(values: list[float]) -> None:
    found = measure_drift("cells", np.array(values), np.array(values[::-1]))
    assert found.ks == 0.0
    assert found.psi == pytest.approx(0.0)
    assert found.median_before == found.median_after


def test_stability_index_by_hand() -> None:
    # Deciles of 1..10: each bin holds one before; after, all ten lie above the ninth decile.
    before, after = np.arange(1.0, 11.0), np.full(10, 20.0)
    was, low, high = 1.5 / 15, 0.5 / 15, 10.5 / 15
    by_hand = 9 * (low - was) * math.log(low / was) + (high - was) * math.log(high / was)
    assert measure_drift("cells", before, after).psi == pytest.approx(by_hand)


@given(SOME, SOME)
def test_stability_index_is_never_negative(a: list[float], b: list[float]) -> None:
    found = measure_drift("cells", np.array(a), np.array(b))
    assert found.psi is not None
    assert found.psi >= -1e-12


def test_values_that_are_missing_do_not_count() -> None:
    found = measure_drift("cells", np.array([1.0, np.nan, 3.0]), np.array([np.nan, 5.0]))
    assert found == Drift("cells", 2, 1, None, None, None, None)
