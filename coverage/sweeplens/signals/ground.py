"""Everything about prompts that signals look at, computed once for a log. Nothing here depends on other prompts."""

import re
import zlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from sweeplens.engine.steps import map_parts, split

HEAD = 400  # characters of a prompt that compression and form look at first
_PART = 20_000  # texts that one process measures at a time
_MOST_WORDS = 60

FORM = (
    "log_length", "word_length", "capitals", "digits", "beyond_ascii", "code_marks", "line_breaks", "distinct_words",
)  # fmt: skip
_CODE = re.compile(r"[{}\[\]()<>=;_/\\]")
# English words that lean on something said before: pronouns, connectives, answers. Other languages have no list yet.
_LEANING = re.compile(
    r"\b(it|this|that|these|those|them|they|he|she|above|previous|same|another|again|instead|also|now|continue|more|still"
    r"|else|ok|okay|yes|no|why|thanks|but|and|so)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Ground:
    """The prompts of a log on the map. All arrays have one row a prompt.

    vectors    float32 [n, d]: unit rows
    cell, cluster, capability   int32 [n]
    form       float32 [n, len(FORM)]: how the text looks
    pack       float32 [n]: compressed length over length
    packed     int32 [n]: bytes of the compressed head
    leaning    float32 [n]: words that lean on what was said before, over all words; NaN where not English
    first_word int32 [n]: number of the first word
    heads      the first characters of each text, as bytes
    """

    vectors: np.ndarray
    cell: np.ndarray
    cluster: np.ndarray
    capability: np.ndarray
    form: np.ndarray
    pack: np.ndarray
    packed: np.ndarray
    leaning: np.ndarray
    first_word: np.ndarray
    heads: Sequence[bytes]


_texts: Sequence[str] = ()


def make_ground(
    vectors: np.ndarray,
    texts: Sequence[str],
    languages: Sequence[str],
    *,
    cell: np.ndarray,
    cluster: np.ndarray,
    capability: np.ndarray,
    workers: int = 1,
) -> Ground:
    """Compute what signals need of every prompt: from its vector, text, language (ISO code) and place on the map."""
    n = len(texts)
    parts = split(n, -(-n // _PART)) if n else []
    blocks = map_parts(_measure_part, parts, workers=workers, prepare=_prepare, state=(texts,))
    numbers = np.concatenate(blocks) if blocks else np.empty((0, len(FORM) + 3), np.float32)
    english = np.fromiter((k == "en" for k in languages), bool, n)
    return Ground(
        vectors=vectors,
        cell=cell,
        cluster=cluster,
        capability=capability,
        form=numbers[:, : len(FORM)],
        pack=numbers[:, len(FORM)],
        packed=numbers[:, len(FORM) + 1].astype(np.int32),
        leaning=np.where(english, numbers[:, len(FORM) + 2], np.float32(np.nan)),
        first_word=_first_words(texts),
        heads=[_head(t) for t in texts],
    )


def measure_form(text: str) -> tuple[float, ...]:
    """Return the numbers named in FORM for one text; shares are of its characters, line breaks per 100 of them."""
    head = text[: 5 * HEAD]
    n = max(1, len(head))
    words = head.split()
    lower = {w.lower() for w in words}
    return (
        float(np.log1p(len(text))),
        sum(map(len, words)) / max(1, len(words)),
        sum(map(str.isupper, head)) / n,
        sum(map(str.isdigit, head)) / n,
        sum(c > "\x7f" for c in head) / n,
        len(_CODE.findall(head)) / n,
        100 * head.count("\n") / n,
        len(lower) / max(1, len(words)),
    )


def measure_pack(text: str) -> float:
    """Return the compressed length of the first 3,000 characters over their length, in bytes."""
    raw = text[:3000].encode("utf-8", "replace")
    return len(zlib.compress(raw)) / max(1, len(raw))


def measure_leaning(text: str) -> float:
    """Return the leaning words in the first 300 characters of an English text, over its words (60 at most)."""
    return len(_LEANING.findall(text[:300])) / max(1, min(len(text[: 5 * HEAD].split()), _MOST_WORDS))


def _prepare(texts: Sequence[str]) -> None:
    global _texts  # noqa: PLW0603 - texts are inherited by a forked process, not sent with every part
    _texts = texts


def _measure_part(part: tuple[int, int]) -> np.ndarray:
    rows = [
        (*measure_form(t), measure_pack(t), len(zlib.compress(_head(t), 9)), measure_leaning(t))
        for t in _texts[slice(*part)]
    ]
    return np.array(rows, np.float32)


def _head(text: str) -> bytes:
    return text[:HEAD].encode("utf-8", "replace")


def _first_words(texts: Sequence[str]) -> np.ndarray:
    known: dict[str, int] = {}
    words = ((t[:100].split(maxsplit=1) or [""])[0].lower() for t in texts)
    return np.fromiter((known.setdefault(w, len(known)) for w in words), np.int32, len(texts))
