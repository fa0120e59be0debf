"""To whom notices go: the addresses of the roles that a contract names, and those replaced lately."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from cjp_fraud.audit.tables import PersonalText
from cjp_fraud.clock import aware, utc_text
from cjp_fraud.contracts.model import Recipient
from cjp_fraud.contracts.tables import Address, Subscription

LATELY = timedelta(days=30)
"""How long a replaced address is served beside its successor (the design's "lately")."""


def recipients(session: Session, tenant_id: str, roles: Iterable[str], at: datetime) -> tuple[Recipient, ...]:
    """Return the addresses of ``roles`` that are in force at ``at`` or were replaced in the 30 days before.

    The 30 days count from when the replacement was recorded, or from when it took effect, whichever is later.

    Parameters
    ----------
    roles : as the notice terms name them (``NoticeTerms.address_roles``).
    at : aware.
    """
    moment = aware(at)
    rows = session.execute(
        select(Address, PersonalText)
        .join(Subscription, Subscription.id == Address.subscription_id)
        .join(PersonalText, PersonalText.id == Address.text_id)
        .where(
            Subscription.tenant_id == tenant_id,
            Address.role.in_(list(roles)),
            PersonalText.body.is_not(None),  # an erased address serves nobody; it is asked for again
            or_(Address.valid_from.is_(None), Address.valid_from <= moment),
            or_(
                Address.valid_to.is_(None),
                Address.valid_to > moment - LATELY,
                Address.end_recorded_at > moment - LATELY,
            ),
        )
        .order_by(Address.role, Address.id)
    )
    addressed: list[Recipient] = []
    served: set[tuple[str, str | None]] = set()
    for address, text in sorted(rows, key=lambda row: _in_force(row[0], moment), reverse=True):
        in_force = _in_force(address, moment)
        if not in_force and (address.method, text.body) in served:
            continue  # replaced and put back: one letter to it is enough
        served.add((address.method, text.body))
        addressed.append(
            Recipient(
                address_id=address.id,
                sha256=text.sha256,
                role=address.role,
                method=address.method,
                known=f"{address.source}, recorded {utc_text(address.recorded_at)}",
                replaced_at=None if in_force else address.valid_to,
            )
        )
    return tuple(addressed)


def former_address_erased(session: Session, subscription_id: str, roles: Iterable[str], at: datetime) -> bool:
    """Whether an address of these roles was entered in the 30 days before ``at``, and the one before it was erased.

    It then counts as lately changed, and nobody knows any more what a notice would have gone to beside it.

    Parameters
    ----------
    roles : as the notice terms name them.
    at : aware.
    """
    moment = aware(at)
    rows = session.execute(
        select(Address, PersonalText.erased_at)
        .join(PersonalText, PersonalText.id == Address.text_id)
        .where(
            Address.subscription_id == subscription_id,
            Address.role.in_(list(roles)),
            Address.recorded_at <= moment,
            or_(Address.valid_from.is_(None), Address.valid_from <= moment),
        )
    ).all()
    entered = any(
        _in_force(address, moment) and _entered_at(address) > moment - LATELY for address, _ in rows
    )
    former = [(address, erased_at) for address, erased_at in rows if not _in_force(address, moment)]
    ends = [_ended_at(address) for address, _ in former]
    since = min(moment - LATELY, max(ends, default=moment))
    return entered and any(
        erased_at is not None and erased_at <= moment and _ended_at(address) >= since
        for address, erased_at in former
    )


def _entered_at(address: Address) -> datetime:
    """Return when an address took effect, or when that was recorded, whichever is later."""
    return max(address.recorded_at, address.valid_from or address.recorded_at)


def _ended_at(address: Address) -> datetime:
    """Return when an address that is in force no more ended, or when that was recorded, whichever is later."""
    assert address.valid_to is not None, "it is in force no more"
    return max(address.valid_to, address.end_recorded_at or address.valid_to)


def _in_force(address: Address, at: datetime) -> bool:
    return address.valid_to is None or address.valid_to > at
