"""Judge what a snapshot holds day by day, as if each evening only the requests until then had been there."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

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
from sweeplens.pipeline.history import Heads, History, read_history
from sweeplens.pipeline.judge import Kit, load_kit
from sweeplens.pipeline.measuring import LINKED, Look, judge_look, match_known
from sweeplens.report.facts import FLAGGED
from sweeplens.signals.account import MISSING, Accounts, group_codes
from sweeplens.signals.ground import make_ground
from sweeplens.signals.languages import name_languages
from sweeplens.signals.sample import hash_keys, sample_accounts
from sweeplens.store.snapshot import Snapshot


@dataclass(frozen=True)
class _Scene:
    """What all days have in common; `look` is without accounts."""

    history: History
    look: Look
    kit: Kit
    settings: Settings


def request_times(snapshot: Snapshot) -> dict[str, NDArray[np.int64]]:
    """Return the times of each account's requests, in microseconds since 1970, rising; those without one left out."""
    history = read_history(snapshot)
    codes, times = history.requests.codes, history.requests.times
    order = np.lexsort((times, codes))
    order = order[times[order] != MISSING]
    parts = np.split(times[order], np.flatnonzero(np.diff(codes[order])) + 1)
    return {history.names[c]: part for c, part in zip(np.unique(codes[order]).tolist(), parts, strict=False)}


def replay(
    snapshot: Snapshot,
    settings: Settings,
    progress: Callable[[int, int], None] | None = None,
    days: Sequence[int] | None = None,
) -> Iterator[Evening]:
    """Judge all accounts at the end of each day of the snapshot (UTC), by the requests that had come until then.

    `days`, since 1970, are by default all from the first request to the last.

    The map and the vectors are the snapshot's, the detector and the reference those that a build would take now.
    Nothing is written. Requests without a time are left out; raises `StoreError` where no request has one.
    """
    history = read_history(snapshot)
    times = history.requests.times
    dated = times[times != MISSING]
    if not len(dated):
        raise StoreError(
            f"snapshot {snapshot.snapshot_id} knows the time of no request: it cannot be replayed day by day"
        )
    days = range(int(dated.min()) // DAY, int(dated.max()) // DAY + 1) if days is None else days
    kit = load_kit(known_name(snapshot.manifest["encoder"]), settings.store)
    scene = _Scene(history, _look(history, settings), kit, settings)
    for i, day in enumerate(days, 1):
        there = (times != MISSING) & (times < (day + 1) * DAY)
        yield _judge(day, there, scene)
        if progress is not None:
            progress(i, len(days))


def _look(history: History, settings: Settings) -> Look:
    """Return what the accounts of all days are judged by, as of the last one."""
    snapshot = history.snapshot
    place = {k: snapshot.table("membership", [k])[k].to_numpy() for k in ("cell", "cluster")}
    nowhere = np.full(len(history), -1, np.int32)  # no score depends on capabilities
    numbers, heads = history.numbers(settings.threads), Heads(history, [])
    ground = make_ground(snapshot.vectors, numbers, heads, **place, capability=nowhere)
    nobody = _accounts(history, np.zeros(len(history.requests), bool))
    keys, languages = hash_keys(history.hashes), name_languages(history.languages)
    return Look(nobody, ground, keys, languages, np.zeros(0, bool), known=match_known([], history, settings))


def _judge(day: int, there: NDArray[np.bool_], scene: _Scene) -> Evening:
    import pyarrow as pa

    snapshot, k = scene.history.snapshot, scene.settings.neighbours
    accounts = sample_accounts(_accounts(scene.history, there), scene.look.keys)
    look = replace(scene.look, accounts=accounts, changed=np.ones(len(accounts), bool))
    judged = judge_look(
        Run(Silent()), look, scene.kit, scene.settings,
        linked=lambda: snapshot.table("requests", list(LINKED)).filter(pa.array(there)).unify_dictionaries(),
        near=lambda rows: neighbours_of(rows, look.ground.vectors, snapshot.index, k).ids,
    ).judged  # fmt: skip
    names = accounts.names
    return Evening(
        day=day,
        flagged=frozenset(n for n, level in zip(names, judged.raised.level, strict=True) if level in FLAGGED),
        groups=tuple(frozenset(names[c] for c in g.codes) for g in judged.campaigns if g.label == SWEEP),
    )


def _accounts(history: History, there: NDArray[np.bool_]) -> Accounts:
    """Return the accounts that sent some of the history's requests, sorted by their ids."""
    requests = history.requests.only(there)
    codes = np.unique(requests.codes)
    order = sorted(codes.tolist(), key=history.names.__getitem__)
    to = np.full(len(history.names), -1, np.int64)
    to[order] = np.arange(len(order))
    return group_codes([history.names[i] for i in order], to[requests.codes], requests.prompts, requests.times)
