"""Put the tenants of a file on record: all of them or, where the file has a fault, none."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Any, Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from cjp_fraud.audit.log import Act, append_each
from cjp_fraud.audit.recording import insert_rows
from cjp_fraud.audit.tables import PersonalText
from cjp_fraud.clock import aware
from cjp_fraud.contracts.confirmation import record_edit
from cjp_fraud.contracts.model import DEFAULT_LANGUAGE, Origin, Right
from cjp_fraud.contracts.provisioning import first_notice
from cjp_fraud.contracts.provisioning_on_record import (
    GivenNotice,
    ProvisioningChange,
    notice_of,
    provisioning_change,
    provisioning_in_force,
    put_provisioning,
)
from cjp_fraud.contracts.tables import (
    DEFAULT_PROVIDER,
    Address,
    GoverningDocument,
    NoticeTermsVersion,
    Party,
    Provider,
    ProvisioningRecord,
    Site,
    Subscription,
    SubscriptionTerms,
    Tenant,
    ZoneChange,
)
from cjp_fraud.contracts.tenants_file import PLAIN_TERMS, TenantRow, read_tenants
from cjp_fraud.contracts.terms import PLAIN_ROLE, plain_terms
from cjp_fraud.contracts.versions import (
    AddressChange,
    NewVersion,
    address_change,
    addresses_of,
    document_values,
    in_force,
    new_version,
    notice_terms_values,
    put_addresses,
    put_versions,
)
from cjp_fraud.digests import digest
from cjp_fraud.people.model import Actor, Decision
from cjp_fraud.progress import Report
from cjp_fraud.storage.base import Base, new_id
from cjp_fraud.storage.locks import named_lock

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
_AT_ONCE: Final = 500
"""Tenants that one statement names: SQLite takes 32,766 variables, PostgreSQL 65,535."""


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

    What is on record is read, and what changes is written, a table at a time: the number of statements does
    not grow with the number of tenants.

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
    moment = aware(at)
    rows = read_tenants(file, moment)
    named_lock(session, "load tenants")
    records = _read_records(session, [row.tenant_id for row in rows])
    _make_referred(session, rows, moment)
    changes = []
    for done, row in enumerate(rows, 1):
        changes.append(_change(records.get(row.tenant_id), row, f"{file.name} line {row.line}", moment))
        if report is not None:
            report(done, len(rows), row.tenant_id)
    _write(session, changes, moment)
    wrote = [change for change in changes if change.facts]
    for change in wrote:
        change.rows += record_edit(session, by, change.row.tenant_id, moment)
    append_each(
        Decision(session, by, moment),
        [
            Act("tenant.loaded", "tenants", change.row.tenant_id, change.facts, change.rows)
            for change in wrote
        ],
    )
    added = tuple(change.row.tenant_id for change in changes if change.is_new)
    return LoadResult(
        file=file.name,
        read=len(rows),
        added=added,
        changed=tuple(change.row.tenant_id for change in wrote if not change.is_new),
        unchanged=len(rows) - len(wrote),
        excluded=tuple(change.row.tenant_id for change in changes if not change.row.deployment_accepted),
        not_read=tuple(change.row.tenant_id for change in changes if not change.terms_read),
        flex=tuple(change.row.tenant_id for change in changes if change.row.inside_flex_plan),
    )


@dataclass(slots=True)
class _Record:
    """What is on record of one tenant."""

    tenant: Tenant
    subscription: Subscription
    site: Site | None = None
    bought: SubscriptionTerms | None = None
    document: GoverningDocument | None = None
    notice_terms: NoticeTermsVersion | None = None
    provisioning: list[ProvisioningRecord] = field(default_factory=list)
    addresses: list[tuple[Address, PersonalText]] = field(default_factory=list)


@dataclass(slots=True)
class _Change:
    """What one row of the file changes.

    Parameters
    ----------
    row : the row, completed by what is on record where the file has no such column.
    new_rows : tenant, subscription and site of a new tenant.
    zone_change : what is on record of a changed time zone; None where it did not change.
    facts : what the log says; empty where nothing changes.
    terms_read : whether the notice terms are read, once the change is made.
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
    rows: list[Base]


def _read_records(session: Session, tenant_ids: Sequence[str]) -> dict[str, _Record]:
    records: dict[str, _Record] = {}
    for begin in range(0, len(tenant_ids), _AT_ONCE):
        chunk = tenant_ids[begin : begin + _AT_ONCE]
        statement = (
            select(Tenant, Subscription)
            .join(Subscription, Subscription.tenant_id == Tenant.id)
            .where(Tenant.id.in_(chunk))
        )
        of_subscription = {
            subscription.id: _Record(tenant, subscription)
            for tenant, subscription in session.execute(statement)
        }
        ids = list(of_subscription)
        for site in session.scalars(select(Site).where(Site.subscription_id.in_(ids))):
            of_subscription[site.subscription_id].site = site
        for subscription_id, bought in in_force(session, SubscriptionTerms, ids).items():
            of_subscription[subscription_id].bought = bought
        for subscription_id, document in in_force(session, GoverningDocument, ids).items():
            of_subscription[subscription_id].document = document
        for subscription_id, notice_terms in in_force(session, NoticeTermsVersion, ids).items():
            of_subscription[subscription_id].notice_terms = notice_terms
        for subscription_id, notices in provisioning_in_force(session, ids).items():
            of_subscription[subscription_id].provisioning = notices
        for subscription_id, addresses in addresses_of(session, PLAIN_ROLE, ids).items():
            of_subscription[subscription_id].addresses = addresses
        records |= {record.tenant.id: record for record in of_subscription.values()}
    return records


def _make_referred(session: Session, rows: Sequence[TenantRow], at: datetime) -> None:
    """Put the providers and parties on record that the rows name and that are not there yet."""
    for kind, names in (
        (Provider, {row.provider_id or DEFAULT_PROVIDER for row in rows}),
        (Party, {row.party_id or row.tenant_id for row in rows}),  # a party of its own by default
    ):
        present = set(session.scalars(select(kind.id)))
        insert_rows(session, [kind(id=name, recorded_at=at) for name in sorted(names - present)])


def _change(record: _Record | None, row: TenantRow, source: str, at: datetime) -> _Change:
    """Return what a row changes of a tenant, with the rows written for it; None on record: the tenant is made."""
    new_rows, zone_change = None, None
    facts: dict[str, Any] = {"created": True}
    if record is None:
        new_rows = _new_tenant(row, at)
        record = _Record(*new_rows)
    else:
        row = _with_what_is_on_record(record, row)
        zone_change, facts = _change_tenant(record, row, source, at)
    versions = _contract_versions(record, row, source, at)
    if versions:
        facts["versions"] = {version.row.__tablename__: version.row.id for version in versions}
    provisioning = _provisioning_change(record, row, source, at)
    if provisioning is not None:
        facts["provisioning_notices"] = provisioning.facts
    addresses = None
    if "notice_address" in row.given:
        given = (row.notice_address,) if row.notice_address else ()
        addresses = address_change(record.addresses, record.subscription.id, PLAIN_ROLE, given, source, at)
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
    return _Change(
        row=row,
        is_new=new_rows is not None,
        new_rows=new_rows,
        versions=versions,
        provisioning=provisioning,
        addresses=addresses,
        zone_change=zone_change,
        facts=facts,
        terms_read=notice_terms is not None and notice_terms.terms is not None,
        rows=[written for written in rows if written is not None],
    )


def _new_tenant(row: TenantRow, at: datetime) -> tuple[Tenant, Subscription, Site]:
    """Return the rows of a tenant that is not on record."""
    tenant = Tenant(id=row.tenant_id, recorded_at=at)
    subscription = Subscription(id=new_id(), tenant_id=row.tenant_id, recorded_at=at)
    site = Site(id=new_id(), subscription_id=subscription.id, country=row.country, recorded_at=at)
    _fill_tenant(tenant, row)
    return tenant, subscription, site


def _change_tenant(
    record: _Record, row: TenantRow, source: str, at: datetime
) -> tuple[ZoneChange | None, dict[str, Any]]:
    """Put a row's values into the tenant on record; return the change of its zone, and the facts for the log."""
    facts: dict[str, Any] = {}
    zone_change = None
    before, zone, name = _tenant_digest(record.tenant), record.tenant.time_zone, record.tenant.name
    _fill_tenant(record.tenant, row)
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


def _write(session: Session, changes: Sequence[_Change], at: datetime) -> None:
    """Write all changes, what others refer to first."""
    new_rows = [change.new_rows for change in changes if change.new_rows is not None]
    insert_rows(session, (row for rows_of_a_table in zip(*new_rows, strict=True) for row in rows_of_a_table))
    insert_rows(session, (change.zone_change for change in changes if change.zone_change is not None))
    put_versions(session, [version for change in changes for version in change.versions], at)
    put_provisioning(
        session, [change.provisioning for change in changes if change.provisioning is not None], at
    )
    put_addresses(session, [change.addresses for change in changes if change.addresses is not None], at)


def _fill_tenant(tenant: Tenant, row: TenantRow) -> None:
    tenant.provider_id = row.provider_id or DEFAULT_PROVIDER
    tenant.party_id = row.party_id or row.tenant_id
    tenant.name = row.name
    tenant.time_zone = row.time_zone
    tenant.country = row.country
    tenant.language = row.language or DEFAULT_LANGUAGE
    tenant.critical = row.critical


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


def _with_what_is_on_record(record: _Record, row: TenantRow) -> TenantRow:
    """Fill in, for columns that the file does not have, what is on record."""
    values: dict[str, Any] = {name: getattr(record.tenant, name) for name in _TENANT}
    if record.bought is not None:
        values |= {name: getattr(record.bought, name) for name in _BOUGHT}
    values |= _provisioning_on_record(record)
    values["governing_document"] = record.document.reference if record.document else None
    in_force_now = [text.body for address, text in record.addresses if address.valid_to is None]
    values["notice_address"] = in_force_now[0] if in_force_now else None
    return row.model_copy(update={name: value for name, value in values.items() if name not in row.given})


def _provisioning_on_record(record: _Record) -> dict[str, Any]:
    """Return the columns of the notice of provisioning from which the term runs, as far as they are on record."""
    first = first_notice([notice_of(row) for row in record.provisioning])
    if first is None:
        return {} if record.bought is None else dict.fromkeys(_PROVISIONING)
    given_on = date.fromisoformat(first.given_on) if first.given_on is not None else None
    return dict(zip(_PROVISIONING, (given_on, first.part, first.proof), strict=True))


def _provisioning_change(
    record: _Record, row: TenantRow, source: str, at: datetime
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


def _contract_versions(record: _Record, row: TenantRow, source: str, at: datetime) -> list[NewVersion[Any]]:
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
