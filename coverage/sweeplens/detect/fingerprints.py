"""One vector an account that says what it asks: a whitened kernel mean embedding of its prompts."""

from dataclasses import dataclass

import numpy as np

from sweeplens.detect.population import Population
from sweeplens.signals.account import Accounts

LEAST = 5  # distinct prompts under which an account has no fingerprint
FEATURES = 2048
_WIDTH = 0.9  # of the Gaussian kernel on centred unit rows
OF_LOG = 0.7  # weight of the log's own population against the frozen one, in centre and covariance
MOST = 1500  # distinct prompts of an account that are used
_RIDGE = 1 / 256  # of the total variance: how much the small axes are held back
_PRIOR = 8  # prompts that the typical norm counts as, against the noise of small accounts
_SMALLEST = 0.3  # of the typical norm: no account is taken for less
_BLOCK = 65_536
_SEED = 0


@dataclass(frozen=True)
class Fingerprints:
    """Fingerprints of the accounts that have one.

    codes  int64 [n]: the accounts
    rows   float32 [n, r]: unit-free; the dot product of two rows, after division by both norms, is their likeness
    norm   float64 [n]: self-likeness, estimated from two independent halves and shrunk for small accounts
    """

    codes: np.ndarray
    rows: np.ndarray
    norm: np.ndarray

    def scaled(self) -> np.ndarray:
        """Return rows over the root of their norm, float32: their dot products are likenesses, about 1 for twins."""
        rows: np.ndarray = (self.rows / np.sqrt(self.norm)[:, None]).astype(np.float32)
        return rows


def take_fingerprints(
    vectors: np.ndarray, accounts: Accounts, population: Population | None = None, part: np.ndarray | None = None
) -> Fingerprints:
    """Embed each account of at least 5 distinct prompts; with `part`, bool [prompts], only of those it marks.

    Random Fourier features of a Gaussian kernel (Rahimi and Recht 2007), averaged over an account's prompts (kernel
    mean embedding, Smola et al. 2007), centred on the population and whitened by its covariance, so that what everybody
    asks counts little. The population is 0.7 of the log's and 0.3 of the frozen one: in a log of attackers, or in a
    small one, it would otherwise be the attackers'. The norm is the product of the means of two disjoint halves: prompt
    noise is in neither twice.
    """
    own = [a.distinct if part is None else a.distinct[part[a.distinct]] for a in accounts]
    codes = np.array([i for i, d in enumerate(own) if len(d) >= LEAST], np.int64)
    if not codes.size:
        return Fingerprints(codes, np.empty((0, 0), np.float32), np.empty(0))
    kept = [own[i][:MOST] for i in codes]
    centre = mean_prompt(vectors, kept) if population is None else population.centre
    halves = [mean_features(vectors, [d[h::2] for d in kept], centre) for h in (0, 1)]
    mean, turn = whiten((halves[0] + halves[1]) / 2, population, of_log=OF_LOG, ridge=_RIDGE)
    first, second = (halves[0] - mean) @ turn, (halves[1] - mean) @ turn
    n = np.array([len(d) for d in kept], float)
    return Fingerprints(codes, ((first + second) / 2).astype(np.float32), shrink_norm((first * second).sum(1), n))


def mean_prompt(vectors: np.ndarray, prompts: list[np.ndarray]) -> np.ndarray:
    """Return the mean over accounts of the mean vector of their prompts, float64 [d]."""
    mean: np.ndarray = np.mean([vectors[d].mean(0) for d in prompts], 0)
    return mean


def mean_features(vectors: np.ndarray, prompts: list[np.ndarray], centre: np.ndarray) -> np.ndarray:
    """Return the mean of the random features of each list of prompts, float64 [lists, features]."""
    rng = np.random.default_rng(_SEED)
    d = vectors.shape[1]
    turn = (rng.normal(size=(d, FEATURES)) / _WIDTH).astype(np.float32)
    shift = rng.uniform(0, 2 * np.pi, FEATURES).astype(np.float32)
    out = np.empty((len(prompts), FEATURES))
    at = 0
    while at < len(prompts):
        stop, rows = at, 0
        while stop < len(prompts) and (stop == at or rows + len(prompts[stop]) <= _BLOCK):
            rows += len(prompts[stop])
            stop += 1
        block = vectors[np.concatenate(prompts[at:stop])] - centre
        block /= np.maximum(np.linalg.norm(block, axis=1, keepdims=True), 1e-9)
        z = np.cos(block.astype(np.float32) @ turn + shift)
        starts = np.cumsum([0] + [len(p) for p in prompts[at : stop - 1]])
        sizes = np.array([len(p) for p in prompts[at:stop]])[:, None]
        out[at:stop] = np.add.reduceat(z, starts, axis=0, dtype=np.float64) / sizes
        at = stop
    out *= np.sqrt(2 / FEATURES)
    return out


def whiten(
    whole: np.ndarray, population: Population | None, *, of_log: float, ridge: float, rank: int | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Return (mean, axes over sqrt(eigenvalue + ridge), [features, r]) of two populations together.

    The log's, whose mean features are `whole`, has the weight `of_log`, the frozen one the rest. `ridge` is in units of
    the total variance; with `rank`, only so many of the largest axes are kept.
    """
    weight = 1.0 if population is None else of_log
    mean = weight * whole.mean(0)
    if population is not None:
        mean = mean + (1 - weight) * population.mean
    rows = [np.sqrt(weight / len(whole)) * (whole - mean)] if weight else []
    if population is not None:
        rows.append(np.sqrt(1 - weight) * np.vstack([population.axes, population.mean - mean]))
    both = np.concatenate(rows)
    if len(both) <= both.shape[1]:
        _, s, vt = np.linalg.svd(both, full_matrices=False)
        values, axes = s**2, vt.T
    else:
        values, axes = np.linalg.eigh(both.T @ both)
        values = np.maximum(values, 0)
        if rank is not None:  # here the largest come last
            values, axes = values[::-1], axes[:, ::-1]
    turn: np.ndarray = axes[:, :rank] / np.sqrt(values[:rank] + ridge * values.sum() + 1e-12)
    return mean, turn


def shrink_norm(norm: np.ndarray, n: np.ndarray) -> np.ndarray:
    """Pull noisy norms of small accounts, of `n` prompts, towards the typical one; keep all of them well above 0."""
    positive = norm[norm > 0]
    typical = float(np.median(positive)) if positive.size else 1.0
    shrunk = (n * np.maximum(norm, 0) + _PRIOR * typical) / (n + _PRIOR)
    kept: np.ndarray = np.maximum(shrunk, _SMALLEST * typical)
    return kept
