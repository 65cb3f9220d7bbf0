"""Logs that come in day by day, of accounts that ask about a few subjects, and what is written of them."""

import json
from collections.abc import Iterable, Sequence
from pathlib import Path

from sweeplens.config import Settings

SUBJECTS = ("bread", "rivers", "trains", "stars", "violins", "taxes", "cats", "bridges")
Row = dict[str, object]


def day_rows(day: int, accounts: Iterable[int], begin: int, end: int, **more: object) -> list[Row]:
    """Return the requests of one day in March: each account asks the questions from `begin` to before `end`.

    A question has the same text on every day, but another request id.
    """
    return [
        {
            "request_id": f"d{day}-a{a}-{p}", "account_id": f"a{a}", "ts": f"2026-03-{day:02d}T10:{p:02d}:{a:02d}Z",
            "prompt": f"Tell account {a} fact {p} about {SUBJECTS[p % 8]}", "org_id": f"org{a // 2}",
            "ip": f"192.0.2.{a // 3}", **more,
        }
        for p in range(begin, end)
        for a in accounts
    ]  # fmt: skip


def write_rows(path: Path, rows: Iterable[Row], *, broken: Sequence[str] = ()) -> str:
    """Write rows, and lines that are none, as JSONL; return the path as text."""
    lines = [json.dumps(row, ensure_ascii=False) for row in rows]
    path.write_text("".join(f"{line}\n" for line in [*lines, *broken]), encoding="utf-8")
    return str(path)


def quick(store: Path, **more: object) -> Settings:
    """Return settings for the encoder that loads fast, in one process, so that a map costs next to nothing."""
    return Settings(store=store, encoder="fast", workers=1, **more)  # type: ignore[arg-type]
