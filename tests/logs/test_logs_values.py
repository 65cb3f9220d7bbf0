"""Times, identifiers, counts and prompts in every shape that logs write them in."""

from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sweeplens.logs.turns import to_turns
from sweeplens.logs.values import Micros, RowError, clean, to_count, to_identifier, to_micros

MICROS = 1_775_469_603_649_000
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MOMENTS = st.datetimes(datetime(1970, 4, 1), datetime(2199, 12, 30))  # noqa: DTZ001
OFFSETS = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))


@pytest.mark.parametrize(
    "value",
    [
        "2026-04-06T10:00:03.649Z",
        "2026-04-06T10:00:03.649",
        "2026-04-06 10:00:03.649000000",
        "2026-04-06t10:00:03.649z",
        "2026-04-06T12:00:03.649+02:00",
        "2026-04-06 15:30:03.649+0530",
        "2026-04-06 10:00:03.649 UTC",
        "20260406T100003.649",
        " 2026-04-06T10:00:03,649Z ",
        1_775_469_603.649,
        "1775469603.649",
        Decimal("1775469603.649"),
        1_775_469_603_649,
        "1775469603649",
        1_775_469_603_649.0,
        MICROS,
        str(MICROS),
        MICROS * 1000 + 999,
        str(MICROS * 1000),
        datetime(2026, 4, 6, 10, 0, 3, 649_000, UTC),
        datetime(2026, 4, 6, 10, 0, 3, 649_000),  # noqa: DTZ001
        pd.Timestamp(MICROS * 1000 + 999, unit="ns"),
        pd.Timestamp(MICROS, unit="us", tz="Asia/Tokyo"),
        Micros(MICROS),
    ],
)
def test_one_time_written_in_many_ways(value):
    assert to_micros(value) == MICROS


def test_days_seconds_and_small_numbers():
    day = 1_775_433_600_000_000
    for value in ("2026-04-06", "20260406", "20260406000000", date(2026, 4, 6), 1_775_433_600, "1775433600"):
        assert to_micros(value) == day
    assert to_micros(0) == 0
    assert to_micros(Micros(5)) == 5
    assert to_micros(90_000_000) == 90_000_000_000_000


@pytest.mark.parametrize("value", [None, "", "  ", float("nan"), pd.NaT])
def test_no_time(value):
    assert to_micros(value) is None


@pytest.mark.parametrize(
    "value",
    [
        "yesterday",
        "2026-13-01",
        "2026-04-06T25:00",
        "12:30",
        "1,775,469,603",
        True,
        [],
        {},
        b"2026-04-06",
        "2026-04",
        -1,
        "-5",
        float("inf"),
        10**19,
        "9" * 21,
        "1969-12-31T23:59:59Z",
        "2200-01-01",
        datetime(9999, 12, 31, tzinfo=UTC),
        Micros(-1),
    ],
)
def test_unusable_times(value):
    with pytest.raises(RowError, match=r"^ts (is not a time|lies outside)"):
        to_micros(value)


@given(MOMENTS, OFFSETS, st.sampled_from("T "))
def test_iso_text_keeps_every_microsecond(moment, offset, separator):
    aware = moment.replace(tzinfo=offset)
    expected = (aware - EPOCH) // timedelta(microseconds=1)
    assert to_micros(aware.isoformat(separator)) == expected
    assert to_micros(aware) == expected
    assert to_micros(moment.isoformat(separator)) == to_micros(moment.replace(tzinfo=UTC))


@given(MOMENTS)
def test_every_unit_of_an_epoch_is_recognised(moment):
    micros = (moment.replace(tzinfo=UTC) - EPOCH) // timedelta(microseconds=1)
    seconds, millis = micros // 10**6, micros // 10**3
    assert to_micros(seconds) == to_micros(str(seconds)) == seconds * 10**6
    assert to_micros(millis) == to_micros(str(millis)) == millis * 10**3
    assert to_micros(micros) == to_micros(str(micros)) == micros
    assert to_micros(micros * 1000) == to_micros(str(micros * 1000 + 1)) == micros
    assert to_micros(micros / 1e6) == pytest.approx(micros, abs=1)
    assert to_micros(f"{seconds}.{micros % 10**6:06}") == micros


@given(st.text() | st.floats() | st.integers() | st.none() | st.binary() | st.lists(st.text()))
def test_anything_is_a_time_or_a_reason(value):
    try:
        micros = to_micros(value)
    except RowError:
        micros = None
    assert micros is None or 0 <= micros < 7_258_118_400_000_000


@given(st.text(st.characters(codec=None)))
def test_cleaned_text_can_be_written(text):
    cleaned = clean(text)
    assert "\0" not in cleaned.encode("utf-8").decode("utf-8")
    assert len(cleaned) == len(text)
    assert clean(cleaned) == cleaned


def test_identifiers():
    values = [" a ", 7, b"x", "", None, float("nan"), "a\0b"]
    assert [to_identifier(value, "ip") for value in values] == ["a", "7", "x", None, None, None, "a\ufffdb"]
    with pytest.raises(RowError, match="ip is not valid UTF-8"):
        to_identifier(b"\xff", "ip")


def test_counts():
    assert [to_count(value, "tokens_in") for value in (0, "12", 3.0, Decimal(4), "", None)] == [0, 12, 3, 4, None, None]
    for value in (True, 1.5, 2**31, "1e3", "٣" * 30, []):
        with pytest.raises(RowError, match="tokens_in must be a whole number"):
            to_count(value, "tokens_in")


def test_a_prompt_that_looks_like_json_stays_text():
    for text in ('[{"a": 1}]', "[{broken}]", "[{}]", '{"role": "user"}'):
        assert to_turns(text) == (text, None)


def test_single_messages_and_wrapped_conversations():
    message = {"role": "user", "content": "Hi"}
    assert to_turns(message) == ("Hi", None)
    assert to_turns({"messages": [{"role": "developer", "content": "Be brief."}, message]}) == ("Hi", "Be brief.")
    assert to_turns({"text": "Hi"}) == ("Hi", None)
    assert to_turns([]) == (None, None)
    assert to_turns(None) == (None, None)
