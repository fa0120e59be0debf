"""Known events: campaigns, outages, holidays, migrations that explain unusual traffic; entered, withdrawn, listed.

Each function takes the deployment, the name of the user who acts and the moment ``now`` (aware), and returns frozen
views. An event changes no flag, no score and no case.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

from cjp_fraud.contracts.tenants import require_tenant
from cjp_fraud.deployment import Deployment
from cjp_fraud.operations.reach import reach_of
from cjp_fraud.operations.short_ids import id_of
from cjp_fraud.review.known_event import KnownEventView, KnownEventWanted
from cjp_fraud.review.known_events_on_record import (
    enter_event,
    event_on_record,
    events_of_tenant,
    events_on_record,
    withdraw_event,
)
from cjp_fraud.review.queue_tables import KnownEvent
from cjp_fraud.storage.database import reading

SHOWN_FOR: Final = timedelta(days=366)
"""For how long after its end an event stands on its tenant's page."""

MOST_LISTED: Final = 1_000


def enter(deployment: Deployment, by: str, now: datetime, wanted: KnownEventWanted) -> KnownEventView:
    """Put a known event on record, as anybody but an auditor; the very same one is not entered twice.

    Raises
    ------
    BadInputError
        Names everything that is wrong with it.
    NotFoundError
        If its tenant is not on record.
    OutOfReach
        If it concerns cases that the person's roles do not reach.
    Refused
        If the person has no role that enters events.
    """
    with deployment.deciding(by, now) as decision:
        event_id = enter_event(decision, wanted)
        return event_on_record(decision.session, event_id)


def withdraw(deployment: Deployment, by: str, now: datetime, event: str) -> KnownEventView:
    """Let a known event count no more; it stays on record with who withdrew it.

    Parameters
    ----------
    event : its id, or how it begins.

    Raises
    ------
    NotFoundError
        If no such event is on record.
    OutOfReach
        If it concerns cases that the person's roles do not reach.
    Refused
        If the person has no role that enters events.
    """
    with deployment.deciding(by, now) as decision:
        event_id = id_of(decision.session, KnownEvent.id, event, "known event", "cjp-fraud known-events list")
        withdraw_event(decision, event_id)
        return event_on_record(decision.session, event_id)


def list_events(
    deployment: Deployment, *, by: str | None = None, most: int = MOST_LISTED
) -> tuple[KnownEventView, ...]:
    """Return the newest known events, withdrawn ones among them, the newest entered first.

    Parameters
    ----------
    by : name of the user who reads, whose roles may be narrowed; None: the account of this machine.
    """
    with reading(deployment.engine) as session:
        return events_on_record(session, reach_of(session, by), most=most)


def events_concerning(deployment: Deployment, tenant_id: str) -> tuple[KnownEventView, ...]:
    """Return the events that count and concern a tenant, the newest entered first.

    Raises
    ------
    NotFoundError
        If no such tenant is on record.
    """
    with reading(deployment.engine) as session:
        require_tenant(session, tenant_id)
        return events_of_tenant(session, tenant_id, datetime.min.replace(tzinfo=UTC))
