"""What a log becomes: requests, rejects, and the count of both."""

from collections import Counter
from dataclasses import dataclass, field
from typing import NamedTuple

FIELDS = (
    "request_id", "account_id", "ts", "prompt", "session_id", "model", "org_id", "ip", "user_agent", "system_prompt",
    "tokens_in", "tokens_out",
)  # fmt: skip


class Request(NamedTuple):
    """One canonical log row. `ts` is in microseconds since 1970 in UTC; what a log lacks is None.

    `prompt` is the last user turn. `earlier` are other texts of the sender that came with the request, which are not
    kept as such: the user turns before the last, and system messages beside a system prompt of its own.
    """

    request_id: str
    account_id: str
    ts: int | None
    prompt: str
    session_id: str | None = None
    model: str | None = None
    org_id: str | None = None
    ip: str | None = None
    user_agent: str | None = None
    system_prompt: str | None = None
    tokens_in: int | None = None
    tokens_out: int | None = None
    source: str | None = None
    earlier: tuple[str, ...] = ()


class Reject(NamedTuple):
    """A row that could not be used. `reason` never holds the row's text."""

    file: str
    line: int
    reason: str


@dataclass
class ReadStats:
    """Counts that grow while a log is read."""

    files: int = 0
    rows: int = 0
    rejected: int = 0
    reasons: Counter[str] = field(default_factory=Counter)
    redactions: Counter[str] = field(default_factory=Counter)
