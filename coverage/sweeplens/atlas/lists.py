"""Lists of words: those that say nothing, the pieces of a vocabulary, and words of our own; how words are spelled."""

import re
import unicodedata
from functools import cache
from importlib.resources import files

from sweeplens.atlas.graphemes import NO_SPACES
from sweeplens.embed.vocabulary import META

_LISTED = -9.5  # logarithm of the probability of a word of our lists; long pieces of the vocabulary have -8 to -11
_ONLY_RUN = re.compile(rf"[{NO_SPACES}]+")
_HANGUL = re.compile(r"[\uac00-\ud7a3]")
_MARKED = re.compile(r"[\u0e00-\u109f\u1780-\u17ff]{2,}")  # Thai, Lao, Tibetan, Myanmar, Khmer
_WITH_PARTICLE = re.compile(r"(?!目的$|的确$|的士$|了解$|除了$|为了$|了不起$)(?:[的了].+|.+[的了])")
# Joiners without a width, the line that stretches Arabic words, and its short vowels, which few write.
GONE = {ord(c): None for c in "\u200c\u200d\u00ad\u2060\ufeff\u0640\u0670"} | dict.fromkeys(range(0x064B, 0x0653))
_THAI_AM = (("\u0e4d\u0e32", "\u0e33"), ("\u0ecd\u0eb2", "\u0eb3"))  # NFKC takes these two vowels apart


def is_hangul(word: str) -> bool:
    """Say whether a word has a syllable of Hangul."""
    return _HANGUL.search(word) is not None


def spell(word: str) -> str:
    """Return a word as `split_words` spells it.

    >>> spell("ＣＡＦＥ")
    'cafe'
    """
    return compose(unicodedata.normalize("NFKC", word).lower().translate(GONE))


@cache
def read_stop_words() -> frozenset[str]:
    """Return words that say nothing about a cluster, in English and some other languages."""
    from sklearn.feature_extraction.text import ENGLISH_STOP_WORDS

    return frozenset(ENGLISH_STOP_WORDS) | {spell(word) for word in _read_words("stopwords.txt")}


def _read_words(name: str) -> list[str]:
    lines = files("sweeplens.atlas").joinpath(name).read_text(encoding="utf-8").splitlines()
    return [word for line in lines if not line.startswith("#") for word in line.split()]


@cache
def _read_vocabulary() -> dict[str, float]:
    """Return the pieces of the vocabulary of `fast`, without the sign of a space, with their logarithms.

    Raises `EncoderError` when its file is missing or is not the one that was pinned.
    """
    from safetensors import safe_open

    from sweeplens.embed.static import DATA, FAST_FILES
    from sweeplens.embed.weights import check_files

    check_files(DATA, FAST_FILES)
    with safe_open(DATA / "fast.safetensors", "numpy") as file:
        pieces = file.get_tensor("pieces").tobytes().decode("utf-8").split("\n")
        scores = file.get_tensor("scores").tolist()
    known: dict[str, float] = {}
    for piece, score in zip(pieces, scores, strict=True):
        bare = piece.removeprefix(META)
        known[bare] = max(score, known.get(bare, score))
    return known


@cache
def read_pieces() -> dict[str, float]:
    """Return the pieces in scripts without spaces, none that has a Chinese particle at an end, and words of our lists.

    The lists are common words, and the stop words of Thai and its like. Words are spelled as NFKC leaves them.
    """
    known = {p: s for p, s in _read_vocabulary().items() if _ONLY_RUN.fullmatch(p) and not _WITH_PARTICLE.fullmatch(p)}
    stop = [word for word in _read_words("stopwords.txt") if _MARKED.fullmatch(word)]
    own = {unicodedata.normalize("NFKC", word) for word in (*_read_words("words.txt"), *stop)}
    return known | {word: max(_LISTED, known.get(word, _LISTED)) for word in own}


@cache
def read_nouns() -> frozenset[str]:
    """Return the pieces of the vocabulary that begin in Hangul and have two syllables or more."""
    return frozenset(piece for piece in _read_vocabulary() if len(piece) > 1 and _HANGUL.match(piece))


def compose(word: str) -> str:
    """Return a word with the two vowels of Thai and Lao that NFKC takes apart put together again."""
    for apart, whole in _THAI_AM:
        word = word.replace(apart, whole)
    return word
