"""Why an account scores as it does, in sentences: what sets it apart from its peers, each thing said once."""

import math
from dataclasses import dataclass

import numpy as np

from sweeplens.signals.catalog import BY_KEY, KEYS, first_of_each_theme
from sweeplens.signals.coverage import SAMPLE

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


def explain(  # noqa: PLR0917 - all about one account
    value: np.ndarray, percentile: np.ndarray, median: np.ndarray, weight: np.ndarray, at_peers: np.ndarray,
    volume: int, *, most: int = MOST,
) -> tuple[Reason, ...]:  # fmt: skip
    """Return the signals that raise the score most, strongest first, each with its sentence; one of each theme.

    All are [S], in the order of `KEYS`: the signals, their percentiles among the peers, the peers' medians, what each
    adds, and what it would add at the median; `volume` is the number of distinct prompts. A signal on which the account
    looks like its peers is no reason, unless it looks like them on all: then at most two say what counts in any log.
    """
    order = [
        KEYS[i] for i in np.argsort(-weight, kind="stable") if weight[i] >= LEAST_WEIGHT and not np.isnan(value[i])
    ]
    numbers = {
        key: tuple(float(x[i]) for x in (value, median, percentile, weight, at_peers))
        for i, key in enumerate(KEYS) if key in order
    }  # fmt: skip
    telling = [key for key in order if BY_KEY[key].sets_apart(*numbers[key])]
    chosen = first_of_each_theme(telling)[:most] or first_of_each_theme(order)[:_PLAIN]
    ground = _ground(value, median, volume)
    return tuple(
        Reason(
            key, numbers[key][0], numbers[key][2], numbers[key][3],
            (ground if BY_KEY[key].theme == _SPACING else "") + BY_KEY[key].reason(*numbers[key]),
        )
        for key in chosen
    )  # fmt: skip


def _ground(value: np.ndarray, median: np.ndarray, volume: int) -> str:
    """Say how much ground an account's prompts cover, 40 of them where there are more, as the map shows it."""
    n = min(SAMPLE, volume)
    seen, theirs = (_visited(numbers, n) for numbers in (value, median))
    return "" if seen is None or theirs is None else f"{n} of its prompts visit {seen} (peers: {theirs}); "


def _visited(numbers: np.ndarray, n: int) -> str | None:
    clusters, capabilities = n * float(numbers[_CLUSTERS]), float(numbers[_CAPABILITIES])
    if math.isnan(clusters) or math.isnan(capabilities):
        return None
    clusters, capabilities = max(1, round(clusters)), max(1, round(capabilities))
    ending = "y" if capabilities == 1 else "ies"
    return f"{clusters} cluster{'' if clusters == 1 else 's'} of {capabilities} capabilit{ending}"
