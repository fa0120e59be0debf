"""What a row of a tenants file changes of what is on record of its tenant, and what it leaves to counsel."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Final

from cjp_fraud.audit.tables import PersonalText
from cjp_fraud.contracts.documents_on_record import reading_of_documents
from cjp_fraud.contracts.governing import Bought
from cjp_fraud.contracts.model import DEFAULT_LANGUAGE, Origin, Reading, Right
from cjp_fraud.contracts.provisioning import first_notice
from cjp_fraud.contracts.provisioning_on_record import (
    GivenNotice,
    ProvisioningChange,
    notice_of,
    provisioning_change,
)
from cjp_fraud.contracts.tables import (
    DEFAULT_PROVIDER,
    Address,
    ContractDocuments,
    GoverningDocument,
    NoticeTermsVersion,
    ProvisioningRecord,
    Site,
    Subscription,
    SubscriptionTerms,
    Tenant,
    ZoneChange,
)
from cjp_fraud.contracts.tenants_file import PLAIN_TERMS, TenantRow
from cjp_fraud.contracts.terms import PLAIN_ROLE, plain_terms
from cjp_fraud.contracts.versions import (
    AddressChange,
    NewVersion,
    address_change,
    document_values,
    new_version,
    notice_terms_values,
)
from cjp_fraud.digests import digest
from cjp_fraud.storage.base import Base, new_id
from cjp_fraud.storage.many_rows import new_row

_BOUGHT: Final = (
    "plan",
    "offer_version",
    "features",
    "purchase_model",
    "agents_standard",
    "agents_premium",
    "hosting",
    "product",
    "support_level",
    "term_from",
    "term_to",
    "notice_method",
)
"""Columns that go into ``subscription_terms``."""
_PROVISIONING: Final = (
    "provisioning_notice_date",
    "provisioning_notice_part",
    "provisioning_notice_proof",
)
"""Columns of a record of ``provisioning_notices``: its day, its part, its proof."""
_TENANT: Final = ("name", "party_id", "provider_id", "country", "language", "critical")


@dataclass(slots=True)
class KnownTenant:
    """What is on record of one tenant."""

    tenant: Tenant
    subscription: Subscription
    site: Site | None = None
    bought: SubscriptionTerms | None = None
    document: GoverningDocument | None = None
    notice_terms: NoticeTermsVersion | None = None
    documents: ContractDocuments | None = None
    provisioning: list[ProvisioningRecord] = field(default_factory=list)
    addresses: list[tuple[Address, PersonalText]] = field(default_factory=list)


@dataclass(slots=True)
class TenantChange:
    """What one row of the file changes.

    Parameters
    ----------
    row : the row, completed by what is on record where the file has no such column.
    new_rows : tenant, subscription and site of a new tenant.
    zone_change : what is on record of a changed time zone; None where it did not change.
    facts : what the log says; empty where nothing changes.
    terms_read : whether the notice terms are read, of the contract or of a document of it, once the change is made.
    addresses_kept : whether the row names another address than counsel entered; counsel's stands.
    rows : every row that is new or may have changed; the log names them.
    """

    row: TenantRow
    is_new: bool
    new_rows: tuple[Tenant, Subscription, Site] | None
    versions: list[NewVersion[Any]]
    provisioning: ProvisioningChange | None
    addresses: AddressChange | None
    zone_change: ZoneChange | None
    facts: dict[str, Any]
    terms_read: bool
    addresses_kept: bool
    rows: list[Base]


def change_of(record: KnownTenant | None, row: TenantRow, source: str, at: datetime) -> TenantChange:
    """Return what a row changes of a tenant, with the rows written for it; None on record: the tenant is made."""
    new_rows, zone_change = None, None
    facts: dict[str, Any] = {"created": True}
    if record is None:
        new_rows = _new_tenant(row, at)
        record = KnownTenant(*new_rows)
    else:
        row = _with_what_is_on_record(record, row)
        zone_change, facts = _change_tenant(record, row, source, at)
    versions = _contract_versions(record, row, source, at)
    if versions:
        facts["versions"] = {version.row.__tablename__: version.row.id for version in versions}
    provisioning = _provisioning_change(record, row, source, at)
    if provisioning is not None:
        facts["provisioning_notices"] = provisioning.facts
    addresses, kept = _address_change(record, row, source, at)
    if addresses is not None:
        facts["addresses"] = addresses.facts
    in_force_after = [version.row for version in versions if isinstance(version.row, NoticeTermsVersion)]
    notice_terms = in_force_after[0] if in_force_after else record.notice_terms
    rows: list[Base | None] = [record.tenant, record.subscription, record.site, zone_change]
    rows += [of_version for version in versions for of_version in (version.before, version.row)]
    if provisioning is not None:
        rows += [*provisioning.ended, *provisioning.added]
    if addresses is not None:
        rows += [*addresses.ended, *(row for pair in addresses.added for row in pair)]
    return TenantChange(
        row=row,
        is_new=new_rows is not None,
        new_rows=new_rows,
        versions=versions,
        provisioning=provisioning,
        addresses=addresses,
        zone_change=zone_change,
        facts=facts,
        terms_read=_terms_read(record, row, notice_terms, at),
        addresses_kept=kept,
        rows=[written for written in rows if written is not None],
    )


def _terms_read(
    record: KnownTenant, row: TenantRow, notice_terms: NoticeTermsVersion | None, at: datetime
) -> bool:
    """Whether the notice terms in force are read: those of a document that holds, or those of the whole contract."""
    stored = record.documents.documents if record.documents is not None else None
    reading = reading_of_documents(stored, Bought(row.plan, row.country), at, row.time_zone)
    if reading is not None:
        return reading is Reading.READ
    return notice_terms is not None and notice_terms.terms is not None


def _new_tenant(row: TenantRow, at: datetime) -> tuple[Tenant, Subscription, Site]:
    """Return the rows of a tenant that is not on record."""
    tenant = new_row(Tenant, id=row.tenant_id, recorded_at=at, **_of_tenant(row))
    subscription = new_row(Subscription, id=new_id(), tenant_id=row.tenant_id, recorded_at=at)
    site = new_row(Site, id=new_id(), subscription_id=subscription.id, country=row.country, recorded_at=at)
    return tenant, subscription, site


def _change_tenant(
    record: KnownTenant, row: TenantRow, source: str, at: datetime
) -> tuple[ZoneChange | None, dict[str, Any]]:
    """Put a row's values into the tenant on record; return the change of its zone, and the facts for the log."""
    facts: dict[str, Any] = {}
    zone_change = None
    before, zone, name = _tenant_digest(record.tenant), record.tenant.time_zone, record.tenant.name
    for column, value in _of_tenant(row).items():
        setattr(record.tenant, column, value)
    if record.tenant.time_zone != zone:
        zone_change = ZoneChange(
            id=new_id(),
            tenant_id=row.tenant_id,
            before=zone,
            time_zone=row.time_zone,
            changed_at=at,
            source=source,
        )
        facts["zone_change"] = zone_change.id
    if record.tenant.name != name:
        facts["name_changed"] = True
    if record.site is not None and "country" in row.given:
        record.site.country = row.country
    if _tenant_digest(record.tenant) != before:
        facts["tenant"] = {"before": before, "after": _tenant_digest(record.tenant)}
    return zone_change, facts


def _of_tenant(row: TenantRow) -> dict[str, Any]:
    """Return the columns of ``tenants`` that a row of the file says."""
    return {
        "provider_id": row.provider_id or DEFAULT_PROVIDER,
        "party_id": row.party_id or row.tenant_id,
        "name": row.name,
        "time_zone": row.time_zone,
        "country": row.country,
        "language": row.language or DEFAULT_LANGUAGE,
        "critical": row.critical,
    }


def _tenant_digest(tenant: Tenant) -> str:
    # Not salted: no field of it is a person's; the name, which might be, is left out.
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


def _with_what_is_on_record(record: KnownTenant, row: TenantRow) -> TenantRow:
    """Fill in, for columns that the file does not have, what is on record."""
    values: dict[str, Any] = {name: getattr(record.tenant, name) for name in _TENANT}
    if record.bought is not None:
        values |= {name: getattr(record.bought, name) for name in _BOUGHT}
    values |= _provisioning_on_record(record)
    values["governing_document"] = record.document.reference if record.document else None
    in_force_now = [text.body for address, text in record.addresses if address.valid_to is None]
    values["notice_address"] = in_force_now[0] if in_force_now else None
    return row.model_copy(update={name: value for name, value in values.items() if name not in row.given})


def _provisioning_on_record(record: KnownTenant) -> dict[str, Any]:
    """Return the columns of the notice of provisioning from which the term runs, as far as they are on record."""
    first = first_notice([notice_of(row) for row in record.provisioning])
    if first is None:
        return {} if record.bought is None else dict.fromkeys(_PROVISIONING)
    given_on = date.fromisoformat(first.given_on) if first.given_on is not None else None
    return dict(zip(_PROVISIONING, (given_on, first.part, first.proof), strict=True))


def _provisioning_change(
    record: KnownTenant, row: TenantRow, source: str, at: datetime
) -> ProvisioningChange | None:
    """Return what a row changes of the notices of provisioning; those that counsel entered are left alone."""
    if any(notice.origin is Origin.COUNSEL for notice in record.provisioning):
        return None
    given, part, proof = (_stored(getattr(row, name)) for name in _PROVISIONING)
    said = GivenNotice(given_on=given, part=part, proof=proof)
    wanted = (said,) if given is not None or proof is not None else ()
    return provisioning_change(
        record.provisioning, record.subscription.id, wanted, Origin.TENANTS_FILE, source, at
    )


def _address_change(
    record: KnownTenant, row: TenantRow, source: str, at: datetime
) -> tuple[AddressChange | None, bool]:
    """Return what a row changes of the notice address; and whether counsel's stands in its way, which is left alone."""
    if "notice_address" not in row.given:
        return None, False
    given = (row.notice_address,) if row.notice_address else ()
    standing = [(address.origin, text.body) for address, text in record.addresses if address.valid_to is None]
    if any(origin is Origin.COUNSEL for origin, _ in standing):
        return None, not set(given) <= {body for _, body in standing} or not given
    subscription_id = record.subscription.id
    change = address_change(
        record.addresses, subscription_id, PLAIN_ROLE, given, source, at, origin=Origin.TENANTS_FILE
    )
    return change, False


def _contract_versions(
    record: KnownTenant, row: TenantRow, source: str, at: datetime
) -> list[NewVersion[Any]]:
    """Return the new versions of what was bought, what governs and how notices are served.

    What counsel has entered is left alone. Whoever bought inside the Flex Plan is governed by another offer
    description (preamble), which this file cannot say to have been read.
    """
    complete = all(getattr(row, name) is not None for name in PLAIN_TERMS)
    right = Right.CLAUSE_2_4 if complete and not row.inside_flex_plan else Right.NOT_READ
    standing_and_new: list[tuple[Any, Any, dict[str, Any]]] = [
        (SubscriptionTerms, record.bought, {name: _stored(getattr(row, name)) for name in _BOUGHT})
    ]
    if record.document is None or record.document.origin is not Origin.COUNSEL:
        values = document_values(row.governing_document, right, Origin.TENANTS_FILE)
        standing_and_new.append((GoverningDocument, record.document, values))
    if record.notice_terms is None or record.notice_terms.origin is not Origin.COUNSEL:
        values = notice_terms_values(plain_terms() if complete else None, Origin.TENANTS_FILE)
        standing_and_new.append((NoticeTermsVersion, record.notice_terms, values))
    versions = [
        new_version(kind, before, record.subscription.id, values, source, at)
        for kind, before, values in standing_and_new
    ]
    return [version for version in versions if version is not None]


def _stored(value: Any) -> Any:
    """Return a value as its column holds it: a date as its text."""
    return value.isoformat() if isinstance(value, date) and not isinstance(value, datetime) else value
