"""Keep what other systems are to be told, in the transaction in which it happens."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol

from sqlalchemy import select
from sqlalchemy.orm import Session

from cjp_fraud.storage.base import new_id
from cjp_fraud.webhooks.model import DeliveryState, event_types, wants
from cjp_fraud.webhooks.tables import WebhookDelivery, WebhookEndpoint, WebhookEvent


class Entry(Protocol):
    """What an entry of the audit log says; :class:`cjp_fraud.audit.tables.AuditEntry` is one."""

    @property
    def sequence(self) -> Any: ...
    @property
    def at(self) -> Any: ...
    @property
    def action(self) -> Any: ...
    @property
    def case_id(self) -> Any: ...
    @property
    def subject_type(self) -> Any: ...
    @property
    def subject_id(self) -> Any: ...
    @property
    def content(self) -> Any: ...


def keep_events(session: Session, entries: Sequence[Entry]) -> None:
    """Keep the events of new entries of the log for each endpoint that wants them, in the caller's transaction."""
    told = [(entry, kind) for entry in entries for kind in event_types(entry.action, entry.content)]
    if not told:
        return
    open_endpoints = select(WebhookEndpoint.id, WebhookEndpoint.events).where(
        WebhookEndpoint.disabled_at.is_(None)
    )
    endpoints = session.execute(open_endpoints.order_by(WebhookEndpoint.id)).all()
    for entry, kind in told:
        listening = [endpoint.id for endpoint in endpoints if wants(endpoint.events, kind)]
        if listening:
            _keep(session, entry, kind, listening)


def _keep(session: Session, entry: Entry, kind: str, endpoint_ids: Sequence[str]) -> None:
    at: datetime = entry.at
    content: Mapping[str, Any] = entry.content
    event = WebhookEvent(
        id=new_id(),
        type=kind,
        at=at,
        sequence=entry.sequence,
        case_id=entry.case_id,
        subject_type=entry.subject_type,
        subject_id=entry.subject_id,
        content=dict(content),
    )
    session.add(event)
    session.flush()
    session.add_all(
        WebhookDelivery(
            event_id=event.id,
            endpoint_id=endpoint_id,
            state=DeliveryState.WAITING,
            attempts=0,
            next_at=at,
            last_at=None,
            last_status=None,
            last_fault=None,
        )
        for endpoint_id in endpoint_ids
    )
