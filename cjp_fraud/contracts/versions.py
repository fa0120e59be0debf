"""Enter contract data in versions: an unchanged value makes none, a changed one ends the version before it.

The tenants file goes through here, and so does what counsel enters. Whoever enters contract data of a
tenant has edited it, and may not approve a measure against that tenant soon after.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, TypeVar

from sqlalchemy import select
from sqlalchemy.orm import Session

from cjp_fraud.audit.log import append
from cjp_fraud.audit.tables import PersonalText
from cjp_fraud.audit.texts import keep_text
from cjp_fraud.clock import aware, utc_text
from cjp_fraud.contracts.email_address import require_email_address
from cjp_fraud.contracts.model import Method, Origin, Reading, Right
from cjp_fraud.contracts.tables import (
    Address,
    GoverningDocument,
    NoticeTermsVersion,
    Subscription,
    SubscriptionTerms,
)
from cjp_fraud.contracts.terms import NoticeTerms
from cjp_fraud.digests import canonical_json
from cjp_fraud.documents import to_document
from cjp_fraud.errors import BadInputError, NotFoundError
from cjp_fraud.people.model import Actor, Part
from cjp_fraud.people.participation import record_part

_Versioned = TypeVar("_Versioned", SubscriptionTerms, GoverningDocument, NoticeTermsVersion)


def enter_terms(
    session: Session,
    tenant_id: str,
    by: Actor,
    at: datetime,
    *,
    reference: str,
    right: Right,
    terms: NoticeTerms | None,
    longest_measure: timedelta | None = None,
    filing_stops: bool = False,
) -> bool:
    """Record what counsel read in a tenant's contract; from then on the tenants file does not touch it.

    Parameters
    ----------
    reference : title, number and version of the governing document.
    terms : the notice provisions; None: not read.
    longest_measure : longest suspension that the document allows, whole hours; None: it names none.

    Returns
    -------
    whether anything changed.
    """
    subscription = _subscription(session, tenant_id)
    source = f"entered by {by.reference}"
    hours = None
    if longest_measure is not None:
        hours = int(longest_measure / timedelta(hours=1))
        if timedelta(hours=hours) != longest_measure or hours < 1:
            raise BadInputError(f"longest_measure is {longest_measure}; give whole hours, at least one")
    changed = [
        put_document(
            session,
            subscription.id,
            {
                "reference": reference,
                "right": right,
                "longest_measure_hours": hours,
                "filing_stops": filing_stops,
            },
            Origin.COUNSEL,
            source,
            at,
        ),
        put_notice_terms(session, subscription.id, terms, Origin.COUNSEL, source, at),
    ]
    made = [row for row in changed if row is not None]
    if made:
        record_part(session, by, Part.EDITED_CONTRACT, tenant_id, at)
        append(
            session,
            by,
            "contract.terms_entered",
            "subscriptions",
            subscription.id,
            at,
            {"tenant_id": tenant_id, "versions": {row.__tablename__: row.id for row in made}},
        )
    return bool(made)


def enter_address(
    session: Session, tenant_id: str, role: str, addresses: tuple[str, ...], by: Actor, at: datetime
) -> bool:
    """Record the email addresses of a role; those that are no longer named end now.

    Returns
    -------
    whether anything changed.

    Raises
    ------
    BadInputError
        If one of them is no email address.
    """
    for address in addresses:
        require_email_address(address)
    subscription = _subscription(session, tenant_id)
    change = put_addresses(session, subscription.id, role, addresses, f"entered by {by.reference}", at)
    if change:
        record_part(session, by, Part.EDITED_CONTRACT, tenant_id, at)
        content = {"tenant_id": tenant_id, "role": role, **change}
        append(session, by, "contract.addresses_entered", "subscriptions", subscription.id, at, content)
    return bool(change)


def put_terms_bought(
    session: Session, subscription_id: str, values: Mapping[str, Any], source: str, at: datetime
) -> SubscriptionTerms | None:
    """Make a new version of what was bought, unless nothing of it changed; None: unchanged."""
    return _put(session, SubscriptionTerms, subscription_id, values, source, at)


def put_document(
    session: Session,
    subscription_id: str,
    values: Mapping[str, Any],
    origin: Origin,
    source: str,
    at: datetime,
) -> GoverningDocument | None:
    """Make a new version of what governs, unless nothing of it changed; None: unchanged."""
    return _put(session, GoverningDocument, subscription_id, {**values, "origin": origin}, source, at)


def put_notice_terms(
    session: Session,
    subscription_id: str,
    terms: NoticeTerms | None,
    origin: Origin,
    source: str,
    at: datetime,
) -> NoticeTermsVersion | None:
    """Make a new version of the notice terms, unless nothing of them changed; None: unchanged."""
    values = {
        "reading": Reading.READ if terms else Reading.NOT_READ,
        "terms": canonical_json(to_document(terms)).decode() if terms else None,
        "origin": origin,
    }
    return _put(session, NoticeTermsVersion, subscription_id, values, source, at)


def put_addresses(
    session: Session, subscription_id: str, role: str, addresses: tuple[str, ...], source: str, at: datetime
) -> dict[str, Any]:
    """Make the addresses of a role exactly these; return ids and digests of what changed, if anything."""
    moment = aware(at)
    known = session.execute(
        select(Address, PersonalText)
        .join(PersonalText, PersonalText.id == Address.text_id)
        .where(Address.subscription_id == subscription_id, Address.role == role)
    ).all()
    current = {text.body: address for address, text in known if address.valid_to is None}
    ended = [address for body, address in current.items() if body not in addresses]
    for address in ended:
        _require_later(address.valid_from, moment)
        address.valid_to = moment
    added = []
    for body in dict.fromkeys(addresses):
        if body in current:
            continue
        text = keep_text(session, body, moment)
        address = Address(
            subscription_id=subscription_id,
            role=role,
            method=Method.EMAIL,
            text_id=text.id,
            valid_from=moment if known else None,
            recorded_at=moment,
            source=source,
        )
        session.add(address)
        session.flush()
        added.append({"address_id": address.id, "sha256": text.sha256})
    if not added and not ended:
        return {}
    return {"added": added, "ended": [address.id for address in ended]}


def current(session: Session, kind: type[_Versioned], subscription_id: str) -> _Versioned | None:
    """Return the version that is still in force, if there is one."""
    return session.scalar(
        select(kind).where(kind.subscription_id == subscription_id, kind.valid_to.is_(None))
    )


def _put(
    session: Session,
    kind: type[_Versioned],
    subscription_id: str,
    values: Mapping[str, Any],
    source: str,
    at: datetime,
) -> _Versioned | None:
    moment = aware(at)
    before = current(session, kind, subscription_id)
    if before is not None:
        if all(getattr(before, name) == value for name, value in values.items()):
            return None
        _require_later(before.valid_from, moment)
        before.valid_to = moment
        session.flush()  # the index of versions in force allows one at a time
    row = kind(
        subscription_id=subscription_id,
        version=before.version + 1 if before else 1,
        valid_from=moment if before else None,
        recorded_at=moment,
        source=source,
        **values,
    )
    session.add(row)
    session.flush()
    return row


def _require_later(valid_from: datetime | None, at: datetime) -> None:
    if valid_from is not None and at < valid_from:
        raise BadInputError(
            f"contract data valid from {utc_text(valid_from)} is on record already, and the clock says "
            f"{utc_text(at)}; contract data cannot be changed before that: check the clock (--now)"
        )


def _subscription(session: Session, tenant_id: str) -> Subscription:
    found = session.scalar(select(Subscription).where(Subscription.tenant_id == tenant_id))
    if found is None:
        raise NotFoundError(
            f"no tenant {tenant_id!r} is on record; cjp-fraud tenants load FILE puts it there"
        )
    return found
