"""Verdicts of analysts on accounts and campaigns: each one is added, none is changed."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, func, insert, select

from sweeplens.errors import StoreError
from sweeplens.review.database import read_review, verdict_columns, write_review
from sweeplens.review.people import Person, system_person
from sweeplens.review.tables import verdicts

VERDICTS = ("confirmed sweep", "benign", "benchmark", "tenant", "unsure")
ALLOWING = ("benign", "benchmark", "tenant")  # those that make an entry of the allow-list
KINDS = ("account", "campaign")
ANY = -1  # `seen` of a decision that stands whatever was decided before
_LONGEST = 10_000  # characters of a note


@dataclass(frozen=True)
class Verdict:
    """One decision.

    verified   whether the analyst's name was proven, which an operating system's user is not
    inclusion  chance (0-1] with which the subject was drawn to be looked at; None where an analyst chose it
    until      when the entry of the allow-list that it makes ends; None in one that makes none
    level      the subject's level when it was decided; None in old files
    members    accounts of the campaign when it was decided; empty for accounts and in old files
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
    until: datetime | None = None
    level: str | None = None
    members: tuple[str, ...] = ()


@dataclass(frozen=True)
class Decision:
    """A verdict to be added; fields are those of `Verdict`.

    `seen` is the id of the last verdict on the subject that the analyst knew of, None where he knew that there was
    none, `ANY` where it does not matter. `by` and `at` are given for one that was decided elsewhere.
    """

    kind: str
    subject: str
    verdict: str
    note: str = ""
    until: datetime | None = None
    level: str | None = None
    members: tuple[str, ...] = ()
    inclusion: float | None = None
    seen: int | None = ANY
    by: Person | None = None
    at: datetime | None = field(default=None)


class VerdictConflictError(StoreError):
    """Somebody else decided first; `latest` are the verdicts that the analyst had not seen."""

    def __init__(self, latest: Sequence[Verdict]) -> None:
        """Say of the first one who decided what, and of how many there are more."""
        first, more = latest[0], len(latest) - 1
        others = f", and {more} more have verdicts that you have not seen" if more else ""
        super().__init__(
            f"{first.analyst} has decided {first.verdict!r} on {first.kind} {first.subject!r} since you looked{others}"
        )
        self.latest = tuple(latest)


def add_verdict(
    store: Path, kind: str, subject: str, verdict: str, *, snapshot_id: str, detector: str, by: Person | None = None,
    **more: Any,  # noqa: ANN401 - the other fields of a decision
) -> Verdict:  # fmt: skip
    """Add one verdict; `more` are the other fields of `Decision`. Raises as `add_verdicts` does."""
    decision = Decision(kind, subject, verdict, **more)
    return add_verdicts(store, [decision], by=by, snapshot_id=snapshot_id, detector=detector)[0]


def add_verdicts(
    store: Path, decisions: Sequence[Decision], *, snapshot_id: str, detector: str, by: Person | None = None
) -> list[Verdict]:
    """Add verdicts by one person, all or none; earlier ones on the same subjects stay.

    Without `by` it is the user of the operating system. `inclusion` is given for a subject of an audit slice, which was
    drawn at random: the chance of being drawn. Raises `StoreError` for an unknown kind or verdict, a note that is too
    long, an inclusion outside (0-1], an end where the verdict allows nothing, or a store that cannot be written, and
    `VerdictConflictError` where somebody decided after the analyst had looked.
    """
    for decision in decisions:
        _check(decision)
    person, now = by or system_person(), datetime.now(UTC)
    added = []
    with write_review(store) as connection:
        missed = [latest for d in decisions if (latest := _unseen(connection, d)) is not None]
        if missed:
            raise VerdictConflictError(missed)
        for d in decisions:
            who = d.by or person
            values = {
                "kind": d.kind, "subject": d.subject, "verdict": d.verdict, "note": d.note.strip(),
                "analyst": who.name, "verified": who.verified, "at": d.at or now, "snapshot_id": snapshot_id,
                "detector": detector, "inclusion": d.inclusion, "until": d.until, "level": d.level,
            }  # fmt: skip
            row = {**values, "members": json.dumps(d.members) if d.members else None}
            key = connection.execute(insert(verdicts).values(**row)).inserted_primary_key
            added.append(Verdict(id=int(key[0]), **values, members=d.members))  # type: ignore[index, arg-type] # one row
    return added


def latest_verdicts(store: Path) -> dict[tuple[str, str], Verdict]:
    """Return the last verdict on each (kind, subject)."""
    with read_review(store) as connection:
        if connection is None:
            return {}
        last = select(func.max(verdicts.c.id)).group_by(verdicts.c.kind, verdicts.c.subject)
        columns = verdict_columns(connection)
        rows = connection.execute(select(*columns).where(verdicts.c.id.in_(last)).order_by(verdicts.c.id))
        return {(v.kind, v.subject): v for v in _verdicts(rows.mappings())}


def history(store: Path, kind: str, subject: str) -> list[Verdict]:
    """Return all verdicts on one subject, the last one first."""
    return _select(store, (verdicts.c.kind == kind) & (verdicts.c.subject == subject))


def all_verdicts(store: Path) -> list[Verdict]:
    """Return every verdict that was ever left, the last one first."""
    return _select(store, verdicts.c.id > 0)


def _select(store: Path, which: Any) -> list[Verdict]:  # noqa: ANN401 - a condition of SQLAlchemy
    with read_review(store) as connection:
        if connection is None:
            return []
        rows = connection.execute(select(*verdict_columns(connection)).where(which).order_by(verdicts.c.id.desc()))
        return list(_verdicts(rows.mappings()))


def _verdicts(rows: Iterable[Mapping[Any, Any]]) -> Iterable[Verdict]:
    for row in rows:
        values = {str(key): value for key, value in row.items()}
        members = json.loads(values.pop("members") or "[]")
        yield Verdict(**values, members=tuple(members))


def _unseen(connection: Connection, decision: Decision) -> Verdict | None:
    """Return the last verdict on the subject where the analyst did not know of it."""
    if decision.seen == ANY:
        return None
    mine = (verdicts.c.kind == decision.kind) & (verdicts.c.subject == decision.subject)
    last = select(*verdict_columns(connection)).where(mine).order_by(verdicts.c.id.desc()).limit(1)
    found = list(_verdicts(connection.execute(last).mappings()))
    return found[0] if found and found[0].id != decision.seen else None


def _check(d: Decision) -> None:
    if d.kind not in KINDS:
        raise StoreError(f"a verdict is on one of {', '.join(KINDS)}, but not on {d.kind!r}")
    if d.verdict not in VERDICTS:
        raise StoreError(f"a verdict is one of {', '.join(VERDICTS)}, but not {d.verdict!r}")
    if not d.subject:
        raise StoreError(f"a verdict needs the id of the {d.kind} it is on, but the id is empty")
    if len(d.note) > _LONGEST:
        raise StoreError(f"a note has at most {_LONGEST} characters, but this one has {len(d.note)}")
    if d.inclusion is not None and not 0 < d.inclusion <= 1:
        raise StoreError(f"an inclusion probability is above 0 and at most 1, but it is {d.inclusion}")
    if d.until is not None and d.verdict not in ALLOWING:
        raise StoreError(f"only {', '.join(ALLOWING)} can end at a date, but the verdict is {d.verdict!r}")
