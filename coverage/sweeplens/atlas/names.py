"""Names for clusters: the terms that set each apart, and prompts that stand for it."""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from functools import cache
from importlib.resources import files

import numpy as np
from numpy.typing import NDArray

from sweeplens.text import printable

TERMS = 10
EXEMPLARS = 8
_TEXTS = 300  # prompts of a cluster that its terms are counted in
_HEAD = 400  # characters of a prompt that are looked at
_ALIKE = 0.95  # cosine from which two prompts are one exemplar
_LONGEST = 24  # characters of a term
_TOGETHER = 0.7  # share of a pair's prompts in which a neighbouring character must stand to belong to the word
_PLACEHOLDER = re.compile(r"\[(?:key|token|email|card|phone)\]")
_URL = re.compile(r"https?://\S+|www\.\S+")
# Scripts that are written without spaces between words: their words are looked for as pairs of characters.
_UNSPACED = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff"  # Thai, Lao, Myanmar, Khmer
    "\u3005-\u3007\u3041-\u3096\u30a1-\u30fa\u30fc\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
)
_WORD = re.compile(rf"[{_UNSPACED}]+|(?<![0-9_])(?:(?![{_UNSPACED}])[^\W\d_])(?:(?![{_UNSPACED}])[\w'’+#-])*")
_RUN = re.compile(rf"[{_UNSPACED}]")
_HIRAGANA = re.compile(r"[\u3041-\u3096]+")  # little else than endings and particles


def split_words(text: str) -> list[str]:
    """Return the words of a text's head in lower case, and pairs of characters where a script has no spaces.

    Numbers, identifiers (three digits or more), URLs and what was redacted are left out.
    """
    head = unicodedata.normalize("NFKC", text[:_HEAD]).lower()
    words: list[str] = []
    for match in _WORD.finditer(_URL.sub(" ", _PLACEHOLDER.sub(" ", head))):
        word = match.group()
        if _RUN.match(word):
            words += [word[i : i + 2] for i in range(len(word) - 1)] or [word]
        else:
            word = re.sub(r"['’]s?$", "", word.rstrip("-_"))
            if 2 <= len(word) <= _LONGEST and len(set(word)) > 1 and sum(c.isdigit() for c in word) <= 2:
                words.append(word)
    return words


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
    heads = [[texts[i][:_HEAD] for i in _spread(rows).tolist()] for rows in members]
    counts = _drop_common([_count_terms(part, stop) for part in heads])
    terms = []
    for weight, part in zip(weigh_terms(counts), heads, strict=True):
        best = sorted(weight, key=lambda t, w=weight: (-w[t], t))  # type: ignore[misc]
        terms.append(_differing(best, part))
    _tell_apart(terms, counts, heads)
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
        head = " ".join(texts[rows[i]][:_HEAD].split()).casefold()
        if head in heads or (chosen and float((own[chosen] @ own[i]).max()) > _ALIKE):
            continue
        heads.add(head)
        chosen.append(i)
        if len(chosen) == EXEMPLARS:
            break
    return [int(rows[i]) for i in chosen]


@cache
def read_stop_words() -> frozenset[str]:
    """Return words that say nothing about a cluster, in English and some other languages."""
    from sklearn.feature_extraction.text import ENGLISH_STOP_WORDS

    lines = files("sweeplens.atlas").joinpath("stopwords.txt").read_text(encoding="utf-8").splitlines()
    return frozenset(ENGLISH_STOP_WORDS) | {word for line in lines if not line.startswith("#") for word in line.split()}


def _spread(rows: NDArray[np.int32]) -> NDArray[np.int32]:
    """Return at most 300 rows, evenly spread."""
    if len(rows) <= _TEXTS:
        return rows
    return rows[np.linspace(0, len(rows) - 1, _TEXTS).astype(np.int64)]


def _count_terms(heads: Sequence[str], stop: frozenset[str]) -> Counter[str]:
    """Return in how many of the texts each term is; a word of one prompt says nothing about the other seven or more."""
    count = Counter(t for head in heads for t in set(split_words(head)))
    least = 1 if len(heads) < 8 else 2
    told = {t: c for t, c in count.items() if c >= least and t not in stop and not _HIRAGANA.fullmatch(t)}
    return Counter(told) if told else count


def _drop_common(counts: list[Counter[str]]) -> list[Counter[str]]:
    """Leave out what is everywhere in this log: terms of more than half of ten or more clusters."""
    if len(counts) < 10:
        return counts
    spread = Counter(t for count in counts for t in count)
    left = [Counter({t: c for t, c in count.items() if spread[t] <= len(counts) / 2}) for count in counts]
    return [new or old for new, old in zip(left, counts, strict=True)]


def _differing(best: Iterable[str], heads: Sequence[str]) -> list[str]:
    """Return the first terms that are no other form of an earlier one; pairs of characters are made whole words."""
    terms: list[str] = []
    for term in best:
        whole = _extend(term, heads) if _RUN.match(term) else term
        if not _is_form(whole, terms):
            terms.append(whole)
            if len(terms) == TERMS:
                break
    return terms


def _tell_apart(terms: list[list[str]], counts: Sequence[Counter[str]], heads: Sequence[Sequence[str]]) -> None:
    """Give clusters that share their two best terms, as those of one template do, a third that the others lack most."""
    alike: dict[frozenset[str], list[int]] = {}
    for c, own in enumerate(terms):
        if len(own) >= 2:
            alike.setdefault(frozenset(own[:2]), []).append(c)
    for group in alike.values():
        if len(group) < 2:
            continue
        share = {c: {t: n / len(heads[c]) for t, n in counts[c].items()} for c in group}
        total: Counter[str] = Counter()
        for c in group:
            total.update(share[c])
        for c in group:
            ahead = {t: s - (total[t] - s) / (len(group) - 1) for t, s in share[c].items()}
            best = sorted(ahead, key=lambda t, a=ahead: (-a[t], t))  # type: ignore[misc]
            third = next((t for t in _differing(best[:TERMS], heads[c]) if not _is_form(t, terms[c][:2])), None)
            if third is not None:
                terms[c] = [*terms[c][:2], third, *(t for t in terms[c][2:] if not _is_form(t, [third]))][:TERMS]


def _extend(term: str, heads: Sequence[str]) -> str:
    """Grow a pair of characters by what stands before or after it most of the time, to at most four characters."""
    while len(term) < 4:
        found = sum(term in head for head in heads)
        for before, after in ((".", ""), ("", ".")):
            pattern = re.compile(f"({before}){re.escape(term)}({after})")
            near = Counter(c for head in heads for c in {m.group(1) + m.group(2) for m in pattern.finditer(head)})
            char, count = min(near.items(), key=lambda item: (-item[1], item[0]), default=("", 0))
            if count >= max(1.0, _TOGETHER * found) and _RUN.match(char) and not _HIRAGANA.match(char):
                term = char + term if before else term + char
                break
        else:
            break
    return term


def _is_form(term: str, others: Iterable[str]) -> bool:
    return any(_same_word(term, other) for other in others)


def _same_word(a: str, b: str) -> bool:
    """Say whether two terms are forms of one word: plurals, a longer ending, runs of characters that overlap."""
    if _RUN.match(a) and _RUN.match(b):
        return a[-1] == b[0] or b[-1] == a[0] or any(a[i : i + 2] in b for i in range(len(a) - 1))
    short, long = sorted((a, b), key=len)
    return len(short) >= 4 and long.startswith(short[: max(4, len(short) - 2)])


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
