"""The tables of the review file. What analysts decide is only ever added; their own notes to themselves may change."""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    ColumnElement,
    DateTime,
    Float,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
)
from sqlalchemy.types import TypeDecorator

VERSION = 4


class UtcTime(TypeDecorator[datetime]):
    """A time with its zone, stored as UTC: SQLite itself keeps no zone."""

    impl = DateTime
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Any) -> datetime | None:  # noqa: ANN401, ARG002
        """Turn a time with a zone into UTC without one."""
        return None if value is None else value.astimezone(UTC).replace(tzinfo=None)

    def process_result_value(self, value: datetime | None, dialect: Any) -> datetime | None:  # noqa: ANN401, ARG002
        """Give the stored time its zone."""
        return None if value is None else value.replace(tzinfo=UTC)


def _by() -> list[Column[Any]]:
    """Return the columns that say who wrote a row, and when."""
    return [
        Column("analyst", Text, nullable=False),
        Column("verified", Boolean, nullable=False),
        Column("at", UtcTime, nullable=False),
    ]


def _on() -> list[Column[Any]]:
    """Return the columns that say what a row is about."""
    return [
        Column("id", Integer, primary_key=True),
        Column("kind", String(16), CheckConstraint("kind IN ('account', 'campaign')"), nullable=False),
        Column("subject", Text, nullable=False),
    ]


metadata = MetaData()
verdicts = Table(
    "verdicts",
    metadata,
    *_on(),
    Column("verdict", String(32), nullable=False),
    Column("note", Text, nullable=False),
    *_by(),
    Column("snapshot_id", Text, nullable=False),
    Column("detector", Text, nullable=False),
    Column("inclusion", Float, CheckConstraint("inclusion > 0 AND inclusion <= 1")),
    Column("until", UtcTime),
    Column("level", String(16)),
    Column("members", Text),
    sqlite_autoincrement=True,
)
# Who is to look at a case; the last row on a subject counts, and an empty assignee is nobody.
assignments = Table(
    "assignments", metadata, *_on(), Column("assignee", Text, nullable=False), *_by(), sqlite_autoincrement=True
)
# What analysts call a cluster; no name gives back the one that the map found.
cluster_names = Table(
    "cluster_names",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("cluster_id", Integer, nullable=False),
    Column("name", Text),
    Column("pinned", Boolean, nullable=False),
    *_by(),
    Column("snapshot_id", Text, nullable=False),
    sqlite_autoincrement=True,
)
# Who read which hidden prompt.
looks = Table(
    "looks",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("prompt_id", Integer, nullable=False),
    Column("snapshot_id", Text, nullable=False),
    *_by(),
    sqlite_autoincrement=True,
)
# Sets of filters that an analyst keeps, by name.
views = Table(
    "views",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("analyst", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("params", Text, nullable=False),
    UniqueConstraint("analyst", "name"),
)
# When an analyst began to work, and on which snapshot.
visits = Table(
    "visits",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("analyst", Text, nullable=False),
    Column("at", UtcTime, nullable=False),
    Column("snapshot_id", Text, nullable=False),
)
# The trail says that something was erased from it and when, never whose it was.
erasures = Table(
    "erasures",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("at", UtcTime, nullable=False),
    Column("n_verdicts", Integer, nullable=False),
    Column("n_notes", Integer, nullable=False),
    sqlite_autoincrement=True,
)
INDEXES = (
    Index("verdicts_by_subject", verdicts.c.kind, verdicts.c.subject, verdicts.c.id),
    Index("assignments_by_subject", assignments.c.kind, assignments.c.subject, assignments.c.id),
    Index("cluster_names_by_cluster", cluster_names.c.cluster_id, cluster_names.c.id),
    Index("visits_by_analyst", visits.c.analyst, visits.c.id),
)
# Columns of verdicts that older files do not have, and how SQLite adds them.
ADDED = {
    "inclusion": "FLOAT CHECK (inclusion > 0 AND inclusion <= 1)",
    "until": "DATETIME",
    "level": "VARCHAR(16)",
    "members": "TEXT",
}
# The trail is worth something only if nothing in it can be changed by a slip.
APPEND_ONLY = {
    f"{table}_no_{action.lower()}": f"CREATE TRIGGER IF NOT EXISTS {table}_no_{action.lower()} BEFORE {action} "
    f"ON {table} BEGIN SELECT RAISE(ABORT, '{table} are append-only'); END"
    for table in ("verdicts", "assignments", "cluster_names", "looks")
    for action in ("UPDATE", "DELETE")
}


def verdict_columns(there: set[str]) -> list[ColumnElement[Any]]:
    """Return the columns of verdicts to select; one that an older file does not have yet reads as null."""
    from sqlalchemy import null

    return [c if c.name in there else null().label(c.name) for c in verdicts.c]
