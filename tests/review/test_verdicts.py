"""Verdicts are added, never changed, and survive two writers."""

import os
import sqlite3
import stat
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from sweeplens.errors import SchemaError, StoreError
from sweeplens.review import add_verdict, history, latest_verdicts
from sweeplens.review.database import FILE

ABOUT = {"snapshot_id": "20260302-090000-00000000", "detector": "shipped 1"}


@pytest.fixture
def store(tmp_path: Path) -> Path:
    return tmp_path


def test_last_verdict_counts_and_all_are_kept(store: Path) -> None:
    first = add_verdict(store, "account", "a-1", "unsure", note=" looks odd ", **ABOUT)
    second = add_verdict(store, "account", "a-1", "benign", **ABOUT)
    other = add_verdict(store, "campaign", "a-1", "confirmed sweep", **ABOUT)
    assert latest_verdicts(store) == {("account", "a-1"): second, ("campaign", "a-1"): other}
    assert history(store, "account", "a-1") == [second, first]
    assert first.note == "looks odd"
    assert (first.verified, first.analyst != "") == (False, True)
    assert abs((datetime.now(UTC) - first.at).total_seconds()) < 60


def test_a_store_without_verdicts_reads_as_empty_and_stays_untouched(store: Path) -> None:
    assert latest_verdicts(store) == {}
    assert history(store, "account", "a-1") == []
    assert list(store.iterdir()) == []


def test_file_is_private_and_in_wal_mode(store: Path) -> None:
    before = os.umask(0)
    try:
        add_verdict(store, "account", "a-1", "benign", **ABOUT)
    finally:
        os.umask(before)
    for path in store.iterdir():
        assert stat.S_IMODE(path.stat().st_mode) == 0o600, path.name
    with sqlite3.connect(store / FILE) as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)


@pytest.mark.parametrize("statement", ["UPDATE verdicts SET verdict = 'benign'", "DELETE FROM verdicts"])
def test_nothing_can_be_changed(store: Path, statement: str) -> None:
    kept = add_verdict(store, "account", "a-1", "tenant", **ABOUT)
    with sqlite3.connect(store / FILE) as connection, pytest.raises(sqlite3.IntegrityError, match="append-only"):
        connection.execute(statement)
    assert history(store, "account", "a-1") == [kept]


@pytest.mark.parametrize(
    ("kind", "subject", "verdict", "note", "said"),
    [
        ("cluster", "1", "benign", "", "account, campaign"),
        ("account", "1", "evil", "", "confirmed sweep, benign"),
        ("account", "", "benign", "", "id is empty"),
        ("account", "1", "benign", "x" * 10_001, "10001"),
    ],
)
def test_what_is_not_a_verdict_is_refused(
    store: Path, kind: str, subject: str, verdict: str, note: str, said: str
) -> None:
    with pytest.raises(StoreError, match=said):
        add_verdict(store, kind, subject, verdict, note=note, **ABOUT)
    assert latest_verdicts(store) == {}


def test_hostile_text_comes_back_as_it_was(store: Path) -> None:
    subject = "'; DROP TABLE verdicts; --\x1b[31m"
    add_verdict(store, "account", subject, "benign", note="<b>'\"</b>\nline two", **ABOUT)
    assert latest_verdicts(store)["account", subject].note == "<b>'\"</b>\nline two"


def test_missing_store_damaged_file_and_newer_version_are_said(store: Path) -> None:
    with pytest.raises(StoreError, match="does not exist"):
        add_verdict(store / "none", "account", "a", "benign", **ABOUT)
    add_verdict(store, "account", "a", "benign", **ABOUT)
    with sqlite3.connect(store / FILE) as connection:
        connection.execute("PRAGMA user_version=9")
    with pytest.raises(SchemaError, match="version 9"):
        latest_verdicts(store)
    (store / "bad").mkdir()
    (store / "bad" / FILE).write_bytes(b"not a database, but long enough to be looked at " * 30)
    with pytest.raises(StoreError, match="cannot be read"):
        latest_verdicts(store / "bad")


def test_two_processes_write_at_once_from_the_very_start(store: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from sweeplens.review import add_verdict\n"
        "for i in range(25):\n"
        "    add_verdict(Path(sys.argv[1]), 'account', f'{sys.argv[2]}-{i}', 'benign', snapshot_id='s', detector='d')\n"
    )
    writers = [subprocess.Popen([sys.executable, "-c", code, str(store), name]) for name in ("a", "b")]
    assert [writer.wait(60) for writer in writers] == [0, 0]
    found = latest_verdicts(store)
    assert set(found) == {("account", f"{name}-{i}") for name in ("a", "b") for i in range(25)}
    assert sorted(v.id for v in found.values()) == list(range(1, 51))


def write_first_version(store: Path) -> None:
    """Write a review file as the first version made it: without the column `inclusion`."""
    with sqlite3.connect(store / FILE) as connection:
        connection.executescript(
            """
            CREATE TABLE verdicts (id INTEGER PRIMARY KEY AUTOINCREMENT, kind VARCHAR(16) NOT NULL,
                subject TEXT NOT NULL, verdict VARCHAR(32) NOT NULL, note TEXT NOT NULL, analyst TEXT NOT NULL,
                verified BOOLEAN NOT NULL, at DATETIME NOT NULL, snapshot_id TEXT NOT NULL, detector TEXT NOT NULL);
            CREATE TRIGGER verdicts_no_update BEFORE UPDATE ON verdicts
                BEGIN SELECT RAISE(ABORT, 'verdicts are append-only'); END;
            INSERT INTO verdicts VALUES (1, 'account', 'a-1', 'benign', 'old', 'ann', 0,
                '2026-03-02 09:00:00.000000', '20260302-090000-00000000', 'shipped 1');
            PRAGMA user_version=1;
            """
        )


def test_the_chance_of_being_drawn_is_kept(store: Path) -> None:
    chosen = add_verdict(store, "account", "a-1", "benign", **ABOUT)
    drawn = add_verdict(store, "account", "a-2", "benign", inclusion=0.02, **ABOUT)
    assert (chosen.inclusion, drawn.inclusion) == (None, 0.02)
    assert latest_verdicts(store) == {("account", "a-1"): chosen, ("account", "a-2"): drawn}
    for wrong in (0.0, 1.5, float("nan")):
        with pytest.raises(StoreError, match="above 0 and at most 1"):
            add_verdict(store, "account", "a-3", "benign", inclusion=wrong, **ABOUT)


def test_a_file_of_the_first_version_reads_as_it_is_and_gains_the_column_at_the_next_verdict(store: Path) -> None:
    write_first_version(store)
    (old,) = history(store, "account", "a-1")
    assert (old.note, old.inclusion, old.at) == ("old", None, datetime(2026, 3, 2, 9, 0, tzinfo=UTC))
    assert latest_verdicts(store) == {("account", "a-1"): old}
    with sqlite3.connect(store / FILE) as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (1,)
    new = add_verdict(store, "account", "a-1", "confirmed sweep", inclusion=0.5, **ABOUT)
    assert history(store, "account", "a-1") == [new, old]
    with sqlite3.connect(store / FILE) as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (4,)
        with pytest.raises(sqlite3.IntegrityError, match="append-only"):
            connection.execute("UPDATE verdicts SET note = ''")
        with pytest.raises(sqlite3.IntegrityError, match="CHECK"):
            connection.execute("INSERT INTO verdicts SELECT 9, kind, subject, verdict, note, analyst, verified, at, "
                               "snapshot_id, detector, 2.0, NULL, NULL, NULL FROM verdicts WHERE id = 1")  # fmt: skip


def test_a_store_that_cannot_be_written_is_read_as_it_lies(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = add_verdict(store, "account", "a #?1", "benign", **ABOUT)
    before = sorted(path.name for path in store.iterdir())
    monkeypatch.setattr("sweeplens.review.database.os.access", lambda *_: False)
    assert latest_verdicts(store) == {("account", "a #?1"): kept}
    assert sorted(path.name for path in store.iterdir()) == before
    with sqlite3.connect(store / FILE) as writer:  # a journal that is not yet a part of the file counts, too
        writer.execute("PRAGMA wal_autocheckpoint=0")
        writer.execute("INSERT INTO verdicts SELECT 9, kind, subject, 'tenant', note, analyst, verified, at, "
                       "snapshot_id, detector, NULL, NULL, NULL, NULL FROM verdicts")  # fmt: skip
        writer.commit()
        assert [v.verdict for v in history(store, "account", "a #?1")] == ["tenant", "benign"]
