"""Score the accounts of a new log against CURRENT, without writing to the store: the nightly job."""

from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from sweeplens.config import Settings
from sweeplens.detect.campaigns import SWEEP
from sweeplens.embed.cache import VectorCache
from sweeplens.embed.encoder import known_name, load_encoder
from sweeplens.engine.progress import Progress, Silent
from sweeplens.engine.steps import Run, peak_memory
from sweeplens.index import Index, build_index, neighbours_of, stack
from sweeplens.known import load_known
from sweeplens.logs.read import check_rejects, read_requests
from sweeplens.logs.rows import ReadStats
from sweeplens.pipeline import tables
from sweeplens.pipeline.build import make_hashing, say_kit
from sweeplens.pipeline.history import Heads, History, read_history, read_request_keys, recall_sent
from sweeplens.pipeline.intake import Batch, Intake, Left, Wanted
from sweeplens.pipeline.judge import Judged, KnownPrompts, load_kit
from sweeplens.pipeline.keys import KeySet, PromptNumbers
from sweeplens.pipeline.measuring import LINKED, Look, check_encoder, judge_look, match_known
from sweeplens.pipeline.passing import Passing
from sweeplens.pipeline.traffic import CACHE, Source, first_moment
from sweeplens.signals.account import MISSING, Accounts, group_codes
from sweeplens.signals.ground import Rows, join_numbers, make_ground
from sweeplens.signals.languages import name_languages
from sweeplens.signals.sample import MOST, hash_keys, sample_accounts
from sweeplens.store.key import check_key
from sweeplens.store.rows import RowView
from sweeplens.store.snapshot import Snapshot, open_snapshot
from sweeplens.store.tombstones import load_tombstones

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True)
class Scored:
    """What a log comes to: `accounts` and `campaigns` as the tables of a snapshot have them, and counts.

    Of an account with more than 2,000 requests, `n_prompts` counts those of the sample that was looked at.
    """

    accounts: "pa.Table"
    campaigns: "pa.Table"
    snapshot: Snapshot
    stats: ReadStats
    left: Left
    seconds: dict[str, float]
    summary: dict[str, Any]


def score(
    sources: Sequence[str],
    settings: Settings,
    *,
    input_format: str | None = None,
    mapping: Mapping[str, str] | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    accounts: Collection[str] | None = None,
    progress: Progress | None = None,
) -> Scored:
    """Score the accounts of a log together with what CURRENT knows of them inside the window; writes nothing there.

    The map, the detector and the benign reference are those of CURRENT, and the answer is that of a build of the same
    requests. Only requests of the log from `since` on and before `until` count. All accounts are judged beside each
    other; with `accounts`, only these are given back. The log streams by: memory grows with the accounts, of which at
    most 2,000 requests each are kept, and texts are let go as soon as they are measured.

    Raises `LogError` and its kin for the log, `StoreError` where there is no CURRENT or the encoder is another.
    """
    run, stats, left = Run(progress or Silent()), ReadStats(), Left()
    with ExitStack() as held:
        snapshot = held.enter_context(open_snapshot(settings.store))
        name = known_name(snapshot.manifest["encoder"])
        settings = replace(settings, encoder=name, text=snapshot.manifest.get("text", "kept") == "kept")
        encoder = load_encoder(name, models=settings.models, threads=settings.threads)
        check_encoder(snapshot, encoder.fingerprint)
        check_key(settings.store, snapshot.manifest.get("key"))
        kit = say_kit(load_kit(name, settings.store), name, run)
        with run.step("history"):
            history = read_history(snapshot)
        passing = Passing(
            encoder, VectorCache(settings.store / CACHE, encoder.fingerprint, encoder.dim, readonly=True),
            np.asarray(snapshot.cells, np.float32), load_known(settings.store), make_hashing(settings),
        )  # fmt: skip
        log = _Log(Source(sources, input_format, mapping), Wanted(_micros(since), _micros(until)), stats, left)
        with run.step("read") as step:
            _read(log, passing, history, settings, step.update)
        with run.step("gather"):
            taken = _gather(passing, history, settings, left)
            look = _look(taken, passing, history, settings)
        near = _Near(look.ground.vectors, snapshot, passing, settings)
        measured = judge_look(
            run, look, kit, settings, linked=lambda: _linked(taken, history, passing), near=near.find, former=snapshot
        )
        return _answer(run, measured.judged, look, taken, log, snapshot, accounts)


@dataclass(frozen=True)
class _Log:
    source: Source
    wanted: Wanted
    stats: ReadStats
    left: Left


@dataclass(frozen=True)
class _Taken:
    """All accounts with the requests that are kept, and the exact counts of each, in the order of their names.

    `stay` marks the history's requests that are inside the window.
    """

    accounts: Accounts
    changed: NDArray[np.bool_]
    requests: NDArray[np.int64]
    first: NDArray[np.int64]
    last: NDArray[np.int64]
    stay: NDArray[np.bool_]


def _micros(moment: datetime | None) -> int | None:
    if moment is None:
        return None
    return round((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() * 1e6)


def _read(
    log: _Log, passing: Passing, history: History, settings: Settings, progress: Callable[[int, int], None]
) -> None:
    passing.names.update({name: i for i, name in enumerate(history.names)})
    intake = Intake(
        passing.hashing, PromptNumbers(history.hashes), KeySet(read_request_keys(history)), passing.names, None,
        passing.take_prompts, tombstones=load_tombstones(settings.store), wanted=log.wanted, left=log.left,
        admit=passing.admit,
    )  # fmt: skip
    recall_sent(history, intake.sent, systems=settings.text)
    rows = read_requests(
        log.source.sources, input_format=log.source.input_format, mapping=log.source.mapping, redact=settings.redact,
        stats=log.stats, reject=lambda _: None, prompt_hash=passing.hashing.prompt,
    )  # fmt: skip
    for batch in intake.take(rows):
        passing.add(batch)
        progress(log.stats.rows, 0)
    passing.close()
    check_rejects(log.stats, settings.max_rejects)


def _gather(passing: Passing, history: History, settings: Settings, left: Left) -> _Taken:
    """Put the history inside the window and the log's sample together, by account."""
    names, fresh, old = list(passing.names), passing.sampler.settle(), history.requests
    stay, come, first = np.ones(len(old), bool), np.ones(len(fresh), bool), MISSING
    n = len(names)
    requests, starts, ends = passing.counts(n)
    span = settings.window_span or settings.retention_span
    if span is not None:
        first = first_moment((old.times, ends), span)
        stay, come = ((t >= first) | (t == MISSING) for t in (old.times, fresh.times))
        left.outdated += int((~stay).sum() + (~come).sum())
    every = Batch.join([old.only(stay), fresh.only(come)])
    # Of an account whose rows are all at hand, those that are too old can be told apart.
    few = requests <= MOST
    starts = np.where(few, np.iinfo(np.int64).max, np.maximum(starts, first))
    ends = np.where(few, MISSING, ends)
    requests = requests - np.bincount(fresh.codes[~come], minlength=n) + np.bincount(old.codes[stay], minlength=n)
    dated = every.only(every.times != MISSING)
    np.minimum.at(starts, dated.codes, dated.times)
    np.maximum.at(ends, dated.codes, dated.times)
    changed = np.bincount(fresh.codes, minlength=n) + np.bincount(old.codes[~stay], minlength=n) > 0
    there = np.flatnonzero(np.bincount(every.codes, minlength=n))
    order = np.array(sorted(there.tolist(), key=names.__getitem__), np.int64)
    to = np.full(n, -1, np.int64)
    to[order] = np.arange(len(order))
    accounts = group_codes([names[i] for i in order.tolist()], to[every.codes], every.prompts, every.times)
    return _Taken(accounts, changed[order], requests[order], starts[order], ends[order], stay)


def _look(taken: _Taken, passing: Passing, history: History, settings: Settings) -> Look:
    """Return what accounts are judged by; clusters and capabilities of new prompts only where the detector asks."""
    snapshot = history.snapshot
    keys = np.concatenate([hash_keys(history.hashes), *passing.keys])
    fresh = passing.vectors()
    vectors = RowView([*snapshot.vectors.parts, fresh])
    membership = snapshot.table("membership", ["cell", "cluster"])
    nowhere = np.full(len(fresh), -1, np.int32)
    ground = make_ground(
        vectors, join_numbers([history.numbers(settings.threads), passing.numbers()]),
        Heads(history, passing.heads()),
        cell=np.concatenate([membership["cell"].to_numpy(), passing.cells()]),
        cluster=np.concatenate([membership["cluster"].to_numpy(), nowhere]),
        capability=np.full(len(keys), -1, np.int32),
    )  # fmt: skip
    known = None
    if passing.sets.names:
        old = match_known([], history, settings)
        before = np.full(len(history), -1, np.int32) if old is None else old.of_prompt
        known = KnownPrompts(np.concatenate([before, passing.known()]), passing.sets.names)
    accounts = sample_accounts(taken.accounts, keys)
    languages = name_languages([*history.languages, *passing.languages])
    return Look(accounts, ground, keys, languages, taken.changed, history, np.zeros(len(keys), bool), known)


class _Near:
    """Finds neighbours among old and new prompts; the new ones are indexed when somebody asks for the first time."""

    def __init__(self, vectors: Rows, snapshot: Snapshot, passing: Passing, settings: Settings) -> None:
        self._vectors, self._snapshot, self._passing, self._settings = vectors, snapshot, passing, settings
        self._index: Index | None = None

    def find(self, rows: np.ndarray) -> np.ndarray:
        if self._index is None:
            parts = [self._snapshot.index]
            if self._passing.prompts:
                parts.append(build_index(self._passing.vectors(), threads=self._settings.threads))
            self._index = stack(parts)
        return neighbours_of(rows, self._vectors, self._index, self._settings.neighbours).ids


def _linked(taken: _Taken, history: History, passing: Passing) -> "pa.Table":
    import pyarrow as pa

    old = history.snapshot.table("requests", list(LINKED)).filter(pa.array(taken.stay))
    text = pa.schema([(name, pa.string()) for name in LINKED])
    return pa.concat_tables([old.cast(text), *passing.linked()])


def _answer(  # noqa: PLR0917 - what an answer is made of
    run: Run,
    judged: Judged,
    look: Look,
    taken: _Taken,
    log: _Log,
    snapshot: Snapshot,
    wanted: Collection[str] | None,
) -> Scored:
    import pyarrow as pa

    found = tables.accounts_table(look.accounts, judged)
    exact = {
        "n_requests": pa.array(taken.requests.astype(np.int32)),
        "first_ts": _moments(taken.first, np.iinfo(np.int64).max),
        "last_ts": _moments(taken.last, MISSING),
    }
    for name, values in exact.items():
        at = found.schema.get_field_index(name)
        found = found.set_column(at, found.schema.field(at), values.cast(found.schema.field(at).type))
    if wanted is not None:
        chosen = frozenset(wanted)
        found = found.filter(pa.array([name in chosen for name in look.accounts.names]))
    levels = Counter(found["level"].to_pylist())
    summary = {
        "snapshot": snapshot.snapshot_id,
        "detector": f"{judged.kit.detector.name} {judged.kit.detector.version}",
        "rows": log.stats.rows,
        "rejected": log.stats.rejected,
        "repeated": log.left.repeated,
        "forgotten": log.left.forgotten,
        "unwanted": log.left.unwanted,
        "outdated": log.left.outdated,
        "requests": int(taken.requests.sum()),
        "accounts": len(found),
        "levels": {k: levels.get(k, 0) for k in ("high", "review", "watch", "none", "insufficient")},
        "campaigns": sum(c.label == SWEEP for c in judged.campaigns),
        "seconds": round(sum(run.seconds.values()), 1),
        "peak_memory": peak_memory(),
    }
    groups = tables.campaigns_table(look.accounts, judged.campaigns)
    return Scored(found, groups, snapshot, log.stats, log.left, run.seconds, summary)


def _moments(values: NDArray[np.int64], missing: int) -> "pa.Array":
    import pyarrow as pa

    return pa.array(values, pa.int64(), mask=values == missing)
