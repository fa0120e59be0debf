"""Put tenants on record, and see where they stand under their contracts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from cjp_fraud.contracts import confirmation
from cjp_fraud.contracts.contract_reader import contract_at, recipients
from cjp_fraud.contracts.model import Hosting, Recipient, Right
from cjp_fraud.contracts.tenant_import import load_tenants as load_file
from cjp_fraud.contracts.tenant_reach import tenants_within
from cjp_fraud.contracts.tenants import TenantOnRecord, tenants_on_record
from cjp_fraud.contracts.terms import PLAIN_ROLE, NoticeTerms
from cjp_fraud.deployment import Deployment
from cjp_fraud.errors import BadInputError
from cjp_fraud.operations.reach import reach_of
from cjp_fraud.people.model import FEED, Actor
from cjp_fraud.progress import Report
from cjp_fraud.storage.database import reading, transaction
from cjp_fraud.traffic.quarantine import purge_quarantine


@dataclass(frozen=True, slots=True)
class TenantsLoaded:
    """What loading a tenants file did.

    Parameters
    ----------
    read : tenants in the file; ``added``, ``changed`` and ``unchanged`` count what became of them.
    terms_not_read : tenants whose notice terms are not read: flagged and reviewed, never suspended.
    flex_plan : tenants inside the Flex Plan, which another offer description governs.
    addresses_kept : tenants whose notice addresses counsel entered, of which the file names none: counsel's stand.
    deployment_not_accepted : tenants whose deployment the provider does not run (clause 3).
    quarantined_rows_purged : rows of those tenants that were erased from the quarantine.
    """

    file: str
    read: int
    added: int
    changed: int
    unchanged: int
    terms_not_read: tuple[str, ...]
    flex_plan: tuple[str, ...]
    addresses_kept: tuple[str, ...]
    deployment_not_accepted: tuple[str, ...]
    quarantined_rows_purged: int


@dataclass(frozen=True, slots=True)
class TenantView:
    """Where one tenant stands under its contract now, and who would be served a notice.

    Parameters
    ----------
    deployment : ``accepted``, or why the provider does not process it (clause 3).
    term_from, term_to : first moment of the term and first moment after it, UTC; None: not given.
    notice_clause : clause that the notice terms cite; None: not given.
    notice_terms : None where the clause was not read or cannot be served; ``notice_terms_fault`` says which.
    versions : ids and digests of the contract data that this rests on.
    """

    tenant_id: str
    subscription_id: str
    provider_id: str
    time_zone: str
    country: str | None
    language: str
    critical: bool
    hosting: Hosting | None
    product: str | None
    deployment: str
    governing_document: str | None
    governing_document_version: int | None
    right: Right
    term_from: datetime | None
    term_to: datetime | None
    provisioning_notice_date: str | None
    provisioning_notice_part: str | None
    provisioning_notice_proof: str | None
    notice_clause: str | None
    notice_terms: NoticeTerms | None
    notice_terms_fault: str | None
    longest_measure_hours: float | None
    filing_stops: bool
    versions: Mapping[str, str | None]
    recipients: tuple[Recipient, ...]


def load_tenants(
    deployment: Deployment,
    by: str | None,
    now: datetime,
    file: Path,
    *,
    feed: str | None = None,
    report: Report | None = None,
) -> TenantsLoaded:
    """Put the tenants of ``file`` on record: all of them or, where the file has a fault, none.

    Loading a file again changes nothing. What lies in quarantine of tenants whose deployment the provider does
    not run is erased (clause 3), also when a run before was killed in between.

    Parameters
    ----------
    by : user who edits the contract data, and may then not approve for 30 days.
    feed : in the place of a user, a feed of the settings; counsel or a second approver confirms its edits
        (:func:`confirm_contract`) before the next measure on such a tenant.
    now : aware; valid time of what changes.

    Raises
    ------
    BadInputError
        If neither a user nor a feed of the settings edits, or both.
    TenantsFileError
        Names every fault of the file with its line.
    Refused
        If the user is an auditor and nothing else.
    OutOfReach
        If the user's roles are narrowed to other countries than those of a tenant of the file.
    """
    if (by is None) == (feed is None):
        raise BadInputError(
            "say who edits the contract data: --as USER, or --feed NAME with a feed of CJP_FRAUD_FEEDS"
        )
    if feed is not None and feed not in deployment.settings.feeds:
        declared = ", ".join(deployment.settings.feeds) or "none"
        raise BadInputError(f"no feed {feed!r} is declared in CJP_FRAUD_FEEDS; there: {declared}")
    if by is not None:
        with deployment.deciding(by, now) as decision:
            loaded = load_file(decision.session, file, decision.by, now, report=report)
    else:
        with transaction(deployment.engine) as session:
            loaded = load_file(session, file, Actor(f"{FEED}{feed}"), now, report=report)
    purged = sum(purge_quarantine(deployment.lake, deployment.engine, loaded.excluded).values())
    return TenantsLoaded(
        file=loaded.file,
        read=loaded.read,
        added=len(loaded.added),
        changed=len(loaded.changed),
        unchanged=loaded.unchanged,
        terms_not_read=loaded.not_read,
        flex_plan=loaded.flex,
        addresses_kept=loaded.addresses_kept,
        deployment_not_accepted=loaded.excluded,
        quarantined_rows_purged=purged,
    )


def confirm_contract(deployment: Deployment, by: str, now: datetime, tenant_id: str) -> None:
    """Confirm, as counsel or a second approver, what feeds have changed of a tenant; a measure waits for it."""
    with deployment.deciding(by, now) as decision:
        confirmation.confirm_contract(decision, tenant_id)


def list_tenants(deployment: Deployment, *, by: str | None = None) -> tuple[TenantOnRecord, ...]:
    """Return all tenants on record, in the order of their ids.

    Parameters
    ----------
    by : name of the user who reads, whose roles may be narrowed; None: the account of this machine.
    """
    with reading(deployment.engine) as session:
        within = tenants_within(reach_of(session, by))
        return tuple(tenants_on_record(session, deployment.now, within=within).values())


def show_tenant(deployment: Deployment, now: datetime, tenant_id: str) -> TenantView:
    """Return where a tenant stands under its contract at ``now`` (aware).

    Raises
    ------
    NotFoundError
        If no such tenant is on record.
    """
    with reading(deployment.engine) as session:
        position = contract_at(session, tenant_id, now)
        terms = position.notice_terms
        served = recipients(session, tenant_id, terms.address_roles if terms else (PLAIN_ROLE,), now)
    document, longest = position.governing_document, position.longest_measure
    return TenantView(
        tenant_id=position.tenant_id,
        subscription_id=position.subscription_id,
        provider_id=position.provider_id,
        time_zone=position.time_zone,
        country=position.country,
        language=position.language,
        critical=position.critical,
        hosting=position.hosting,
        product=position.product,
        deployment=position.deployment_fault or "accepted",
        governing_document=document.reference if document else None,
        governing_document_version=document.version if document else None,
        right=position.right,
        term_from=position.term_from,
        term_to=position.term_to,
        provisioning_notice_date=position.provisioning_notice_date,
        provisioning_notice_part=position.provisioning_notice_part,
        provisioning_notice_proof=position.provisioning_notice_proof,
        notice_clause=position.notice_clause,
        notice_terms=terms,
        notice_terms_fault=position.notice_terms_fault,
        longest_measure_hours=longest.total_seconds() / 3600 if longest else None,
        filing_stops=position.filing_stops,
        versions=dict(position.versions),
        recipients=served,
    )
