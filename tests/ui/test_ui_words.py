"""Numbers, times and ages as people read them."""

from datetime import UTC, datetime

import pytest

from sweeplens.ui import words
from sweeplens.ui.theme import THIN


def test_counts_have_thin_spaces() -> None:
    assert words.count(1204) == f"1{THIN}204"
    assert words.counted(1, "account") == "1 account"
    assert words.counted(0, "account") == "0 accounts"


def test_commas_of_sentences_become_thin_spaces_only_inside_numbers() -> None:
    assert words.thin("0.97, above 99.6 % of 1,204,000 accounts, 12,34") == (
        f"0.97, above 99.6 % of 1{THIN}204{THIN}000 accounts, 12,34"
    )


@pytest.mark.parametrize(
    ("value", "shown"),
    [(None, "–"), (0.0, "0"), (0.01234, "0.012"), (1.0, "1"), (12.34, "12"), (-3.456, "-3.5"), (1234.5, f"1{THIN}234")],
)
def test_short_numbers_have_two_significant_digits(value: float | None, shown: str) -> None:
    assert words.short(value) == shown


def test_a_score_has_two_digits_or_a_dash() -> None:
    assert words.score(0.9712) == "0.97"
    assert words.score(None) == "–"


@pytest.mark.parametrize(
    ("days", "shown"),
    [
        (None, "unknown age"), (0.0, "under a minute"), (1 / 1440, "1 minute"), (0.5, "12 hours"), (1.5, "36 hours"),
        (2.0, "2 days"), (40.7, "40 days"), (-1.0, "under a minute"),
    ],
)  # fmt: skip
def test_an_age_has_its_natural_unit(days: float | None, shown: str) -> None:
    assert words.age(days) == shown


def test_a_period_says_what_both_ends_share_once() -> None:
    first, last = datetime(2026, 3, 2, 9, tzinfo=UTC), datetime(2026, 4, 12, 8, tzinfo=UTC)
    assert words.period(first, last) == "2 Mar – 12 Apr 2026"
    assert words.period(first, first) == "2 Mar 2026"
    assert words.period(first, datetime(2027, 1, 1, tzinfo=UTC)) == "2 Mar 2026 – 1 Jan 2027"
    assert words.period(None, last) == "without times"
    assert words.moment(first) == "2026-03-02 09:00"
