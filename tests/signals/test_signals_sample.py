"""The sample of large accounts: what is in it, and that it comes out the same however the rows come."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sweeplens.signals.account import MISSING, group_accounts
from sweeplens.signals.sample import MOST, _mix, account_keys, sample_accounts, sample_keys, smallest

HOUR = 3_600_000_000


def keys_of(n, seed=0):
    return np.random.default_rng(seed).integers(0, 2**64, n, dtype=np.uint64)


def test_the_mix_is_that_of_splitmix64():
    # The first outputs of the published generator from the seed 1234567.
    step = 0x9E3779B97F4A7C15
    states = np.array([(1234567 + i * step) % 2**64 for i in range(3)], np.uint64)
    assert _mix(states).tolist() == [6457827717110365317, 3203168211198807973, 9817491932198370423]


def test_account_keys_are_of_the_id_alone():
    keys = account_keys(["a", "b", "a", "\udc80"])
    assert keys.dtype == np.uint64
    assert keys[0] == keys[2]
    assert len(set(keys.tolist())) == 3
    assert account_keys([]).shape == (0,)


def test_the_requests_of_an_hour_are_next_to_one_another():
    n = 600
    times = np.repeat(np.arange(20), 30) * HOUR + np.arange(n) * 1000
    keys = sample_keys(np.full(n, 7, np.uint64), times, keys_of(n))
    kept = smallest(np.zeros(n, int), keys, 100)
    by_hour = np.bincount(times[kept] // HOUR, minlength=20)
    assert sorted(by_hour.tolist()) == [0] * 16 + [10, 30, 30, 30]


def test_without_times_prompts_are_kept_or_left_out_as_a_whole():
    prompts = np.repeat(keys_of(40), 5)
    keys = sample_keys(np.full(200, 7, np.uint64), np.full(200, MISSING), prompts)
    kept = smallest(np.zeros(200, int), keys, 50)
    assert np.unique(prompts[kept], return_counts=True)[1].tolist() == [5] * 10


def test_accounts_are_seen_in_different_hours():
    times, prompts = np.arange(500) * HOUR, keys_of(500)
    first, second = (
        smallest(np.zeros(500, int), sample_keys(np.full(500, k, np.uint64), times, prompts), 250) for k in (1, 2)
    )
    assert 0.35 < (first & second).sum() / 250 < 0.65


def test_times_before_1970_have_hours_too():
    times = np.array([-1, -HOUR, -HOUR - 1])
    keys = sample_keys(np.full(3, 7, np.uint64), times, np.full(3, 9, np.uint64))
    assert keys[0] == keys[1] != keys[2]


rows = st.lists(st.tuples(st.integers(0, 4), st.integers(0, 9)), max_size=80)


@given(rows, st.integers(1, 12))
def test_the_smallest_are_those_of_a_stable_sort(drawn, most):
    codes, keys = np.array([c for c, _ in drawn], int), np.array([k for _, k in drawn], np.uint64)
    kept = smallest(codes, keys, most)
    wanted = set()
    for code in set(codes.tolist()):
        mine = [i for i in range(len(codes)) if codes[i] == code]
        wanted |= set(sorted(mine, key=lambda i: int(keys[i]))[:most])
    assert set(np.flatnonzero(kept).tolist()) == wanted


@given(rows, st.lists(st.integers(0, 80), max_size=5), st.integers(1, 12))
def test_a_stream_gives_the_sample_of_all_at_once(drawn, cuts, most):
    codes, keys = np.array([c for c, _ in drawn], int), np.array([k for _, k in drawn], np.uint64)
    seen = np.empty(0, int)
    for start, stop in pairwise([0, *sorted(cuts), len(codes)]):
        seen = np.r_[seen, np.arange(min(start, len(codes)), min(stop, len(codes)))]
        seen = seen[smallest(codes[seen], keys[seen], most)]
    assert seen.tolist() == np.flatnonzero(smallest(codes, keys, most)).tolist()


def log_of(sizes, times=None):
    names = [n for n, size in sizes.items() for _ in range(size)]
    n = len(names)
    order = np.random.default_rng(1).permutation(n)
    times = np.arange(n) * (HOUR // 50) if times is None else times
    return group_accounts([names[i] for i in order], np.arange(n)[order], times[order])


def test_large_accounts_are_cut_and_small_ones_are_as_they_were():
    accounts = log_of({"a": 30, "b": 400, "c": 100, "d": 99})
    cut = sample_accounts(accounts, keys_of(629), most=100)
    assert cut.names == accounts.names
    assert np.diff(cut.offsets).tolist() == [30, 100, 100, 99]
    for name in ("a", "c", "d"):
        at = accounts.names.index(name)
        assert cut.one(at).requests.tolist() == accounts.one(at).requests.tolist()
    big, whole = cut.one(1), accounts.one(1)
    assert set(big.requests.tolist()) < set(whole.requests.tolist())
    assert [p for p in whole.requests.tolist() if p in set(big.requests.tolist())] == big.requests.tolist()
    assert (np.diff(cut.times[cut.offsets[1] : cut.offsets[2]]) >= 0).all()


def test_a_sample_is_the_same_whatever_else_the_log_holds():
    both, alone = log_of({"b": 400, "z": 300}), log_of({"b": 400})
    keys = keys_of(700)
    of_both, of_one = sample_accounts(both, keys, most=100), sample_accounts(alone, keys, most=100)
    assert of_both.one(0).requests.tolist() == of_one.one(0).requests.tolist()


@pytest.mark.parametrize("sizes", [{}, {"a": 3}, {"a": MOST}])
def test_a_log_of_small_accounts_is_not_copied(sizes):
    accounts = log_of(sizes) if sizes else group_accounts([], np.empty(0, int), np.empty(0, int))
    assert sample_accounts(accounts, keys_of(3000)) is accounts
