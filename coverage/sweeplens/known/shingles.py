"""Texts as sets of shingles: hashes of every few words in a row, the same on every machine and in every version.

A token is a word, or one character of a script that writes without spaces between words (Chinese, Japanese, Thai and
their like) or with long words and few of them (Korean). Case, punctuation, white space and the width of letters do not
count. Everything is computed on arrays of code points, a batch of texts at a time.
"""

import functools
import itertools
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Words = npt.NDArray[np.uint64]
Counts = npt.NDArray[np.int64]

WIDTH = 5
"""Tokens in a shingle."""
MAX_CHARS = 100_000
"""Characters of a text that are looked at, from its beginning."""

_BATCH_CHARS = 1 << 18  # so that the arrays of a batch stay in the processor's cache
_BATCH_TEXTS = 1 << 14
_BREAK, _LETTER, _ALONE, _MARK = range(4)
# Scripts of which each character is a token. Korean is among them since its words hold two or three of other languages,
# and people set its spaces as they like.
_BY_CHARACTER = (
    (0x0E00, 0x0EFF), (0x1000, 0x109F), (0x1780, 0x17FF), (0x3005, 0x3007), (0x3040, 0x30FF), (0x31F0, 0x31FF),
    (0x3400, 0x4DBF), (0x4E00, 0x9FFF), (0xAC00, 0xD7A3), (0xF900, 0xFAFF), (0x20000, 0x3FFFF),
)  # fmt: skip
# Odd 64-bit numbers without structure: the bases of the polynomials over characters, over tokens, over whole texts.
_OF_CHARS = 0x9E3779B97F4A7C15
_OF_TOKENS = 0xD1342543DE82EF95
_OF_TEXT = 0xA0761D6478BD642F
_WRAP = 1 << 64


@dataclass(frozen=True)
class Shingled:
    """The shingles of n texts.

    `hashes` uint64 [m] in the order of the texts, those of text i from `bounds[i]` to `bounds[i + 1]` in their order
    in it, repeated ones repeated; `tokens` int64 [n] counts a text's tokens; `whole` uint64 [n] is a hash of all of
    them. A text of fewer tokens than a shingle takes has no shingles.
    """

    hashes: Words
    bounds: Counts
    tokens: Counts
    whole: Words


def shingle_batches(texts: Sequence[str]) -> Iterator[tuple[int, Shingled]]:
    """Yield (number of the first text, shingles) of runs of texts, so that memory does not grow with their number."""
    start, chars = 0, 0
    for i, text in enumerate(texts):
        size = min(len(text), MAX_CHARS)
        if i > start and (chars + size > _BATCH_CHARS or i - start == _BATCH_TEXTS):
            yield start, shingle(texts[start:i])
            start, chars = i, 0
        chars += size
    if start < len(texts):
        yield start, shingle(texts[start:])


def shingle(texts: Sequence[str]) -> Shingled:
    """Return the shingles of a few texts, all at once."""
    folded = [_fold(text[:MAX_CHARS]) for text in texts]
    codes = np.frombuffer("\n".join(folded).encode("utf-32-le", "surrogatepass"), "<u4")
    ends = np.cumsum([len(text) + 1 for text in folded], dtype=np.int64)
    tokens, starts = _token_hashes(codes)
    last = np.searchsorted(starts, ends)
    counts = np.diff(last, prepend=0)
    whole = _mix(_range_hashes(tokens, last - counts, last, _OF_TEXT) + counts.astype(np.uint64))
    bounds = np.concatenate([[0], np.cumsum(np.maximum(counts - WIDTH + 1, 0))])
    n = max(len(tokens) - WIDTH + 1, 0)
    hashes = np.zeros(n, np.uint64)
    for k in range(WIDTH):
        hashes += tokens[k : n + k] * np.uint64(pow(_OF_TOKENS, k + 1, _WRAP))
    # What begins in one text and ends in another is no shingle.
    owners = np.repeat(np.arange(len(texts)), counts)
    inside = owners[:n] == owners[len(tokens) - n :]
    return Shingled(_mix(hashes[inside]), bounds, counts, whole)


def _fold(text: str) -> str:
    return text.lower() if text.isascii() else unicodedata.normalize("NFKC", text).casefold()


def _token_hashes(codes: npt.NDArray[np.uint32]) -> tuple[Words, Counts]:
    """Return the hash of each token, and where it starts."""
    kinds, values = _characters()
    kind = kinds[codes]
    before = np.concatenate([[np.uint8(_BREAK)], kind[:-1]])
    begins = kind == _ALONE
    begins |= (kind == _LETTER) & ((before == _BREAK) | (before == _ALONE))
    begins |= (kind == _MARK) & (before == _BREAK)
    starts = np.flatnonzero(begins)
    ends = np.append(starts[1:], len(codes))
    return _mix(_range_hashes(values[codes], starts, ends, _OF_CHARS)), starts


def _range_hashes(values: Words, starts: Counts, ends: Counts, base: int) -> Words:
    """Return the polynomial in `base`, modulo 2**64, of the values in each range, wherever the range lies."""
    powers, inverse = _powers(base, len(values))
    sums = np.concatenate([[np.uint64(0)], np.cumsum(values * powers)])
    hashes: Words = (sums[ends] - sums[starts]) * inverse[starts]
    return hashes


_known_powers: dict[int, tuple[Words, Words]] = {}


def _powers(base: int, size: int) -> tuple[Words, Words]:
    """Return the powers of an odd base and of its inverse from 0 to `size`, modulo 2**64; kept for the next batch."""
    powers = _known_powers.get(base)
    if powers is None or len(powers[0]) <= size:
        length = max(size + 1, _BATCH_CHARS + _BATCH_TEXTS)
        pair = []
        for step in (base, pow(base, -1, _WRAP)):
            factors = np.full(length, step, np.uint64)
            factors[0] = 1
            pair.append(np.multiply.accumulate(factors))
        powers = _known_powers[base] = (pair[0], pair[1])
    return powers[0][:size], powers[1][: size + 1]


def _mix(values: Words) -> Words:
    """Return a bijection of 64 bits that leaves no structure (the finaliser of SplitMix64; Steele and others, 2014)."""
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    mixed: Words = values ^ (values >> np.uint64(31))
    return mixed


@functools.cache
def _characters() -> tuple[npt.NDArray[np.uint8], Words]:
    """Return what each code point is, and the number that stands for it: 0 where it is no part of a token."""
    size = 0x110000
    kinds = np.zeros(size, np.uint8)
    chars = list(map(chr, range(size)))
    kinds[np.fromiter(map(str.isalnum, chars), bool, size)] = _LETTER
    for low, high in _BY_CHARACTER:
        part = kinds[low : high + 1]
        part[part == _LETTER] = _ALONE
    marks = itertools.compress(range(size), (c[0] == "M" for c in map(unicodedata.category, chars)))
    kinds[list(marks)] = _MARK
    values = _mix(np.arange(1, size + 1, dtype=np.uint64) * np.uint64(_OF_CHARS))
    values[kinds == _BREAK] = 0
    return kinds, values
