"""The list of snapshots, which two are compared, and the sentence about what changed."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from support.altered import Altered, publish, with_column
from support.small_store import write_small_store
from sweeplens.errors import NotFoundError
from sweeplens.report.difference import difference
from sweeplens.report.queue import overview
from sweeplens.report.snapshots import Standing, describe_difference, find_pair, made, snapshots, standing
from sweeplens.store.prune import prune, use
from sweeplens.store.snapshot import Snapshot, list_snapshots, open_snapshot


@pytest.fixture
def three(tmp_path: Path) -> tuple[Path, list[str]]:
    """A store with three snapshots, each made from the one before, and their ids, oldest first."""
    store = tmp_path / "store"
    last: Snapshot = write_small_store(store)
    ids = [last.snapshot_id]
    for _ in range(2):
        last = publish(store, Altered(last, {}, parent=last.snapshot_id))
        ids.append(last.snapshot_id)
    return store, ids


def test_the_list_is_that_of_the_command_line_newest_first(three: tuple[Path, list[str]]) -> None:
    store, ids = three
    assert [r.snapshot_id for r in snapshots(store)] == ids[::-1]
    assert snapshots(store)[::-1] == list_snapshots(store)
    when = made(snapshots(store)[0])
    assert when is not None
    assert abs((datetime.now(UTC) - when).total_seconds()) < 600
    assert made(replace(snapshots(store)[0], created="")) is None


def test_a_snapshot_says_who_is_flagged(three: tuple[Path, list[str]]) -> None:
    store, ids = three
    seen = overview(open_snapshot(store, ids[0]))
    assert standing(store, ids[0]) == Standing(seen.n_flagged, seen.n_campaigns, "handmade 1")
    assert standing(store, "20200101-000000-00000000") == Standing(None, None, "")


def test_the_current_one_is_compared_with_the_one_it_was_made_from(three: tuple[Path, list[str]]) -> None:
    store, ids = three
    assert find_pair(store, None, None) == (ids[1], ids[2])
    assert find_pair(store, None, ids[1]) == (ids[0], ids[1])
    assert find_pair(store, ids[0], None) == (ids[0], ids[2])
    assert find_pair(store, ids[2], ids[0]) == (ids[2], ids[0])
    use(store, ids[1])
    assert find_pair(store, None, None) == (ids[0], ids[1])
    assert find_pair(store, None, ids[0]) is None


def test_a_parent_that_was_pruned_gives_way_to_the_one_before(three: tuple[Path, list[str]]) -> None:
    store, ids = three
    prune(store, 1)
    assert find_pair(store, None, None) is None
    with pytest.raises(NotFoundError, match=f"no snapshot '{ids[0]}': it may have been pruned"):
        find_pair(store, ids[0], None)
    with pytest.raises(NotFoundError, match=r"no snapshot '\.\./\.\./etc/passwd'"):
        find_pair(store, None, "../../etc/passwd")


def test_the_sentence_says_what_changed(three: tuple[Path, list[str]]) -> None:
    store, ids = three
    first = open_snapshot(store, ids[0])
    assert describe_difference(difference(first, first)) == (
        "Nothing that counts has changed between these two snapshots."
    )
    accounts = first.table("accounts")
    levels = {"chat-1": "review", "lone": "none", "shop": "watch"}
    pairs = zip(accounts["account_id"].to_pylist(), accounts["level"].to_pylist(), strict=True)
    after = Altered(first, {"accounts": with_column(accounts, "level", [levels.get(a, w) for a, w in pairs])})
    facts = difference(first, after)
    assert describe_difference(facts) == "2 accounts rose in level and 1 account fell in level."
    assert [(a.account_id, a.level_before, a.level_after) for a in facts.accounts.raised] == [
        ("chat-1", "none", "review"), ("shop", "none", "watch"),
    ]  # fmt: skip
    assert [a.account_id for a in facts.accounts.lowered] == ["lone"]
    grown = replace(facts, after=replace(facts.after, n_requests=facts.before.n_requests + 1200))
    assert describe_difference(grown).startswith("1,200 requests more, 2 accounts rose")
    shrunk = replace(facts, after=replace(facts.after, n_accounts=facts.before.n_accounts - 1))
    assert describe_difference(shrunk).startswith("1 account fewer, 2 accounts rose")
    clusters = replace(facts.clusters, by_event={"born": 2, "kept": 4, "split": 0, "merged": 0, "died": 1})
    assert describe_difference(replace(facts, clusters=clusters)).endswith("2 clusters born and 1 cluster died.")
