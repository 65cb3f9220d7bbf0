"""The queue as columns says what the queues of accounts and campaigns say, in the order that analysts read."""

import numpy as np
import pytest

from support.altered import Altered, with_column
from support.judged_store import write_judged_store
from sweeplens.report.columns import NO_TIME
from sweeplens.report.facts import AccountRow, CampaignRow
from sweeplens.report.queue import account_queue, campaign_queue
from sweeplens.report.ranking import Row, rank, rows_at
from sweeplens.report.wording import LEVELS
from sweeplens.store.snapshot import Snapshot


@pytest.fixture(scope="module")
def judged(tmp_path_factory: pytest.TempPathFactory) -> Snapshot:
    return write_judged_store(tmp_path_factory.mktemp("ranking"), {"dealt-b": 0.931, "dealt-c": 0.99, "chat-2": 0.12})


def slowly_ranked(snapshot: Snapshot) -> list[Row]:
    """Return the queue as it is defined: by level, then the score as written, a campaign above its members."""
    accounts = account_queue(snapshot)
    own = {row.account_id: row.score for row in accounts}

    def key(row: Row) -> tuple[int, float]:
        members = row.accounts if isinstance(row, CampaignRow) else ()
        scores = [s for s in (row.score, *(own[a] for a in members)) if s is not None]
        return LEVELS.index(row.level), -round(max(scores), 2) if scores else 1.0

    return sorted([*campaign_queue(snapshot), *accounts], key=key)


def test_the_columns_hold_the_rows_of_both_queues_in_the_order_of_the_definition(judged: Snapshot) -> None:
    ranking, rows = rank(judged), slowly_ranked(judged)
    assert rows_at(judged, ranking, np.arange(len(ranking))) == rows
    assert [ranking.subject(i)[1] for i in range(len(ranking))] == [
        row.campaign_id if isinstance(row, CampaignRow) else row.account_id for row in rows
    ]
    for name, field in (("score", "score"), ("p", "p_value"), ("q", "q_value")):
        expected = [getattr(row, field) for row in rows]
        assert [None if np.isnan(v) else v for v in getattr(ranking, name).tolist()] == expected
    assert ranking.n_requests.tolist() == [row.n_requests for row in rows]
    assert ranking.n_prompts.tolist() == [row.n_prompts for row in rows]
    assert ranking.n_accounts.tolist() == [len(row.accounts) if isinstance(row, CampaignRow) else 1 for row in rows]
    assert ranking.flagged.tolist() == [row.level in {"review", "high"} for row in rows]


def test_a_campaign_was_seen_from_its_first_member_on_to_its_last(judged: Snapshot) -> None:
    ranking = rank(judged)
    by_id = {row.account_id: row for row in account_queue(judged)}
    for place in range(len(ranking)):
        kind, subject = ranking.subject(place)
        rows = [by_id[a] for a in ranking.campaigns[0].accounts] if kind == "campaign" else [by_id[subject]]
        first = [round(r.first_ts.timestamp() * 1e6) for r in rows if r.first_ts is not None]
        last = [round(r.last_ts.timestamp() * 1e6) for r in rows if r.last_ts is not None]
        assert ranking.first[place] == min(first, default=NO_TIME)
        assert ranking.last[place] == max(last, default=NO_TIME)


def test_rows_come_in_the_order_in_which_they_are_asked_for(judged: Snapshot) -> None:
    ranking = rank(judged)
    rows = rows_at(judged, ranking, np.array([4, 0, 2]))
    expected = slowly_ranked(judged)
    assert rows == [expected[4], expected[0], expected[2]]
    assert isinstance(rows[0], AccountRow)
    assert rows_at(judged, ranking, np.array([], np.int64)) == []


def test_chosen_accounts_stand_for_themselves_and_for_their_campaigns(judged: Snapshot) -> None:
    ranking = rank(judged)
    chosen = np.array([a in {"dealt-c", "shop"} for a in ranking.accounts])
    found = [ranking.subject(int(i))[1] for i in np.flatnonzero(ranking.spread(chosen))]
    assert sorted(found) == ["C-01", "dealt-c", "shop"]
    alone = [ranking.subject(int(i))[1] for i in np.flatnonzero(ranking.spread(chosen, to_campaigns=False))]
    assert sorted(alone) == ["dealt-c", "shop"]
    assert [ranking.subject(int(r))[1] for r in ranking.account_place] == ranking.accounts
    assert [ranking.subject(int(r))[1] for r in ranking.campaign_place] == ["C-01"]


def test_a_snapshot_without_campaigns_is_ranked_too(judged: Snapshot) -> None:
    bare = Altered(judged, {"campaigns": judged.table("campaigns").slice(0, 0)}, "bare")
    ranking = rank(bare)
    assert [ranking.subject(i)[1] for i in range(len(ranking))] == [r.account_id for r in account_queue(bare)]
    scores = [None] * len(judged.table("accounts"))
    unscored = Altered(judged, {"accounts": with_column(judged.table("accounts"), "score", scores)}, "unscored")
    assert rows_at(unscored, rank(unscored), np.arange(9)) == slowly_ranked(unscored)
