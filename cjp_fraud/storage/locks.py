"""Locks across processes that a killed holder cannot keep."""

from __future__ import annotations

import fcntl
import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Engine, text

from cjp_fraud.errors import StorageError


@contextmanager
def exclusive(engine: Engine, name: str) -> Iterator[None]:
    """Hold the lock ``name`` for the block; others with the same database and name wait.

    On PostgreSQL a session's advisory lock on a connection outside any transaction; on SQLite a lock
    (flock) on a file beside the database. Both end with the process, so a kill never leaves one behind.
    Not re-entrant.

    Parameters
    ----------
    engine : the database that the lock belongs to.
    name : what is locked, for example ``"dispatch:0198..."``.
    """
    number = int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big", signed=True)
    if engine.dialect.name == "postgresql":
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text("SELECT pg_advisory_lock(:number)"), {"number": number})
            try:
                yield
            finally:
                connection.execute(text("SELECT pg_advisory_unlock(:number)"), {"number": number})
        return
    database = engine.url.database
    if not database or database == ":memory:":
        raise StorageError("locks need a database file; sqlite in memory has none")
    folder = Path(f"{database}.locks")
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / f"{number & (2**64 - 1):016x}").open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        try:
            yield
        finally:
            fcntl.flock(handle, fcntl.LOCK_UN)
