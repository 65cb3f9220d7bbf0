"""Kin: the accounts whose fingerprints are most like an account's. Their scores say something about its own."""

from dataclasses import dataclass

import numpy as np

from sweeplens.detect.fingerprints import Fingerprints

MOST = 8  # kin that an account has at most, so that the size of a log does not matter
LEAST_LIKE = 0.1  # likeness under which an account is no kin
_SHARE = 0.8  # of the way to its kin's mean that an account moves when it is sure of them
_DOUBT = 0.3  # sum of squared likenesses at which an account moves half of that way
_TOP = 1.2  # likenesses are noisy: those above 1.2 count as 1.2


@dataclass(frozen=True)
class Kin:
    """What the kin of N accounts add.

    log_odds  float64 [N]: after the move; NaN where neither the account nor its kin have any
    moved     float64 [N]: log-odds that the kin add, negative where they score lower; 0 without kin
    mean      float64 [N]: the kin's mean log-odds by squared likeness; NaN without kin
    count     int64 [N]: how many kin there are
    """

    log_odds: np.ndarray
    moved: np.ndarray
    mean: np.ndarray
    count: np.ndarray


def pool_kin(own: np.ndarray, prints: Fingerprints) -> Kin:
    """Move each account's own log-odds, [N], towards those of its kin.

    Accounts that draw on one source are the same kind of account, and each alone is measured with much noise: the
    average over alike accounts (a kernel smoother on the graph of likeness, Zhu et al. 2003) keeps what they share. An
    account without log-odds of its own, having too few prompts, takes its kin's.
    """
    n = len(own)
    moved, mean, count = np.zeros(n), np.full(n, np.nan), np.zeros(n, np.int64)
    like, who = _nearest(prints, ~np.isnan(own[prints.codes]) if n else np.empty(0, bool))
    if like.shape[1]:
        weight = np.where(like >= LEAST_LIKE, like, 0.0) ** 2
        total = weight.sum(1)
        some = total > 0
        codes = prints.codes[some]
        average = (weight * own[who]).sum(1)[some] / total[some]
        mean[codes], count[codes] = average, (weight > 0).sum(1)[some]
        trust = total[some] / (total[some] + _DOUBT)
        start = np.where(np.isnan(own[codes]), average, own[codes])
        moved[codes] = _SHARE * trust * (average - start)
    base = np.where(np.isnan(own), mean, own)
    return Kin(base + moved, moved, mean, count)


def _nearest(prints: Fingerprints, able: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return (likeness, account) of the 8 nearest accounts that have log-odds, [n, k]; no account is kin of its own."""
    import faiss

    where = np.flatnonzero(able)
    rows = np.ascontiguousarray(prints.scaled())
    k = min(MOST + 1, len(where))
    if k < 1:
        return np.empty((len(prints.codes), 0)), np.empty((len(prints.codes), 0), np.int64)
    index = faiss.IndexFlatIP(rows.shape[1])
    index.add(np.ascontiguousarray(rows[where]))
    like, place = index.search(rows, k)
    who = prints.codes[where[place]]
    like = np.where(who == prints.codes[:, None], -np.inf, np.minimum(like, _TOP))
    order = np.argsort(-like, axis=1, kind="stable")[:, :MOST]
    return np.take_along_axis(like, order, 1).astype(np.float64), np.take_along_axis(who, order, 1)
