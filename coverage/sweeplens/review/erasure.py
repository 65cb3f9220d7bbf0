"""Erase what analysts wrote about an account that must be forgotten; the trail keeps how much went, and when."""

import json
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import Connection, Table, delete, insert, select, update

from sweeplens.review.database import FILE, erasing, purge_review, write_review
from sweeplens.review.tables import assignments, cluster_names, erasures, verdicts, views

_ERASED = "[erased]"
_SHORTEST = 4  # characters of an id that is looked for in what analysts wrote: a shorter one may be a word


def forget_accounts(store: Path, account_ids: Sequence[str]) -> int:
    """Delete all verdicts on these accounts for good, and return how many there were.

    Assignments of them go too, they leave the lists of members that verdicts on campaigns hold, and saved views that
    look for them are dropped. In notes on others and names of clusters, an id of four characters or more that stands
    as a word becomes "[erased]". Afterwards the file and its journal hold no bytes of them. A store without verdicts
    stays as it is. Raises `StoreError` when the file cannot be written, or is read by others for too long; then the
    next call goes on.
    """
    if not account_ids or not (store / FILE).is_file():
        return 0
    with write_review(store) as connection, erasing(connection):
        gone, notes = 0, 0
        for account_id in account_ids:
            about = (verdicts.c.kind == "account") & (verdicts.c.subject == account_id)
            gone += connection.execute(delete(verdicts).where(about)).rowcount
            mine = (assignments.c.kind == "account") & (assignments.c.subject == account_id)
            notes += connection.execute(delete(assignments).where(mine)).rowcount
            notes += _leave_members(connection, account_id) + _drop_views(connection, account_id)
            if len(account_id) >= _SHORTEST:
                notes += _scrub(connection, verdicts, "note", account_id)
                notes += _scrub(connection, cluster_names, "name", account_id)
        if gone or notes:
            row = {"at": datetime.now(UTC), "n_verdicts": gone, "n_notes": notes}
            connection.execute(insert(erasures).values(**row))
    purge_review(store)
    return gone


def _scrub(connection: Connection, table: Table, column: str, account_id: str) -> int:
    """Replace the id where it stands as a word; returns in how many rows."""
    word, changed = re.compile(rf"(?<![\w-]){re.escape(account_id)}(?![\w-])"), 0
    named = select(table.c.id, table.c[column]).where(table.c[column].contains(account_id, autoescape=True))
    for number, text in connection.execute(named).all():
        cleaned = word.sub(_ERASED, text)
        if cleaned != text:
            connection.execute(update(table).where(table.c.id == number).values({column: cleaned}))
            changed += 1
    return changed


def _leave_members(connection: Connection, account_id: str) -> int:
    changed = 0
    inside = verdicts.c.members.contains(json.dumps(account_id), autoescape=True)
    for number, text in connection.execute(select(verdicts.c.id, verdicts.c.members).where(inside)).all():
        members = [member for member in json.loads(text) if member != account_id]
        kept = json.dumps(members) if members else None
        connection.execute(update(verdicts).where(verdicts.c.id == number).values(members=kept))
        changed += 1
    return changed


def _drop_views(connection: Connection, account_id: str) -> int:
    changed = 0
    for number, name, params in connection.execute(select(views.c.id, views.c.name, views.c.params)).all():
        values = [value for many in json.loads(params).values() for value in many]
        if account_id in values or (len(account_id) >= _SHORTEST and any(account_id in v for v in [name, *values])):
            connection.execute(delete(views).where(views.c.id == number))
            changed += 1
    return changed
