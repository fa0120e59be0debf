"""The contacts of a tenant: whom its contract names, by the addresses that are in force."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from cjp_fraud.audit.tables import PersonalText
from cjp_fraud.clock import aware
from cjp_fraud.contracts.tables import Address, Subscription


@dataclass(frozen=True, slots=True)
class Contact:
    """Somebody whom the contract names; ``role`` is what it calls them for."""

    address_id: str
    role: str
    address: str = field(repr=False)


def contacts_at(session: Session, tenant_id: str, method: str, at: datetime) -> tuple[Contact, ...]:
    """Return a tenant's contacts by a method whose addresses are in force at ``at`` (aware), by role and id.

    An address that was replaced is none, however lately: who took over a mailbox may have been the reason.
    """
    moment = aware(at)
    rows = session.execute(
        select(Address.id, Address.role, PersonalText.body)
        .join(Subscription, Subscription.id == Address.subscription_id)
        .join(PersonalText, PersonalText.id == Address.text_id)
        .where(
            Subscription.tenant_id == tenant_id,
            Address.method == method,
            PersonalText.body.is_not(None),
            or_(Address.valid_from.is_(None), Address.valid_from <= moment),
            or_(Address.valid_to.is_(None), Address.valid_to > moment),
        )
        .order_by(Address.role, Address.id)
    )
    return tuple(Contact(row.id, row.role, row.body) for row in rows)
