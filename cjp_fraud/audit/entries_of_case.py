"""Find what the audit log says last of a case's rows, without reading the whole of it."""

from __future__ import annotations

import json
from collections.abc import Collection
from typing import Any

from sqlalchemy import JSON, bindparam, text
from sqlalchemy.orm import Session

from cjp_fraud.audit.named_rows import NewestNames


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
    for entry in session.execute(_entries_naming(session, own_rows, case_id)):
        named = json.loads(entry.rows) if isinstance(entry.rows, str) else entry.rows
        of_case = entry.case_id == case_id
        of_subject = (entry.subject_type, entry.subject_id) in subjects
        own = [
            row
            for row in named
            if of_case
            or (row["table"], row["id"]) in own_rows
            or (of_subject and row["table"] in tables_of_subjects)
        ]
        names.add(entry.sequence, entry.action, entry.actor, own)
    return names


def _entries_naming(session: Session, wanted: set[tuple[str, str]], case_id: str) -> Any:
    if session.get_bind().dialect.name == "postgresql":
        documents = [json.dumps([{"table": table, "id": row_id}]) for table, row_id in sorted(wanted)]
        return text(
            "SELECT sequence, action, actor, case_id, subject_type, subject_id, rows FROM audit_entries "
            "WHERE case_id = :case_id OR rows @> ANY (CAST(CAST(:wanted AS text[]) AS jsonb[])) ORDER BY sequence"
        ).bindparams(wanted=documents, case_id=case_id)
    ids = sorted({row_id for _, row_id in wanted})
    return text(
        "SELECT sequence, action, actor, case_id, subject_type, subject_id, rows FROM audit_entries "
        "WHERE case_id = :case_id OR EXISTS ("
        "SELECT 1 FROM json_each(audit_entries.rows) WHERE json_extract(json_each.value, '$.id') IN "
        "(SELECT value FROM json_each(:ids))) ORDER BY sequence"
    ).bindparams(bindparam("ids", ids, type_=JSON), case_id=case_id)
