"""Fingerprints of halves: groups are formed on one half of each account's prompts and tested on the other."""

from dataclasses import dataclass

import numpy as np

from sweeplens.detect.fingerprints import OF_LOG, shrink_norm, whiten
from sweeplens.detect.population import Population
from sweeplens.detect.prints import QUARTERS, Prints

# Of the total variance: how much the small axes of the population are held back. Groups need more of it than single
# accounts (1/256): half an account's prompts say little about small axes. Of 1/350, 1/70 and 1/35, the middle one found
# most campaigns in held-out logs.
_RIDGE = 1 / 64
_RANK = 512  # axes that are kept, the largest: at the ridge above, the rest adds hardly anything to a likeness


@dataclass(frozen=True)
class Halves:
    """Fingerprints of n accounts, each from its two halves and from both: float32 [n, r].

    The dot product of two rows is a likeness, about 1 for twins. `codes` int64 [n] are the accounts, rising. What is
    seen in `first` was never seen by `second`. `frozen` is as `whole`, but centred and whitened by the frozen
    population alone (where there is none, it is `whole`): a campaign that is most of a log is most of the log's
    population, too, and what its members have in common would count for nothing.
    """

    codes: np.ndarray
    first: np.ndarray
    second: np.ndarray
    whole: np.ndarray
    frozen: np.ndarray

    def places(self, members: np.ndarray) -> np.ndarray:
        """Return the rows of those of these accounts that have any."""
        at = np.searchsorted(self.codes, members)
        there = at < len(self.codes)
        there[there] = self.codes[at[there]] == members[there]
        found: np.ndarray = at[there]
        return found


def take_halves(prints: Prints, population: Population | None) -> Halves:
    """Take the fingerprints of the halves of each account, two quarters of its prompts to a half.

    The halves do not depend on the order of the log, differ in size by one at most, and a norm can be taken inside each
    half as the product of two quarters, free of prompt noise.
    """
    if not len(prints):
        empty = np.empty((0, 0), np.float32)
        return Halves(prints.codes, empty, empty, empty, empty)
    sizes = prints.sizes.astype(np.float32)
    whole = prints.mix((0, 1, 2, 3))
    frozen = None
    if population is not None:
        frozen = _scale(_turn(prints, *_whiten(whole, population, 0.0)), sizes, (0, 2), (1, 3))
    parts = _turn(prints, *_whiten(whole, population, OF_LOG))
    first, second = _scale(parts, sizes, (0,), (2,)), _scale(parts, sizes, (1,), (3,))
    both = _scale(parts, sizes, (0, 2), (1, 3))
    return Halves(prints.codes, first, second, both, both if frozen is None else frozen)


def _turn(prints: Prints, mean: np.ndarray, turn: np.ndarray) -> list[np.ndarray]:
    """Return quarters in the whitened space, float32."""
    return [(prints.parts[:, q].astype(np.float32) - mean) @ turn for q in range(QUARTERS)]


def _mix(parts: list[np.ndarray], sizes: np.ndarray, which: tuple[int, ...]) -> np.ndarray:
    """Return the mean of some quarters, each counting by its prompts."""
    total = sizes[:, which].sum(1)
    mixed = np.zeros_like(parts[0])
    for q in which:
        mixed += parts[q] * (sizes[:, q] / total)[:, None]
    return mixed


def _scale(parts: list[np.ndarray], sizes: np.ndarray, left: tuple[int, ...], right: tuple[int, ...]) -> np.ndarray:
    """Return rows over the root of their norm, which is the product of the means of two disjoint sets of prompts."""
    norm = (_mix(parts, sizes, left) * _mix(parts, sizes, right)).sum(1)
    shrunk = shrink_norm(norm, sizes[:, left + right].sum(1))
    rows: np.ndarray = (_mix(parts, sizes, left + right) / np.sqrt(shrunk)[:, None]).astype(np.float32)
    return rows


def _whiten(whole: np.ndarray, population: Population | None, of_log: float) -> tuple[np.ndarray, np.ndarray]:
    return whiten(whole, population, of_log=of_log, ridge=_RIDGE, rank=_RANK)
