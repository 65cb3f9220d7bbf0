"""Score accounts, and say why in words."""

from dataclasses import dataclass

import numpy as np

from sweeplens.detect.detector import Detector
from sweeplens.detect.fallback import fallback_contributions
from sweeplens.signals.catalog import BY_KEY, KEYS
from sweeplens.signals.measure import Peers

_REASONS = 6  # reasons that a row carries; all contributions stay in the table of signals
_LEAST_WEIGHT = 0.05  # log-odds under which a signal is no reason


@dataclass(frozen=True)
class Reason:
    """Why an account scores as it does: one signal and what it adds to the log-odds (`weight`)."""

    signal: str
    value: float
    peer_percentile: float
    weight: float
    text: str


@dataclass(frozen=True)
class AccountScores:
    """`score` [N] is NaN where there is too little; `weights` [N, signals] add up to the log-odds."""

    score: np.ndarray
    level: tuple[str, ...]
    weights: np.ndarray
    reasons: tuple[tuple[Reason, ...], ...]


def score_accounts(values: np.ndarray, peers: Peers, detector: Detector) -> AccountScores:
    """Score the signals [N, S] of accounts and explain each score."""
    if detector.fallback:
        weights = fallback_contributions(peers.percentile)
        score = np.where(np.isnan(values).all(1), np.nan, 1 / (1 + np.exp(-weights.sum(1))))
    else:
        weights = detector.contributions(values)
        score = detector.score(values)
    level = tuple(detector.level(s) for s in score)
    reasons = tuple(
        () if np.isnan(score[i]) else explain(values[i], peers.percentile[i], peers.median[i], weights[i])
        for i in range(len(score))
    )
    return AccountScores(score, level, weights, reasons)


def explain(
    value: np.ndarray, percentile: np.ndarray, median: np.ndarray, weight: np.ndarray, most: int = _REASONS
) -> tuple[Reason, ...]:
    """Return the signals that raise the score most, strongest first, each with its sentence."""
    order = np.argsort(-weight, kind="stable")[:most]
    return tuple(
        Reason(KEYS[i], float(value[i]), float(percentile[i]), float(weight[i]), _sentence(i, value[i], median[i]))
        for i in order
        if weight[i] >= _LEAST_WEIGHT and not np.isnan(value[i])
    )


def _sentence(at: int, value: float, median: float) -> str:
    return BY_KEY[KEYS[at]].sentence(float(value), float(value if np.isnan(median) else median))
