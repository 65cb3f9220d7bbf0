"""What an analyst keeps at the desk: sets of filters by name, and when the last visit was."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import delete, insert, select

from sweeplens.errors import StoreError
from sweeplens.review.database import read_review, write_review
from sweeplens.review.people import Person
from sweeplens.review.tables import views, visits

_LONGEST = 60  # characters of a view's name
_KEPT = 20  # visits of an analyst that are kept
_ONE_VISIT = timedelta(hours=12)  # a page that is opened again within it belongs to the same visit


@dataclass(frozen=True)
class View:
    """A set of filters that an analyst keeps; `params` are those of the address, by name."""

    name: str
    params: Mapping[str, Sequence[str]]


@dataclass(frozen=True)
class Visit:
    """When an analyst began to work, and on which snapshot."""

    at: datetime
    snapshot_id: str


def save_view(store: Path, by: Person, name: str, params: Mapping[str, Sequence[str]]) -> None:
    """Keep filters under a name; an older view of that name goes. Raises `StoreError` for an empty or long name."""
    flat = " ".join(name.split())
    if not 0 < len(flat) <= _LONGEST:
        raise StoreError(f"the name of a view has 1 to {_LONGEST} characters, but this one has {len(flat)}")
    mine = (views.c.analyst == by.name) & (views.c.name == flat)
    with write_review(store) as connection:
        connection.execute(delete(views).where(mine))
        kept = json.dumps({key: list(values) for key, values in params.items()})
        connection.execute(insert(views).values(analyst=by.name, name=flat, params=kept))


def drop_view(store: Path, by: Person, name: str) -> None:
    """Forget a view of this analyst."""
    with write_review(store) as connection:
        connection.execute(delete(views).where((views.c.analyst == by.name) & (views.c.name == name)))


def saved_views(store: Path, by: Person) -> list[View]:
    """Return the views of this analyst by name."""
    with read_review(store, least=4) as connection:
        if connection is None:
            return []
        mine = select(views.c.name, views.c.params).where(views.c.analyst == by.name).order_by(views.c.name)
        return [View(name, json.loads(params)) for name, params in connection.execute(mine).all()]


def note_visit(store: Path, by: Person, snapshot_id: str) -> Visit | None:
    """Note that an analyst begins to work now, and return the visit before; older ones than the last 20 go.

    Who opens the same snapshot again within twelve hours is still at the same visit, so that a page that is loaded
    again does not forget what was new.
    """
    with write_review(store) as connection:
        mine = select(visits).where(visits.c.analyst == by.name).order_by(visits.c.id.desc())
        now, found = datetime.now(UTC), connection.execute(mine).mappings().all()
        past = [Visit(row["at"], row["snapshot_id"]) for row in found]
        if past and past[0].snapshot_id == snapshot_id and now - past[0].at < _ONE_VISIT:
            return past[1] if len(past) > 1 else None
        old = [row["id"] for row in found[_KEPT - 1 :]]
        if old:
            connection.execute(delete(visits).where(visits.c.id.in_(old)))
        connection.execute(insert(visits).values(analyst=by.name, at=now, snapshot_id=snapshot_id))
    return past[0] if past else None
