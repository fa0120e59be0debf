"""Engines and transactions, the same on SQLite and PostgreSQL."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Hashable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, TypeVar

from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.engine import ExceptionContext, make_url
from sqlalchemy.orm import Session

from cjp_fraud.errors import StorageError
from cjp_fraud.storage.base import import_all_tables
from cjp_fraud.storage.written_rows import refuse_unnamed

_ValueT = TypeVar("_ValueT")

BUSY_SECONDS = 60
"""How long a SQLite writer waits for another one, and anybody for a connection of the pool."""

AT_ONCE: Final = 500
"""Values named in one statement, and rows fetched at once: SQLite takes 32,766 variables, PostgreSQL 65,535."""

_POOL: Final[dict[str, Any]] = {"pool_size": 15, "max_overflow": 25, "pool_use_lifo": True}
"""Connections that stay open: to open one costs more than most pages ask of it. The one used last is used next, since
what it prepared and read is at hand; there are no more of them than the web server has threads (40)."""

_PREPARED: Final = 500
"""Statements that a SQLite connection keeps prepared: a case's page alone asks a hundred."""

_READ_BEFORE: Final = "read before"
"""Where a session that only reads keeps what it has read."""

_READ_ONLY_TRANSACTION: Final = "25006"
"""SQLSTATE of PostgreSQL: a write in a transaction that may only read."""


def make_engine(url: str) -> Engine:
    """Return an engine; on SQLite a writer takes its lock at BEGIN, so that check-then-write is safe.

    Parameters
    ----------
    url : SQLAlchemy URL; a SQLite file's folder is made if missing.
    """
    import_all_tables()  # a row's foreign keys lead into domains that the caller may not have imported
    parsed = make_url(url)
    if parsed.get_backend_name() == "sqlite":
        pool: dict[str, Any] = {}
        if parsed.database and parsed.database != ":memory:":
            Path(parsed.database).parent.mkdir(parents=True, exist_ok=True)
            pool = _POOL
        chosen = {"timeout": BUSY_SECONDS, "cached_statements": _PREPARED}
        engine = create_engine(url, connect_args=chosen, **pool)
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
        return engine
    return create_engine(url, pool_pre_ping=True, pool_timeout=BUSY_SECONDS, **_POOL)


def make_reading_engine(url: str) -> Engine:
    """Return an engine of a database that is there, through which nothing can be written: the database refuses it.

    A SQLite file is opened read-only, on PostgreSQL every transaction is one that may only read. What is written all
    the same raises StorageError.
    """
    import_all_tables()
    parsed = make_url(url)
    if parsed.get_backend_name() == "sqlite":
        file = f"{Path(parsed.database or '').resolve().as_uri()}?mode=ro"

        def opened() -> sqlite3.Connection:
            return sqlite3.connect(
                file, uri=True, timeout=BUSY_SECONDS, check_same_thread=False, isolation_level=None
            )

        engine = create_engine(url, creator=opened)
        event.listen(engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN"))
    else:
        engine = create_engine(
            url,
            pool_pre_ping=True,
            pool_timeout=BUSY_SECONDS,
            execution_options={"postgresql_readonly": True},
        )
    event.listen(engine, "handle_error", _say_that_it_only_reads)
    return engine


@contextmanager
def transaction(engine: Engine) -> Iterator[Session]:
    """Yield a session in one writing transaction: committed at the end, rolled back on any error.

    Raises
    ------
    UnnamedRowsError
        At the end, if it wrote a row of an audited table that no entry of the log names.
    """
    with Session(engine, expire_on_commit=False) as session, session.begin():
        yield session
        refuse_unnamed(session)


@contextmanager
def reading(engine: Engine) -> Iterator[Session]:
    """Yield a session for reading only; it takes no writer's lock and is rolled back at the end."""
    with (
        engine.connect().execution_options(reading_only=True) as connection,
        Session(connection, expire_on_commit=False, autoflush=False) as session,
    ):
        yield session


def read_once(session: Session, what: Hashable, read: Callable[[], _ValueT]) -> _ValueT:
    """Return what ``read`` returns; in a session for reading only, what it returned the first time.

    A page's parts ask again and again for the same rows: a case's view, its gate, its acts. A session that writes reads
    anew, since it may have changed them.

    Parameters
    ----------
    what : names what is read, with everything that it depends on.
    """
    if not is_reading(session):
        return read()
    kept: dict[Hashable, Any] = session.info.setdefault(_READ_BEFORE, {})
    if what not in kept:
        kept[what] = read()
    value: _ValueT = kept[what]
    return value


def is_reading(session: Session) -> bool:
    """Whether a session is for reading only (:func:`reading`)."""
    return bool(session.get_bind().get_execution_options().get("reading_only", False))


def in_parts(values: Sequence[_ValueT]) -> Iterator[Sequence[_ValueT]]:
    """Yield values in their order, as many at a time as a statement may ask for at once (:data:`AT_ONCE`)."""
    for first in range(0, len(values), AT_ONCE):
        yield values[first : first + AT_ONCE]


def at_one_moment(session: Session) -> None:
    """Make the session read everything as of one moment; must be called before its first statement."""
    if session.get_bind().dialect.name == "postgresql":
        session.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ"))


def leave_no_remains(engine: Engine) -> None:
    """Write a SQLite file anew, so that what was deleted or changed is in no page of it any more, nor in its log.

    On PostgreSQL the server does so by itself in time (autovacuum); the application's role may not order it.

    Raises
    ------
    StorageError
        If somebody else keeps reading or writing, so that the file cannot be written anew.
    """
    if engine.dialect.name != "sqlite":
        return
    connection = engine.raw_connection()
    try:
        cursor = connection.cursor()
        cursor.execute("VACUUM")
        busy = cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
        cursor.close()
    except sqlite3.OperationalError as error:
        raise StorageError(
            f"what was erased is still in unused parts of the file of the database, which could not be written anew "
            f"({error}); run again"
        ) from error
    finally:
        connection.close()
    if busy:
        raise StorageError(
            "what was erased is still in the log beside the database's file (-wal), because another process reads; "
            "end it and run again"
        )


def _say_that_it_only_reads(context: ExceptionContext) -> None:
    original = context.original_exception
    refused = getattr(original, "sqlstate", None) == _READ_ONLY_TRANSACTION or (
        (getattr(original, "sqlite_errorcode", 0) & 0xFF) == sqlite3.SQLITE_READONLY
    )
    if refused:
        raise StorageError(
            "this database is opened for reading alone, as notebooks open it: nothing was changed; "
            "change things by cjp-fraud or in the review queue"
        ) from original


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # we say BEGIN ourselves
    cursor = connection.cursor()
    cursor.execute("PRAGMA foreign_keys=ON")
    cursor.execute("PRAGMA journal_mode=WAL")
    cursor.execute("PRAGMA synchronous=FULL")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    reading_only = connection.get_execution_options().get("reading_only", False)
    connection.exec_driver_sql("BEGIN" if reading_only else "BEGIN IMMEDIATE")
