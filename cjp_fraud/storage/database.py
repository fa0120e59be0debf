"""Engines and transactions, the same on SQLite and PostgreSQL."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.engine import make_url
from sqlalchemy.orm import Session

from cjp_fraud.errors import StorageError
from cjp_fraud.storage.base import import_all_tables
from cjp_fraud.storage.written_rows import refuse_unnamed

BUSY_SECONDS = 60
"""How long a SQLite writer waits for another one, and anybody for a connection of the pool."""


def make_engine(url: str) -> Engine:
    """Return an engine; on SQLite a writer takes its lock at BEGIN, so that check-then-write is safe.

    Parameters
    ----------
    url : SQLAlchemy URL; a SQLite file's folder is made if missing.
    """
    import_all_tables()  # a row's foreign keys lead into domains that the caller may not have imported
    parsed = make_url(url)
    if parsed.get_backend_name() == "sqlite":
        if parsed.database and parsed.database != ":memory:":
            Path(parsed.database).parent.mkdir(parents=True, exist_ok=True)
        engine = create_engine(url, connect_args={"timeout": BUSY_SECONDS})
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
        return engine
    return create_engine(url, pool_pre_ping=True, pool_timeout=BUSY_SECONDS)


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
