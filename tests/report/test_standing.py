"""What is new or has risen since an earlier snapshot, as far as it is still there."""

import shutil
from pathlib import Path

import numpy as np

from support.altered import Altered, publish, with_column
from support.risen_store import write_risen_store
from support.small_store import write_small_store
from sweeplens.report.cases import raised_since
from sweeplens.report.queue import overview
from sweeplens.report.ranking import rank, rows_at
from sweeplens.report.standing import NEW, RAISED, changes_since, parent_of, read_earlier
from sweeplens.store.snapshot import open_snapshot


def test_rows_are_new_raised_or_as_before(tmp_path: Path) -> None:
    older, newer = write_risen_store(tmp_path)
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
    older, _ = write_risen_store(tmp_path)
    earlier = read_earlier(tmp_path, older.snapshot_id)
    assert earlier is not None
    seen = overview(open_snapshot(tmp_path, older.snapshot_id))
    assert (earlier.seen.n_accounts, earlier.seen.n_flagged, earlier.seen.n_campaigns) == (6, 3, 1)
    assert (earlier.seen.n_requests, earlier.created) == (seen.n_requests, seen.created)


def test_a_snapshot_that_is_gone_or_never_was_leaves_nothing_to_compare_with(tmp_path: Path) -> None:
    older, newer = write_risen_store(tmp_path)
    older.close()
    shutil.rmtree(older.folder)
    assert read_earlier(tmp_path, older.snapshot_id) is None
    assert read_earlier(tmp_path, "../elsewhere") is None
    assert not changes_since(rank(newer), None).any()
    first = write_small_store(tmp_path / "other")
    assert parent_of(first) is None
