"""Filters of the queue: each takes what it says, and all together take what each of them takes."""

from datetime import UTC, date, datetime
from itertools import pairwise

import numpy as np
import pytest

from support.altered import Altered, with_column
from sweeplens.report.cases import Cases
from sweeplens.report.narrowing import NOBODY, Desk, Fields, Wanted, lay_out, narrow
from sweeplens.report.ranking import Ranking, rank
from sweeplens.review.cases import Case
from sweeplens.review.verdicts import Verdict
from sweeplens.store.snapshot import Snapshot

AT = datetime(2026, 3, 5, tzinfo=UTC)
ALL = {"=cmd", "chat-1", "chat-2", "dealt-a", "dealt-b", "dealt-c", "lone", "shop", "C-01"}
MODELS = {"dealt-a": "small", "dealt-b": "large", "chat-1": "large"}


@pytest.fixture(scope="module")
def told(snapshot: Snapshot) -> Snapshot:
    """The small store, whose requests name models and whose prompts on translation are French."""
    requests, prompts = snapshot.table("requests"), snapshot.table("prompts")
    models = [MODELS.get(a) for a in requests["account_id"].to_pylist()]
    languages = ["fr" if 10 <= p < 20 else "en" for p in range(len(prompts))]
    return Altered(
        snapshot,
        {"requests": with_column(requests, "model", models), "prompts": with_column(prompts, "language", languages)},
    )


@pytest.fixture(scope="module")
def ranking(told: Snapshot) -> Ranking:
    return rank(told)


@pytest.fixture(scope="module")
def desk(ranking: Ranking) -> Desk:
    def verdict(kind: str, subject: str, word: str, note: str = "") -> Verdict:
        return Verdict(1, kind, subject, word, note, "ada", True, AT, "s", "d")

    known = {
        ("account", "lone"): Case("account", "lone", "confirmed", verdict("account", "lone", "confirmed sweep")),
        ("account", "shop"): Case("account", "shop", "allowed", verdict("account", "shop", "benign", "Our Own shop")),
        ("account", "dealt-a"): Case("account", "dealt-a", assignee="ada"),
        ("campaign", "C-01"): Case("campaign", "C-01", "reopened", None, "why", assignee="bob"),
        ("account", "gone"): Case("account", "gone", "confirmed"),
    }
    change = np.zeros(len(ranking), np.int8)
    change[[0, 3]] = 2, 1
    return lay_out(ranking, Cases(known), {"chat-2", "gone"}, change)


def found(told: Snapshot, ranking: Ranking, desk: Desk, **wanted: object) -> set[str]:
    places = narrow(told, ranking, desk, Fields(told), Wanted(**wanted))
    assert all(a < b for a, b in pairwise(places.tolist()))
    return {ranking.subject(int(place))[1] for place in places}


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ({}, ALL),
        ({"show": "campaigns"}, {"C-01"}),
        ({"show": "accounts"}, ALL - {"C-01"}),
        ({"levels": ("watch", "review")}, {"chat-2", "lone"}),
        ({"states": ("confirmed", "allowed")}, {"lone", "shop"}),
        ({"states": ("reopened",)}, {"C-01"}),
        ({"states": ("open",)}, ALL - {"lone", "shop", "C-01"}),
        ({"about": "Coding"}, {"dealt-a", "dealt-b", "C-01"}),
        ({"about": "Nonsense"}, set()),
        ({"model": "large"}, {"dealt-b", "chat-1", "C-01"}),
        ({"model": "none such"}, set()),
        ({"language": "fr"}, {"chat-2"}),
        ({"language": "xx"}, set()),
        ({"assignee": "ada"}, {"dealt-a"}),
        ({"assignee": NOBODY}, ALL - {"dealt-a", "C-01"}),
        ({"audit": True}, {"chat-2"}),
        ({"first": date(2026, 3, 9)}, {"lone"}),
        ({"last": date(2026, 3, 2)}, ALL - {"lone", "=cmd"}),
        ({"first": date(2026, 3, 3), "last": date(2026, 3, 8)}, set()),
        ({"id": "DEALT"}, {"dealt-a", "dealt-b", "dealt-c"}),
        ({"id": "c-01"}, {"C-01"}),
        ({"text": "dealt-b"}, {"dealt-b", "C-01"}),
        ({"text": " ORG-9 "}, {"dealt-a", "dealt-b", "chat-1", "C-01"}),
        ({"text": "own shop"}, {"shop"}),
        ({"text": "union"}, set()),
        ({"text": "together 15"}, {"C-01"}),
        ({"text": "peers of like volume"}, {"dealt-a", "dealt-b", "lone"}),
        ({"text": ".*"}, set()),
        ({"text": "dealt", "levels": ("high",), "assignee": "ada"}, {"dealt-a"}),
    ],
    ids=lambda value: str(value) if isinstance(value, dict) else "",
)
def test_a_filter_takes_what_it_says(
    told: Snapshot, ranking: Ranking, desk: Desk, wanted: dict[str, object], expected: set[str]
) -> None:
    assert found(told, ranking, desk, **wanted) == expected


def test_only_rows_that_are_new_or_raised_are_left(told: Snapshot, ranking: Ranking, desk: Desk) -> None:
    assert found(told, ranking, desk, new=True) == {ranking.subject(0)[1], ranking.subject(3)[1]}


def test_models_and_languages_stand_with_the_most_frequent_first(told: Snapshot, snapshot: Snapshot) -> None:
    assert Fields(told).models == ["large", "small"]
    assert Fields(told).languages == ["en", "fr"]
    assert Fields(snapshot).models == []


def test_who_is_not_in_the_snapshot_has_no_row(ranking: Ranking, desk: Desk) -> None:
    assert desk.assigned.keys() | desk.notes.keys() < set(range(len(ranking)))
    assert desk.audit.sum() == 1
