"""Why an account scores as it does, in sentences: what sets it apart from its peers, each thing said once."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from sweeplens.signals.catalog import BY_KEY, KEYS

MOST = 6  # reasons that a row carries; all contributions stay in the table of signals
LEAST_WEIGHT = 0.05  # log-odds under which a signal is no reason
_PLAIN = 2  # reasons of an account that nothing sets apart from its peers
_SPACING, _CLUSTERS, _CAPABILITIES = "spacing", KEYS.index("clusters"), KEYS.index("capabilities")


@dataclass(frozen=True)
class Reason:
    """Why an account scores as it does: one signal and what it adds to the log-odds (`weight`)."""

    signal: str
    value: float
    peer_percentile: float
    weight: float
    text: str


def explain(
    value: np.ndarray, percentile: np.ndarray, median: np.ndarray, weight: np.ndarray, at_peers: np.ndarray,
    *, most: int = MOST,
) -> tuple[Reason, ...]:  # fmt: skip
    """Return the signals that raise the score most, strongest first, each with its sentence; one of each theme.

    All are [S], in the order of `KEYS`: the signals, their percentiles among the peers, the peers' medians, what each
    adds, and what it would add at the median. A signal on which the account looks like its peers is no reason, unless
    it looks like them on all: then at most two say what counts in any log.
    """
    order = [int(i) for i in np.argsort(-weight, kind="stable") if weight[i] >= LEAST_WEIGHT and not np.isnan(value[i])]
    telling = [
        i for i in order
        if BY_KEY[KEYS[i]].sets_apart(value[i], median[i], percentile[i], float(weight[i]), float(at_peers[i]))
    ]  # fmt: skip
    chosen = _one_of_each_theme(telling)[:most] or _one_of_each_theme(order)[:_PLAIN]
    return tuple(
        Reason(
            KEYS[i], float(value[i]), float(percentile[i]), float(weight[i]),
            _sentence(i, value, percentile, median, float(weight[i]), float(at_peers[i])),
        )
        for i in chosen
    )  # fmt: skip


def _one_of_each_theme(order: Sequence[int]) -> list[int]:
    first: dict[str, int] = {}
    for i in order:
        first.setdefault(BY_KEY[KEYS[i]].theme, i)
    return list(first.values())


def _sentence(  # noqa: PLR0917 - all about one signal
    at: int, value: np.ndarray, percentile: np.ndarray, median: np.ndarray, adds: float, peers_add: float
) -> str:
    signal = BY_KEY[KEYS[at]]
    text = signal.reason(float(value[at]), float(median[at]), float(percentile[at]), adds, peers_add)
    return _ground(value, median) + text if signal.theme == _SPACING else text


def _ground(value: np.ndarray, median: np.ndarray) -> str:
    """Say how much ground 40 of an account's prompts cover, which a reader can see on the map."""
    seen, theirs = (_count(numbers) for numbers in (value, median))
    return "" if seen is None or theirs is None else f"in 40 prompts it visits {seen} (peers: {theirs}); "


def _count(numbers: np.ndarray) -> str | None:
    clusters, capabilities = 40 * float(numbers[_CLUSTERS]), float(numbers[_CAPABILITIES])
    if math.isnan(clusters) or math.isnan(capabilities):
        return None
    return f"{_plural(clusters, 'cluster')} of {_plural(capabilities, 'capability')}"


def _plural(n: float, noun: str) -> str:
    rounded = max(1, round(n))
    many = f"{noun[:-1]}ies" if noun.endswith("y") else f"{noun}s"
    return f"{rounded} {noun if rounded == 1 else many}"
