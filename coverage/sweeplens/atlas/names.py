"""Names for clusters: the terms that set each apart, and prompts that stand for it."""

import re
from collections import Counter
from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from sweeplens.atlas.lists import read_stop_words
from sweeplens.atlas.words import HEAD, Joins, is_hiragana, is_unspaced, learn_joins, split_words
from sweeplens.text import printable

TERMS = 10
EXEMPLARS = 8
_TEXTS = 300  # prompts of a cluster that its terms are counted in
_ALIKE = 0.95  # cosine from which two prompts are one exemplar
# What Arabic writes before a word: "and", "the", "with the", "for the".
_ARABIC = re.compile(r"[\u0621-\u064a]")
_PREFIX = re.compile(r"^و?(?:ال|لل|بال|كال|فال)?(?=\w{3})")


def weigh_terms(counts: Sequence[Counter[str]]) -> list[dict[str, float]]:
    """Return the class-based tf-idf of each term in each class (Grootendorst 2022, BERTopic).

    W(t, c) = tf(t, c) / sum of tf(., c) * log(1 + A / f(t)), where f(t) sums tf(t, .) over the classes and A is the
    mean of the classes' sums.
    """
    total: Counter[str] = Counter()
    for count in counts:
        total.update(count)
    mean = sum(total.values()) / max(1, len(counts))
    weights = []
    for count in counts:
        size = sum(count.values())
        weights.append({t: c / size * float(np.log1p(mean / total[t])) for t, c in count.items()})
    return weights


def name_clusters(texts: Sequence[str], members: Sequence[NDArray[np.int32]]) -> list[tuple[str, tuple[str, ...]]]:
    """Return (name, terms) for clusters, given as rows of `texts`, the largest first.

    Terms are counted once a prompt, in at most 300 prompts of each cluster, spread evenly over its rows. Names are
    printable and differ from each other.
    """
    stop = read_stop_words()
    heads = [[texts[i][:HEAD] for i in _spread(rows).tolist()] for rows in members]
    joins = learn_joins((head for part in heads for head in part), stop)
    counts = _drop_common([_count_terms(part, stop, joins) for part in heads])
    terms = []
    for weight in weigh_terms(counts):
        best = sorted(weight, key=lambda t, w=weight: (-w[t], t))  # type: ignore[misc]
        terms.append(_differing(best))
    _tell_apart(terms, counts, [len(part) for part in heads])
    named: list[tuple[str, tuple[str, ...]]] = []
    taken: set[str] = set()
    for number, own in enumerate(terms):
        shown = [printable(term) for term in own]
        name = _choose_name(shown, taken, number)
        taken.add(name)
        named.append((name, tuple(shown)))
    return named


def choose_exemplars(rows: NDArray[np.int32], vectors: NDArray[np.floating], texts: Sequence[str]) -> list[int]:
    """Return up to 8 of `rows`, the one nearest to their mean first, no two of them nearly the same."""
    if not len(rows):
        return []
    own = np.asarray(vectors[rows], dtype=np.float32)
    near = own @ own.mean(0)
    order = np.lexsort((rows, -near))[: 40 * EXEMPLARS]
    chosen: list[int] = []
    heads: set[str] = set()
    for i in order.tolist():
        head = " ".join(texts[rows[i]][:HEAD].split()).casefold()
        if head in heads or (chosen and float((own[chosen] @ own[i]).max()) > _ALIKE):
            continue
        heads.add(head)
        chosen.append(i)
        if len(chosen) == EXEMPLARS:
            break
    return [int(rows[i]) for i in chosen]


def _spread(rows: NDArray[np.int32]) -> NDArray[np.int32]:
    """Return at most 300 rows, evenly spread."""
    if len(rows) <= _TEXTS:
        return rows
    return rows[np.linspace(0, len(rows) - 1, _TEXTS).astype(np.int64)]


def _count_terms(heads: Sequence[str], stop: frozenset[str], joins: Joins) -> Counter[str]:
    """Return in how many of the texts each term is; a word of one prompt says nothing about the other seven or more."""
    count = Counter(t for head in heads for t in set(split_words(head, joins)))
    least = 1 if len(heads) < 8 else 2
    told = {t: c for t, c in count.items() if c >= least and t not in stop and not is_hiragana(t)}
    return Counter(told) if told else count


def _drop_common(counts: list[Counter[str]]) -> list[Counter[str]]:
    """Leave out what is everywhere in this log: terms of more than half of ten or more clusters."""
    if len(counts) < 10:
        return counts
    spread = Counter(t for count in counts for t in count)
    left = [Counter({t: c for t, c in count.items() if spread[t] <= len(counts) / 2}) for count in counts]
    return [new or old for new, old in zip(left, counts, strict=True)]


def _differing(best: Iterable[str]) -> list[str]:
    """Return the first terms that are no other form of an earlier one."""
    terms: list[str] = []
    for term in best:
        if not _is_form(term, terms):
            terms.append(term)
            if len(terms) == TERMS:
                break
    return terms


def _tell_apart(terms: list[list[str]], counts: Sequence[Counter[str]], sizes: Sequence[int]) -> None:
    """Give clusters that share their two best terms, as those of one template do, a third that the others lack most."""
    alike: dict[frozenset[str], list[int]] = {}
    for c, own in enumerate(terms):
        if len(own) >= 2:
            alike.setdefault(frozenset(own[:2]), []).append(c)
    for group in alike.values():
        if len(group) < 2:
            continue
        share = {c: {t: n / sizes[c] for t, n in counts[c].items()} for c in group}
        total: Counter[str] = Counter()
        for c in group:
            total.update(share[c])
        for c in group:
            ahead = {t: s - (total[t] - s) / (len(group) - 1) for t, s in share[c].items()}
            best = sorted(ahead, key=lambda t, a=ahead: (-a[t], t))  # type: ignore[misc]
            third = next((t for t in _differing(best[:TERMS]) if not _is_form(t, terms[c][:2])), None)
            if third is not None:
                terms[c] = [*terms[c][:2], third, *(t for t in terms[c][2:] if not _is_form(t, [third]))][:TERMS]


def _is_form(term: str, others: Iterable[str]) -> bool:
    return any(_same_word(term, other) for other in others)


def _same_word(a: str, b: str) -> bool:
    """Say whether two terms are forms of one word: plurals, a longer ending, a prefix, a run that holds the other."""
    if is_unspaced(a) or is_unspaced(b):
        return a in b or b in a
    if _ARABIC.match(a) and _ARABIC.match(b):
        a, b = _PREFIX.sub("", a), _PREFIX.sub("", b)
    short, long = sorted((a, b), key=len)
    return short == long or (len(short) >= 4 and long.startswith(short[: max(4, len(short) - 2)]))


def _choose_name(terms: Sequence[str], taken: set[str], number: int) -> str:
    """Return the best two or three terms; where a larger cluster has them, others take the place of the last."""
    first = ", ".join(terms[:3]) or f"cluster {number}"
    for name in (first, *(", ".join([*terms[:2], term]) for term in terms[3:])):
        if name not in taken:
            return name
    suffix = 2
    while f"{first} ({suffix})" in taken:
        suffix += 1
    return f"{first} ({suffix})"
