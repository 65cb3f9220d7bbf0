"""The columns of a snapshot as numpy arrays, sorted once and shared by all reports on that snapshot."""

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from sweeplens.detect.detector import LEVELS
from sweeplens.errors import StoreError
from sweeplens.report.facts import FLAGGED
from sweeplens.store.once import lock_of, once

if TYPE_CHECKING:
    import pyarrow as pa

    from sweeplens.store.snapshot import Snapshot

UNASSIGNED = "unassigned"
NO_TIME = np.iinfo(np.int64).max
_KEPT = "_columns"  # where an open snapshot keeps its columns
log = logging.getLogger(__name__)


class Requests(NamedTuple):
    """Requests by account, then by time, then as the log has them; undated ones last. `starts` bounds each account."""

    starts: NDArray[np.int64]
    row: NDArray[np.int64]
    ts: NDArray[np.int64]
    prompt: NDArray[np.int32]


class Pairs(NamedTuple):
    """Distinct (account, prompt) pairs by account, then by first sending. `starts` bounds each account."""

    starts: NDArray[np.int64]
    account: NDArray[np.int32]
    prompt: NDArray[np.int32]
    sent: NDArray[np.int32]
    first: NDArray[np.int64]


class Visits(NamedTuple):
    """How many distinct prompts of an account lie in a cell: (account, cell) pairs by account."""

    account: NDArray[np.int32]
    cell: NDArray[np.int32]
    n: NDArray[np.int32]


class Signals(NamedTuple):
    """All signals: value and peer percentile, float64 [accounts, signals], NaN for none."""

    names: list[str]
    values: NDArray[np.float64]
    percentiles: NDArray[np.float64]


class Curves(NamedTuple):
    """Coverage curves: cells seen after n distinct prompts. `starts` bounds each account."""

    starts: NDArray[np.int64]
    n: NDArray[np.int32]
    cells: NDArray[np.int32]


class ClusterUse(NamedTuple):
    """By cluster id, the last entry is for no cluster: requests, those of flagged accounts, and how many these are."""

    requests: NDArray[np.int64]
    flagged_requests: NDArray[np.int64]
    flagged_accounts: NDArray[np.int64]


class Naming(NamedTuple):
    """What the clusters are called: by id, -1 is what lies in none.

    `pinned` are those that stay on top; `last` is the number of the last name that analysts gave, 0 for none.
    """

    names: dict[int, str]
    pinned: frozenset[int]
    last: int


class Columns:
    """Arrays of one snapshot; an account is its row in the accounts table, a capability its row in that table."""

    def __init__(self, snapshot: "Snapshot") -> None:
        self._table = snapshot.table
        self._folder = snapshot.folder
        self._naming: Naming | None = None

    @once
    def accounts(self) -> list[str]:
        """Account ids in table order."""
        ids: list[str] = self._table("accounts")["account_id"].to_pylist()
        return ids

    @once
    def position(self) -> dict[str, int]:
        """Row of each account id."""
        return {account: row for row, account in enumerate(self.accounts)}

    @once
    def levels(self) -> NDArray[np.int8]:
        """Level of each account, as its place in `LEVELS`."""
        codes, words = encode(self._table("accounts")["level"])
        return np.array([LEVELS.index(w) for w in words], np.int8)[codes]

    @once
    def scores(self) -> NDArray[np.float64]:
        """Score of each account, NaN for none."""
        return floats(self._table("accounts")["score"])

    @once
    def n_prompts(self) -> NDArray[np.int32]:
        """Distinct prompts of each account."""
        return whole(self._table("accounts")["n_prompts"])

    @once
    def request_account(self) -> NDArray[np.int32]:
        """Account of each row of the requests table."""
        return self._codes(self._table("requests", ["account_id"])["account_id"])

    @once
    def requests(self) -> Requests:
        """Requests by account and time."""
        account = self.request_account
        table = self._table("requests", ["ts", "prompt_id"])
        ts = times(table["ts"])
        row = np.lexsort((ts, account))  # stable: requests of one time stay as the log has them
        starts = np.searchsorted(account[row], np.arange(len(self.accounts) + 1))
        return Requests(starts, row, ts[row], whole(table["prompt_id"])[row])

    @once
    def pairs(self) -> Pairs:
        """Distinct (account, prompt) pairs."""
        r = self.requests
        account = np.repeat(np.arange(len(self.accounts), dtype=np.int64), np.diff(r.starts))
        key = account * max(1, len(self.prompt_cell)) + r.prompt
        _, first, sent = np.unique(key, return_index=True, return_counts=True)
        order = np.argsort(first, kind="stable")  # requests stand by account and time, so their order is the pairs'
        first = first[order]
        who = account[first].astype(np.int32)
        starts = np.searchsorted(who, np.arange(len(self.accounts) + 1))
        return Pairs(starts, who, r.prompt[first], sent[order].astype(np.int32), r.ts[first])

    @once
    def visits(self) -> Visits:
        """Cells that each account visits."""
        cells = int(self.prompt_cell.max(initial=-1)) + 1
        key = self.pairs.account.astype(np.int64) * max(1, cells) + self.prompt_cell[self.pairs.prompt]
        found, n = np.unique(key, return_counts=True)
        return Visits(
            (found // max(1, cells)).astype(np.int32), (found % max(1, cells)).astype(np.int32), n.astype(np.int32)
        )

    @once
    def signals(self) -> Signals:
        """Signals of all accounts."""
        table = self._table("signals")
        account, names = self._codes(table["account_id"]), encode(table["signal"])
        shape = (len(self.accounts), len(names[1]))
        values, percentiles = np.full(shape, np.nan), np.full(shape, np.nan)
        values[account, names[0]] = floats(table["value"])
        percentiles[account, names[0]] = floats(table["peer_percentile"])
        return Signals(names[1], values, percentiles)

    @once
    def curves(self) -> Curves:
        """Coverage curves of all accounts."""
        table = self._table("curves")
        account, n = self._codes(table["account_id"]), whole(table["n"])
        order = np.lexsort((n, account))
        starts = np.searchsorted(account[order], np.arange(len(self.accounts) + 1))
        return Curves(starts, n[order], whole(table["cells"])[order])

    @once
    def prompt_cell(self) -> NDArray[np.int32]:
        """Cell of each prompt."""
        return whole(self._table("membership")["cell"])

    @once
    def prompt_cluster(self) -> NDArray[np.int32]:
        """Cluster of each prompt, -1 for none."""
        return whole(self._table("membership")["cluster"])

    @property
    def naming(self) -> Naming:
        """What the clusters are called, as read when it was first asked for or by `read_names`."""
        if self._naming is None:
            self._naming = _read_naming(self._folder, self.found_names)
        return self._naming

    @property
    def cluster_names(self) -> dict[int, str]:
        """Name of each cluster id: what an analyst called it, else what the map found; -1 is what lies in none."""
        return self.naming.names

    def read_names(self) -> None:
        """Take up the names that analysts gave since."""
        if self._naming is None or self._naming.last != _last_naming(self._folder.parent):
            self._naming = _read_naming(self._folder, self.found_names)

    @once
    def found_names(self) -> dict[int, str]:
        """Name of each cluster id that the map found; -1 is what lies in none."""
        table = self._table("clusters")
        return {-1: "no cluster", **dict(zip(table["cluster_id"].to_pylist(), table["name"].to_pylist(), strict=True))}

    @once
    def capabilities(self) -> tuple[tuple[str, str], ...]:
        """(key, name) of each capability, in the taxonomy's order, unassigned last."""
        table = self._table("capabilities")
        return tuple(zip(table["capability"].to_pylist(), table["name"].to_pylist(), strict=True))

    @once
    def cluster_capability(self) -> dict[int, int]:
        """Row of the capability of each cluster id; -1 is unassigned."""
        rows = {key: row for row, (key, _) in enumerate(self.capabilities)}
        last = rows.get(UNASSIGNED, len(rows) - 1)
        table = self._table("clusters")
        known = zip(table["cluster_id"].to_pylist(), table["capability"].to_pylist(), strict=True)
        return {-1: last, **{cluster: rows.get(key, last) for cluster, key in known}}

    @once
    def prompt_capability(self) -> NDArray[np.int32]:
        """Row of the capability of each prompt: its own, or where the snapshot has none, that of its cluster."""
        own = self._table("membership")["capability"]
        if not own.null_count:
            rows = {key: row for row, (key, _) in enumerate(self.capabilities)}
            codes, words = encode(own)
            return np.array([rows.get(w, len(rows) - 1) for w in words], np.int32)[codes]
        lookup = np.full(max(self.cluster_capability) + 2, self.cluster_capability[-1], np.int32)
        for cluster, row in self.cluster_capability.items():
            lookup[cluster] = row  # cluster -1 is the last entry
        return lookup[self.prompt_cluster]

    @once
    def profile(self) -> NDArray[np.int32]:
        """Distinct prompts per account and capability, int32 [accounts, capabilities]."""
        width = len(self.capabilities)
        key = self.pairs.account.astype(np.int64) * width + self.prompt_capability[self.pairs.prompt]
        counts = np.bincount(key, minlength=len(self.accounts) * width)
        return counts.reshape(len(self.accounts), width).astype(np.int32)

    @once
    def prompt_level(self) -> NDArray[np.int8]:
        """The highest level among the senders of each prompt, as its place in `LEVELS`."""
        highest = np.zeros(len(self.prompt_cell), np.int8)
        np.maximum.at(highest, self.pairs.prompt, self.levels[self.pairs.account])
        return highest

    @once
    def first_sent(self) -> NDArray[np.int64]:
        """When each prompt was first sent by anybody, in microseconds; `NO_TIME` for never at a known time."""
        first = np.full(len(self.prompt_cell), NO_TIME, np.int64)
        np.minimum.at(first, self.pairs.prompt, self.pairs.first)
        return first

    @once
    def cluster_use(self) -> ClusterUse:
        """How much of each cluster comes from flagged accounts."""
        pairs, total = self.pairs, max(self.cluster_capability) + 2
        cluster = self.prompt_cluster[pairs.prompt] % total
        flagged = self.levels[pairs.account] >= min(LEVELS.index(level) for level in FLAGGED)
        requests = np.bincount(cluster, weights=pairs.sent, minlength=total).astype(np.int64)
        theirs = np.bincount(cluster[flagged], weights=pairs.sent[flagged], minlength=total).astype(np.int64)
        who = np.unique(pairs.account[flagged].astype(np.int64) * total + cluster[flagged])
        return ClusterUse(requests, theirs, np.bincount(who % total, minlength=total))

    def _codes(self, column: "pa.ChunkedArray") -> NDArray[np.int32]:
        codes, words = encode(column)
        return np.array([self.position[w] for w in words], np.int32)[codes]


def columns_of(snapshot: "Snapshot") -> Columns:
    """Return the columns of an open snapshot, made when they are first asked for and kept as long as it is open."""
    kept = vars(snapshot)  # a table of its own that held them would hold the snapshot with them
    if _KEPT not in kept:
        with lock_of(snapshot):
            if _KEPT not in kept:
                kept[_KEPT] = Columns(snapshot)
    found: Columns = kept[_KEPT]
    return found


def _read_naming(folder: Path, found: dict[int, str]) -> Naming:
    from sweeplens.review.naming import cluster_names, last_naming

    try:
        last = last_naming(folder.parent)
        given = cluster_names(folder.parent, folder.name) if last else {}
    except StoreError as error:
        log.warning("clusters bear the names that the map found: %s", error)
        return Naming(found, frozenset(), 0)
    known = {c: row for c, row in given.items() if c in found}
    names = {c: row.name for c, row in known.items() if row.name is not None}
    return Naming({**found, **names}, frozenset(c for c, row in known.items() if row.pinned), last)


def _last_naming(store: Path) -> int:
    from sweeplens.review.naming import last_naming

    try:
        return last_naming(store)
    except StoreError:
        return 0


def encode(column: "pa.ChunkedArray") -> tuple[NDArray[np.int32], list[str]]:
    """Split a text column into codes and the words that they stand for; it holds no nulls.

    Words of the column's dictionary that no row has are left out.
    """
    import pyarrow as pa

    if not pa.types.is_dictionary(column.type):
        column = column.dictionary_encode()
    array = column.unify_dictionaries().combine_chunks()
    if isinstance(array, pa.ChunkedArray):
        array = array.chunk(0) if array.num_chunks else pa.array([], column.type)
    codes, words = array.indices.to_numpy(zero_copy_only=False).astype(np.int32), array.dictionary.to_pylist()
    used = np.bincount(codes, minlength=len(words)) > 0
    if not used.all():
        codes = (np.cumsum(used, dtype=np.int32) - 1)[codes]
        words = [word for word, there in zip(words, used.tolist(), strict=True) if there]
    return codes, words


def whole(column: "pa.ChunkedArray") -> NDArray[np.int32]:
    """Return an integer column without nulls."""
    return np.asarray(column.to_numpy(), np.int32)


def floats(column: "pa.ChunkedArray") -> NDArray[np.float64]:
    """Return a column of numbers, nulls as NaN."""
    return np.asarray(column.to_numpy(), np.float64)


def times(column: "pa.ChunkedArray") -> NDArray[np.int64]:
    """Return a column of times in microseconds since 1970, nulls as `NO_TIME`."""
    import pyarrow as pa

    filled = column.cast(pa.int64()).fill_null(NO_TIME)
    return np.asarray(filled.to_numpy(), np.int64)


def dates(ts: NDArray[np.int64]) -> NDArray[np.datetime64]:
    """Return microseconds since 1970 as datetime64[us], `NO_TIME` as NaT."""
    whens = ts.astype("datetime64[us]")
    whens[ts == NO_TIME] = np.datetime64("NaT")
    return whens


def number(value: float) -> float | None:
    """Return a float, NaN as None."""
    return None if np.isnan(value) else float(value)


def spaced(total: int, most: int | None) -> NDArray[np.int64]:
    """Return all of 0..total-1, or `most` of them spread evenly, the first and last among them."""
    if most is None or total <= most:
        return np.arange(total)
    return np.linspace(0, total - 1, most).round().astype(np.int64)


def names_of(ids: Sequence[str], rows: NDArray[np.integer]) -> tuple[str, ...]:
    """Return the ids at the rows."""
    return tuple(ids[int(row)] for row in rows)
