"""From the rows of a log to requests and prompts: new ones come in, others are counted by why they do not."""

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import IO, TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from sweeplens.logs.rows import Reject, Request
from sweeplens.pipeline.keys import KeySet, PromptNumbers, request_keys
from sweeplens.pipeline.sent import Sent
from sweeplens.signals.account import MISSING, Accounts, group_codes
from sweeplens.signals.sample import hash_keys
from sweeplens.store.key import keyed_hash
from sweeplens.store.schema import make_table
from sweeplens.store.tombstones import Tombstones
from sweeplens.text import content_hash

if TYPE_CHECKING:
    import pyarrow as pa

_ROWS = 1 << 15  # requests that are taken in at once
_CHARS = 1 << 26  # characters of earlier turns that are held at once: fewer requests are taken in where they have many
_PLAIN = (
    "request_id", "account_id", "session_id", "model", "org_id", "ip", "user_agent", "tokens_in", "tokens_out",
    "source",
)  # fmt: skip


@dataclass(frozen=True)
class Wanted:
    """Which requests count: times in microseconds since 1970, from `since` on and before `until`, and account ids.

    A request without a time always counts.
    """

    since: int | None = None
    until: int | None = None
    accounts: frozenset[str] | None = None

    def takes(self, row: Request) -> bool:
        """Return whether a row counts."""
        if self.accounts is not None and row.account_id not in self.accounts:
            return False
        if row.ts is None:
            return True
        return (self.since is None or row.ts >= self.since) and (self.until is None or row.ts < self.until)


@dataclass
class Left:
    """Rows that were read but do not count, by why."""

    repeated: int = 0
    forgotten: int = 0
    unwanted: int = 0
    outdated: int = 0


@dataclass(frozen=True)
class Hashing:
    """How texts are told apart: by their content hash, or, where no text is kept, by a hash under the store's key."""

    key: bytes | None = None

    def prompt(self, text: str) -> str:
        """Return the 32 hexadecimal digits that stand for a prompt."""
        return content_hash(text) if self.key is None else keyed_hash(self.key, text)

    def system(self, text: str | None) -> str | None:
        """Return what is kept of a system prompt."""
        return text if self.key is None or not text else keyed_hash(self.key, text, kind="system")


Admit = Callable[
    [Sequence[Request], NDArray[np.int32], NDArray[np.int64], NDArray[np.uint64]], NDArray[np.bool_]
]  # fmt: skip


@dataclass
class Intake:
    """Takes in rows batch by batch. `names` and `prompts` may know accounts and prompts already.

    `on_requests` gets each batch as rows of the table of requests, `on_prompts` the texts and hashes of prompts that
    were not seen before, in the order of their numbers. `admit` sees rows, account codes, times and hash keys first,
    and says which rows are kept.

    The prompt of a request is what is new in it, as `sent` tells.
    """

    hashing: Hashing
    prompts: PromptNumbers
    requests: KeySet
    names: dict[str, int]
    on_requests: "Callable[[pa.Table], None] | None"
    on_prompts: Callable[[Sequence[str], Sequence[str]], None]
    tombstones: Tombstones = field(default_factory=Tombstones)
    wanted: Wanted = field(default_factory=Wanted)
    left: Left = field(default_factory=Left)
    admit: "Admit | None" = None
    sent: Sent = field(init=False)

    def __post_init__(self) -> None:
        """Begin with accounts that have sent nothing."""
        self.sent = Sent(self.hashing.prompt)

    def take(self, rows: Iterable[Request]) -> "Iterator[Batch]":
        """Take in all rows; gives what each batch comes to in numbers."""
        for batch in _batches(rows):
            taken = self._choose(batch)
            if taken:
                yield self._number(taken)

    def _choose(self, batch: list[Request]) -> list[Request]:
        wanted = [row for row in batch if self.wanted.takes(row)]
        self.left.unwanted += len(batch) - len(wanted)
        if len(self.tombstones):
            kept = [row for row in wanted if not self.tombstones.forgets(row.account_id, row.ts)]
            self.left.forgotten += len(wanted) - len(kept)
            wanted = kept
        fresh = self.requests.add(request_keys([row.request_id for row in wanted]))
        self.left.repeated += len(wanted) - int(fresh.sum())
        return [row for row, new in zip(wanted, fresh.tolist(), strict=True) if new]

    def _number(self, rows: list[Request]) -> "Batch":
        names = self.names
        codes = np.fromiter((names.setdefault(row.account_id, len(names)) for row in rows), np.int32, len(rows))
        texts, hashes = self.sent.find_new(rows, codes)
        times = np.fromiter((MISSING if row.ts is None else row.ts for row in rows), np.int64, len(rows))
        if self.admit is not None:
            keep = self.admit(rows, codes, times, hash_keys(hashes))
            codes, times = codes[keep], times[keep]
            places = np.flatnonzero(keep).tolist()
            rows = [rows[i] for i in places]
            texts, hashes = ([values[i] for i in places] for values in (texts, hashes))
        numbers, fresh = self.prompts.number(hashes)
        if len(fresh):
            places = fresh.tolist()
            self.on_prompts([texts[i] for i in places], [hashes[i] for i in places])
        if self.on_requests is not None:
            self.on_requests(self._table(rows, numbers))
        return Batch(codes, numbers, times)

    def _table(self, rows: Sequence[Request], numbers: NDArray[np.int32]) -> "pa.Table":
        columns: dict[str, object] = {name: [getattr(row, name) for row in rows] for name in _PLAIN}
        columns["ts"] = [row.ts for row in rows]
        columns["prompt_id"] = numbers
        columns["system_prompt"] = [self.hashing.system(row.system_prompt) for row in rows]
        columns["request_key"] = request_keys([row.request_id for row in rows])
        return make_table("requests", columns)


def _batches(rows: Iterable[Request]) -> Iterator[list[Request]]:
    batch: list[Request] = []
    chars = 0
    for row in rows:
        batch.append(row)
        chars += sum(map(len, row.earlier))
        if len(batch) == _ROWS or chars >= _CHARS:
            yield batch
            batch, chars = [], 0
    if batch:
        yield batch


@dataclass(frozen=True)
class Batch:
    """Requests as numbers: account codes int32, prompt numbers int32, times int64 in microseconds or MISSING; [m]."""

    codes: NDArray[np.int32]
    prompts: NDArray[np.int32]
    times: NDArray[np.int64]

    @staticmethod
    def join(parts: "Sequence[Batch]") -> "Batch":
        """Return several batches as one."""
        if not parts:
            return Batch(np.empty(0, np.int32), np.empty(0, np.int32), np.empty(0, np.int64))
        return Batch(*(np.concatenate([getattr(p, k) for p in parts]) for k in ("codes", "prompts", "times")))

    def only(self, keep: NDArray[np.bool_]) -> "Batch":
        """Return the requests that `keep` marks."""
        return Batch(self.codes[keep], self.prompts[keep], self.times[keep])

    def __len__(self) -> int:
        """Return the number of requests."""
        return len(self.codes)


class RejectsFile:
    """Writes rejects as they come: file, line and reason, never the row's text."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream

    def __call__(self, reject: Reject) -> None:
        """Write one reject as a line of JSON."""
        self._stream.write((json.dumps(reject._asdict(), ensure_ascii=False) + "\n").encode("utf-8", "replace"))


@dataclass(frozen=True)
class LoneLog:
    """A log that is looked at by itself: its accounts, and its distinct prompts in order of first appearance."""

    accounts: Accounts
    texts: list[str]
    hashes: list[str]


def take_alone(rows: Iterable[Request], on_requests: "Callable[[pa.Table], None] | None" = None) -> LoneLog:
    """Take in the rows of a log that goes into no snapshot; `on_requests` gets its requests as tables."""
    texts: list[str] = []
    hashes: list[str] = []

    def keep(new: Sequence[str], keys: Sequence[str]) -> None:
        texts.extend(new)
        hashes.extend(keys)

    names: dict[str, int] = {}
    intake = Intake(Hashing(), PromptNumbers(), KeySet(), names, on_requests, keep)
    every = Batch.join(list(intake.take(rows)))
    ordered = sorted(names)
    rank = np.empty(len(names), np.int64)
    rank[[names[name] for name in ordered]] = np.arange(len(names))
    return LoneLog(group_codes(ordered, rank[every.codes], every.prompts, every.times), texts, hashes)
