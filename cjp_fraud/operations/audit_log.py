"""The audit log listed, and verified: its chain, its signed heads, and every row on record."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from pydantic import JsonValue
from sqlalchemy import select

from cjp_fraud.audit.row_digests import NamedRow
from cjp_fraud.audit.signed_head import newest
from cjp_fraud.audit.tables import AuditEntry
from cjp_fraud.compliance.log_verification import verify_log as verify_the_log
from cjp_fraud.deployment import Deployment
from cjp_fraud.operations.head_keeping import (
    KeptHead,
    TrustedHeads,
    newest_of,
    no_second_place,
    reason_for_next,
    trusted_heads,
)
from cjp_fraud.people.tables import User
from cjp_fraud.progress import Report
from cjp_fraud.review.cases import case_id_of
from cjp_fraud.storage.database import reading
from cjp_fraud.storage.ownership import application_owns


@dataclass(frozen=True, slots=True)
class LogReport:
    """What verifying the audit log found; it holds where there are no faults."""

    holds: bool
    entries: int
    head_sha256: str
    signed_head: KeptHead | None
    """The newest signed head that was found; None: there is none."""
    faults: tuple[str, ...]
    notes: tuple[str, ...]
    """What is no fault and should be known."""
    application_owns: str | None = None
    """On PostgreSQL, that the application's role owns its tables, and what that means; None: it does not, or SQLite."""


@dataclass(frozen=True, slots=True)
class LogEntry:
    """One entry of the audit log."""

    sequence: int
    at: datetime
    actor: str
    """A user's id, or ``system:task``."""
    actor_name: str
    action: str
    subject_type: str
    subject_id: str
    case_id: str | None
    content: Mapping[str, JsonValue]
    """What the act says of itself; which names there are depends on the action."""
    rows: tuple[NamedRow, ...]
    """Every row that was written or changed, as it stood then."""
    entry_sha256: str


def verify_log(
    deployment: Deployment,
    *,
    expect_head: str | None = None,
    public_keys: Sequence[Path] = (),
    report: Report | None = None,
) -> LogReport:
    """Recompute the chain, compare it with the signed heads in the second place, and every row with the log.

    Parameters
    ----------
    expect_head : digest of an entry, kept elsewhere, which must be in the chain.
    public_keys : files of the keys that count, kept elsewhere; none: the home's own.
    """
    trusted = trusted_heads(
        deployment, public_keys
    )  # before the log is read: a head is never ahead of its log
    verification = verify_the_log(
        deployment.engine,
        expect_head=expect_head,
        heads=trusted.heads,
        key_ids=[key.key_id for key in trusted.keys],
        report=report,
    )
    faults = (*trusted.faults, *verification.faults)
    return LogReport(
        holds=not faults,
        entries=verification.entries,
        head_sha256=verification.head_sha256,
        signed_head=newest_of(trusted, deployment),
        faults=faults,
        notes=_log_notes(deployment, trusted),
        application_owns=application_owns(deployment.engine),
    )


def _log_notes(deployment: Deployment, trusted: TrustedHeads) -> tuple[str, ...]:
    notes = [no_second_place(deployment)]
    signed = newest(trusted.heads)
    if signed is not None:
        with reading(deployment.engine) as session:
            reason = reason_for_next(session, signed, deployment.now)
        if reason is not None:
            notes.append(
                f"{reason}: it was not kept yet, or newer heads were removed from {deployment.head_store.shown}; "
                "cjp-fraud run-due keeps the next one"
            )
    return tuple(note for note in notes if note is not None)


def list_entries(
    deployment: Deployment, *, case: str | None = None, limit: int = 100
) -> tuple[LogEntry, ...]:
    """Return the newest entries of the log (of one case), oldest first.

    Raises
    ------
    NotFoundError
        If there is no such case.
    """
    with reading(deployment.engine) as session:
        newest = (
            select(AuditEntry, User.name)
            .outerjoin(User, User.id == AuditEntry.actor)
            .order_by(AuditEntry.sequence.desc())
            .limit(limit)
        )
        if case is not None:
            newest = newest.where(AuditEntry.case_id == case_id_of(session, case))
        return tuple(
            LogEntry(
                sequence=entry.sequence,
                at=entry.at,
                actor=entry.actor,
                actor_name=name or entry.actor,
                action=entry.action,
                subject_type=entry.subject_type,
                subject_id=entry.subject_id,
                case_id=entry.case_id,
                content=entry.content,
                rows=tuple(NamedRow(**row) for row in entry.rows),
                entry_sha256=entry.entry_sha256,
            )
            for entry, name in reversed(session.execute(newest).all())
        )
