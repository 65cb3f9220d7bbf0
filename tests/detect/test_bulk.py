"""The empirical null of a log: where its people lie higher than the reference, p is taken from them."""

import numpy as np
import pytest

from sweeplens.detect.bulk import FEWEST, Bulk, cautious_p, measure_bulk
from sweeplens.detect.calibration import make_reference
from sweeplens.detect.detector import Detector

DETECTOR = Detector("plain", "1", 0.0, {}, {"watch": 0.5, "review": 0.8, "high": 0.9})


def normal(n, seed, middle=-3.0, spread=1.0):
    return middle + spread * np.random.default_rng(seed).normal(size=n)


@pytest.fixture(scope="module")
def reference():
    return make_reference(
        normal(4000, 0), np.full(4000, 40), corpora=9, source="made", encoder="fast", detector=DETECTOR
    )


def bulk_of(odds, reference):
    return measure_bulk(odds, np.full(len(odds), 40), reference)


def test_a_log_of_people_like_the_reference_leaves_p_as_it_is(reference):
    odds = normal(2000, 1)
    bulk = bulk_of(odds, reference)
    assert bulk == Bulk()
    volumes = np.full(2000, 40)
    assert cautious_p(odds, volumes, reference, bulk) == pytest.approx(reference.p_values(odds, volumes))


@pytest.mark.parametrize("attacks", [0.0, 0.05, 0.3])
def test_where_everybody_lies_higher_the_logs_own_bulk_speaks_however_many_attack(reference, attacks):
    n = 2000
    odds = np.concatenate([normal(int(n * (1 - attacks)), 2, middle=-1.5), normal(int(n * attacks), 3, middle=4.0)])
    bulk = bulk_of(odds, reference)
    assert bulk.speaks
    assert bulk.shift == pytest.approx(1.5, abs=0.35)
    volumes = np.full(len(odds), 40)
    honest = np.arange(len(odds)) < int(n * (1 - attacks))
    cautious = cautious_p(odds, volumes, reference, bulk)
    assert (reference.p_values(odds, volumes)[honest] <= 0.005).mean() > 0.05
    assert (cautious[honest] <= 0.005).mean() < 0.02
    assert (cautious >= reference.p_values(odds, volumes)).all()


def test_attacks_alone_move_hardly_anything(reference):
    odds = np.concatenate([normal(1300, 4), normal(700, 5, middle=4.0)])
    assert bulk_of(odds, reference) == Bulk()


def test_a_usual_difference_between_logs_does_not_count(reference):
    assert bulk_of(normal(4000, 10, middle=-2.85, spread=1.2), reference) == Bulk()


def test_a_log_that_lies_lower_gains_nothing_by_it(reference):
    assert bulk_of(normal(500, 6, middle=-5.0), reference).shift == 0


def test_a_wider_bulk_widens_the_null_up_to_twice(reference):
    assert bulk_of(normal(4000, 7, spread=1.95), reference).spread == pytest.approx(1.5, abs=0.15)
    assert bulk_of(normal(4000, 8, spread=9.0), reference).spread == 2.0


def test_few_accounts_and_missing_scores_say_nothing(reference):
    few = np.concatenate([normal(FEWEST - 1, 9, middle=3.0), np.full(100, np.nan)])
    assert bulk_of(few, reference) == Bulk()
    p = cautious_p(few, np.full(len(few), 40), reference, Bulk(1.0, 1.5))
    assert np.isnan(p[FEWEST - 1 :]).all()
