"""Hours of the day: what is the same, what are shifts, and what is around the clock."""

import numpy as np
import pytest

from sweeplens.report.facts import Matrix
from sweeplens.report.rhythm import busy_hours, describe_hours, hours_alike, rhythm_title


def day(**requests: int) -> np.ndarray:
    """Return a day's counts; h09=5 means five requests between 9 and 10."""
    counts = np.zeros(24)
    for hour, n in requests.items():
        counts[int(hour[1:])] = n
    return counts


OFFICE = day(h09=5, h10=5, h11=5, h14=5)
SHIFTS = np.array([np.roll(np.repeat([4.0, 0.0], [8, 16]), 8 * i) for i in range(3)])


def test_likeness_of_hours_is_the_mean_cosine_of_smoothed_days() -> None:
    counts = np.array([OFFICE, np.roll(OFFICE, 1), np.roll(OFFICE, 12)])
    smooth = [
        [sum(c[h] * np.exp(-0.5 * (min(abs(h - k), 24 - abs(h - k)) / 1.5) ** 2) for h in range(24)) for k in range(24)]
        for c in counts
    ]
    unit = [np.array(s) / np.linalg.norm(s) for s in smooth]
    expected = np.mean([unit[0] @ unit[1], unit[0] @ unit[2], unit[1] @ unit[2]])
    assert hours_alike(counts) == pytest.approx(expected)


def test_members_with_few_requests_say_nothing() -> None:
    assert hours_alike(np.array([OFFICE, day(h03=9)])) is None
    assert describe_hours(np.array([day(h03=9)])) == ""


def test_busy_hours_are_the_shortest_window_also_around_midnight() -> None:
    assert busy_hours(OFFICE) == (9, 6)
    assert busy_hours(day(h23=5, h00=5, h12=1)) == (23, 2)
    assert busy_hours(np.ones(24)) == (0, 22)
    assert busy_hours(np.zeros(24)) is None


def test_the_same_hours_shifts_and_around_the_clock_are_told_apart() -> None:
    assert describe_hours(np.array([OFFICE] * 4)) == "in the same hours, from 09 to 15 h UTC"
    assert describe_hours(SHIFTS) == "in shifts that together fill the day"
    assert describe_hours(np.ones((5, 24))) == "around the clock"
    assert describe_hours(np.array([day(h03=20), day(h12=20)])) == "in shifts that together fill 10 hours of the day"
    assert describe_hours(np.array([OFFICE, np.roll(OFFICE, 3)])).startswith("mostly from ")


def test_scattered_requests_are_no_shifts() -> None:
    counts = np.zeros((8, 24))
    for member in range(8):
        counts[member, [(5 * member + 3 * member * k + 7 * k) % 24 for k in range(6)]] = 2
    assert "shifts" not in describe_hours(counts)


def test_the_title_has_days_and_hours() -> None:
    days = Matrix(("a", "b"), ("2026-03-02",), np.ones((2, 1), np.float32))
    hours = Matrix(("a", "b"), tuple(f"{h:02d}" for h in range(24)), np.array([OFFICE, OFFICE], np.float32))
    assert rhythm_title(days, hours) == (
        "On the busiest day 2 of 2 members are at work; in the same hours, from 09 to 15 h UTC"
    )
    two_days = Matrix(("a", "b"), ("2026-03-02", "2026-03-03"), np.array([[1, 1], [1, 0]], np.float32))
    assert rhythm_title(two_days, hours).startswith(
        "On the busiest day 2 of 2 members are at work, on a typical one 1;"
    )
    assert rhythm_title(Matrix(("a",), (), np.zeros((1, 0), np.float32)), hours).startswith("The log has no times")
