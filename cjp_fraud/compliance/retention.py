"""Drop what is past its retention: delivered rows after 14 days, and files that no table needs any more.

Decisions, evidence and the log are not touched: they stand in the database and have no end so far.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from sqlalchemy import Engine
from sqlalchemy.exc import OperationalError

from cjp_fraud.audit.log import append
from cjp_fraud.clock import aware
from cjp_fraud.errors import StorageError
from cjp_fraud.people.model import Decision, machine
from cjp_fraud.storage.database import transaction
from cjp_fraud.storage.lake import Lake, LakeTable
from cjp_fraud.storage.locks import process_lock
from cjp_fraud.traffic.quarantine import TRAFFIC_LOCK
from cjp_fraud.traffic.schema import INTAKE, QUARANTINE, TRAFFIC_TABLES
from cjp_fraud.traffic.store import expire_intake

DEAD_FILES_KEPT = timedelta(days=7)
"""How long files that no longer belong to a table stay for readers of an older version (Delta's default)."""

_ERASABLE = (INTAKE, QUARANTINE)
"""Tables whose deleted rows must be gone from the disk at once."""


def apply_retention(
    engine: Engine, lake: Lake, now: datetime, *, tables: Iterable[LakeTable] = TRAFFIC_TABLES
) -> dict[str, int]:
    """Drop what is past its retention; doing so again at once drops nothing.

    Parameters
    ----------
    now : the clock (aware); the 14 days of the intake count back from it.
    tables : the lake's tables, whose dead files are removed from the disk.

    Returns
    -------
    ``intake_partitions``: days and buckets of delivered rows that were dropped.

    Raises
    ------
    StorageError
        If the lake or a table is missing, or the database is held by a transaction that does not end.
    """
    moment = aware(now)
    dropped = {"intake_partitions": expire_intake(lake, engine, now=moment)}
    # Nobody but holders of this lock reads these tables, so no reader can miss a file.
    with process_lock(engine, TRAFFIC_LOCK):
        for table in _ERASABLE:
            lake.vacuum(table, keep=timedelta(0))
    for table in tables:
        if table not in _ERASABLE:
            lake.vacuum(table, keep=DEAD_FILES_KEPT)
    if any(dropped.values()):
        _record(engine, dropped, moment)
    return dropped


def _record(engine: Engine, dropped: dict[str, int], at: datetime) -> None:
    try:
        with transaction(engine) as session:
            append(
                Decision(session, machine("retention"), at), "retention.applied", "lake", INTAKE.name, dropped
            )
    except OperationalError as error:
        raise StorageError(
            f"retention was applied, but could not be recorded: another transaction holds the "
            f"database ({error.orig}); end it and run again"
        ) from error
