"""The queues rank, cut and speak the contract's JSON."""

import json
from datetime import timedelta

import pytest

from sweeplens.report.cases import Review
from sweeplens.report.queue import account_queue, campaign_queue, overview, to_records
from sweeplens.store.snapshot import Snapshot


def test_accounts_rank_by_level_then_score_with_none_last(snapshot: Snapshot) -> None:
    rows = account_queue(snapshot)
    assert [r.account_id for r in rows] == ["dealt-a", "dealt-b", "dealt-c", "lone", "chat-2", "chat-1", "shop", "=cmd"]
    assert [r.score for r in rows[:3]] == [0.71, 0.66, 0.58]


@pytest.mark.parametrize(("level", "n"), [("insufficient", 8), ("none", 7), ("watch", 5), ("review", 4), ("high", 3)])
def test_level_at_least(snapshot: Snapshot, level: str, n: int) -> None:
    assert len(account_queue(snapshot, level_at_least=level)) == n


def test_top_cuts_after_ranking(snapshot: Snapshot) -> None:
    assert [r.account_id for r in account_queue(snapshot, top=2)] == ["dealt-a", "dealt-b"]
    assert account_queue(snapshot, top=0) == []


def test_only_sweeps_are_campaigns_unless_all_are_asked_for(snapshot: Snapshot) -> None:
    assert [c.campaign_id for c in campaign_queue(snapshot)] == ["C-01"]
    assert [(c.campaign_id, c.label) for c in campaign_queue(snapshot, include_all=True)] == [
        ("C-01", "sweep"),
        ("K-02", "tenant"),
    ]


def test_account_records_have_exactly_the_promised_keys(snapshot: Snapshot) -> None:
    records = json.loads(json.dumps(to_records(account_queue(snapshot), Review(drawn=frozenset({"=cmd"})))))
    assert list(records[0]) == [
        "account_id", "n_requests", "n_prompts", "score", "p_value", "q_value", "level", "level_from", "campaign_id",
        "reasons", "state", "verdict", "assignee", "audit",
    ]  # fmt: skip
    assert list(records[0]["reasons"][1]) == ["signal", "value", "peer_percentile", "weight", "text"]
    assert records[-1] == {
        "account_id": "=cmd", "n_requests": 3, "n_prompts": 1, "score": None, "p_value": None, "q_value": None,
        "level": "insufficient", "level_from": "account", "campaign_id": None, "reasons": [],
        "state": "open", "verdict": None, "assignee": None, "audit": True,
    }  # fmt: skip


def test_campaign_records_have_exactly_the_promised_keys(snapshot: Snapshot) -> None:
    (record,) = json.loads(json.dumps(to_records(campaign_queue(snapshot), Review())))
    assert record == {
        "campaign_id": "C-01", "label": "sweep", "accounts": ["dealt-a", "dealt-b", "dealt-c"], "n_requests": 29,
        "score": 0.93, "p_value": None, "q_value": None, "level": "high",
        "evidence": {"union_cells": 15, "cohesion": 0.62}, "state": "open", "verdict": None, "assignee": None,
    }  # fmt: skip


def test_overview_counts_what_stands_above_the_queue(snapshot: Snapshot) -> None:
    made = overview(snapshot).created
    assert made is not None
    facts = overview(snapshot, now=made + timedelta(hours=36))
    assert (facts.n_accounts, facts.n_flagged, facts.n_campaigns) == (8, 4, 1)
    assert (facts.n_requests, facts.n_prompts) == (89, 40)
    assert facts.by_level == {"insufficient": 1, "none": 2, "watch": 1, "review": 1, "high": 3}
    assert facts.age_days == pytest.approx(1.5)
    assert (facts.encoder, facts.detector) == ("handmade", "handmade")
    assert str(facts.last_ts) == "2026-03-10 04:00:00+00:00"
