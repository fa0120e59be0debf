"""A tenant's contract at one moment: what governs, what was read of it, what term runs."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TypeVar

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from cjp_fraud.clock import aware
from cjp_fraud.contracts.model import Hosting, Reading, Right, why_not_accepted
from cjp_fraud.contracts.provisioning import date_fault, part_fault, proof_fault
from cjp_fraud.contracts.recipients import former_address_erased
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
from cjp_fraud.contracts.terms import NoticeTerms
from cjp_fraud.digests import digest
from cjp_fraud.documents import from_document
from cjp_fraud.errors import BadInputError

_Versioned = TypeVar("_Versioned", SubscriptionTerms, GoverningDocument, NoticeTermsVersion)


@dataclass(frozen=True, slots=True)
class DocumentVersion:
    """One version of a governing document."""

    id: str
    version: int
    reference: str


@dataclass(frozen=True, slots=True)
class Contract:
    """What governs a suspension of one tenant at one moment: its contract, as far as it was read.

    Parameters
    ----------
    customer_name : legal name of the customer, by which letters call it; None: not on record.
    governing_document : None where it is not known which document governs.
    right : what that document says about clause 2.4.
    deployment_accepted : whether the provider runs the deployment (clause 3); else ``deployment_fault``.
    term_from, term_to : first moment of the term and first moment after it; None: not given.
    provisioning_notice_date, provisioning_notice_part, provisioning_notice_proof : date (ISO 8601) and part of the
        notice of provisioning that the term rests on (clause 2.1), and where its proof lies; any one None: the term
        is not proven.
    notice_terms : None where the clause was not read or cannot be served; ``notice_terms_fault`` says which.
    longest_measure : None where the document names none.
    filing_stops : whether a dispute that is only filed already stops a measure.
    former_address_erased : whether an address was entered in the last 30 days, and the one before it was erased.
    versions : ids and digests of what this was read from; a proposal keeps them, and if they have changed
        since, a new proposal is needed.
    """

    tenant_id: str
    customer_name: str | None
    subscription_id: str
    provider_id: str
    governing_document: DocumentVersion | None
    right: Right
    hosting: Hosting | None
    product: str | None
    deployment_accepted: bool
    deployment_fault: str | None
    term_from: datetime | None
    term_to: datetime | None
    provisioning_notice_date: str | None
    provisioning_notice_part: str | None
    provisioning_notice_proof: str | None
    notice_terms: NoticeTerms | None
    notice_terms_id: str | None
    notice_terms_fault: str | None
    language: str
    time_zone: str
    critical: bool
    country: str | None
    offer_version: str | None
    features: tuple[str, ...]
    longest_measure: timedelta | None
    filing_stops: bool
    former_address_erased: bool
    versions: Mapping[str, str | None]

    def term_faults(self, at: datetime) -> tuple[str, ...]:
        """Return why the term is not proven at ``at`` (aware; clause 2.1), a sentence each; none: it is.

        It needs both ends, and of the notice of provisioning a date (given by then, and before the term's end), a part
        and a proof.
        """
        given, part, proof = (
            self.provisioning_notice_date,
            self.provisioning_notice_part,
            self.provisioning_notice_proof,
        )
        if self.term_from is None or self.term_to is None or given is None or part is None or proof is None:
            return (
                "the term is not proven: it needs both ends, and date, part and proof of the notice of provisioning",
            )
        try:
            day = date.fromisoformat(given)
        except ValueError:
            return (f"the term is not proven: the notice of provisioning has no date ({given})",)
        faults = (date_fault(day, self.term_to, self.time_zone, at), part_fault(part), proof_fault(proof))
        return tuple(f"the term is not proven: {fault}" for fault in faults if fault is not None)

    def term_running(self, at: datetime) -> bool:
        """Whether ``at`` (aware) lies inside a term that has both ends."""
        if self.term_from is None or self.term_to is None:
            return False
        return self.term_from <= aware(at) < self.term_to

    @property
    def clause(self) -> str:
        """Document and clause that a notice relies on, in words."""
        if self.governing_document is None:
            return "clause 2.4"
        served = self.notice_terms.clause if self.notice_terms else None
        return f"{self.governing_document.reference}, clause 2.4" + (f"; notices: {served}" if served else "")


def contract_at(session: Session, tenant_id: str, at: datetime) -> Contract:
    """Return where a tenant stands under its contract at ``at`` (aware).

    Raises
    ------
    NotFoundError
        If no such tenant is on record.
    """
    moment = aware(at)
    tenant, subscription = _tenant(session, tenant_id)
    site = session.scalar(select(Site).where(Site.subscription_id == subscription.id))
    # Where no version is in force, an empty one stands in its place: all that it would say is None.
    bought = _version_at(session, SubscriptionTerms, subscription.id, moment) or SubscriptionTerms()
    document = _version_at(session, GoverningDocument, subscription.id, moment) or GoverningDocument()
    notices = _version_at(session, NoticeTermsVersion, subscription.id, moment)
    terms, terms_fault = _readable(notices)
    fault = why_not_accepted(bought.hosting, bought.product)
    hours = document.longest_measure_hours
    return Contract(
        tenant_id=tenant_id,
        customer_name=tenant.name,
        subscription_id=subscription.id,
        provider_id=tenant.provider_id,
        governing_document=(
            DocumentVersion(document.id, document.version, document.reference) if document.reference else None
        ),
        right=document.right or Right.NOT_READ,
        hosting=bought.hosting,
        product=bought.product,
        deployment_accepted=fault is None,
        deployment_fault=fault,
        term_from=bought.term_from,
        term_to=bought.term_to,
        provisioning_notice_date=bought.provisioning_notice_date,
        provisioning_notice_part=bought.provisioning_notice_part,
        provisioning_notice_proof=bought.provisioning_notice_proof,
        notice_terms=terms,
        notice_terms_id=notices.id if notices else None,
        notice_terms_fault=terms_fault,
        language=tenant.language,
        time_zone=tenant.time_zone,
        critical=tenant.critical,
        country=site.country if site and site.country else tenant.country,
        offer_version=bought.offer_version,
        features=tuple((bought.features or "").split(";")) if bought.features else (),
        longest_measure=timedelta(hours=hours) if hours is not None else None,
        filing_stops=document.filing_stops or False,
        former_address_erased=(
            terms is not None and former_address_erased(session, subscription.id, terms.address_roles, moment)
        ),
        versions={
            "tenant": _tenant_digest(tenant),
            "subscription_terms": bought.id,
            "governing_document": document.id,
            "notice_terms": notices.id if notices else None,
            "addresses": digest(_addresses_in_force(session, subscription.id, moment)),
        },
    )


def _tenant(session: Session, tenant_id: str) -> tuple[Tenant, Subscription]:
    row = session.execute(
        select(Tenant, Subscription)
        .join(Subscription, Subscription.tenant_id == Tenant.id)
        .where(Tenant.id == tenant_id)
    ).one_or_none()
    if row is None:
        raise tenant_not_on_record(tenant_id, session.scalars(select(Tenant.id)))
    return row[0], row[1]


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
    return session.scalar(
        select(kind)
        .where(
            kind.subscription_id == subscription_id,
            or_(kind.valid_from.is_(None), kind.valid_from <= at),
            or_(kind.valid_to.is_(None), kind.valid_to > at),
        )
        .order_by(kind.version.desc())
        .limit(1)
    )


def _readable(version: NoticeTermsVersion | None) -> tuple[NoticeTerms | None, str | None]:
    if version is None or version.reading is Reading.NOT_READ or version.terms is None:
        return None, "the notice clause has not been read"
    try:
        return from_document(NoticeTerms, json.loads(version.terms)), None
    except (BadInputError, ValueError) as error:
        return None, f"the notice terms cannot be served: {error}"


def _addresses_in_force(session: Session, subscription_id: str, at: datetime) -> list[str]:
    return list(
        session.scalars(
            select(Address.id)
            .where(
                Address.subscription_id == subscription_id,
                or_(Address.valid_from.is_(None), Address.valid_from <= at),
                or_(Address.valid_to.is_(None), Address.valid_to > at),
            )
            .order_by(Address.id)
        )
    )
