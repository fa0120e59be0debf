"""Databases as they stood after steps that many tests begin with: done once a process, then copied."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Hashable
from typing import TypeVar
from uuid import uuid4

from sqlalchemy import Engine, exists, select

from cjp_fraud.audit.tables import AuditEntry
from cjp_fraud.contracts.tables import Tenant
from cjp_fraud.people.tables import User
from cjp_fraud.storage.database import reading
from tests.postgres import copying, on_server

Kept = TypeVar("Kept")

_SNAPSHOTS: dict[tuple[str, Hashable], tuple[Callable[[Engine], None], object]] = {}
"""By kind of database and name of the steps: what puts a database into that state, and what the steps returned."""


def newest_entry(engine: Engine) -> int:
    """Number of the newest entry of the log; 0 before the first."""
    with reading(engine) as session:
        return session.scalar(select(AuditEntry.sequence).order_by(AuditEntry.sequence.desc()).limit(1)) or 0


def is_empty(engine: Engine) -> bool:
    """Whether nobody is on record in a database yet, neither a tenant nor a user."""
    with reading(engine) as session:
        return not session.scalar(select(exists(Tenant.id) | exists(User.id)))


def brought_to(engine: Engine, steps: Hashable, take_steps: Callable[[], Kept]) -> Kept:
    """Bring a database to the state after some steps; return what the steps returned when they were taken.

    Parameters
    ----------
    engine : of a database that is as it was whenever these steps were taken before.
    steps : what names them; the same name must always mean the same steps.
    take_steps : takes them, the first time.
    """
    if engine.url.username not in (None, "postgres"):
        return take_steps()  # a role that may not copy databases
    key = (engine.dialect.name, steps)
    if key in _SNAPSHOTS:
        restore, kept = _SNAPSHOTS[key]
        restore(engine)
        return kept  # type: ignore[return-value]
    made = take_steps()
    _SNAPSHOTS[key] = (_snapshot(engine), made)
    return made


def _snapshot(engine: Engine) -> Callable[[Engine], None]:
    if engine.dialect.name == "sqlite":
        memory = sqlite3.connect(":memory:", check_same_thread=False)
        _copy(engine, lambda file: file.backup(memory))
        return lambda other: _copy(other, memory.backup)
    name = f"snapshot_{uuid4().hex}"
    _on_server(engine, copying(str(engine.url.database), name))
    return lambda other: _on_server(
        other, f'DROP DATABASE "{other.url.database}"', copying(name, str(other.url.database))
    )


def _copy(engine: Engine, how: Callable[[sqlite3.Connection], None]) -> None:
    engine.dispose()
    connection = engine.raw_connection()
    try:
        how(connection.driver_connection)  # type: ignore[arg-type]
    finally:
        connection.close()


def _on_server(engine: Engine, *statements: str) -> None:
    engine.dispose()
    on_server(engine.url.render_as_string(hide_password=False), *statements)
