"""When an analyst was here last, and on which snapshot."""

from datetime import datetime, timedelta
from pathlib import Path

import pytest

from sweeplens.review import desk
from sweeplens.review.desk import note_visit
from sweeplens.review.people import Person

ADA = Person("ada")
HOUR = timedelta(hours=1)


class Clock(datetime):
    """A clock that a test sets ahead."""

    ahead = timedelta()

    @classmethod
    def now(cls, tz: object = None) -> datetime:
        return datetime.now(tz) + cls.ahead  # type: ignore[arg-type] # a time zone


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> type[Clock]:
    monkeypatch.setattr(desk, "datetime", Clock)
    monkeypatch.setattr(Clock, "ahead", timedelta())
    return Clock


def test_the_visit_before_is_known_and_each_analyst_has_their_own(tmp_path: Path) -> None:
    assert note_visit(tmp_path, ADA, "s1") is None
    before = note_visit(tmp_path, ADA, "s2")
    assert before is not None
    assert before.snapshot_id == "s1"
    assert note_visit(tmp_path, Person("bob"), "s2") is None


def test_the_same_snapshot_again_within_twelve_hours_is_the_same_visit(tmp_path: Path, clock: type[Clock]) -> None:
    note_visit(tmp_path, ADA, "s1")
    note_visit(tmp_path, ADA, "s2")
    clock.ahead = 11 * HOUR
    again = note_visit(tmp_path, ADA, "s2")
    assert again is not None
    assert again.snapshot_id == "s1"
    clock.ahead = 13 * HOUR
    later = note_visit(tmp_path, ADA, "s2")
    assert later is not None
    assert later.snapshot_id == "s2"


def test_only_the_last_twenty_visits_are_kept(tmp_path: Path, clock: type[Clock]) -> None:
    for n in range(25):
        clock.ahead = n * 24 * HOUR
        note_visit(tmp_path, ADA, f"s{n}")
    from sqlalchemy import func, select

    from sweeplens.review.database import read_review
    from sweeplens.review.tables import visits

    with read_review(tmp_path) as connection:
        assert connection is not None
        assert connection.execute(select(func.count()).select_from(visits)).scalar_one() == 20
