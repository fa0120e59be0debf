"""Append to the audit log, and read it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Protocol

from sqlalchemy import select
from sqlalchemy.orm import Session

from cjp_fraud.audit.chain import GENESIS, Link, digest_of_body, entry_digest
from cjp_fraud.audit.mapped_rows import named_row
from cjp_fraud.audit.recording import entry_time, home_clock, insert_rows
from cjp_fraud.audit.row_digests import NamedRow
from cjp_fraud.audit.tables import AuditEntry, EntryOfRow
from cjp_fraud.clock import aware, machine_now
from cjp_fraud.digests import canonical_json
from cjp_fraud.storage.base import Base
from cjp_fraud.storage.locks import named_lock
from cjp_fraud.storage.many_rows import insert_columns, new_row
from cjp_fraud.storage.written_rows import take_written
from cjp_fraud.webhooks.outbox import keep_events

# Made once: to make a statement takes longer than to run it.
_NEWEST: Final = (
    select(AuditEntry.sequence, AuditEntry.entry_sha256, AuditEntry.recorded_at)
    .order_by(AuditEntry.sequence.desc())
    .limit(1)
)

_FIRST_OWN: Final = "first_own_entry"


class Acting(Protocol):
    """Whoever acts, as the log names them: a person by user id, a machine as ``system:task``."""

    @property
    def reference(self) -> str: ...


class Decision(Protocol):
    """Who acts, when, and in which transaction; :class:`cjp_fraud.people.model.Decision` is one."""

    @property
    def session(self) -> Session: ...

    @property
    def by(self) -> Acting: ...

    @property
    def at(self) -> datetime: ...


@dataclass(frozen=True, slots=True)
class Act:
    """One of several acts that are recorded together, each with an entry and rows of its own.

    Parameters
    ----------
    rows : rows that the act wrote or changed.
    """

    action: str
    subject_type: str
    subject_id: str
    content: Mapping[str, Any]
    rows: Sequence[Base] = ()
    case_id: str | None = None


def append(
    decision: Decision,
    action: str,
    subject_type: str,
    subject_id: str,
    content: Mapping[str, Any],
    *,
    rows: Iterable[Base] = (),
    case_id: str | None = None,
) -> AuditEntry:
    """Append one entry in the caller's transaction, so that both it and what it records are committed, or neither.

    The entry names every row that the session wrote or changed since the last entry of the transaction, each
    with its digest: so write the rows first and append last. Writers are ordered by one lock (SQLite: the
    writer's; PostgreSQL: an advisory one until the end of the transaction), so that the sequence has no gap
    and no fork.

    Parameters
    ----------
    decision : who acts, when, in which transaction; persons are recorded by their id.
    action : what was done, for example ``case.claimed``.
    subject_type, subject_id : table and id of what it was done to.
    content : ids, states, digests; never personal text.
    rows : rows written by statements (``session.execute(insert(...))``), of which the session does not know.
        Rows that the session itself wrote need not be given.
    case_id : case concerned; None where none is.
    """
    act = Act(action, subject_type, subject_id, content, tuple(rows), case_id)
    return append_each(decision, [act])[0]


def append_each(decision: Decision, acts: Sequence[Act]) -> list[AuditEntry]:
    """Append an entry for each act. It names the rows of its act; the first one also names rows that are of no act."""
    session = decision.session
    if not acts:
        return []
    lock_log(session)
    act_of = {id(row): act for act in acts for row in act.rows}
    rows_of: dict[int, list[NamedRow]] = {id(act): [] for act in acts}
    for row in take_written(session, (row for act in acts for row in act.rows)):
        rows_of[id(act_of.get(id(row), acts[0]))].append(named_row(row))
    newest, previous, newest_recorded_at = _head(session)
    recorded_at = entry_time(session, aware(decision.at), newest_recorded_at, by=decision.by.reference)
    entries: list[AuditEntry] = []
    for sequence, act in enumerate(acts, newest + 1):
        entries.append(_entry(decision, recorded_at, sequence, previous, act, rows_of[id(act)]))
        previous = entries[-1].entry_sha256
    insert_rows(session, entries)
    _note_entries_of_rows(session, entries)
    keep_events(session, entries)
    session.info.setdefault(_FIRST_OWN, entries[0].sequence)
    return entries


def _note_entries_of_rows(session: Session, entries: Sequence[AuditEntry]) -> None:
    """Note which rows new entries name, so that the entries of a row are found without reading the log."""
    pairs = sorted({(row["id"], entry.sequence) for entry in entries for row in entry.rows})
    if pairs:
        row_ids, sequences = zip(*pairs, strict=True)
        insert_columns(session.connection(), EntryOfRow, {"row_id": row_ids, "sequence": sequences})


def first_own_entry(session: Session) -> int | None:
    """Return the number of the first entry that the session's transaction appended; None: it appended none.

    All entries from it on are the transaction's own, since the log stays locked until its end.
    """
    own: int | None = session.info.get(_FIRST_OWN)
    return own


def _entry(
    decision: Decision,
    recorded_at: datetime,
    sequence: int,
    previous: str,
    act: Act,
    rows: Sequence[NamedRow],
) -> AuditEntry:
    body = {
        "sequence": sequence,
        "at": aware(decision.at),
        "recorded_at": recorded_at,
        "machine_at": machine_now() if home_clock(decision.session).simulated else None,
        "actor": decision.by.reference,
        "action": act.action,
        "subject_type": act.subject_type,
        "subject_id": act.subject_id,
        "case_id": act.case_id,
        # As it is hashed: times are text, enums their values.
        "content": json.loads(canonical_json(act.content)),
    }
    body_sha256 = digest_of_body(body, [row.leaf_sha256 for row in rows])
    return new_row(
        AuditEntry,
        **body,
        rows=[row.document for row in rows],
        body_sha256=body_sha256,
        previous_sha256=previous,
        entry_sha256=entry_digest(previous, body_sha256),
    )


def _head(session: Session) -> tuple[int, str, datetime | None]:
    """Return number, digest and time of recording of the newest entry; 0, genesis and None where there is none."""
    newest = session.execute(_NEWEST).one_or_none()
    return (newest.sequence, newest.entry_sha256, newest.recorded_at) if newest else (0, GENESIS, None)


def lock_log(session: Session) -> None:
    """Keep other writers of the log out until the end of the transaction.

    Whoever holds it before reading sees every recorded step whole: its rows together with its entry.
    """
    named_lock(session, "audit log")


def links(session: Session) -> Iterator[Link]:
    """Yield all entries from the first on, streamed."""
    for entry in session.scalars(
        select(AuditEntry).order_by(AuditEntry.sequence).execution_options(yield_per=1000)
    ):
        yield Link(
            sequence=entry.sequence,
            at=entry.at,
            recorded_at=entry.recorded_at,
            machine_at=entry.machine_at,
            actor=entry.actor,
            action=entry.action,
            subject_type=entry.subject_type,
            subject_id=entry.subject_id,
            case_id=entry.case_id,
            content=entry.content,
            rows=entry.rows,
            body_sha256=entry.body_sha256,
            previous_sha256=entry.previous_sha256,
            entry_sha256=entry.entry_sha256,
        )
