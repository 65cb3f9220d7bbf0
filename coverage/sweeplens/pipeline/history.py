"""What a snapshot already knows: the requests and prompts that an update, or the score of a log, goes on from."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from sweeplens.pipeline.intake import Batch
from sweeplens.pipeline.keys import request_keys
from sweeplens.pipeline.sent import Sent
from sweeplens.signals.account import MISSING
from sweeplens.signals.ground import FORM, TextNumbers, head_of, measure_texts, numbers_of, unknown_texts
from sweeplens.signals.sample import hash_keys
from sweeplens.store.snapshot import Snapshot

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True)
class History:
    """The requests of a snapshot that still count, and what became of its prompts.

    names      ids of all its accounts
    requests   of m requests: codes into `names`, prompt numbers as they are from now on, times
    keep       bool [requests of the snapshot]: which those are; None for all
    to         int32 [prompts of the snapshot]: the new number of each prompt, -1 for one that nobody sends; None where
               all keep theirs
    """

    snapshot: Snapshot
    names: tuple[str, ...]
    requests: Batch
    keep: NDArray[np.bool_] | None = None
    to: NDArray[np.int32] | None = None

    @property
    def whole(self) -> bool:
        """Whether everything that the snapshot holds still counts, so that its files can be taken over."""
        return self.keep is None

    @cached_property
    def alive(self) -> NDArray[np.int64]:
        """The snapshot's numbers of the prompts that still count, rising: int64 [n]."""
        if self.to is None:
            return np.arange(len(self.snapshot.vectors))
        return np.flatnonzero(self.to >= 0)

    def __len__(self) -> int:
        """Return the number of prompts that still count."""
        return len(self.alive)

    def rows(self, name: str) -> "pa.Table":
        """Return the rows of a table of prompts that still count, their `prompt_id` as it is from now on."""
        table = self.snapshot.table(name)
        return table if self.to is None else renumbered(table.take(self.alive), np.arange(len(self), dtype=np.int32))

    @cached_property
    def hashes(self) -> list[str]:
        """The hashes of the prompts."""
        column: list[str] = self.snapshot.table("prompts", ["prompt_hash"])["prompt_hash"].take(self.alive).to_pylist()
        return column

    @property
    def languages(self) -> list[str]:
        """The language of each prompt, as an ISO 639 code or "und"."""
        column: list[str] = self.snapshot.table("prompts", ["language"])["language"].take(self.alive).to_pylist()
        return column

    def texts(self, prompts: Sequence[int] | NDArray[np.integer]) -> list[str | None]:
        """Return the texts of some prompts, by their present numbers; None where it is not kept."""
        at = self.alive[np.asarray(prompts, np.int64)]
        found: list[str | None] = self.snapshot.table("prompts")["text"].take(at).to_pylist()
        return found

    def numbers(self, workers: int) -> TextNumbers:
        """Return what was measured of the texts; measured again where the snapshot, an older one, lacks it."""
        table = self.snapshot.table("texts")
        if len(table):
            columns = {key: table[key].to_numpy() for key in (*FORM, "pack", "packed", "leaning", "first_word")}
            return numbers_of({key: values[self.alive] for key, values in columns.items()})
        prompts = self.snapshot.table("prompts").take(self.alive)
        texts = prompts["text"].to_pylist()
        if self.snapshot.manifest.get("text", "kept") == "none":
            return unknown_texts(prompts["n_chars"].to_numpy())
        return measure_texts(texts, prompts["language"].to_pylist(), workers)


class Heads(Sequence[bytes]):
    """The first characters of each prompt, read when they are asked for: old ones from the table, new ones kept."""

    def __init__(self, history: History | None, fresh: Sequence[bytes]) -> None:
        self._old = 0 if history is None else len(history)
        self._alive = None if history is None else history.alive
        self._texts = None if history is None else history.snapshot.table("prompts")["text"]
        self._fresh = fresh

    def __len__(self) -> int:
        return self._old + len(self._fresh)

    def __getitem__(self, at: int) -> bytes:  # type: ignore[override] # single prompts only
        if at >= self._old:
            return self._fresh[at - self._old]
        if self._texts is None or self._alive is None:
            raise IndexError(at)
        text = self._texts[int(self._alive[at])].as_py()
        return b"" if text is None else head_of(text)


class Texts(Sequence[str]):
    """The texts of all prompts, read when they are asked for: old ones from the table, new ones kept."""

    def __init__(self, history: History, fresh: Sequence[str]) -> None:
        self._old = len(history)
        self._alive = history.alive
        self._texts = history.snapshot.table("prompts")["text"]
        self._fresh = fresh

    def __len__(self) -> int:
        return self._old + len(self._fresh)

    def __getitem__(self, at: int) -> str:  # type: ignore[override] # single prompts only
        if at >= self._old:
            return self._fresh[at - self._old]
        text: str = self._texts[int(self._alive[at])].as_py()
        return text


def read_history(snapshot: Snapshot) -> History:
    """Read the requests of a snapshot: account, prompt and time of each."""
    table = snapshot.table("requests", ["account_id", "prompt_id", "ts"])
    column = table["account_id"].unify_dictionaries().combine_chunks()
    names = tuple(column.dictionary.to_pylist()) if len(table) else ()
    codes = column.indices.to_numpy() if len(table) else np.empty(0, np.int32)
    return History(snapshot, names, Batch(codes.astype(np.int32), table["prompt_id"].to_numpy(), read_times(table)))


def read_times(table: "pa.Table") -> NDArray[np.int64]:
    """Return the times of requests, int64 microseconds since 1970, or MISSING."""
    import pyarrow as pa

    times: NDArray[np.int64] = table["ts"].cast(pa.int64()).fill_null(MISSING).to_numpy()
    return times


def read_request_keys(history: History) -> NDArray[np.uint64]:
    """Return the keys of the requests that still count; older snapshots keep only ids."""
    column = history.snapshot.table("requests", ["request_key"])["request_key"]
    if column.null_count:
        keys = request_keys(history.snapshot.table("requests", ["request_id"])["request_id"].to_pylist())
    else:
        keys = column.to_numpy()
    return keys if history.keep is None else keys[history.keep]


def recall_sent(history: History, sent: Sent, *, systems: bool) -> None:
    """Tell what the accounts of a snapshot have sent: prompts and, where these are kept as text, system prompts."""
    codes, prompts = history.requests.codes, history.requests.prompts
    sent.remember(codes, hash_keys(history.hashes)[prompts])
    if systems and len(codes):
        column = history.snapshot.table("requests", ["system_prompt"])["system_prompt"]
        column = column.unify_dictionaries().combine_chunks()
        places = column.indices.fill_null(-1).to_numpy()
        sent.remember_systems(codes, places if history.keep is None else places[history.keep], column.dictionary)


def keep_requests(history: History, keep: NDArray[np.bool_], also: NDArray[np.integer] | Sequence[int] = ()) -> History:
    """Return a whole history with only the requests that `keep` (bool [m]) marks, and the prompts that these sent.

    Prompts `also` stay, too.
    """
    if bool(keep.all()):
        return history
    left = history.requests.only(keep)
    sent = np.zeros(len(history), bool)
    sent[left.prompts] = True
    sent[np.asarray(also, np.int64)] = True
    to = np.where(sent, np.cumsum(sent) - 1, -1).astype(np.int32)
    return History(history.snapshot, history.names, Batch(left.codes, to[left.prompts], left.times), keep, to)


def renumbered(table: "pa.Table", prompts: NDArray[np.int32]) -> "pa.Table":
    """Return rows that were taken out of a table with another column `prompt_id`, and with no word of other rows.

    A column of words keeps the words of all rows that it ever had, and writes them, too: so it is made anew.
    """
    import pyarrow as pa

    at = table.schema.get_field_index("prompt_id")
    table = table.set_column(at, table.schema.field(at), pa.array(prompts, pa.int32()))
    for i, field in enumerate(table.schema):
        if pa.types.is_dictionary(field.type):
            words = table[field.name].cast(field.type.value_type).combine_chunks().dictionary_encode()
            table = table.set_column(i, field, words.cast(field.type))
    return table
