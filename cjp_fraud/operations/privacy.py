"""Erase a tenant's texts, and hold them where the law wants them kept."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import Session

from cjp_fraud.audit.log import lock_log
from cjp_fraud.audit.tables import PersonalText
from cjp_fraud.compliance import legal_holds
from cjp_fraud.compliance.erasure import TenantsTexts, erase_texts, refuse_to_erase, texts_of_tenant
from cjp_fraud.compliance.tables import LegalHold
from cjp_fraud.deployment import Deployment
from cjp_fraud.notices.inbound_folders import reports_kept
from cjp_fraud.operations.short_ids import id_of
from cjp_fraud.people.denials import denials_on_record
from cjp_fraud.people.model import Actor
from cjp_fraud.people.tables import User
from cjp_fraud.people.users import actor_named
from cjp_fraud.review.tables import Case
from cjp_fraud.storage.database import leave_no_remains, reading


@dataclass(frozen=True, slots=True)
class Erasure:
    """What was erased of a tenant; of a dry run, what would be."""

    tenant_id: str
    dry_run: bool
    nothing_left: bool
    """All had been erased before; nothing was done."""
    erased_before: datetime | None
    """When something was erased last before this; None: nothing was."""
    name: bool
    """Whether the name of the organisation was erased."""
    texts: int
    """Words that persons wrote, and addresses."""
    addresses: int
    """Different addresses among the texts."""
    letters: int
    attempts: int
    """Attempts at sending, of each its bytes and its dialogue."""
    attachments: int
    """Files that staff attached to cases, of each what it holds; their names are among the texts."""
    reports: int
    """Raw texts of what became known of a letter, delivery reports among them."""
    files: int
    """Files of delivery reports in the home that were deleted."""


@dataclass(frozen=True, slots=True)
class HoldView:
    """A legal hold: while it stands, nothing of the tenant is erased."""

    id: str
    tenant_id: str
    case: int | None
    held_by: str
    held_at: datetime
    reason: str | None
    """None: it was erased."""
    released_at: datetime | None


def erase(
    deployment: Deployment, by: str, now: datetime, tenant_id: str, *, reason: str, dry_run: bool = False
) -> Erasure:
    """Erase, as counsel, the texts of a tenant; what is gone already is left, and a kill leaves nothing half done.

    Parameters
    ----------
    reason : why; it goes on record and stays.
    dry_run : only say what would be erased, or why not.

    Raises
    ------
    NotFoundError
        If there is no such tenant or user.
    Refused
        Names all that stands in the way: a legal hold, a case that is not closed, an open dispute, a letter to be sent.
    StorageError
        If the database's file could not be cleaned of what was erased; running it again does so.
    """
    if dry_run:
        with denials_on_record(deployment.engine, by, now), reading(deployment.engine) as session:
            texts, files = _checked(deployment, session, actor_named(session, by), tenant_id)
            return _erasure(texts, files, dry_run=True)
    with deployment.deciding(by, now) as decision:
        lock_log(
            decision.session
        )  # before it is read what stands in the way: whoever writes a hold waits, or is seen
        texts, files = _checked(deployment, decision.session, decision.by, tenant_id)
        erasure = _erasure(texts, files, dry_run=False)
        if not texts.nothing_left:
            erase_texts(decision, texts, reason)
        # Before the commit: once the addresses are erased, nothing tells which files are about them.
        for file in files:
            file.unlink(missing_ok=True)
    leave_no_remains(deployment.engine)
    return erasure


def hold(
    deployment: Deployment, by: str, now: datetime, tenant_id: str, *, reason: str, case: str | None = None
) -> HoldView:
    """Order, as counsel, that nothing of a tenant be erased until the hold is released; it stops nothing else.

    Parameters
    ----------
    case : number or id of the case for whose sake; None: of no one case.
    """
    with deployment.deciding(by, now) as decision:
        made = legal_holds.hold_texts(decision, tenant_id, reason, case=case)
        return _view(decision.session, made)


def release_hold(deployment: Deployment, by: str, now: datetime, hold_id: str, *, reason: str) -> HoldView:
    """Release a hold, as counsel; one that was released stays as it is.

    Parameters
    ----------
    hold_id : its id, or how it begins.
    """
    with deployment.deciding(by, now) as decision:
        meant = id_of(decision.session, LegalHold.id, hold_id, "legal hold", "cjp-fraud privacy holds")
        released = legal_holds.release_hold(decision, meant, reason)
        return _view(decision.session, released)


def list_holds(deployment: Deployment, *, released_too: bool = False) -> tuple[HoldView, ...]:
    """Return the holds that stand, oldest first."""
    with reading(deployment.engine) as session:
        holds = session.scalars(select(LegalHold).order_by(LegalHold.held_at, LegalHold.id)).all()
        return tuple(_view(session, row) for row in holds if released_too or row.released_at is None)


def _checked(
    deployment: Deployment, session: Session, by: Actor, tenant_id: str
) -> tuple[TenantsTexts, tuple[Path, ...]]:
    """Return what may be erased, in the database and in files; refused while something stands in the way."""
    texts = texts_of_tenant(session, tenant_id)
    waiting, files = reports_kept(deployment.settings, texts.addresses, texts.report_digests)
    further = tuple(f"{file} is about it and not collected yet (cjp-fraud run-due)" for file in waiting)
    refuse_to_erase(session, by, tenant_id, further=further)
    return texts, files


def _erasure(texts: TenantsTexts, files: tuple[Path, ...], *, dry_run: bool) -> Erasure:
    count = texts.count
    return Erasure(
        tenant_id=texts.tenant.id,
        dry_run=dry_run,
        nothing_left=texts.nothing_left,
        erased_before=texts.erased_before,
        name=texts.tenant.name is not None,
        texts=count["personal_texts"],
        addresses=len(texts.addresses),
        letters=count["notices"],
        attempts=count["notice_attempts"],
        attachments=count["attachment_contents"],
        reports=count["delivery_events"],
        files=len(files),
    )


def _view(session: Session, row: LegalHold) -> HoldView:
    case = session.get(Case, row.case_id) if row.case_id is not None else None
    return HoldView(
        id=row.id,
        tenant_id=row.tenant_id,
        case=case.number if case is not None else None,
        held_by=session.get_one(User, row.held_by).name,
        held_at=row.held_at,
        reason=session.get_one(PersonalText, row.reason_text_id).body,
        released_at=row.released_at,
    )
