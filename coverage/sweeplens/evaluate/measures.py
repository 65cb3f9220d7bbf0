"""How well scores rank attacks above honest accounts, for a sample and for weighted copies of it at once.

Scores are float64 [P] of attacks and [N] of benign accounts, higher for more suspicious. Weights are [draws, P] and
[draws, N]: how often each account counts in each draw. A result is float64 [draws], NaN where there is nothing to
compare.
"""

import numpy as np
from numpy.typing import NDArray

SAME_VOLUME = 1.5  # request counts that differ by at most this ratio are of the same volume
_PAIRS = 4_000_000  # pairs of accounts that are compared at once

Floats = NDArray[np.float64]
Codes = NDArray[np.int64]


def auroc(attack: Floats, benign: Floats, attack_weight: Floats, benign_weight: Floats) -> Floats:
    """Return the share of pairs (attack, benign) in which the attack scores higher, ties half (Hanley, McNeil 1982)."""
    order = np.argsort(benign, kind="stable")
    ranked = benign[order]
    below = np.zeros((len(benign_weight), len(benign) + 1))
    np.cumsum(benign_weight[:, order], axis=1, out=below[:, 1:])
    lower, upper = np.searchsorted(ranked, attack, "left"), np.searchsorted(ranked, attack, "right")
    won = (attack_weight * (below[:, lower] + below[:, upper]) / 2).sum(1)
    return ratio(won, attack_weight.sum(1) * benign_weight.sum(1))


def tpr_at(attack: Floats, benign: Floats, attack_weight: Floats, benign_weight: Floats, fpr: float) -> Floats:
    """Return the share of attacks above the cut-off that lets this share of benign accounts pass, rounded down."""
    if not len(benign):
        return np.full(len(attack_weight), np.nan)
    order = np.argsort(-benign, kind="stable")
    ranked, seen = benign[order], np.cumsum(benign_weight[:, order], axis=1)
    total = seen[:, -1]
    allowed = np.floor(fpr * total)
    cut = ranked[(seen > allowed[:, None]).argmax(1)]
    caught = (attack_weight * (attack[None, :] > cut[:, None])).sum(1)
    return np.where(total > 0, ratio(caught, attack_weight.sum(1)), np.nan)


def same_volume_pairs(
    attack: Floats, benign: Floats, volume: tuple[Codes, Codes], unit: tuple[Codes, Codes], n_units: int
) -> tuple[Floats, Floats]:
    """Count the pairs of like volume by the units that their accounts belong to.

    `volume` and `unit` are of attacks and of benign accounts. Returns how many pairs the attack wins, ties half, and
    how many there are, both [units of attacks, units of benign accounts].
    """
    won, pairs = np.zeros((n_units, n_units)), np.zeros((n_units, n_units))
    order = np.argsort(unit[1], kind="stable")
    present, starts = np.unique(unit[1][order], return_index=True)
    s, n = benign[order], volume[1][order]
    step = max(1, _PAIRS // max(1, len(benign)))
    for at in range(0, len(attack) if len(benign) else 0, step):
        rows = slice(at, at + step)
        t, m = attack[rows, None], volume[0][rows, None]
        near = np.maximum(m, n) <= SAME_VOLUME * np.minimum(m, n)
        wins = near * ((t > s) + 0.5 * (t == s))
        where = np.ix_(unit[0][rows], present)
        np.add.at(won, where, np.add.reduceat(wins, starts, axis=1))
        np.add.at(pairs, where, np.add.reduceat(near.astype(float), starts, axis=1))
    return won, pairs


def same_volume_auroc(won: Floats, pairs: Floats, draws: Floats) -> Floats:
    """Return AUROC over the pairs of like volume; `draws` is [draws, units]: how often each unit counts."""
    return ratio(((draws @ won) * draws).sum(1), ((draws @ pairs) * draws).sum(1))


def ratio(part: Floats, whole: Floats) -> Floats:
    """Divide, NaN where the whole is 0."""
    out: Floats = np.divide(part, whole, out=np.full(np.shape(part), np.nan), where=whole > 0)
    return out
