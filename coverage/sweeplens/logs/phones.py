"""Phone numbers in free text, told apart from all the other numbers that prompts are full of.

A number counts when it starts with + or 00 and a country's plan allows it, when it is written as North American numbers
are, when a word such as "phone" stands before it, or when it is a Chinese mobile number in Chinese text.
"""

import functools
import re
from collections.abc import Iterator

Span = tuple[int, int]

_SEPARATORS = r"[ .()/\u00a0-]"
_INTERNATIONAL = re.compile(
    rf"(?:\+(?<![\w+]\+)|(?<![\w.+-])00(?=[1-9]))\(?\d(?:{_SEPARATORS}{{0,2}}\d){{6,14}}(?!\d)", re.ASCII
)
_AMERICAN = re.compile(
    r"(?<![\w.+-])(?:1[-. ])?(?:\([2-9]\d\d\) ?|[2-9]\d\d[-.])\d{3}[-.]\d{4}(?![\w-]|\.\d)", re.ASCII
)
_CHINESE_MOBILE = re.compile(r"(?<![\w.+-])1[3-9]\d([ -]?)\d{4}\1\d{4}(?![\w-]|\.\d)", re.ASCII)
_CHINESE_TEXT = re.compile("[\u4e00-\u9fff]")
_CUES = (
    "phone", "mobile", "whatsapp", "fax", "cell", "tel", "call me", "call us", "text me", "téléphone", "teléfono",
    "telefon", "móvil", "celular", "телефон", "电话", "電話", "手机", "手機", "号码", "携帯", "전화", "휴대폰",
)  # fmt: skip
_CUE = re.compile(
    r"(?i:\b(?:tele)?phone|\btel\b|\bmobile|\bcell|\bwhatsapp|\bfax|\b(?:call|text) (?:me|us)\b|t[ée]l[ée]phone"
    r"|tel[ée]fono|telefon|m[óo]vil|celular|телефон)|电话|電話|手机|手機|号码|携帯|전화|휴대폰"
)
_AFTER_CUE = re.compile(
    r"(?:[\s:：=#\"'*_-]{0,4}(?:numbers?|num|no|nr|is|are|at|on|номер|号码|號碼|番号|번호|为|是)?\b){0,3}[\s.:：=#\"'*]{0,4}"
    rf"(?P<number>\(?\d(?:{_SEPARATORS}{{0,2}}\d){{6,14}})(?![\d%$€£]|[.,]\d)"
)
_DATE = re.compile(r"(?:19|20)\d\d[-./]\d\d?[-./]\d\d?|\d\d?[-./]\d\d?[-./](?:19|20)\d\d|\d{1,3}(?:\.\d{1,3}){3}")
_THOUSANDS = re.compile(r"\+\d{1,3}(?:[ .]\d{3})+", re.ASCII)
# Asking the numbering plans takes about 0.1 ms; a text with more candidates than this is judged by form alone.
_MAX_CHECKS = 200


def find_phones(text: str) -> Iterator[Span]:
    """Yield the spans of phone numbers, in order and without overlap."""
    spans = [*_international(text), *(match.span() for match in _AMERICAN.finditer(text))]
    if not text.isascii():
        spans += _chinese(text)
    lowered = text.lower()
    if any(cue in lowered for cue in _CUES):
        spans += _after_cues(text)
    end = 0
    for start, stop in sorted(spans):
        if start >= end:
            yield start, stop
            end = stop


def _international(text: str) -> Iterator[Span]:
    checks = 0
    for match in _INTERNATIONAL.finditer(text):
        start, number = match.start(), match[0]
        while True:
            checks += 1
            if checks > _MAX_CHECKS or _is_allowed(number):
                yield start, start + len(number)
                break
            # "+44 20 7946 0958 3 times": what follows the number may look like a part of it.
            shorter = re.sub(r"[^\d]+\d+$", "", number)
            if shorter == number or sum(map(str.isdigit, shorter)) < 7:
                break
            number = shorter


@functools.lru_cache(maxsize=1024)
def _is_allowed(number: str) -> bool:
    """Ask the numbering plans of the world; where the number is written in groups, its length is enough."""
    import phonenumbers

    written = "+" + number[2:] if number.startswith("00") else number
    try:
        parsed = phonenumbers.parse(written, None)
    except phonenumbers.NumberParseException:
        return False
    if phonenumbers.is_valid_number(parsed):
        return True
    if not number.startswith("+") or len(re.findall(r"\d+", number)) < 3 or _THOUSANDS.fullmatch(number):
        return False
    return bool(phonenumbers.is_possible_number_with_reason(parsed) == phonenumbers.ValidationResult.IS_POSSIBLE)


def _chinese(text: str) -> Iterator[Span]:
    for match in _CHINESE_MOBILE.finditer(text):
        if _CHINESE_TEXT.search(text, max(0, match.start() - 20), match.end() + 20):
            yield match.span()


def _after_cues(text: str) -> Iterator[Span]:
    for cue in _CUE.finditer(text):
        match = _AFTER_CUE.match(text, cue.end())
        if match and not _DATE.match(match["number"]):
            yield match.span("number")
