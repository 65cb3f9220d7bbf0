"""All signals together: the catalogue, peers, percentiles, processes."""

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from sweeplens.signals.account import group_accounts
from sweeplens.signals.catalog import BY_KEY, KEYS, SIGNALS
from sweeplens.signals.ground import measure_ground
from sweeplens.signals.measure import compare_with_peers, find_peers, measure_accounts, percentile_among

OF_OTHERS = np.array([s.family == "kin" for s in SIGNALS])  # measured of a whole log, beside other accounts


def make_scene(n_accounts=9, each=14):
    rng = np.random.default_rng(5)
    n = n_accounts * each
    v = rng.normal(size=(n, 6)).astype(np.float32)
    v /= np.linalg.norm(v, axis=1, keepdims=True)
    names = [f"a{i // each}" for i in range(n)] + ["small"] * 3
    accounts = group_accounts(names, np.r_[np.arange(n), [0, 1, 2]], np.arange(n + 3))
    labels = rng.integers(0, 5, n).astype(np.int32)
    ground = measure_ground(
        v, [f"say {i} things" for i in range(n)], ["en"] * n, cell=labels, cluster=labels, capability=labels,
    )  # fmt: skip
    return accounts, ground


def test_every_signal_of_an_account_alone_is_measured_and_small_accounts_have_none():
    accounts, ground = make_scene()
    values = measure_accounts(accounts, ground)
    assert values.shape == (10, len(KEYS))
    assert np.isfinite(values[:9, ~OF_OTHERS]).all()
    assert np.isnan(values[:, OF_OTHERS]).all()
    assert np.isnan(values[9]).all()


def test_processes_measure_the_same():
    accounts, ground = make_scene(n_accounts=150, each=11)
    alone, together = (measure_accounts(accounts, ground, workers=w) for w in (1, 2))
    assert np.array_equal(alone, together, equal_nan=True)


def test_every_signal_says_what_it_means():
    for signal in SIGNALS:
        assert signal.label
        assert signal.fools
        for value, peers in ((0.9, 0.1), (0.1, 0.9)):
            text = signal.sentence(value, peers)
            assert "{" not in text
            assert signal.show(value) in text
    assert len(set(KEYS)) == len(KEYS) == len(BY_KEY)


@example([1] * 30 + [2, 2])
@given(st.lists(st.integers(1, 3000), min_size=2, max_size=120))
def test_peers_are_others_of_like_volume(volume):
    volume = np.array(volume)
    for code, (peers, n_language) in enumerate(find_peers(volume)):
        assert n_language == 0
        assert code not in peers
        assert len(set(peers.tolist())) == len(peers)
        like = [i for i in range(len(volume)) if i != code and 2 / 3 <= volume[i] / volume[code] <= 1.5]
        if len(like) >= 30:
            assert set(peers.tolist()) == set(like)
        else:
            assert len(peers) == min(30, len(volume) - 1)
            farthest = max(abs(np.log(volume[i] / volume[code])) for i in peers)
            rest = [abs(np.log(volume[i] / volume[code])) for i in range(len(volume)) if i != code and i not in peers]
            assert all(r >= farthest - 1e-9 for r in rest)


@given(st.lists(st.tuples(st.integers(10, 60), st.integers(-1, 1)), min_size=60, max_size=250))
def test_peers_have_the_same_main_language_where_there_are_enough(accounts):
    volume, language = np.array(accounts).T
    anyone = find_peers(volume)
    for code, (peers, n_language) in enumerate(find_peers(volume, language=language)):
        alike = [
            i for i in range(len(volume))
            if i != code and 2 / 3 <= volume[i] / volume[code] <= 1.5 and language[i] == language[code] >= 0
        ]  # fmt: skip
        assert n_language == len(alike)
        assert set(peers.tolist()) == set(alike if len(alike) >= 30 else anyone[code].rows.tolist())


def test_of_very_many_peers_of_a_language_a_thousand_are_taken():
    volume = np.r_[np.full(1200, 100), np.full(400, 80), np.full(700, 101), np.full(400, 150)]
    language = np.r_[np.zeros(1200, int), np.ones(1500, int)]
    (first,) = find_peers(volume, [1600], language=language)
    assert (len(first.rows), first.n_language) == (1000, 1499)
    assert (language[first.rows] == 1).all()
    assert 150 not in volume[first.rows]


def test_an_account_is_compared_within_its_language():
    volume, language = np.full(80, 20), np.repeat([0, 1, 2], [40, 31, 9])
    values = np.r_[np.linspace(0.5, 0.9, 40), np.linspace(0.1, 0.3, 31), np.linspace(0.1, 0.3, 9)][:, None]
    whole, apart = compare_with_peers(values, volume), compare_with_peers(values, volume, language)
    # The widest of a language that has little ground is narrow in the whole log, and the widest of its own.
    assert whole.percentile[70, 0] < 50
    assert apart.percentile[70, 0] == 100
    assert apart.median[70, 0] == pytest.approx(np.median(values[40:70]))
    # Nine accounts are too few: they are compared with everybody.
    assert np.array_equal(apart.percentile[71:], whole.percentile[71:])


def test_percentiles_count_half_of_the_equal_ones():
    peers = np.array([[1.0, np.nan], [2.0, np.nan], [2.0, np.nan], [3.0, np.nan]])
    percentile, median = percentile_among(np.array([2.0, 1.0]), peers)
    assert percentile[0] == pytest.approx(50)
    assert np.isnan(percentile[1])
    assert median[0] == 2


def test_small_accounts_are_nobodys_peers():
    values = np.arange(40.0)[:, None]
    volume = np.r_[np.full(39, 20), 5]
    peers = compare_with_peers(values, volume)
    assert np.isnan(peers.percentile[39, 0])
    assert peers.percentile[38, 0] == 100
    assert peers.percentile[0, 0] == 0


@pytest.mark.parametrize(("n", "shown"), [(1, "once"), (2, "twice"), (7, "7 times")])
def test_counts_are_words_where_they_can_be(n, shown):
    assert shown in BY_KEY["most_repeated"].sentence(np.log1p(n), 0.0)
