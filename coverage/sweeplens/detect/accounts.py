"""Score accounts, and say why in words."""

from dataclasses import dataclass

import numpy as np

from sweeplens.detect.detector import Detector, chance
from sweeplens.detect.fallback import fallback_contributions
from sweeplens.detect.fingerprints import Fingerprints
from sweeplens.detect.kin import Kin, pool_kin
from sweeplens.detect.reasons import LEAST_WEIGHT, MOST, Reason, explain
from sweeplens.signals.measure import Peers

KIN = "kin"  # the name under which accounts that ask alike stand among the reasons


@dataclass(frozen=True)
class AccountScores:
    """Scores of N accounts.

    own       float64 [N]: log-odds from the account alone; NaN where it has too few prompts
    weights   float64 [N, signals]: what each signal adds; with the detector's base they add up to `own`
    kin       what accounts that ask alike add, and so `log_odds` [N]
    score     float64 [N]: 0 to 1, the chance that belongs to `log_odds`; NaN where there is too little
    reasons   what raises each score most
    """

    own: np.ndarray
    weights: np.ndarray
    kin: Kin
    score: np.ndarray
    reasons: tuple[tuple[Reason, ...], ...]

    @property
    def log_odds(self) -> np.ndarray:
        """Return the log-odds of the scores."""
        return self.kin.log_odds


def score_accounts(
    values: np.ndarray, peers: Peers, detector: Detector, prints: Fingerprints, volumes: np.ndarray
) -> AccountScores:
    """Score the signals [N, S] of accounts, each together with its kin, and explain each score.

    `volumes` are the numbers of their distinct prompts, [N].
    """
    if detector.fallback:
        weights, at_peers = fallback_contributions(peers.percentile), np.zeros(values.shape)
        own = np.where(np.isnan(values).all(1), np.nan, weights.sum(1))
    else:
        weights, at_peers = detector.contributions(values), detector.contributions(peers.median)
        own = detector.log_odds(values)
    kin = pool_kin(own, prints)
    score = 1 / (1 + np.exp(-kin.log_odds))
    reasons = tuple(
        ()
        if np.isnan(score[i])
        else _reasons(i, values, peers, np.where(np.isnan(own[i]), 0.0, weights[i]), at_peers[i], kin, int(volumes[i]))
        for i in range(len(score))
    )
    return AccountScores(own, weights, kin, score, reasons)


def _reasons(  # noqa: PLR0917 - all about one account
    at: int, values: np.ndarray, peers: Peers, weight: np.ndarray, at_peers: np.ndarray, kin: Kin, volume: int
) -> tuple[Reason, ...]:
    """Return the reasons of one account; its kin are one where they raise the score."""
    found = explain(values[at], peers.percentile[at], peers.median[at], weight, at_peers, volume)
    own_missing = not weight.any()
    added = float(kin.log_odds[at]) if own_missing else float(kin.moved[at])
    if kin.count[at] == 0 or added < LEAST_WEIGHT:
        return found
    mean = chance(float(kin.mean[at]))
    who = "the account that asks" if kin.count[at] == 1 else f"the {kin.count[at]} accounts that ask"
    text = f"{who} most like it score{'s' if kin.count[at] == 1 else ''} {mean:.2f}"
    both = (*found, Reason(KIN, mean, float("nan"), added, text))
    return tuple(sorted(both, key=lambda r: -r.weight)[:MOST])
