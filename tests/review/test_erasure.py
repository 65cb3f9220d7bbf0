"""What was written about an account goes for good; that it went, and how much, stays."""

import multiprocessing
import os
import signal
import sqlite3
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import event
from sqlalchemy.engine import Engine

from sweeplens.errors import StoreError
from sweeplens.review import add_verdict, forget_accounts, history, latest_verdicts
from sweeplens.review import database as database_module
from sweeplens.review.database import FILE, purge_review

ABOUT = {"snapshot_id": "20260302-090000-00000000", "detector": "shipped 1"}
GONE = "acct-2231-mallory"
NOTE = "he writes from the same address as ever"


@pytest.fixture
def store(tmp_path: Path) -> Path:
    fill(tmp_path)
    return tmp_path


def fill(store: Path) -> None:
    """Leave verdicts on the account, before, between and after those on others."""
    for i in range(40):
        add_verdict(store, "account", f"other-{i:03d}", "benign", note=f"note {i} " + "x" * 300, **ABOUT)
        if i % 10 == 3:
            add_verdict(store, "account", GONE, "unsure", note=f"{NOTE} {i}", **ABOUT)
    add_verdict(store, "campaign", "C-07", "confirmed sweep", note=f"with {GONE}, and {GONE}-b; {GONE}.", **ABOUT)
    add_verdict(store, "campaign", GONE, "tenant", note="a campaign of that name", **ABOUT)


def raw(store: Path) -> bytes:
    return b"".join(path.read_bytes() for path in sorted(store.iterdir()) if path.is_file())


def test_verdicts_and_notes_go_and_no_byte_of_them_stays(store: Path) -> None:
    assert NOTE.encode() in raw(store)
    others = {key: v for key, v in latest_verdicts(store).items() if key[0] == "account" and key[1] != GONE}
    assert forget_accounts(store, [GONE, "other-000"]) == 5
    assert history(store, "account", GONE) == history(store, "account", "other-000") == []
    assert NOTE.encode() not in raw(store)
    left = latest_verdicts(store)
    assert {key: v for key, v in left.items() if key[0] == "account"} == {
        key: v for key, v in others.items() if key[1] != "other-000"
    }


def test_an_id_in_the_notes_on_others_is_taken_out_and_longer_ids_stay(store: Path) -> None:
    forget_accounts(store, [GONE])
    (verdict,) = history(store, "campaign", "C-07")
    assert verdict.note == f"with [erased], and {GONE}-b; [erased]."
    assert verdict.verdict == "confirmed sweep"


def test_short_ids_and_wildcards_change_no_note_on_others(store: Path) -> None:
    kept = add_verdict(store, "account", "x-1", "benign", note="a 100% sure thing, a_c and abc", **ABOUT)
    add_verdict(store, "account", "a", "unsure", **ABOUT)
    add_verdict(store, "account", "a%c_", "unsure", **ABOUT)
    assert forget_accounts(store, ["a", "a%c_", "%%%%", "____"]) == 2
    assert history(store, "account", "x-1") == [kept]


def test_the_trail_says_when_and_how_much_was_erased_but_not_whose(store: Path) -> None:
    forget_accounts(store, [GONE])
    forget_accounts(store, [GONE])
    with sqlite3.connect(store / FILE) as connection:
        ((at, n_verdicts, n_notes),) = connection.execute("SELECT at, n_verdicts, n_notes FROM erasures").fetchall()
        assert connection.execute("SELECT max(id), count(*) FROM verdicts").fetchone() == (46, 42)
    assert (n_verdicts, n_notes) == (4, 1)
    assert abs((datetime.now(UTC) - datetime.fromisoformat(at).replace(tzinfo=UTC)).total_seconds()) < 60


def test_afterwards_nothing_can_be_changed_again(store: Path) -> None:
    forget_accounts(store, [GONE])
    add_verdict(store, "account", GONE, "benign", note="a new one", **ABOUT)
    with sqlite3.connect(store / FILE) as connection:
        for statement in ("DELETE FROM verdicts", "UPDATE verdicts SET note = ''"):
            with pytest.raises(sqlite3.IntegrityError, match="append-only"):
                connection.execute(statement)
    assert [v.note for v in history(store, "account", GONE)] == ["a new one"]


def test_a_store_without_verdicts_stays_untouched(tmp_path: Path) -> None:
    assert forget_accounts(tmp_path, [GONE]) == 0
    assert list(tmp_path.iterdir()) == []


def test_a_reader_that_holds_the_old_state_is_said_and_the_next_call_goes_on(
    store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database_module, "_WAIT", 0.2)
    reader = sqlite3.connect(store / FILE, isolation_level=None)
    reader.execute("BEGIN")
    assert reader.execute("SELECT count(*) FROM verdicts").fetchone() == (46,)
    with pytest.raises(StoreError, match="being read by another process"):
        forget_accounts(store, [GONE])
    assert history(store, "account", GONE) == []
    assert reader.execute("SELECT count(*) FROM verdicts").fetchone() == (46,)
    reader.close()
    assert forget_accounts(store, [GONE]) == 0
    assert NOTE.encode() not in raw(store)


def _forget_until_killed(store: Path, at: int) -> None:
    count = 0

    def kill(*_: object) -> None:
        nonlocal count
        count += 1
        if count == at:
            os.kill(os.getpid(), signal.SIGKILL)

    event.listen(Engine, "before_cursor_execute", kill)
    event.listen(Engine, "commit", kill)
    forget_accounts(store, [GONE])


def test_a_kill_between_any_two_statements_leaves_the_trail_closed_and_the_next_run_forgets(tmp_path: Path) -> None:
    context = multiprocessing.get_context("fork")
    for at in range(1, 150):
        store = tmp_path / str(at)
        store.mkdir()
        add_verdict(store, "account", "other", "benign", note=f"like {GONE}", **ABOUT)
        add_verdict(store, "account", GONE, "unsure", note=NOTE, **ABOUT)
        victim = context.Process(target=_forget_until_killed, args=(store, at))
        victim.start()
        victim.join(30)
        with sqlite3.connect(store / FILE) as connection:
            assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
            assert connection.execute("SELECT count(*) FROM sqlite_master WHERE type = 'trigger'").fetchone() == (8,)
            rows = connection.execute("SELECT note FROM verdicts ORDER BY id").fetchall()
        connection.close()
        assert rows in ([(f"like {GONE}",), (NOTE,)], [("like [erased]",)])
        forget_accounts(store, [GONE])
        assert NOTE.encode() not in raw(store)
        assert GONE.encode() not in raw(store)
        assert [v.note for v in history(store, "account", "other")] == ["like [erased]"]
        if victim.exitcode == 0:
            break
        assert victim.exitcode == -signal.SIGKILL
    assert victim.exitcode == 0
    assert at > 8


def test_an_earlier_file_can_be_erased_from(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / FILE) as connection:
        connection.executescript(
            f"""
            CREATE TABLE verdicts (id INTEGER PRIMARY KEY AUTOINCREMENT, kind VARCHAR(16) NOT NULL,
                subject TEXT NOT NULL, verdict VARCHAR(32) NOT NULL, note TEXT NOT NULL, analyst TEXT NOT NULL,
                verified BOOLEAN NOT NULL, at DATETIME NOT NULL, snapshot_id TEXT NOT NULL, detector TEXT NOT NULL);
            INSERT INTO verdicts VALUES (1, 'account', '{GONE}', 'benign', '{NOTE}', 'ann', 0,
                '2026-03-02 09:00:00.000000', '20260302-090000-00000000', 'shipped 1');
            PRAGMA user_version=1;
            """
        )
    connection.close()
    assert forget_accounts(tmp_path, [GONE]) == 1
    assert NOTE.encode() not in raw(tmp_path)
    purge_review(tmp_path)
    assert latest_verdicts(tmp_path) == {}
