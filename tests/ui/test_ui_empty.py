"""Stores that have nothing to show: one sentence that says what to do, and never a traceback."""

import shutil
from pathlib import Path

import pytest
from ui_app import open_app, texts


@pytest.fixture
def copied(store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    target = tmp_path / "copy"
    shutil.copytree(store, target)
    monkeypatch.setenv("SWEEPLENS_STORE", str(target))
    return target


def said(store: Path, page: str = "") -> str:
    app = open_app(store, page)
    assert not app.exception
    return texts(app)


def test_a_store_that_does_not_exist(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SWEEPLENS_STORE", str(tmp_path / "none"))
    assert "sweeplens build LOG" in said(tmp_path)


def test_a_store_without_a_snapshot(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SWEEPLENS_STORE", str(tmp_path))
    assert "holds no snapshot yet" in said(tmp_path)


def test_a_setting_that_cannot_be_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SWEEPLENS_WORKERS", "many")
    assert "SWEEPLENS_WORKERS must be of type int" in said(tmp_path)


def test_a_damaged_pointer(copied: Path) -> None:
    (copied / "CURRENT").write_text("nonsense")
    assert "is damaged" in said(copied)


def test_a_table_that_was_cut_short(copied: Path) -> None:
    table = next(copied.glob("*/accounts.parquet"))
    table.write_bytes(table.read_bytes()[:-10])
    assert "accounts.parquet" in said(copied)


def test_a_table_of_the_right_size_that_is_junk(copied: Path) -> None:
    table = next(copied.glob("*/accounts.parquet"))
    table.write_bytes(b"x" * table.stat().st_size)
    assert "accounts.parquet" in said(copied)


def test_a_log_without_campaigns(copied: Path) -> None:
    from sweeplens.store.publish import write_snapshot
    from sweeplens.store.schema import TABLES, empty_columns, make_table
    from sweeplens.store.snapshot import open_snapshot

    old = open_snapshot(copied)
    with write_snapshot(copied) as writer:
        for name in TABLES:
            table = old.table(name)
            if name == "campaigns":
                table = make_table(name, empty_columns(name))
            if name == "accounts":
                columns = {c: table[c] for c in table.column_names if c != "campaign_id"}
                table = make_table(name, columns)
            writer.add_table(name, table)
        for name in ("vectors", "cells", "index"):
            writer.adopt(old, name)
        writer.publish({k: old.manifest[k] for k in ("encoder", "detector", "counts")})
    assert "No accounts of this log act alike enough" in said(copied, "campaign")
    assert "0 campaigns" in said(copied)


def test_a_new_snapshot_is_shown_on_the_next_run(copied: Path) -> None:
    from support.small_store import write_small_store

    app = open_app(copied)
    before = texts(app)
    fresh = write_small_store(copied)
    app.run()
    assert fresh.snapshot_id not in before
    assert fresh.snapshot_id in texts(app)
