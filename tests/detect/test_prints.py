"""Mean features against their plain definition; parts put together are the whole."""

import numpy as np
import pytest

from sweeplens.detect.fingerprints import take_fingerprints
from sweeplens.detect.halves import take_halves
from sweeplens.detect.population import fit_population
from sweeplens.detect.prints import FEATURES, MOST, _features, mean_features, merge_prints, take_prints
from sweeplens.signals.account import group_accounts


@pytest.fixture(scope="module")
def log():
    """Twelve accounts of 3 to 14 prompts, some of them sent twice, by one or by two accounts."""
    rng = np.random.default_rng(2)
    v = rng.normal(size=(110, 8)).astype(np.float32)
    v /= np.linalg.norm(v, axis=1, keepdims=True)
    names = [f"a{i:02d}" for i in range(12) for _ in range(3 + i)]
    prompts = np.r_[np.arange(100), rng.integers(0, 100, len(names) - 100)]
    return v, group_accounts(names, prompts, rng.permutation(len(names))), rng.permutation(110).astype(np.uint64)


def plain_features(v, prompts, centre):
    turn, shift = _features(v.shape[1])
    rows = v[prompts].astype(np.float64) - centre
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    return np.sqrt(2 / FEATURES) * np.cos(rows @ turn + shift).mean(0)


def test_a_quarter_holds_every_fourth_prompt_by_key(log):
    v, accounts, keys = log
    prints = take_prints(v, accounts, keys, None)
    assert prints.codes.tolist() == [i for i in range(12) if len(accounts.distinct(i)) >= 5]
    assert prints.parts.dtype == np.float16
    for at, code in enumerate(prints.codes.tolist()):
        own = accounts.distinct(code)
        own = own[np.argsort(keys[own])]
        for q in range(4):
            wanted = plain_features(v, own[q::4], prints.centre)
            assert prints.sizes[at, q] == len(own[q::4])
            assert prints.parts[at, q] == pytest.approx(wanted, abs=2e-5)


def test_the_centre_is_the_populations_or_a_given_one_or_the_mean_prompt(log):
    v, accounts, keys = log
    own = [d for d in map(accounts.distinct, range(12)) if len(d) >= 5]
    mean = np.mean([v[d].mean(0) for d in own], 0)
    population = fit_population(np.full(8, 0.25), np.random.default_rng(0).normal(size=(30, FEATURES)))
    given = np.full(8, 0.5)
    assert take_prints(v, accounts, keys, None).centre == pytest.approx(mean, abs=1e-6)
    assert take_prints(v, accounts, keys, None, centre=given).centre.tolist() == given.tolist()
    assert take_prints(v, accounts, keys, population, centre=given).centre.tolist() == [0.25] * 8


def test_prints_of_some_accounts_complete_those_of_the_others(log):
    v, accounts, keys = log
    whole = take_prints(v, accounts, keys, None)
    old, new = np.array([0, 2, 4, 6, 8, 10, 11]), np.array([11, 1, 3, 5, 7, 9])
    kept = take_prints(v, accounts, keys, None, centre=whole.centre, codes=old)
    stale = type(kept)(kept.codes, np.where(kept.codes[:, None, None] == 11, 0, kept.parts), kept.sizes, kept.centre)
    fresh = take_prints(v, accounts, keys, None, centre=whole.centre, codes=new)
    merged = merge_prints(stale, fresh)
    for name in ("codes", "parts", "sizes", "centre"):
        assert np.array_equal(getattr(merged, name), getattr(whole, name)), name


def test_features_of_different_centres_do_not_go_together(log):
    v, accounts, keys = log
    one, two = (take_prints(v, accounts, keys, None, centre=np.full(8, c)) for c in (0.0, 0.1))
    with pytest.raises(ValueError, match="same centre"):
        merge_prints(one, two)


def test_accounts_get_new_codes_and_some_go(log):
    v, accounts, keys = log
    prints = take_prints(v, accounts, keys, None)
    to = np.full(12, -1)
    to[[5, 7, 9]] = [4, 0, 2]
    moved = prints.renumber(to)
    assert moved.codes.tolist() == [0, 2, 4]
    rows = np.searchsorted(prints.codes, [7, 9, 5])
    assert np.array_equal(moved.parts, prints.parts[rows])
    assert np.array_equal(moved.sizes, prints.sizes[rows])


def test_a_mix_of_all_quarters_is_the_mean_of_all_prompts(log):
    v, accounts, keys = log
    prints = take_prints(v, accounts, keys, None)
    wanted = [plain_features(v, accounts.distinct(c), prints.centre) for c in prints.codes.tolist()]
    assert prints.mix((0, 1, 2, 3)) == pytest.approx(np.array(wanted), abs=2e-5)


def test_at_most_so_many_prompts_of_an_account_are_used():
    n = MOST + 300
    v = np.random.default_rng(0).normal(size=(n, 2)).astype(np.float16)
    keys = np.random.default_rng(1).permutation(n).astype(np.uint64)
    accounts = group_accounts(["a"] * n, np.arange(n), np.arange(n))
    prints = take_prints(v, accounts, keys, None)
    assert prints.sizes.tolist() == [[MOST // 4] * 4]
    assert prints.parts[0, 1] == pytest.approx(plain_features(v, np.argsort(keys)[1:MOST:4], prints.centre), abs=2e-5)


def test_vectors_are_taken_by_rows_alone(log):
    v, accounts, keys = log

    class View:
        shape = v.shape

        def __len__(self):
            return len(v)

        def __getitem__(self, rows):
            assert isinstance(rows, np.ndarray)
            return v.astype(np.float16)[rows]

    whole, part = (take_prints(x, accounts, keys, None, centre=np.zeros(8)) for x in (v.astype(np.float16), View()))
    assert np.array_equal(whole.parts, part.parts)


def test_blocks_do_not_matter(log, monkeypatch):
    v = log[0]
    lists = [np.arange(i, i + 3) for i in range(20)]
    whole = mean_features(v, lists, np.zeros(8), np.float64)
    monkeypatch.setattr("sweeplens.detect.prints._BLOCK", 7)
    assert mean_features(v, lists, np.zeros(8), np.float64) == pytest.approx(whole, abs=1e-6)


def test_no_accounts_are_fine():
    nobody = group_accounts([], np.empty(0, int), np.empty(0, int))
    prints = take_prints(np.empty((0, 3), np.float16), nobody, np.empty(0, np.uint64), None)
    assert prints.parts.shape == (0, 4, FEATURES)
    assert take_fingerprints(prints).codes.shape == (0,)
    assert take_halves(prints, None).whole.shape == (0, 0)


def test_fingerprints_do_not_depend_on_rounding(log):
    v, accounts, keys = log
    population = fit_population(np.zeros(8), np.random.default_rng(0).normal(size=(30, FEATURES)) / 40)
    prints = take_prints(v, accounts, keys, population)
    parts = prints.parts.astype(np.float64)
    nudged = type(prints)(prints.codes, parts * (1 + 1e-7), prints.sizes, prints.centre)
    one, two = (take_fingerprints(p, population).scaled() for p in (prints, nudged))
    assert one @ one.T == pytest.approx(two @ two.T, abs=1e-5)
