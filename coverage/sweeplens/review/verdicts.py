"""Verdicts of analysts on accounts and campaigns: each one is added, none is changed."""

import getpass
import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import func, insert, select

from sweeplens.errors import StoreError
from sweeplens.review.database import read_review, verdict_columns, verdicts, write_review

VERDICTS = ("confirmed sweep", "benign", "benchmark", "tenant", "unsure")
KINDS = ("account", "campaign")
_LONGEST = 10_000  # characters of a note


@dataclass(frozen=True)
class Verdict:
    """One decision.

    verified   whether the analyst's name was proven, which an operating system's user is not
    inclusion  chance (0-1] with which the subject was drawn to be looked at; None where an analyst chose it
    """

    id: int
    kind: str
    subject: str
    verdict: str
    note: str
    analyst: str
    verified: bool
    at: datetime
    snapshot_id: str
    detector: str
    inclusion: float | None = None


def add_verdict(
    store: Path,
    kind: str,
    subject: str,
    verdict: str,
    *,
    note: str = "",
    snapshot_id: str,
    detector: str,
    inclusion: float | None = None,
) -> Verdict:
    """Add a verdict by the current user of the operating system; earlier ones on the same subject stay.

    `inclusion` is given for a subject of an audit slice, which was drawn at random: the chance of being drawn. Raises
    `StoreError` for an unknown kind or verdict, a note that is too long, an inclusion outside (0-1], or a store that
    cannot be written.
    """
    if kind not in KINDS:
        raise StoreError(f"a verdict is on one of {', '.join(KINDS)}, but not on {kind!r}")
    if verdict not in VERDICTS:
        raise StoreError(f"a verdict is one of {', '.join(VERDICTS)}, but not {verdict!r}")
    if not subject:
        raise StoreError(f"a verdict needs the id of the {kind} it is on, but the id is empty")
    if len(note) > _LONGEST:
        raise StoreError(f"a note has at most {_LONGEST} characters, but this one has {len(note)}")
    if inclusion is not None and not 0 < inclusion <= 1:
        raise StoreError(f"an inclusion probability is above 0 and at most 1, but it is {inclusion}")
    values = {
        "kind": kind, "subject": subject, "verdict": verdict, "note": note.strip(), "analyst": _user(),
        "verified": False, "at": datetime.now(UTC), "snapshot_id": snapshot_id, "detector": detector,
        "inclusion": inclusion,
    }  # fmt: skip
    with write_review(store) as connection:
        key = connection.execute(insert(verdicts).values(**values)).inserted_primary_key
    return Verdict(id=int(key[0]), **values)  # type: ignore[index, arg-type] # an insert of one row has a key


def latest_verdicts(store: Path) -> dict[tuple[str, str], Verdict]:
    """Return the last verdict on each (kind, subject)."""
    with read_review(store) as connection:
        if connection is None:
            return {}
        last = select(func.max(verdicts.c.id)).group_by(verdicts.c.kind, verdicts.c.subject)
        columns = verdict_columns(connection)
        rows = connection.execute(select(*columns).where(verdicts.c.id.in_(last)).order_by(verdicts.c.id))
        return {(row["kind"], row["subject"]): _verdict(row) for row in rows.mappings()}


def history(store: Path, kind: str, subject: str) -> list[Verdict]:
    """Return all verdicts on one subject, the last one first."""
    with read_review(store) as connection:
        if connection is None:
            return []
        mine = (verdicts.c.kind == kind) & (verdicts.c.subject == subject)
        rows = connection.execute(select(*verdict_columns(connection)).where(mine).order_by(verdicts.c.id.desc()))
        return [_verdict(row) for row in rows.mappings()]


def _verdict(row: Mapping[Any, Any]) -> Verdict:
    return Verdict(**{str(key): value for key, value in row.items()})


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # a container's user id without a name
        return f"uid {os.getuid()}"
