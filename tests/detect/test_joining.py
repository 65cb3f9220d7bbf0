"""Accounts join a sweep by the part of their prompts that lies on its ground."""

import numpy as np
import pytest

from sweeplens.detect.halves import Halves
from sweeplens.detect.joining import join_parts
from sweeplens.index import all_neighbours
from sweeplens.signals.account import group_accounts


def place(part, seed=0):
    """Return a log of ten members on ground 0, ten others on ground 1, and one with `part` of 40 prompts on 0."""
    rng = np.random.default_rng(seed)
    names = [f"{'m' if i < 10 else 'o'}{i:02d}" for i in range(20) for _ in range(20)] + ["z"] * 40
    ground = [0] * 200 + [1] * 200 + [0] * part + [1] * (40 - part)
    v = np.eye(2, 16)[ground] + 0.2 * rng.normal(size=(440, 16))
    v = (v / np.linalg.norm(v, axis=1, keepdims=True)).astype(np.float32)
    accounts = group_accounts(names, np.arange(440), np.arange(440))
    whole = np.array([v[a.distinct].mean(0) for a in accounts], np.float32)
    return accounts, Halves(np.arange(21), whole, whole, whole, whole), all_neighbours(v, 15, threads=1).ids


class Near:
    """The neighbours of prompts; keeps what it was asked for."""

    def __init__(self, ids):
        self.ids, self.asked = ids, []

    def __call__(self, prompts):
        self.asked.append(prompts.tolist())
        return self.ids[prompts]


def join(part, taken=()):
    accounts, halves, ids = place(part)
    out = np.isin(np.arange(21), list(taken))
    return [g.tolist() for g in join_parts([np.arange(10)], accounts, halves, Near(ids), out)]


def test_half_of_its_prompts_on_the_ground_is_enough():
    assert join(20) == [[20]]


def test_a_few_prompts_are_not():
    assert join(4) == [[]]
    assert join(0) == [[]]


def test_members_of_an_explained_group_stay_there():
    assert join(20, taken=[20]) == [[]]


def test_an_account_joins_the_group_that_fits_best():
    accounts, halves, ids = place(26)
    joined = join_parts([np.arange(10), np.arange(10, 20)], accounts, halves, Near(ids), np.zeros(21, bool))
    assert [g.tolist() for g in joined] == [[20], []]


def test_no_groups_nobody_joins():
    accounts, halves, ids = place(20)
    assert join_parts([], accounts, halves, Near(ids), np.zeros(21, bool)) == []


def test_neighbours_are_asked_for_once_and_only_for_accounts_that_matter():
    accounts, halves, ids = place(20)
    near = Near(ids)
    join_parts([np.arange(10)], accounts, halves, near, np.zeros(21, bool))
    assert near.asked == [[*range(200), *range(400, 440)]]
    nobody = Near(ids)
    assert [g.tolist() for g in join_parts([np.arange(10)], accounts, halves, nobody, np.ones(21, bool))] == [[]]
    assert nobody.asked == []


def test_missing_neighbours_and_prompts_of_nobody_do_not_count():
    accounts, halves, ids = place(20)
    wide = np.full((640, 45), -1, ids.dtype)  # prompts 440 to 639 were sent by no account of this log
    wide[:440, ::3] = ids
    wide[:440, 1::3] = 440 + ids % 200
    assert [g.tolist() for g in join_parts([np.arange(10)], accounts, halves, Near(wide), np.zeros(21, bool))] == [[20]]


def plain_join(groups, accounts, halves, ids, taken):
    """Return what joins by the plain definition: every prompt of every account is looked at."""
    own = [a.distinct.tolist() for a in accounts]
    group_of = {c: at for at, g in enumerate(groups) for c in g.tolist()}
    sent_by = {}
    for code, prompts in enumerate(own):
        for p in prompts:
            sent_by.setdefault(p, []).append(code)
    ground = {}
    for p, senders in sent_by.items():
        known = [group_of[c] for c in senders if c in group_of]
        if known and 2 * known.count(known[0]) >= len(senders):
            ground[p] = known[0]
    count = np.zeros((len(own), len(groups)))
    for code, prompts in enumerate(own):
        for p in prompts:
            others = [q for q in ids[p].tolist() if sent_by[q] != [code]][:5]
            for at in range(len(groups)):
                count[code, at] += sum(ground.get(q) == at for q in others) >= max(1, -(-len(others) // 2))
    share = count / np.array([[len(d)] for d in own])
    joined = [[] for _ in groups]
    for code in range(len(own)):
        fits = []
        for at, members in enumerate(groups):
            mean = halves.whole[members].mean(0)
            bar = 0.4 * (halves.whole[members] @ mean).mean()
            able = (
                not taken[code] and code not in group_of and count[code, at] >= 5 and halves.whole[code] @ mean >= bar
            )
            fits.append(share[code, at] / max(0.05, np.median(share[members, at])) if able else -np.inf)
        if max(fits) >= 0.4:
            joined[int(np.argmax(fits))].append(code)
    return joined


@pytest.mark.parametrize("seed", range(6))
def test_who_joins_is_as_by_the_plain_definition(seed):
    rng = np.random.default_rng(seed)
    topics = np.eye(4, 12)
    mixes = np.vstack(
        [np.tile([0.9, 0, 0.1, 0], (8, 1)), np.tile([0, 0.9, 0.1, 0], (8, 1)), rng.dirichlet(np.ones(4), 24)]
    )
    kind = np.array([rng.choice(4, 30, p=m) for m in mixes])
    v = topics[kind.ravel()] + 0.25 * rng.normal(size=(1200, 12))
    v = (v / np.linalg.norm(v, axis=1, keepdims=True)).astype(np.float32)
    prompts = np.arange(1200)
    copied = rng.choice(1200, 150, replace=False)
    prompts[copied] = rng.integers(0, 1200, 150)  # some prompts are sent by several accounts
    accounts = group_accounts(np.repeat([f"a{i:02d}" for i in range(40)], 30).tolist(), prompts, np.arange(1200))
    used = np.unique(prompts)
    ids = np.zeros((1200, 15), np.int64)
    ids[used] = used[all_neighbours(v[used], 15, threads=1).ids]
    whole = np.array([v[a.distinct].mean(0) for a in accounts], np.float32)
    halves = Halves(np.arange(40), whole, whole, whole, whole)
    groups, taken = [np.arange(8), np.arange(8, 16)], rng.random(40) < 0.2
    joined = [g.tolist() for g in join_parts(groups, accounts, halves, Near(ids), taken)]
    assert joined == plain_join(groups, accounts, halves, ids, taken)
    assert sum(map(len, joined)) > 0
