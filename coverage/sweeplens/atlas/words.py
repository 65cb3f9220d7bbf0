"""The words of a prompt in any script: between spaces where there are some, else the most probable cut of a run."""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from math import sqrt

from sweeplens.atlas.graphemes import NO_SPACES, graphemes, word_pattern
from sweeplens.atlas.korean import bare_noun, find_nouns
from sweeplens.atlas.lists import GONE, compose, is_hangul, read_pieces

HEAD = 400  # characters of a prompt that are looked at
_LONGEST = 24  # characters of a word
_LONGEST_RUN, _LONGEST_MARKED = 8, 12  # the longest word in characters: of Chinese and Japanese, of Thai and its like
_PIECE = 8  # the same for a piece of the vocabulary
_STRANGE = -16.0  # logarithm of the probability of a character that is no piece
_ROUNDS = 8  # in which neighbours are put together
_SAME = 5  # times that the same run counts
_LEAST = 3  # runs in which two neighbours stand together at least
# How often two pieces stand together that are one word: if one is broken, if one has one letter, if both are words; and
# of the rarer one of two pieces of which one is broken or short.
_BROKEN, _SHORT, _WHOLE, _SURE = 0.3, 0.25, 0.6, 0.8
_PLACEHOLDER = re.compile(r"\[(?:key|token|email|card|phone)\]")
_URL = re.compile(r"https?://\S+|www\.\S+")
_HAN = re.compile(r"[\u3005-\u3007\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]")
_HIRAGANA = re.compile(r"[\u3041-\u3096ー]+")  # little else than endings and particles
_KATAKANA = re.compile(r"([\u30a1-\u30fa\u30fc]{3,})")
_RUN = re.compile(rf"[{NO_SPACES}]")


@dataclass(frozen=True)
class Joins:
    """What the texts of a log say about words: pieces that belong together, round by round, and Korean nouns."""

    rounds: tuple[dict[tuple[str, str], float], ...] = ()
    nouns: frozenset[str] = frozenset()


def split_words(text: str, joins: Joins | None = None) -> list[str]:
    """Return the words of a text's head in lower case.

    In scripts without spaces a run is cut into the most probable pieces (Kudo 2018) of the vocabulary of `fast`, never
    between a character and its marks; with `joins`, pieces that belong together are one word, and Korean nouns come
    without particles. Numbers, identifiers (three digits or more), URLs and what was redacted are left out.
    """
    joins = joins or Joins()
    words: list[str] = []
    for run in _split_runs(text):
        if len(run) == 1 and not _RUN.match(run[0]):
            words.append(bare_noun(run[0], joins.nouns))
        else:
            words += [compose(word) for word in _put_together(run, joins.rounds) if _is_word(word)]
    return words


def is_unspaced(word: str) -> bool:
    """Say whether a word begins in a script that has no spaces between words."""
    return _RUN.match(word) is not None


def is_hiragana(word: str) -> bool:
    """Say whether a word is of nothing but hiragana."""
    return _HIRAGANA.fullmatch(word) is not None


def learn_joins(texts: Iterable[str], stop: frozenset[str]) -> Joins:
    """Return what belongs together in these texts, apart from words in `stop`; a run counts five times at most.

    Two neighbours are one word where they stand together in nearly all places of one of them, or in many of both: less
    will do for broken pieces of one character.
    """
    every = Counter(run for text in texts for run in _split_runs(text))
    nouns = find_nouns(run[0] for run in every if is_hangul(run[0]))
    runs = [(run, min(n, _SAME)) for run, n in every.items() if len(run) > 1]
    rounds: list[dict[tuple[str, str], float]] = []
    for _ in range(_ROUNDS if runs else 0):
        found = _find_pairs(runs, stop)
        if not found:
            break
        rounds.append(found)
        runs = [(_join_once(run, found), n) for run, n in runs]
    return Joins(tuple(rounds), nouns)


def _split_runs(text: str) -> list[tuple[str, ...]]:
    """Return words between spaces alone, and what has no spaces as the pieces of each run."""
    head = unicodedata.normalize("NFKC", text[:HEAD]).lower().translate(GONE).replace("\u200b", " ")
    runs: list[tuple[str, ...]] = []
    for match in word_pattern().finditer(_URL.sub(" ", _PLACEHOLDER.sub(" ", head))):
        word = match.group()
        if _RUN.match(word):
            runs.append(tuple(piece for part in _KATAKANA.split(word) if part for piece in _cut(part)))
        else:
            word = re.sub(r"['’]s?$", "", word.rstrip("-_"))
            if 2 <= len(word) <= _LONGEST and len(set(word)) > 1 and sum(c.isdigit() for c in word) <= 2:
                runs.append((word,))
    return runs


@lru_cache(1 << 16)
def _cut(run: str) -> tuple[str, ...]:
    """Return the most probable pieces of a run; katakana stays whole."""
    if len(run) <= _LONGEST_RUN and _KATAKANA.fullmatch(run):
        return (run,)
    known = read_pieces()
    marks = graphemes(run)
    best, back = [0.0], [0]
    for end in range(1, len(marks) + 1):
        score, start = best[end - 1] + known.get(marks[end - 1], _STRANGE), end - 1
        piece = marks[end - 1]
        for begin in range(end - 2, max(-1, end - 1 - _PIECE), -1):
            piece = marks[begin] + piece
            value = known.get(piece)
            if value is not None and best[begin] + value > score:
                score, start = best[begin] + value, begin
        best.append(score)
        back.append(start)
    cuts = [len(marks)]
    while cuts[-1]:
        cuts.append(back[cuts[-1]])
    cuts.reverse()
    return tuple("".join(marks[a:b]) for a, b in pairwise(cuts))


def _find_pairs(runs: Sequence[tuple[tuple[str, ...], int]], stop: frozenset[str]) -> dict[tuple[str, str], float]:
    """Return neighbours that are one word, and how strongly they hold together."""
    single: Counter[str] = Counter()
    pairs: Counter[tuple[str, str]] = Counter()
    for run, n in runs:
        for piece in run:
            single[piece] += n
        for pair in pairwise(run):
            pairs[pair] += n
    apart = {p for p in single if compose(p) in stop}
    found: dict[tuple[str, str], float] = {}
    for (a, b), n in pairs.items():
        barred = any(is_hiragana(p) or (len(p) > 1 and p in apart) for p in (a, b))
        if n < _LEAST or barred or _length(a) + _length(b) > _longest(a):
            continue
        of_a, of_b = n / single[a], n / single[b]
        strength, most = sqrt(of_a * of_b), 0.0 if a in apart or b in apart else max(of_a, of_b)
        if _is_broken(a) or _is_broken(b):
            if strength >= _BROKEN or most >= _SURE:
                found[a, b] = (strength + most) / 2
        elif strength >= _WHOLE or (min(len(a), len(b)) == 1 and most and (strength >= _SHORT or most >= _SURE)):
            found[a, b] = strength
    return found


def _longest(piece: str) -> int:
    return _LONGEST_RUN if piece[0] >= "\u3000" else _LONGEST_MARKED


def _put_together(run: tuple[str, ...], rounds: Sequence[dict[tuple[str, str], float]]) -> tuple[str, ...]:
    for found in rounds:
        if len(run) == 1:
            break
        run = _join_once(run, found)
    return run


def _join_once(run: tuple[str, ...], found: dict[tuple[str, str], float]) -> tuple[str, ...]:
    """Join neighbours of a run; of two pairs that share a piece the one that holds together more strongly."""
    joined: list[str] = []
    i = 0
    while i < len(run):
        here = found.get((run[i], run[i + 1])) if i + 1 < len(run) else None
        after = found.get((run[i + 1], run[i + 2]), 0.0) if i + 2 < len(run) else 0.0
        if here is not None and here >= after:
            joined.append(run[i] + run[i + 1])
            i += 2
        else:
            joined.append(run[i])
            i += 1
    return tuple(joined)


def _is_word(piece: str) -> bool:
    """Say whether a piece can stand alone: not a single letter unless it is Chinese, and nothing without a letter."""
    return any(c.isalpha() for c in piece) and not _is_broken(piece)


@lru_cache(1 << 16)
def _length(piece: str) -> int:
    return len(graphemes(piece))


@lru_cache(1 << 16)
def _is_broken(piece: str) -> bool:
    """Say whether a piece is one character that is no word: neither Chinese nor one that the vocabulary has."""
    if _length(piece) > 1 or _HAN.match(piece):
        return False
    return len(piece) == 1 or piece not in read_pieces()
