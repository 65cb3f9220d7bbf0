"""Forget accounts: a new snapshot without them, and nothing of them in cache and reviews."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from sweeplens.config import Settings
from sweeplens.embed.cache import forget_everywhere
from sweeplens.engine.progress import Progress, Silent
from sweeplens.engine.steps import Run
from sweeplens.errors import NotFoundError
from sweeplens.logs.rows import ReadStats
from sweeplens.pipeline.history import History, read_history
from sweeplens.pipeline.intake import Left
from sweeplens.pipeline.traffic import CACHE, drop_requests, no_log
from sweeplens.pipeline.update import begin, go_on
from sweeplens.pipeline.writing import BuildResult
from sweeplens.review.erasure import forget_accounts
from sweeplens.store.prune import Pruned, remove_snapshots
from sweeplens.store.publish import write_snapshot
from sweeplens.store.snapshot import Snapshot, list_snapshots, open_snapshot
from sweeplens.store.tombstones import add_tombstones, load_tombstones


@dataclass(frozen=True)
class Forgotten:
    """What went with some accounts: requests, prompts that only they sent, rows of the cache, verdicts.

    result    the snapshot without them
    holding   ids of older snapshots that still have requests of theirs
    pruned    what became of those where all were to go
    """

    result: BuildResult
    requests: int
    prompts: int
    cached: int
    verdicts: int
    holding: tuple[str, ...]
    pruned: Pruned | None

    @property
    def seconds(self) -> dict[str, float]:
        """Seconds by step."""
        return self.result.seconds

    @property
    def summary(self) -> dict[str, Any]:
        """Return the numbers of the closing line."""
        return self.result.summary | {
            "forgotten_requests": self.requests, "forgotten_prompts": self.prompts, "cache_rows": self.cached,
            "verdicts": self.verdicts, "holding": list(self.holding),
            "pruned": [] if self.pruned is None else list(self.pruned.removed),
        }  # fmt: skip


def forget(
    account_ids: Sequence[str], settings: Settings, *, everywhere: bool = False, progress: Progress | None = None
) -> Forgotten:
    """Make a snapshot of CURRENT without these accounts, and erase what only they sent from the cache.

    Keyed tombstones see to it that old logs do not bring them back: rows from before now are refused, later ones count.
    Older snapshots that still have the accounts are named; with `everywhere` they are removed, but for those that
    somebody is reading. What was begun and broken off is done again by the next call: tombstones come first, the
    snapshot last.

    Raises `NotFoundError`, with nothing done, for accounts that CURRENT does not have and that were not erased before.
    """
    run, stats, left = Run(progress or Silent()), ReadStats(), Left()
    wanted = list(dict.fromkeys(account_ids))
    with write_snapshot(settings.store) as writer, open_snapshot(settings.store) as parent:
        work = begin(run, writer, parent, settings, stats, left, erasing=True)
        with run.step("history"):
            history = read_history(parent)
            _check_known(wanted, history, settings)
            gone = np.isin(history.requests.codes, [i for i, n in enumerate(history.names) if n in set(wanted)])
            incoming, kept = drop_requests(writer, no_log(history), history, ~gone, np.ones(0, bool))
        only = _only_theirs(history, kept)
        with run.step("erase"):
            add_tombstones(settings.store, wanted, int(time.time() * 1e6))
            cached = forget_everywhere(settings.store / CACHE, _ever_theirs(settings, wanted, history, kept))
            verdicts = forget_accounts(settings.store, wanted)
        result = go_on(work, incoming, kept)
    holding = _holding(settings, wanted, result.snapshot)
    pruned = remove_snapshots(settings.store, holding) if everywhere and holding else None
    if pruned is not None:
        holding = tuple(h for h in holding if h not in pruned.removed)
    return Forgotten(result, int(gone.sum()), len(only), cached, verdicts, holding, pruned)


def compact(settings: Settings, *, progress: Progress | None = None) -> BuildResult:
    """Make a snapshot of CURRENT that has each table, the vectors and the index as one file, and make it CURRENT."""
    run, stats, left = Run(progress or Silent()), ReadStats(), Left()
    with write_snapshot(settings.store) as writer, open_snapshot(settings.store) as parent:
        work = begin(run, writer, parent, settings, stats, left)
        with run.step("history"):
            old = read_history(parent)
            every = np.ones(len(old.requests), bool)
            numbers = np.arange(len(parent.vectors), dtype=np.int32)
            history = History(parent, old.names, old.requests, every, numbers)
        return go_on(work, no_log(history), history)


def _check_known(wanted: Sequence[str], history: History, settings: Settings) -> None:
    known, erased = set(history.names), load_tombstones(settings.store)
    unknown = [name for name in wanted if name not in known and erased.erased_at(name) is None]
    if unknown:
        more = f" and {len(unknown) - 1:,} more" if len(unknown) > 1 else ""
        raise NotFoundError(
            f"snapshot {history.snapshot.snapshot_id} has no account {unknown[0]!r}{more}: nothing was forgotten"
        )


def _only_theirs(history: History, kept: History | None) -> list[str]:
    """Return the hashes of the prompts that go with the requests."""
    if kept is None or kept.to is None:
        return []
    hashes = history.hashes
    return [hashes[i] for i in np.flatnonzero(kept.to < 0).tolist()]


def _ever_theirs(settings: Settings, wanted: Sequence[str], history: History, kept: History | None) -> list[str]:
    """Return the hashes of all prompts that these accounts sent in any snapshot, but for those that others keep."""
    import pyarrow as pa
    import pyarrow.compute as pc

    found: set[str] = set()
    for row in list_snapshots(settings.store):
        with open_snapshot(settings.store, row.snapshot_id) as other:
            table = other.table("requests", ["account_id", "prompt_id"])
            theirs = pc.is_in(table["account_id"].cast(pa.string()), pa.array(wanted, pa.string()))
            hashes = other.table("prompts", ["prompt_hash"])["prompt_hash"]
            found.update(hashes.take(pc.unique(table["prompt_id"].filter(theirs))).to_pylist())
    to = None if kept is None else kept.to
    left = history.hashes if to is None else [history.hashes[i] for i in np.flatnonzero(to >= 0).tolist()]
    return sorted(found.difference(left))


def _holding(settings: Settings, wanted: Sequence[str], current: Snapshot) -> tuple[str, ...]:
    found = []
    for row in list_snapshots(settings.store):
        if row.snapshot_id == current.snapshot_id:
            continue
        with open_snapshot(settings.store, row.snapshot_id) as other:
            ids = other.table("accounts", ["account_id"])["account_id"].to_pylist()
        if not set(wanted).isdisjoint(ids):
            found.append(row.snapshot_id)
    return tuple(found)
