"""Who is to look at a case: the last assignment counts, earlier ones stay in the trail."""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import func, insert, select

from sweeplens.errors import StoreError
from sweeplens.review.database import read_review, write_review
from sweeplens.review.people import Person
from sweeplens.review.tables import assignments
from sweeplens.review.verdicts import KINDS

_LONGEST = 200  # characters of a name


def assign(store: Path, subjects: Sequence[tuple[str, str]], assignee: str, *, by: Person) -> None:
    """Give cases (kind, id) to somebody; an empty name takes them back.

    Raises `StoreError` for an unknown kind, a name that is too long, or a store that cannot be written.
    """
    name = plain_name(assignee)
    if any(kind not in KINDS for kind, _ in subjects):
        raise StoreError(f"only {' and '.join(KINDS)} are assigned, but {subjects!r} was given")
    now = datetime.now(UTC)
    rows = [
        {"kind": kind, "subject": subject, "assignee": name, "analyst": by.name, "verified": by.verified, "at": now}
        for kind, subject in subjects
    ]
    if rows:
        with write_review(store) as connection:
            connection.execute(insert(assignments), rows)


def plain_name(assignee: str) -> str:
    """Return the name on one line. Raises `StoreError` for one that is too long."""
    name = " ".join(assignee.split())
    if len(name) > _LONGEST:
        raise StoreError(f"the name of an assignee has at most {_LONGEST} characters, but this one has {len(name)}")
    return name


def assignees(store: Path) -> dict[tuple[str, str], str]:
    """Return who is to look at each case (kind, id) that somebody is assigned to."""
    with read_review(store, least=4) as connection:
        if connection is None:
            return {}
        last = select(func.max(assignments.c.id)).group_by(assignments.c.kind, assignments.c.subject)
        rows = connection.execute(
            select(assignments.c.kind, assignments.c.subject, assignments.c.assignee).where(assignments.c.id.in_(last))
        )
        return {(kind, subject): name for kind, subject, name in rows.all() if name}
