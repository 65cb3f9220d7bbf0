"""What is measured of a group as a group: how alike, how broad together, how dealt, how even, what its members are."""

import math
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from sweeplens.detect.groups import mean_likeness
from sweeplens.detect.halves import Halves
from sweeplens.detect.partition import Partition
from sweeplens.signals.account import Account
from sweeplens.signals.catalog import KEYS
from sweeplens.signals.ground import Ground
from sweeplens.signals.measure import measure_account

# Of an account's signals, those that tell groups apart in collections that no model has seen. None looks at the order
# of requests, which an attacker chooses at no cost, or at the map, which is another in every log.
SIGNALS = (
    "repeats", "most_repeated", "repeat_middle", "resent", "runs", "pair_mean", "pair_spread", "pair_high",
    "nearest_spread", "leaning",
)  # fmt: skip
ALIKE, DEALT, EVEN, MEMBERS, UNITED = "likeness", "dealing", "quotas", "members", "union"
_OF_GROUP = {
    "likeness": ALIKE, "tested_likeness": ALIKE, "frozen_likeness": ALIKE,
    "dealing": DEALT, "shared": DEALT, "shared_over_expected": DEALT,
    "size_spread": EVEN,
    "score_mean": MEMBERS, "score_low": MEMBERS,
}  # fmt: skip
KIND_OF: dict[str, str] = {
    **_OF_GROUP,
    **{f"union_{key}": UNITED for key in SIGNALS},
    **{f"member_{key}": MEMBERS for key in SIGNALS},
}
"""Every fact of a group, in order, and the kind of evidence that it belongs to."""
FACTS: tuple[str, ...] = tuple(KIND_OF)
_COLUMNS = [KEYS.index(key) for key in SIGNALS]
_LOW = 0.25  # the quantile that stands for members that score low
_COMMON = 0.75  # share of the members that sent a prompt, from which on it says nothing of what they took from a pool
_LEAST_LEFT = 0.5  # of all requests, that must be left without such prompts
_LEAST_RATIO = 0.3  # of the dealing ratio, before its logarithm is taken
_LEAST_EXPECTED = 1e-6


@dataclass(frozen=True)
class Group:
    """A group, as it is measured.

    own     the distinct prompts of each member
    signals float64 [S]: of all of them taken as one account, as `measure_union` does
    values  float64 [members, S]: of each member alone
    odds    float64 [members]: log-odds of each member alone, NaN where it has none
    split   how the members share the ground
    """

    own: list[np.ndarray]
    signals: np.ndarray
    values: np.ndarray
    odds: np.ndarray
    split: Partition


def measure_union(union: Account, own: Sequence[np.ndarray], ground: Ground) -> np.ndarray:
    """Return the signals, float64 [S], of members taken as one account; `own` are the distinct prompts of each.

    What nearly all of them sent is left out where it is little: a greeting, or a last turn that is always the same.
    It would otherwise pass for a prompt that is sent again and again.
    """
    prompts, senders = np.unique(np.concatenate(list(own)), return_counts=True)
    common = prompts[senders >= _COMMON * len(own)]
    stays = ~np.isin(union.requests, common)
    if not stays.all() and stays.mean() >= _LEAST_LEFT:
        union = replace(
            union, requests=union.requests[stays], distinct=union.distinct[~np.isin(union.distinct, common)]
        )
    return measure_account(union, ground)


def measure_group(group: Group, halves: Halves, rows: np.ndarray) -> np.ndarray:
    """Return the facts of a group in the order of FACTS, float64; NaN where one is missing.

    `rows` are those of its members in `halves`.
    """
    sizes = np.array([len(prompts) for prompts in group.own], float)
    split = group.split
    alike = [
        mean_likeness(part[rows]) if len(rows) > 1 else np.nan for part in (halves.whole, halves.second, halves.frozen)
    ]
    known = group.odds[~np.isnan(group.odds)]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # a signal that no member has is missing, which is no news
        middle = np.nanmedian(group.values[:, _COLUMNS], axis=0)
    facts = np.array([
        *alike,
        math.log(max(_LEAST_RATIO, split.ratio)), split.shared, split.shared / max(_LEAST_EXPECTED, split.expected),
        float(sizes.std() / sizes.mean()),
        *((float(known.mean()), float(np.quantile(known, _LOW))) if len(known) else (np.nan, np.nan)),
        *group.signals[_COLUMNS], *middle,
    ])  # fmt: skip
    facts[~np.isfinite(facts)] = np.nan
    return facts
