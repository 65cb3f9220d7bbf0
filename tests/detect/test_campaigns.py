"""Groups are judged, explained and raised: labels on literal evidence, campaigns on a small synthetic log."""

import math
from types import SimpleNamespace

import numpy as np
import pytest

from sweeplens.detect.campaigns import (
    BENCHMARK,
    SWEEP,
    TEMPLATE,
    TENANT,
    UNDECIDED,
    Campaign,
    find_campaigns,
    judge_group,
)
from sweeplens.detect.detector import Detector, Shape, log_odds
from sweeplens.detect.group_test import GroupTest
from sweeplens.detect.links import Link
from sweeplens.detect.prints import take_prints
from sweeplens.detect.raising import raise_members
from sweeplens.index import all_neighbours
from sweeplens.signals.account import group_accounts
from sweeplens.signals.catalog import KEYS
from sweeplens.signals.ground import Ground

DETECTOR = Detector("plain", "1", 0.0, {}, {"watch": 0.5, "review": 0.8, "high": 0.9})
HONEST = [(-1.0 - 0.01 * i, 5 + i % 7, 200) for i in range(200)]
EVIDENCE = {
    "n_accounts": 9, "n_fingerprints": 9, "tested_likeness": 0.4, "dealing": "random", "same_org": 0.0,
    "union_cells_in_40": 30.0,
}  # fmt: skip


@pytest.mark.parametrize(
    ("change", "label"),
    [
        ({}, SWEEP),
        ({"same_org": 0.9}, TENANT),
        ({"known_share": 0.7}, BENCHMARK),
        ({"known_share": 0.3}, SWEEP),
        ({"dealing": "copies"}, BENCHMARK),
        ({"dealing": "copies", "union_cells_in_40": 3.0}, TEMPLATE),
        ({"tested_likeness": 0.0}, UNDECIDED),
        ({"tested_likeness": 0.0, "n_fingerprints": 0}, SWEEP),
        ({"n_accounts": 4}, UNDECIDED),
        ({"union_cells_in_40": 3.0}, SWEEP),
        ({"union_cells_in_40": None}, SWEEP),
    ],
)
def test_groups_are_labelled_by_what_explains_them(change, label):
    assert judge_group(1.5, 0.005, EVIDENCE | change) == label


@pytest.mark.parametrize(
    ("odds", "p", "label"),
    [
        (0.5, 0.08, SWEEP),
        (0.49, 0.001, UNDECIDED),
        (9.0, 0.09, UNDECIDED),
        (-0.1, 0.001, UNDECIDED),
        (1.3, math.nan, SWEEP),
        (-0.1, math.nan, UNDECIDED),
        (math.nan, math.nan, UNDECIDED),
    ],
)
def test_a_sweep_is_likely_and_rare_as_far_as_a_reference_says(odds, p, label):
    assert judge_group(odds, p, EVIDENCE) == label


def make_log(seed=4):
    """100 accounts of 24 prompts on two topics each, of 20 on a wide pool of 12 topics, and one blended account.

    The blended one, z0, has 24 prompts of the pool and 28 of anything.
    """
    rng = np.random.default_rng(seed)
    topics = rng.normal(size=(90, 24))
    names, topic = [], []
    for i in range(120):
        pool = np.arange(12) if i >= 100 else rng.choice(np.arange(12, 88), 2, replace=False)
        names += [f"{'a' if i < 100 else 'm'}{i:03d}"] * 24
        topic += rng.choice(pool, 24).tolist()
    names += ["z0"] * 52
    topic += rng.choice(12, 24).tolist() + rng.choice(np.arange(12, 90), 28).tolist()
    vectors = topics[topic] + 0.5 * rng.normal(size=(len(topic), 24))
    vectors = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
    n = len(names)
    accounts = group_accounts(names, np.arange(n), np.arange(n) * 10**9)
    ones = np.ones(n, np.float32)
    ground = Ground(
        vectors=vectors, cell=np.array(topic, np.int32), cluster=np.zeros(n, np.int32),
        capability=np.zeros(n, np.int32), form=np.ones((n, 8), np.float32), pack=ones, packed=np.ones(n, np.int32),
        leaning=ones, first_word=np.arange(n, dtype=np.int32) % 7, heads=[b"x" * 60] * n,
    )  # fmt: skip
    own = np.array([{"m": 2.1, "z": -0.5}.get(name[0], -2.0) for name in accounts.names])
    return accounts, ground, own


def campaigns_of(log, **more):
    accounts, ground, own = log
    keys = np.random.default_rng(0).permutation(len(ground.vectors)).astype(np.uint64)
    prints = take_prints(ground.vectors, accounts, keys, None)
    nothing = np.full((len(accounts), len(KEYS)), np.nan)
    return find_campaigns(accounts, ground, SimpleNamespace(own=own), DETECTOR, prints, values=nothing, **more)


def near_in(ground):
    ids = all_neighbours(ground.vectors, 15, threads=1).ids
    return lambda prompts: ids[prompts]


@pytest.fixture(scope="module")
def log():
    return make_log()


def members(campaign, log):
    return {log[0].names[c] for c in campaign.codes}


def test_a_pool_dealt_over_accounts_is_one_sweep(log):
    found = campaigns_of(log, nulls=HONEST)
    sweeps = [c for c in found if c.label == SWEEP]
    dealt = {n for n in log[0].names if n.startswith("m")}
    assert len(sweeps) == 1
    assert found[0].campaign_id == "C-01"
    assert len(members(sweeps[0], log) & dealt) >= 18
    assert len(members(sweeps[0], log) - dealt) <= 1
    assert sweeps[0].p_value == pytest.approx(1 / 201)
    assert sweeps[0].level == "review"
    evidence = sweeps[0].evidence
    assert evidence["dealing"] == "random"
    assert evidence["shared_prompts"] == 0
    assert 0 < evidence["tested_likeness"] <= 1.2
    assert evidence["time_overlap"] == 0
    assert sum(map(len, (c.codes for c in found))) == len({k for c in found for k in c.codes})


def test_an_account_that_mixes_other_things_in_joins_by_its_best_part(log):
    near = near_in(log[1])
    without = next(c for c in campaigns_of(log, nulls=HONEST) if c.label == SWEEP)
    with_near = next(c for c in campaigns_of(log, nulls=HONEST, near=near) if c.label == SWEEP)
    assert members(with_near, log) == members(without, log) | {"z0"}
    assert "z0" not in members(without, log)
    assert with_near.evidence["n_joined"] == 1
    assert with_near.p_value == without.p_value


def test_an_account_that_looks_honest_by_itself_does_not_join(log):
    accounts, ground, own = log
    honest = np.where(np.array(accounts.names) == "z0", -1.1, own)
    near = near_in(ground)
    sweep = next(c for c in campaigns_of((accounts, ground, honest), nulls=HONEST, near=near) if c.label == SWEEP)
    assert "z0" not in members(sweep, log)
    assert "n_joined" not in sweep.evidence


@pytest.mark.parametrize(("odds", "out"), [(-9.0, {"m107"}), (-2.9, set())])
def test_a_member_that_alone_is_surely_honest_is_left_out_of_a_sweep(log, odds, out):
    accounts, ground, own = log
    changed = own.copy()
    changed[list(accounts.names).index("m107")] = odds
    before = next(c for c in campaigns_of(log, nulls=HONEST) if c.label == SWEEP)
    after = next(c for c in campaigns_of((accounts, ground, changed), nulls=HONEST) if c.label == SWEEP)
    assert members(before, log) - members(after, log) == out
    assert members(after, log) <= members(before, log)
    assert after.evidence["n_accounts"] == len(after.codes)
    assert after.score < before.score  # the group was tested with the member


def test_keys_of_one_organisation_are_a_tenant(log):
    links = [Link(n, "org", "o", 20, 1.8) for n in log[0].names if n.startswith("m")]
    group = max(campaigns_of(log, nulls=HONEST, links=links), key=lambda c: c.score)
    assert group.label == TENANT
    assert group.level == "none"
    assert group.evidence["links"][0]["kind"] == "org"


def test_a_known_prompt_set_makes_a_benchmark_run(log):
    known = np.where(log[1].cell < 12, 1, -1).astype(np.int32)
    group = max(campaigns_of(log, nulls=HONEST, known=known, known_names=("one", "two")), key=lambda c: c.score)
    assert group.label == BENCHMARK
    assert group.evidence["known_set"] == "two"
    assert group.evidence["known_share"] > 0.9


def test_accounts_of_four_prompts_are_tested_as_a_pool():
    accounts, ground, _ = make_log()
    names = np.repeat(accounts.names, np.diff(accounts.offsets)).astype(object)
    few = np.flatnonzero(np.char.startswith(names.astype(str), "m"))
    for at, row in enumerate(few):  # the pool's accounts fall apart into six times as many
        names[row] = f"t{at // 4:03d}"
    small = group_accounts(names.tolist(), accounts.prompts, accounts.times)
    own = np.full(len(small), -2.0)
    own[[n.startswith("t") for n in small.names]] = np.nan
    links = [Link(n, "ip", "192.0.2.1", 120, float(np.log(5.5))) for n in small.names if n.startswith("t")]
    groups = campaigns_of((small, ground, own), links=links)
    pool = next(c for c in groups if len(c.codes) == 120)
    assert pool.evidence["n_fingerprints"] == 0
    assert pool.evidence["n_scored"] == 0
    assert pool.evidence["mean_score"] is None


def scores_of(odds, own=None):
    score = 1 / (1 + np.exp(-np.array(odds)))
    own = np.array(odds if own is None else own)
    return SimpleNamespace(score=score, own=own, log_odds=np.array(odds), reasons=tuple(() for _ in odds))


def test_members_are_raised_towards_their_group_and_say_so():
    campaign = Campaign("C-01", SWEEP, (0, 1, 2), 90, 80, 1 / (1 + math.exp(-1)), "high")
    raised = raise_members(
        scores_of([0.0, 9.0, math.nan, -1.0]), ("watch", "high", "insufficient", "none"), (campaign,)
    )
    odds = np.log(raised.score / (1 - raised.score))
    group = odds[0] / 0.8
    assert group > 1
    assert odds[1] == pytest.approx(9)
    assert group - 1 < odds[2] < group
    assert odds[3] == pytest.approx(-1)
    assert raised.level == ("high", "high", "high", "none")
    assert raised.level_from == ("campaign", "account", "campaign", "account")
    assert raised.reasons[0][0].signal == "campaign"
    assert "2 other accounts" in raised.reasons[0][0].text
    assert raised.reasons[1] == ()


def test_a_member_that_looks_honest_among_others_that_do_not_is_not_raised_and_one_with_no_say_is():
    campaign = Campaign("C-01", SWEEP, (0, 1, 2, 3), 90, 80, 0.9, "review")
    scores = scores_of([0.5, 0.5, 0.5, math.nan], own=[-0.6, 0.5, 0.7, math.nan])
    raised = raise_members(scores, ("none", "none", "none", "insufficient"), (campaign,))
    assert raised.level == ("none", "review", "review", "review")
    assert raised.level_from == ("account", "campaign", "campaign", "campaign")
    assert raised.score[0] == scores.score[0]
    assert raised.score[1] > 0.85
    assert raised.reasons[0] == ()


@pytest.mark.parametrize(("last", "level"), [(-1.7, "review"), (-1.9, "none")])
def test_where_all_members_look_honest_alone_they_are_raised_as_one_but_for_who_stands_apart(last, level):
    campaign = Campaign("C-01", SWEEP, (0, 1, 2, 3), 90, 80, 0.9, "review")
    raised = raise_members(scores_of([-0.7, -0.8, -0.8, last]), ("none",) * 4, (campaign,))
    assert raised.level == ("review", "review", "review", level)


def test_groups_that_are_no_sweep_raise_nobody():
    campaign = Campaign("C-01", TENANT, (0, 1), 9, 9, 0.95, "none")
    raised = raise_members(scores_of([-1.0, -1.0]), ("none", "none"), (campaign,))
    assert raised.score == pytest.approx(1 / (1 + math.e))
    assert raised.level == ("none", "none")


def test_a_detector_without_training_never_goes_above_watch(log):
    accounts, ground, own = log
    plain = Detector("fallback", "1", 0.0, {}, DETECTOR.levels, fallback=True)
    prints = take_prints(ground.vectors, accounts, np.arange(len(ground.vectors), dtype=np.uint64), None)
    nothing = np.full((len(accounts), len(KEYS)), np.nan)
    found = find_campaigns(accounts, ground, SimpleNamespace(own=own), plain, prints, values=nothing)
    assert {c.level for c in found if c.label == SWEEP} == {"watch"}


def test_a_group_is_judged_by_its_own_facts_and_says_what_each_kind_of_evidence_adds(log):
    steps = {"tested_likeness": Shape(np.array([0.1]), np.array([-3.0, 2.0]), 0.0)}
    steps["score_mean"] = Shape(np.array([0.0]), np.array([-1.0, 0.5]), 0.0)
    steps["dealing"] = Shape(np.array([0.5]), np.array([1.0, -4.0]), 0.0)
    accounts, ground, own = log
    lowered = np.where(own > 0, -2.0, own)  # by their own scores, none of them is anything
    test = GroupTest("plain", "1", -0.25, steps)
    found = campaigns_of((accounts, ground, lowered), nulls=HONEST, test=test)
    sweep = next(c for c in found if c.label == SWEEP)
    assert sum(n.startswith("m") for n in members(sweep, log)) >= 18
    assert sweep.evidence["weights"] == {"likeness": 2.0, "dealing": 1.0, "members": -1.0}
    assert log_odds(sweep.score) == pytest.approx(-0.25 + 2.0 + 1.0 - 1.0)


def test_who_joins_later_does_not_change_what_the_group_was_tested_by(log):
    steps = {"score_mean": Shape(np.array([0.0]), np.array([-9.0, 2.0]), 0.0)}
    steps["size_spread"] = Shape(np.array([1e-9]), np.array([0.5, -0.25]), 0.0)  # z0 has more prompts than the others
    test = GroupTest("plain", "1", -0.5, steps)
    grown = next(c for c in campaigns_of(log, nulls=HONEST, test=test, near=near_in(log[1])) if c.label == SWEEP)
    assert grown.evidence["n_joined"] == 1
    assert grown.evidence["weights"] == {"members": 2.0, "quotas": 0.5}
    assert log_odds(grown.score) == pytest.approx(-0.5 + 2.0 + 0.5)


def test_small_accounts_that_share_a_value_with_a_sweep_are_named_beside_it_and_not_raised(log):
    accounts, ground, own = log
    names = np.repeat(accounts.names, np.diff(accounts.offsets)).astype(object)
    rows = np.flatnonzero(names == "a003")
    names[rows[:4]] = "s1"  # four prompts: too few for a fingerprint
    more = group_accounts(names.tolist(), accounts.prompts, accounts.times)
    odds = dict(zip(accounts.names, own.tolist(), strict=True)) | {"s1": math.nan}
    links = [Link(n, "ip", "192.0.2.1", 3, float(np.log(40))) for n in ("m100", "m101", "s1")]
    scene = (more, ground, np.array([odds[n] for n in more.names]))
    sweep = next(c for c in campaigns_of(scene, nulls=HONEST, links=links) if c.label == SWEEP)
    assert "s1" not in members(sweep, scene)
    assert sweep.evidence["beside"] == ["s1"]
    assert "beside" not in next(c for c in campaigns_of(scene, nulls=HONEST) if c.label == SWEEP).evidence
