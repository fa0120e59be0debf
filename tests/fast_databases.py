"""What makes hundreds of small databases in one process quick: statements compiled once, and no wait for the disk."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, Engine, event

_CACHES: dict[str, tuple[Any, Any]] = {}
"""By kind of database: the dialect and the compiled statements of the first engine that was used."""


def make_all_engines_fast() -> None:
    """From now on let every engine of this process share what was compiled, and leave the disk to the system.

    SQLAlchemy keeps compiled statements by engine and dialect, and each test has an engine of its own: without
    this a quarter of the suite's time is spent on compiling the same statements. Nobody waits for the disk, because
    only processes die in tests, no machine.
    """
    if not event.contains(Engine, "engine_connect", _share):
        event.listen(Engine, "engine_connect", _share)


def _share(connection: Connection) -> None:
    engine = connection.engine
    # The engine's own dialect has learned its server's version by now: the connection is made before this event.
    dialect, statements = _CACHES.setdefault(engine.dialect.name, (engine.dialect, engine._compiled_cache))
    connection.dialect = dialect
    engine._compiled_cache = statements
    driver: Any = connection.connection.dbapi_connection
    if engine.dialect.name == "sqlite" and driver is not None:
        driver.execute("PRAGMA synchronous=OFF")
