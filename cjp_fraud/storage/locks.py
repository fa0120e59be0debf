"""Locks that end with their holder, even a killed one: for one transaction, or across processes for longer."""

from __future__ import annotations

import fcntl
import hashlib
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final
from weakref import WeakKeyDictionary

from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.orm import Session

from cjp_fraud.errors import StorageError

HOLDERS: Final = 8
"""Threads of one process that hold or wait for process locks at the same time; further ones queue."""

_engines: WeakKeyDictionary[Engine, Engine] = WeakKeyDictionary()
_engines_guard = threading.Lock()
_of_thread = threading.local()


def named_lock(session: Session, name: str) -> None:
    """Take the lock ``name`` until the end of the session's transaction; other transactions wait.

    SQLite needs none: a writing transaction there is the only one.
    """
    connection = session.connection()  # begins the transaction, and with it SQLite's one writer's lock
    if connection.dialect.name == "postgresql":
        number = _number(f"transaction {name}")
        connection.execute(text("SELECT pg_advisory_xact_lock(:number)"), {"number": number})


@contextmanager
def process_lock(engine: Engine, name: str) -> Iterator[None]:
    """Hold the lock ``name`` for the block; others with the same database and name wait.

    On PostgreSQL a session's advisory lock, on a connection outside any transaction; on SQLite a lock (flock)
    on a file beside the database. Both end with the process, so a kill never leaves one behind. The same name
    is not taken twice by one thread.

    Locks have a small pool of connections of their own, and a thread uses one connection for all its locks. So a
    thread that holds a lock never waits for a connection which a thread that waits for a lock has taken. Must not be
    used inside a transaction.

    Parameters
    ----------
    engine : the database that the lock belongs to.
    name : what is locked, for example ``"dispatch:0198..."``.
    """
    if engine.dialect.name == "postgresql":
        with _connection(engine) as connection:
            number = {"number": _number(name)}
            connection.execute(text("SELECT pg_advisory_lock(:number)"), number)
            try:
                yield
            finally:
                connection.execute(text("SELECT pg_advisory_unlock(:number)"), number)
        return
    database = engine.url.database
    if not database or database == ":memory:":
        raise StorageError("locks need a database file; sqlite in memory has none")
    folder = Path(f"{database}.locks")
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / f"{_number(name) & (2**64 - 1):016x}").open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        try:
            yield
        finally:
            fcntl.flock(handle, fcntl.LOCK_UN)


@contextmanager
def _connection(engine: Engine) -> Iterator[Connection]:
    """Yield the thread's connection for locks; the outermost lock opens it."""
    held: dict[Engine, Connection] = _of_thread.__dict__.setdefault("connections", {})
    if engine in held:
        yield held[engine]
        return
    with _lock_engine(engine).connect() as connection:
        held[engine] = connection
        try:
            yield connection
        finally:
            del held[engine]


def _lock_engine(engine: Engine) -> Engine:
    with _engines_guard:
        locks = _engines.get(engine)
        if locks is None:
            locks = create_engine(
                engine.url,
                isolation_level="AUTOCOMMIT",
                pool_size=1,
                max_overflow=HOLDERS - 1,
                pool_timeout=None,  # to queue for a connection is to queue for a lock, which has no limit either
                pool_pre_ping=True,
            )
            _engines[engine] = locks
            event.listen(engine, "engine_disposed", lambda _engine, own=locks: own.dispose())
    return locks


def _number(name: str) -> int:
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big", signed=True)
