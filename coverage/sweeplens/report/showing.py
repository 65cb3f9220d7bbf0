"""Which prompts of an account show a signal: those that an analyst has to read to believe the number."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from sweeplens.report.columns import columns_of
from sweeplens.report.find import find_account

if TYPE_CHECKING:
    from sweeplens.store.snapshot import Snapshot

Ids = NDArray[np.int64]
MOST = 24  # prompts that are shown for a signal
_HALF = 50.0  # per cent
_RUN = 12  # prompts of a run
_LOOKED_AT = 1500  # distinct prompts whose vectors are compared: the first so many
_BACK = 40  # requests after which ground counts as new again
_AROUND = 3  # prompts before and after that count as neighbours in time


@dataclass(frozen=True)
class Own:
    """One account's prompts: distinct ones [n] in order of arrival with how often each was sent, and all requests."""

    snapshot: "Snapshot"
    account: int
    percentile: float

    @cached_property
    def ids(self) -> Ids:
        """Distinct prompts in order of arrival."""
        pairs = columns_of(self.snapshot).pairs
        return pairs.prompt[pairs.starts[self.account] : pairs.starts[self.account + 1]].astype(np.int64)

    @cached_property
    def sent(self) -> NDArray[np.int32]:
        """How often each was sent."""
        pairs = columns_of(self.snapshot).pairs
        return pairs.sent[pairs.starts[self.account] : pairs.starts[self.account + 1]]

    @cached_property
    def requests(self) -> Ids:
        """The prompt of each request in order of arrival."""
        requests = columns_of(self.snapshot).requests
        return requests.prompt[requests.starts[self.account] : requests.starts[self.account + 1]].astype(np.int64)

    @cached_property
    def vectors(self) -> NDArray[np.float32]:
        """Unit vectors of the first distinct prompts, float32 [n, d]."""
        return np.asarray(self.snapshot.vectors[self.ids[:_LOOKED_AT]], np.float32)

    @cached_property
    def near(self) -> NDArray[np.float32]:
        """Largest cosine of each of these with the three before and after it."""
        v = self.vectors
        near = np.full(len(v), -1.0, np.float32)
        for lag in range(1, min(_AROUND, len(v) - 1) + 1):
            cosine = np.einsum("ij,ij->i", v[lag:], v[:-lag])
            np.maximum(near[lag:], cosine, out=near[lag:])
            np.maximum(near[:-lag], cosine, out=near[:-lag])
        return near

    @property
    def is_low(self) -> bool:
        """Say whether most peers have more of the signal."""
        return _is_low(self.percentile)


def prompts_showing(snapshot: "Snapshot", account_id: str, signal: str) -> Ids:
    """Return ids of up to 24 prompts of an account that show a signal, as `what_shows` says; empty where none does.

    Pairs stand side by side, runs in their order. Raises `NotFoundError` for an unknown account.
    """
    account, columns = find_account(snapshot, account_id), columns_of(snapshot)
    way = _WAYS.get(signal)
    if way is None:
        return np.empty(0, np.int64)
    names = columns.signals.names
    percentile = columns.signals.percentiles[account, names.index(signal)] if signal in names else np.nan
    return way[1](Own(snapshot, account, float(percentile)))[:MOST]


def what_shows(signal: str, percentile: float | None) -> str | None:
    """Say which prompts show a signal at this percentile of the peers, such as "sent more than once, most often first".

    None where no prompt shows it.
    """
    way = _WAYS.get(signal)
    if way is None or isinstance(way[0], str):
        return None if way is None else str(way[0])
    return way[0][_is_low(percentile)]


def _is_low(percentile: float | None) -> bool:
    return percentile is None or not percentile >= _HALF


def _repeated(own: Own) -> Ids:
    order = np.argsort(-own.sent, kind="stable")
    return own.ids[order[own.sent[order] > 1]]


def _shared(own: Own) -> Ids:
    """Return those that most accounts send, each sent by at least one other."""
    pairs = columns_of(own.snapshot).pairs
    n = np.bincount(pairs.prompt[np.isin(pairs.prompt, own.ids)], minlength=int(own.ids.max(initial=-1)) + 1)[own.ids]
    order = np.argsort(-n, kind="stable")
    return own.ids[order[n[order] > 1]]


def _runs(own: Own) -> Ids:
    again = own.requests[1:][own.requests[1:] == own.requests[:-1]]
    found, n = np.unique(again, return_counts=True)
    order = np.argsort(-n, kind="stable")
    return found[order].astype(np.int64)


def _first_of(labels: Callable[[Own], NDArray[np.int32]]) -> Callable[[Own], Ids]:
    def first(own: Own) -> Ids:
        of = labels(own)
        at = np.sort(np.unique(of, return_index=True)[1])
        return own.ids[at[of[at] >= 0]]

    return first


def _cell(own: Own) -> NDArray[np.int32]:
    return columns_of(own.snapshot).prompt_cell[own.ids]


def _cluster(own: Own) -> NDArray[np.int32]:
    return columns_of(own.snapshot).prompt_cluster[own.ids]


def _capability(own: Own) -> NDArray[np.int32]:
    return columns_of(own.snapshot).prompt_capability[own.ids]


def _once(own: Own) -> Ids:
    _, back, n = np.unique(_cell(own), return_inverse=True, return_counts=True)
    once: Ids = own.ids[n[back] == 1]
    return once


def _largest(own: Own) -> Ids:
    _, back, n = np.unique(_cell(own), return_inverse=True, return_counts=True)
    return own.ids[back == n.argmax()] if len(n) else own.ids


def _opening(own: Own) -> Ids:
    cells = columns_of(own.snapshot).prompt_cell[own.requests].tolist()
    last: dict[int, int] = {}
    new = []
    for i, cell in enumerate(cells):
        if i - last.get(cell, -_BACK - 1) > _BACK:
            new.append(i)
        last[cell] = i
    return _unique(own.requests[np.array(new, np.int64)])


def _run(own: Own) -> Ids:
    """Return the run whose steps are the shortest, or for an account that jumps, the longest."""
    v, n = own.vectors, min(_RUN, len(own.vectors))
    if n < 2:
        return own.ids[:0]
    steps = np.einsum("ij,ij->i", v[1:], v[:-1])
    means = np.convolve(steps, np.ones(n - 1) / (n - 1), "valid")
    start = int(means.argmin() if own.is_low else means.argmax())
    return own.ids[start : start + n]


def _lonely(own: Own) -> Ids:
    order: Ids = np.argsort(own.near, kind="stable")
    return own.ids[order]


def _stepping(own: Own) -> Ids:
    """Return prompts that are nearest to what was asked around them, each followed by that one; lonely ones if low."""
    if own.is_low:
        return _lonely(own)
    v, found = own.vectors, []
    for i in np.argsort(-own.near, kind="stable")[:MOST].tolist():
        around = np.array([j for j in range(i - _AROUND, i + _AROUND + 1) if j != i and 0 <= j < len(v)], np.int64)
        if len(around):
            found += sorted((i, int(around[(v[around] @ v[i]).argmax()])))
    return _unique(own.ids[np.array(found, np.int64)])


def _pairs(own: Own) -> Ids:
    """Return the pairs that are most alike, one after the other; no prompt stands in two of them."""
    if len(own.vectors) < 2:
        return own.ids[:0]
    gram = own.vectors @ own.vectors.T
    np.fill_diagonal(gram, -1.0)
    nearest = gram.argmax(1)
    strength = gram[np.arange(len(gram)), nearest]
    used, found = np.zeros(len(gram), bool), []
    for i in np.argsort(-strength, kind="stable").tolist():
        j = int(nearest[i])
        if not used[i] and not used[j]:
            used[[i, j]] = True
            found += [i, j]
        if len(found) >= MOST:
            break
    return own.ids[np.array(found, np.int64)]


def _axis(own: Own) -> Ids:
    """Return both ends of the axis on which the account's prompts differ most."""
    if len(own.vectors) < 3:
        return own.ids[:0]
    centred = own.vectors - own.vectors.mean(0)
    axis = np.linalg.eigh(centred.T @ centred)[1][:, -1]
    return _ends(own.ids[: len(centred)], centred @ axis)


def _openings(own: Own) -> Ids:
    words = _texts(own, "first_word")
    found, n = np.unique(words, return_counts=True)
    return own.ids[words == found[n.argmax()]] if len(found) else own.ids[:0]


def _form(column: str, *, ends: bool = True) -> Callable[[Own], Ids]:
    def extremes(own: Own) -> Ids:
        values = _texts(own, column)
        if not len(values):
            return own.ids[:0]
        if ends:
            return _ends(own.ids, values)
        order = np.argsort(values if own.is_low else -values, kind="stable")
        return own.ids[order[~np.isnan(values[order])]]

    return extremes


def _texts(own: Own, column: str) -> NDArray[np.float64]:
    """Return a column of what is known of the texts of the account's prompts; empty where the snapshot has none."""
    table = own.snapshot.table("texts")
    if len(table) <= int(own.ids.max(initial=-1)):
        return np.empty(0)
    return np.asarray(table[column].take(own.ids).to_numpy(), np.float64)


def _ends(ids: Ids, values: NDArray[np.floating]) -> Ids:
    """Return those with the lowest values and those with the highest, half and half, without any twice."""
    order = np.argsort(values, kind="stable")
    order = order[~np.isnan(values[order])]
    half = min(MOST // 2, len(order) // 2)
    both: Ids = np.concatenate([order[:half], order[len(order) - half :][::-1]])
    return ids[both]


def _unique(ids: Ids) -> Ids:
    return ids[np.sort(np.unique(ids, return_index=True)[1])]


_REPEATED = ("sent more than once, most often first", _repeated)
_STEPS = (
    (
        "close to what was asked just before or after, with what they are close to",
        "least like what was asked around them",
    ),
    _stepping,
)
_CLOSE = ("the pairs that are most alike, two by two", _pairs)
_FORM = {
    "spread_log_length": ("the shortest and the longest", "log_length"),
    "spread_word_length": ("those with the shortest and the longest words", "word_length"),
    "spread_capitals": ("those with fewest and with most capitals", "capitals"),
    "spread_digits": ("those with fewest and with most digits", "digits"),
    "spread_beyond_ascii": ("those with least and with most of other scripts", "beyond_ascii"),
    "spread_code_marks": ("those with fewest and with most code marks", "code_marks"),
    "spread_line_breaks": ("those with fewest and with most line breaks", "line_breaks"),
    "spread_distinct_words": ("those that repeat their words most and least", "distinct_words"),
    "pack_spread": ("the most repetitive and the densest", "pack"),
}
# What is shown, with its two kinds where they depend on the side of the peers: for a high value and for a low one.
_WAYS: dict[str, tuple[str | tuple[str, str], Callable[[Own], Ids]]] = {
    **dict.fromkeys(("repeats", "most_repeated", "repeat_middle", "resent"), _REPEATED),
    "runs": ("sent again at once, most often first", _runs),
    "kin_shared": ("sent by other accounts, too, those of most accounts first", _shared),
    **dict.fromkeys(("cells", "cell_evenness"), ("the first in each cell, in order of arrival", _first_of(_cell))),
    "cells_once": ("those whose cell it visits only once", _once),
    "cell_top": ("those in its largest cell", _largest),
    "clusters": ("the first in each cluster, in order of arrival", _first_of(_cluster)),
    "capabilities": ("the first of each capability, in order of arrival", _first_of(_capability)),
    "discovery": ("those that open ground it has not just visited, in order of arrival", _opening),
    **dict.fromkeys(
        ("locality", "locality_wide"),
        (("a run in order of arrival, where it stays most", "a run in order of arrival, where it jumps most"), _run),
    ),
    "alone": ("those least like what was asked just before and after", _lonely),
    **dict.fromkeys(("near_lowest", "near_low", "near_middle", "near_high", "near_highest"), _STEPS),
    **dict.fromkeys(("pair_mean", "pair_spread", "pair_high", "nearest", "nearest_spread", "vendi"), _CLOSE),
    "first_axis": ("both ends of the axis on which its prompts differ most", _axis),
    **dict.fromkeys(("first_words", "first_word_top"), ("those that begin with its commonest word", _openings)),
    **{signal: (what, _form(column)) for signal, (what, column) in _FORM.items()},
    "pack": (("the densest first", "the most repetitive first"), _form("pack", ends=False)),
    "leaning": (
        ("those that lean most on what was said before", "those that lean least on what was said before"),
        _form("leaning", ends=False),
    ),
}
