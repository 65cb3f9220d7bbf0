"""Intervals: whole corpora, campaigns or accounts are drawn again, so that what belongs together stays together."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sweeplens.evaluate.labels import Label
from sweeplens.evaluate.measures import Floats

LEVEL = 0.95
_MOST_UNITS = 500  # more of them are thrown together at random: independent units in independent lots
_CELLS = 4_000_000  # numbers of a block of weights


@dataclass(frozen=True)
class Figure:
    """One number with its interval; None where there is nothing to measure, or too few units to draw from."""

    value: float | None
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class Draws:
    """What is drawn.

    kind    corpora, campaigns or accounts: what a unit is
    found   number of units, before small ones are thrown together
    unit    int64 [accounts]: unit of each account
    counts  float64 [1 + draws, units]: how often each unit counts; the first row is the sample itself
    """

    kind: str
    found: int
    unit: NDArray[np.int64]
    counts: Floats

    def weights(self, accounts: NDArray[np.int64], rows: slice = slice(None)) -> Floats:
        """Return how often each of these accounts counts, [draws, accounts]."""
        return self.counts[rows][:, self.unit[accounts]]

    def blocks(self, width: int) -> list[slice]:
        """Cut the draws so that weights of so many accounts stay small."""
        step = max(1, _CELLS // max(1, width))
        return [slice(at, at + step) for at in range(0, len(self.counts), step)]

    def apart(self, *sides: NDArray[np.int64]) -> bool:
        """Tell whether each side has accounts in at least two units: one alone has no spread."""
        return all(len(np.unique(self.unit[side])) > 1 for side in sides)


def make_draws(labels: Sequence[Label], n: int, seed: int) -> Draws:
    """Draw units with replacement (bootstrap of clusters: Davison, Hinkley 1997, 3.8), among those of like labels.

    A unit is a corpus, where the labels name corpora; corpora of one campaign are one unit. Else it is a campaign or
    tenant; else an account.
    """
    kind, names = find_units(labels)
    known, unit = np.unique(np.array(names, dtype=object), return_inverse=True)
    rng = np.random.default_rng(seed)
    lots = len(known)
    held: list[set[str]] = [set() for _ in range(lots)]
    for label, u in zip(labels, unit, strict=True):
        held[u].add(label.label)
    stratum = np.unique(["+".join(sorted(h)) for h in held], return_inverse=True)[1]
    if lots > _MOST_UNITS:
        lot, stratum = _throw_together(stratum, rng)
        unit = lot[unit]
    counts = np.ones((1 + n, len(stratum)))
    for s in np.unique(stratum):
        inside = np.flatnonzero(stratum == s)
        counts[1:, inside] = rng.multinomial(len(inside), np.full(len(inside), 1 / len(inside)), size=n)
    return Draws(kind, lots, unit.astype(np.int64), counts)


def find_units(labels: Sequence[Label]) -> tuple[str, list[str]]:
    """Return what a unit is (corpora, campaigns, accounts) and the unit of each account."""
    joined = _join_corpora(label.corpora for label in labels)
    kind = "corpora" if joined else "campaigns" if any(label.campaign for label in labels) else "accounts"
    units = []
    for label in labels:
        if label.corpora:
            units.append(f"corpus {joined[label.corpora[0]]}")
        elif label.campaign:
            units.append(f"campaign {label.campaign}")
        else:
            units.append(f"account {label.account_id}")
    return kind, units


def _join_corpora(groups: Iterable[tuple[str, ...]]) -> dict[str, str]:
    """Return one name for all corpora that some account mixes, directly or through others."""
    parent: dict[str, str] = {}

    def root(name: str) -> str:
        while parent.setdefault(name, name) != name:
            parent[name] = name = parent[parent[name]]
        return name

    for corpora in sorted(set(groups)):
        for name in corpora:
            first, second = sorted((root(corpora[0]), root(name)))
            parent[second] = first
    return {name: root(name) for name in list(parent)}


def _throw_together(
    stratum: NDArray[np.int64], rng: np.random.Generator
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the lot of each unit, and the stratum of each lot."""
    lot = np.empty(len(stratum), np.int64)
    strata: list[int] = []
    for s in np.unique(stratum):
        inside = rng.permutation(np.flatnonzero(stratum == s))
        many = max(1, min(len(inside), round(_MOST_UNITS * len(inside) / len(stratum))))
        lot[inside] = len(strata) + np.arange(len(inside)) % many
        strata += [int(s)] * many
    return lot, np.array(strata)


def draw_counts(n_units: int, n: int, rng: np.random.Generator) -> Floats:
    """Return how often each of so many units is drawn, [1 + n, units]; the first row is the sample itself."""
    counts = np.ones((1 + n, n_units))
    if n_units:
        counts[1:] = rng.multinomial(n_units, np.full(n_units, 1 / n_units), size=n)
    return counts


def figure(values: Floats, *, apart: bool = True) -> Figure:
    """Turn the value of the sample and those of the draws into a figure with its percentile interval (Efron 1981).

    Draws that hold nothing to compare are left out. There is no interval where that is most of them, where they are all
    alike, or where the sample is not `apart`.
    """
    value = None if np.isnan(values[0]) else float(values[0])
    drawn = values[1:][~np.isnan(values[1:])]
    if value is None or not apart or not len(drawn) or 2 * len(drawn) < len(values) - 1 or np.ptp(drawn) == 0:
        return Figure(value)
    low, high = np.quantile(drawn, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return Figure(value, float(low), float(high))


def in_blocks(draws: Draws, width: int, measure: Callable[[slice], Floats]) -> Floats:
    """Apply a measure to blocks of draws that hold the weights of `width` accounts."""
    return np.concatenate([measure(rows) for rows in draws.blocks(width)])
