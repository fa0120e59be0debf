"""Endpoints of webhooks with their secrets, events to be told, and how far the telling has come."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from cjp_fraud.storage.base import Base, Id, IdOf, Recorded
from cjp_fraud.webhooks.model import DeliveryState


class WebhookEndpoint(Recorded, Base):
    """An address of another system that is told of events."""

    __tablename__ = "webhook_endpoints"
    ROWS_CHANGE = True
    __table_args__ = (
        CheckConstraint("(disabled_at IS NULL) = (disabled_by IS NULL)", name="disabling_is_whole"),
    )

    id: Mapped[Id]
    url: Mapped[str] = mapped_column(String(2000), comment="where messages are posted to")
    events: Mapped[list[str]] = mapped_column(comment="patterns of the events that it is told of")
    created_at: Mapped[datetime] = mapped_column(comment="since when")
    created_by: Mapped[str] = mapped_column(String(140), comment="who made it: user id")
    disabled_at: Mapped[datetime | None] = mapped_column(comment="told no more from then on; null: still")
    disabled_by: Mapped[str | None] = mapped_column(
        String(140), comment="user id, or system:webhooks where it answered that it is gone; null: nobody"
    )


class WebhookSecret(Recorded, Base):
    """A secret by which messages to an endpoint are signed; several count at once while one is exchanged."""

    __tablename__ = "webhook_secrets"
    ROWS_CHANGE = True

    id: Mapped[Id]
    endpoint_id: Mapped[str] = mapped_column(
        ForeignKey("webhook_endpoints.id"), index=True, comment="whose messages it signs"
    )
    secret: Mapped[str] = mapped_column(
        String(300), comment="the secret, encrypted by a key outside the database"
    )
    created_at: Mapped[datetime] = mapped_column(comment="since when it signs")
    ends_at: Mapped[datetime | None] = mapped_column(comment="until when it signs; null: no end is set")


class WebhookEvent(Recorded, Base):
    """Something that other systems are told; written in the transaction in which it happened."""

    __tablename__ = "webhook_events"
    NOT_AUDITED = "it repeats the entry of the log whose number it bears"

    id: Mapped[Id] = mapped_column(comment="webhook-id of its messages")
    type: Mapped[str] = mapped_column(String(80), comment="type of the event")
    at: Mapped[datetime] = mapped_column(comment="when it happened")
    sequence: Mapped[int] = mapped_column(BigInteger, comment="number of the log's entry")
    case_id: Mapped[IdOf | None] = mapped_column(comment="case concerned; null: none")
    subject_type: Mapped[str] = mapped_column(String(40), comment="table of what it happened to")
    subject_id: Mapped[str] = mapped_column(String(240), comment="id of what it happened to")
    content: Mapped[dict[str, Any]] = mapped_column(comment="content of the log's entry: no personal text")


class WebhookDelivery(Recorded, Base):
    """How far the telling of one event to one endpoint has come."""

    __tablename__ = "webhook_deliveries"
    NOT_AUDITED = "it changes with every attempt, and nothing rests on it"
    ROWS_CHANGE = True
    __table_args__ = (
        UniqueConstraint("event_id", "endpoint_id"),
        CheckConstraint("(next_at IS NULL) = (state <> 'waiting')", name="waits_for_a_moment"),
        CheckConstraint("attempts >= 0", name="attempts_are_counted"),
        Index("ix_webhook_deliveries_due", "endpoint_id", "state", "next_at"),
    )

    id: Mapped[Id]
    event_id: Mapped[str] = mapped_column(ForeignKey("webhook_events.id"), comment="what is told")
    endpoint_id: Mapped[str] = mapped_column(ForeignKey("webhook_endpoints.id"), comment="whom")
    state: Mapped[DeliveryState] = mapped_column(comment="how far it has come")
    attempts: Mapped[int] = mapped_column(comment="how often it was sent")
    next_at: Mapped[datetime | None] = mapped_column(comment="when it is sent next; null: no more")
    last_at: Mapped[datetime | None] = mapped_column(comment="when it was sent last; null: never")
    last_status: Mapped[int | None] = mapped_column(comment="HTTP status of the last answer; null: none came")
    last_fault: Mapped[str | None] = mapped_column(
        String(200), comment="why the last attempt failed; null: it did not, or there was none"
    )
