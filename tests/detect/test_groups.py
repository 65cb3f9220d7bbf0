"""Fingerprints and groups on synthetic accounts whose groups are known; links and campaigns on literal rows."""

import numpy as np
import pyarrow as pa
import pytest
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.spatial.distance import squareform

from sweeplens.detect import groups
from sweeplens.detect.accounts import AccountScores, Reason
from sweeplens.detect.campaigns import BENCHMARK, SWEEP, TEMPLATE, TENANT, UNDECIDED, Campaign, judge_group
from sweeplens.detect.detector import Detector
from sweeplens.detect.fingerprints import take_fingerprints
from sweeplens.detect.groups import find_groups, likeness
from sweeplens.detect.links import Link, find_links, ip_prefix
from sweeplens.detect.raising import raise_members
from sweeplens.signals.account import group_accounts

PLAIN = Detector("plain", "1", 0.0, {}, {"watch": 0.5, "review": 0.8, "high": 0.9, "campaign": 0.6})


@pytest.fixture(scope="module")
def population():
    """60 accounts of 30 prompts: each of 36 asks about two topics of its own; 24 share two pools of many topics."""
    rng = np.random.default_rng(11)
    topics = rng.normal(size=(60, 24))
    names, vectors = [], []
    for i in range(60):
        pool = np.arange(0, 14) if i < 48 else np.arange(30, 44)
        mine = rng.choice(60, 2, replace=False) if i < 36 else pool
        for _ in range(30):
            names.append(f"acct{i:02d}")
            vectors.append(topics[rng.choice(mine)] + 0.7 * rng.normal(size=24))
    v = np.array(vectors, np.float32)
    v /= np.linalg.norm(v, axis=1, keepdims=True)
    return v, group_accounts(names, np.arange(len(v)), np.arange(len(v)))


def test_accounts_of_one_pool_are_found_as_one_group(population):
    prints = take_fingerprints(*population)
    found = [set(g.tolist()) for g in find_groups(prints)]
    assert set(range(36, 48)) in found
    assert set(range(48, 60)) in found
    assert all(len(g) >= 4 for g in found)


def test_fingerprints_of_a_pool_are_more_alike_than_others(population):
    alike = likeness(take_fingerprints(*population).scaled())
    inside = alike[36:48, 36:48][np.triu_indices(12, 1)]
    across = alike[36:48, 48:60]
    assert inside.min() > across.max()


def test_small_accounts_have_no_fingerprint():
    v = np.eye(12, dtype=np.float32)
    accounts = group_accounts(["a"] * 9 + ["b"] * 3, np.arange(12), np.arange(12))
    assert len(take_fingerprints(v, accounts).codes) == 0
    assert find_groups(take_fingerprints(v, accounts)) == []


def test_linking_components_equals_linking_everything(population):
    prints = take_fingerprints(*population)
    rows = prints.scaled()
    far = 1.2 - likeness(rows).astype(float)
    far = (far + far.T) / 2
    np.fill_diagonal(far, 0)
    label = fcluster(linkage(squareform(far, checks=False), "average"), 1.2 - groups.CUT, "distance")
    whole = {tuple(prints.codes[label == k]) for k in np.unique(label) if (label == k).sum() >= groups.LEAST}
    assert {tuple(g) for g in find_groups(prints)} == whole


def test_a_component_too_large_to_link_is_cut_first(population, monkeypatch):
    monkeypatch.setattr(groups, "_LARGEST", 20)
    found = [set(g.tolist()) for g in find_groups(take_fingerprints(*population))]
    assert any(len(g & set(range(36, 48))) >= 8 for g in found)


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


@pytest.mark.parametrize(
    ("change", "label"),
    [
        ({}, SWEEP),
        ({"same_org": 0.9}, TENANT),
        ({"shared_prompts": 0.6}, BENCHMARK),
        ({"shared_prompts": 0.6, "union_cells_in_40": 3.0}, TEMPLATE),
        ({"mean_score": 0.1, "union_score": 0.1}, UNDECIDED),
        ({"n_accounts": 4}, UNDECIDED),
        ({"mean_score": 0.1, "union_score": 0.1, "union_cells_in_40": 3.0}, TEMPLATE),
    ],
)
def test_groups_are_labelled_by_what_they_share(change, label):
    evidence = {
        "n_accounts": 9,
        "mean_score": 0.7,
        "union_score": 0.9,
        "same_org": 0.0,
        "shared_prompts": 0.0,
        "union_cells_in_40": 30.0,
    }
    assert judge_group(evidence | change, PLAIN)[0] == label


def test_members_are_raised_towards_their_group_and_say_so():
    scores = AccountScores(
        np.array([0.5, 0.99, np.nan, 0.2]), ("watch", "high", "insufficient", "none"), np.zeros((4, 1)),
        ((), (Reason("cells", 1.0, 99.0, 1.0, "covers much"),), (), ()),
    )  # fmt: skip
    campaign = Campaign("C-01", SWEEP, (0, 1, 2), 90, 80, 0.95, "high")
    raised = raise_members(scores, (campaign,), PLAIN)
    assert raised.score[0] == pytest.approx(1 / (1 + (0.05 / 0.95) ** 0.8))
    assert raised.score[1] == 0.99
    assert 0.6 < raised.score[2] < 0.95
    assert raised.score[3] == 0.2
    assert raised.level == ("high", "high", "high", "none")
    assert raised.level_from == ("campaign", "account", "campaign", "account")
    assert raised.reasons[0][0].signal == "campaign"
    assert "2 other accounts" in raised.reasons[0][0].text
    assert [r.signal for r in raised.reasons[1]] == ["cells"]


def test_groups_that_are_no_sweep_raise_nobody():
    scores = AccountScores(np.array([0.3, 0.3]), ("none", "none"), np.zeros((2, 1)), ((), ()))
    raised = raise_members(scores, (Campaign("C-01", TENANT, (0, 1), 9, 9, 0.95, "none"),), PLAIN)
    assert raised.score.tolist() == [0.3, 0.3]
    assert raised.level == ("none", "none")


def test_a_link_is_a_value():
    assert Link("a", "org", "o", 2, 1.0) == Link("a", "org", "o", 2, 1.0)
