"""From log rows to the table of requests, written while the log is read, and the distinct prompts kept in memory."""

import json
from array import array
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from sweeplens.logs.rows import Reject, Request
from sweeplens.signals.account import MISSING, Accounts, group_codes
from sweeplens.store.schema import PARQUET, empty_columns, make_table, schemas
from sweeplens.text import content_hash

_ROWS = 1 << 17  # requests that are kept before they are written
_PLAIN = (
    "request_id", "account_id", "session_id", "model", "org_id", "ip", "user_agent", "system_prompt", "tokens_in",
    "tokens_out", "source",
)  # fmt: skip


@dataclass
class Prompts:
    """The distinct prompts in order of first appearance, by content hash."""

    texts: list[str] = field(default_factory=list)
    hashes: list[str] = field(default_factory=list)
    _known: dict[str, int] = field(default_factory=dict)

    def number(self, text: str) -> int:
        """Return the prompt's id, a new one for a text that was not seen before."""
        key = content_hash(text)
        at = self._known.setdefault(key, len(self.texts))
        if at == len(self.texts):
            self.texts.append(text)
            self.hashes.append(key)
        return at


@dataclass(frozen=True)
class Ingested:
    """What is kept of a log: its accounts as arrays, its prompts as texts."""

    accounts: Accounts
    prompts: Prompts


class RejectsFile:
    """Writes rejects as they come: file, line and reason, never the row's text."""

    def __init__(self, stream: IO[str]) -> None:
        self._stream = stream

    def __call__(self, reject: Reject) -> None:
        """Write one reject as a line of JSON."""
        self._stream.write(json.dumps(reject._asdict(), ensure_ascii=False) + "\n")


def ingest(rows: Iterable[Request], target: Path | IO[bytes]) -> Ingested:
    """Write the requests as Parquet, in the order of the log, and return what is kept in memory.

    Memory grows with the distinct prompts and by 16 bytes a request.
    """
    prompts = Prompts()
    names: dict[str, int] = {}
    codes, numbers, times = array("i"), array("i"), array("q")
    columns = empty_columns("requests")
    with pq.ParquetWriter(target, schemas()["requests"], **PARQUET) as writer:
        for row in rows:
            number = prompts.number(row.prompt)
            codes.append(names.setdefault(row.account_id, len(names)))
            numbers.append(number)
            times.append(MISSING if row.ts is None else row.ts)
            for name in _PLAIN:
                columns[name].append(getattr(row, name))
            columns["ts"].append(row.ts)
            columns["request_key"].append(None)
            columns["prompt_id"].append(number)
            if len(columns["ts"]) >= _ROWS:
                writer.write_table(make_table("requests", columns))
                columns = empty_columns("requests")
        if columns["ts"]:
            writer.write_table(make_table("requests", columns))
    return Ingested(_accounts(names, codes, numbers, times), prompts)


def _accounts(names: dict[str, int], codes: "array[int]", numbers: "array[int]", times: "array[int]") -> Accounts:
    ordered = sorted(names)
    rank = np.empty(len(names), np.int64)
    rank[[names[n] for n in ordered]] = np.arange(len(names))
    by_name = rank[np.frombuffer(codes, np.int32)] if len(codes) else np.empty(0, np.int64)
    return group_codes(ordered, by_name, np.frombuffer(numbers, np.int32), np.frombuffer(times, np.int64))


def read_requests_table(path: Path) -> pa.Table:
    """Read back the columns of the requests that links are made of."""
    return pq.read_table(path, columns=["account_id", "org_id", "ip", "user_agent", "system_prompt"])
