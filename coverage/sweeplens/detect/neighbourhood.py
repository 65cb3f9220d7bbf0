"""The signals of family "kin": an account beside the accounts whose fingerprints are nearest to its own."""

import numpy as np

from sweeplens.detect.fingerprints import Fingerprints, find_nearest
from sweeplens.signals.account import Accounts
from sweeplens.signals.catalog import KEYS, SIGNALS
from sweeplens.signals.measure import LEAST

KIN_KEYS = tuple(s.key for s in SIGNALS if s.family == "kin")
_PLACES = [KEYS.index(key) for key in KIN_KEYS]
_RANKS = (1, 5, 20)  # how near the accounts are whose likeness is told
_KIN = 8  # nearest accounts that are taken together with an account


def fill_neighbourhood(values: np.ndarray, accounts: Accounts, prints: Fingerprints) -> np.ndarray:
    """Return a copy of the signals [N, S] with those of family "kin" measured.

    They stay missing for accounts of under 10 distinct prompts, and where nobody else has a fingerprint.
    """
    filled = values.copy()
    filled[:, _PLACES] = np.nan
    able = accounts.volumes[prints.codes] >= LEAST
    if len(prints.codes) > 1 and able.any():
        filled[np.ix_(prints.codes[able], _PLACES)] = _measure(accounts, prints, able)
    return filled


def _measure(accounts: Accounts, prints: Fingerprints, able: np.ndarray) -> np.ndarray:
    likeness, who = find_nearest(prints, max(_RANKS), of=able)
    out = np.empty((len(who), len(KIN_KEYS)))
    for row, code in enumerate(prints.codes[able].tolist()):
        kin = [accounts.distinct(k) for k in who[row][:_KIN].tolist()]
        ranked = [likeness[row, min(rank, likeness.shape[1]) - 1] for rank in _RANKS]
        out[row] = (*ranked, *_beside(accounts.distinct(code), kin))
    return out


def _beside(own: np.ndarray, kin: list[np.ndarray]) -> tuple[float, float, float]:
    """Return what is told of an account's distinct prompts beside those of its kin, in the order of the catalogue.

    The share of its prompts that its kin sent, too; how far its size is from the middle one, as a logarithm; the spread
    of sizes over their mean.
    """
    sizes = np.array([*map(len, kin), len(own)], float)
    return (
        float(np.isin(own, np.concatenate(kin)).mean()),
        abs(float(np.log(len(own) / np.median(sizes)))),
        float(sizes.std() / sizes.mean()),
    )
