"""Accounts that mix much of something else into their share of a sweep: found by their best part, not by their mean."""

from collections.abc import Sequence

import numpy as np

from sweeplens.detect.halves import Halves
from sweeplens.index.neighbours import Neighbours
from sweeplens.signals.account import Accounts

_NEAR = 5  # nearest prompts of others that say whose ground a prompt is on
# Both in units of what members have. In held-out logs whose campaigns mixed in 20 to 80 % of chat, lower bars (0.25 and
# 0.2) brought back twice as many members that groups had lost, but with as many wrong accounts.
_PART = 0.4  # of a typical member's share of prompts on the group's ground
_LIKE = 0.4  # of the members' mean likeness to the group
_FEWEST = 5  # prompts on the group's ground


def join_parts(
    groups: Sequence[np.ndarray], accounts: Accounts, halves: Halves, near: Neighbours, taken: np.ndarray
) -> list[np.ndarray]:
    """Return for each group the accounts that belong to it by a part of their prompts; `taken` (bool [N]) never do.

    A prompt is on a group's ground if, of the five nearest prompts of other accounts, three are the group's.
    """
    if not groups:
        return []
    count = _on_ground(groups, accounts, near)
    volume = np.maximum(1, np.array([len(a.distinct) for a in accounts]))
    share = count / volume[:, None]
    fit = np.full(share.shape, -np.inf)
    for at, members in enumerate(groups):
        rows = halves.places(members)
        if not len(rows):
            continue
        mean = halves.whole[rows].mean(0)
        like = halves.whole @ mean
        able = like >= _LIKE * float(like[rows].mean())
        typical = max(0.05, float(np.median(share[members, at])))
        codes = halves.codes[able]
        fit[codes, at] = share[codes, at] / typical
    fit[taken] = -np.inf
    for members in groups:
        fit[members] = -np.inf
    fit[count < _FEWEST] = -np.inf
    best = fit.argmax(1)
    enough = fit[np.arange(len(fit)), best] >= _PART
    return [np.flatnonzero(enough & (best == at)) for at in range(len(groups))]


def _on_ground(groups: Sequence[np.ndarray], accounts: Accounts, near: Neighbours) -> np.ndarray:
    """Count the prompts of each account that are on each group's ground, int64 [N, groups]."""
    own = [a.distinct for a in accounts]
    n_prompts = len(near.ids)
    group_of = np.full(len(own), -1)
    for at, members in enumerate(groups):
        group_of[members] = at
    owner, ground = _owners(own, group_of, n_prompts)
    count = np.zeros((len(own), len(groups)), np.int64)
    for code, prompts in enumerate(own):
        ids = near.ids[prompts]
        foreign = owner[ids] != code
        foreign &= np.cumsum(foreign, 1) <= _NEAR
        of = ground[ids]
        need = np.maximum(1, -(-foreign.sum(1) // 2))
        for at in np.unique(of[foreign & (of >= 0)]).tolist():
            count[code, at] = int(((foreign & (of == at)).sum(1) >= need).sum())
    return count


def _owners(own: Sequence[np.ndarray], group_of: np.ndarray, n_prompts: int) -> tuple[np.ndarray, np.ndarray]:
    """Return (the one account that sent each prompt, -1 for several; the group that most of its senders are in)."""
    owner = np.full(n_prompts, -2, np.int64)
    senders, votes = np.zeros(n_prompts, np.int64), np.zeros(n_prompts, np.int64)
    ground = np.full(n_prompts, -1, np.int64)
    for code, prompts in enumerate(own):
        owner[prompts] = np.where(owner[prompts] == -2, code, -1)
        senders[prompts] += 1
        if group_of[code] >= 0:
            new = ground[prompts] < 0
            ground[prompts[new]] = group_of[code]
            votes[prompts] += ground[prompts] == group_of[code]
    ground[2 * votes < senders] = -1
    return owner, ground
