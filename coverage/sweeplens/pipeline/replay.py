"""Judge what a snapshot holds day by day, as if each evening only the requests until then had been there."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from sweeplens.config import Settings
from sweeplens.detect.campaigns import SWEEP
from sweeplens.embed.encoder import known_name
from sweeplens.engine.progress import Silent
from sweeplens.engine.steps import Run
from sweeplens.errors import StoreError
from sweeplens.evaluate.days import DAY, Evening
from sweeplens.index import neighbours_of
from sweeplens.pipeline.history import Heads, History
from sweeplens.pipeline.intake import Batch
from sweeplens.pipeline.judge import Kit, load_kit
from sweeplens.pipeline.measuring import LINKED, Look, judge_look, match_known
from sweeplens.pipeline.traffic import Incoming, sort_accounts
from sweeplens.report.facts import FLAGGED
from sweeplens.signals.account import MISSING, Accounts
from sweeplens.signals.ground import make_ground
from sweeplens.signals.languages import name_languages
from sweeplens.signals.sample import hash_keys, sample_accounts

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True)
class _Scene:
    """What all days have in common: what the last one is judged by, and the columns LINKED of all requests."""

    history: History
    whole: Look
    linked: "pa.Table"
    kit: Kit
    settings: Settings


def request_times(history: History) -> dict[str, NDArray[np.int64]]:
    """Return the times of each account's requests, in microseconds since 1970, rising; those without one left out."""
    codes, times = history.requests.codes, history.requests.times
    order = np.lexsort((times, codes))
    order = order[times[order] != MISSING]
    parts = np.split(times[order], np.flatnonzero(np.diff(codes[order])) + 1)
    return {history.names[c]: part for c, part in zip(np.unique(codes[order]).tolist(), parts, strict=False)}


def replay(
    history: History,
    settings: Settings,
    progress: Callable[[int, int], None] | None = None,
    days: Sequence[int] | None = None,
) -> Iterator[Evening]:
    """Judge all accounts of a snapshot at the end of each day (UTC), by the requests that had come until then.

    `days`, since 1970, are by default all from the first request to the last.

    The map and the vectors are the snapshot's, the detector and the reference those that a build would take now.
    Nothing is written. Requests without a time are left out; raises `StoreError` where no request has one.
    """
    snapshot, times = history.snapshot, history.requests.times
    dated = times[times != MISSING]
    if not len(dated):
        raise StoreError(
            f"snapshot {snapshot.snapshot_id} knows the time of no request: it cannot be replayed day by day"
        )
    days = range(int(dated.min()) // DAY, int(dated.max()) // DAY + 1) if days is None else days
    whole, linked = _look(history, settings), snapshot.table("requests", list(LINKED)).unify_dictionaries()
    scene = _Scene(history, whole, linked, load_kit(known_name(snapshot.manifest["encoder"]), settings.store), settings)
    for i, day in enumerate(days, 1):
        yield _judge(day, (times != MISSING) & (times < (day + 1) * DAY), scene)
        if progress is not None:
            progress(i, len(days))


def _look(history: History, settings: Settings) -> Look:
    """Return what the accounts of the last day are judged by."""
    snapshot = history.snapshot
    place = {k: snapshot.table("membership", [k])[k].to_numpy() for k in ("cell", "cluster")}
    nowhere = np.full(len(history), -1, np.int32)  # no score depends on capabilities
    numbers, heads = history.numbers(settings.threads), Heads(history, [])
    ground = make_ground(snapshot.vectors, numbers, heads, **place, capability=nowhere)
    accounts, changed = _sort(history, history.requests)
    keys, languages = hash_keys(history.hashes), name_languages(history.languages)
    return Look(accounts, ground, keys, languages, changed, known=match_known([], history, settings))


def _sort(history: History, requests: Batch) -> tuple[Accounts, NDArray[np.bool_]]:
    return sort_accounts(Incoming(history.names, requests, [], []), None)


def _judge(day: int, there: NDArray[np.bool_], scene: _Scene) -> Evening:
    import pyarrow as pa

    index, k = scene.history.snapshot.index, scene.settings.neighbours
    accounts, changed = _sort(scene.history, scene.history.requests.only(there))
    look = replace(scene.whole, accounts=sample_accounts(accounts, scene.whole.keys), changed=changed)
    judged = judge_look(
        Run(Silent()), look, scene.kit, scene.settings, linked=lambda: scene.linked.filter(pa.array(there)),
        near=lambda rows: neighbours_of(rows, look.ground.vectors, index, k).ids,
    ).judged  # fmt: skip
    names = accounts.names
    return Evening(
        day=day,
        flagged=frozenset(n for n, level in zip(names, judged.raised.level, strict=True) if level in FLAGGED),
        groups=tuple(frozenset(names[c] for c in g.codes) for g in judged.campaigns if g.label == SWEEP),
    )
