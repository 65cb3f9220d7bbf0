"""Columns that are kept for all reports hold what a plain count over the rows gives."""

import threading
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from support.small_store import SENT, cluster_of, write_small_store
from sweeplens.errors import NotFoundError
from sweeplens.report.columns import NO_TIME, columns_of
from sweeplens.report.facts import FLAGGED
from sweeplens.report.find import find_campaign
from sweeplens.report.ground import first_sent
from sweeplens.report.queue import campaign_queue
from sweeplens.store.snapshot import Snapshot, open_snapshot

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def rows_of(snapshot: Snapshot) -> list[dict[str, object]]:
    return snapshot.table("requests").to_pylist()


def test_requests_stand_by_account_and_time_and_otherwise_as_the_log_has_them(snapshot: Snapshot) -> None:
    requests, columns = columns_of(snapshot).requests, columns_of(snapshot)
    rows = rows_of(snapshot)
    late = datetime.max.replace(tzinfo=UTC)
    plain = sorted(range(len(rows)), key=lambda i: (columns.position[rows[i]["account_id"]], rows[i]["ts"] or late, i))
    assert requests.row.tolist() == plain
    assert requests.prompt.tolist() == [rows[i]["prompt_id"] for i in plain]


def test_when_a_prompt_was_first_sent(snapshot: Snapshot) -> None:
    first: dict[object, int] = {}
    for row in rows_of(snapshot):
        if row["ts"] is not None:
            ts = round((row["ts"] - _EPOCH).total_seconds() * 1e6)
            first[row["prompt_id"]] = min(first.get(row["prompt_id"], ts), ts)
    ids = np.array([39, 0, 5, 5, 38])
    assert columns_of(snapshot).first_sent.tolist() == [first.get(p, NO_TIME) for p in range(40)]
    assert first_sent(snapshot, ids).tolist() == [first.get(p, NO_TIME) for p in ids.tolist()]


def test_how_much_of_a_cluster_comes_from_flagged_accounts(snapshot: Snapshot) -> None:
    use = columns_of(snapshot).cluster_use
    rows = snapshot.table("accounts").to_pylist()
    flagged = {row["account_id"] for row in rows if row["level"] in FLAGGED}
    everything, theirs, who = Counter[int](), Counter[int](), set()
    for account, sent in SENT.items():
        for prompt in sent:
            everything[cluster_of(prompt)] += 1
            theirs[cluster_of(prompt)] += account in flagged
            who |= {(cluster_of(prompt), account)} if account in flagged else set()
    order = [0, 1, 2, 3, -1]
    assert use.requests.tolist() == [everything[c] for c in order]
    assert use.flagged_requests.tolist() == [theirs[c] for c in order]
    assert use.flagged_accounts.tolist() == [sum(c == cluster for cluster, _ in who) for c in order]


def test_a_campaign_is_found_as_the_queue_has_it(snapshot: Snapshot) -> None:
    for row in campaign_queue(snapshot, include_all=True):
        assert find_campaign(snapshot, row.campaign_id) == row
    with pytest.raises(NotFoundError, match="did you mean C-01"):
        find_campaign(snapshot, "C-011")


def test_sessions_at_once_share_the_columns(tmp_path: Path) -> None:
    write_small_store(tmp_path)
    snapshot, found = open_snapshot(tmp_path), []
    threads = [threading.Thread(target=lambda: found.append(columns_of(snapshot).pairs)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 8
    assert all(pairs is found[0] for pairs in found)
