"""The tenants on record, as traffic, detection and screens need them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from difflib import get_close_matches

from sqlalchemy import ColumnElement, select, true
from sqlalchemy.orm import Session

from cjp_fraud.clock import aware
from cjp_fraud.contracts.documents_on_record import reading_of_documents
from cjp_fraud.contracts.governing import Bought
from cjp_fraud.contracts.model import Reading, why_not_accepted
from cjp_fraud.contracts.tables import (
    ContractDocuments,
    NoticeTermsVersion,
    Site,
    Subscription,
    SubscriptionTerms,
    Tenant,
)
from cjp_fraud.errors import NotFoundError


@dataclass(frozen=True, slots=True)
class TenantOnRecord:
    """One tenant as it stands now.

    Parameters
    ----------
    deployment_accepted : whether its traffic is processed (clause 3); ``deployment_fault`` says why not.
    notice_terms : whether they are read; a tenant whose terms are not is flagged and reviewed, never suspended.
    agents : purchased agents, standard and premium; None: not given.
    """

    tenant_id: str
    time_zone: str
    country: str | None
    language: str
    plan: str | None
    agents: int | None
    critical: bool
    notice_terms: Reading
    deployment_accepted: bool
    deployment_fault: str | None
    term_from: datetime | None
    term_to: datetime | None


def tenants_on_record(
    session: Session,
    at: datetime,
    *,
    only: str | None = None,
    text: str = "",
    after: str = "",
    limit: int | None = None,
    within: ColumnElement[bool] | None = None,
) -> dict[str, TenantOnRecord]:
    """Return tenants as they stand at ``at`` (aware), by id, in the order of their ids.

    Parameters
    ----------
    only : this one alone; None: all.
    text : only those whose id holds it; small and capital letters are alike.
    after : only those whose id comes later.
    limit : at most so many; None: all.
    within : only those that a reader reaches (:func:`cjp_fraud.contracts.tenant_reach.tenants_within`); None: all.
    """
    rows = session.execute(
        select(
            Tenant, SubscriptionTerms, NoticeTermsVersion.reading, ContractDocuments.documents, Site.country
        )
        .join(Subscription, Subscription.tenant_id == Tenant.id)
        .outerjoin(
            SubscriptionTerms,
            (SubscriptionTerms.subscription_id == Subscription.id) & SubscriptionTerms.valid_to.is_(None),
        )
        .outerjoin(
            NoticeTermsVersion,
            (NoticeTermsVersion.subscription_id == Subscription.id) & NoticeTermsVersion.valid_to.is_(None),
        )
        .outerjoin(
            ContractDocuments,
            (ContractDocuments.subscription_id == Subscription.id) & ContractDocuments.valid_to.is_(None),
        )
        .outerjoin(Site, Site.subscription_id == Subscription.id)
        .where(Tenant.id == only if only is not None else true())
        .where(Tenant.id > after, Tenant.id.icontains(text, autoescape=True))
        .where(within if within is not None else true())
        .order_by(Tenant.id)
        .limit(limit)
    )
    found = {}
    for tenant, bought, reading, documents, site_country in rows:
        service = Bought(bought.plan if bought is not None else None, site_country or tenant.country)
        of_documents = reading_of_documents(documents, service, aware(at), tenant.time_zone)
        found[tenant.id] = _on_record(tenant, bought, of_documents or reading)
    return found


def require_tenant(session: Session, tenant_id: str) -> None:
    """Refuse a tenant that is not on record; raises NotFoundError, which names the nearest one that is."""
    if session.get(Tenant, tenant_id) is None:
        raise tenant_not_on_record(tenant_id, session.scalars(select(Tenant.id)))


def tenant_not_on_record(tenant_id: str, known: Iterable[str]) -> NotFoundError:
    """Return the error for an id that is not on record, with the nearest of the known ids."""
    by_small_letters = {name.lower(): name for name in known}
    near = get_close_matches(tenant_id.lower(), by_small_letters, n=1)
    meant = f"; did you mean {by_small_letters[near[0]]!r}?" if near else "."
    return NotFoundError(
        f"tenant {tenant_id!r} is not on record{meant} cjp-fraud tenants show lists the tenants, and tenants "
        "load FILE adds some"
    )


def _on_record(tenant: Tenant, bought: SubscriptionTerms | None, reading: Reading | None) -> TenantOnRecord:
    fault = why_not_accepted(bought.hosting if bought else None, bought.product if bought else None)
    counts = [] if bought is None else [bought.agents_standard, bought.agents_premium]
    known = [count for count in counts if count is not None]
    return TenantOnRecord(
        tenant_id=tenant.id,
        time_zone=tenant.time_zone,
        country=tenant.country,
        language=tenant.language,
        plan=bought.plan if bought else None,
        agents=sum(known) if known else None,
        critical=tenant.critical,
        notice_terms=reading or Reading.NOT_READ,
        deployment_accepted=fault is None,
        deployment_fault=fault,
        term_from=bought.term_from if bought else None,
        term_to=bought.term_to if bought else None,
    )
