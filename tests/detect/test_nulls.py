"""The p of groups against groups of honest logs, and the correction over units."""

import math

import numpy as np
import pytest

from sweeplens.detect.calibration import adjust
from sweeplens.detect.campaigns import SWEEP, UNDECIDED, Campaign
from sweeplens.detect.nulls import correct, group_p, nulls_of

NULLS = [(-0.05 * i, 5, 100) for i in range(199)]


def test_p_counts_null_groups_at_least_as_strong():
    assert group_p(1.0, NULLS) == 1 / 200
    assert group_p(-0.05, NULLS) == 3 / 200
    assert group_p(-99.0, NULLS) == 1


def test_too_few_null_groups_say_nothing():
    assert math.isnan(group_p(1.0, NULLS[:98]))
    assert math.isnan(group_p(math.nan, NULLS))


def test_all_groups_of_an_honest_log_are_null_groups():
    campaigns = [Campaign("C-01", SWEEP, (0, 1, 2, 3, 4), 9, 8, 0.5, "review")]
    campaigns.append(Campaign("C-02", UNDECIDED, (5, 6, 7, 8, 9, 10), 90, 80, 1 / (1 + math.e), "none"))
    assert nulls_of(campaigns) == [(0.0, 5, 8), (-1.0, 6, 80)]


def test_a_group_is_one_unit_and_its_members_are_none():
    campaigns = [
        Campaign("C-01", SWEEP, (0, 1), 9, 8, 0.9, "review", p_value=0.005),
        Campaign("C-02", UNDECIDED, (2, 3), 9, 8, 0.2, "none", p_value=0.5),
        Campaign("C-03", UNDECIDED, (4,), 9, 8, 0.2, "none"),
    ]
    p = np.array([0.001, 0.9, 0.8, 0.7, 0.6, 0.03, np.nan])
    groups, accounts = correct(campaigns, p)
    assert groups[:2] == pytest.approx(adjust(np.array([0.005, 0.5, 0.6, 0.03]))[:2])
    assert np.isnan(groups[2])
    assert accounts[5] == pytest.approx(adjust(np.array([0.005, 0.5, 0.6, 0.03]))[3])
    assert np.isnan(accounts[6])
