"""Append to the audit log and verify it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from cjp_fraud.audit.chain import GENESIS, Link, body_digest, entry_digest, faults
from cjp_fraud.audit.tables import AuditEntry
from cjp_fraud.clock import aware
from cjp_fraud.digests import canonical_json

_LOCK = 7_231_044_201_993_518
"""Number of the advisory lock that orders writers of the log on PostgreSQL."""


class Acting(Protocol):
    """Whoever acts, as the log names them: a person by user id, a machine as ``system:task``."""

    @property
    def reference(self) -> str: ...


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
    session: Session,
    by: Acting,
    action: str,
    subject_type: str,
    subject_id: str,
    at: datetime,
    content: Mapping[str, Any],
    *,
    case_id: str | None = None,
) -> AuditEntry:
    """Append one entry in the caller's transaction, so that it stands or falls with what it records.

    Writers are ordered by one lock (SQLite: the writer's; PostgreSQL: an advisory one until the end of
    the transaction), so that the sequence has no gap and no fork.

    Parameters
    ----------
    by : who acts; persons are recorded by their id.
    content : ids, states, digests; never personal text.
    """
    hold(session)
    session.flush()
    last = session.execute(
        select(AuditEntry.sequence, AuditEntry.entry_sha256).order_by(AuditEntry.sequence.desc()).limit(1)
    ).one_or_none()
    sequence, previous = (last.sequence + 1, last.entry_sha256) if last else (1, GENESIS)
    actor = by.reference
    moment = aware(at)
    body = body_digest(sequence, moment, actor, action, subject_type, subject_id, case_id, content)
    entry = AuditEntry(
        sequence=sequence,
        at=moment,
        actor=actor,
        action=action,
        subject_type=subject_type,
        subject_id=subject_id,
        case_id=case_id,
        content=json.loads(canonical_json(content)),  # as it is hashed: times are text, enums their values
        body_sha256=body,
        previous_sha256=previous,
        entry_sha256=entry_digest(previous, body),
    )
    session.add(entry)
    session.flush()
    return entry


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
            body_sha256=entry.body_sha256,
            previous_sha256=entry.previous_sha256,
            entry_sha256=entry.entry_sha256,
        )


def verify_chain(session: Session) -> Verification:
    """Recompute every digest of the log and say what does not hold."""
    head = session.execute(
        select(AuditEntry.sequence, AuditEntry.entry_sha256).order_by(AuditEntry.sequence.desc()).limit(1)
    ).one_or_none()
    return Verification(
        entries=head.sequence if head else 0,
        head_sha256=head.entry_sha256 if head else GENESIS,
        faults=tuple(faults(links(session))),
    )
