"""The address book in both its times: which address was true at a moment, by what was recorded at another."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from cjp_fraud.audit.tables import PersonalText
from cjp_fraud.clock import aware
from cjp_fraud.contracts.tables import Address, Subscription
from cjp_fraud.contracts.tenants import require_tenant


@dataclass(frozen=True, slots=True)
class KnownAddress:
    """An address as it was known.

    Parameters
    ----------
    address : None once it is erased; ``sha256`` is its salted digest.
    valid_from : None: since before it was recorded. ``valid_to``: as known then; None: its end was not known.
    recorded_at : when it was learned, aware.
    end_recorded_at : when its end was learned; None: it was not yet.
    """

    address_id: str
    role: str
    method: str
    address: str | None
    sha256: str
    valid_from: datetime | None
    valid_to: datetime | None
    recorded_at: datetime
    end_recorded_at: datetime | None
    verified_at: datetime | None
    verified_how: str | None
    source: str


def addresses_known(
    session: Session, tenant_id: str, at: datetime, known_at: datetime | None
) -> tuple[KnownAddress, ...]:
    """Return the addresses that were true at ``at``, by what was recorded until ``known_at``.

    Parameters
    ----------
    at : aware.
    known_at : aware; what was recorded later is not known. None: all that is on record.

    Raises
    ------
    NotFoundError
        If no such tenant is on record.
    """
    require_tenant(session, tenant_id)
    moment = aware(at)
    statement = (
        select(Address, PersonalText)
        .join(Subscription, Subscription.id == Address.subscription_id)
        .join(PersonalText, PersonalText.id == Address.text_id)
        .where(
            Subscription.tenant_id == tenant_id,
            or_(Address.valid_from.is_(None), Address.valid_from <= moment),
        )
        .order_by(Address.role, Address.method, Address.id)
    )
    if known_at is not None:
        statement = statement.where(Address.recorded_at <= aware(known_at))
    views = (_as_known(address, text, known_at) for address, text in session.execute(statement))
    return tuple(view for view in views if view.valid_to is None or view.valid_to > moment)


def _as_known(address: Address, text: PersonalText, known_at: datetime | None) -> KnownAddress:
    learned = address.end_recorded_at or address.valid_to
    end_known = learned is not None and (known_at is None or learned <= aware(known_at))
    return KnownAddress(
        address_id=address.id,
        role=address.role,
        method=address.method,
        address=text.body,
        sha256=text.sha256,
        valid_from=address.valid_from,
        valid_to=address.valid_to if end_known else None,
        recorded_at=address.recorded_at,
        end_recorded_at=address.end_recorded_at if end_known else None,
        verified_at=address.verified_at,
        verified_how=address.verified_how,
        source=address.source,
    )
