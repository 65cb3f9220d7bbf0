"""What is new or has risen since an earlier snapshot, as far as it is still there."""

import shutil
from pathlib import Path

import numpy as np

from support.altered import Altered, publish, with_column
from support.small_store import write_small_store
from sweeplens.report.cases import raised_since
from sweeplens.report.queue import overview
from sweeplens.report.ranking import rank, rows_at
from sweeplens.report.standing import NEW, RAISED, changes_since, parent_of, read_earlier
from sweeplens.store.snapshot import Snapshot, open_snapshot


def two_snapshots(store: Path) -> tuple[Snapshot, Snapshot]:
    """Publish one in which two accounts are missing, one was lower and the campaign was lower, and one on top of it."""
    base = write_small_store(store)
    accounts, groups = base.table("accounts"), base.table("campaigns")
    levels = {"lone": "watch", "shop": "high", "=cmd": "none"}
    lower = [levels.get(row["account_id"], row["level"]) for row in accounts.to_pylist()]
    there = [i for i, a in enumerate(accounts["account_id"].to_pylist()) if a not in {"chat-1", "dealt-c"}]
    before = {
        "accounts": with_column(accounts, "level", lower).take(there),
        "campaigns": with_column(groups, "level", ["review", "none"]),
    }
    older = publish(store, Altered(base, before))
    return older, publish(store, Altered(base, {}, parent=older.snapshot_id))


def test_rows_are_new_raised_or_as_before(tmp_path: Path) -> None:
    older, newer = two_snapshots(tmp_path)
    assert parent_of(newer) == older.snapshot_id
    earlier, ranking = read_earlier(tmp_path, older.snapshot_id), rank(newer)
    assert earlier is not None
    change = changes_since(ranking, earlier)
    said = {ranking.subject(i)[1]: int(change[i]) for i in range(len(ranking)) if change[i]}
    assert said == {"chat-1": NEW, "dealt-c": NEW, "lone": RAISED, "C-01": RAISED}
    rows = rows_at(newer, ranking, np.arange(len(ranking)))
    risen = raised_since([r for r in rows if r.level != "insufficient"], older)
    assert risen == [row for row, new in zip(rows, change, strict=True) if new]


def test_an_account_that_is_judged_for_the_first_time_has_not_risen_to_none(tmp_path: Path) -> None:
    base = write_small_store(tmp_path)
    accounts = base.table("accounts")
    levels = ["insufficient" if v == "none" else v for v in accounts["level"].to_pylist()]
    older = publish(tmp_path, Altered(base, {"accounts": with_column(accounts, "level", levels)}))
    earlier = read_earlier(tmp_path, older.snapshot_id)
    assert earlier is not None
    assert not changes_since(rank(base), earlier).any()


def test_the_numbers_of_the_snapshot_before_are_its_overview(tmp_path: Path) -> None:
    older, _ = two_snapshots(tmp_path)
    earlier = read_earlier(tmp_path, older.snapshot_id)
    assert earlier is not None
    seen = overview(open_snapshot(tmp_path, older.snapshot_id))
    assert (earlier.seen.n_accounts, earlier.seen.n_flagged, earlier.seen.n_campaigns) == (6, 3, 1)
    assert (earlier.seen.n_requests, earlier.created) == (seen.n_requests, seen.created)


def test_a_snapshot_that_is_gone_or_never_was_leaves_nothing_to_compare_with(tmp_path: Path) -> None:
    older, newer = two_snapshots(tmp_path)
    older.close()
    shutil.rmtree(older.folder)
    assert read_earlier(tmp_path, older.snapshot_id) is None
    assert read_earlier(tmp_path, "../elsewhere") is None
    assert not changes_since(rank(newer), None).any()
    first = write_small_store(tmp_path / "other")
    assert parent_of(first) is None
