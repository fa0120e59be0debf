"""Put the tenants of a file on record: all of them or, where the file has a fault, none."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from cjp_fraud.audit.log import append
from cjp_fraud.audit.tables import PersonalText
from cjp_fraud.clock import aware
from cjp_fraud.contracts.model import DEFAULT_LANGUAGE, Origin, Right
from cjp_fraud.contracts.tables import (
    DEFAULT_PROVIDER,
    Address,
    GoverningDocument,
    NoticeTermsVersion,
    Party,
    Provider,
    Site,
    Subscription,
    SubscriptionTerms,
    Tenant,
)
from cjp_fraud.contracts.tenants_file import PLAIN_TERMS, TenantRow, read_tenants
from cjp_fraud.contracts.terms import PLAIN_ROLE, plain_terms
from cjp_fraud.contracts.versions import (
    current,
    put_addresses,
    put_document,
    put_notice_terms,
    put_terms_bought,
)
from cjp_fraud.digests import digest
from cjp_fraud.people.model import Actor, Part
from cjp_fraud.people.participation import record_part

Report = Callable[[int, int, str], None]

_BOUGHT: Final = (
    "plan",
    "offer_version",
    "purchase_model",
    "agents_standard",
    "agents_premium",
    "hosting",
    "product",
    "support_level",
    "term_from",
    "term_to",
    "provisioning_notice_ref",
    "notice_method",
)
"""Columns that go into ``subscription_terms``."""
_TENANT: Final = ("name", "party_id", "provider_id", "country", "language", "critical")
_LOCK = 7_231_044_201_993_519
"""Number of the advisory lock under which one load at a time runs on PostgreSQL."""


@dataclass(frozen=True, slots=True)
class LoadResult:
    """What loading a tenants file did.

    Parameters
    ----------
    read : tenants in the file; ``added``, ``changed``, ``unchanged`` say what became of them.
    excluded : tenants of the file whose deployment the provider does not run (clause 3): their
        quarantined traffic must be purged.
    not_read : tenants of the file whose notice terms are not read: flagged and reviewed, never suspended.
    flex : tenants of the file bought inside the Flex Plan, which another offer description governs.
    """

    file: str
    read: int
    added: tuple[str, ...]
    changed: tuple[str, ...]
    unchanged: int
    excluded: tuple[str, ...]
    not_read: tuple[str, ...]
    flex: tuple[str, ...]


def load_tenants(
    session: Session, file: Path, by: Actor, at: datetime, *, report: Report | None = None
) -> LoadResult:
    """Load a tenants file in the caller's transaction; loading it again changes nothing.

    A column that the file does not have leaves what is on record; an empty cell takes it away. A changed
    address or term makes a new version, and the person who loads it has edited the contract.

    Parameters
    ----------
    by : a person, or ``system:tenants``.
    at : aware; valid time of what changes.
    report : called with done, total and the tenant in hand.

    Raises
    ------
    TenantsFileError
        Names all faults of the file; then nothing is stored.
    """
    rows = read_tenants(file)
    moment = aware(at)
    if session.get_bind().dialect.name == "postgresql":
        session.execute(text("SELECT pg_advisory_xact_lock(:number)"), {"number": _LOCK})
    added, changed, not_read, excluded, flex = [], [], [], [], []
    for done, row in enumerate(rows, 1):
        is_new, wrote, on_record = _put_tenant(session, file.name, row, by, moment)
        if is_new:
            added.append(row.tenant_id)
        elif wrote:
            changed.append(row.tenant_id)
        if not on_record.deployment_accepted:
            excluded.append(row.tenant_id)
        if on_record.inside_flex_plan:
            flex.append(row.tenant_id)
        if not _terms_are_read(session, row.tenant_id):
            not_read.append(row.tenant_id)
        if report is not None:
            report(done, len(rows), row.tenant_id)
    return LoadResult(
        file=file.name,
        read=len(rows),
        added=tuple(added),
        changed=tuple(changed),
        unchanged=len(rows) - len(added) - len(changed),
        excluded=tuple(excluded),
        not_read=tuple(not_read),
        flex=tuple(flex),
    )


def _put_tenant(
    session: Session, file: str, row: TenantRow, by: Actor, at: datetime
) -> tuple[bool, bool, TenantRow]:
    """Write one row; return whether the tenant is new, whether anything changed, and the row as it stands."""
    source = f"{file} line {row.line}"
    tenant = session.get(Tenant, row.tenant_id)
    is_new = tenant is None
    if tenant is None:
        tenant, subscription = _new_tenant(session, row, at)
        facts: dict[str, Any] = {"created": True}
    else:
        found = session.scalar(select(Subscription).where(Subscription.tenant_id == tenant.id))
        assert found is not None, "every tenant has one subscription"
        subscription = found
        row = _with_what_is_on_record(session, row, tenant, subscription)
        facts = {}
        before = _tenant_digest(tenant)
        _write_tenant(session, tenant, subscription, row, at)
        if _tenant_digest(tenant) != before:
            facts["tenant"] = {"before": before, "after": _tenant_digest(tenant)}
    versions = _put_contract(session, subscription, row, source, at)
    if versions:
        facts["versions"] = versions
    addresses = _put_address(session, subscription, row, source, at)
    if addresses:
        facts["addresses"] = addresses
    if facts:
        record_part(session, by, Part.EDITED_CONTRACT, tenant.id, at)
        append(session, by, "tenant.loaded", "tenants", tenant.id, at, facts)
    return is_new, bool(facts), row


def _new_tenant(session: Session, row: TenantRow, at: datetime) -> tuple[Tenant, Subscription]:
    tenant = Tenant(id=row.tenant_id, language=DEFAULT_LANGUAGE, critical=False, recorded_at=at)
    subscription = Subscription(tenant_id=row.tenant_id, recorded_at=at)
    _write_tenant(session, tenant, None, row, at)
    session.add(tenant)
    session.flush()
    session.add(subscription)
    session.flush()
    session.add(Site(subscription_id=subscription.id, country=row.country, recorded_at=at))
    return tenant, subscription


def _write_tenant(
    session: Session, tenant: Tenant, subscription: Subscription | None, row: TenantRow, at: datetime
) -> None:
    tenant.provider_id = row.provider_id or DEFAULT_PROVIDER
    tenant.party_id = row.party_id or row.tenant_id  # a party of its own by default
    if session.get(Provider, tenant.provider_id) is None:
        session.add(Provider(id=tenant.provider_id, recorded_at=at))
    if session.get(Party, tenant.party_id) is None:
        session.add(Party(id=tenant.party_id, recorded_at=at))
    session.flush()
    tenant.name = row.name
    tenant.time_zone = row.time_zone
    tenant.country = row.country
    tenant.language = row.language or DEFAULT_LANGUAGE
    tenant.critical = row.critical
    if subscription is not None:
        site = session.scalar(select(Site).where(Site.subscription_id == subscription.id))
        if site is not None and "country" in row.given:
            site.country = row.country


def _tenant_digest(tenant: Tenant) -> str:
    # Salted by nothing: no field of it is a person's; the name, which might be, is left out.
    return digest(
        [
            tenant.provider_id,
            tenant.party_id,
            tenant.time_zone,
            tenant.country,
            tenant.language,
            tenant.critical,
        ]
    )


def _with_what_is_on_record(
    session: Session, row: TenantRow, tenant: Tenant, subscription: Subscription
) -> TenantRow:
    """Fill in, for columns that the file does not have, what is on record."""
    bought = current(session, SubscriptionTerms, subscription.id)
    document = current(session, GoverningDocument, subscription.id)
    kept: dict[str, Any] = {name: getattr(tenant, name) for name in _TENANT}
    if bought is not None:
        kept |= {name: getattr(bought, name) for name in _BOUGHT}
    kept["governing_document"] = document.reference if document else None
    if "notice_address" not in row.given:
        kept["notice_address"] = _address_on_record(session, subscription.id)
    absent = {name: value for name, value in kept.items() if name not in row.given}
    return row.model_copy(update=absent)


def _address_on_record(session: Session, subscription_id: str) -> str | None:
    return session.scalar(
        select(PersonalText.body)
        .join(Address, Address.text_id == PersonalText.id)
        .where(
            Address.subscription_id == subscription_id, Address.role == PLAIN_ROLE, Address.valid_to.is_(None)
        )
        .order_by(Address.id)
        .limit(1)
    )


def _put_contract(
    session: Session, subscription: Subscription, row: TenantRow, source: str, at: datetime
) -> dict[str, str]:
    made: dict[str, str] = {}
    bought = put_terms_bought(
        session, subscription.id, {name: getattr(row, name) for name in _BOUGHT}, source, at
    )
    if bought is not None:
        made["subscription_terms"] = bought.id
    complete = all(getattr(row, name) is not None for name in PLAIN_TERMS)
    if not _counsel_entered(session, subscription.id, GoverningDocument):
        # Whoever bought inside the Flex Plan is governed by another offer description (preamble), which
        # this file cannot say to have been read.
        gives_right = complete and not row.inside_flex_plan
        document = put_document(
            session,
            subscription.id,
            {
                "reference": row.governing_document,
                "right": Right.CLAUSE_2_4 if gives_right else Right.NOT_READ,
                "longest_measure_hours": None,
                "filing_stops": False,
            },
            Origin.TENANTS_FILE,
            source,
            at,
        )
        if document is not None:
            made["governing_documents"] = document.id
    if not _counsel_entered(session, subscription.id, NoticeTermsVersion):
        terms = plain_terms() if complete else None
        notices = put_notice_terms(session, subscription.id, terms, Origin.TENANTS_FILE, source, at)
        if notices is not None:
            made["notice_terms"] = notices.id
    return made


def _put_address(
    session: Session, subscription: Subscription, row: TenantRow, source: str, at: datetime
) -> Mapping[str, Any]:
    if "notice_address" not in row.given:
        return {}
    addresses = (row.notice_address,) if row.notice_address else ()
    return put_addresses(session, subscription.id, PLAIN_ROLE, addresses, source, at)


def _counsel_entered(
    session: Session, subscription_id: str, kind: type[GoverningDocument] | type[NoticeTermsVersion]
) -> bool:
    version = session.scalar(
        select(kind.origin).where(kind.subscription_id == subscription_id, kind.valid_to.is_(None))
    )
    return version is Origin.COUNSEL


def _terms_are_read(session: Session, tenant_id: str) -> bool:
    return (
        session.scalar(
            select(NoticeTermsVersion.id)
            .join(Subscription, Subscription.id == NoticeTermsVersion.subscription_id)
            .where(
                Subscription.tenant_id == tenant_id,
                NoticeTermsVersion.valid_to.is_(None),
                NoticeTermsVersion.terms.is_not(None),
            )
        )
        is not None
    )
