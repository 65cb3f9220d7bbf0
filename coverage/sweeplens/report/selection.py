"""Which prompts pass a filter, who sent a selection of them more often than others do, and the selection as a file."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sweeplens.detect.calibration import adjust
from sweeplens.report.columns import NO_TIME, columns_of, encode
from sweeplens.report.facts import LEVELS, MapPoints
from sweeplens.report.ground import first_sent, moment
from sweeplens.text import csv_cell, printable

if TYPE_CHECKING:
    from sweeplens.store.snapshot import Snapshot

_SENDERS = 100  # senders of a prompt that are written out, those who sent it most often first
_CONFIDENCE = 0.95
MAX_Q = 0.05  # of accounts that are said to ask more often than others: the share that chance may give
FIELDS = (
    "prompt_id", "cluster_id", "cluster", "capability", "level", "language", "first_sent", "n_requests", "n_accounts",
    "accounts",
)  # fmt: skip


@dataclass(frozen=True, eq=False)
class PromptFields:
    """What prompts are filtered by beside their place on the map: row number = prompt id.

    `first` is when each was first sent by anybody, in microseconds (`NO_TIME` for none); `language` is a place in
    `languages`, the most frequent one first.
    """

    first: NDArray[np.int64]
    language: NDArray[np.int32]
    languages: tuple[str, ...]


@dataclass(frozen=True)
class Filter:
    """Which prompts remain; an empty part lets all through. Capabilities by key; both days belong to it, in UTC.

    `levels` are those of the highest level among a prompt's senders; the days are those of its first sending.
    """

    levels: tuple[str, ...] = ()
    capabilities: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()
    since: date | None = None
    until: date | None = None

    def is_empty(self) -> bool:
        """Say whether it lets every prompt through."""
        return self == Filter()


class Senders(NamedTuple):
    """Who sent a selection, parallel arrays over the accounts that sent any of it, by their row.

    `here` of an account's distinct `prompts` lie in the selection; `others` is the share (0-1) for all other accounts
    together. `at_least` says how many times as often as others it asks here, by the lower end of a 95 % interval
    (Clopper, Pearson 1934). `p` is the chance of so many or more if its prompts were drawn from everybody's
    (hypergeometric; 1 where they are not more than expected), `q` the false discovery rate over all accounts.
    """

    account: NDArray[np.int64]
    here: NDArray[np.int64]
    prompts: NDArray[np.int64]
    others: NDArray[np.float64]
    at_least: NDArray[np.float64]
    p: NDArray[np.float64]
    q: NDArray[np.float64]


def prompt_fields(snapshot: "Snapshot") -> PromptFields:
    """Return what all prompts of a snapshot are filtered by."""
    pairs, total = columns_of(snapshot).pairs, len(columns_of(snapshot).prompt_cell)
    first = np.full(total, NO_TIME, np.int64)
    np.minimum.at(first, pairs.prompt, pairs.first)
    codes, words = encode(snapshot.table("prompts")["language"])
    order = np.argsort(-np.bincount(codes, minlength=len(words)), kind="stable")
    place = np.empty(len(words), np.int32)
    place[order] = np.arange(len(words))
    return PromptFields(first, place[codes] if len(words) else codes, tuple(words[i] for i in order))


def passing(points: MapPoints, fields: PromptFields, wanted: Filter) -> NDArray[np.bool_]:
    """Return which prompts pass the filter, as a mask over all."""
    mask = np.ones(len(points.x), bool)
    if wanted.levels:
        mask &= np.isin(points.level, [i for i, level in enumerate(LEVELS) if level in wanted.levels])
    if wanted.capabilities:
        mask &= np.isin(
            points.capability, [i for i, (key, _) in enumerate(points.capabilities) if key in wanted.capabilities]
        )
    if wanted.languages:
        mask &= np.isin(fields.language, [i for i, word in enumerate(fields.languages) if word in wanted.languages])
    if wanted.since is not None:
        mask &= (fields.first >= _start(wanted.since)) & (fields.first != NO_TIME)
    if wanted.until is not None:
        mask &= fields.first < _start(wanted.until + timedelta(days=1))
    return mask


def _start(day: date) -> int:
    """Return when a day begins, in microseconds since 1970."""
    return (datetime.combine(day, time(), UTC) - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)


def measure_senders(snapshot: "Snapshot", prompt_ids: ArrayLike) -> Senders:
    """Return who sent any of these prompts, and how much more often than others; by row of the accounts table."""
    from scipy.special import betaincinv

    columns = columns_of(snapshot)
    chosen = np.zeros(len(columns.prompt_cell), bool)
    chosen[np.asarray(prompt_ids, np.int64)] = True
    inside = chosen[columns.pairs.prompt]
    all_here = np.bincount(columns.pairs.account[inside], minlength=len(columns.accounts))
    all_prompts = np.diff(columns.pairs.starts)
    total, marked = len(inside), int(inside.sum())
    who = np.flatnonzero(all_here)
    here, prompts = all_here[who].astype(np.int64), all_prompts[who].astype(np.int64)
    rest = total - prompts
    others = np.where(rest > 0, (marked - here) / np.maximum(rest, 1), 0.0)
    low = betaincinv(here, prompts - here + 1, (1 - _CONFIDENCE) / 2)
    # One more hit and one more prompt for the others, so that nobody asks "infinitely" more often than they.
    at_least = low / ((marked - here + 1) / (rest + 1))
    p = _upper_tail(here, total, marked, prompts)
    family = np.concatenate([p, np.ones(int((all_prompts > 0).sum()) - len(who))])
    return Senders(who, here, prompts, others, at_least, p, adjust(p, family))


def rank_senders(found: Senders, by: Literal["more", "most"]) -> NDArray[np.int64]:
    """Return the places of the senders in order: by how much `more` often than others, or who sent `most` of it.

    Among the former are only those whose number is more than chance gives among all accounts (q up to `MAX_Q`).
    """
    if by == "most":
        return np.lexsort((found.account, -found.at_least, -found.here))
    able = np.flatnonzero(found.q <= MAX_Q)
    return able[np.lexsort((found.account[able], -found.here[able], -found.at_least[able]))]


def _upper_tail(k: NDArray[np.int64], total: int, marked: int, drawn: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return P(X >= k) for X hypergeometric: `drawn` of `total` without replacement, `marked` of them count.

    1 where k is not above its expectation. The sum starts at k and goes on while its terms matter.
    """
    from scipy.special import gammaln

    def choose(n: Any, r: Any) -> Any:  # noqa: ANN401 - a number or an array
        return gammaln(n + 1.0) - gammaln(r + 1.0) - gammaln(n - r + 1.0)

    p = np.ones(len(k))
    rows = np.flatnonzero(k * total > drawn * marked)
    at, n = k[rows].astype(float), drawn[rows].astype(float)
    first = choose(marked, at) + choose(total - marked, n - at) - choose(total, n)
    term, summed, going = np.ones(len(rows)), np.ones(len(rows)), np.arange(len(rows))
    while len(going):
        j = at[going]
        rate = (marked - j) * (n[going] - j) / ((j + 1) * np.maximum(1.0, total - marked - n[going] + j + 1))
        term[going] *= rate
        summed[going] += term[going]
        at[going] += 1
        going = going[term[going] > 1e-12 * summed[going]]
    p[rows] = np.minimum(1.0, np.exp(np.minimum(0.0, first + np.log(summed))))
    return p


def selection_rows(snapshot: "Snapshot", prompt_ids: ArrayLike, *, with_text: bool) -> Iterator[dict[str, object]]:
    """Yield a row for each prompt, as a file has it: `FIELDS`, and the text where it is wanted and kept."""
    ids = np.asarray(prompt_ids, np.int64)
    columns, use, prompts = columns_of(snapshot), snapshot.table("use"), snapshot.table("prompts")
    who = _who(snapshot, ids)
    names = [key for key, _ in columns.capabilities]
    found = zip(
        ids.tolist(), columns.prompt_cluster[ids].tolist(), columns.prompt_capability[ids].tolist(),
        columns.prompt_level[ids].tolist(), prompts["language"].take(ids).to_pylist(),
        first_sent(snapshot, ids).tolist(), use["n_requests"].take(ids).to_pylist(),
        use["n_accounts"].take(ids).to_pylist(),
        prompts["text"].take(ids).to_pylist() if with_text else [None] * len(ids), strict=True,
    )  # fmt: skip
    for prompt, cluster, capability, level, language, first, sent, n, text in found:
        when = moment(first)
        row: dict[str, object] = {
            "prompt_id": prompt, "cluster_id": cluster, "cluster": columns.cluster_names[cluster],
            "capability": names[capability], "level": LEVELS[level], "language": language,
            "first_sent": None if when is None else when.isoformat(), "n_requests": sent, "n_accounts": n,
            "accounts": who.get(prompt, []),
        }  # fmt: skip
        yield row if text is None else {**row, "text": text}


def _who(snapshot: "Snapshot", ids: NDArray[np.int64]) -> dict[int, list[str]]:
    columns = columns_of(snapshot)
    pairs, chosen = columns.pairs, np.zeros(len(columns.prompt_cell), bool)
    chosen[ids] = True
    places = np.flatnonzero(chosen[pairs.prompt])
    order = places[np.lexsort((pairs.account[places], -pairs.sent[places], pairs.prompt[places]))]
    found: dict[int, list[str]] = {}
    for prompt, account in zip(pairs.prompt[order].tolist(), pairs.account[order].tolist(), strict=True):
        mine = found.setdefault(prompt, [])
        if len(mine) < _SENDERS:
            mine.append(columns.accounts[account])
    return found


def write_selection(
    snapshot: "Snapshot", prompt_ids: ArrayLike, kind: Literal["csv", "jsonl"], *, with_text: bool
) -> bytes:
    """Return a selection as a file in UTF-8. In CSV the accounts are one cell of JSON, and no cell is a formula."""
    rows = selection_rows(snapshot, prompt_ids, with_text=with_text)
    if kind == "jsonl":
        return "".join(json.dumps(row) + "\n" for row in rows).encode("ascii")
    import csv
    import io

    stream = io.StringIO(newline="")
    kept = with_text and bool(snapshot.manifest.get("text", "kept") == "kept")
    writer = csv.DictWriter(stream, [*FIELDS, "text"] if kept else FIELDS, lineterminator="\r\n", restval="")
    writer.writeheader()
    for row in rows:
        writer.writerow({name: _cell(value) for name, value in row.items()})
    return stream.getvalue().encode("utf-8")


def _cell(value: object) -> object:
    if isinstance(value, list):
        return json.dumps(value)
    return csv_cell(printable(value)) if isinstance(value, str) else value
