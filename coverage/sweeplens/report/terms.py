"""The words that set a selection of prompts apart from the rest of a log."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from math import log, sqrt
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from sweeplens.atlas.lists import read_stop_words
from sweeplens.atlas.words import Joins, is_hiragana, is_unspaced, learn_joins, split_words
from sweeplens.report.columns import spaced
from sweeplens.text import printable

if TYPE_CHECKING:
    from sweeplens.store.snapshot import Snapshot

MOST_READ = 2000  # prompts of a selection that are read; more would change no word
BACKGROUND = 4000  # prompts that stand for all
_PRIOR = 500.0  # what the prior weighs, in words; in a small log a tenth of what was read
_SURE = 1.96  # standard deviations to the end of a 95 % interval
_SHARED_START = 4  # letters that two forms of one word have in common at least


@dataclass(frozen=True)
class Term:
    """A word or pair of words: the share (0-1) of the selection's prompts that have it, and of the others.

    `at_least` is the lower end of the 95 % interval of its log-odds ratio.
    """

    text: str
    here: float
    elsewhere: float
    at_least: float


@dataclass(frozen=True)
class Background:
    """Prompts that stand for all, spread evenly over a snapshot, the terms of each, and what these say about words."""

    ids: NDArray[np.int64]
    terms: tuple[frozenset[str], ...]
    joins: Joins = field(default_factory=Joins)


def read_background(snapshot: "Snapshot") -> Background:
    """Return the terms of prompts that stand for all of the snapshot; none where it keeps no text."""
    ids = spaced(snapshot.table("prompts").num_rows, BACKGROUND)
    texts = _texts_of(snapshot, ids)
    joins = learn_joins(texts, read_stop_words())
    return Background(ids, tuple(_terms_of(texts, joins)), joins)


def distinctive_terms(
    snapshot: "Snapshot", prompt_ids: NDArray[np.integer], background: Background, top: int = 20
) -> list[Term]:
    """Return the terms that set these prompts apart from the others, the strongest first; each once, not in every form.

    Log-odds ratios with an informative Dirichlet prior (Monroe, Colaresi, Quinn 2008), on the number of prompts that
    have a term, ranked by the lower end of their intervals: their z would put frequent words before telling ones. At
    most `MOST_READ` of the prompts are read, spread evenly. None where no text is kept, and none where nothing but the
    selection is left.
    """
    ids = np.asarray(prompt_ids, np.int64)
    own = _terms_of(_texts_of(snapshot, ids[spaced(len(ids), MOST_READ)]), background.joins)
    rest = [
        terms
        for terms, chosen in zip(background.terms, np.isin(background.ids, ids).tolist(), strict=True)
        if not chosen
    ]
    if not own or not rest:
        return []
    here, elsewhere = Counter(t for terms in own for t in terms), Counter(t for terms in rest for t in terms)
    n_here, n_elsewhere = here.total(), elsewhere.total()
    both = n_here + n_elsewhere
    weight = min(_PRIOR, both / 10)
    least = 2 if len(own) >= 8 else 1
    found = []
    for term, n in here.items():
        m = elsewhere[term]
        low = _lower((n, n_here), (m, n_elsewhere), weight, weight * (n + m) / both)
        if n >= least and low > 0:
            found.append(Term(term, n / len(own), m / len(rest), low))
    found.sort(key=lambda t: (-t.at_least, " " in t.text, t.text))
    return _differing(found, top)


def _lower(here: tuple[int, int], elsewhere: tuple[int, int], weight: float, prior: float) -> float:
    """Return the lower end of the log-odds ratio of a term between two bodies of text: (its number, all) of each."""
    (n, n_all), (m, m_all) = here, elsewhere
    ratio = log((n + prior) / (n_all + weight - n - prior)) - log((m + prior) / (m_all + weight - m - prior))
    return ratio - _SURE * sqrt(1 / (n + prior) + 1 / (m + prior))


def _texts_of(snapshot: "Snapshot", ids: NDArray[np.int64]) -> list[str]:
    texts = snapshot.table("prompts", ["text"])["text"].take(ids).to_pylist()
    return [text for text in texts if text is not None]


def _terms_of(texts: Sequence[str], joins: Joins) -> list[frozenset[str]]:
    stop = read_stop_words()
    return [_split(text, stop, joins) for text in texts]


def _split(text: str, stop: frozenset[str], joins: Joins) -> frozenset[str]:
    """Return the words of a text's head and the pairs of neighbours, without words that say nothing."""
    words = split_words(text, joins)
    told = {word for word in words if word not in stop and not is_hiragana(word)}
    pairs = {f"{a} {b}" for a, b in pairwise(words) if a in told and b in told and a.isascii()}
    return frozenset(printable(term) for term in told | pairs)


def _differing(found: Sequence[Term], top: int) -> list[Term]:
    """Return the first terms that are no other form and no part of an earlier one."""
    kept: list[Term] = []
    for term in found:
        if not any(_alike(term.text, other.text) for other in kept):
            kept.append(term)
            if len(kept) == top:
                break
    return kept


def _alike(a: str, b: str) -> bool:
    return any(_same(x, y) for x in a.split(" ") for y in b.split(" "))


def _same(a: str, b: str) -> bool:
    short, long = sorted((a, b), key=len)
    if is_unspaced(a) or is_unspaced(b):
        return short in long
    if len(short) < _SHARED_START:
        return short == long
    return long.startswith(short[: max(_SHARED_START, len(short) - 2)])
