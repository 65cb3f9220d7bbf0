"""The requests and prompts that a snapshot, or a score, is made of: what was known, and what a log adds."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

import numpy as np
from numpy.typing import NDArray

from sweeplens.config import Settings
from sweeplens.embed.cache import VectorCache
from sweeplens.embed.encoder import Encoder
from sweeplens.embed.language import detect_languages, warn_languages
from sweeplens.embed.prompts import embed_prompts
from sweeplens.engine.steps import Run
from sweeplens.logs.read import check_rejects, read_requests
from sweeplens.logs.rows import ReadStats
from sweeplens.pipeline.history import (
    Heads,
    History,
    keep_requests,
    read_history,
    read_request_keys,
    recall_sent,
    renumbered,
)  # fmt: skip
from sweeplens.pipeline.intake import Batch, Hashing, Intake, Left, RejectsFile
from sweeplens.pipeline.keys import KeySet, PromptNumbers
from sweeplens.signals.account import MISSING, Accounts, first_arrivals, group_codes
from sweeplens.signals.ground import TextNumbers, head_of, join_numbers, measure_texts
from sweeplens.store import disk
from sweeplens.store.publish import SnapshotWriter
from sweeplens.store.rows import RowView
from sweeplens.store.schema import PARQUET, REJECTS, schemas, write_table
from sweeplens.store.tombstones import load_tombstones

_AHEAD = 86_400.0  # seconds that a log's clock may be ahead of ours
CACHE = ".cache"  # folder of the store that holds vectors by content hash, for all its snapshots


@dataclass(frozen=True)
class Source:
    """A log to read: files, folders, globs or "-", and how its rows are to be understood."""

    sources: Sequence[str]
    input_format: str | None = None
    mapping: Mapping[str, str] | None = None


@dataclass(frozen=True)
class Incoming:
    """What came in from a log: `requests` by account code in `names` and prompt number; the texts of new prompts."""

    names: tuple[str, ...]
    requests: Batch
    texts: list[str]
    hashes: list[str]
    part: str | None = None


@dataclass(frozen=True)
class Traffic:
    """All requests and prompts that count; prompts are numbered old ones first.

    old        number of prompts that the snapshot before had
    changed    bool [N]: accounts that have other requests than in the snapshot before
    """

    accounts: Accounts
    hashes: list[str]
    languages: list[str]
    texts: list[str]
    fresh: NDArray[np.float16]
    vectors: RowView
    numbers: TextNumbers
    heads: Sequence[bytes]
    old: int
    changed: NDArray[np.bool_]
    cached: int
    stats: ReadStats
    left: Left
    history: History | None = None

    @property
    def n_prompts(self) -> int:
        """The number of distinct prompts."""
        return len(self.hashes)


@dataclass
class _Fresh:
    texts: list[str] = field(default_factory=list)
    hashes: list[str] = field(default_factory=list)

    def add(self, texts: Sequence[str], hashes: Sequence[str]) -> None:
        self.texts += texts
        self.hashes += hashes


def read_log(  # noqa: PLR0917 - what a log is read with
    writer: SnapshotWriter,
    source: Source,
    settings: Settings,
    hashing: Hashing,
    history: History | None,
    left: Left,
    stats: ReadStats,
) -> Incoming:
    """Read a log into a new part of the table of requests; `history` tells what was there before.

    Rejects go to rejects.jsonl. Raises `LogError` and its kin.
    """
    import pyarrow.parquet as pq

    file = part_file("requests", next_part(history))
    names = {} if history is None else {name: i for i, name in enumerate(history.names)}
    fresh = _Fresh()
    with (
        writer.create(REJECTS) as rejects,
        writer.create(file) as stream,
        pq.ParquetWriter(stream, schemas()["requests"], **PARQUET) as table,
    ):
        intake = Intake(
            hashing, PromptNumbers(() if history is None else history.hashes),
            KeySet(None if history is None else read_request_keys(history)), names, table.write_table, fresh.add,
            tombstones=load_tombstones(settings.store), left=left,
        )  # fmt: skip
        if history is not None:
            recall_sent(history, intake.sent, systems=settings.text)
        rows = read_requests(
            source.sources, input_format=source.input_format, mapping=source.mapping, redact=settings.redact,
            stats=stats, reject=RejectsFile(rejects), prompt_hash=hashing.prompt,
        )  # fmt: skip
        batches = list(intake.take(rows))
    check_rejects(stats, settings.max_rejects)
    if history is not None and not batches:
        # A log that was there already, as when a job is run again, leaves no empty part behind.
        disk.unlink(writer.folder / file)
        return no_log(history)
    return Incoming(tuple(names), Batch.join(batches), fresh.texts, fresh.hashes, file)


def no_log(history: History) -> Incoming:
    """Return what comes in where nothing is read."""
    return Incoming(history.names, Batch.join([]), [], [], None)


def cut_window(
    writer: SnapshotWriter, incoming: Incoming, history: History | None, settings: Settings, left: Left
) -> tuple[Incoming, History | None]:
    """Leave out what is older than the window, counted back from the last request; rows without a time stay."""
    span = settings.window_span or settings.retention_span
    if span is None:
        return incoming, history
    new = incoming.requests.times
    old = np.empty(0, np.int64) if history is None else history.requests.times
    first = first_moment((old, new), span)
    stay, come = (old >= first) | (old == MISSING), (new >= first) | (new == MISSING)
    left.outdated += int((~stay).sum() + (~come).sum())
    return drop_requests(writer, incoming, history, stay, come)


def first_moment(times: Sequence[NDArray[np.int64]], span: timedelta) -> int:
    """Return the first moment of a window that ends with the last of these times; MISSING where there is none.

    Times of more than a day from now are a clock that is wrong, and do not move the window: one row of the year 2099
    would leave nothing else.
    """
    latest = int((time.time() + _AHEAD) * 1e6)
    last = max((int(t[t <= latest].max(initial=MISSING)) for t in times), default=MISSING)
    return last if last == MISSING else last - int(span.total_seconds() * 1e6)


def drop_requests(
    writer: SnapshotWriter,
    incoming: Incoming,
    history: History | None,
    stay: NDArray[np.bool_],
    come: NDArray[np.bool_],
) -> tuple[Incoming, History | None]:
    """Leave out old requests (all but `stay`) and new ones (all but `come`), and the prompts that only they sent."""
    if bool(stay.all()) and bool(come.all()):
        return incoming, history
    known = 0 if history is None else len(history)
    requests = incoming.requests.only(come)
    if history is not None:
        history = keep_requests(history, stay, also=requests.prompts[requests.prompts < known])
    to = np.full(known + len(incoming.texts), -1, np.int32)
    to[:known] = np.arange(known) if history is None or history.to is None else history.to
    first = 0 if history is None else len(history)
    fresh = first_arrivals(requests.prompts[requests.prompts >= known]) - known
    to[known + fresh] = first + np.arange(len(fresh), dtype=np.int32)
    part = None if incoming.part is None else part_file("requests", next_part(history))
    if incoming.part is not None and part is not None:
        _rewrite_part(writer, incoming.part, part, come, to)
    requests = Batch(requests.codes, to[requests.prompts], requests.times)
    texts, hashes = ([values[i] for i in fresh.tolist()] for values in (incoming.texts, incoming.hashes))
    return Incoming(incoming.names, requests, texts, hashes, part), history


def _rewrite_part(writer: SnapshotWriter, old: str, new: str, keep: NDArray[np.bool_], to: NDArray[np.int32]) -> None:
    """Write what is kept of a part under the number that it has now that the history may be one whole file."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    table = pq.read_table(writer.folder / old).filter(pa.array(keep))
    table = renumbered(table, to[table["prompt_id"].to_numpy()])
    disk.unlink(writer.folder / old)
    with writer.create(new) as stream:
        write_table(stream, table)


def tell_languages(run: Run, incoming: Incoming) -> list[str]:
    """Return the language of each new prompt."""
    with run.step("languages"):
        return detect_languages(incoming.texts)


def gather(  # noqa: PLR0917 - what traffic is made of
    run: Run,
    incoming: Incoming,
    history: History | None,
    encoder: Encoder,
    settings: Settings,
    left: Left,
    stats: ReadStats,
    spoken: list[str],
) -> Traffic:
    """Put old and new together: embed the new prompts, measure their texts, and sort all requests by account.

    `spoken` are the languages of the new prompts.
    """
    warning = warn_languages(spoken, encoder)
    if warning:
        run.progress.note(warning)
    cache = VectorCache(settings.store / CACHE, encoder.fingerprint, encoder.dim)
    with run.step("encode") as step:
        done = embed_prompts(encoder, incoming.hashes, incoming.texts, cache, progress=step.update)
    with run.step("texts"):
        numbers = measure_texts(incoming.texts, spoken, settings.threads)
        if history is not None:
            numbers = join_numbers([history.numbers(settings.threads), numbers])
    heads = [head_of(text) for text in incoming.texts]
    old = 0 if history is None else len(history)
    accounts, changed = sort_accounts(incoming, history)
    return Traffic(
        accounts=accounts,
        hashes=incoming.hashes if history is None else [*history.hashes, *incoming.hashes],
        languages=spoken,
        texts=incoming.texts,
        fresh=done.vectors,
        vectors=join_vectors(history, done.vectors),
        numbers=numbers,
        heads=heads if history is None else Heads(history, heads),
        old=old,
        changed=changed,
        cached=done.n_cached,
        stats=stats,
        left=left,
        history=history,
    )


def join_vectors(history: History | None, fresh: NDArray[np.float16]) -> RowView:
    """Return the vectors of old and new prompts as one."""
    if history is None:
        return RowView([fresh])
    if history.whole:
        return RowView([*history.snapshot.vectors.parts, fresh])
    return RowView([history.snapshot.vectors[history.alive], fresh])


def sort_accounts(incoming: Incoming, history: History | None) -> tuple[Accounts, NDArray[np.bool_]]:
    """Return all accounts that have requests, and which of them have others than before, bool [N]."""
    parts = [incoming.requests] if history is None else [history.requests, incoming.requests]
    every = Batch.join(parts)
    used = np.zeros(len(incoming.names), bool)
    used[every.codes] = True
    names = sorted(name for name, there in zip(incoming.names, used.tolist(), strict=True) if there)
    rank = {name: i for i, name in enumerate(names)}
    to = np.fromiter((rank.get(name, -1) for name in incoming.names), np.int64, len(incoming.names))
    accounts = group_codes(names, to[every.codes], every.prompts, every.times)
    changed = np.zeros(len(names), bool)
    changed[to[incoming.requests.codes]] = True
    if history is None:
        changed[:] = True
    elif history.keep is not None:
        every_code = read_history(history.snapshot).requests.codes
        lost = to[np.unique(every_code[~history.keep])]
        changed[lost[lost >= 0]] = True
    return accounts, changed


def next_part(history: History | None) -> int:
    """Return the number of the next part: 0 for a first one, else one more than those there are."""
    if history is None:
        return 0
    return 1 if not history.whole else len(history.snapshot.manifest["tables"]["requests"])


def part_file(name: str, part: int) -> str:
    """Return the name of a part's file."""
    return f"{name}-{part:04d}.parquet" if part else f"{name}.parquet"
