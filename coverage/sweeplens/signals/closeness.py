"""Whose prompts stand nearest to an account's: its own, few others', or everybody's."""

import numpy as np

from sweeplens.signals.account import Account
from sweeplens.signals.ground import SHARED, Ground

_FIRST = 10


def measure_closeness(account: Account, ground: Ground) -> dict[str, float]:
    """Return how the nearest prompts of an account's distinct prompts are distributed over accounts.

    own_near        share of the ten nearest that are the account's own
    shared          share of its prompts that other accounts sent too, word for word
    other_near, other_spread   cosine of the nearest prompt of another account: mean, standard deviation
    other_top, other_entropy   share of the commonest other account among all near ones; their entropy in nats
    white_*         the same in the space where the population is round; white_top5 and white_effective count accounts
    unusual, unusual_spread    Mahalanobis distance of the prompts from the population: mean, standard deviation
    """
    own = account.distinct
    members = np.asarray(account.members, np.int32)
    near, white = ground.near, ground.white_near
    shared = (ground.owner[own] == SHARED).mean() if len(members) == 1 else np.nan
    other, spread, top, eff, ent, same = _others(near.ids[own], near.similarity[own], members, ground.owner)
    w_other, _, w_top, w_eff, _, w_same = _others(white.ids[own], white.similarity[own], members, ground.owner)
    distance = ground.distance[own]
    return {
        "own_near": same,
        "shared": float(shared),
        "other_near": float(np.mean(other)) if other.size else np.nan,
        "other_spread": spread,
        "other_top": float(top[0]) if top.size else np.nan,
        "other_entropy": ent,
        "white_own": w_same,
        "white_other": float(np.mean(w_other)) if w_other.size else np.nan,
        "white_other_low": float(np.quantile(w_other, 0.25)) if w_other.size else np.nan,
        "white_other_high": float(np.quantile(w_other, 0.75)) if w_other.size else np.nan,
        "white_top": float(w_top[0]) if w_top.size else np.nan,
        "white_top5": float(w_top[:5].sum()) if w_top.size else np.nan,
        "white_effective": float(np.log(w_eff)) if w_top.size else np.nan,
        "unusual": float(distance.mean()),
        "unusual_spread": float(distance.std()),
    } | {"effective_others": float(np.log(eff)) if top.size else np.nan}


def _others(
    ids: np.ndarray, similarity: np.ndarray, members: np.ndarray, owner: np.ndarray
) -> tuple[np.ndarray, float, np.ndarray, float, float, float]:
    """Return (nearest other's cosines, their spread, shares of others, effective number, entropy, own share).

    Shares of other accounts come largest first; the own share is that of the first ten that the account sent itself.
    """
    if ids.shape[1] == 0:
        empty = np.empty(0)
        return empty, np.nan, empty, np.nan, np.nan, np.nan
    owners = owner[ids]
    mine = np.isin(owners, members)
    best = np.where(mine, -1.0, similarity).max(1)
    others = owners[~mine]
    count = np.sort(np.unique(others, return_counts=True)[1])[::-1]
    same = float(mine[:, :_FIRST].mean())
    if not count.size:
        return best, float(best.std()), np.empty(0), np.nan, np.nan, same
    q = count / count.sum()
    return best, float(best.std()), q, float(1.0 / (q * q).sum()), float(-(q * np.log(q)).sum()), same
