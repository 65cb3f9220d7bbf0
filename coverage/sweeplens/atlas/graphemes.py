"""Characters with their marks, as a reader sees them; what a word is made of in each kind of script."""

import re
import unicodedata
from functools import cache

# Scripts that are written without spaces between words.
NO_SPACES = (
    "\u0e00-\u0e4e\u0e81-\u0ecf\u0edc-\u0edf"  # Thai, Lao
    "\u1000-\u103f\u1050-\u108f\uaa60-\uaa7f\u1780-\u17d3\u17d7\u17dc\u17dd"  # Myanmar, Khmer
    "\u3005-\u3007\u3041-\u3096\u30a1-\u30fa\u30fc\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
)
_LEADING = frozenset("\u0e40\u0e41\u0e42\u0e43\u0e44\u0ec0\u0ec1\u0ec2\u0ec3\u0ec4")  # vowels before their consonant
_FOLLOWING = frozenset("\u0e30\u0e32\u0e33\u0e45\u0eb0\u0eb2\u0eb3\u0ebd")  # vowels behind it that are no marks
_STACKING = frozenset("\u1039\u17d2")  # puts the next consonant below
_SILENT = frozenset("\u103a\u1039")  # makes the consonant before it the end of a syllable
_MARKS = ("Mn", "Mc", "Me")
_BLOCKS = ((0x0300, 0x1DFF), (0x20D0, 0x20FF), (0x2DE0, 0x2DFF), (0xA66F, 0xABFF), (0xFB1E, 0xFB1F), (0x10A00, 0x11FFF))


def graphemes(word: str) -> list[str]:
    """Return the characters of a word, each with the marks and vowels that belong to it.

    >>> graphemes("ที่เก็บ")
    ['ที่', 'เก็', 'บ']
    """
    if word.isascii():
        return list(word)
    found: list[str] = []
    for i, char in enumerate(word):
        if found and _belongs(word, i, char):
            found[-1] += char
        else:
            found.append(char)
    return found


def _belongs(word: str, i: int, char: str) -> bool:
    """Say whether a character belongs to the one before it."""
    before = word[i - 1]
    if before in _LEADING or before in _STACKING or char in _FOLLOWING:
        return True
    if unicodedata.category(char) in _MARKS:
        return True
    return "\u1000" <= char <= "\u1021" and word[i + 1 : i + 2] in _SILENT


@cache
def word_pattern() -> re.Pattern[str]:
    r"""Return what finds words: runs without spaces, and letters with their marks, which \w lacks."""
    marks = "".join(
        re.escape(chr(code))
        for first, last in _BLOCKS
        for code in range(first, last + 1)
        if unicodedata.category(chr(code)) in _MARKS
    )
    other = rf"(?![{NO_SPACES}])"
    return re.compile(rf"[{NO_SPACES}]+|(?<![0-9_]){other}[^\W\d_]{other}(?:{other}[\w{marks}'’+#-])*")
