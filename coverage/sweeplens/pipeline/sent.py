"""What is new in a request: of its system prompt, earlier turns and last turn, what its account has not sent before.

An account that asks in its system prompt, or in an earlier turn, behind a last turn that is always the same, is
measured by what it asks.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from hashlib import blake2b
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from sweeplens.logs.rows import Request
from sweeplens.pipeline.keys import KeySet, Words, pair_keys
from sweeplens.signals.sample import hash_keys

if TYPE_CHECKING:
    import pyarrow as pa

_MOST_SENTENCES = 128  # of an account's first system prompt that are remembered, at either end
_BYTES = 8  # of a sentence's hash
_CACHED_CHARS = 100_000
_MOST_CHARS = 8_000  # of a part of a joined prompt: encoders read no more than the ends of long texts
# Both begin with a set of characters, which is what makes looking for them fast.
_END = re.compile(r"[\n.!?。！？](?:(?<=[.!?])[ \t]+|(?<=[\n。！？]))\s*")
_DAY = re.compile(r"[FMSTW](?:on|ues?|ed(?:nes)?|hu(?:rs?)?|ri|at(?:ur)?|un)(?:day)?\b")
_DIGIT = re.compile(r"[0-9]")
_MONTH = "(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sept?|Oct|Nov|Dec)[a-z]{0,6}"
# What differs from request to request and asks nothing. Other numbers may be what is asked.
_VARYING = re.compile(
    rf"""
    [0-9a-fA-F]{{8}}(?:-[0-9a-fA-F]{{4}}){{3}}-[0-9a-fA-F]{{12}}  # UUID
    | \b(?=[a-fA-F]{{0,63}}[0-9])[0-9a-fA-F]{{9,64}}\b  # digests, and times in seconds
    | \b\d{{4}}-\d\d-\d\dT[\d:.]{{4,20}}(?:Z\b)? | \b\d{{1,4}}([-/.])\d{{1,2}}\1\d{{1,4}}\b
    | \d{{4}}年\d{{1,2}}月\d{{1,2}}日
    | \b\d{{1,2}}:\d\d(?::\d\d(?:\.\d{{1,9}})?)?(?:[ ]?[APap]\.?[Mm]\b)?
    | \b{_MONTH}\.?[ ]\d{{1,2}}(?:st|nd|rd|th)?\b(?:,?[ ]\d{{4}}\b)?
    | \b\d{{1,2}}(?:st|nd|rd|th)?[ ](?:of[ ])?{_MONTH}\b(?:,?[ ]\d{{4}}\b)?
    """,
    re.VERBOSE,
)


class Sent:
    """What accounts have sent so far, as 64-bit keys: 8 bytes for each distinct text of an account.

    Accounts go by their codes. `hash_prompt` is how prompts are told apart.
    """

    def __init__(self, hash_prompt: Callable[[str], str]) -> None:
        self._hash = hash_prompt
        self._keys = KeySet()
        self._settings: dict[int, _Sentences] = {}
        self._shared: dict[_Sentences, _Sentences] = {}
        self._recalled: _Recalled | None = None
        self._seen_again: set[int] = set()

    def remember(self, codes: NDArray[np.int32], prompt_keys: Words) -> None:
        """Take in what was sent before: account codes, and hash keys of prompts, [m] each."""
        self._keys.add(pair_keys(codes, prompt_keys))

    def remember_systems(self, codes: NDArray[np.int32], places: NDArray[np.int32], texts: "pa.Array") -> None:
        """Take in earlier system prompts in their order: account codes and places in `texts` (-1: none), [m] each."""
        self._recalled = _Recalled(codes, places, texts)

    def find_new(self, rows: Sequence[Request], codes: NDArray[np.int32]) -> tuple[list[str], list[str]]:
        """Return the prompt of each request and its hash, and take in what it sent.

        A last turn of any row counts as sent for all of them, whatever their order in the log.
        """
        texts = [row.prompt for row in rows]
        hashes = list(map(self._hash, texts))
        asked = self._keys.add(pair_keys(codes, hash_keys(hashes)))
        owners: list[int] = []
        parts: list[str] = []
        told: list[str] = []
        for i, row in enumerate(rows):
            if not row.earlier and row.system_prompt is None:
                continue
            for part, key in self._parts(int(codes[i]), row):
                owners.append(i)
                parts.append(part)
                told.append(key)
        if owners:
            fresh = self._keys.add(pair_keys(codes[owners], hash_keys(told)))
            news: dict[int, list[str]] = {}
            for k in np.flatnonzero(fresh).tolist():
                news.setdefault(owners[k], []).append(_clip(parts[k]))
            for i, new in news.items():
                texts[i] = "\n\n".join([*new, texts[i]] if asked[i] else new)
                hashes[i] = self._hash(texts[i])
        return texts, hashes

    def _parts(self, code: int, row: Request) -> list[tuple[str, str]]:
        """Return what came with the last turn and may be new, each with the hash that it is known by."""
        parts = [(turn, self._hash(turn)) for turn in row.earlier]
        # Where there was no user turn, the system prompt is the last turn already.
        if row.system_prompt is not None and row.system_prompt != row.prompt:
            own = self._own_part(code, row.system_prompt)
            if own is not None:
                parts.insert(0, own)
        return parts

    def _own_part(self, code: int, system: str) -> tuple[str, str] | None:
        """Return what a system prompt has beyond the account's first one; None for nothing."""
        sentences = _sentences_of(system)
        setting = self._settings.get(code)
        if setting is None:
            first = None if self._recalled is None else self._recalled.first(code)
            setting = sentences if first is None else _sentences_of(first)
            setting = self._settings[code] = self._shared.setdefault(setting, setting)
        if sentences == setting:
            return None
        if self._recalled is not None and code not in self._seen_again:
            self._seen_again.add(code)
            known = [part for text in self._recalled.others(code) if (part := self._beyond(text, setting)) is not None]
            self._keys.add(pair_keys(np.full(len(known), code, np.int32), hash_keys([key for _, key in known])))
        return self._beyond(system, setting)

    def _beyond(self, system: str, setting: "_Sentences") -> tuple[str, str] | None:
        part = _cut_shared(system, setting)
        plain = _without_varying(part)
        return (part, self._hash(plain)) if any(map(str.isalpha, plain)) else None


class _Sentences(NamedTuple):
    """The sentences of a text as hashes of 8 bytes, but for what varies: the first, the last, and how many."""

    head: bytes
    tail: bytes
    size: int


class _Recalled:
    """The distinct system prompts of each account in earlier requests, in the order in which they first came."""

    def __init__(self, codes: NDArray[np.int32], places: NDArray[np.int32], texts: "pa.Array") -> None:
        there = places >= 0
        pairs = (codes[there].astype(np.int64) << 32) | places[there]
        values, first = np.unique(pairs, return_index=True)
        order = np.lexsort((first, values >> 32))
        self._codes, self._places = (values >> 32)[order], (values & 0xFFFF_FFFF)[order]
        self._texts = texts

    def first(self, code: int) -> str | None:
        """Return the first system prompt of an account; None where it had none."""
        return next(self._read(code, 0, 1), None)

    def others(self, code: int) -> Iterator[str]:
        """Return those after the first."""
        return self._read(code, 1, None)

    def _read(self, code: int, begin: int, end: int | None) -> Iterator[str]:
        start, stop = np.searchsorted(self._codes, [code, code + 1]).tolist()
        return (self._texts[place].as_py() for place in self._places[start:stop][begin:end].tolist())


def _sentences_of(text: str) -> _Sentences:
    return _take_apart(text)[0]


def _take_apart(text: str) -> tuple[_Sentences, list[tuple[int, int]]]:
    """Return the sentences of a text, and where each begins and ends."""
    return _remembered(text) if len(text) <= _CACHED_CHARS else _hash_sentences(text)


def _hash_sentences(text: str) -> tuple[_Sentences, list[tuple[int, int]]]:
    spans = _spans(text)
    hashes = [_digest(_without_varying(text[start:end])) for start, end in spans]
    head = b"".join(hashes[:_MOST_SENTENCES])
    tail = head if len(hashes) <= _MOST_SENTENCES else b"".join(hashes[-_MOST_SENTENCES:])
    return _Sentences(head, tail, len(hashes)), spans


_remembered = lru_cache(maxsize=256)(_hash_sentences)


def _without_varying(text: str) -> str:
    text = _DAY.sub("0", text)
    return _VARYING.sub("0", text) if _DIGIT.search(text) else text


def _digest(sentence: str) -> bytes:
    return blake2b(sentence.encode("utf-8", "surrogatepass"), digest_size=_BYTES).digest()


def _spans(text: str) -> list[tuple[int, int]]:
    spans: list[tuple[int, int]] = []
    start = 0
    for match in _END.finditer(text):
        spans.append((start, match.start() + 1))
        start = match.end()
    spans.append((start, len(text)))
    return [(start, end) for start, end in spans if text[start:end].strip()]


def _cut_shared(text: str, setting: _Sentences) -> str:
    """Return a text without the sentences that it begins and ends with like the setting.

    Only what stands in the same place is cut, so that nobody hides a question by putting it into a first system prompt
    among many others.
    """
    sentences, spans = _take_apart(text)
    lead = _count_equal(sentences.head, setting.head)
    most = min(sentences.size, setting.size) - lead
    trail = min(most, _count_equal(sentences.tail, setting.tail, last=True))
    spans = spans[lead : len(spans) - trail]
    return text[spans[0][0] : spans[-1][1]].strip() if spans else ""


def _count_equal(one: bytes, other: bytes, *, last: bool = False) -> int:
    """Return how many hashes two rows of them begin with, or end with, alike."""
    most = min(len(one), len(other))
    if last:
        one, other = one[len(one) - most :], other[len(other) - most :]
    for done in range(0, most, _BYTES):
        at = most - done - _BYTES if last else done
        if one[at : at + _BYTES] != other[at : at + _BYTES]:
            return done // _BYTES
    return most // _BYTES


def _clip(text: str) -> str:
    """Return a text, or the first and last half of what is kept of a long one."""
    half = _MOST_CHARS // 2
    return text if len(text) <= _MOST_CHARS else f"{text[:half]}\n{text[-half:]}"
