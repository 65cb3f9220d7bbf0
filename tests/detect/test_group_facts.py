"""The facts of a group on a literal example, and the test that adds them up."""

import json
import math

import numpy as np
import pytest

from sweeplens.detect.detector import Shape
from sweeplens.detect.group_facts import FACTS, KIND_OF, SIGNALS, Group, measure_group, measure_union
from sweeplens.detect.group_test import GroupTest, load_group_test, parse_group_test
from sweeplens.detect.halves import Halves
from sweeplens.detect.partition import split_ground
from sweeplens.embed.shipped import NAMES
from sweeplens.errors import DetectorError
from sweeplens.signals.account import Accounts
from sweeplens.signals.catalog import KEYS
from sweeplens.signals.ground import measure_ground

OWN = [np.array([0, 1]), np.array([2, 3]), np.array([4, 5])]
CELL = np.array([0, 1, 0, 1, 0, 2])


def halves_of(rows):
    rows = np.asarray(rows, np.float32)
    return Halves(np.arange(len(rows)), rows, rows, rows, 2 * rows)


def facts_of(odds=(1.0, 3.0, math.nan), values=None):
    values = np.full((3, len(KEYS)), np.nan) if values is None else values
    signals = np.arange(len(KEYS), dtype=float)
    group = Group(OWN, signals, values, np.array(odds), split_ground(OWN, CELL))
    found = measure_group(group, halves_of([[1, 0], [1, 0], [0, 1]]), np.arange(3))
    return dict(zip(FACTS, found.tolist(), strict=True))


def test_likeness_is_the_mean_over_pairs_and_the_frozen_one_is_its_own():
    facts = facts_of()
    assert facts["likeness"] == facts["tested_likeness"] == pytest.approx(1 / 3)
    assert facts["frozen_likeness"] == pytest.approx(4 / 3)


def test_quotas_and_scores():
    facts = facts_of()
    assert facts["size_spread"] == 0
    assert facts["score_mean"] == pytest.approx(2.0)
    assert facts["score_low"] == pytest.approx(1.5)
    nothing = facts_of(odds=(math.nan,) * 3)
    assert math.isnan(nothing["score_mean"])
    assert math.isnan(nothing["score_low"])


def test_signals_stand_for_the_union_and_the_median_member():
    values = np.full((3, len(KEYS)), np.nan)
    values[:, KEYS.index("repeats")] = (0.0, 0.2, 0.4)
    facts = facts_of(values=values)
    assert facts["union_repeats"] == KEYS.index("repeats")
    assert facts["member_repeats"] == pytest.approx(0.2)
    assert math.isnan(facts["member_leaning"])


def union_of(sent):
    """Return the signals of members as one account; `sent` are the prompts of each, in their order."""
    offsets = np.cumsum([0, *map(len, sent)])
    prompts = np.concatenate(sent).astype(np.int32)
    accounts = Accounts([f"a{i}" for i in range(len(sent))], offsets, prompts, *(np.arange(len(prompts)),) * 2)
    n = int(prompts.max()) + 1
    nowhere, texts = np.zeros(n, np.int32), [f"prompt number {i}" for i in range(n)]
    vectors = np.random.default_rng(0).normal(size=(n, 8)).astype(np.float32)
    ground = measure_ground(vectors, texts, ["en"] * n, cell=nowhere, cluster=nowhere, capability=nowhere)
    codes = range(len(sent))
    found = measure_union(accounts.union(codes), [accounts.distinct(c) for c in codes], ground)
    return dict(zip(KEYS, found.tolist(), strict=True))


def test_what_nearly_all_members_sent_does_not_count_as_repeated_in_their_union():
    own = [np.arange(6 * i, 6 * i + 6) for i in range(4)]
    assert union_of(own)["repeats"] == 0
    assert union_of([np.r_[99, p] for p in own])["repeats"] == 0
    some = union_of([np.r_[99, own[0]], np.r_[99, own[1]], *own[2:]])
    assert some["repeats"] == pytest.approx(1 / 26)
    assert some["most_repeated"] > union_of(own)["most_repeated"]


def test_members_that_sent_all_the_same_prompts_are_measured_whole():
    assert union_of([np.arange(12)] * 4)["repeats"] == pytest.approx(36 / 48)


def test_every_fact_has_a_kind_and_no_signal_looks_at_the_order_of_requests():
    assert list(KIND_OF) == list(FACTS)
    assert not set(SIGNALS) & {"locality", "locality_wide", "alone", "near_low", "discovery"}


def test_contributions_add_up_to_the_log_odds_by_fact_and_by_kind():
    shapes = {
        "likeness": Shape(np.array([0.2]), np.array([-1.0, 1.5]), 0.0),
        "union_repeats": Shape(np.array([99.0]), np.array([-2.0, 2.0]), 0.25),
        "tested_likeness": Shape(np.array([0.9]), np.array([0.5, 9.0]), 0.0),
    }
    test = GroupTest("plain", "1", -0.5, shapes)
    facts = np.array([facts_of()[key] for key in FACTS])
    assert test.contributions(facts) == {"likeness": 1.5, "union_repeats": -2.0, "tested_likeness": 0.5}
    assert test.by_kind(facts) == {"likeness": 2.0, "union": -2.0}
    assert test.log_odds(facts) == pytest.approx(-0.5 + 0.0)


@pytest.mark.parametrize("encoder", NAMES)
def test_every_shipped_encoder_has_a_test_of_groups(encoder):
    test = load_group_test(encoder)
    assert test is not None
    assert test.name == encoder
    assert set(test.shapes) <= set(FACTS)


def test_other_encoders_have_none():
    assert load_group_test("somebody/elses") is None


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"format": 2}, "format 2"),
        ({"facts": {"luck": {"edges": [], "steps": [0.0], "missing": 0.0}}}, "'luck'"),
        ({"facts": {"likeness": {"edges": [1.0], "steps": [0.0], "missing": 0.0}}}, "ValueError"),
        ({"base": None}, "TypeError"),
    ],
)
def test_what_is_no_test_of_groups_is_refused_in_a_sentence(change, said):
    data = {"format": 1, "name": "x", "version": "1", "base": 0.0, "facts": {}} | change
    with pytest.raises(DetectorError, match=said):
        parse_group_test(json.dumps(data).encode(), "there")
