"""Send what webhooks are due: each endpoint's events in their order, the same bytes at every attempt.

An attempt is put on record after it was made. Whoever is killed between both sends it once more, under the same
``webhook-id``, by which receivers know it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import httpx
from sqlalchemy import ColumnElement, or_, select, update
from sqlalchemy.orm import Session

from cjp_fraud.clock import machine_now
from cjp_fraud.deployment import Deployment
from cjp_fraud.operations.webhooks import end_endpoint
from cjp_fraud.people.account_key import account_key, decrypted
from cjp_fraud.people.model import Decision, machine
from cjp_fraud.storage.database import reading, transaction
from cjp_fraud.storage.locks import process_lock
from cjp_fraud.webhooks.model import DeliveryState, headers_of, message_body, next_attempt
from cjp_fraud.webhooks.tables import WebhookDelivery, WebhookEndpoint, WebhookEvent, WebhookSecret

WAITS_SECONDS: Final = 15.0
"""How long an attempt waits for an answer; the specification asks for 15 to 30 s."""

MOST_OF_A_RUN: Final = 200
"""Most events that one run sends to one endpoint."""

_ENDPOINTS_AT_ONCE: Final = 4
_GONE: Final = 410
_SENDER: Final = machine("webhooks")


@dataclass(frozen=True, slots=True)
class WebhookRun:
    """What a run sent, over all endpoints."""

    delivered: int = 0
    failed: int = 0
    given_up: int = 0


@dataclass(frozen=True, slots=True)
class _Message:
    delivery_id: str
    event_id: str
    attempts: int
    url: str
    body: bytes
    secrets: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Answer:
    """``status``: None: no answer came; ``fault``: None: it was taken."""

    status: int | None
    fault: str | None


def deliver_due(
    deployment: Deployment,
    now: datetime,
    *,
    client: Callable[[], httpx.Client] | None = None,
) -> WebhookRun:
    """Send every event that is due; an endpoint that fails gets no more in this run, others are not held up by it.

    It may run twice at once, and be killed.

    Parameters
    ----------
    client : makes what sends; None: one that follows no redirect.
    """
    with reading(deployment.engine) as session:
        due = select(WebhookDelivery.endpoint_id).where(*_is_due(now)).distinct()
        endpoints = session.scalars(due).all()
    if not endpoints:
        return WebhookRun()
    make = client or _client
    with ThreadPoolExecutor(_ENDPOINTS_AT_ONCE, thread_name_prefix="webhooks") as pool:
        runs = list(pool.map(lambda endpoint: _deliver_to(deployment, now, endpoint, make), endpoints))
    return WebhookRun(
        delivered=sum(run.delivered for run in runs),
        failed=sum(run.failed for run in runs),
        given_up=sum(run.given_up for run in runs),
    )


def _client() -> httpx.Client:
    return httpx.Client(timeout=WAITS_SECONDS, follow_redirects=False, trust_env=False)


def _deliver_to(
    deployment: Deployment, now: datetime, endpoint_id: str, make: Callable[[], httpx.Client]
) -> WebhookRun:
    delivered = 0
    with process_lock(deployment.engine, f"webhook {endpoint_id}"), make() as client:
        for _ in range(MOST_OF_A_RUN):
            with reading(deployment.engine) as session:
                message = _next_message(session, deployment, now, endpoint_id)
            if message is None:
                break
            answer = _post(client, message)
            state = _record(deployment, message, endpoint_id, answer, now)
            if state is not DeliveryState.DELIVERED:
                given_up = state is DeliveryState.DEAD
                return WebhookRun(delivered, int(not given_up), int(given_up))
            delivered += 1
    return WebhookRun(delivered)


def _is_due(now: datetime) -> Sequence[ColumnElement[bool]]:
    open_endpoints = select(WebhookEndpoint.id).where(WebhookEndpoint.disabled_at.is_(None))
    return (
        WebhookDelivery.state == DeliveryState.WAITING,
        WebhookDelivery.next_at <= now,
        WebhookDelivery.endpoint_id.in_(open_endpoints),
    )


def _next_message(
    session: Session, deployment: Deployment, now: datetime, endpoint_id: str
) -> _Message | None:
    due = session.execute(
        select(WebhookDelivery, WebhookEvent, WebhookEndpoint.url)
        .join(WebhookEvent, WebhookEvent.id == WebhookDelivery.event_id)
        .join(WebhookEndpoint, WebhookEndpoint.id == WebhookDelivery.endpoint_id)
        .where(WebhookDelivery.endpoint_id == endpoint_id, *_is_due(now))
        .order_by(WebhookEvent.sequence, WebhookEvent.id)
        .limit(1)
    ).one_or_none()
    if due is None:
        return None
    delivery, event, url = due
    key = account_key(deployment.settings)
    signing = (
        select(WebhookSecret.secret)
        .where(
            WebhookSecret.endpoint_id == endpoint_id,
            or_(WebhookSecret.ends_at.is_(None), WebhookSecret.ends_at > now),
        )
        .order_by(WebhookSecret.id.desc())
    )
    body = message_body(
        event.type,
        event.at,
        sequence=event.sequence,
        case_id=event.case_id,
        subject_type=event.subject_type,
        subject_id=event.subject_id,
        content=event.content,
    )
    secrets = tuple(decrypted(key, kept) for kept in session.scalars(signing))
    return _Message(delivery.id, event.id, delivery.attempts, url, body, secrets)


def _post(client: httpx.Client, message: _Message) -> _Answer:
    # Receivers compare the time stamp with their own clock, so it is the machine's, in a simulated home too.
    headers = headers_of(message.secrets, message.event_id, machine_now(), message.body)
    try:
        with client.stream("POST", message.url, content=message.body, headers=headers) as answer:
            status = answer.status_code
    except httpx.HTTPError as error:
        return _Answer(None, f"{type(error).__name__}: {error}"[:200])
    return _Answer(status, None if 200 <= status < 300 else f"answered {status}")


def _record(
    deployment: Deployment, message: _Message, endpoint_id: str, answer: _Answer, now: datetime
) -> DeliveryState:
    attempts = message.attempts + 1
    next_at = next_attempt(attempts, now) if answer.fault is not None else None
    if answer.fault is None:
        state = DeliveryState.DELIVERED
    else:
        state = DeliveryState.WAITING if next_at is not None else DeliveryState.DEAD
    with transaction(deployment.engine) as session:
        session.execute(
            update(WebhookDelivery)
            .where(WebhookDelivery.id == message.delivery_id)
            .values(
                state=state,
                attempts=attempts,
                next_at=next_at,
                last_at=now,
                last_status=answer.status,
                last_fault=answer.fault,
            )
        )
        if answer.status == _GONE:
            end_endpoint(Decision(session, _SENDER, now), session.get_one(WebhookEndpoint, endpoint_id))
    return state
