"""What stands for characters that a vocabulary lacks: their names in Unicode, so that no script becomes one unknown."""

import re
import unicodedata
from collections.abc import Callable, Mapping
from functools import lru_cache

_SPACES = re.compile(" {2,}")
# Words of a character's name after which the sound begins: CHEROKEE LETTER GA, YI SYLLABLE IT, TIBETAN VOWEL SIGN I.
_BEFORE = frozenset({"letter", "syllable", "syllabics", "sign", "vowel", "consonant", "digit", "character"})
_INVISIBLE = ("variation selector", "zero width", "word joiner", "tag ")


def make_reader(replaced: Mapping[int, str], known: frozenset[str]) -> Callable[[str], str]:
    """Return the function that makes a text ready for a vocabulary.

    Characters are replaced as `replaced` says; those that are not `known` after that are spelled out. Runs of spaces
    become one.
    """
    table = dict(replaced)

    def read(text: str) -> str:
        text = text.translate(table)
        if not text.isascii():
            unknown = set(text) - known
            unknown.discard(" ")
            if unknown:
                text = text.translate({ord(char): spell(char) for char in unknown})
        return _SPACES.sub(" ", text)

    return read


@lru_cache(maxsize=65_536)
def spell(char: str) -> str:
    """Return the sound of a letter as its name tells it, the name of a symbol as words, and a number where none is."""
    name = unicodedata.name(char, "").lower()
    if not name:
        return f" u{ord(char):x} "
    if name.startswith(_INVISIBLE):
        return ""
    words = name.split()
    if unicodedata.category(char)[0] not in "LM":
        return f" {name} "
    start = max((i for i, word in enumerate(words) if word in _BEFORE), default=len(words) - 2)
    return "".join(words[start + 1 :]) or words[-1]
