"""The audit log listed, and verified: its chain, its signed heads, and every row on record."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Final

from pydantic import JsonValue
from sqlalchemy import ColumnElement, func, not_, or_, select

from cjp_fraud.audit.log import append
from cjp_fraud.audit.row_digests import NamedRow
from cjp_fraud.audit.signed_head import newest
from cjp_fraud.audit.tables import AuditEntry
from cjp_fraud.clock import aware
from cjp_fraud.compliance.log_verification import verify_log as verify_the_log
from cjp_fraud.contracts.tables import Tenant
from cjp_fraud.contracts.tenant_reach import tenants_within
from cjp_fraud.deployment import Deployment
from cjp_fraud.operations.head_keeping import (
    KeptHead,
    TrustedHeads,
    newest_of,
    no_second_place,
    reason_for_next,
    trusted_heads,
)
from cjp_fraud.operations.log_reach import READS_LOG, entries_within_reach
from cjp_fraud.operations.reach import reach_of
from cjp_fraud.people.tables import User
from cjp_fraud.progress import Report
from cjp_fraud.review.cases import case_id_of
from cjp_fraud.storage.database import reading
from cjp_fraud.storage.ownership import application_owns

VERIFIED: Final = "log.verified"

_MADE_HERE: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|[0-9a-f]{32}")
"""Ids that we gave ourselves, and that name nobody."""


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


@dataclass(frozen=True, slots=True)
class LogPage:
    """Entries of the log, the newest first.

    Parameters
    ----------
    older : the page before is asked for by this number (``before``); None: there is none.
    outside_of_reach : how many entries of those numbers were asked for and are not shown: the roles of the reader are
        narrowed and do not reach what they are about.
    """

    entries: tuple[LogEntry, ...]
    older: int | None
    outside_of_reach: int


@dataclass(frozen=True, slots=True)
class LogSearch:
    """Which entries are asked for; None: any.

    Parameters
    ----------
    by : a user's name or id, or a machine as the log names it (``system:detect``).
    action : ``case.claimed``; or its begin, where it ends in a point (``case.``).
    since, until : aware, half-open; of the moment of the act.
    """

    by: str | None = None
    action: str | None = None
    since: datetime | None = None
    until: datetime | None = None


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


def verify_and_record(deployment: Deployment, by: str, now: datetime) -> LogReport:
    """Verify the log as :func:`verify_log` does, and put on record who did and what it found.

    Raises
    ------
    NotFoundError
        If the user is not on record.
    """
    found = verify_log(deployment)
    content = {"holds": found.holds, "entries": found.entries, "head_sha256": found.head_sha256}
    with deployment.deciding(by, now, of_their_own=True) as decision:
        append(decision, VERIFIED, "audit_entries", str(found.entries), content)
    return found


def list_entries(
    deployment: Deployment,
    search: LogSearch | None = None,
    *,
    case: str | None = None,
    limit: int = 100,
    before: int | None = None,
    by: str | None = None,
) -> LogPage:
    """Return the newest entries of the log that are asked for, the newest first.

    Parameters
    ----------
    search : None: all.
    case : number or id of the case that they are about; None: of any or none.
    before : only entries with a smaller number: the page before; None: up to the newest.
    by : name of the user who reads, whose roles may be narrowed; None: the account of this machine.

    Raises
    ------
    NotFoundError
        If there is no such case, or no such user.
    """
    with reading(deployment.engine) as session:
        conditions = [*_conditions(search or LogSearch())]
        if before is not None:
            conditions.append(AuditEntry.sequence < before)
        if case is not None:
            conditions.append(AuditEntry.case_id == case_id_of(session, case))
        reach = reach_of(session, by, READS_LOG)
        within = entries_within_reach(reach)
        rows = session.execute(
            select(AuditEntry, User.name)
            .outerjoin(User, User.id == AuditEntry.actor)
            .where(*conditions, within)
            .order_by(AuditEntry.sequence.desc())
            .limit(limit + 1)
        ).all()
        entries = tuple(_entry(entry, name) for entry, name in rows[:limit])
        if reach is not None:
            reached = frozenset(session.scalars(select(Tenant.id).where(tenants_within(reach))))
            entries = tuple(_without_other_tenants(entry, reached) for entry in entries)
        older = entries[-1].sequence if len(rows) > limit else None
        hidden = 0
        if reach is not None:
            if older is not None:
                conditions.append(AuditEntry.sequence > older)
            hidden = session.scalar(select(func.count()).where(*conditions, not_(within))) or 0
    return LogPage(entries, older, hidden)


def _conditions(search: LogSearch) -> Iterator[ColumnElement[bool]]:
    if search.by is not None:
        named = select(User.id).where(User.name == search.by).scalar_subquery()
        yield or_(AuditEntry.actor == search.by, AuditEntry.actor == named)
    if search.action is not None and search.action.endswith("."):
        yield AuditEntry.action.startswith(search.action, autoescape=True)
    elif search.action is not None:
        yield AuditEntry.action == search.action
    if search.since is not None:
        yield AuditEntry.at >= aware(search.since)
    if search.until is not None:
        yield AuditEntry.at < aware(search.until)


def _entry(entry: AuditEntry, name: str | None) -> LogEntry:
    return LogEntry(
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


def _without_other_tenants(entry: LogEntry, reached: Collection[str]) -> LogEntry:
    """Return an entry without rows of other customers: the first entry of a file of tenants names rows of them all.

    Of rows whose id somebody outside has given, those stay that are the entry's subject or a tenant that is reached.
    """
    rows = tuple(
        row
        for row in entry.rows
        if _MADE_HERE.fullmatch(row.id) or row.id == entry.subject_id or row.id in reached
    )
    return replace(entry, rows=rows)
