"""Append to the audit log and verify it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from cjp_fraud.audit.chain import GENESIS, Link, body_digest, entry_digest, faults
from cjp_fraud.audit.row_digests import named_row
from cjp_fraud.audit.tables import AuditEntry
from cjp_fraud.clock import aware
from cjp_fraud.digests import canonical_json
from cjp_fraud.storage.base import Base
from cjp_fraud.storage.written_rows import take_written

_LOCK = 7_231_044_201_993_518
"""Number of the advisory lock that orders writers of the log on PostgreSQL."""


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
class Verification:
    """What verifying the log found."""

    entries: int
    head_sha256: str
    faults: tuple[str, ...]

    @property
    def holds(self) -> bool:
        """Whether no fault was found."""
        return not self.faults


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
    """Append one entry in the caller's transaction, so that it stands or falls with what it records.

    The entry names every row that the session wrote or changed since the transaction's entry before, each
    with its digest: so write the rows first and append last. Writers are ordered by one lock (SQLite: the
    writer's; PostgreSQL: an advisory one until the end of the transaction), so that the sequence has no gap
    and no fork.

    Parameters
    ----------
    decision : who acts, when, in which transaction; persons are recorded by their id.
    action : what was done, for example ``case.claimed``.
    subject_type, subject_id : table and id of what it was done to.
    content : ids, states, digests; never personal text.
    rows : rows that statements wrote past the session; the session's own are found without it.
    case_id : case concerned; None where none is.
    """
    session, moment = decision.session, aware(decision.at)
    hold(session)
    named = [named_row(row) for row in take_written(session, rows)]
    sequence, previous = _head(session)
    actor = decision.by.reference
    body = body_digest(
        sequence + 1,
        moment,
        actor,
        action,
        subject_type,
        subject_id,
        case_id,
        content,
        [row.leaf_sha256 for row in named],
    )
    entry = AuditEntry(
        sequence=sequence + 1,
        at=moment,
        actor=actor,
        action=action,
        subject_type=subject_type,
        subject_id=subject_id,
        case_id=case_id,
        content=json.loads(canonical_json(content)),  # as it is hashed: times are text, enums their values
        rows=[row.document for row in named],
        body_sha256=body,
        previous_sha256=previous,
        entry_sha256=entry_digest(previous, body),
    )
    session.add(entry)
    session.flush()
    return entry


def _head(session: Session) -> tuple[int, str]:
    """Return number and digest of the newest entry; 0 and genesis where there is none."""
    newest = session.execute(
        select(AuditEntry.sequence, AuditEntry.entry_sha256).order_by(AuditEntry.sequence.desc()).limit(1)
    ).one_or_none()
    return (newest.sequence, newest.entry_sha256) if newest else (0, GENESIS)


def hold(session: Session) -> None:
    """Keep other writers of the log out until the end of the transaction.

    Whoever holds it before reading sees every recorded step whole: its rows together with its entry.
    """
    if session.get_bind().dialect.name == "postgresql":
        session.execute(text("SELECT pg_advisory_xact_lock(:number)"), {"number": _LOCK})


def links(session: Session) -> Iterator[Link]:
    """Yield all entries from the first on, streamed."""
    for entry in session.scalars(
        select(AuditEntry).order_by(AuditEntry.sequence).execution_options(yield_per=1000)
    ):
        yield Link(
            sequence=entry.sequence,
            at=entry.at,
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


def verify_chain(session: Session) -> Verification:
    """Recompute every digest of the log and say what does not hold."""
    entries, head_sha256 = _head(session)
    return Verification(entries=entries, head_sha256=head_sha256, faults=tuple(faults(links(session))))
