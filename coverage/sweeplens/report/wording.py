"""Numbers, times and levels as people read them, in the app and in an evidence report."""

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime

THIN = "\u2009"  # between thousands
LEVELS = ("high", "review", "watch", "none", "insufficient")
LEVEL_WORDS: Mapping[str, str] = {
    "high": "high", "review": "review", "watch": "watch", "none": "none", "insufficient": "unjudged",
}  # fmt: skip
LABEL_WORDS: Mapping[str, str] = {
    "sweep": "sweep", "tenant": "one business", "template": "one template", "benchmark": "benchmark",
    "undecided": "undecided",
}  # fmt: skip
LINK_WORDS: Mapping[str, str] = {
    "org": "organisation", "ip": "IP address", "ip_prefix": "IP prefix", "user_agent": "user agent",
    "system_prompt": "system prompt",
}  # fmt: skip
KIND_WORDS: Mapping[str, str] = {"core": "core", "placed": "placed by neighbours", "noise": "in no cluster"}
_COMMAS = re.compile(r"(?<=\d),(?=\d{3}(?!\d))")
_AGES = ((2 / 24, 1440.0, "minute"), (2.0, 24.0, "hour"), (float("inf"), 1.0, "day"))  # up to days, units in a day


def count(n: float) -> str:
    """Return a whole number with thin spaces between its thousands."""
    return f"{n:,.0f}".replace(",", THIN)


def counted(n: int, noun: str) -> str:
    """Return a number with its noun."""
    return f"{count(n)} {noun}" if n == 1 else f"{count(n)} {noun}s"


def thin(sentence: str) -> str:
    """Return a sentence of a report with thin spaces where its numbers have commas."""
    return _COMMAS.sub(THIN, sentence)


def score(value: float | None) -> str:
    """Return a score from 0 to 1, or a dash where there is none."""
    return "–" if value is None else f"{value:.2f}"


def short(value: float | None) -> str:
    """Return a number with two significant digits, or a dash."""
    if value is None:
        return "–"
    if abs(value) >= 100:
        return count(value)
    text = f"{value:.2g}"
    return f"{float(text):g}" if "e" in text and abs(value) >= 1e-4 else text


def chances(p: float | None, q: float | None) -> list[str]:
    """Return p and q with their names, each where it is known."""
    return [f"{name} {short(value)}" for name, value in (("p", p), ("q", q)) if value is not None]


def moment(ts: datetime | None) -> str:
    """Return a time in UTC to the minute, or a dash."""
    return "–" if ts is None else f"{ts.astimezone(UTC):%Y-%m-%d %H:%M}"


def day(ts: datetime | date | None) -> str:
    """Return a date such as 2 Mar 2026, or a dash."""
    return "–" if ts is None else f"{ts.day} {ts:%b %Y}"


def period(first: datetime | None, last: datetime | None) -> str:
    """Return from when to when in words, with what both have in common said once."""
    if first is None or last is None:
        return "without times"
    if first.date() == last.date():
        return day(first)
    if first.year == last.year:
        return f"{first.day} {first:%b} – {day(last)}"
    return f"{day(first)} – {day(last)}"


def age(days: float | None) -> str:
    """Return an age in its natural unit."""
    if days is None:
        return "unknown age"
    per_day, unit = next((per_day, unit) for limit, per_day, unit in _AGES if days < limit)
    n = int(days * per_day)
    if n < 1:
        return "under a minute"
    return f"{n} {unit}" if n == 1 else f"{n} {unit}s"
