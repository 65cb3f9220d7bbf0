"""Templates: openings, endings and phrases that the prompts of a campaign have in common, as skeletons with gaps.

A prompt becomes a row of tokens; numbers and quoted parts become one token each, and words that few of the prompts have
become a gap, which stands for any number of them. What is counted are runs of up to 24 such tokens, the first and the
last one of a prompt among them, by a rolling hash (Karp and Rabin, 1987). Of the runs that stand in many of the
campaign's prompts and in few others', those that explain most prompts beyond what is explained already are kept.
"""

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from sweeplens.report.columns import columns_of, spaced

if TYPE_CHECKING:
    from sweeplens.store.snapshot import Snapshot

GAP, NUMBER, QUOTED = "…", "#", "“…”"
_LOOKED_AT = 2000  # sendings of members, and prompts of others, that are looked at
_CHARS, _TAIL = 800, 300  # characters of a prompt's beginning, and of its end where it is longer
_LONGEST = 24  # tokens of a run
_WORDS = 3  # of a skeleton, at least: fewer say nothing
_LETTERS = 10  # in these words, at least; a Chinese or Japanese sign counts as two
_SHARE = 0.03  # of the prompts, at least
_LEAST = 5  # prompts, at least
_COMMON = 0.02  # share of the prompts that have a word, from which on it is a part of skeletons
_LIFT = 3.0  # times that a skeleton is more common inside than outside, at least
_TOKEN = re.compile(
    r"(?P<quoted>“[^”\n]{1,200}”|«[^»\n]{1,200}»|\"[^\"\n]{1,200}\"|`[^`\n]{1,200}`|(?<!\w)'[^'\n]{1,200}'(?!\w))"
    r"|(?P<number>\d+(?:[.,:/-]\d+)*)"
    r"|(?P<word>[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]|[^\W\d_]+(?:['’][^\W\d_]+)*)"
    r"|(?P<mark>[^\w\s]|_)"
)
_START, _END, _RARE, _DIGITS, _QUOTE = range(5)  # codes of what is no word of the prompts
_OWN = 5  # of these codes
_MASKS = {"gap": _RARE, "number": _DIGITS, "quoted": _QUOTE}
_SHOWN = {_RARE: GAP, _DIGITS: NUMBER, _QUOTE: QUOTED}
_OPENING = frozenset("([{<“«„「『《（【")


@dataclass(frozen=True)
class Template:
    """One skeleton. `place` is where it stands: "start", "end", "whole" or "inside"; shares are 0-1.

    `n_prompts` and `n_members` are those of the prompts that were looked at; `outside` is the share of other accounts'
    prompts that have it, and `example` the id of one prompt of a member that does. `skeleton` is text of prompts.
    """

    skeleton: str
    place: str
    n_prompts: int
    n_members: int
    prompts: float
    members: float
    outside: float
    example: int


@dataclass(frozen=True)
class Templates:
    """The skeletons found, and how much was looked at: distinct prompts of how many members, and of others."""

    found: tuple[Template, ...]
    n_prompts: int
    n_members: int
    n_outside: int


class _Token(NamedTuple):
    """A word, mark, number or quoted part of a text, and where it stands."""

    kind: str
    text: str
    start: int
    end: int


class _Coded(NamedTuple):
    """Prompts as codes of tokens, one after the other; `prompt` says whose each token is."""

    code: NDArray[np.int64]
    prompt: NDArray[np.int64]


class _Run(NamedTuple):
    """A run of tokens: its codes, and the members' prompts that have it, with the share of the others' that do."""

    codes: tuple[int, ...]
    prompts: NDArray[np.int64]
    outside: float


def campaign_templates(
    snapshot: "Snapshot", members: Sequence[str], read: Callable[[NDArray[np.int64]], Sequence[str | None]]
) -> Templates | None:
    """Return what the prompts of these accounts have in common; None where `read` gives no texts.

    Looks at 2,000 sendings of the members, spread evenly over them, and at 2,000 prompts that none of them sent. `read`
    returns the texts of prompts by their ids.
    """
    columns = columns_of(snapshot)
    inside = np.zeros(len(columns.accounts), bool)
    inside[[columns.position[account] for account in members]] = True
    own = inside[columns.pairs.account]
    sent = np.flatnonzero(own)
    sent = sent[spaced(len(sent), _LOOKED_AT)]
    ids, back = np.unique(columns.pairs.prompt[sent], return_inverse=True)
    theirs = np.zeros(len(columns.prompt_cell), bool)
    theirs[columns.pairs.prompt[own]] = True
    others = np.flatnonzero(~theirs)
    others = others[spaced(len(others), _LOOKED_AT)]
    texts = read(ids.astype(np.int64))
    known = [text for text in texts if text is not None]
    if len(known) < len(ids):
        return None
    outside = [text for text in read(others) if text is not None]
    return find_templates(known, (back, columns.pairs.account[sent]), outside, ids.tolist())


def find_templates(
    texts: Sequence[str],
    sent: tuple[NDArray[np.integer], NDArray[np.integer]],
    outside: Sequence[str],
    ids: Sequence[int] | None = None,
    *,
    most: int = 8,
) -> Templates:
    """Return the skeletons that many of the texts have and few of `outside`, those that explain most first.

    `sent` are parallel arrays: the place of a text, and a member who sent it. `ids` name the texts; without them their
    places do.
    """
    tokens = [_split(text) for text in texts]
    names = _words(tokens)
    inner, outer = _code(tokens, names), _code([_split(text) for text in outside], names)
    runs = _candidates(inner, outer, len(texts), len(outside), names)
    n_members = len(np.unique(sent[1]))
    found = []
    for run in _choose(_of_several(runs, sent, len(texts)), len(texts), most):
        by = len(np.unique(sent[1][np.isin(sent[0], run.prompts)]))
        at = int(run.prompts[0])
        found.append(
            Template(
                _write(texts[at], tokens[at], run.codes, names), _place(run.codes), len(run.prompts), by,
                len(run.prompts) / len(texts), by / max(1, n_members), run.outside, at if ids is None else ids[at],
            )
        )  # fmt: skip
    return Templates(tuple(found), len(texts), n_members, len(outside))


def _of_several(
    runs: Sequence[_Run], sent: tuple[NDArray[np.integer], NDArray[np.integer]], n_prompts: int
) -> list[_Run]:
    """Return the runs that two or more members have."""
    low, high = np.full(n_prompts, np.iinfo(np.int64).max), np.full(n_prompts, -1)
    np.minimum.at(low, sent[0], sent[1])
    np.maximum.at(high, sent[0], sent[1])
    return [run for run in runs if low[run.prompts].min() < high[run.prompts].max()]


def _split(text: str) -> list[_Token]:
    """Return the tokens of a text; the middle of a long one is left out, and leaves a gap there."""
    if len(text) <= _CHARS + _TAIL:
        return [_token(m, 0) for m in _TOKEN.finditer(text)]
    head = [_token(m, 0) for m in _TOKEN.finditer(text[:_CHARS])][:-1]
    tail = [_token(m, len(text) - _TAIL) for m in _TOKEN.finditer(text[-_TAIL:])][1:]
    return [*head, _Token("gap", "", _CHARS, len(text) - _TAIL), *tail]


def _token(match: re.Match[str], shift: int) -> _Token:
    return _Token(str(match.lastgroup), match.group().casefold(), match.start() + shift, match.end() + shift)


def _words(tokens: Sequence[Sequence[_Token]]) -> dict[str, int]:
    """Return the code of each word and mark that enough prompts have."""
    having = Counter(word for row in tokens for word in {t.text for t in row if t.kind in {"word", "mark"}})
    least = max(_LEAST, _COMMON * len(tokens))
    return {word: _OWN + i for i, word in enumerate(sorted(w for w, n in having.items() if n >= least))}


def _codes_of(tokens: Sequence[_Token], names: Mapping[str, int]) -> tuple[list[int], list[int]]:
    """Return the codes of a prompt, and which token each one begins with; neighbouring gaps are one."""
    codes, first = [_START], [0]
    for i, token in enumerate(tokens):
        code = _MASKS.get(token.kind, names.get(token.text, _RARE))
        if code != _RARE or codes[-1] != _RARE:
            codes.append(code)
            first.append(i)
    return [*codes, _END], [*first, len(tokens)]


def _code(tokens: Sequence[Sequence[_Token]], names: Mapping[str, int]) -> _Coded:
    rows = [np.array(_codes_of(row, names)[0], np.int64) for row in tokens]
    lengths = [len(row) for row in rows]
    code = np.concatenate(rows) if rows else np.empty(0, np.int64)
    return _Coded(code, np.repeat(np.arange(len(rows)), lengths))


def _candidates(inner: _Coded, outer: _Coded, n_inner: int, n_outer: int, names: Mapping[str, int]) -> list[_Run]:
    """Return the runs that enough prompts have, that say enough, and that are much rarer outside."""
    words = [_is_word(w) for w in names]
    is_word = np.array([False] * _OWN + words)
    letters = np.array([0] * _OWN + [len(w) * (2 if _is_sign(w) else 1) * _is_word(w) for w in names])
    opens = np.array([False, False, True, False, False] + [w in _OPENING for w in names])
    closes = np.array([False, False, True, False, False] + [not (w in _OPENING or _is_word(w)) for w in names])
    least = max(_LEAST, _SHARE * n_inner)
    found = []
    for n in range(_WORDS, _LONGEST + 1):
        at, hashes = _hashes(inner, n)
        spans = inner.code[at[:, None] + np.arange(n)]
        good = ~closes[spans[:, 0]] & ~opens[spans[:, -1]]
        good &= (spans[:, :2] != (_START, _RARE)).any(1) & (spans[:, -2:] != (_RARE, _END)).any(1)
        good &= (is_word[spans].sum(1) >= _WORDS) & (letters[spans].sum(1) >= _LETTERS)
        key, prompts, place = _distinct(hashes[good], inner.prompt[at[good]], at[good])
        several, starts, counts = np.unique(key, return_index=True, return_counts=True)
        keep = counts >= least
        there, theirs = _hashes(outer, n)
        known = np.isin(theirs, several[keep])
        theirs, there = theirs[known], there[known]
        elsewhere, times = np.unique(_distinct(theirs, outer.prompt[there], there)[0], return_counts=True)
        shares = dict(zip(elsewhere.tolist(), (times / max(1, n_outer)).tolist(), strict=True))
        for h, start, count in zip(*(v[keep].tolist() for v in (several, starts, counts)), strict=True):
            share = shares.get(h, 0.0)
            if count / n_inner >= _LIFT * share:
                codes = tuple(inner.code[place[start] : place[start] + n].tolist())
                found.append(_Run(codes, prompts[start : start + count], share))
    return found


def _hashes(coded: _Coded, n: int) -> tuple[NDArray[np.int64], NDArray[np.uint64]]:
    """Return where runs of n tokens of one prompt begin, and their hashes."""
    if len(coded.code) < n:
        return np.empty(0, np.int64), np.empty(0, np.uint64)
    last = len(coded.code) - n + 1
    hashes = np.zeros(last, np.uint64)
    for i in range(n):
        hashes = hashes * np.uint64(0x9E3779B97F4A7C15) + (coded.code[i : last + i] + 1).astype(np.uint64)
    at = np.flatnonzero(coded.prompt[:last] == coded.prompt[n - 1 :])
    return at, hashes[at]


def _distinct(
    hashes: NDArray[np.uint64], prompts: NDArray[np.int64], at: NDArray[np.int64]
) -> tuple[NDArray[np.uint64], NDArray[np.int64], NDArray[np.int64]]:
    """Return the distinct (hash, prompt) pairs, by hash, with the first place of each."""
    order = np.lexsort((at, prompts, hashes))
    hashes, prompts, at = hashes[order], prompts[order], at[order]
    new = np.ones(len(order), bool)
    new[1:] = (hashes[1:] != hashes[:-1]) | (prompts[1:] != prompts[:-1])
    return hashes[new], prompts[new], at[new]


def _choose(runs: list[_Run], n_prompts: int, most: int) -> list[_Run]:
    """Return the runs that say most of the prompts that no run before says anything of, greedily."""
    left = np.ones(n_prompts, bool)
    chosen: list[_Run] = []
    least = max(_LEAST, _SHARE * n_prompts)
    says = [_length(run.codes) for run in runs]
    while runs and len(chosen) < most:
        new = np.array([int(left[run.prompts].sum()) for run in runs])
        worth = np.where(new >= least, new * (np.array(says) - 1.5), 0.0)
        best = int(worth.argmax())
        if worth[best] <= 0:
            break
        chosen.append(runs[best])
        left[runs[best].prompts] = False
    return sorted(chosen, key=lambda run: -len(run.prompts))


def _length(codes: tuple[int, ...]) -> float:
    """Return how much a run says: its tokens, of each at most two, and a bit for an end of the prompt."""
    times = Counter(codes)
    ends = 0.5 * (codes[0] == _START) + 0.5 * (codes[-1] == _END)
    return ends + sum(min(2, n) for code, n in times.items() if code not in {_START, _END, _RARE})


def _place(codes: tuple[int, ...]) -> str:
    starts, ends = codes[0] == _START, codes[-1] == _END
    return "whole" if starts and ends else "start" if starts else "end" if ends else "inside"


def _write(text: str, tokens: Sequence[_Token], run: tuple[int, ...], names: Mapping[str, int]) -> str:
    """Write a run as it stands in a text that has it: words as there, a gap for what is rare."""
    codes, first = _codes_of(tokens, names)
    n = len(run)
    at = next(i for i in range(len(codes) - n + 1) if tuple(codes[i : i + n]) == run)
    said, end = "" if run[0] == _START else f"{GAP} ", None
    for i in range(at, at + n):
        if codes[i] in {_START, _END}:
            continue
        token = tokens[first[i]]
        said += " " if end is not None and token.start > end else ""
        said += _SHOWN.get(codes[i], text[token.start : token.end])
        end = tokens[first[i + 1] - 1].end
    return said if run[-1] == _END else f"{said} {GAP}"


def _is_word(token: str) -> bool:
    return token[:1].isalpha()


def _is_sign(token: str) -> bool:
    return len(token) == 1 and "\u3040" <= token <= "\ud7af"
