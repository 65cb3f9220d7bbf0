"""Releases are read from a file or said to be wrong in one sentence, and models are dated by the log."""

from datetime import UTC, date, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pyarrow as pa
import pytest

from sweeplens.errors import ConfigError
from sweeplens.report.releases import Release, first_days, load_releases
from sweeplens.store.snapshot import Snapshot


def written(folder: Path, text: str) -> Path:
    path = folder / "releases.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_releases_come_oldest_first(tmp_path: Path) -> None:
    path = written(
        tmp_path,
        '[[release]]\ndate = 2026-03-09\nname = "Second"\n'
        '[[release]]\ndate = 2026-03-02T12:00:00Z\nname = "First\\u202e one"\n',
    )
    assert load_releases(path) == (
        Release(date(2026, 3, 2), "First\\u202e one"), Release(date(2026, 3, 9), "Second"),
    )  # fmt: skip
    assert load_releases(written(tmp_path, "")) == ()


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[[release]\n", "is not TOML"),
        ('name = "x"\n', r"must hold \[\[release\]\] tables alone, but it has 'name'"),
        ("release = 3\n", r"must hold \[\[release\]\] tables alone"),
        ("[[release]]\ndate = 2026-03-02\n", "release 1 of .* must have a date and a name"),
        ('[[release]]\ndate = 2026-03-02\nname = "x"\nmore = 1\n', "and nothing else"),
        ('[[release]]\ndate = "2026-03-02"\nname = "x"\n', "must be a day such as 2026-03-02, without quotes"),
        ("[[release]]\ndate = 2026-03-02\nname = 5\n", "must be a text"),
    ],
)
def test_what_is_wrong_is_said_in_one_sentence(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(ConfigError, match=says) as caught:
        load_releases(written(tmp_path, text))
    assert "\n" not in str(caught.value)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        load_releases(tmp_path / "none.toml")


def log_of(*rows: tuple[datetime | None, str | None]) -> Any:
    table = pa.table(
        {
            "ts": pa.array([ts for ts, _ in rows], pa.timestamp("us", "UTC")),
            "model": pa.array([model for _, model in rows], pa.string()).dictionary_encode(),
        }
    )
    return SimpleNamespace(table=lambda name, columns: table.select(columns))


def test_models_are_dated_by_their_first_request_unless_they_were_always_there() -> None:
    def day(n: int) -> datetime:
        return datetime(2026, 3, n, 12, tzinfo=UTC)

    log = log_of(
        (day(2), "old"), (day(9), "new"), (day(5), "new"), (day(4), None), (None, "undated"), (day(7), "a\x1b")
    )
    assert first_days(log) == (Release(date(2026, 3, 5), "new"), Release(date(2026, 3, 7), "a\\x1b"))


def test_a_log_without_models_dates_none(snapshot: Snapshot) -> None:
    assert first_days(snapshot) == ()
