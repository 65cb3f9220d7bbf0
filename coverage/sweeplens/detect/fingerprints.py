"""One vector an account that says what it asks: a whitened kernel mean embedding of its prompts."""

import math
from dataclasses import dataclass

import numpy as np

from sweeplens.detect.population import Population
from sweeplens.detect.prints import Prints

OF_LOG = 0.7  # weight of the log's own population against the frozen one, in centre and covariance
_RIDGE = 1 / 256  # of the total variance: how much the small axes are held back
_NOTHING = 1e-9  # of the total variance: an axis with less is none, and its direction nothing but rounding
_PRIOR = 8  # prompts that the typical norm counts as, against the noise of small accounts
_TOP = 1.2  # likenesses are noisy: those above 1.2 count as 1.2
_SMALLEST = 0.3  # of the typical norm: no account is taken for less


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


def take_fingerprints(prints: Prints, population: Population | None = None) -> Fingerprints:
    """Turn the mean features of accounts into fingerprints.

    They are centred on the population and whitened by its covariance, so that what everybody asks counts little. The
    population is 0.7 of the log's and 0.3 of the frozen one: in a log of attackers, or in a small one, it would
    otherwise be the attackers'. The norm is the product of the means of two disjoint halves: prompt noise is in neither
    twice.
    """
    if not len(prints):
        return Fingerprints(prints.codes, np.empty((0, 0), np.float32), np.empty(0))
    halves = [prints.mix((0, 2)), prints.mix((1, 3))]
    mean, turn = whiten((halves[0] + halves[1]) / 2, population, of_log=OF_LOG, ridge=_RIDGE)
    first, second = ((half - mean) @ turn for half in halves)
    norm = np.einsum("ij,ij->i", first, second, dtype=np.float64)
    return Fingerprints(prints.codes, (first + second) / 2, shrink_norm(norm, prints.sizes.sum(1, dtype=np.float64)))


def find_nearest(
    prints: Fingerprints, most: int, *, of: np.ndarray | None = None, among: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Return (likeness, account) of the `most` accounts most like each, [n, k], nearest first; never its own.

    `of` and `among`, bool [accounts], say for which accounts and among which; by default all. Among some that are no
    more than `most`, an account that is one of them comes last in its own row, with the likeness -inf.
    """
    import faiss

    rows = np.ascontiguousarray(prints.scaled())
    asked = rows if of is None else np.ascontiguousarray(rows[of])
    itself = prints.codes if of is None else prints.codes[of]
    where = np.arange(len(rows)) if among is None else np.flatnonzero(among)
    k = min(most + 1, len(where))
    if k < 1:
        return np.empty((len(asked), 0)), np.empty((len(asked), 0), np.int64)
    index = faiss.IndexFlatIP(rows.shape[1])
    index.add(np.ascontiguousarray(rows[where]))
    like, place = index.search(asked, k)
    who = prints.codes[where[place]]
    like = np.where(who == itself[:, None], -np.inf, np.minimum(like, _TOP))
    order = np.argsort(-like, axis=1, kind="stable")[:, : min(most, len(where) - (among is None))]
    return np.take_along_axis(like, order, 1).astype(np.float64), np.take_along_axis(who, order, 1)


def whiten(
    whole: np.ndarray, population: Population | None, *, of_log: float, ridge: float, rank: int | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Return (mean, turn), float32: what to take off features, and [features, r] to whiten by two populations together.

    The log's, whose mean features are `whole`, has the weight `of_log`, the frozen one the rest. The dot product of two
    rows that were turned is that under (covariance + ridge)^-1; `ridge` is in units of the total variance. With `rank`,
    only so many of the largest axes are kept; of fewer accounts than features, only axes that some of them are on.
    """
    weight = 1.0 if population is None else of_log
    mean = weight * whole.mean(0)
    if population is not None:
        mean = mean + (1 - weight) * population.mean
    rows = [math.sqrt(weight / len(whole)) * (whole - mean)] if weight else []
    if population is not None:
        rows.append(math.sqrt(1 - weight) * np.vstack([population.axes, population.mean - mean]))
    turn = _turn_of(np.concatenate(rows).astype(np.float32, copy=False), ridge, rank)
    return mean.astype(np.float32), np.ascontiguousarray(turn, np.float32)


def _turn_of(rows: np.ndarray, ridge: float, rank: int | None) -> np.ndarray:
    """Return what whitens features whose covariance is rows.T @ rows; of few rows, by way of rows @ rows.T."""
    from scipy.linalg import solve_triangular

    few = len(rows) <= rows.shape[1]
    if few:  # their products must be as exact as the rows: axes that are nothing are told from small ones
        rows = rows.astype(np.float64)
    products = (rows @ rows.T if few else rows.T @ rows).astype(np.float64)
    n, total = len(products), float(np.trace(products))
    held_back = ridge * total + 1e-12
    if not few and rank is None:  # any root of the inverse gives the same dot products, and this one is had in a moment
        root = np.linalg.cholesky(products + held_back * np.eye(n))
        whole: np.ndarray = solve_triangular(root, np.eye(n), lower=True).T
        return whole
    values, axes = _largest(products, n if rank is None else min(rank, n))
    some = values > _NOTHING * total
    values, axes = values[some], axes[:, some]
    if few:
        axes = rows.T @ (axes / np.sqrt(values))
    turn: np.ndarray = axes / np.sqrt(values + held_back)
    return turn


def _largest(products: np.ndarray, rank: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the largest eigenvalues of a symmetric matrix, and their vectors as columns."""
    from scipy.linalg import eigh

    n = len(products)
    if rank == n:
        return np.linalg.eigh(products)
    values, axes = eigh(products, subset_by_index=[n - rank, n - 1])
    return values, axes


def shrink_norm(norm: np.ndarray, n: np.ndarray) -> np.ndarray:
    """Pull noisy norms of small accounts, of `n` prompts, towards the typical one; keep all of them well above 0."""
    positive = norm[norm > 0]
    typical = float(np.median(positive)) if positive.size else 1.0
    shrunk = (n * np.maximum(norm, 0) + _PRIOR * typical) / (n + _PRIOR)
    kept: np.ndarray = np.maximum(shrunk, _SMALLEST * typical)
    return kept
