"""How clusters grow: against the snapshot before, and by week inside of the snapshot."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from sweeplens.report.columns import NO_TIME, Columns, columns_of
from sweeplens.report.facts import FLAGGED, LEVELS
from sweeplens.report.ground import day_of
from sweeplens.report.sentences import count, percent

if TYPE_CHECKING:
    from sweeplens.store.snapshot import Snapshot

_DAY, _WEEK = 86_400_000_000, 7
_BY_DAY = 21  # days of a log that is counted by day; a longer one is counted by week
_CAME = {"merged": "merged from", "split": "split from"}
_FLAGGED = min(LEVELS.index(level) for level in FLAGGED)


@dataclass(frozen=True)
class Origin:
    """Where a cluster comes from, as the snapshot wrote it down when it was made from the one before.

    `event` is born, kept, split or merged; `n_before` counts the prompts that its `parents` had then.
    """

    event: str
    parents: tuple[int, ...]
    n_before: int


@dataclass(frozen=True, eq=False)
class Spans:
    """Requests of clusters in spans of `days` days in UTC, the last of which ends with the log's last day.

    `starts` are the first days of the spans; `requests` and `flagged`, those from accounts at review or high, are int32
    [clusters, spans] in the order of `clusters`. The first span may reach back before the log: `whole` says whether
    it does not. Requests without a time are left out.
    """

    clusters: tuple[int, ...]
    days: int
    starts: tuple[date, ...]
    requests: NDArray[np.int32]
    flagged: NDArray[np.int32]
    whole: bool


def origins(snapshot: "Snapshot") -> dict[int, Origin]:
    """Return where each cluster comes from; empty for a snapshot that was made from none."""
    rows = snapshot.table("lineage").to_pylist()
    return {
        int(row["id"]): Origin(row["event"], tuple(int(p) for p in row["parents"]), row["n_before"])
        for row in rows
        if row["kind"] == "cluster" and row["event"] != "died"
    }


def growth(origin: Origin | None, n_prompts: int) -> float | None:
    """Return by which share (0 is none, 1 is twice as many) a cluster grew in prompts since the snapshot before.

    None for one that is no continuation of a single cluster.
    """
    if origin is None or origin.event != "kept" or len(origin.parents) != 1 or not origin.n_before:
        return None
    return n_prompts / origin.n_before - 1.0


def count_spans(snapshot: "Snapshot", cluster_id: int | None = None) -> Spans:
    """Count the requests of all clusters, or of one, by day where the log is short, else by week."""
    columns = columns_of(snapshot)
    ids = sorted(c for c in columns.cluster_names if c >= 0) if cluster_id is None else [cluster_id]
    first, last = _bounds(columns)
    if first is None or last is None:
        nothing = np.zeros((len(ids), 0), np.int32)
        return Spans(tuple(ids), 1, (), nothing, nothing, True)
    days = 1 if last - first < _BY_DAY else _WEEK
    n = -(-(last - first + 1) // days)
    start = last + 1 - n * days
    r = columns.requests
    cluster = columns.prompt_cluster[r.prompt]
    place = np.full(max(columns.cluster_names) + 2, -1, np.int64)
    place[ids] = np.arange(len(ids))
    row = place[cluster]  # cluster -1 is the last entry
    inside = (row >= 0) & (r.ts != NO_TIME)
    flagged = np.repeat(columns.levels >= _FLAGGED, np.diff(r.starts))
    key = row[inside] * n + (r.ts[inside] // _DAY - start) // days
    size = len(ids) * n
    counts = [np.bincount(keys, minlength=size).reshape(len(ids), n) for keys in (key, key[flagged[inside]])]
    starts = tuple(day_of(int(start + i * days)) for i in range(n))
    requests, theirs = (c.astype(np.int32) for c in counts)
    return Spans(tuple(ids), days, starts, requests, theirs, start == first)


def pace(requests: NDArray[np.int32], *, whole: bool) -> float | None:
    """Return by which share the last span has more requests than the mean of those before it.

    The first span is left out where it is not `whole`. None where fewer than two spans are before the last, or none of
    them has a request.
    """
    before = requests[0 if whole else 1 : -1]
    if len(before) < 2 or not before.sum():
        return None
    return float(requests[-1] / before.mean() - 1.0)


def _bounds(columns: Columns) -> tuple[int | None, int | None]:
    ts = columns.requests.ts
    known = ts[ts != NO_TIME]
    if not len(known):
        return None, None
    return int(known.min() // _DAY), int(known.max() // _DAY)


def describe_origin(event: str | None, parents: Sequence[int], n_before: int | None, n_prompts: int) -> str:
    """Say what became of a cluster since the snapshot before; empty where there was none."""
    if event is None or n_before is None:
        return ""
    if event == "born":
        return "new since the snapshot before"
    if event in _CAME or len(parents) > 1:
        noun = "cluster" if len(parents) == 1 else "clusters"
        how = f"{_CAME.get(event, 'continues')} {noun} {', '.join(map(str, parents))}"
        return f"{how}, which had {count(n_before, 'prompt')}"
    change = n_prompts - n_before
    if not change:
        return f"as large as in the snapshot before ({count(n_before, 'prompt')})"
    return f"{count(abs(change), 'prompt')} {'more' if change > 0 else 'fewer'} than in the snapshot before"


def describe_pace(pace_: float | None, days: int) -> str:
    """Say how busy the last span was against those before it; empty where that is not known."""
    if pace_ is None:
        return ""
    span = "week" if days == _WEEK else "day"
    if pace_ == 0:
        return f"as many requests in the last {span} as on average before"
    return (
        f"{percent(abs(pace_))} {'more' if pace_ > 0 else 'fewer'} requests in the last {span} than on average before"
    )
