"""The review database: one private SQLite file in the store, in WAL mode, so that readers never wait for writers."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout
from sqlalchemy import URL, ColumnElement, Connection, Engine, create_engine, event, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool
from sqlalchemy.schema import CreateIndex, CreateTable

from sweeplens.errors import SchemaError, StoreError
from sweeplens.review import tables
from sweeplens.review.tables import ADDED, APPEND_ONLY, INDEXES, VERSION, metadata

FILE = "review.sqlite"
_LOCK = ".review.lock"
_WAIT = 30.0  # seconds that a writer waits for another


@contextmanager
def write_review(store: Path) -> Iterator[Connection]:
    """Give a connection in a transaction that is committed at the end; makes the file when there is none.

    Raises `StoreError` when the store does not exist or cannot be written.
    """
    if not store.is_dir():
        raise StoreError(f"the store {store} does not exist: a verdict needs a store to lie in")
    path = store / FILE
    with _writing(store):
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
        engine = _engine(path)
        _prepare(engine, path)
        with engine.begin() as connection:
            yield connection


@contextmanager
def erasing(connection: Connection) -> Iterator[None]:
    """Let verdicts be changed and deleted until the end, all in the one transaction of `connection`.

    The transaction must not have begun: what forbids changes is lifted and put back inside of it, so that a process
    that is killed in between leaves it in force.
    """
    connection.exec_driver_sql("BEGIN IMMEDIATE")
    for name in APPEND_ONLY:
        connection.execute(text(f"DROP TRIGGER IF EXISTS {name}"))
    yield
    for statement in APPEND_ONLY.values():
        connection.execute(text(statement))


def purge_review(store: Path) -> None:
    """Rewrite the review file and empty its journal, so that no bytes stay of what was deleted.

    Raises `StoreError` when another process reads the old state for longer than half a minute.
    """
    path = store / FILE
    with _writing(store), _engine(path).connect() as connection:
        plain = connection.execution_options(isolation_level="AUTOCOMMIT")
        plain.execute(text("VACUUM"))
        busy = plain.execute(text("PRAGMA wal_checkpoint(TRUNCATE)")).one()[0]
    if busy:
        raise StoreError(
            f"the review file {path} is being read by another process, which keeps what was deleted in its journal: "
            "try again"
        )


@contextmanager
def _writing(store: Path) -> Iterator[None]:
    path = store / FILE
    try:
        with FileLock(store / _LOCK, timeout=_WAIT, mode=0o600):
            yield
    except Timeout:
        raise StoreError(f"the review file {path} is in use by another process: try again") from None
    except OSError as error:
        raise StoreError(f"the review file {path} cannot be written: {error.strerror}") from None
    except DBAPIError as error:
        raise StoreError(f"the review file {path} cannot be written: {error.orig}") from None


@contextmanager
def read_review(store: Path, *, least: int = 1) -> Iterator[Connection | None]:
    """Give a connection to read from, or None where nothing was ever left, or in a file older than version `least`."""
    path = store / FILE
    if not path.is_file():
        yield None
        return
    try:
        engine = _engine(path) if os.access(store, os.W_OK) else _reader(path)
        with engine.connect() as connection:
            # A file without a version is being made at this moment.
            yield connection if _version(connection, path) >= least else None
    except DBAPIError as error:
        raise StoreError(f"the review file {path} cannot be read: {error.orig}") from None


def _engine(path: Path) -> Engine:
    engine = create_engine(
        URL.create("sqlite", database=str(path)), poolclass=NullPool, connect_args={"timeout": _WAIT}
    )

    @event.listens_for(engine, "connect")
    def _durable(connection: Any, _record: Any) -> None:  # noqa: ANN401 - the driver's own types
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute("PRAGMA secure_delete=ON")

    return engine


def _reader(path: Path) -> Engine:
    """Return an engine for a file in a folder that cannot be written, such as a volume that is mounted to be read.

    SQLite makes files beside one in WAL mode, even to read. Where it cannot, and no journal is left over, the file
    holds everything, and is read as it lies.
    """
    wal = path.with_name(f"{path.name}-wal")
    quiet = not wal.exists() or wal.stat().st_size == 0
    query = {"uri": "true", "mode": "ro", **({"immutable": "1"} if quiet else {})}
    url = URL.create("sqlite", database=path.absolute().as_uri(), query=query)
    return create_engine(url, poolclass=NullPool, connect_args={"timeout": _WAIT})


def _prepare(engine: Engine, path: Path) -> None:
    with engine.connect() as connection:
        if _version(connection, path) == VERSION:
            return
        connection.execute(text("PRAGMA journal_mode=WAL"))
        for table in metadata.sorted_tables:
            connection.execute(CreateTable(table, if_not_exists=True))
        there = _columns(connection)
        for name, kind in ADDED.items():
            if name not in there:
                connection.execute(text(f"ALTER TABLE verdicts ADD COLUMN {name} {kind}"))
        for index in INDEXES:
            connection.execute(CreateIndex(index, if_not_exists=True))
        for statement in APPEND_ONLY.values():
            connection.execute(text(statement))
        connection.execute(text(f"PRAGMA user_version={VERSION}"))
        connection.commit()


def verdict_columns(connection: Connection) -> list[ColumnElement[Any]]:
    """Return the columns of verdicts to select; one that an older file does not have yet reads as null."""
    return tables.verdict_columns(_columns(connection))


def review_stamp(store: Path) -> tuple[int, ...]:
    """Return numbers that differ once anything was written to the review file, all zero where there is none."""
    stamp: list[int] = []
    for name in (FILE, f"{FILE}-wal"):
        try:
            about = (store / name).stat()
        except OSError:
            stamp += [0, 0]
        else:
            stamp += [about.st_mtime_ns, about.st_size]
    return tuple(stamp)


def _columns(connection: Connection) -> set[str]:
    return {str(row[1]) for row in connection.execute(text("PRAGMA table_info(verdicts)"))}


def _version(connection: Connection, path: Path) -> int:
    version = int(connection.execute(text("PRAGMA user_version")).scalar_one())
    if version > VERSION:
        raise SchemaError(
            f"the review file {path} has version {version}, but this SweepLens reads versions up to {VERSION}: "
            "upgrade SweepLens"
        )
    return version
