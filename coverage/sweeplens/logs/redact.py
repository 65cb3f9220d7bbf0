"""Replace keys, tokens, e-mail addresses, card and phone numbers in text before anything else sees it.

Most prompts hold none of them, so each rule is tried only where a cheap test finds its mark in the text. No expression
here takes more than linear time, whatever the text: runs are matched from their start only, and never given back.
"""

import functools
import re
from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType

from sweeplens.logs.phones import find_phones
from sweeplens.logs.secret_rules import LONG_RULES, MIN_RUN, SHORT_RULES, Rule, find_private_keys

KINDS = ("key", "token", "email", "card", "phone")

Span = tuple[int, int]
_NONE: Mapping[str, int] = MappingProxyType({})
_MAX_PASSES = 3
_CACHED_CHARS = 100_000
# Seven digits with at most two other characters between each: what a phone or card number has at least.
_DIGITS = re.compile(r"\d(?:[ .()/\u00a0-]{0,2}\d){6}", re.ASCII)
_EMAIL = re.compile(
    r"(?<![A-Za-z0-9._%+-])[A-Za-z0-9._%+-]++@(?<!^git@)(?<![^A-Za-z0-9._%+-]git@)"
    r"(?:[A-Za-z0-9-]{1,63}\.){1,8}(?!(?:png|jpe?g|gif|svg|webp|js|css|py)\b)[A-Za-z]{2,24}(?![A-Za-z0-9_(-])"
)
_CARD = re.compile(
    r"(?<![\w.-])(\d{4} \d{4} \d{4} \d{1,4}(?: \d{3})?|\d{4}-\d{4}-\d{4}-\d{1,4}(?:-\d{3})?"
    r"|\d{4} \d{6} \d{4,5}|\d{4}-\d{6}-\d{4,5}|\d{13,19})(?![\w-]|\.\d)",
    re.ASCII,
)
# Issuers by their first digits, and the lengths that they use (ISO/IEC 7812).
_ISSUERS = re.compile(
    r"4(?:\d{15}|\d{18})"  # Visa; the 13 digits that it used once are those of bar codes
    r"|(?:5[1-5]\d\d|222[1-9]|22[3-9]\d|2[3-6]\d\d|27[01]\d|2720)\d{12}"  # Mastercard
    r"|3[47]\d{13}|3(?:0[0-5]|[68]\d)\d{11}"  # American Express, Diners Club
    r"|(?:6011|65\d\d|64[4-9]\d)\d{12}|35(?:2[89]|[3-8]\d)\d{12}"  # Discover, JCB
    r"|62\d{14,17}|(?:50|5[6-9]|6[37])\d{14,17}"  # UnionPay, Maestro
)


def redact(text: str) -> tuple[str, Mapping[str, int]]:
    """Return the text with ``[key]``, ``[token]``, ``[email]``, ``[card]`` and ``[phone]``, and how many of each.

    Redacting the result again changes nothing.
    """
    counts: dict[str, int] | None = None
    for _ in range(_MAX_PASSES):  # what stood beside a secret may be recognised once that is gone
        changed, found = _redact_once(text)
        if not found:
            break
        text = changed
        counts = counts or {}
        for kind, count in found.items():
            counts[kind] = counts.get(kind, 0) + count
    return text, _NONE if counts is None else counts


def redact_repeated(text: str) -> tuple[str, Mapping[str, int]]:
    """Do the same for text that comes again and again, such as system prompts; remembers the latest few."""
    return _remembered(text) if len(text) <= _CACHED_CHARS else redact(text)


_remembered = functools.lru_cache(maxsize=64)(redact)


def _redact_once(text: str) -> tuple[str, dict[str, int]]:
    lowered = text.lower()
    found: dict[str, int] = {}
    if "private key" in lowered:
        text = _replace(text, "key", find_private_keys(text), found)
    text = _apply(SHORT_RULES, text, lowered, found)
    if max(map(len, lowered.split()), default=0) >= MIN_RUN:
        text = _apply(LONG_RULES, text, lowered, found)
    if "@" in text:
        text = _replace(text, "email", _matches(_EMAIL, text, _is_email), found)
    if _DIGITS.search(text):
        text = _replace(text, "card", _matches(_CARD, text, _is_card), found)
        text = _replace(text, "phone", find_phones(text), found)
    return text, found


def _apply(rules: tuple[Rule, ...], text: str, lowered: str, found: dict[str, int]) -> str:
    for rule in rules:
        for mark in rule.marks:
            if mark in lowered:
                text = _replace(text, rule.kind, _matches(rule.pattern, text, rule.accept), found)
                break
    return text


def _matches(pattern: re.Pattern[str], text: str, accept: Callable[[str], bool] | None = None) -> Iterator[Span]:
    """Yield the spans of the group of a pattern that matched, or of all of it where it has none."""
    for match in pattern.finditer(text):
        group = match.lastindex or 0
        if accept is None or accept(match[group]):
            yield match.span(group)


def _replace(text: str, kind: str, spans: Iterator[Span], found: dict[str, int]) -> str:
    pieces: list[str] = []
    end, count = 0, 0
    for start, stop in spans:
        pieces += (text[end:start], f"[{kind}]")
        end = stop
        count += 1
    if not count:
        return text
    found[kind] = found.get(kind, 0) + count
    return "".join(pieces) + text[end:]


def _is_email(text: str) -> bool:
    return any(char.isalnum() for char in text.partition("@")[0])  # "+@pytest.mark" is a line of a patch


def _is_card(text: str) -> bool:
    from stdnum import luhn

    digits = text.replace(" ", "").replace("-", "")
    return _ISSUERS.fullmatch(digits) is not None and len(set(digits)) > 1 and bool(luhn.is_valid(digits))
