"""Measure every signal of every account, and compare accounts with peers of like volume."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

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
_RATIO = 1.5  # peers have between 1/1.5 and 1.5 times as many distinct prompts
_FEWEST_PEERS, _MOST_PEERS = 30, 1000
_PART = 64  # accounts that one process takes at a time

_state: tuple[Accounts, Ground] | None = None


@dataclass(frozen=True)
class Peers:
    """How accounts compare with those of like volume: both [N, signals].

    percentile  share of the peers below, half of the equal ones counted, in 0-100; NaN where the signal is missing
    median      the peers' median
    """

    percentile: np.ndarray
    median: np.ndarray


def measure_account(account: Account, ground: Ground) -> np.ndarray:
    """Return every signal of one account in the order of `KEYS`, float64; NaN where one is missing."""
    if len(account.distinct) < LEAST:
        return np.full(len(KEYS), np.nan)
    values: dict[str, float] = {}
    for family in FAMILIES:
        values |= family(account, ground)
    return np.array([values[k] for k in KEYS])


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


def find_peers(volume: np.ndarray, codes: Sequence[int] | None = None) -> list[np.ndarray]:
    """Return the peers of each account (or of `codes`): those within a factor of 1.5 in distinct prompts.

    An account is no peer of its own. Where there are under 30 of them, the 30 nearest in log volume; where over 1,000,
    the nearest 1,000.
    """
    order = np.argsort(volume, kind="stable")
    logs = np.log(np.maximum(volume[order], 1))
    place = np.empty(len(volume), np.int64)
    place[order] = np.arange(len(volume))
    peers = []
    for code in range(len(volume)) if codes is None else codes:
        at = place[code]
        low = np.searchsorted(logs, logs[at] - np.log(_RATIO) - 1e-9)
        high = np.searchsorted(logs, logs[at] + np.log(_RATIO) + 1e-9)
        if high - low - 1 < _FEWEST_PEERS:
            low, high = _nearest_window(logs, at, _FEWEST_PEERS + 1)
        elif high - low - 1 > _MOST_PEERS:
            low, high = _nearest_window(logs, at, _MOST_PEERS + 1)
        peers.append(order[np.r_[low:at, at + 1 : high]])
    return peers


def compare_with_peers(values: np.ndarray, volume: np.ndarray) -> Peers:
    """Compare signals [N, S] of accounts with `volume` distinct prompts; those under 10 have no peers."""
    percentile = np.full(values.shape, np.nan)
    median = np.full(values.shape, np.nan)
    able = np.flatnonzero(volume >= LEAST)
    for code, peers in zip(able, find_peers(volume[able]), strict=True):
        percentile[code], median[code] = percentile_among(values[code], values[able[peers]])
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
    reach = np.maximum(logs[at] - logs[starts], logs[starts + size - 1] - logs[at])
    low = int(starts[np.argmin(reach)])
    return low, low + size
