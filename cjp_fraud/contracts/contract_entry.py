"""Put a contract on record as counsel read it: all of a file or, where it has a fault, nothing."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from cjp_fraud.audit.log import append
from cjp_fraud.clock import aware
from cjp_fraud.contracts.address_entry import day_faults, enter_addresses
from cjp_fraud.contracts.confirmation import record_edit
from cjp_fraud.contracts.contract_documents import DocumentSet
from cjp_fraud.contracts.contract_file import ContractFile
from cjp_fraud.contracts.contract_terms import ContractTerms
from cjp_fraud.contracts.governing import Bought, Clash, set_faults
from cjp_fraud.contracts.model import Origin
from cjp_fraud.contracts.provisioning import date_fault
from cjp_fraud.contracts.provisioning_on_record import (
    provisioning_change,
    provisioning_in_force,
    put_provisioning,
)
from cjp_fraud.contracts.tables import (
    ContractDocuments,
    NoticeTermsVersion,
    Site,
    Subscription,
    SubscriptionTerms,
    Tenant,
)
from cjp_fraud.contracts.tenant_reach import require_tenant_reach
from cjp_fraud.contracts.tenants import require_tenant
from cjp_fraud.contracts.versions import (
    in_force,
    new_version,
    notice_terms_values,
    put_versions,
)
from cjp_fraud.digests import canonical_json
from cjp_fraud.documents import to_document
from cjp_fraud.errors import BadInputError, refuse_unless
from cjp_fraud.people.model import Actor, Decision, Role


@dataclass(frozen=True, slots=True)
class ContractLoaded:
    """What loading a contract's file changed: names of the parts that are new on record."""

    file: str
    sha256: str
    tenant_id: str
    changed: tuple[str, ...]


def load_contract(
    decision: Decision, file: ContractFile, *, entered_by: Actor | None = None
) -> ContractLoaded:
    """Put what a file says on record, as counsel; the same file again changes nothing.

    Parameters
    ----------
    entered_by : counsel who entered it, and whose edit is on record already, where who decides confirms it; None: who
        decides enters it.

    Notes
    -----
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
    entering = entered_by or decision.by
    refuse_unless((entering.may(Role.COUNSEL), f"{entering} is not counsel"), action=f"load {file.name}")
    require_tenant(session, file.tenant)
    if entered_by is None:  # of a confirmation it is asked there
        require_tenant_reach(session, entering, file.tenant, {Role.COUNSEL})
    tenant = session.get_one(Tenant, file.tenant)
    subscription = session.scalars(select(Subscription).where(Subscription.tenant_id == tenant.id)).one()
    bought = in_force(session, SubscriptionTerms, [subscription.id]).get(subscription.id)
    _require_sound(session, file, tenant, subscription.id, bought, at)
    source = f"{file.name} sha256:{file.sha256}, entered by {entering.reference}"
    if entered_by is not None:
        source += f", confirmed by {decision.by.reference}"
    changes: dict[str, Any] = {}
    _enter_versions(session, file, subscription.id, source, at, changes)
    if file.provisioning:
        known = provisioning_in_force(session, [subscription.id]).get(subscription.id, [])
        change = provisioning_change(known, subscription.id, file.provisioning, Origin.COUNSEL, source, at)
        if change is not None:
            put_provisioning(session, [change], at)
            changes["provisioning_notices"] = change.facts
    addresses = enter_addresses(session, file.addresses, subscription.id, tenant.time_zone, source, at)
    if addresses:
        changes["addresses"] = addresses
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
        clashes = set_faults(file.documents, Bought(bought.plan if bought is not None else None, country))
        faults += [_located(clash, file) for clash in clashes]
    term_to = bought.term_to if bought is not None else None
    for notice, line in zip(file.provisioning, file.provisioning_lines, strict=True):
        assert notice.given_on is not None, "counsel enters no notice without its day"
        day = datetime.fromisoformat(notice.given_on).replace(tzinfo=ZoneInfo(tenant.time_zone)).date()
        if fault := date_fault(day, term_to, tenant.time_zone, at):
            faults.append(f"{line}: provisioning, given_on: {fault}")
    faults += day_faults(file, tenant.time_zone, at)
    if faults:
        raise BadInputError(f"{file.name} cannot be loaded (nothing was stored): {'; '.join(faults)}")


def _located(clash: Clash, file: ContractFile) -> str:
    """Return where documents clash as a sentence that says in which lines they stand."""
    lines = [file.lines[name] for name in clash.between]
    return f"{' and '.join(lines) if lines else file.name}: {clash.sentence}"


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
