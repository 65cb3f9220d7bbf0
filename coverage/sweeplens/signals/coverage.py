"""How an account's prompts spread over cells, clusters and capabilities, at a fixed number of prompts."""

import numpy as np

from sweeplens.signals.account import Account
from sweeplens.signals.ground import Ground

SAMPLE = 40  # distinct prompts that every account is reduced to; smaller accounts are taken whole


def measure_coverage(account: Account, ground: Ground) -> dict[str, float]:
    """Return the expected richness and evenness of a sample of 40 distinct prompts, exactly and without drawing.

    Volume is no part of it: every account is reduced to the same sample size (rarefaction, Hurlbert 1971).
    """
    own = account.distinct
    cells, clusters = counts(ground.cell[own]), counts(ground.cluster[own][ground.cluster[own] >= 0])
    abilities = counts(ground.capability[own][ground.capability[own] >= 0])
    m = min(SAMPLE, len(own))
    return {
        "cells": rarefy(cells, m) / m,
        "cells_once": rarefy_once(cells, m) / m,
        "cell_top": float(cells.max() / cells.sum()),
        "cell_evenness": evenness(cells, m),
        "clusters": rarefy(clusters, min(m, int(clusters.sum()))) / max(1, min(m, int(clusters.sum())))
        if clusters.size
        else np.nan,
        "capabilities": rarefy(abilities, min(m, int(abilities.sum()))) if abilities.size else np.nan,
        "discovery": measure_discovery(ground.cell[account.requests]) if account.timed else np.nan,
    }


def counts(labels: np.ndarray) -> np.ndarray:
    """Return how often each label appears, int64, in no meaningful order; empty for no labels."""
    return np.unique(labels, return_counts=True)[1]


def rarefy(count: np.ndarray, m: int) -> float:
    """Return the expected number of different labels in a sample of `m` without replacement (Hurlbert 1971).

    `count` holds how often each label appears. E = sum over labels of 1 - C(N - n_i, m) / C(N, m).
    """
    n = int(count.sum())
    return float((1.0 - np.exp(_log_choose(n - count, m) - _log_choose(np.array([n]), m))).sum())


def rarefy_once(count: np.ndarray, m: int) -> float:
    """Return the expected number of labels that appear exactly once in such a sample."""
    n = int(count.sum())
    rest = _log_choose(n - count, m - 1) - _log_choose(np.array([n]), m)
    return float((count * np.exp(rest)).sum())


def evenness(count: np.ndarray, m: int) -> float:
    """Return how evenly a sample of `m` falls on labels: 1 - Simpson's index, corrected for the sample, over its most.

    1 where every prompt has a label of its own, 0 where all share one (Simpson 1949).
    """
    n = int(count.sum())
    if n < 2 or m < 2:
        return float("nan")
    return float(1.0 - (count * (count - 1)).sum() / (n * (n - 1)))


def measure_discovery(cells: np.ndarray, window: int = SAMPLE) -> float:
    """Return which share of the requests opens a cell that the last `window` requests did not visit.

    High for an account that keeps finding new ground, low for one that returns. Runs of the same prompt return.
    """
    if len(cells) < 2:
        return float("nan")
    last: dict[int, int] = {}
    new = 0
    for i, cell in enumerate(cells.tolist()):
        new += i - last.get(cell, -window - 1) > window
        last[cell] = i
    return new / len(cells)


def accumulate(cells: np.ndarray) -> np.ndarray:
    """Return the number of different cells after each prompt, int32 [n]: the account's coverage curve."""
    fresh = np.zeros(len(cells), np.int32)
    fresh[np.unique(cells, return_index=True)[1]] = 1
    return np.cumsum(fresh, dtype=np.int32)


def curve_points(n: int) -> list[int]:
    """Return the numbers of prompts at which curves are kept: 1, 2, 3, 5, 8, 10, 15, then doubling steps, and `n`."""
    points = [p for p in (1, 2, 3, 5, 8, 10, 15) if p < n]
    step = 20
    while step < n:
        points += [p for p in (step, step * 3 // 2) if p < n]
        step *= 2
    return [*points, n]


def _log_choose(n: np.ndarray, k: int) -> np.ndarray:
    """Return log C(n, k) for an integer array, -inf where n < k."""
    from scipy.special import gammaln

    n = np.asarray(n, np.float64)
    with np.errstate(invalid="ignore"):
        value = gammaln(n + 1) - gammaln(k + 1) - gammaln(np.maximum(n - k, 0) + 1)
    return np.where(n >= k, value, -np.inf)
