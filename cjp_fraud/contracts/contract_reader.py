"""Read a tenant's contract, and to whom its notices go, as they stand at one moment."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache, lru_cache
from typing import Any, Final, TypeVar

from sqlalchemy import Select, bindparam, select
from sqlalchemy.orm import Session

from cjp_fraud.audit.tables import PersonalText
from cjp_fraud.clock import aware
from cjp_fraud.contracts.business_calendar import Calendars
from cjp_fraud.contracts.contract_terms import ContractTerms, contract_terms_from
from cjp_fraud.contracts.documents_on_record import GoverningOnRecord, governing_at
from cjp_fraud.contracts.governing import Bought
from cjp_fraud.contracts.holiday_list import needed_calendars
from cjp_fraud.contracts.model import Reading, Recipient, Right, why_not_accepted
from cjp_fraud.contracts.position import Contract, DocumentVersion
from cjp_fraud.contracts.provisioning import first_notice, term_begins
from cjp_fraud.contracts.provisioning_on_record import provisioning_at
from cjp_fraud.contracts.reason_profile_entry import profiles_in_force
from cjp_fraud.contracts.receipt import earliest_measure
from cjp_fraud.contracts.recipients import AddressOnRecord, former_address_erased, recipients_among
from cjp_fraud.contracts.stated import Unstated
from cjp_fraud.contracts.tables import (
    Address,
    GoverningDocument,
    NoticeTermsVersion,
    Site,
    Subscription,
    SubscriptionTerms,
    Tenant,
)
from cjp_fraud.contracts.tenants import tenant_not_on_record
from cjp_fraud.digests import digest
from cjp_fraud.documents import to_document
from cjp_fraud.errors import BadInputError
from cjp_fraud.storage.database import read_once
from cjp_fraud.storage.read_rows import rows_kept

# Made once: to make a statement takes longer than to run it.
_SITE: Final = select(Site).where(Site.subscription_id == bindparam("subscription_id"))
_TENANT: Final = (
    select(Tenant, Subscription)
    .join(Subscription, Subscription.tenant_id == Tenant.id)
    .where(Tenant.id == bindparam("tenant_id"))
)
_ADDRESSES: Final = (
    select(Address, PersonalText)
    .join(Subscription, Subscription.id == Address.subscription_id)
    .join(PersonalText, PersonalText.id == Address.text_id)
    .where(Subscription.tenant_id == bindparam("tenant_id"))
    .order_by(Address.role, Address.id)
)
_ADDRESSES_OF_ROLES: Final = _ADDRESSES.where(Address.role.in_(bindparam("roles", expanding=True)))
_ADDRESSES_IN_FORCE: Final = (
    select(Address.id)
    .where(Address.subscription_id == bindparam("subscription_id"), Address.counts_at(bindparam("at")))
    .order_by(Address.id)
)

_Versioned = TypeVar("_Versioned", SubscriptionTerms, GoverningDocument, NoticeTermsVersion)


def contract_at(
    session: Session, tenant_id: str, at: datetime, *, known_at: datetime | None = None
) -> Contract:
    """Return where a tenant stands under its contract at ``at`` (aware).

    Parameters
    ----------
    known_at : aware; by the documents, terms and notices of provisioning on record at this moment. None: at ``at``.

    Raises
    ------
    NotFoundError
        If no such tenant is on record.
    """
    moment = aware(at)
    known = moment if known_at is None else aware(known_at)
    return read_once(
        session,
        ("contract", tenant_id, moment, known),
        lambda: _read_contract(session, tenant_id, moment, known),
    )


def _read_contract(session: Session, tenant_id: str, moment: datetime, known_at: datetime) -> Contract:
    tenant, subscription = _tenant(session, tenant_id)
    site = _site(session, subscription.id)
    # Where no version is in force, an empty one stands in its place: all that it would say is None.
    bought = _version_at(session, SubscriptionTerms, subscription.id, moment) or SubscriptionTerms()
    document = _version_at(session, GoverningDocument, subscription.id, moment) or GoverningDocument()
    notices = _version_at(session, NoticeTermsVersion, subscription.id, known_at)
    country = site.country if site and site.country else tenant.country
    entered = governing_at(
        session, subscription.id, Bought(bought.plan, country), moment, tenant.time_zone, known_at=known_at
    )
    whole, terms_fault, terms_id = _terms(notices, entered)
    calendars, terms_fault = _calendars(whole, tenant.time_zone, country, moment.year, terms_fault)
    terms = whole.notices("suspension") if whole is not None and terms_fault is None else None
    governs = _governs(document, entered)
    provisioned = provisioning_at(session, subscription.id, known_at)
    first = first_notice(provisioned)
    fault = why_not_accepted(bought.hosting, bought.product)
    documents = entered.documents if entered is not None else None
    entity = documents.contracting_entity if documents is not None else None
    profiles = profiles_in_force(session, tenant.provider_id, entity, moment)
    return Contract(
        tenant_id=tenant_id,
        customer_name=tenant.name,
        subscription_id=subscription.id,
        provider_id=tenant.provider_id,
        governing_document=governs.document,
        right=governs.right,
        hosting=bought.hosting,
        product=bought.product,
        deployment_accepted=fault is None,
        deployment_fault=fault,
        term_from=bought.term_from or term_begins(first, tenant.time_zone),
        term_to=bought.term_to,
        provisioning_notice_date=first.given_on if first is not None else None,
        provisioning_notice_part=first.part if first is not None else None,
        provisioning_notice_proof=first.proof if first is not None else None,
        notice_terms=terms,
        notice_terms_id=terms_id,
        notice_terms_fault=terms_fault,
        language=tenant.language,
        time_zone=tenant.time_zone,
        critical=tenant.critical,
        country=country,
        offer_version=bought.offer_version,
        features=tuple((bought.features or "").split(";")) if bought.features else (),
        longest_measure=_shortest(governs.longest_measure, whole.longest if whole is not None else None),
        filing_stops=governs.filing_stops or (whole is not None and whole.filing_stops is True),
        former_address_erased=(
            terms is not None
            and _some_address_ended(session, subscription.id)
            and former_address_erased(_addresses(session, tenant_id, terms.address_roles), moment)
        ),
        versions={
            "tenant": _tenant_digest(tenant),
            "subscription_terms": bought.id,
            "governing_document": governs.version,
            "provisioning_notices": digest([notice.id for notice in provisioned]),
            "notice_terms": terms_id,
            "addresses": digest(_addresses_in_force(session, subscription.id, moment)),
            **({"reason_profiles": digest(list(map(to_document, profiles)))} if profiles else {}),
        },
        terms=whole,
        own_calendars=calendars,
        provisioning_notices=provisioned,
        governing=entered.governing if entered is not None else None,
        documents=documents,
        reason_profiles=profiles,
        purchase_model=bought.purchase_model,
    )


@dataclass(frozen=True, slots=True)
class _Governs:
    """What governs, from the documents that counsel entered, or from the one that the tenants file names.

    ``version`` changes with whatever was entered, and with what of it is in force.
    """

    document: DocumentVersion | None
    right: Right
    longest_measure_hours: int | None
    filing_stops: bool
    version: str | None

    @property
    def longest_measure(self) -> timedelta | None:
        """The longest measure that the document allows; None: it names none, or was not read."""
        hours = self.longest_measure_hours
        return timedelta(hours=hours) if hours is not None else None


def _governs(named: GoverningDocument, entered: GoverningOnRecord | None) -> _Governs:
    if entered is None:
        document = _document_version(named)
        right = named.right or Right.NOT_READ
        return _Governs(document, right, named.longest_measure_hours, bool(named.filing_stops), named.id)
    row, answer = entered.row, entered.governing
    rests_on = [row.id, answer.chain, answer.right, answer.longest_measure_hours, answer.filing_stops]
    if answer.terms_of is not None:
        rests_on.append(answer.terms_of)
    highest = answer.document
    return _Governs(
        document=DocumentVersion(row.id, row.version, highest.words) if highest is not None else None,
        right=answer.right,
        longest_measure_hours=answer.longest_measure_hours,
        filing_stops=answer.filing_stops,
        version=digest([*rests_on, answer.faults]),
    )


def _document_version(document: GoverningDocument) -> DocumentVersion | None:
    return DocumentVersion(document.id, document.version, document.reference) if document.reference else None


def recipients(
    session: Session, tenant_id: str, roles: Iterable[str] | None, at: datetime
) -> tuple[Recipient, ...]:
    """Return to whom a notice goes that is sent at ``at`` (aware).

    The rule is :func:`cjp_fraud.contracts.recipients.recipients_among`.

    Parameters
    ----------
    roles : as the notice terms name them (``NoticeTerms.address_roles``); None: every address of the contract.
    """
    return recipients_among(_addresses(session, tenant_id, roles), at)


def _addresses(session: Session, tenant_id: str, roles: Iterable[str] | None) -> list[AddressOnRecord]:
    """Return all addresses of these roles (None: of all) that were ever on record for a tenant, by role and id."""
    if roles is None:
        rows = session.execute(_ADDRESSES, {"tenant_id": tenant_id})
    else:
        rows = session.execute(_ADDRESSES_OF_ROLES, {"tenant_id": tenant_id, "roles": list(roles)})
    return [
        AddressOnRecord(
            id=address.id,
            role=address.role,
            method=address.method,
            text=text.body,
            sha256=text.sha256,
            erased_at=text.erased_at,
            source=address.source,
            recorded_at=address.recorded_at,
            valid_from=address.valid_from,
            valid_to=address.valid_to,
            end_recorded_at=address.end_recorded_at,
        )
        for address, text in rows
    ]


def _some_address_ended(session: Session, subscription_id: str) -> bool:
    """Whether an address may have ended; where none has, there is no former one."""
    kept = rows_kept(session, Address, subscription_id)
    return kept is None or any(row.valid_to is not None for row in kept)


def _tenant(session: Session, tenant_id: str) -> tuple[Tenant, Subscription]:
    tenants = rows_kept(session, Tenant, tenant_id)
    subscriptions = rows_kept(session, Subscription, tenant_id)
    if tenants and subscriptions:
        return tenants[0], subscriptions[0]
    row = session.execute(_TENANT, {"tenant_id": tenant_id}).one_or_none()
    if row is None:
        raise tenant_not_on_record(tenant_id, session.scalars(select(Tenant.id)))
    return row[0], row[1]


def _site(session: Session, subscription_id: str) -> Site | None:
    kept = rows_kept(session, Site, subscription_id)
    if kept is not None and len(kept) < 2:
        return next(iter(kept), None)
    return session.scalar(_SITE, {"subscription_id": subscription_id})


def _tenant_digest(tenant: Tenant) -> str:
    """Return a digest of the fields of the tenant on which a decision rests."""
    return digest(
        {
            "provider": tenant.provider_id,
            "party": tenant.party_id,
            "name": tenant.name,
            "time_zone": tenant.time_zone,
            "country": tenant.country,
            "language": tenant.language,
            "critical": tenant.critical,
        }
    )


def _version_at(
    session: Session, kind: type[_Versioned], subscription_id: str, at: datetime
) -> _Versioned | None:
    kept = rows_kept(session, kind, subscription_id)
    if kept is not None:
        in_force = (row for row in kept if row.was_in_force(at))
        return max(in_force, key=lambda row: row.version, default=None)
    version: _Versioned | None = session.scalar(
        _version_of(kind), {"subscription_id": subscription_id, "at": at}
    )
    return version


@cache
def _version_of(kind: type[_Versioned]) -> Select[Any]:
    """Return what reads the version that counts; made once: to make a statement takes longer than to run it."""
    return (
        select(kind)
        .where(kind.subscription_id == bindparam("subscription_id"), kind.counts_at(bindparam("at")))
        .order_by(kind.version.desc())
        .limit(1)
    )


def _shortest(*durations: timedelta | None) -> timedelta | None:
    return min((each for each in durations if each is not None), default=None)


def _terms(
    notices: NoticeTermsVersion | None, entered: GoverningOnRecord | None
) -> tuple[ContractTerms | None, str | None, str | None]:
    """Return the notice terms, what keeps them from being served, and the id of what they stand in.

    Those that a governing document has itself go before those of the contract as a whole.
    """
    of_document = entered.governing.terms if entered is not None else None
    if entered is None or of_document is None:
        terms, fault = _readable(notices)
        return terms, fault, notices.id if notices is not None else None
    if isinstance(of_document, Unstated):
        return None, f"the notice clause of {entered.governing.terms_of} has not been read", entered.row.id
    return of_document, of_document.fault, entered.row.id


def _readable(version: NoticeTermsVersion | None) -> tuple[ContractTerms | None, str | None]:
    """Return the notice terms of a contract, as far as they were read, and what keeps them from being served."""
    if version is None or version.reading is Reading.NOT_READ or version.terms is None:
        return None, "the notice clause has not been read"
    try:
        terms = _terms_in(version.terms)
    except (BadInputError, ValueError) as error:
        return None, f"the notice terms cannot be served: {error}"
    return terms, terms.fault


@lru_cache(1_000)
def _terms_in(stored: str) -> ContractTerms:
    """Return the terms that a text says: the same text always says the same."""
    return contract_terms_from(json.loads(stored))


def _calendars(
    terms: ContractTerms | None, time_zone: str, country: str | None, year: int, fault: str | None
) -> tuple[Calendars | None, str | None]:
    """Return the calendars that the terms count by, and what keeps the terms from being served."""
    if terms is None or fault is not None:
        return None, fault
    try:
        calendars = needed_calendars(terms, recipient_zone=time_zone, recipient_country=country, year=year)
        suspension = terms.notices("suspension")
        if suspension is not None:  # a trial: whatever days it needs must be known
            earliest_measure(datetime(year, 12, 31, tzinfo=UTC), suspension, calendars)
    except BadInputError as error:
        return None, f"the notice terms cannot be served: {error}"
    return calendars, None


def _addresses_in_force(session: Session, subscription_id: str, at: datetime) -> list[str]:
    kept = rows_kept(session, Address, subscription_id)
    if kept is not None:
        return sorted(row.id for row in kept if row.was_in_force(at))
    return list(session.scalars(_ADDRESSES_IN_FORCE, {"subscription_id": subscription_id, "at": at}))
