"""Raise the members of a campaign: their score moves towards the group's, and their level says where it comes from."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from sweeplens.detect.accounts import AccountScores
from sweeplens.detect.campaigns import DOUBTFUL, SWEEP, Campaign
from sweeplens.detect.detector import LEVELS, chance, log_odds
from sweeplens.detect.reasons import Reason

CAMPAIGN = "campaign"  # the name under which a group's help stands among the reasons
_SHARE = 0.8  # of the way from a member's log-odds to its group's: the order of members stays
# Log-odds under those of the middle member, at which one that by itself looks honest is another kind of account. Where
# all members look honest alone, as in a campaign whose prompts are like people's, they are raised as one.
_APART = 1.0


@dataclass(frozen=True)
class Raised:
    """Scores, levels and reasons of N accounts after the campaigns' help."""

    score: np.ndarray
    level: tuple[str, ...]
    level_from: tuple[str, ...]
    reasons: tuple[tuple[Reason, ...], ...]


def raise_members(scores: AccountScores, levels: Sequence[str], campaigns: Sequence[Campaign]) -> Raised:
    """Move each member of a sweep 0.8 of the way to its group's log-odds, where that is higher.

    A member with too few prompts for a score of its own takes the group's. Its level is the higher of its own and the
    group's, and `level_from` says which. A member that by itself looks honest, and more so than its fellows, keeps its
    own score and level: it stands in the group, and its own prompts do not support more. Its p and q stay its own.
    """
    score = scores.score.copy()
    level, level_from, reasons = list(levels), ["account"] * len(score), list(scores.reasons)
    for campaign in campaigns:
        if campaign.label != SWEEP:
            continue
        group = log_odds(campaign.score)
        for code in _supported(scores, campaign.codes):
            own = group - 1.0 if math.isnan(score[code]) else float(scores.log_odds[code])
            added = max(0.0, _SHARE * (group - own))
            score[code] = chance(own + added)
            if added > 0:
                reasons[code] = (_reason(campaign, added), *reasons[code])
            if LEVELS.index(campaign.level) > LEVELS.index(level[code]):
                level[code], level_from[code] = campaign.level, "campaign"
    return Raised(score, tuple(level), tuple(level_from), tuple(reasons))


def _supported(scores: AccountScores, codes: Sequence[int]) -> list[int]:
    """Return the members that a sweep raises."""
    members = np.array(codes)
    alone = np.where(np.isnan(scores.own[members]), scores.log_odds[members], scores.own[members])
    known = alone[~np.isnan(alone)]
    bar = min(DOUBTFUL, float(np.median(known)) - _APART) if len(known) else DOUBTFUL
    kept: list[int] = members[~(alone < bar)].tolist()
    return kept


def _reason(campaign: Campaign, weight: float) -> Reason:
    text = (
        f"asks like {len(campaign.codes) - 1} other accounts (campaign {campaign.campaign_id}), which together score "
        f"{campaign.score:.2f}"
    )
    return Reason(CAMPAIGN, campaign.score, float("nan"), weight, text)
