"""Korean nouns without the particles that are written behind them."""

from collections import Counter
from collections.abc import Iterable

from sweeplens.atlas.lists import is_hangul, read_nouns

_AMBIGUOUS = frozenset({"이나", "하고", "보다", "마다", "이란", "밖에"})
_VERBS = "하되시있없같않싶많"  # how stems of Korean verbs end
# What Korean puts behind a noun, the longest first.
_PARTICLES = (
    "으로만", "에서는", "에서도", "으로는", "으로도", "이라는", "이라고", "에게서", "한테서", "인가요", "이에요",
    "입니다", "이란", "에는", "에도", "에서", "에게", "한테", "께서", "으로", "부터", "까지", "처럼", "보다",
    "마다", "조차", "밖에", "이나", "이랑", "하고", "라는", "라고", "로는", "로도", "와의", "과의",
    "들은", "들이", "들을", "들의", "예요", "인지",
    *"은는이가을를의에로와과도만랑나",
)  # fmt: skip


def find_nouns(words: Iterable[str]) -> frozenset[str]:
    """Return what a particle is taken from: it stands alone too, or with two of them, or is in the vocabulary."""
    seen = set(words)
    with_particles = Counter(word[: -len(p)] for word in seen for p in _PARTICLES if _ends(word, p))
    known = read_nouns() if with_particles else frozenset()
    return frozenset(
        noun
        for noun, n in with_particles.items()
        if noun in seen or n > 1 or (noun in known and noun[-1] not in _VERBS) or not is_hangul(noun)
    )


def bare_noun(word: str, nouns: frozenset[str]) -> str:
    """Return a word without its particle if what is left is one of `nouns`, or if it can be nothing but a particle."""
    for particle in _PARTICLES:
        if _ends(word, particle) and (word[: -len(particle)] in nouns or _is_clear(word, particle)):
            return word[: -len(particle)]
    return word


def _is_clear(word: str, particle: str) -> bool:
    """Say whether the end of a word can hardly be anything but a particle."""
    if len(particle) > 1:
        return particle not in _AMBIGUOUS
    return particle in "을를이" and len(word) >= 4 and word[-2] not in _VERBS


def _ends(word: str, particle: str) -> bool:
    return len(word) >= len(particle) + 2 and word.endswith(particle)
