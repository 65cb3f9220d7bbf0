"""Measure every signal of every account, and compare accounts with peers of like volume and language."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from sweeplens.engine.steps import map_parts, split
from sweeplens.signals.account import Account, Accounts
from sweeplens.signals.catalog import KEYS
from sweeplens.signals.coverage import measure_coverage
from sweeplens.signals.form import measure_form
from sweeplens.signals.ground import Ground
from sweeplens.signals.order import measure_order
from sweeplens.signals.spacing import measure_spacing

FAMILIES: tuple[Callable[[Account, Ground], dict[str, float]], ...] = (
    measure_coverage, measure_order, measure_spacing, measure_form,
)  # fmt: skip
LEAST = 10  # distinct prompts under which an account alone says too little
PEERS = "volume and language"  # what peers have in common, as the manifest of a snapshot says it
RATIO = 1.5  # peers have between 1/1.5 and 1.5 times as many distinct prompts
FEWEST_PEERS, _MOST_PEERS = 30, 1000
_APART = 1000.0  # more than any two logarithms of volumes differ
_PART = 64  # accounts that one process takes at a time

_state: tuple[Accounts, Ground] | None = None


@dataclass(frozen=True)
class Peers:
    """How accounts compare with their peers: both [N, signals].

    percentile  share of the peers below, half of the equal ones counted, in 0-100; NaN where the signal is missing
    median      the peers' median
    """

    percentile: np.ndarray
    median: np.ndarray


class PeerSet(NamedTuple):
    """The peers of one account: their codes, and how many others of like volume ask mostly in its language.

    Where these are 30 or more, they are the peers (at most 1,000 of them); where not, the language has no say.
    """

    rows: np.ndarray
    n_language: int


def measure_account(account: Account, ground: Ground) -> np.ndarray:
    """Return every signal of one account in the order of `KEYS`, float64; NaN where one is missing.

    What takes other accounts, the family "kin", is missing here: it is measured of a whole log.
    """
    if len(account.distinct) < LEAST:
        return np.full(len(KEYS), np.nan)
    values: dict[str, float] = {}
    for family in FAMILIES:
        values |= family(account, ground)
    return np.array([values.get(k, np.nan) for k in KEYS])


def measure_accounts(
    accounts: Accounts, ground: Ground, *, workers: int = 1, progress: Callable[[int, int], None] | None = None
) -> np.ndarray:
    """Return float64 [N, signals] for all accounts."""
    if not len(accounts):
        return np.empty((0, len(KEYS)))
    parts = split(len(accounts), -(-len(accounts) // _PART))
    _ = accounts.senders  # made once, before processes are forked
    blocks = map_parts(_measure_part, parts, workers=workers, prepare=_prepare, state=(accounts, ground), done=progress)
    return np.concatenate(blocks)


def _prepare(accounts: Accounts, ground: Ground) -> None:
    global _state  # noqa: PLW0603 - large arrays are inherited by a forked process, not sent with every part
    _state = (accounts, ground)


def _measure_part(part: tuple[int, int]) -> np.ndarray:
    if _state is None:
        raise RuntimeError("the process was not prepared")
    accounts, ground = _state
    return np.stack([measure_account(accounts.one(i), ground) for i in range(*part)])


def find_peers(
    volume: np.ndarray, codes: Sequence[int] | None = None, *, language: np.ndarray | None = None
) -> list[PeerSet]:
    """Return the peers of each account (or of `codes`): those within a factor of 1.5 in distinct prompts.

    Of these, only those of the same main `language` (a number each, negative for none) where there are 30 or more. An
    account is no peer of its own. Where there are under 30 of any language, the 30 nearest in log volume; where over
    1,000, the nearest 1,000.
    """
    wanted = np.arange(len(volume)) if codes is None else np.asarray(codes, np.int64)
    spoken = np.full(len(volume), -1) if language is None else np.asarray(language)
    everyone, own = _Lines(volume, np.zeros(len(volume), np.int64)), _Lines(volume, spoken)
    n_any, n_own = everyone.count(wanted), np.where(spoken[wanted] < 0, 0, own.count(wanted))
    return [
        PeerSet(everyone.take(code, total) if alike < FEWEST_PEERS else own.take(code, alike), alike)
        for code, total, alike in zip(wanted.tolist(), n_any.tolist(), n_own.tolist(), strict=True)
    ]


class _Lines:
    """Accounts by volume, in a line of their own for each group."""

    def __init__(self, volume: np.ndarray, group: np.ndarray) -> None:
        self._order = np.lexsort((volume, group))
        self._keys = (np.log(np.maximum(volume, 1)) + _APART * group)[self._order]
        self._place = np.empty(len(volume), np.int64)
        self._place[self._order] = np.arange(len(volume))

    def count(self, codes: np.ndarray) -> np.ndarray:
        """Return how many others of its group are of like volume, for each of `codes`."""
        low, high = self._within(codes)
        others: np.ndarray = high - low - 1
        return others

    def take(self, code: int, count: int) -> np.ndarray:
        """Return the peers of an account that has `count` others of like volume in its group."""
        at = int(self._place[code])
        if count < FEWEST_PEERS:
            low, high = _nearest_window(self._keys, at, FEWEST_PEERS + 1)
        elif count > _MOST_PEERS:
            low, high = _nearest_window(self._keys, at, _MOST_PEERS + 1)
        else:
            low, high = (int(end[0]) for end in self._within(np.array([code])))
        taken: np.ndarray = self._order[np.r_[low:at, at + 1 : high]]
        return taken

    def _within(self, codes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        keys, reach = self._keys[self._place[codes]], np.log(RATIO) + 1e-9
        return np.searchsorted(self._keys, keys - reach), np.searchsorted(self._keys, keys + reach)


def compare_with_peers(values: np.ndarray, volume: np.ndarray, language: np.ndarray | None = None) -> Peers:
    """Compare signals [N, S] of accounts with `volume` distinct prompts and a main `language`, as `find_peers` does.

    Those with under 10 prompts have no peers.
    """
    percentile = np.full(values.shape, np.nan)
    median = np.full(values.shape, np.nan)
    able = np.flatnonzero(volume >= LEAST)
    among = find_peers(volume[able], language=None if language is None else language[able])
    for code, peers in zip(able, among, strict=True):
        percentile[code], median[code] = percentile_among(values[code], values[able[peers.rows]])
    return Peers(percentile, median)


def percentile_among(value: np.ndarray, peers: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return (percentile of each value among the rows of `peers`, the rows' medians); NaN where there is nothing."""
    present = ~np.isnan(peers)
    n = present.sum(0)
    below = (peers < value).sum(0) + 0.5 * (peers == value).sum(0)
    with np.errstate(invalid="ignore", divide="ignore"):
        percentile = np.where((n > 0) & ~np.isnan(value), 100 * below / n, np.nan)
    median = np.full(peers.shape[1], np.nan)
    some = n > 0
    if some.any():
        median[some] = np.nanmedian(peers[:, some], axis=0)
    return percentile, median


def _nearest_window(logs: np.ndarray, at: int, size: int) -> tuple[int, int]:
    """Return the window of `size` places around `at` whose values are nearest to its own."""
    size = min(size, len(logs))
    starts = np.arange(max(0, at - size + 1), min(at, len(logs) - size) + 1)
    sums = np.cumsum(np.r_[0.0, np.abs(logs[starts[0] : starts[-1] + size] - logs[at])])
    low = int(starts[np.argmin(sums[size:] - sums[:-size])])
    return low, low + size
