"""Enter contract data in versions: an unchanged value makes none, a changed one ends the version before it.

The tenants file goes through here, and so does what counsel enters. Whoever enters contract data of a
tenant has edited it, and may not approve a measure against that tenant soon after; what a feed enters is confirmed.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any, Generic, TypeVar

from sqlalchemy import select
from sqlalchemy.orm import Session

from cjp_fraud.audit.log import append
from cjp_fraud.audit.recording import insert_rows, recording_time
from cjp_fraud.audit.tables import PersonalText
from cjp_fraud.audit.texts import new_text
from cjp_fraud.clock import aware, utc_text
from cjp_fraud.contracts.confirmation import record_edit
from cjp_fraud.contracts.contract_terms import ContractTerms, whole_terms
from cjp_fraud.contracts.methods import EMAIL, METHODS, require_method
from cjp_fraud.contracts.model import Origin, Reading, Right
from cjp_fraud.contracts.tables import (
    Address,
    ContractDocuments,
    GoverningDocument,
    NoticeTermsVersion,
    Subscription,
    SubscriptionTerms,
)
from cjp_fraud.contracts.terms import NoticeTerms
from cjp_fraud.digests import canonical_json
from cjp_fraud.documents import to_document
from cjp_fraud.errors import BadInputError, NotFoundError
from cjp_fraud.people.model import Actor, Decision
from cjp_fraud.storage.base import new_id
from cjp_fraud.storage.many_rows import new_row

Versioned = TypeVar("Versioned", SubscriptionTerms, GoverningDocument, ContractDocuments, NoticeTermsVersion)


def enter_terms(
    session: Session,
    tenant_id: str,
    by: Actor,
    at: datetime,
    *,
    reference: str,
    right: Right,
    terms: NoticeTerms | ContractTerms | None,
    longest_measure: timedelta | None = None,
    filing_stops: bool = False,
) -> bool:
    """Record what counsel read in a tenant's contract; from then on the tenants file does not touch it.

    Parameters
    ----------
    reference : title, number and version of the governing document.
        It takes the place of documents entered before (:mod:`cjp_fraud.contracts.contract_entry`).
    terms : the notice terms of the whole contract, or those of a suspension alone; None: not read.
    longest_measure : longest suspension that the document allows, whole hours; None: it names none.

    Returns
    -------
    whether anything changed.
    """
    subscription, moment = _subscription(session, tenant_id), aware(at)
    hours = None
    if longest_measure is not None:
        hours = int(longest_measure / timedelta(hours=1))
        if timedelta(hours=hours) != longest_measure or hours < 1:
            raise BadInputError(f"longest_measure is {longest_measure}; give whole hours, at least one")
    values: dict[Any, dict[str, Any]] = {
        GoverningDocument: document_values(
            reference, right, Origin.COUNSEL, longest_measure_hours=hours, filing_stops=filing_stops
        ),
        NoticeTermsVersion: notice_terms_values(terms, Origin.COUNSEL),
    }
    source = f"entered by {by.reference}"
    versions: list[NewVersion[Any]] = []
    for kind, values_of_kind in values.items():
        before = in_force(session, kind, [subscription.id]).get(subscription.id)
        version = new_version(kind, before, subscription.id, values_of_kind, source, moment)
        if version is not None:
            versions.append(version)
    put_versions(session, versions, moment)
    made = [version.row for version in versions]
    entered = in_force(session, ContractDocuments, [subscription.id]).get(subscription.id)
    if made and entered is not None:
        require_later(entered.valid_from, moment)
        entered.valid_to = moment  # what is said of the governing document now takes their place
    if made:
        record_edit(session, by, tenant_id, at)
        append(
            Decision(session, by, at),
            "contract.terms_entered",
            "subscriptions",
            subscription.id,
            {"tenant_id": tenant_id, "versions": {row.__tablename__: row.id for row in made}},
        )
    return bool(made)


def enter_address(
    session: Session,
    tenant_id: str,
    role: str,
    addresses: tuple[str, ...],
    by: Actor,
    at: datetime,
    *,
    method: str = EMAIL,
) -> bool:
    """Record the addresses of a role for one method; those that are no longer named end now.

    Returns
    -------
    whether anything changed.

    Raises
    ------
    BadInputError
        If one of them is no address of the method, or the method is not served.
    """
    require_address = METHODS[require_method(method)]
    for address in addresses:
        require_address(address)
    subscription = _subscription(session, tenant_id)
    known = addresses_of(session, role, [subscription.id], method=method)[subscription.id]
    source = f"entered by {by.reference}"
    change = address_change(
        known, subscription.id, role, addresses, source, aware(at), origin=Origin.COUNSEL, method=method
    )
    if change is not None:
        put_addresses(session, [change], aware(at))
        record_edit(session, by, tenant_id, at)
        content = {"tenant_id": tenant_id, "role": role, **change.facts}
        append(
            Decision(session, by, at), "contract.addresses_entered", "subscriptions", subscription.id, content
        )
    return change is not None


@dataclass(frozen=True, slots=True)
class NewVersion(Generic[Versioned]):
    """A version that differs from the one before it; not on record yet."""

    before: Versioned | None
    row: Versioned


def new_version(
    kind: type[Versioned],
    before: Versioned | None,
    subscription_id: str,
    values: Mapping[str, Any],
    source: str,
    at: datetime,
) -> NewVersion[Versioned] | None:
    """Return the version with ``values`` that follows ``before``; None where nothing has changed.

    Raises
    ------
    BadInputError
        If the version before is valid from a later moment than ``at``.
    """
    if before is not None:
        if all(getattr(before, name) == value for name, value in values.items()):
            return None
        require_later(before.valid_from, at)
    row = new_row(
        kind,
        id=new_id(),
        recorded_at=at,
        subscription_id=subscription_id,
        version=before.version + 1 if before else 1,
        valid_from=at if before else None,
        source=source,
        **values,
    )
    return NewVersion(before, row)


def put_versions(session: Session, versions: Sequence[NewVersion[Any]], at: datetime) -> None:
    """Put versions on record: all that they replace end first, for only one of a kind is in force at a time."""
    for version in versions:
        if version.before is not None:
            version.before.valid_to = at
    insert_rows(session, (version.row for version in versions))


def document_values(
    reference: str | None,
    right: Right,
    origin: Origin,
    *,
    longest_measure_hours: int | None = None,
    filing_stops: bool = False,
) -> dict[str, Any]:
    """Return what a version of the governing document says."""
    return {
        "reference": reference,
        "right": right,
        "longest_measure_hours": longest_measure_hours,
        "filing_stops": filing_stops,
        "origin": origin,
    }


def notice_terms_values(terms: NoticeTerms | ContractTerms | None, origin: Origin) -> dict[str, Any]:
    """Return what a version of the notice terms says; ``terms`` is None where they were not read."""
    return {
        "reading": Reading.READ if terms else Reading.NOT_READ,
        "terms": _stored(terms) if terms else None,
        "origin": origin,
    }


@lru_cache(maxsize=64)
def _stored(terms: NoticeTerms | ContractTerms) -> str:
    """Return notice terms as they are stored; most tenants of a file have the same."""
    return canonical_json(to_document(whole_terms(terms))).decode()


@dataclass(frozen=True, slots=True)
class AddressChange:
    """The change by which the addresses of a role become the given ones; not on record yet."""

    ended: tuple[Address, ...]
    added: tuple[tuple[Address, PersonalText], ...]

    @property
    def facts(self) -> dict[str, Any]:
        """What the log says of it: ids, and digests in the place of the addresses."""
        added = [{"address_id": address.id, "sha256": text.sha256} for address, text in self.added]
        return {"added": added, "ended": [address.id for address in self.ended]}


def address_change(
    known: Sequence[tuple[Address, PersonalText]],
    subscription_id: str,
    role: str,
    addresses: Sequence[str],
    source: str,
    at: datetime,
    *,
    origin: Origin,
    method: str = EMAIL,
) -> AddressChange | None:
    """Return what must change so that the addresses of ``role`` for a method are exactly these; None: nothing.

    Parameters
    ----------
    known : all addresses of the role and the method, those that have ended too.

    Raises
    ------
    BadInputError
        If an address that ends is valid from a later moment than ``at``.
    """
    in_force = [(text.body, address) for address, text in known if address.valid_to is None]
    ended = tuple(address for body, address in in_force if body not in addresses)
    for address in ended:
        require_later(address.valid_from, at)
    added = []
    for body in dict.fromkeys(addresses):
        if all(body != known_body for known_body, _ in in_force):
            text = new_text(body, at)
            address = new_row(
                Address,
                id=new_id(),
                subscription_id=subscription_id,
                role=role,
                method=method,
                origin=origin,
                text_id=text.id,
                valid_from=at if known else None,
                recorded_at=at,
                source=source,
            )
            added.append((address, text))
    return AddressChange(ended, tuple(added)) if added or ended else None


def put_addresses(session: Session, changes: Sequence[AddressChange], at: datetime) -> None:
    """Put changes of addresses on record; the texts go first, for the addresses refer to them."""
    for change in changes:
        for address in change.ended:
            address.valid_to, address.end_recorded_at = at, recording_time(session)
    insert_rows(session, (text for change in changes for _, text in change.added))
    insert_rows(session, (address for change in changes for address, _ in change.added))


def in_force(
    session: Session, kind: type[Versioned], subscription_ids: Collection[str]
) -> dict[str, Versioned]:
    """Return the versions of ``kind`` that are still in force, by subscription."""
    rows = session.scalars(
        select(kind).where(kind.subscription_id.in_(subscription_ids), kind.valid_to.is_(None))
    )
    return {row.subscription_id: row for row in rows}


def addresses_of(
    session: Session, role: str, subscription_ids: Collection[str], *, method: str = EMAIL
) -> dict[str, list[tuple[Address, PersonalText]]]:
    """Return a role's addresses for a method with their texts, those that have ended too, by subscription."""
    rows = session.execute(
        select(Address, PersonalText)
        .join(PersonalText, PersonalText.id == Address.text_id)
        .where(Address.subscription_id.in_(subscription_ids), Address.role == role, Address.method == method)
        .order_by(Address.id)
    )
    known: dict[str, list[tuple[Address, PersonalText]]] = defaultdict(list)
    for address, text in rows:
        known[address.subscription_id].append((address, text))
    return known


def require_later(valid_from: datetime | None, at: datetime) -> None:
    """Refuse to change at ``at`` what is valid from a later moment; raises BadInputError, which names the clock."""
    if valid_from is not None and at < valid_from:
        raise BadInputError(
            f"contract data valid from {utc_text(valid_from)} is on record already, and the clock says "
            f"{utc_text(at)}; contract data cannot be changed before that: check the clock (--now)"
        )


def _subscription(session: Session, tenant_id: str) -> Subscription:
    subscription = session.scalar(select(Subscription).where(Subscription.tenant_id == tenant_id))
    if subscription is None:
        raise NotFoundError(
            f"no tenant {tenant_id!r} is on record; cjp-fraud tenants load FILE puts it there"
        )
    return subscription
