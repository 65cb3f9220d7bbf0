"""How rare a group is among the groups that the same algorithm finds in logs of honest accounts alone."""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from sweeplens.detect.calibration import adjust, units_of
from sweeplens.detect.detector import log_odds

if TYPE_CHECKING:
    from sweeplens.detect.campaigns import Campaign

Null = tuple[float, int, int]
"""(log-odds, accounts, distinct prompts) of a group that was found among honest accounts."""

FEWEST = 99  # null groups under which there is no p for groups: it could not reach 0.01


def group_p(odds: float, nulls: Sequence[Null]) -> float:
    """Return (1 + null groups at least as strong) / (1 + null groups); NaN where there are too few to say."""
    if len(nulls) < FEWEST or math.isnan(odds):
        return math.nan
    return (1 + sum(x >= odds for x, _, _ in nulls)) / (1 + len(nulls))


def nulls_of(campaigns: Sequence["Campaign"]) -> list[Null]:
    """Return the null groups that a log of honest accounts gives: all of its groups, whatever their label."""
    return [(round(log_odds(c.score), 4), len(c.codes), c.n_prompts) for c in campaigns]


def correct(campaigns: Sequence["Campaign"], account_p: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return (q of groups, q of accounts) by Benjamini and Hochberg over units.

    A unit is a group that was tested, whatever its label, or an account in no such group. A member keeps the q of its
    own p. NaN where there is no p.
    """
    group = np.array([c.p_value for c in campaigns], float)
    member = np.zeros(len(account_p), bool)
    for campaign in campaigns:
        if not math.isnan(campaign.p_value):
            member[list(campaign.codes)] = True
    units = units_of(account_p, group, member)
    return adjust(group, units), adjust(account_p, units)
