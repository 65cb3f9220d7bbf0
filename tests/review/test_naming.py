"""Names that analysts give to clusters: checked, kept in the trail, and bound to the branch that they were given in."""

from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from support.altered import Altered, publish
from support.small_store import write_small_store
from sweeplens.errors import StoreError
from sweeplens.report.campaign import campaign_evidence
from sweeplens.report.cluster import cluster_evidence, cluster_table
from sweeplens.report.columns import columns_of
from sweeplens.report.ground import prompt_rows
from sweeplens.review.database import write_review
from sweeplens.review.naming import LONGEST, cluster_names, last_naming, name_cluster, name_history
from sweeplens.review.people import Person
from sweeplens.store.snapshot import Snapshot, open_snapshot

ANN, BOB = Person("ann", verified=True), Person("bob")


@pytest.fixture
def store(tmp_path: Path) -> Path:
    write_small_store(tmp_path / "store")
    return tmp_path / "store"


def give(
    store: Path, cluster: int, name: str | None, *, pinned: bool = False, by: Person = ANN, where: str = ""
) -> None:
    snapshot_id = where or open_snapshot(store).snapshot_id
    name_cluster(store, cluster, name=name, pinned=pinned, by=by, snapshot_id=snapshot_id)


def test_the_last_name_counts_and_all_stay_in_the_trail(store: Path) -> None:
    give(store, 1, "  French  ")
    give(store, 1, "Translations", pinned=True, by=BOB)
    give(store, 2, "Sums")
    found = cluster_names(store)
    assert {c: (n.name, n.pinned) for c, n in found.items()} == {1: ("Translations", True), 2: ("Sums", False)}
    trail = name_history(store, 1)
    assert [(n.name, n.analyst, n.verified) for n in trail] == [("Translations", "bob", False), ("French", "ann", True)]
    assert trail[0].at >= trail[1].at
    assert trail[0].snapshot_id == open_snapshot(store).snapshot_id


def test_none_gives_the_name_that_the_map_found_back(store: Path) -> None:
    give(store, 1, "French")
    give(store, 1, None)
    assert cluster_names(store)[1].name is None
    assert columns_of(open_snapshot(store)).cluster_names[1] == "translate, french"


def test_what_changes_nothing_is_not_written_again(store: Path) -> None:
    give(store, 1, "French")
    last = last_naming(store)
    give(store, 1, "French ", by=BOB)
    assert (last_naming(store), len(name_history(store, 1))) == (last, 1)
    give(store, 1, "French", pinned=True)
    assert len(name_history(store, 1)) == 2


@pytest.mark.parametrize(
    ("name", "why"), [("", "empty"), ("  ", "empty"), ("x" * (LONGEST + 1), "at most 80"), ("a\nb", "one line"),
                      ("a\u2028b", "one line")],
)  # fmt: skip
def test_a_name_is_one_short_line(store: Path, name: str, why: str) -> None:
    with pytest.raises(StoreError, match=why):
        give(store, 1, name)
    with pytest.raises(StoreError, match="from 0 on"):
        give(store, -1, "none")
    assert cluster_names(store) == {}
    assert last_naming(store) == 0


@pytest.mark.parametrize("statement", ["DELETE FROM cluster_names", "UPDATE cluster_names SET name = 'x'"])
def test_the_trail_cannot_be_changed(store: Path, statement: str) -> None:
    give(store, 1, "French")

    def change() -> None:
        with write_review(store) as connection:
            connection.execute(text(statement))

    with pytest.raises((StoreError, DBAPIError), match="append-only"):
        change()
    assert cluster_names(store)[1].name == "French"


READ: dict[str, Callable[[Snapshot], object]] = {
    "table": lambda s: {r.cluster_id: r.name for r in cluster_table(s)}[1],
    "evidence": lambda s: cluster_evidence(s, 1).row.name,
    "prompts": lambda s: prompt_rows(s, [10])[0].cluster_name,
    "campaign": lambda s: next(c for c in campaign_evidence(s, "C-01").clusters.columns if c[0] == "1")[2:],
}


@pytest.mark.parametrize("where", list(READ))
def test_reports_show_the_given_name(store: Path, where: str) -> None:
    give(store, 1, "<b>French</b>")
    assert READ[where](open_snapshot(store)) == "<b>French</b>"


def test_the_table_keeps_the_found_name_and_has_pinned_ones_on_top(store: Path) -> None:
    give(store, 3, "Kitchen", pinned=True)
    rows = cluster_table(open_snapshot(store))
    assert [(r.cluster_id, r.pinned) for r in rows] == [(3, True), (0, False), (1, False), (2, False)]
    assert (rows[0].name, rows[0].found_name) == ("Kitchen", "soup, recipe")
    assert rows[1].name == rows[1].found_name == "python, function"


def test_an_open_snapshot_takes_names_up_when_it_is_told_to(store: Path) -> None:
    columns = columns_of(open_snapshot(store))
    assert (columns.cluster_names[1], columns.naming.last) == ("translate, french", 0)
    give(store, 1, "French", pinned=True)
    assert columns.cluster_names[1] == "translate, french"
    columns.read_names()
    assert (columns.cluster_names[1], columns.naming.pinned) == ("French", frozenset({1}))
    assert columns.naming.last == last_naming(store) > 0


def test_a_name_of_a_cluster_that_is_not_there_is_left_out(store: Path) -> None:
    give(store, 77, "Gone", pinned=True)
    columns = columns_of(open_snapshot(store))
    assert 77 not in columns.cluster_names
    assert columns.naming.pinned == frozenset()


def test_a_damaged_review_file_does_not_hide_the_clusters(store: Path, caplog: pytest.LogCaptureFixture) -> None:
    (store / "review.sqlite").write_bytes(b"this is no database, and long enough to be taken for a damaged one" * 20)
    assert columns_of(open_snapshot(store)).cluster_names[1] == "translate, french"
    assert "the names that the map found" in caplog.text


def branch(store: Path, parent: Snapshot) -> Snapshot:
    return publish(store, Altered(parent, {}, parent=parent.snapshot_id))


def test_names_go_along_a_branch_and_not_across(store: Path) -> None:
    root = open_snapshot(store)
    left, right = branch(store, root), branch(store, root)
    below = branch(store, left)
    give(store, 1, "French", where=left.snapshot_id)
    assert set(cluster_names(store, left.snapshot_id)) == {1}
    assert set(cluster_names(store, below.snapshot_id)) == {1}
    assert set(cluster_names(store, root.snapshot_id)) == {1}
    # The common snapshot does not say which ids it had given out, so that its clusters are taken for the same.
    assert set(cluster_names(store, right.snapshot_id)) == {1}
    assert cluster_names(store, "20200101-000000-00000000").keys() == {1}


def test_ids_that_another_branch_gave_out_mean_nothing_here(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    manifests = {
        "20260101-000000-aaaaaaaa": {"parent": None, "next_cluster": 5},
        "20260102-000000-bbbbbbbb": {"parent": "20260101-000000-aaaaaaaa", "next_cluster": 9},
        "20260103-000000-cccccccc": {"parent": "20260101-000000-aaaaaaaa", "next_cluster": 7},
        "20260104-000000-dddddddd": {"parent": None, "next_cluster": 4},
    }
    monkeypatch.setattr("sweeplens.review.naming.read_manifest", lambda folder: manifests[folder.name])
    _, left, right, other = manifests
    give(store, 3, "old", where=left)
    give(store, 6, "new", where=left)
    assert set(cluster_names(store, left)) == {3, 6}
    assert set(cluster_names(store, right)) == {3}
    assert set(cluster_names(store, other)) == set()
    give(store, 6, "another", where=right)
    assert cluster_names(store, right)[6].name == "another"
    assert cluster_names(store, left)[6].name == "new"
