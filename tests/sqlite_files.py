"""SQLite files of tests: nobody waits for the disk, because only processes die in tests, no machine."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Engine, event


def hurry(engine: Engine) -> None:
    """Let what an engine commits reach the disk when the system likes."""
    event.listen(engine, "connect", _do_not_wait)


def _do_not_wait(connection: Any, _record: Any) -> None:
    connection.execute("PRAGMA synchronous=OFF")
