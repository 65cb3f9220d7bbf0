"""Verdicts of analysts on accounts and campaigns: each one is added, none is changed."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, func, insert, select

from sweeplens.detect.detector import LEVELS
from sweeplens.errors import StoreError
from sweeplens.review.database import read_review, verdict_columns, write_review
from sweeplens.review.people import Person, system_person
from sweeplens.review.tables import verdicts

VERDICTS = ("confirmed sweep", "benign", "benchmark", "tenant", "unsure")
ALLOWING = ("benign", "benchmark", "tenant")  # those that make an entry of the allow-list
KINDS = ("account", "campaign")
ANY = -1  # `seen` of a decision that stands whatever was decided before
_LONGEST = 10_000  # characters of a note
_NEWEST = (verdicts.c.at.desc(), verdicts.c.id.desc())


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
    none, `ANY` where it does not matter.
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
        check(decision)
    person, now = by or system_person(), datetime.now(UTC)
    added = []
    with write_review(store) as connection:
        before = [_last(connection, d.kind, d.subject) for d in decisions]
        missed = [v for d, v in zip(decisions, before, strict=True) if v is not None and d.seen not in {ANY, v.id}]
        if missed:
            raise VerdictConflictError(missed)
        for d, last in zip(decisions, before, strict=True):
            # Where a clock went back, the newer one still comes later.
            at = now if last is None else max(now, last.at)
            new = Verdict(
                0, d.kind, d.subject, d.verdict, d.note.strip(), person.name, person.verified, at, snapshot_id,
                detector, d.inclusion, d.until, d.level, d.members,
            )  # fmt: skip
            added.append(replace(new, id=keep(connection, new)))
    return added


def keep(connection: Connection, verdict: Verdict) -> int:
    """Write one verdict and return the id that it gets; the one that it has does not count."""
    row = {f.name: getattr(verdict, f.name) for f in fields(verdict) if f.name != "id"}
    row["members"] = json.dumps(verdict.members) if verdict.members else None
    key = connection.execute(insert(verdicts).values(**row)).inserted_primary_key
    return int(key[0])  # type: ignore[index] # one row


def latest_verdicts(store: Path) -> dict[tuple[str, str], Verdict]:
    """Return the last verdict on each (kind, subject): by time, so that older ones that are imported stay older."""
    with read_review(store) as connection:
        if connection is None:
            return {}
        c = verdicts.c
        place = func.row_number().over(partition_by=(c.kind, c.subject), order_by=_NEWEST).label("place")
        ranked = select(*verdict_columns(connection), place).subquery()
        rows = connection.execute(select(ranked).where(ranked.c.place == 1).order_by(ranked.c.id)).mappings()
        found = _verdicts({k: v for k, v in row.items() if k != "place"} for row in rows)
        return {(v.kind, v.subject): v for v in found}


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
        rows = connection.execute(select(*verdict_columns(connection)).where(which).order_by(*_NEWEST))
        return list(_verdicts(rows.mappings()))


def _verdicts(rows: Iterable[Mapping[Any, Any]]) -> Iterable[Verdict]:
    for row in rows:
        values = {str(key): value for key, value in row.items()}
        members = json.loads(values.pop("members") or "[]")
        yield Verdict(**values, members=tuple(members))


def _last(connection: Connection, kind: str, subject: str) -> Verdict | None:
    """Return the last verdict on one subject."""
    mine = (verdicts.c.kind == kind) & (verdicts.c.subject == subject)
    last = select(*verdict_columns(connection)).where(mine).order_by(*_NEWEST).limit(1)
    return next(iter(_verdicts(connection.execute(last).mappings())), None)


def check(d: Decision | Verdict) -> None:
    """Raise `StoreError` for what is no verdict."""
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
    if d.level is not None and d.level not in LEVELS:
        raise StoreError(f"a level is one of {', '.join(LEVELS)}, but not {d.level!r}")
    if d.members and d.kind != "campaign":
        raise StoreError(f"only a campaign has members, but a verdict on the {d.kind} {d.subject!r} names some")
