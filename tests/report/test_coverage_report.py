"""Who covers what: counts against sets, shares against the account's own page, orders by hand."""

import numpy as np
import pytest

from support.altered import Altered, with_column
from support.small_store import NAMES, SENT, cluster_of
from sweeplens.report.account import account_evidence
from sweeplens.report.columns import columns_of
from sweeplens.report.coverage import (
    compare_profiles,
    describe_breadth,
    measure_breadth,
    order_by_likeness,
    rank_accounts,
)
from sweeplens.report.queue import account_queue
from sweeplens.store.snapshot import Snapshot


def ids(snapshot: Snapshot, rows: np.ndarray) -> list[str]:
    return [columns_of(snapshot).accounts[i] for i in rows.tolist()]


def test_breadth_counts_cells_capabilities_and_clusters(snapshot: Snapshot) -> None:
    wide = measure_breadth(snapshot)
    for row, account in enumerate(columns_of(snapshot).accounts):
        sent = set(SENT[account])
        topics = {cluster_of(p) for p in sent} - {-1, 3} | ({2} if 38 in sent else set())  # 38 is mathematics
        assert wide.cells[row] == len({p // 2 for p in sent})
        assert wide.clusters[row] == len({cluster_of(p) for p in sent} - {-1})
        assert wide.capabilities[row] == len(topics)


def test_percentiles_are_those_of_the_account_page(snapshot: Snapshot) -> None:
    wide, columns = measure_breadth(snapshot), columns_of(snapshot)
    for row, account in enumerate(columns.accounts):
        facts = {s.signal: s.peer_percentile for s in account_evidence(snapshot, account).signals}
        shown = wide.percentiles[row, 0]
        assert (None if np.isnan(shown) else shown) == facts.get("cells")
    assert np.isnan(wide.percentiles[:, 1:]).all()  # the small store lacks these signals


def test_shares_are_those_of_the_account_page(snapshot: Snapshot) -> None:
    columns = columns_of(snapshot)
    profiles = compare_profiles(snapshot, np.arange(len(columns.accounts)))
    assert profiles.shares.columns[-1] == "Unassigned"
    assert profiles.n_known == 3
    assert set(profiles.shares.columns) == set(NAMES.values())
    for account, shares in zip(profiles.shares.rows, profiles.shares.values, strict=True):
        own = {c.name: c.share for c in account_evidence(snapshot, account).capabilities}
        assert dict(zip(profiles.shares.columns, shares.tolist(), strict=True)) == pytest.approx(own, abs=1e-6)


def test_capabilities_stand_by_their_size_in_the_snapshot(snapshot: Snapshot) -> None:
    profiles = compare_profiles(snapshot, np.array([2, 0]))
    assert profiles.shares.columns == ("Mathematics", "Coding", "Translation", "Unassigned")
    assert profiles.everybody.tolist() == [11 / 40, 10 / 40, 10 / 40, 9 / 40]
    assert profiles.shares.rows == (columns_of(snapshot).accounts[2], columns_of(snapshot).accounts[0])
    assert [columns_of(snapshot).capabilities[i][0] for i in profiles.places] == [
        "maths", "coding", "translation", "unassigned",
    ]  # fmt: skip


def test_the_order_by_level_is_that_of_the_queue(snapshot: Snapshot) -> None:
    assert ids(snapshot, rank_accounts(snapshot, "level")) == [r.account_id for r in account_queue(snapshot)]


def test_the_broadest_and_those_who_ask_most_about_one_thing_come_first(snapshot: Snapshot) -> None:
    wide = measure_breadth(snapshot)
    order = rank_accounts(snapshot, "breadth")
    assert wide.cells[order].tolist() == sorted(wide.cells.tolist(), reverse=True)
    assert ids(snapshot, order)[0] == "lone"
    maths = 2
    counts = columns_of(snapshot).profile[:, maths]
    order = rank_accounts(snapshot, "number", maths)
    assert counts[order].tolist() == sorted(counts.tolist(), reverse=True)
    assert ids(snapshot, rank_accounts(snapshot, "share", maths))[0] == "=cmd"
    with pytest.raises(ValueError, match="a capability must be given"):
        rank_accounts(snapshot, "share")


def test_like_rows_stand_beside_each_other() -> None:
    rows = np.array([[1, 0, 0], [0, 1, 0], [0.9, 0.1, 0], [0, 0.9, 0.1], [0.95, 0.05, 0]], np.float32)
    order = order_by_likeness(rows).tolist()
    assert sorted(order) == list(range(5))
    kinds = ["a" if i in {0, 2, 4} else "b" for i in order]
    assert kinds in (["a"] * 3 + ["b"] * 2, ["b"] * 2 + ["a"] * 3)
    for n in range(3):
        assert order_by_likeness(rows[:n]).tolist() == list(range(n))


def test_the_sentence_sets_flagged_accounts_beside_the_others(snapshot: Snapshot) -> None:
    said = describe_breadth(snapshot, measure_breadth(snapshot))
    assert said == "A typical flagged account asks about 3 of 3 capabilities, a typical other account about 1."
    accounts = snapshot.table("accounts")
    calm = Altered(snapshot, {"accounts": with_column(accounts, "level", ["none"] * len(accounts))})
    assert describe_breadth(calm, measure_breadth(calm)).startswith("A typical account asks about ")
