"""Accounts too small for a fingerprint, pooled by what they share."""

import numpy as np
import pytest

from sweeplens.detect.links import Link
from sweeplens.detect.pools import find_beside, find_pools, shared_values
from sweeplens.signals.account import group_accounts


def small_log(n_small, n_other=100, each=4):
    """Return accounts s000.. of four prompts each and others of one; all prompts differ."""
    names = [f"s{i:03d}" for i in range(n_small) for _ in range(each)] + [f"x{i:03d}" for i in range(n_other)]
    return group_accounts(names, np.arange(len(names)), np.arange(len(names)))


def always(prompt):
    return True


def links_of(names, kind, value, n_accounts):
    return [Link(n, kind, value, len(names), float(np.log(n_accounts / len(names)))) for n in names]


@pytest.mark.parametrize("kind", ["org", "ip", "system_prompt"])
def test_small_accounts_of_one_rare_value_are_a_pool(kind):
    accounts = small_log(10)
    values = shared_values(accounts, links_of(accounts.names[:10], kind, "v", 110), always)
    pools = find_pools(accounts, values, np.ones(110, bool), 5)
    assert [p.tolist() for p in pools] == [list(range(10))]


def test_values_that_many_share_make_no_pool():
    accounts = small_log(10, n_other=20)
    assert shared_values(accounts, links_of(accounts.names[:10], "org", "o", 30), always) == []
    accounts = small_log(10)
    assert shared_values(accounts, links_of(accounts.names[:10], "user_agent", "cli", 110), always) == []


def test_pools_of_fewer_than_thirty_prompts_or_too_few_accounts_are_left_out():
    for n in (4, 7):
        accounts = small_log(n)
        values = shared_values(accounts, links_of(accounts.names[:n], "org", "o", n + 100), always)
        assert find_pools(accounts, values, np.ones(n + 100, bool), 5) == []


def test_the_same_long_prompt_pools_accounts_and_a_greeting_does_not():
    names = [f"s{i}" for i in range(10) for _ in range(4)] + [f"x{i:03d}" for i in range(400)]
    prompts = np.arange(440)
    for i in range(1, 10):  # each sends one prompt of the one before
        prompts[4 * i] = 4 * i - 3
    accounts = group_accounts(names, prompts, np.arange(440))
    long = shared_values(accounts, [], always)
    assert [p.tolist() for p in find_pools(accounts, long, np.ones(410, bool), 5)] == [list(range(10))]
    assert shared_values(accounts, [], lambda _: False) == []


def test_small_accounts_stand_beside_the_group_whose_value_they_share():
    free = np.array([False] * 6 + [True] * 3)
    group = [np.array([0, 1, 2]), np.array([3, 4, 5])]
    values = [np.array([0, 1, 6]), np.array([2, 7]), np.array([0, 3, 8]), np.array([3, 4, 8])]
    assert [g.tolist() for g in find_beside(group, values, free)] == [[6], [8]]


def test_nothing_shared_nothing_pooled():
    accounts = small_log(6)
    assert find_pools(accounts, [], np.ones(len(accounts), bool), 5) == []
    assert find_pools(accounts, [np.array([0, 1])], np.zeros(len(accounts), bool), 5) == []
