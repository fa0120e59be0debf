"""The delivery record of a notice: letter, attempts with their dialogues, and what became known of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from cjp_fraud.audit.tables import PersonalText
from cjp_fraud.contracts.tables import Address
from cjp_fraud.errors import NotFoundError
from cjp_fraud.notices.tables import DeliveryEvent, Notice, NoticeAttempt, NoticePlan


def notices_on_record(session: Session, case_id: str | None = None) -> list[tuple[NoticePlan, Notice]]:
    """Return the notices with their plans, of one case or of all, in the order of their plans."""
    wanted = select(NoticePlan, Notice).join(Notice, Notice.plan_id == NoticePlan.id)
    if case_id is not None:
        wanted = wanted.where(NoticePlan.case_id == case_id)
    return [(plan, notice) for plan, notice in session.execute(wanted.order_by(NoticePlan.id, Notice.number))]


def delivery_record(session: Session, notice_id: str) -> dict[str, Any]:
    """Return everything that is on record of one notice, ready for printing as JSON.

    Raises
    ------
    NotFoundError
        If there is no such notice.
    """
    notice = session.get(Notice, notice_id)
    if notice is None:
        raise NotFoundError(
            f"no notice {notice_id!r} is on record; cjp-fraud notices list shows those that are"
        )
    plan = session.get_one(NoticePlan, notice.plan_id)
    address = session.scalar(
        select(PersonalText.body)
        .join(Address, Address.text_id == PersonalText.id)
        .where(Address.id == notice.address_id)
    )
    attempts = session.scalars(
        select(NoticeAttempt).where(NoticeAttempt.notice_id == notice_id).order_by(NoticeAttempt.number)
    ).all()
    events = session.scalars(
        select(DeliveryEvent).where(DeliveryEvent.notice_id == notice_id).order_by(DeliveryEvent.id)
    ).all()
    return {
        "id": notice.id,
        "case_id": plan.case_id,
        "proposal_id": plan.proposal_id,
        "plan_id": plan.id,
        "tenant_id": plan.tenant_id,
        "kind": notice.kind,
        "mode": plan.mode,
        "number": notice.number,
        "step": notice.step,
        "method": notice.method,
        "counts_when": notice.basis,
        "required": notice.required,
        "state": notice.state,
        "address": address if address is not None else "(erased)",
        "address_known": notice.address_known,
        "clause": notice.clause,
        "language": notice.language,
        "template": notice.template,
        "template_version": notice.template_version,
        "due_at": notice.due_at,
        "dispatched_at": notice.dispatched_at,
        "message_id": notice.message_id,
        "message_bytes": len(notice.message) if notice.message is not None else None,
        "message_sha256": notice.message_sha256,
        "attempts": _attempts(attempts),
        "events": _events(events),
    }


def _attempts(attempts: Sequence[NoticeAttempt]) -> list[dict[str, Any]]:
    return [
        {
            "number": attempt.number,
            "server": f"{attempt.host}:{attempt.port}",
            "envelope_from": attempt.envelope_from,
            "envid": attempt.envid,
            "started_at": attempt.started_at,
            "finished_at": attempt.finished_at,
            "outcome": attempt.outcome,
            "reply_code": attempt.reply_code,
            "dialogue": attempt.dialogue.splitlines() if attempt.dialogue is not None else None,
        }
        for attempt in attempts
    ]


def _events(events: Sequence[DeliveryEvent]) -> list[dict[str, Any]]:
    return [
        {
            "at": event.at,
            "recorded_at": event.recorded_at,
            "source": event.source,
            "status": event.status,
            "negative": event.negative,
            "authenticated": event.authenticated,
            "resolved_at": event.resolved_at,
        }
        for event in events
    ]
