"""Accounts join a sweep by the part of their prompts that lies on its ground."""

import numpy as np

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
    return accounts, Halves(np.arange(21), whole, whole, whole, whole), all_neighbours(v, 15, threads=1)


def join(part, taken=()):
    accounts, halves, near = place(part)
    out = np.isin(np.arange(21), list(taken))
    return [g.tolist() for g in join_parts([np.arange(10)], accounts, halves, near, out)]


def test_half_of_its_prompts_on_the_ground_is_enough():
    assert join(20) == [[20]]


def test_a_few_prompts_are_not():
    assert join(4) == [[]]
    assert join(0) == [[]]


def test_members_of_an_explained_group_stay_there():
    assert join(20, taken=[20]) == [[]]


def test_an_account_joins_the_group_that_fits_best():
    accounts, halves, near = place(26)
    joined = join_parts([np.arange(10), np.arange(10, 20)], accounts, halves, near, np.zeros(21, bool))
    assert [g.tolist() for g in joined] == [[20], []]


def test_no_groups_nobody_joins():
    accounts, halves, near = place(20)
    assert join_parts([], accounts, halves, near, np.zeros(21, bool)) == []
