"""Turn what a log row holds into the types of a canonical request, or say what was expected instead."""

import json
import re
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_EPOCH_NAIVE = datetime(1970, 1, 1)  # noqa: DTZ001 - a time without an offset counts as UTC
_MICROSECOND = timedelta(microseconds=1)
_YEAR_2200 = 7_258_118_400  # seconds
_NUMBER = re.compile(r"[+-]?\d{1,20}(\.\d{1,20})?", re.ASCII)
_BROKEN = re.compile("[\x00\ud800-\udfff]")
_MAX_INT32 = 2**31 - 1

TS_REASON = "ts is not a time: expected ISO 8601, or seconds, milliseconds, microseconds or nanoseconds since 1970"
TS_RANGE_REASON = "ts lies outside the years 1970 to 2199"


class RowError(ValueError):
    """A row cannot be used; the message is the reason for the reject and holds nothing of the row."""


class Micros(int):
    """Microseconds since 1970 in UTC: a time whose unit is known, so that it need not be guessed from its size."""


def clean(text: str) -> str:
    """Replace what neither JSON nor Parquet can hold, unpaired surrogates and NUL, by U+FFFD."""
    if text.isascii() and "\0" not in text:
        return text
    return _BROKEN.sub("\ufffd", text)


def to_micros(value: object) -> int | None:
    """Return a time as microseconds since 1970 in UTC; None when there is none.

    Text is ISO 8601 with any offset (none means UTC) or digits. Numbers are seconds, milliseconds, microseconds or
    nanoseconds: the smallest unit that puts them before 2200, which tells every time after March 1970 apart.
    """
    if isinstance(value, str):
        return _from_text(value.strip())
    if is_missing(value):
        return None
    if isinstance(value, Micros):
        return _in_range(int(value))
    if isinstance(value, int | float | Decimal) and not isinstance(value, bool):
        return _from_number(value)
    if isinstance(value, date):  # also datetime, and the Timestamp of pandas
        moment = value if isinstance(value, datetime) else datetime(value.year, value.month, value.day, tzinfo=UTC)
        return _in_range(_from_datetime(moment))
    raise RowError(TS_REASON)


def _from_text(text: str) -> int | None:
    if not text:
        return None
    if text[4:5] != "-" and _NUMBER.fullmatch(text):
        return _from_digits(text)
    return _in_range(_from_iso(text))


def _from_iso(text: str) -> int:
    try:
        return _from_datetime(datetime.fromisoformat(text))
    except ValueError:
        pass
    # Lower-case letters are allowed by RFC 3339, " UTC" is what BigQuery writes.
    text = text.upper().removesuffix("UTC").rstrip()
    try:
        return _from_datetime(datetime.fromisoformat(text))
    except ValueError:
        raise RowError(TS_REASON) from None


def _from_datetime(moment: datetime) -> int:
    return int((moment - (_EPOCH if moment.tzinfo else _EPOCH_NAIVE)) // _MICROSECOND)


def _from_digits(text: str) -> int:
    if len(text) in {8, 14} and text.isdigit():  # 20260406 and 20260406101500 are dates: no epoch has so many digits
        try:
            return _in_range(_from_datetime(datetime.fromisoformat(text[:8] + ("T" + text[8:] if text[8:] else ""))))
        except ValueError:
            pass
    return _from_number(Decimal(text) if "." in text else int(text))


def _from_number(value: float | Decimal) -> int:
    if not 0 <= value < _YEAR_2200 * 10**9:
        raise RowError(TS_RANGE_REASON)
    if value < _YEAR_2200:
        return round(value * 1_000_000)
    if value < _YEAR_2200 * 10**3:
        return round(value * 1_000)
    if value < _YEAR_2200 * 10**6:
        return int(value)
    return int(value // 1000)


def _in_range(micros: int) -> int:
    if not 0 <= micros < _YEAR_2200 * 10**6:
        raise RowError(TS_RANGE_REASON)
    return micros


def is_missing(value: object) -> bool:
    """Say whether a value stands for nothing: None, or the NaN and NaT that tables hold in its place."""
    return value is None or (not isinstance(value, str | list | dict) and value != value)  # noqa: PLR0124 - only NaN differs from itself


def to_identifier(value: object, field: str) -> str | None:
    """Return text or a whole number as text without white space around it; None when there is none."""
    if isinstance(value, str):
        return clean(value.strip()) or None
    if is_missing(value):
        return None
    if isinstance(value, bytes):
        return clean(decode(value, field).strip()) or None
    if isinstance(value, int) and not isinstance(value, bool):
        return str(int(value))
    raise RowError(f"{field} must be text or a whole number, not {kind_of(value)}")


def to_count(value: object, field: str) -> int | None:
    """Return a count of tokens; None when there is none."""
    if isinstance(value, str):
        value = value.strip()
        if not value:
            return None
        if value.isdecimal() and len(value) < 20:
            value = int(value)
    if is_missing(value):
        return None
    if isinstance(value, float | Decimal) and value % 1 == 0:
        value = int(value)
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= _MAX_INT32:
        return value
    raise RowError(f"{field} must be a whole number from 0 to {_MAX_INT32}")


def parse_json(text: str) -> object:
    """Return what a JSON text holds, or the text itself when it is none."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text


def decode(value: bytes, field: str) -> str:
    """Return the text that UTF-8 bytes hold."""
    try:
        return value.decode("utf-8")
    except UnicodeDecodeError:
        raise RowError(f"{field} is not valid UTF-8") from None


def kind_of(value: object) -> str:
    """Say in words what a value is, for reasons."""
    if isinstance(value, bool):
        return "true or false"
    if isinstance(value, int | float | Decimal):
        return "a number"
    if isinstance(value, list):
        return "a list"
    return "an object" if isinstance(value, Mapping) else "a value of another type"
