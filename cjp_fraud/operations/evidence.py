"""Proof: a case's bundle exported and verified, the audit log listed and verified."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import select

from cjp_fraud.audit.tables import AuditEntry
from cjp_fraud.compliance.export import Exported, export_evidence
from cjp_fraud.compliance.log_verification import chain_holds_head
from cjp_fraud.compliance.log_verification import verify_log as verify_the_log
from cjp_fraud.compliance.verification import verify_file
from cjp_fraud.deployment import Deployment
from cjp_fraud.people.model import machine
from cjp_fraud.people.tables import User
from cjp_fraud.people.users import actor_named
from cjp_fraud.progress import Report
from cjp_fraud.review.cases import case_id_of
from cjp_fraud.storage.database import reading


@dataclass(frozen=True, slots=True)
class BundleReport:
    """What verifying a bundle found; it holds where there are no faults."""

    holds: bool
    case_id: str
    files: int
    entries: int
    """Length of its chain; 0 where it cannot be recomputed."""
    head_sha256: str
    simulated_clock: bool
    """Whether its clock is simulated: it proves a trial."""
    faults: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class LogReport:
    """What verifying the audit log found; it holds where there are no faults."""

    holds: bool
    entries: int
    head_sha256: str
    faults: tuple[str, ...]


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
    content: dict[str, Any]
    rows: tuple[dict[str, str], ...]
    """Every row that was written or changed: table, id and its digest as it stood then."""
    entry_sha256: str


def export_case(
    deployment: Deployment, by: str | None, now: datetime, case: str, out: Path, *, replace: bool = False
) -> Exported:
    """Write everything that is on record of a case into one file; the export goes on record itself.

    Parameters
    ----------
    by : the user who exports; None for the account of this machine.
    case : number or id, in any state.
    out : file to write; an existing one is kept unless ``replace``.

    Raises
    ------
    BadInputError
        If ``out`` exists, or its folder does not.
    NotFoundError
        If there is no such case or user.
    """
    actor = machine("account-of-this-machine")
    if by is not None:
        with reading(deployment.engine) as session:
            actor = actor_named(session, by)
    return export_evidence(deployment.engine, case, out, actor, now, force=replace)


def verify_bundle(bundle: Path, against: Deployment | None = None) -> BundleReport:
    """Verify a bundle with nothing but the file; with ``against``, also that its head is in that database's chain."""
    verification = verify_file(bundle)
    faults = verification.faults
    if against is not None and verification.head_sha256:
        faults += tuple(chain_holds_head(against.engine, verification.entries, verification.head_sha256))
    return BundleReport(
        holds=not faults,
        case_id=verification.case_id,
        files=verification.files,
        entries=verification.entries,
        head_sha256=verification.head_sha256,
        simulated_clock=verification.simulated_clock,
        faults=faults,
    )


def verify_log(
    deployment: Deployment, *, expect_head: str | None = None, report: Report | None = None
) -> LogReport:
    """Recompute the chain, then compare every row of decisions with what the log says of it.

    Parameters
    ----------
    expect_head : digest of an entry, kept elsewhere, which must be in the chain.
    """
    verification = verify_the_log(deployment.engine, expect_head=expect_head, report=report)
    return LogReport(verification.holds, verification.entries, verification.head_sha256, verification.faults)


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
                rows=tuple(entry.rows),
                entry_sha256=entry.entry_sha256,
            )
            for entry, name in reversed(session.execute(newest).all())
        )
