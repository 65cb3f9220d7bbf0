"""How a pool is dealt over members: at random, by topic, or as copies."""

import numpy as np
import pytest

from sweeplens.detect.partition import COPIES, RANDOM, TOPICS, expected_shared, split_ground


def deal(order, members):
    return [np.sort(p) for p in np.array_split(order, members)]


@pytest.fixture
def cell():
    return np.repeat(np.arange(20), 15)


def test_a_pool_dealt_at_random_leaves_nobody_ground_of_its_own(cell):
    split = split_ground(deal(np.random.default_rng(2).permutation(300), 10), cell)
    assert split.kind == RANDOM
    assert split.ratio == pytest.approx(1, abs=0.3)
    assert split.p_value > 0.05
    assert split.shared == 0


def test_a_pool_dealt_by_topic_gives_each_member_its_own(cell):
    split = split_ground(deal(np.arange(300), 10), cell)
    assert split.kind == TOPICS
    assert split.ratio > 5
    assert split.p_value == pytest.approx(1 / 200)


def test_the_ratio_is_that_of_pairs_counted_one_by_one(cell):
    own = deal(np.random.default_rng(0).permutation(60), 3)
    inside = [cell[a] == cell[b] for d in own for i, a in enumerate(d) for b in d[:i]]
    everyone = np.concatenate(own)
    overall = [cell[a] == cell[b] for i, a in enumerate(everyone) for b in everyone[:i]]
    assert split_ground(own, cell).ratio == pytest.approx(np.mean(inside) / np.mean(overall))


def test_members_that_send_one_set_are_copies(cell):
    own = [np.arange(0, 40), np.arange(10, 50), np.arange(5, 45)]
    split = split_ground(own, cell)
    assert split.kind == COPIES
    assert split.shared == pytest.approx(0.8)


def test_expected_sharing_is_that_of_random_draws():
    rng = np.random.default_rng(1)
    seen = []
    for _ in range(300):
        count = np.bincount(np.concatenate([rng.choice(50, n, replace=False) for n in (10, 20, 5)]), minlength=50)
        seen.append((count > 1).sum() / (count > 0).sum())
    assert expected_shared(np.array([10, 20, 5]), 50) == pytest.approx(np.mean(seen), abs=0.01)


def test_one_prompt_each_says_nothing(cell):
    split = split_ground([np.array([0]), np.array([20])], cell)
    assert (split.kind, split.ratio, split.p_value) == (RANDOM, 1.0, 1.0)
