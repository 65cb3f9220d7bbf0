"""Who read which hidden prompt: an entry for each, and never the text."""

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import insert, select

from sweeplens.review.database import read_review, write_review
from sweeplens.review.people import Person
from sweeplens.review.tables import looks


@dataclass(frozen=True)
class Look:
    """One prompt of a snapshot that somebody asked to read."""

    id: int
    prompt_id: int
    snapshot_id: str
    analyst: str
    verified: bool
    at: datetime


def add_look(store: Path, prompt_id: int, *, by: Person, snapshot_id: str) -> None:
    """Note that a hidden prompt is read; raises `StoreError` where that cannot be noted."""
    row = {
        "prompt_id": int(prompt_id), "snapshot_id": snapshot_id, "analyst": by.name, "verified": by.verified,
        "at": datetime.now(UTC),
    }  # fmt: skip
    with write_review(store) as connection:
        connection.execute(insert(looks).values(**row))


def all_looks(store: Path, most: int = 1000) -> list[Look]:
    """Return who read what, the last ones first."""
    with read_review(store, least=4) as connection:
        if connection is None:
            return []
        rows = connection.execute(select(looks).order_by(looks.c.id.desc()).limit(most))
        return [Look(**{str(k): v for k, v in row.items()}) for row in rows.mappings()]
