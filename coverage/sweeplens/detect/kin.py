"""Kin: the accounts whose fingerprints are most like an account's. Their scores say something about its own."""

from dataclasses import dataclass

import numpy as np

from sweeplens.detect.fingerprints import Fingerprints, find_nearest

MOST = 8  # kin that an account has at most, so that the size of a log does not matter
LEAST_LIKE = 0.1  # likeness under which an account is no kin
_SHARE = 0.8  # of the way to its kin's mean that an account moves when it is sure of them
_DOUBT = 0.3  # sum of squared likenesses at which an account moves half of that way


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
    able = ~np.isnan(own[prints.codes]) if n else np.empty(0, bool)
    like, who = find_nearest(prints, MOST, among=able)
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
