"""What fingerprints are made of: mean random features of four quarters of each account's prompts, taken in one pass."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import DTypeLike

from sweeplens.detect.population import Population
from sweeplens.signals.account import Accounts
from sweeplens.signals.ground import Rows

LEAST = 5  # distinct prompts under which an account has no fingerprint
MOST = 1500  # distinct prompts of an account that are used
FEATURES = 2048
QUARTERS = 4
_WIDTH = 0.9  # of the Gaussian kernel on centred unit rows
_BLOCK = 4096  # prompts whose features are in memory at once: 64 MiB in double precision
_SEED = 0


@dataclass(frozen=True)
class Prints:
    """The mean features of n accounts. They depend on nothing but an account's own prompts and the centre.

    codes   int64 [n], rising: the accounts, of 5 distinct prompts or more
    parts   float16 [n, 4, features]: of each quarter of an account's prompts
    sizes   int32 [n, 4]: prompts in each quarter
    centre  float64 [d]: what is taken off each vector before
    """

    codes: np.ndarray
    parts: np.ndarray
    sizes: np.ndarray
    centre: np.ndarray

    def __len__(self) -> int:
        """Return the number of accounts."""
        return len(self.codes)

    def mix(self, quarters: tuple[int, ...]) -> np.ndarray:
        """Return the mean features over some quarters, each counting by its prompts, float32 [n, features]."""
        mixed = np.zeros((len(self), self.parts.shape[2]), np.float32)
        sizes = self.sizes[:, quarters].astype(np.float32)
        for q, share in zip(quarters, (sizes / sizes.sum(1, keepdims=True)).T, strict=True):
            mixed += self.parts[:, q] * share[:, None]
        return mixed

    def renumber(self, to: np.ndarray) -> "Prints":
        """Return the accounts under new codes: `to`, int64 [N], holds that of each old code, -1 for those that go."""
        new = to[self.codes]
        kept = np.flatnonzero(new >= 0)
        kept = kept[np.argsort(new[kept], kind="stable")]
        return Prints(new[kept], self.parts[kept], self.sizes[kept], self.centre)


def take_prints(
    vectors: Rows,
    accounts: Accounts,
    keys: np.ndarray,
    population: Population | None,
    *,
    centre: np.ndarray | None = None,
    codes: np.ndarray | None = None,
) -> Prints:
    """Take the features of each account of at least 5 distinct prompts, or of those among `codes` alone.

    Random Fourier features of a Gaussian kernel (Rahimi and Recht 2007), averaged over prompts (kernel mean embedding,
    Smola et al. 2007). An account's prompts are ordered by `keys` (uint64, one a prompt, from their hashes) and dealt
    in turn to four quarters: so these do not depend on the order of the log, and differ in size by one at most. What is
    taken off first is the population's centre, else `centre`, else the mean prompt of these accounts.
    """
    wanted = np.arange(len(accounts)) if codes is None else np.unique(np.asarray(codes, np.int64))
    wanted = wanted[accounts.volumes[wanted] >= LEAST]
    own = [accounts.distinct(code) for code in wanted.tolist()]
    dealt = [d[np.argsort(keys[d], kind="stable")][:MOST] for d in own]
    if population is not None:
        centre = population.centre
    elif centre is None:
        centre = mean_prompt(vectors, dealt)
    features = mean_features(vectors, [d[q::QUARTERS] for d in dealt for q in range(QUARTERS)], centre)
    n = np.array([len(d) for d in dealt], np.int32)[:, None]
    sizes = (n - np.arange(QUARTERS, dtype=np.int32) + QUARTERS - 1) // QUARTERS
    return Prints(wanted, features.reshape(-1, QUARTERS, FEATURES), sizes, np.asarray(centre, np.float64))


def merge_prints(kept: Prints, fresh: Prints) -> Prints:
    """Return the accounts of both, taken with one centre; of one that is in both, the fresh features count."""
    if not np.array_equal(kept.centre, fresh.centre):
        raise ValueError("features can be put together only where the same centre was taken off")
    stay = ~np.isin(kept.codes, fresh.codes)
    codes = np.concatenate([kept.codes[stay], fresh.codes])
    order = np.argsort(codes, kind="stable")
    rest = np.flatnonzero(stay)
    parts = np.empty((len(codes), *fresh.parts.shape[1:]), np.float16)
    sizes = np.empty((len(codes), QUARTERS), np.int32)
    place = np.empty(len(codes), np.int64)
    place[order] = np.arange(len(codes))
    parts[place[: len(rest)]], sizes[place[: len(rest)]] = kept.parts[rest], kept.sizes[rest]
    parts[place[len(rest) :]], sizes[place[len(rest) :]] = fresh.parts, fresh.sizes
    return Prints(codes[order], parts, sizes, fresh.centre)


def mean_prompt(vectors: Rows, prompts: Sequence[np.ndarray]) -> np.ndarray:
    """Return the mean over accounts of the mean vector of their prompts, float64 [d]."""
    total = np.zeros(vectors.shape[1])
    for own in prompts:
        total += np.asarray(vectors[own], np.float32).mean(0)
    return total / max(1, len(prompts))


def mean_features(
    vectors: Rows, prompts: Sequence[np.ndarray], centre: np.ndarray, dtype: DTypeLike = np.float16
) -> np.ndarray:
    """Return the mean of the random features of each list of prompts, [lists, features]; no list is empty."""
    from scipy.sparse import csr_array

    turn, shift = _features(vectors.shape[1])
    out = np.empty((len(prompts), FEATURES), dtype)
    at = 0
    while at < len(prompts):
        stop, rows = at, 0
        while stop < len(prompts) and (stop == at or rows + len(prompts[stop]) <= _BLOCK):
            rows += len(prompts[stop])
            stop += 1
        block = np.asarray(vectors[np.concatenate(prompts[at:stop])], np.float32) - centre.astype(np.float32)
        block /= np.maximum(np.linalg.norm(block, axis=1, keepdims=True), 1e-9)
        # In double precision, since on some processors the last bits of a product depend on the rows that stand around
        # a row: what is left after rounding is the same whichever accounts are taken together.
        z = (block.astype(np.float64) @ turn.astype(np.float64)).astype(np.float32)
        z += shift
        np.cos(z, out=z)
        sizes = np.array([len(p) for p in prompts[at:stop]])
        share = np.repeat((np.sqrt(2 / FEATURES) / sizes).astype(np.float32), sizes)
        starts = np.concatenate([[0], np.cumsum(sizes)])
        out[at:stop] = csr_array((share, np.arange(rows), starts), shape=(stop - at, rows)) @ z
        at = stop
    return out


def _features(d: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the directions, float32 [d, features], and phases of the random features of rows of `d` numbers."""
    rng = np.random.default_rng(_SEED)
    turn = (rng.normal(size=(d, FEATURES)) / _WIDTH).astype(np.float32)
    return turn, rng.uniform(0, 2 * np.pi, FEATURES).astype(np.float32)
