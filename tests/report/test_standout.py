"""What stands out about a campaign: the facts that speak most, in few words."""

from typing import Any

from sweeplens.report.facts import CampaignRow
from sweeplens.report.standout import describe_standout


def said(**evidence: Any) -> str:
    accounts = tuple(f"a{i}" for i in range(20))
    facts = {"n_accounts": 20, **evidence}
    return describe_standout(CampaignRow("C-01", "sweep", accounts, 9, 9, 0.9, None, None, "high", facts))


def test_ground_and_dealing_of_a_sweep() -> None:
    facts = {"union_cells": 300, "largest_member_cells": 100, "dealing": "random", "mean_likeness": 0.9}
    assert said(**facts) == "Covers 3.0 times the widest; dealt at random"


def test_what_explains_a_group_honestly_comes_first() -> None:
    assert said(known_set="MMLU", known_share=0.98, dealing="copies").startswith("98.0 % of prompts from MMLU; ")
    assert said(dealing="copies", same_org=0.1, known_set="MMLU", known_share=0.3).endswith("copies of one set")
    assert "IP address" in said(dealing="copies", links=[{"kind": "ip", "members": 20}])
    assert said(same_org=0.9, union_cells=30, largest_member_cells=10).startswith("90.0 % share one organisation; ")


def test_what_many_members_have_in_common_is_counted() -> None:
    links = [{"kind": "ip", "value": "192.0.2.7", "members": 15}, {"kind": "user_agent", "value": "x", "members": 2}]
    assert said(links=links) == "15 of 20 share an IP address"
    assert said(links=[{"kind": "ip", "value": "192.0.2.7", "members": 2}]) == ""


def test_little_evidence_says_little_and_none_says_nothing() -> None:
    assert said(union_cells=15) == "Together 15 cells"
    assert said() == ""
