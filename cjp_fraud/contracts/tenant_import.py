"""Put the tenants of a file on record: all of them or, where the file has a fault, none."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import Session

from cjp_fraud.audit.log import Act, append_each
from cjp_fraud.audit.recording import insert_rows
from cjp_fraud.clock import aware
from cjp_fraud.contracts.confirmation import record_edits
from cjp_fraud.contracts.provisioning_on_record import (
    provisioning_in_force,
    put_provisioning,
)
from cjp_fraud.contracts.tables import (
    DEFAULT_PROVIDER,
    ContractDocuments,
    GoverningDocument,
    NoticeTermsVersion,
    Party,
    Provider,
    Site,
    Subscription,
    SubscriptionTerms,
    Tenant,
)
from cjp_fraud.contracts.tenant_changes import KnownTenant, TenantChange, change_of
from cjp_fraud.contracts.tenant_reach import require_reach_of_rows
from cjp_fraud.contracts.tenants_file import TenantRow, read_tenants
from cjp_fraud.contracts.terms import PLAIN_ROLE
from cjp_fraud.contracts.versions import (
    addresses_of,
    in_force,
    put_addresses,
    put_versions,
)
from cjp_fraud.people.model import Actor, Decision
from cjp_fraud.progress import Report
from cjp_fraud.storage.database import in_parts
from cjp_fraud.storage.locks import named_lock
from cjp_fraud.storage.many_rows import new_row


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
    addresses_kept : tenants for which counsel entered notice addresses, and the file names none of them: those stand.
    """

    file: str
    read: int
    added: tuple[str, ...]
    changed: tuple[str, ...]
    unchanged: int
    excluded: tuple[str, ...]
    not_read: tuple[str, ...]
    flex: tuple[str, ...]
    addresses_kept: tuple[str, ...]


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
    OutOfReach
        If a tenant of the file, whatever would change of it, lies outside of what the person's roles are narrowed to.
    """
    moment = aware(at)
    rows = read_tenants(file, moment)
    named_lock(session, "load tenants")
    records = _read_records(session, [row.tenant_id for row in rows])
    require_reach_of_rows(by, file.name, [_countries_of(records.get(row.tenant_id), row) for row in rows])
    _make_referred(session, rows, moment)
    changes = []
    for done, row in enumerate(rows, 1):
        changes.append(change_of(records.get(row.tenant_id), row, f"{file.name} line {row.line}", moment))
        if report is not None:
            report(done, len(rows), row.tenant_id)
    _write(session, changes, moment)
    wrote = [change for change in changes if change.facts]
    decision = Decision(session, by, moment)
    edits = record_edits(decision, [change.row.tenant_id for change in wrote])
    for change in wrote:
        if change.row.tenant_id in edits:
            change.rows.append(edits[change.row.tenant_id])
    append_each(
        decision,
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
        addresses_kept=tuple(change.row.tenant_id for change in changes if change.addresses_kept),
    )


def _read_records(session: Session, tenant_ids: Sequence[str]) -> dict[str, KnownTenant]:
    records: dict[str, KnownTenant] = {}
    for chunk in in_parts(tenant_ids):
        statement = (
            select(Tenant, Subscription)
            .join(Subscription, Subscription.tenant_id == Tenant.id)
            .where(Tenant.id.in_(chunk))
        )
        of_subscription = {
            subscription.id: KnownTenant(tenant, subscription)
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
        for subscription_id, documents in in_force(session, ContractDocuments, ids).items():
            of_subscription[subscription_id].documents = documents
        for subscription_id, notices in provisioning_in_force(session, ids).items():
            of_subscription[subscription_id].provisioning = notices
        for subscription_id, addresses in addresses_of(session, PLAIN_ROLE, ids).items():
            of_subscription[subscription_id].addresses = addresses
        records |= {record.tenant.id: record for record in of_subscription.values()}
    return records


def _countries_of(record: KnownTenant | None, row: TenantRow) -> tuple[str, int, tuple[str | None, ...]]:
    """Return a row's tenant, its line, and the countries that the tenant has now and with the row."""
    if record is None:
        return row.tenant_id, row.line, (row.country,)
    after = row.country if "country" in row.given else record.tenant.country
    return row.tenant_id, row.line, (record.tenant.country, after)


def _make_referred(session: Session, rows: Sequence[TenantRow], at: datetime) -> None:
    """Put the providers and parties on record that the rows name and that are not there yet."""
    for kind, names in (
        (Provider, {row.provider_id or DEFAULT_PROVIDER for row in rows}),
        (Party, {row.party_id or row.tenant_id for row in rows}),  # a party of its own by default
    ):
        present = set(session.scalars(select(kind.id)))
        insert_rows(session, [new_row(kind, id=name, recorded_at=at) for name in sorted(names - present)])


def _write(session: Session, changes: Sequence[TenantChange], at: datetime) -> None:
    """Write all changes, what others refer to first."""
    new_rows = [change.new_rows for change in changes if change.new_rows is not None]
    insert_rows(session, (row for rows_of_a_table in zip(*new_rows, strict=True) for row in rows_of_a_table))
    insert_rows(session, (change.zone_change for change in changes if change.zone_change is not None))
    put_versions(session, [version for change in changes for version in change.versions], at)
    put_provisioning(
        session, [change.provisioning for change in changes if change.provisioning is not None], at
    )
    put_addresses(session, [change.addresses for change in changes if change.addresses is not None], at)
