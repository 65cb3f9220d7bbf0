"""Clusters, the map and search agree with a count by hand over the literal log."""

from collections import Counter

import numpy as np
import pyarrow as pa
import pytest

from support.small_store import HOSTILE, JUDGED, SENT, START, cluster_of
from sweeplens.errors import NotFoundError
from sweeplens.report.cluster import cluster_evidence, cluster_table
from sweeplens.report.columns import columns_of, encode
from sweeplens.report.facts import LEVELS
from sweeplens.report.ground import map_points, prompt_rows, senders
from sweeplens.report.search import search
from sweeplens.report.sentences import mid_sentence, percent
from sweeplens.store.snapshot import Snapshot

FLAGGED = [a for a in SENT if JUDGED[a][1] in {"review", "high"}]


def test_cluster_table_counts_flagged_traffic(snapshot: Snapshot) -> None:
    rows = cluster_table(snapshot)
    assert [r.cluster_id for r in rows] == [0, 1, 2, 3]
    for row in rows:
        inside = {a: sum(cluster_of(p) == row.cluster_id for p in sent) for a, sent in SENT.items()}
        assert row.n_requests == sum(inside.values())
        assert row.flagged_share == pytest.approx(sum(inside[a] for a in FLAGGED) / row.n_requests)
        assert row.n_flagged_accounts == sum(inside[a] > 0 for a in FLAGGED)
    assert rows[2].capability_name == "Mathematics"
    assert rows[0].terms == ("python", "function")


def test_cluster_evidence(snapshot: Snapshot) -> None:
    facts = cluster_evidence(snapshot, 3)
    asked = {a: Counter(p for p in sent if cluster_of(p) == 3) for a, sent in SENT.items()}
    assert [(a.account_id, a.n_requests, a.n_prompts) for a in facts.accounts] == [
        (a, asked[a].total(), len(asked[a])) for a in ("chat-1", "shop", "lone")
    ]
    assert sum(a.share_of_cluster for a in facts.accounts) == pytest.approx(1.0)
    assert facts.accounts[0].share_of_account == pytest.approx(8 / 10)
    assert [p.prompt_id for p in facts.exemplars] == [31, 33, 35]
    assert [p.prompt_id for p in facts.prompts] == list(range(30, 38))
    assert facts.headline == (
        "8 prompts of 3 accounts of no known capability: 16.0 % of its 25 requests come from accounts at "
        "review or high."
    )
    assert sum(n for _, n in facts.timeline.days) == 25


def test_core_prompts_come_before_placed_ones(snapshot: Snapshot) -> None:
    facts = cluster_evidence(snapshot, 0, max_prompts=None, max_accounts=1)
    assert [p.kind for p in facts.prompts] == ["core"] * 9 + ["placed"]
    assert len(facts.accounts) == 1


def test_unknown_cluster(snapshot: Snapshot) -> None:
    with pytest.raises(NotFoundError, match="no cluster '99': it has 4, such as 0, 1, 2"):
        cluster_evidence(snapshot, 99)


def test_map_points_carry_the_highest_level_of_the_senders(snapshot: Snapshot) -> None:
    points = map_points(snapshot)
    for prompt in range(40):
        levels = [LEVELS.index(JUDGED[a][1]) for a, sent in SENT.items() if prompt in sent]
        assert points.level[prompt] == max(levels, default=0)
        assert points.n_requests[prompt] == sum(sent.count(prompt) for sent in SENT.values())
    assert points.cluster.tolist() == [cluster_of(p) for p in range(40)]
    assert points.capabilities[points.capability[39]][0] == "unassigned"
    assert points.x.dtype == np.float32


def test_prompt_rows_keep_the_order_asked_for_and_repeats(snapshot: Snapshot) -> None:
    rows = prompt_rows(snapshot, [5, 0, 5])
    assert [r.prompt_id for r in rows] == [5, 0, 5]
    assert rows[0].text == HOSTILE
    assert (rows[1].n_sent, rows[1].n_accounts, rows[1].first_ts) == (3, 3, START)
    assert prompt_rows(snapshot, []) == []


def test_senders_of_a_selection(snapshot: Snapshot) -> None:
    chosen = [30, 31, 32, 38]
    want = sorted(
        ((a, len(set(sent) & set(chosen))) for a, sent in SENT.items() if set(sent) & set(chosen)),
        key=lambda s: (-s[1], s[0]),
    )
    assert senders(snapshot, chosen) == want
    assert senders(snapshot, chosen, top=1) == want[:1]


def test_search_finds_the_prompt_itself_and_who_sent_it(snapshot: Snapshot) -> None:
    hits = search(snapshot, snapshot.vectors[30], k=4)
    assert (hits[0].prompt_id, hits[0].accounts, hits[0].n_requests) == (30, ("chat-1", "shop", "lone"), 7)
    assert hits[0].similarity == pytest.approx(1.0, abs=1e-3)
    assert {h.cluster_id for h in hits} == {3}
    assert [h.similarity for h in hits] == sorted((h.similarity for h in hits), reverse=True)
    assert len(search(snapshot, snapshot.vectors[0], k=500)) == 40


def test_columns_are_made_once_for_a_snapshot(snapshot: Snapshot) -> None:
    assert columns_of(snapshot) is columns_of(snapshot)
    assert columns_of(snapshot).pairs is columns_of(snapshot).pairs


@pytest.mark.parametrize(
    ("share", "text"), [(0.0, "0 %"), (1.0, "100 %"), (0.9999, "99.9 %"), (0.0001, "0.1 %"), (0.345, "34.5 %")]
)
def test_percent_says_all_or_none_only_when_exact(share: float, text: str) -> None:
    assert percent(share) == text


@pytest.mark.parametrize(
    ("name", "inside"), [("SQL and tables", "SQL and tables"), ("Writing code", "writing code"), ("", "")]
)
def test_acronyms_keep_their_capitals(name, inside):
    assert mid_sentence(name) == inside


def test_words_that_no_row_has_are_not_taken_for_accounts():
    column = pa.chunked_array([pa.array(["a", "b", "c", "b"]).dictionary_encode()])
    codes, words = encode(column.slice(1, 3))
    assert [words[code] for code in codes] == ["b", "c", "b"]
    assert words == ["b", "c"]
    assert encode(column.slice(0, 0))[1] == []
