"""Everything about prompts that signals look at, computed once for a log. Nothing here depends on other prompts."""

import re
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Protocol

import numpy as np

from sweeplens.engine.steps import map_parts, split

HEAD = 400  # characters of a prompt that compression and form look at first
LONG = 40  # bytes from which on the same prompt of two accounts is no coincidence, as a greeting is
_PART = 20_000  # texts that one process measures at a time
_MOST_WORDS = 60

FORM = (
    "log_length", "word_length", "capitals", "digits", "beyond_ascii", "code_marks", "line_breaks", "distinct_words",
)  # fmt: skip
_LENGTH = FORM.index("log_length")
_LONG = np.log1p(np.float32(LONG))
_CODE = re.compile(r"[{}\[\]()<>=;_/\\]")
# English words that lean on something said before: pronouns, connectives, answers. Other languages have no list yet.
_LEANING = re.compile(
    r"\b(it|this|that|these|those|them|they|he|she|above|previous|same|another|again|instead|also|now|continue|more|still"
    r"|else|ok|okay|yes|no|why|thanks|but|and|so)\b",
    re.IGNORECASE,
)


class Rows(Protocol):
    """The vectors of all prompts: [int array] gives those rows as float16 or float32; nothing else is asked of it."""

    def __getitem__(self, rows: np.ndarray, /) -> np.ndarray:
        """Return some rows, in that order."""

    def __len__(self) -> int:
        """Return the number of rows."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Return (rows, numbers of a row)."""


@dataclass(frozen=True)
class TextNumbers:
    """What is measured of n texts, each alone.

    form       float32 [n, len(FORM)]: how the text looks
    pack       float32 [n]: compressed length over length; NaN where the text is not known
    packed     int32 [n]: bytes of the compressed head
    leaning    float32 [n]: words that lean on what was said before, over all words; NaN where not English
    first_word int64 [n]: 32 bits of a hash of the first word in lower case; -1 where the text is not known
    """

    form: np.ndarray
    pack: np.ndarray
    packed: np.ndarray
    leaning: np.ndarray
    first_word: np.ndarray

    def __len__(self) -> int:
        """Return the number of texts."""
        return len(self.pack)

    def columns(self) -> dict[str, np.ndarray]:
        """Return the numbers by name, those of FORM one by one: the columns of a table."""
        form = {key: self.form[:, at] for at, key in enumerate(FORM)}
        return form | {key: getattr(self, key) for key in ("pack", "packed", "leaning", "first_word")}


@dataclass(frozen=True)
class Ground:
    """The prompts of a log on the map. All arrays have one row a prompt.

    vectors    float16 or float32 [n, d]: unit rows, taken by `rows`
    cell, cluster, capability   int32 [n]
    form, pack, packed, leaning, first_word   as in `TextNumbers`
    heads      the first characters of each text, as bytes; empty where the text is not known
    """

    vectors: Rows
    cell: np.ndarray
    cluster: np.ndarray
    capability: np.ndarray
    form: np.ndarray
    pack: np.ndarray
    packed: np.ndarray
    leaning: np.ndarray
    first_word: np.ndarray
    heads: Sequence[bytes]

    def rows(self, prompts: np.ndarray) -> np.ndarray:
        """Return the vectors of some prompts, float32."""
        return np.asarray(self.vectors[prompts], np.float32)

    def is_read(self, prompts: np.ndarray) -> bool:
        """Return whether the texts of all these prompts are known."""
        return not bool(np.isnan(self.pack[prompts]).any())

    def is_long(self, prompt: int) -> bool:
        """Return whether a prompt has 40 bytes or more; where its text is not known, 40 characters or more."""
        return bool(self.form[prompt, _LENGTH] >= _LONG) or len(self.heads[prompt]) >= LONG


_texts: Sequence[str] = ()


def make_ground(
    vectors: Rows,
    numbers: TextNumbers,
    heads: Sequence[bytes],
    *,
    cell: np.ndarray,
    cluster: np.ndarray,
    capability: np.ndarray,
) -> Ground:
    """Put together what signals need of every prompt: its vector, the numbers of its text, its place on the map."""
    return Ground(
        vectors=vectors, cell=cell, cluster=cluster, capability=capability, form=numbers.form, pack=numbers.pack,
        packed=numbers.packed, leaning=numbers.leaning, first_word=numbers.first_word, heads=heads,
    )  # fmt: skip


def measure_ground(
    vectors: Rows,
    texts: Sequence[str],
    languages: Sequence[str],
    *,
    cell: np.ndarray,
    cluster: np.ndarray,
    capability: np.ndarray,
    workers: int = 1,
) -> Ground:
    """Measure all texts and put the ground together."""
    numbers = measure_texts(texts, languages, workers=workers)
    heads = [head_of(t) for t in texts]
    return make_ground(vectors, numbers, heads, cell=cell, cluster=cluster, capability=capability)


def measure_texts(texts: Sequence[str], languages: Sequence[str], workers: int = 1) -> TextNumbers:
    """Measure texts, each alone, so that parts of a log can be measured apart; `languages` are their ISO codes."""
    n = len(texts)
    parts = split(n, -(-n // _PART)) if n else []
    blocks = map_parts(_measure_part, parts, workers=workers, prepare=_prepare, state=(texts,))
    numbers = np.concatenate([b for b, _ in blocks]) if blocks else np.empty((0, len(FORM) + 3), np.float32)
    english = np.fromiter((k == "en" for k in languages), bool, n)
    return TextNumbers(
        form=numbers[:, : len(FORM)],
        pack=numbers[:, len(FORM)],
        packed=numbers[:, len(FORM) + 1].astype(np.int32),
        leaning=np.where(english, numbers[:, len(FORM) + 2], np.float32(np.nan)),
        first_word=np.concatenate([w for _, w in blocks]) if blocks else np.empty(0, np.int64),
    )


def numbers_of(columns: Mapping[str, np.ndarray]) -> TextNumbers:
    """Make the numbers again from the columns that `TextNumbers.columns` gave."""
    return TextNumbers(
        form=np.column_stack([np.asarray(columns[key], np.float32) for key in FORM]),
        pack=np.asarray(columns["pack"], np.float32),
        packed=np.asarray(columns["packed"], np.int32),
        leaning=np.asarray(columns["leaning"], np.float32),
        first_word=np.asarray(columns["first_word"], np.int64),
    )


def unknown_texts(n_chars: np.ndarray) -> TextNumbers:
    """Return the numbers of texts of which only the length, in characters, is known."""
    n = len(n_chars)
    form = np.full((n, len(FORM)), np.nan, np.float32)
    form[:, _LENGTH] = np.log1p(n_chars)
    nothing = np.full(n, np.nan, np.float32)
    return TextNumbers(form, nothing, np.zeros(n, np.int32), nothing, np.full(n, -1, np.int64))


def join_numbers(parts: Sequence[TextNumbers]) -> TextNumbers:
    """Return the numbers of several parts of a log, one after another."""
    return TextNumbers(*(np.concatenate([getattr(p, key) for p in parts]) for key in TextNumbers.__dataclass_fields__))


def head_of(text: str) -> bytes:
    """Return the first characters of a text, as bytes."""
    return text[:HEAD].encode("utf-8", "replace")


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


def _measure_part(part: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    texts = _texts[slice(*part)]
    rows = [(*measure_form(t), measure_pack(t), len(zlib.compress(head_of(t), 9)), measure_leaning(t)) for t in texts]
    return np.array(rows, np.float32), np.fromiter(map(_first_word, texts), np.int64, len(texts))


def _first_word(text: str) -> int:
    word = (text[:100].split(maxsplit=1) or [""])[0].lower()
    return int.from_bytes(blake2b(word.encode("utf-8", "replace"), digest_size=4).digest(), "little")
