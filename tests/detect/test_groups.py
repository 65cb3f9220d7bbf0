"""Fingerprints of halves and groups on synthetic accounts whose groups are known; links on literal rows."""

import numpy as np
import pyarrow as pa
import pytest
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.spatial.distance import squareform

from sweeplens.detect import groups
from sweeplens.detect.groups import find_groups, likeness, link, mean_likeness, rejoin, settle
from sweeplens.detect.halves import take_halves
from sweeplens.detect.links import Link, find_links, ip_prefix
from sweeplens.detect.population import fit_population
from sweeplens.detect.prints import take_prints
from sweeplens.signals.account import group_accounts
from sweeplens.signals.sample import hash_keys


@pytest.fixture(scope="module")
def log():
    """160 accounts of 30 prompts: each of 136 asks about two topics of its own; 24 share two pools of many topics."""
    rng = np.random.default_rng(11)
    topics = rng.normal(size=(90, 24))
    names, vectors = [], []
    for i in range(160):
        pool = np.arange(0, 10) if i < 12 else np.arange(10, 20)
        mine = pool if i < 24 else rng.choice(np.arange(20, 90), 2, replace=False)
        for _ in range(30):
            names.append(f"acct{i:03d}")
            vectors.append(topics[rng.choice(mine)] + 0.5 * rng.normal(size=24))
    v = np.array(vectors, np.float32)
    v /= np.linalg.norm(v, axis=1, keepdims=True)
    return v, group_accounts(names, np.arange(len(v)), np.arange(len(v)))


@pytest.fixture(scope="module")
def keys(log):
    return np.random.default_rng(3).integers(0, 2**63, len(log[0])).astype(np.uint64)


def halves_of(vectors, accounts, population, keys):
    return take_halves(take_prints(vectors, accounts, keys, population), population)


@pytest.fixture(scope="module")
def halves(log, keys):
    return halves_of(*log, None, keys)


def test_accounts_of_one_pool_are_found_as_one_group(halves):
    found = [set(g.tolist()) for g in find_groups(halves)]
    assert any(len(g & set(range(12))) >= 10 and len(g - set(range(12))) <= 2 for g in found)
    assert any(len(g & set(range(12, 24))) >= 10 and len(g - set(range(12, 24))) <= 2 for g in found)
    assert all(len(g) >= groups.LEAST for g in found)
    assert sum(map(len, found)) == len(set().union(*found))


def test_each_half_tells_a_pool_from_others(halves):
    for rows in (halves.first, halves.second, halves.whole):
        alike = likeness(rows)
        assert alike[0:12, 0:12][np.triu_indices(12, 1)].mean() > alike[0:12, 12:24].mean() + 0.3


def test_a_half_knows_nothing_of_the_other_half(log, keys, halves):
    vectors, accounts = log
    order = accounts.one(5).distinct[np.argsort(keys[accounts.one(5).distinct])]
    changed = vectors.copy()
    changed[order[1::4]] = changed[order[1::4]][::-1]  # inside a quarter the order is no matter
    again = halves_of(changed, accounts, None, keys)
    assert again.first @ again.first.T == pytest.approx(halves.first @ halves.first.T, abs=1e-3)
    assert again.second @ again.second.T == pytest.approx(halves.second @ halves.second.T, abs=1e-3)


def test_halves_do_not_depend_on_the_order_of_the_log(log, keys, halves):
    vectors, accounts = log
    names = np.repeat(accounts.names, np.diff(accounts.offsets)).tolist()
    back = group_accounts(names[::-1], accounts.prompts[::-1], np.arange(len(names)))
    again = halves_of(vectors, back, None, keys)
    assert again.whole @ again.whole.T == pytest.approx(halves.whole @ halves.whole.T, abs=1e-3)


def test_two_halves_of_one_pool_are_joined_again(halves):
    label = np.r_[np.zeros(6), np.ones(6), np.full(12, 2), 10 + np.arange(136)].astype(int)
    joined = rejoin(halves.whole, label, 0.6)
    assert len(set(joined[:12])) == 1
    assert joined[0] != joined[12]
    assert len(set(joined)) == 138


def test_without_a_frozen_population_its_rows_are_those_of_the_whole(halves, log, keys):
    assert halves.frozen is halves.whole
    population = fit_population(np.zeros(24), np.random.default_rng(0).normal(size=(300, 2048)) / 100)
    frozen = halves_of(*log, population, keys).frozen
    assert frozen.shape == (160, 256)
    assert np.isfinite(frozen).all()


def test_a_frozen_population_is_part_of_the_whitening(log, keys, halves):
    rng = np.random.default_rng(0)
    population = fit_population(np.zeros(24), rng.normal(size=(40, 2048)) / 100)
    alike = likeness(halves_of(*log, population, keys).whole)
    assert alike[0:12, 0:12].mean() > alike[0:12, 12:24].mean()
    assert not np.allclose(alike, likeness(halves.whole), atol=0.01)


def test_accounts_of_fewer_than_five_prompts_have_no_fingerprint():
    v = np.eye(12, dtype=np.float32)
    accounts = group_accounts(["a"] * 5 + ["b"] * 4 + ["c"] * 3, np.arange(12), np.arange(12))
    halves = halves_of(v, accounts, None, np.arange(12, dtype=np.uint64))
    assert halves.codes.tolist() == [0]
    assert halves.places(np.array([0, 1])).tolist() == [0]
    assert find_groups(halves) == []


def test_a_log_without_fingerprints_has_no_groups():
    accounts = group_accounts(["a", "b"], np.arange(2), np.arange(2))
    halves = halves_of(np.eye(2, dtype=np.float32), accounts, None, np.arange(2, dtype=np.uint64))
    assert find_groups(halves) == []


def test_keys_come_from_the_hash():
    assert hash_keys(["00000000000000ff" + "0" * 16, "f" * 32]).tolist() == [255, 2**64 - 1]


def test_linking_components_equals_linking_everything(halves):
    rows = halves.first
    far = 1.2 - likeness(rows).astype(float)
    far = (far + far.T) / 2
    np.fill_diagonal(far, 0)
    label = fcluster(linkage(squareform(far, checks=False), "average"), 1.2 - groups.CUT, "distance")
    whole = {tuple(np.flatnonzero(label == k)) for k in np.unique(label)}
    ours = link(rows)
    assert {tuple(np.flatnonzero(ours == k)) for k in np.unique(ours)} == whole


def test_a_component_too_large_to_link_is_cut_and_joined_again(halves, monkeypatch):
    monkeypatch.setattr(groups, "_LARGEST", 60)
    found = [set(g.tolist()) for g in find_groups(halves)]
    assert any(len(g & set(range(12))) >= 8 for g in found)
    assert any(len(g & set(range(12, 24))) >= 8 for g in found)


def test_mean_likeness_is_that_of_all_pairs(halves):
    rows = halves.whole[0:5]
    pairs = [float(rows[i] @ rows[j]) for i in range(5) for j in range(i)]
    assert mean_likeness(rows) == pytest.approx(np.mean(pairs), abs=1e-5)
    assert mean_likeness(rows[:1]) == 0


def test_accounts_go_to_the_group_that_they_are_most_like():
    rng = np.random.default_rng(5)
    rows = np.repeat(np.eye(2, 8, dtype=np.float32), 8, axis=0) + 0.1 * rng.normal(size=(16, 8)).astype(np.float32)
    rows = np.vstack([rows, np.eye(8, dtype=np.float32)[7]])
    start = np.r_[np.zeros(7), 1, np.ones(7), 2, 0].astype(int)  # one each is missing or wrong, the last is like nobody
    label = settle(rows, start)
    assert len(set(label[:8])) == 1
    assert len(set(label[8:16])) == 1
    assert label[0] != label[8]
    assert (label == label[16]).sum() == 1


def test_links_name_what_few_accounts_share():
    requests = pa.table(
        {
            "account_id": ["a", "a", "b", "c", "d"],
            "org_id": ["o1", "o1", "o1", None, "o2"],
            "ip": ["192.0.2.7", "192.0.2.7", "192.0.2.9", "2001:db8::1", "not an address"],
            "user_agent": ["cli", "cli", "cli", "cli", "cli"],
            "system_prompt": pa.array([None] * 5, pa.string()),
        }
    )
    found = find_links(requests, 4)
    assert [(k.account_id, k.kind, k.value, k.n_accounts) for k in found] == [
        ("a", "ip_prefix", "192.0.2.0/24", 2),
        ("a", "org", "o1", 2),
        ("b", "ip_prefix", "192.0.2.0/24", 2),
        ("b", "org", "o1", 2),
    ]
    assert found[0].weight == pytest.approx(np.log(2))


def test_ip_prefixes():
    assert ip_prefix("198.51.100.77") == "198.51.100.0/24"
    assert ip_prefix("2001:db8:1:2::3") == "2001:db8:1::/48"
    assert ip_prefix("localhost") == ""


def test_a_link_is_a_value():
    assert Link("a", "org", "o", 2, 1.0) == Link("a", "org", "o", 2, 1.0)
