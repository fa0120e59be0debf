"""Webhooks: make and end endpoints, exchange their secrets, and see how far the telling has come."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from cjp_fraud.audit.log import append
from cjp_fraud.deployment import Deployment
from cjp_fraud.errors import BadInputError, refuse_unless
from cjp_fraud.operations.short_ids import id_of
from cjp_fraud.people.account_key import account_key, encrypted
from cjp_fraud.people.model import Decision, admins_only
from cjp_fraud.storage.database import reading
from cjp_fraud.webhooks.model import DeliveryState, checked_patterns, checked_url, new_secret
from cjp_fraud.webhooks.tables import WebhookDelivery, WebhookEndpoint, WebhookEvent, WebhookSecret

OLD_SECRET_SIGNS_FOR: Final = timedelta(hours=24)
"""How long the secrets before a new one still sign beside it, so that a receiver can change without losing any."""


@dataclass(frozen=True, slots=True)
class EndpointView:
    """An endpoint without its secrets.

    Parameters
    ----------
    events : patterns of the events that it is told of.
    secrets : how many sign now.
    waiting, delivered, dead : deliveries by how far they have come.
    """

    id: str
    url: str
    events: tuple[str, ...]
    created_at: datetime
    disabled_at: datetime | None
    secrets: int
    waiting: int
    delivered: int
    dead: int


@dataclass(frozen=True, slots=True)
class NewSecret:
    """An endpoint with a secret that was made for it, shown once."""

    endpoint: EndpointView
    secret: str


@dataclass(frozen=True, slots=True)
class DeliveryView:
    """How far the telling of one event to one endpoint has come.

    Parameters
    ----------
    event_id : the ``webhook-id`` of its messages.
    last_status : HTTP status of the last answer; None: none came.
    """

    id: str
    endpoint_id: str
    event_id: str
    type: str
    at: datetime
    case_id: str | None
    state: DeliveryState
    attempts: int
    next_at: datetime | None
    last_at: datetime | None
    last_status: int | None
    last_fault: str | None


def create_endpoint(
    deployment: Deployment, by: str, now: datetime, url: str, events: Collection[str]
) -> NewSecret:
    """Tell another system of events from now on, as an admin; its signing secret is returned, once.

    Parameters
    ----------
    url : https, or http on this machine.
    events : ``*``, ``measure.*``, ``case.approved``, ...

    Raises
    ------
    BadInputError
        If the address or an event is none.
    Refused
        If whoever asks is no admin.
    """
    patterns = checked_patterns(events)
    address = checked_url(url, this_machine_only=deployment.home_clock.simulated)
    with deployment.deciding(by, now) as decision:
        _require_admin(decision, "make a webhook")
        row = WebhookEndpoint(
            url=address,
            events=patterns,
            created_at=decision.at,
            created_by=decision.by.reference,
            disabled_at=None,
            disabled_by=None,
        )
        decision.session.add(row)
        decision.session.flush()
        secret = _add_secret(deployment, decision, row.id)
        append(decision, "webhook.made", "webhook_endpoints", row.id, {"events": patterns})
        return NewSecret(_views(decision.session, now, row.id)[0], secret)


def rotate_secret(deployment: Deployment, by: str, now: datetime, endpoint: str) -> NewSecret:
    """Give an endpoint a further secret, as an admin; those before it sign beside it for 24 hours more."""
    with deployment.deciding(by, now) as decision:
        session = decision.session
        row = _endpoint(session, endpoint)
        _require_admin(decision, "exchange the secret of a webhook")
        ends = decision.at + OLD_SECRET_SIGNS_FOR
        for old in session.scalars(select(WebhookSecret).where(WebhookSecret.endpoint_id == row.id)):
            if old.ends_at is None or old.ends_at > ends:
                old.ends_at = ends
        secret = _add_secret(deployment, decision, row.id)
        append(decision, "webhook.secret_added", "webhook_endpoints", row.id, {"others_end_at": ends})
        return NewSecret(_views(session, now, row.id)[0], secret)


def disable_endpoint(deployment: Deployment, by: str, now: datetime, endpoint: str) -> EndpointView:
    """Tell an endpoint nothing more, as an admin; what waits for it is sent no more."""
    with deployment.deciding(by, now) as decision:
        row = _endpoint(decision.session, endpoint)
        _require_admin(decision, "disable a webhook")
        end_endpoint(decision, row)
        return _views(decision.session, now, row.id)[0]


def end_endpoint(decision: Decision, row: WebhookEndpoint) -> None:
    """Put on record that an endpoint is told nothing more; one that is not stays so."""
    if row.disabled_at is None:
        row.disabled_at, row.disabled_by = decision.at, decision.by.reference
        decision.session.flush()
        append(decision, "webhook.disabled", "webhook_endpoints", row.id, {})


def send_again(deployment: Deployment, by: str, now: datetime, delivery: str) -> DeliveryView:
    """Send an event that was given up once more, with its attempts counted anew, as an admin."""
    with deployment.deciding(by, now) as decision:
        session = decision.session
        meant = id_of(session, WebhookDelivery.id, delivery, "delivery", "cjp-fraud webhooks deliveries")
        row = session.get_one(WebhookDelivery, meant)
        endpoint = session.get_one(WebhookEndpoint, row.endpoint_id)
        _require_admin(decision, "send an event again")
        if endpoint.disabled_at is not None:
            raise BadInputError(f"endpoint {endpoint.id} is told nothing more; make a new one")
        if row.state is not DeliveryState.WAITING:
            row.state, row.attempts, row.next_at = DeliveryState.WAITING, 0, decision.at
            session.flush()
            append(
                decision, "webhook.sent_again", "webhook_endpoints", endpoint.id, {"event_id": row.event_id}
            )
        return _deliveries(session, delivery_id=row.id, limit=1)[0]


def list_endpoints(deployment: Deployment, now: datetime) -> tuple[EndpointView, ...]:
    """Return the endpoints, the newest first."""
    with reading(deployment.engine) as session:
        return _views(session, now)


def list_deliveries(
    deployment: Deployment,
    *,
    endpoint: str | None = None,
    state: DeliveryState | None = None,
    limit: int = 100,
    after: str | None = None,
) -> tuple[DeliveryView, ...]:
    """Return deliveries, the newest first.

    Parameters
    ----------
    after : id of the last one of the page before; None: the first page.
    """
    with reading(deployment.engine) as session:
        endpoint_id = _endpoint(session, endpoint).id if endpoint is not None else None
        return _deliveries(session, endpoint_id=endpoint_id, state=state, limit=limit, after=after)


def _add_secret(deployment: Deployment, decision: Decision, endpoint_id: str) -> str:
    secret = new_secret()
    kept = encrypted(account_key(deployment.settings), secret)
    decision.session.add(
        WebhookSecret(endpoint_id=endpoint_id, secret=kept, created_at=decision.at, ends_at=None)
    )
    decision.session.flush()
    return secret


def _endpoint(session: Session, named: str) -> WebhookEndpoint:
    meant = id_of(session, WebhookEndpoint.id, named, "webhook", "cjp-fraud webhooks list")
    return session.get_one(WebhookEndpoint, meant)


def _require_admin(decision: Decision, action: str) -> None:
    refuse_unless(admins_only(decision.by), action=action)


def _views(session: Session, now: datetime, endpoint_id: str | None = None) -> tuple[EndpointView, ...]:
    counts: defaultdict[str, dict[DeliveryState, int]] = defaultdict(dict)
    of_state = select(WebhookDelivery.endpoint_id, WebhookDelivery.state, func.count())
    for of, state, count in session.execute(
        of_state.group_by(WebhookDelivery.endpoint_id, WebhookDelivery.state)
    ):
        counts[of][state] = count
    signing = select(WebhookSecret.endpoint_id, func.count()).where(
        or_(WebhookSecret.ends_at.is_(None), WebhookSecret.ends_at > now)
    )
    secrets = {row[0]: row[1] for row in session.execute(signing.group_by(WebhookSecret.endpoint_id))}
    chosen = select(WebhookEndpoint).order_by(WebhookEndpoint.id.desc())
    if endpoint_id is not None:
        chosen = chosen.where(WebhookEndpoint.id == endpoint_id)
    return tuple(
        EndpointView(
            id=row.id,
            url=row.url,
            events=tuple(row.events),
            created_at=row.created_at,
            disabled_at=row.disabled_at,
            secrets=secrets.get(row.id, 0),
            waiting=counts[row.id].get(DeliveryState.WAITING, 0),
            delivered=counts[row.id].get(DeliveryState.DELIVERED, 0),
            dead=counts[row.id].get(DeliveryState.DEAD, 0),
        )
        for row in session.scalars(chosen)
    )


def _deliveries(
    session: Session,
    *,
    delivery_id: str | None = None,
    endpoint_id: str | None = None,
    state: DeliveryState | None = None,
    limit: int,
    after: str | None = None,
) -> tuple[DeliveryView, ...]:
    chosen = select(WebhookDelivery, WebhookEvent).join(
        WebhookEvent, WebhookEvent.id == WebhookDelivery.event_id
    )
    if delivery_id is not None:
        chosen = chosen.where(WebhookDelivery.id == delivery_id)
    if endpoint_id is not None:
        chosen = chosen.where(WebhookDelivery.endpoint_id == endpoint_id)
    if state is not None:
        chosen = chosen.where(WebhookDelivery.state == state)
    if after is not None:
        chosen = chosen.where(WebhookDelivery.id < after)
    return tuple(
        DeliveryView(
            id=row.id,
            endpoint_id=row.endpoint_id,
            event_id=event.id,
            type=event.type,
            at=event.at,
            case_id=event.case_id,
            state=row.state,
            attempts=row.attempts,
            next_at=row.next_at,
            last_at=row.last_at,
            last_status=row.last_status,
            last_fault=row.last_fault,
        )
        for row, event in session.execute(chosen.order_by(WebhookDelivery.id.desc()).limit(limit))
    )
