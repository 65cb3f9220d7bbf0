"""Accounts that mix much of something else into their share of a sweep: found by their best part, not by their mean."""

from collections.abc import Callable, Sequence

import numpy as np

from sweeplens.detect.halves import Halves
from sweeplens.signals.account import Accounts

Near = Callable[[np.ndarray], np.ndarray]
"""From prompts, int [m], to the ids of their nearest others, int [m, k]: nearest first, -1 where there are no more."""

_NEAR = 5  # nearest prompts of others that say whose ground a prompt is on
# Both in units of what members have. In held-out logs whose campaigns mixed in 20 to 80 % of chat, lower bars (0.25 and
# 0.2) brought back twice as many members that groups had lost, but with as many wrong accounts.
_PART = 0.4  # of a typical member's share of prompts on the group's ground
_LIKE = 0.4  # of the members' mean likeness to the group
_FEWEST = 5  # prompts on the group's ground
_NOBODY = -2  # the owner of a prompt that no account of this log is seen to have sent: it says nothing


def join_parts(
    groups: Sequence[np.ndarray], accounts: Accounts, halves: Halves, near: Near, taken: np.ndarray
) -> list[np.ndarray]:
    """Return for each group the accounts that belong to it by a part of their prompts; `taken` (bool [N]) never do.

    A prompt is on a group's ground if, of the five nearest prompts of other accounts, three are the group's. `near` is
    asked once, for the prompts of members and of accounts that are like enough to join.
    """
    if not groups:
        return []
    taken = taken.copy()
    for members in groups:
        taken[members] = True
    able = [_able(members, halves, taken) for members in groups]
    asked = [members for members, own in zip(groups, able, strict=True) if len(own)]
    if not asked:
        return [np.empty(0, np.int64) for _ in groups]
    codes = np.unique(np.concatenate([*asked, *able]))
    count = _on_ground(groups, accounts, codes, near)
    share = count / np.maximum(1, accounts.volumes)[:, None]
    fit = np.full(share.shape, -np.inf)
    for at, (members, own) in enumerate(zip(groups, able, strict=True)):
        typical = max(0.05, float(np.median(share[members, at])))
        fit[own, at] = share[own, at] / typical
    fit[count < _FEWEST] = -np.inf
    best = fit.argmax(1)
    enough = fit[np.arange(len(fit)), best] >= _PART
    return [np.flatnonzero(enough & (best == at)) for at in range(len(groups))]


def _able(members: np.ndarray, halves: Halves, taken: np.ndarray) -> np.ndarray:
    """Return the accounts that are not taken and like enough to a group's members to join them."""
    rows = halves.places(members)
    if not len(rows):
        return np.empty(0, np.int64)
    like = halves.whole @ halves.whole[rows].mean(0)
    alike = halves.codes[like >= _LIKE * float(like[rows].mean())]
    able: np.ndarray = alike[~taken[alike]]
    return able


def _on_ground(groups: Sequence[np.ndarray], accounts: Accounts, codes: np.ndarray, near: Near) -> np.ndarray:
    """Count the prompts of the accounts `codes` that are on each group's ground, int64 [N, groups]; 0 for others."""
    own = [accounts.distinct(code) for code in codes.tolist()]
    asked = np.unique(np.concatenate(own))
    found = near(asked)
    group_of = np.full(len(accounts), -1)
    for at, members in enumerate(groups):
        group_of[members] = at
    owner, ground = _owners(accounts, group_of, 1 + int(max(accounts.prompts.max(), found.max(initial=0))))
    count = np.zeros((len(accounts), len(groups)), np.int64)
    for code, prompts in zip(codes.tolist(), own, strict=True):
        ids = found[np.searchsorted(asked, prompts)]
        foreign = (ids >= 0) & (owner[ids] != code) & (owner[ids] != _NOBODY)
        foreign &= np.cumsum(foreign, 1) <= _NEAR
        of = ground[ids]
        need = np.maximum(1, -(-foreign.sum(1) // 2))
        for at in np.unique(of[foreign & (of >= 0)]).tolist():
            count[code, at] = int(((foreign & (of == at)).sum(1) >= need).sum())
    return count


def _owners(accounts: Accounts, group_of: np.ndarray, n_prompts: int) -> tuple[np.ndarray, np.ndarray]:
    """Return (the one account that sent each prompt, -1 for several; the group that most of its senders are in)."""
    owner = np.full(n_prompts, _NOBODY, np.int64)
    senders, votes = np.zeros(n_prompts, np.int64), np.zeros(n_prompts, np.int64)
    ground = np.full(n_prompts, -1, np.int64)
    for code in range(len(accounts)):
        prompts = accounts.distinct(code)
        owner[prompts] = np.where(owner[prompts] == _NOBODY, code, -1)
        senders[prompts] += 1
        if group_of[code] >= 0:
            new = ground[prompts] < 0
            ground[prompts[new]] = group_of[code]
            votes[prompts] += ground[prompts] == group_of[code]
    ground[2 * votes < senders] = -1
    return owner, ground
