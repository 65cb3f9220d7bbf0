"""The empirical null: how the bulk of a log lies beside the benign reference, whoever its people are."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sweeplens.detect.calibration import Reference

FEWEST = 50  # accounts with a score under which a log's bulk says too little
_MOST = 1 / 3  # share of a log that may attack without moving what is taken for its bulk
_TOP = 0.1  # p under which honest accounts are as many as this share; what lies above it is no bulk
_SHARES = np.linspace(0.1, 0.5, 9)  # the lower half of the honest accounts: attacks lie above it
_WIDEST = 2.0  # times as spread as the reference, at most
# So much do logs of honest people differ: without their attacks, the bulk of held-out logs lies up to 0.24 higher than
# that of the reference and is up to 1.4 times as wide. Attacks that are left in it add as much again.
_USUAL_SHIFT, _USUAL_SPREAD = 0.25, 1.3
_FAR, _FARTHEST = 0.75, 1.1  # a shift of more than the first is less and less usual, and of the second not at all

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Bulk:
    """How far the lower half of a log's accounts is from that of the reference, beyond what is usual between logs.

    shift   how much higher its middle lies, in log-odds; 0 where it lies lower
    spread  how many times as wide it is; 1 where it is narrower
    """

    shift: float = 0.0
    spread: float = 1.0

    @property
    def speaks(self) -> bool:
        """Whether p is taken from the log's own bulk, since that is the more cautious of the two."""
        return self.shift > 0 or self.spread > 1


def measure_bulk(log_odds: Floats, volumes: NDArray[np.int64], reference: Reference) -> Bulk:
    """Hold the lower half of a log's honest accounts against that of the reference.

    An empirical null (Efron 2004), from quantiles that attacks do not reach: how much of the log is no bulk is told by
    how many more than a tenth lie in the reference's highest tenth (Storey 2002), at most a third, and quantiles are
    taken of the rest. Where people differ from those of the reference, all of them do, and not only those at the top.
    What counts is how much they differ beyond the usual difference between logs.
    """
    able = ~np.isnan(log_odds)
    if able.sum() < FEWEST:
        return Bulk()
    p = reference.p_values(log_odds[able], volumes[able])
    above = min(_MOST, max(0.0, (float((p <= _TOP).mean()) - _TOP) / (1 - _TOP)))
    here = np.quantile(log_odds[able], _SHARES * (1 - above))
    there = np.quantile(reference.log_odds, _SHARES)
    middle = len(_SHARES) - 1
    spread = float((here[middle] - here[0]) / max(there[middle] - there[0], 1e-9))
    shift = float(np.median(here - there))
    usual = _USUAL_SHIFT * float(np.interp(shift, [_FAR, _FARTHEST], [1.0, 0.0]))
    beyond = max(0.0, shift - usual), max(1.0, spread / _USUAL_SPREAD)
    return Bulk(round(beyond[0], 4), round(min(beyond[1], _WIDEST), 4))


def cautious_p(log_odds: Floats, volumes: NDArray[np.int64], reference: Reference, bulk: Bulk) -> Floats:
    """Return p of accounts by the reference or by the log's own bulk, whichever is higher, float64 [N]."""
    p = reference.p_values(log_odds, volumes)
    if not bulk.speaks:
        return p
    middle = float(np.median(reference.log_odds))
    moved = middle + (log_odds - bulk.shift - middle) / bulk.spread
    higher: Floats = np.fmax(p, reference.p_values(moved, volumes))
    return higher
