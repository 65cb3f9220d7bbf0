"""Signals of family "kin", on literal fingerprints and prompts."""

import math

import numpy as np
import pytest

from sweeplens.detect.fingerprints import Fingerprints
from sweeplens.detect.neighbourhood import KIN_KEYS, fill_neighbourhood
from sweeplens.signals.account import group_accounts
from sweeplens.signals.catalog import BY_KEY, KEYS


def log_of(sizes, shared=0):
    """Accounts of so many prompts each; the first `shared` prompts are sent by all of them."""
    names, prompts, fresh = [], [], shared
    for i, size in enumerate(sizes):
        names += [f"a{i}"] * size
        prompts += [*range(shared), *range(fresh, fresh + size - shared)]
        fresh += size - shared
    return group_accounts(names, np.array(prompts), np.arange(len(prompts)))


def prints_of(rows, codes=None):
    rows = np.asarray(rows, np.float32)
    return Fingerprints(np.arange(len(rows)) if codes is None else np.asarray(codes), rows, np.ones(len(rows)))


def fill(accounts, prints):
    values = fill_neighbourhood(np.zeros((len(accounts), len(KEYS))), accounts, prints)
    return [dict(zip(KIN_KEYS, row[[KEYS.index(k) for k in KIN_KEYS]].tolist(), strict=True)) for row in values]


def test_likeness_is_that_of_the_nearest_fifth_and_twentieth_account_and_never_its_own():
    accounts = log_of([12] * 4)
    found = fill(accounts, prints_of([[1, 0], [0.5, 0], [0.25, 0], [0, 2]]))
    assert found[0]["kin_nearest"] == pytest.approx(0.5)
    assert (
        found[0]["kin_fifth"] == found[0]["kin_twentieth"] == pytest.approx(0.0)
    )  # the furthest of the three there are
    assert found[3]["kin_nearest"] == pytest.approx(0.0)


def test_noisy_likeness_counts_as_the_most_there_is():
    accounts = log_of([12, 12])
    assert fill(accounts, prints_of([[3, 0], [3, 0]]))[0]["kin_nearest"] == pytest.approx(1.2)


def test_sizes_and_shared_prompts():
    accounts = log_of([12, 12, 48], shared=3)
    found = fill(accounts, prints_of([[1, 0], [1, 0], [1, 0]]))
    assert found[0]["kin_shared"] == pytest.approx(3 / 12)
    assert found[2]["kin_shared"] == pytest.approx(3 / 48)
    assert found[2]["kin_size"] == pytest.approx(math.log(4))
    assert found[0]["kin_size"] == 0
    assert found[0]["kin_sizes"] == pytest.approx(np.std([12, 12, 48]) / 24)


def test_only_the_eight_nearest_are_kin():
    accounts = log_of([12] * 9 + [99])
    rows = [[1, 0.01 * i] for i in range(9)] + [[-1, 0]]
    assert fill(accounts, prints_of(rows))[0]["kin_sizes"] == 0


def test_small_accounts_and_lonely_ones_have_none():
    accounts = log_of([9, 12, 12])
    found = fill(accounts, prints_of([[1, 0], [1, 0], [1, 0]]))
    assert all(math.isnan(v) for v in found[0].values())
    assert not any(math.isnan(v) for v in found[1].values())
    alone = fill(accounts, prints_of([[1, 0]], codes=[1]))
    assert all(math.isnan(v) for row in alone for v in row.values())


def test_other_signals_stay_as_they_are():
    accounts = log_of([12, 12])
    values = np.full((2, len(KEYS)), 0.5)
    filled = fill_neighbourhood(values, accounts, prints_of([[1, 0], [1, 0]]))
    others = [i for i, key in enumerate(KEYS) if key not in KIN_KEYS]
    assert (filled[:, others] == 0.5).all()
    assert (values == 0.5).all()


def test_a_factor_is_shown_as_one():
    assert BY_KEY["kin_size"].show(math.log(4)) == "4.0"
