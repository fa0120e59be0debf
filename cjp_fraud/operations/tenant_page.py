"""A tenant as a person at the queue sees it: use, contract, every case and measure; and its dated claims view."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from cjp_fraud.audit.log import append
from cjp_fraud.compliance.claims_facts import ClaimsFacts
from cjp_fraud.compliance.summary_pdf import CLAIMS, summary_pdf
from cjp_fraud.contracts.tables import Tenant
from cjp_fraud.contracts.tenant_reach import require_tenant_reach, tenants_within
from cjp_fraud.contracts.tenants import TenantOnRecord, require_tenant, tenants_on_record
from cjp_fraud.deployment import Deployment
from cjp_fraud.detection.usage import StreamUsage, usage_by_stream
from cjp_fraud.errors import BadInputError, StorageError
from cjp_fraud.operations.contracts import ContractView, contract_view
from cjp_fraud.operations.known_events import SHOWN_FOR
from cjp_fraud.operations.reach import reach_of
from cjp_fraud.operations.readings_on_record import Read, put_reading_on_record, read_lately
from cjp_fraud.people.denials import denials_on_record
from cjp_fraud.people.form_submissions import TENANT_READ
from cjp_fraud.people.users import actor_named
from cjp_fraud.review.known_event import KnownEventView
from cjp_fraud.review.known_events_on_record import events_of_tenant
from cjp_fraud.review.tenant_history import TenantCase, TenantDispute, cases_of_tenant, disputes_of_tenant
from cjp_fraud.storage.database import at_one_moment, reading
from cjp_fraud.suspension.cap_views import CapView, caps_of_tenant
from cjp_fraud.suspension.views import MeasureView, measure_views

USAGE_DAYS: Final = 28
"""UTC days of use on the page."""

MOST_CLAIMS_DAYS: Final = 366


@dataclass(frozen=True, slots=True)
class TenantDesk:
    """A tenant on somebody's desk.

    Parameters
    ----------
    name : legal name; None: not given.
    usage : of the newest 28 UTC days that have ended, the busiest stream first; None: the lake cannot be read now.
    cases, disputes, measures, caps : all there are, the newest first.
    known_events : that count and concern it, and ended within a year or are to come, the newest entered first.
    """

    tenant: TenantOnRecord
    name: str | None
    usage: tuple[StreamUsage, ...] | None
    contract: ContractView
    cases: tuple[TenantCase, ...]
    disputes: tuple[TenantDispute, ...]
    measures: tuple[MeasureView, ...]
    caps: tuple[CapView, ...]
    known_events: tuple[KnownEventView, ...]


@dataclass(frozen=True, slots=True)
class TenantsListed:
    """Tenants by their ids; ``next_after``: the id after which the next page begins, None on the last."""

    tenants: tuple[TenantOnRecord, ...]
    next_after: str | None


@dataclass(frozen=True, slots=True)
class ClaimsView:
    """A claims view as a PDF/A; ``sha256`` is in the log with who made it."""

    tenant_id: str
    first: date
    last: date
    as_of: datetime
    pdf: bytes
    sha256: str


def search_tenants(
    deployment: Deployment, by: str, text: str = "", *, after: str = "", limit: int = 50
) -> TenantsListed:
    """Return the tenants that the user ``by`` reaches and whose id holds ``text``, a page of them."""
    with reading(deployment.engine) as session:
        within = tenants_within(reach_of(session, by))
        found = tenants_on_record(
            session, deployment.now, text=text, after=after, limit=limit + 1, within=within
        )
    listed = list(found.values())
    more = len(listed) > limit
    return TenantsListed(tuple(listed[:limit]), listed[limit - 1].tenant_id if more else None)


def look_at_tenant(deployment: Deployment, by: str, now: datetime, tenant_id: str) -> TenantDesk:
    """Return a tenant as it stands for the user ``by``; that they read it is on record, once an hour.

    Raises
    ------
    NotFoundError
        If the tenant or the user is not on record.
    OutOfReach
        If the tenant lies outside of what the user's roles are narrowed to.
    """
    with denials_on_record(deployment.engine, by, now), reading(deployment.engine) as session:
        at_one_moment(session)
        reader = actor_named(session, by)
        require_tenant_reach(session, reader, tenant_id)
        desk = _desk(session, deployment, now, tenant_id, now.date() - timedelta(days=USAGE_DAYS), now.date())
        read = Read(TENANT_READ, "tenants", tenant_id)
        read_before = read_lately(session, read, reader.reference, now)
    if not read_before:
        put_reading_on_record(deployment, reader, now, read)
    return desk


def claims_view(
    deployment: Deployment,
    by: str,
    now: datetime,
    tenant_id: str,
    *,
    first: date | None = None,
    last: date | None = None,
) -> ClaimsView:
    """Return what is on record of a tenant's use, cases, measures and disputes on some days, dated now, as a PDF.

    Who made it, and its digest, are in the log. No names of staff are in it.

    Parameters
    ----------
    first, last : days of the tenant's calendar, both included; None: the newest 90 days.

    Raises
    ------
    NotFoundError
        If the tenant or the user is not on record.
    BadInputError
        If the days are not in order, lie in the future, or are more than a year.
    StorageError
        If the lake cannot be read.
    """
    with denials_on_record(deployment.engine, by, now), reading(deployment.engine) as session:
        at_one_moment(session)
        require_tenant(session, tenant_id)
        require_tenant_reach(session, actor_named(session, by), tenant_id)
        today = now.astimezone(ZoneInfo(session.get_one(Tenant, tenant_id).time_zone)).date()
        last = last or today
        first = first or date.fromordinal(max(last.toordinal() - 89, 1))
        if not first <= last <= today or (last - first).days >= MOST_CLAIMS_DAYS:
            raise BadInputError(
                f"days {first} to {last}: the first comes before the last, neither is after today ({today}), and "
                f"they are {MOST_CLAIMS_DAYS} at most"
            )
        desk = _desk(session, deployment, now, tenant_id, first, last + timedelta(days=1))
    if desk.usage is None:
        raise StorageError(
            "the lake cannot be read now, and a claims view says what was used; try again later"
        )
    facts = ClaimsFacts(
        tenant_id=tenant_id,
        customer=desk.name,
        time_zone=desk.tenant.time_zone,
        first=first,
        last=last,
        as_of=now,
        simulated=deployment.home_clock.simulated,
        governing_document=desk.contract.governing_document,
        usage=desk.usage,
        cases=desk.cases,
        disputes=desk.disputes,
        measures=desk.measures,
        caps=desk.caps,
    )
    pdf = summary_pdf(facts.document(), {}, now, template=CLAIMS)
    sha256 = hashlib.sha256(pdf).hexdigest()
    with deployment.deciding(by, now, of_their_own=True) as decision:
        content = {"first": first.isoformat(), "last": last.isoformat(), "sha256": sha256}
        append(decision, "tenant.claims_view", "tenants", tenant_id, content)
    return ClaimsView(tenant_id, first, last, now, pdf, sha256)


def _desk(
    session: Session, deployment: Deployment, now: datetime, tenant_id: str, first: date, end: date
) -> TenantDesk:
    require_tenant(session, tenant_id)
    row = session.get_one(Tenant, tenant_id)
    return TenantDesk(
        tenant=tenants_on_record(session, now, only=tenant_id)[tenant_id],
        name=row.name,
        usage=_usage(deployment, tenant_id, first, end),
        contract=contract_view(session, tenant_id, now),
        cases=cases_of_tenant(session, tenant_id),
        disputes=disputes_of_tenant(session, tenant_id),
        measures=measure_views(session, now, tenant_id=tenant_id),
        caps=caps_of_tenant(session, tenant_id),
        known_events=events_of_tenant(session, tenant_id, now - SHOWN_FOR),
    )


def _usage(deployment: Deployment, tenant_id: str, first: date, end: date) -> tuple[StreamUsage, ...] | None:
    try:
        return usage_by_stream(deployment.lake, tenant_id, first, end)
    except StorageError:
        return None
