"""What is said about a campaign's rarity and about how its ground was dealt out."""

import pytest

from sweeplens.report.facts import CampaignRow
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
