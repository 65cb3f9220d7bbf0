"""Drift: how far two sets of numbers are apart as distributions."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_BINS = 10
_LEAST = 2  # numbers on each side below which nothing is said


@dataclass(frozen=True)
class Drift:
    """How the values of one signal, or of the score, are spread over accounts before and after.

    `n_before` and `n_after` count the accounts that have one. `ks` is the Kolmogorov-Smirnov distance, 0-1; `psi` the
    population stability index, which is commonly read as small under 0.1 and large over 0.25. All but the counts are
    None where either side has fewer than two.
    """

    signal: str
    n_before: int
    n_after: int
    median_before: float | None
    median_after: float | None
    ks: float | None
    psi: float | None


def measure_drift(signal: str, before: NDArray[np.float64], after: NDArray[np.float64]) -> Drift:
    """Compare two sets of values; NaN is no value."""
    a, b = np.sort(before[~np.isnan(before)]), np.sort(after[~np.isnan(after)])
    if min(len(a), len(b)) < _LEAST:
        return Drift(signal, len(a), len(b), None, None, None, None)
    return Drift(signal, len(a), len(b), float(np.median(a)), float(np.median(b)), _ks(a, b), _psi(a, b))


def _ks(a: NDArray[np.float64], b: NDArray[np.float64]) -> float:
    """Return the largest distance of the two distribution functions (Kolmogorov 1933, Smirnov 1948)."""
    everything = np.concatenate([a, b])
    below_a = np.searchsorted(a, everything, side="right") / len(a)
    below_b = np.searchsorted(b, everything, side="right") / len(b)
    return float(np.abs(below_a - below_b).max())


def _psi(a: NDArray[np.float64], b: NDArray[np.float64]) -> float:
    """Return the population stability index over the deciles of `a` (Siddiqi, Credit Risk Scorecards, 2006).

    Half an account is added to each bin, so that an empty one is no infinity. Equal deciles are one edge.
    """
    edges = np.unique(np.quantile(a, np.arange(1, _BINS) / _BINS, method="inverted_cdf"))
    share_a, share_b = (_shares(values, edges) for values in (a, b))
    return float(((share_b - share_a) * np.log(share_b / share_a)).sum())


def _shares(values: NDArray[np.float64], edges: NDArray[np.float64]) -> NDArray[np.float64]:
    counts = np.bincount(np.searchsorted(edges, values), minlength=len(edges) + 1) + 0.5
    shares: NDArray[np.float64] = counts / counts.sum()
    return shares
