"""Who visits the customer's notice page: contacts, by the code that opened it; and what is on record of a visit."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from cjp_fraud.audit.log import append
from cjp_fraud.contracts.contacts import Contact, contacts_at
from cjp_fraud.contracts.methods import EMAIL
from cjp_fraud.deployment import Deployment
from cjp_fraud.digests import sha256_hex
from cjp_fraud.notices.delivery_record import case_of
from cjp_fraud.notices.page_key import client_digest
from cjp_fraud.notices.tables import Notice, NoticePlan, PageCode
from cjp_fraud.operations.notice_page_views import Door
from cjp_fraud.people.model import Decision, machine

PAGE: Final = machine("notice_page")
"""Who acts for a visitor."""


def visit_of(session: Session, notice: Notice, visit: str | None, now: datetime) -> PageCode | None:
    """Return the code that opened a visit which has not ended, and whose contact is still one; None: there is none."""
    if not visit:
        return None
    row = session.scalar(
        select(PageCode).where(
            PageCode.session_sha256 == sha256_hex(visit.encode()), PageCode.notice_id == notice.id
        )
    )
    if row is None or row.session_ends_at is None or now >= row.session_ends_at:
        return None
    return row if contact_of(session, notice, row, now) is not None else None


def _contacts(session: Session, notice: Notice, now: datetime) -> tuple[Contact, ...]:
    plan = session.get_one(NoticePlan, notice.plan_id)
    return contacts_at(session, plan.tenant_id, EMAIL, now)


def contact_with(session: Session, notice: Notice, address: str, now: datetime) -> Contact | None:
    """Return the contact whose address was typed; None: it is none of the contract's."""
    typed = address.strip().casefold()
    fitting = [each for each in _contacts(session, notice, now) if each.address.casefold() == typed]
    return fitting[0] if fitting else None


def contact_of(session: Session, notice: Notice, row: PageCode, now: datetime) -> Contact | None:
    """Return the contact to whom a code was mailed; None: they are none any more."""
    fitting = [each for each in _contacts(session, notice, now) if each.address_id == row.address_id]
    return fitting[0] if fitting else None


def client_of(deployment: Deployment, client: str) -> str:
    """Return the keyed digest of a network address, as it goes on record."""
    return client_digest(deployment.settings, client)


def deny_step(
    decision: Decision, notice: Notice | None, client: str, door: Door, why: str, **more: str
) -> Door:
    """Put a refusal on record and return how it is told to the visitor."""
    log_step(decision, notice, "notice_page.denied", {"why": why, "client": client} | more)
    return door


def log_step(decision: Decision, notice: Notice | None, action: str, content: Mapping[str, object]) -> None:
    """Put a step on the page on record, with the case that its letter is about."""
    case_id = case_of(decision.session, notice.id) if notice is not None else None
    subject = notice.id if notice is not None else "a link that is not ours"
    append(decision, action, "notices", subject, content, case_id=case_id)
