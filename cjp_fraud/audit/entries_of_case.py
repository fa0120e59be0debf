"""Find what the audit log says last of a case's rows, without reading the whole of it."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator
from functools import lru_cache
from typing import Any, Final

from sqlalchemy import Text, cast, select
from sqlalchemy.orm import Session

from cjp_fraud.audit.named_rows import NewestNames
from cjp_fraud.audit.tables import AuditEntry, EntryOfRow
from cjp_fraud.storage.database import in_parts

_LARGE: Final = 50_000
"""Characters from which on what an entry names is kept; an act on one case names some thousands."""


def newest_names(
    session: Session,
    rows: Collection[tuple[str, str]],
    case_id: str,
    subjects: Collection[tuple[str, str]],
    tables_of_subjects: Collection[str],
) -> NewestNames:
    """Return what the log says last of a case's rows, those that are gone too, without reading the whole of it.

    Parameters
    ----------
    session : whoever decides by what is said holds the log's lock (:func:`cjp_fraud.audit.log.lock_log`).
    rows : tables and ids of the rows that are there.
    case_id : whatever its own entries name must be among them.
    subjects : tables and ids (tenant, subscription, users); what entries about these name in
        ``tables_of_subjects`` must be among them too.
    """
    names, own_rows = NewestNames(), set(rows)
    for entry in _entries_naming(session, own_rows, case_id):
        named = _rows_by_name(entry.rows) if len(entry.rows) < _LARGE else _rows_of_large(entry.rows)
        own = {row for row in own_rows if row in named}
        if entry.case_id == case_id:
            own |= named.keys()
        elif (entry.subject_type, entry.subject_id) in subjects:
            own |= {row for row in named if row[0] in tables_of_subjects}
        names.add(entry.sequence, entry.action, entry.actor, [named[row] for row in own])
    return names


def _rows_by_name(rows: str) -> dict[tuple[str, str], dict[str, str]]:
    """Return the rows that an entry names (JSON) by table and id; of one that it names twice, the last."""
    return {(row["table"], row["id"]): row for row in json.loads(rows)}


@lru_cache(8)
def _rows_of_large(rows: str) -> dict[tuple[str, str], dict[str, str]]:
    """Return them, and keep them: a load of all tenants is one entry, which each of their cases asks for.

    They are kept by the whole text, as it was just read: an entry that was changed since is read anew.
    """
    return _rows_by_name(rows)


def _entries_naming(session: Session, wanted: set[tuple[str, str]], case_id: str) -> Iterator[Any]:
    """Yield the case's own entries, and those that name a row that is wanted, in order."""
    sequences = set(session.scalars(select(AuditEntry.sequence).where(AuditEntry.case_id == case_id)))
    for ids in in_parts(sorted({row_id for _, row_id in wanted})):
        sequences |= set(session.scalars(select(EntryOfRow.sequence).where(EntryOfRow.row_id.in_(ids))))
    columns = (
        AuditEntry.sequence,
        AuditEntry.action,
        AuditEntry.actor,
        AuditEntry.case_id,
        AuditEntry.subject_type,
        AuditEntry.subject_id,
        cast(AuditEntry.rows, Text).label("rows"),
    )
    for numbers in in_parts(sorted(sequences)):
        yield from session.execute(
            select(*columns).where(AuditEntry.sequence.in_(numbers)).order_by(AuditEntry.sequence)
        )
