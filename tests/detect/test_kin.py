"""Kin: who they are, and how far they move an account, on fingerprints whose likeness is known."""

import numpy as np
import pytest

from sweeplens.detect.fingerprints import Fingerprints
from sweeplens.detect.kin import MOST, pool_kin

NAN = float("nan")


def prints(rows, codes=None):
    rows = np.asarray(rows, np.float32)
    return Fingerprints(np.arange(len(rows)) if codes is None else np.asarray(codes), rows, np.ones(len(rows)))


def test_an_account_without_kin_keeps_its_log_odds():
    kin = pool_kin(np.array([1.0, -2.0]), prints(np.eye(2)))
    assert kin.log_odds.tolist() == [1, -2]
    assert kin.moved.tolist() == [0, 0]
    assert np.isnan(kin.mean).all()
    assert kin.count.tolist() == [0, 0]


def test_the_move_is_a_share_of_the_way_to_the_mean_by_squared_likeness():
    rows = [[1, 0, 0], [0.8, 0.6, 0], [0.5, 0, 0.75**0.5]]
    own = np.array([0.0, 3.0, -1.0])
    kin = pool_kin(own, prints(rows))
    mean = (0.8**2 * 3 - 0.5**2) / (0.8**2 + 0.5**2)
    trust = (0.8**2 + 0.5**2) / (0.8**2 + 0.5**2 + 0.3)
    assert kin.mean[0] == pytest.approx(mean)
    assert kin.moved[0] == pytest.approx(0.8 * trust * mean)
    assert kin.log_odds[0] == pytest.approx(kin.moved[0])
    assert kin.count.tolist() == [2, 2, 2]


def test_one_that_is_too_small_takes_its_kins_and_is_kin_to_nobody():
    kin = pool_kin(np.array([NAN, 2.0, 2.0]), prints([[1, 0], [1, 0], [0, 1]]))
    assert kin.log_odds.tolist() == [2, 2, 2]
    assert kin.count.tolist() == [1, 0, 0]


def test_accounts_without_a_fingerprint_are_left_alone():
    kin = pool_kin(np.array([5.0, 1.0, 1.0, NAN]), prints([[1], [1]], codes=[1, 2]))
    assert kin.log_odds[:3].tolist() == [5, 1, 1]
    assert np.isnan(kin.log_odds[3])


def test_at_most_the_nearest_eight_count_so_that_a_larger_log_changes_nothing():
    rng = np.random.default_rng(0)
    near = np.tile([1.0, 0.0], (MOST + 1, 1))
    far = np.c_[np.full(200, 0.5), np.full(200, 0.75**0.5)]
    own = np.r_[np.full(MOST + 1, 2.0), rng.normal(size=200)]
    few, many = pool_kin(own[: MOST + 1], prints(near)), pool_kin(own, prints(np.vstack([near, far])))
    assert many.log_odds[: MOST + 1] == pytest.approx(few.log_odds)
    assert many.count[: MOST + 1].tolist() == [MOST] * (MOST + 1)


def test_nobody_is_fine():
    nobody = Fingerprints(np.empty(0, np.int64), np.empty((0, 0), np.float32), np.empty(0))
    assert pool_kin(np.empty(0), nobody).log_odds.shape == (0,)
    assert np.isnan(pool_kin(np.array([NAN]), nobody).log_odds).all()
