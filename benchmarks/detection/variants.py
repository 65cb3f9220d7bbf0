"""Variants of composed logs to train on: attackers without companions, and accounts split into small ones."""

from dataclasses import dataclass, replace

import numpy as np
from composed import Composed

from sweeplens.signals.account import Accounts
from sweeplens.signals.measure import measure_accounts

LONE = 2  # variants of each log in which every prompt set has one account left
_PARTS = 2  # random thirds that are left out of each log in turn when groups are looked for
_SPLIT = 9  # requests of an account that hides by being many
_SMALL = (5, 16)  # requests of a small honest account
_MANY = 60  # requests of an attack that are split, at most: more give more of the same


@dataclass(frozen=True)
class Part:
    """Some accounts of a log, as if the others were not in it: `rows` are their places in the whole log."""

    log: Composed
    rows: np.ndarray


def take(log: Composed, keep: np.ndarray) -> Part:
    """Return the accounts that `keep`, bool [N], marks."""
    rows = np.flatnonzero(keep)
    labels = tuple(log.labels[i] for i in rows.tolist())
    return Part(replace(log, accounts=log.accounts.only(keep), values=log.values[keep], labels=labels), rows)


def lone_parts(log: Composed) -> list[Part]:
    """Return variants in which each prompt set is swept by one account, drawn anew each time: nobody is like it."""
    rng, parts = np.random.default_rng(7), []
    for _ in range(LONE):
        used: set[str] = set()
        keep = ~log.attack
        for at in rng.permutation(len(log.labels)).tolist():
            sets = set(log.labels[at].corpora)
            if log.attack[at] and not sets & used:
                used |= sets
                keep[at] = True
        parts.append(take(log, keep))
    return parts


def group_parts(log: Composed) -> list[Part]:
    """Return what groups are looked for in: the log, its honest accounts, random parts of it, and split accounts."""
    rng = np.random.default_rng(0)
    keeps = [np.ones(len(log.labels), bool)]
    if log.attack.any():
        keeps.append(~log.attack)
    keeps += [rng.random(len(log.labels)) < 2 / 3 for _ in range(_PARTS)]
    return [*(take(log, keep) for keep in keeps), split_part(log)]


def split_part(log: Composed) -> Part:
    """Return the log with each attacker split into accounts of nine requests, and half of the others cut to as few."""
    rng = np.random.default_rng(1)
    rows, slices = [], []
    for at in range(len(log.labels)):
        start, stop = log.accounts.offsets[at : at + 2].tolist()
        if log.attack[at]:
            cuts = [slice(i, min(i + _SPLIT, stop)) for i in range(start, min(stop, start + _MANY), _SPLIT)]
        else:
            size = int(rng.integers(*_SMALL)) if rng.random() < 0.5 else stop - start
            cuts = [slice(start, min(stop, start + size))]
        rows += [at] * len(cuts)
        slices += cuts
    take_rows = np.concatenate([np.arange(c.start, c.stop) for c in slices])
    offsets = np.cumsum([0, *(c.stop - c.start for c in slices)]).astype(np.int64)
    whole = log.accounts
    names = [f"{whole.names[at]}-{i:05d}" for i, at in enumerate(rows)]
    accounts = Accounts(names, offsets, whole.prompts[take_rows], whole.times[take_rows], whole.rows[take_rows])
    labels = tuple(log.labels[at] for at in rows)
    part = replace(log, accounts=accounts, values=measure_accounts(accounts, log.ground), labels=labels)
    return Part(part, np.array(rows))
