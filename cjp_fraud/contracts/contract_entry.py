"""Put a contract on record as counsel read it: all of a file or, where it has a fault, nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from cjp_fraud.audit.log import append
from cjp_fraud.clock import aware
from cjp_fraud.contracts.confirmation import record_edit
from cjp_fraud.contracts.contract_documents import DocumentSet
from cjp_fraud.contracts.contract_file import ContractFile, EnteredAddress
from cjp_fraud.contracts.contract_terms import ContractTerms
from cjp_fraud.contracts.governing import Bought, set_faults
from cjp_fraud.contracts.model import Origin
from cjp_fraud.contracts.provisioning import date_fault
from cjp_fraud.contracts.provisioning_on_record import (
    provisioning_change,
    provisioning_in_force,
    put_provisioning,
)
from cjp_fraud.contracts.tables import (
    Address,
    ContractDocuments,
    NoticeTermsVersion,
    Site,
    Subscription,
    SubscriptionTerms,
    Tenant,
)
from cjp_fraud.contracts.tenants import require_tenant
from cjp_fraud.contracts.versions import (
    AddressChange,
    address_change,
    addresses_of,
    in_force,
    new_version,
    notice_terms_values,
    put_addresses,
    put_versions,
)
from cjp_fraud.digests import canonical_json
from cjp_fraud.documents import to_document
from cjp_fraud.errors import BadInputError, refuse_unless
from cjp_fraud.people.model import Decision, Role


@dataclass(frozen=True, slots=True)
class ContractLoaded:
    """What loading a contract's file changed: names of the parts that are new on record."""

    file: str
    sha256: str
    tenant_id: str
    changed: tuple[str, ...]


def load_contract(decision: Decision, file: ContractFile) -> ContractLoaded:
    """Put what a file says on record, as counsel; the same file again changes nothing.

    Who does it has edited the tenant's contract, and may not approve for it for 30 days. A proposal that rests on what
    changed is void.

    Raises
    ------
    NotFoundError
        If the tenant is not on record.
    Refused
        If who acts is not counsel.
    BadInputError
        Naming documents that overlap or leave a gap, and notices of provisioning that prove nothing.
    """
    session, at = decision.session, aware(decision.at)
    refuse_unless(
        (decision.by.may(Role.COUNSEL), f"{decision.by} is not counsel"), action=f"load {file.name}"
    )
    require_tenant(session, file.tenant)
    tenant = session.get_one(Tenant, file.tenant)
    subscription = session.scalars(select(Subscription).where(Subscription.tenant_id == tenant.id)).one()
    bought = in_force(session, SubscriptionTerms, [subscription.id]).get(subscription.id)
    _require_sound(session, file, tenant, subscription.id, bought, at)
    source = f"{file.name} sha256:{file.sha256}, entered by {decision.by.reference}"
    changes: dict[str, Any] = {}
    _enter_versions(session, file, subscription.id, source, at, changes)
    if file.provisioning:
        known = provisioning_in_force(session, [subscription.id]).get(subscription.id, [])
        change = provisioning_change(known, subscription.id, file.provisioning, Origin.COUNSEL, source, at)
        if change is not None:
            put_provisioning(session, [change], at)
            changes["provisioning_notices"] = change.facts
    _enter_addresses(session, file.addresses, subscription.id, source, at, changes)
    if changes:
        record_edit(session, decision.by, tenant.id, at)
        content = {"tenant_id": tenant.id, "file_sha256": file.sha256, **changes}
        append(decision, "contract.loaded", "subscriptions", subscription.id, content)
    return ContractLoaded(file.name, file.sha256, tenant.id, tuple(changes))


def _require_sound(
    session: Session,
    file: ContractFile,
    tenant: Tenant,
    subscription_id: str,
    bought: SubscriptionTerms | None,
    at: datetime,
) -> None:
    """Refuse what would shut the gate at once: documents without one answer a day, notices that prove nothing."""
    faults: list[str] = []
    if file.documents is not None:
        site = session.scalar(select(Site).where(Site.subscription_id == subscription_id))
        country = site.country if site is not None and site.country else tenant.country
        faults += set_faults(file.documents, Bought(bought.plan if bought is not None else None, country))
    term_to = bought.term_to if bought is not None else None
    for notice in file.provisioning:
        assert notice.given_on is not None, "counsel enters no notice without its day"
        day = datetime.fromisoformat(notice.given_on).replace(tzinfo=ZoneInfo(tenant.time_zone)).date()
        if fault := date_fault(day, term_to, tenant.time_zone, at):
            faults.append(fault)
    if faults:
        raise BadInputError(f"{file.name} cannot be loaded (nothing was stored): {'; '.join(faults)}")


def _enter_versions(
    session: Session,
    file: ContractFile,
    subscription_id: str,
    source: str,
    at: datetime,
    changes: dict[str, Any],
) -> None:
    said: dict[Any, dict[str, Any] | None] = {
        ContractDocuments: _documents_values(file.documents),
        NoticeTermsVersion: _terms_values(file.notice_terms),
    }
    versions = []
    for kind, values in said.items():
        if values is None:
            continue
        before = in_force(session, kind, [subscription_id]).get(subscription_id)
        version = new_version(kind, before, subscription_id, values, source, at)
        if version is not None:
            versions.append(version)
            changes[kind.__tablename__] = version.row.id
    put_versions(session, versions, at)


def _documents_values(documents: DocumentSet | None) -> dict[str, Any] | None:
    if documents is None:
        return None
    return {"documents": canonical_json(to_document(documents)).decode(), "origin": Origin.COUNSEL}


def _terms_values(terms: ContractTerms | None) -> dict[str, Any] | None:
    return notice_terms_values(terms, Origin.COUNSEL) if terms is not None else None


def _enter_addresses(
    session: Session,
    entered: Sequence[EnteredAddress],
    subscription_id: str,
    source: str,
    at: datetime,
    changes: dict[str, Any],
) -> None:
    """Make the addresses of each role and method that a file names exactly those that it gives."""
    for role, method in dict.fromkeys((entry.role, entry.method) for entry in entered):
        given = {entry.address: entry for entry in entered if (entry.role, entry.method) == (role, method)}
        known = addresses_of(session, role, [subscription_id], method=method)[subscription_id]
        # One that was verified since is another entry: what was known of the old one stays as it was.
        same = [pair for pair in known if _verified_as(pair[0], given.get(pair[1].body or ""))]
        anew = [pair[0] for pair in known if pair[0].valid_to is None and pair not in same]
        change = address_change(same, subscription_id, role, tuple(given), source, at, method=method)
        if change is None and not anew:
            continue
        added = change.added if change is not None else ()
        for address, text in added:
            entry = given[text.body or ""]
            address.valid_from = at if known else None
            address.verified_at, address.verified_how = entry.verified_at, entry.verified_how
            if entry.page:
                address.source = f"{entry.page[:150]}: {source}"[:400]
        ended = (*(change.ended if change is not None else ()), *anew)
        whole = AddressChange(ended, added)
        put_addresses(session, [whole], at)
        changes.setdefault("addresses", []).append({"role": role, "method": method, **whole.facts})


def _verified_as(address: Address, entry: EnteredAddress | None) -> bool:
    """Whether an address on record is verified as an entry says; one that the file does not give only ends."""
    if entry is None:
        return True
    return (address.verified_at, address.verified_how) == (entry.verified_at, entry.verified_how)
