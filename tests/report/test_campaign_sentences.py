"""What is said about a campaign's rarity and about how its ground was dealt out."""

import pytest

from sweeplens.detect.group_facts import KIND_OF
from sweeplens.report.facts import CampaignRow
from sweeplens.report.grouping import KINDS, describe_grouping
from sweeplens.report.sentences import describe_dealing, describe_rarity


def row(p, q):
    return CampaignRow("C-01", "sweep", ("a", "b"), 9, 8, 0.9, p, q, "review", {})


def test_rarity_is_said_with_its_correction():
    assert describe_rarity(row(None, None)) == ""
    assert describe_rarity(row(0.004, None)) == "of the groups that honest accounts form, 0.4 % or fewer are as strong"
    assert ", 0.3 % or fewer are" in describe_rarity(row(0.00247, None))  # never less than it is
    assert ", 100 % or fewer are" in describe_rarity(row(1.0, None))
    assert "q 0.02 after correction" in describe_rarity(row(0.004, 0.0199))


@pytest.mark.parametrize(
    ("kind", "words"), [("random", "one pool"), ("by topic", "topics of their own"), ("copies", "copies")]
)
def test_dealing_is_said_in_words(kind, words):
    assert words in describe_dealing({"dealing": kind, "dealing_ratio": 1.2})[0]


def test_shared_prompts_stand_beside_what_chance_would_give():
    said = describe_dealing({"shared_prompts": 0.0, "expected_shared": 0.6})
    assert said == [
        "0 % of their prompts were sent by several members, where draws at random from all of them would give 60.0 %"
    ]


def test_a_known_set_is_named_without_control_characters():
    said = describe_dealing({"known_set": "exam\x1b[31m", "known_share": 0.75})
    assert "75.0 %" in said[0]
    assert "\x1b" not in said[0]


def test_old_evidence_says_nothing():
    assert describe_dealing({}) == []


POOL = {"dealing": "random", "union_cells_in_40": 31.2, "shared_prompts": 0.0, "fewest_prompts": 40, "most_prompts": 43}


def grouping(label="sweep", **evidence):
    return describe_grouping(CampaignRow("C-01", label, ("a", "b", "c"), 9, 8, 0.9, None, None, "review", evidence), 0)


def test_a_sweep_is_told_as_a_pool_first():
    said = grouping(**POOL)
    pool = "3 accounts ask as if they drew from one pool: 31 kinds of request in 40 prompts, no prompt twice"
    assert said[0] == f"{pool}, 40 to 43 prompts each"
    assert (
        "12.5 % of the prompts by more than one, 40 prompts each"
        in grouping(**POOL | {"shared_prompts": 0.125, "most_prompts": 40})[0]
    )


@pytest.mark.parametrize("change", [{"label": "tenant"}, {"dealing": "by topic"}, {"fewest_prompts": None}])
def test_what_is_no_pool_is_not_told_as_one(change):
    assert not any("one pool:" in sentence for sentence in grouping(**POOL | change))


def test_the_test_of_a_group_says_what_each_kind_of_evidence_adds():
    said = grouping(weights={"likeness": 1.25, "members": -0.5, "of another version": 9.0})
    assert "+1.25 for how alike its members are, −0.50 for what each of them asks alone" in said[0]
    assert "9" not in said[0]
    assert set(KIND_OF.values()) == set(KINDS)


def test_accounts_beside_a_group_are_named_without_control_characters():
    last = grouping(beside=["one\x1b[31m", *"bcdefg"])[-1]
    assert "\x1b" not in last
    assert "b, c, d, e and 2 more; they share something rare" in last
    assert not any("beside" in sentence for sentence in grouping())
