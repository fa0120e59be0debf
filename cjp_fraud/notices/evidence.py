"""What is on record of a plan: its progress, and delivery events as they become known."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from cjp_fraud.audit.log import append
from cjp_fraud.clock import aware
from cjp_fraud.contracts.delivery_status import DeliveryStatus
from cjp_fraud.digests import sha256_hex
from cjp_fraud.documents import from_document
from cjp_fraud.errors import NotFoundError, refuse_unless
from cjp_fraud.notices.model import Outcome
from cjp_fraud.notices.plans import PlanDraft
from cjp_fraud.notices.progress import EventFacts, LetterFacts, PlanFacts, PlanProgress, progress_of
from cjp_fraud.notices.tables import DeliveryEvent, Notice, NoticeAttempt, NoticePlan
from cjp_fraud.people.model import Actor, Decision


def progress(session: Session, plan_id: str, at: datetime) -> PlanProgress:
    """Return how far a plan has come at ``at`` (aware).

    Raises
    ------
    NotFoundError
        If there is no such plan.
    """
    return progress_of(plan_facts(session, plan_id), at)


def plan_facts(session: Session, plan_id: str) -> PlanFacts:
    """Return what is on record of a plan, for the rules of :mod:`cjp_fraud.notices.progress`."""
    plan = session.get(NoticePlan, plan_id)
    if plan is None:
        raise NotFoundError(f"no notice plan {plan_id} is on record")
    draft = from_document(PlanDraft, plan.document)
    notices = session.scalars(select(Notice).where(Notice.plan_id == plan_id).order_by(Notice.number)).all()
    ids = [notice.id for notice in notices]
    events: dict[str, list[EventFacts]] = {}
    for event in session.scalars(
        select(DeliveryEvent).where(DeliveryEvent.notice_id.in_(ids)).order_by(DeliveryEvent.id)
    ):
        events.setdefault(event.notice_id, []).append(_event_facts(event))
    out = set(
        session.scalars(
            select(NoticeAttempt.notice_id).where(
                NoticeAttempt.notice_id.in_(ids),
                NoticeAttempt.outcome.is_(None) | NoticeAttempt.outcome.in_([Outcome.SENT, Outcome.UNKNOWN]),
            )
        )
    )
    return PlanFacts(
        plan_id=plan.id,
        case_id=plan.case_id,
        mode=plan.mode,
        terms=draft.terms,
        time_zone=draft.time_zone,
        created_at=plan.created_at,
        cancelled=plan.cancelled_at is not None,
        letters=tuple(
            LetterFacts(
                notice_id=notice.id,
                step=notice.step,
                method_index=notice.method_index,
                basis=notice.basis,
                required=notice.required,
                state=notice.state,
                gone_out=notice.id in out,
                events=tuple(events.get(notice.id, ())),
            )
            for notice in notices
        ),
    )


def record_event(
    session: Session,
    notice_id: str,
    status: DeliveryStatus,
    by: Actor,
    at: datetime,
    *,
    source: str,
    raw: str,
    negative: bool = False,
    authenticated: bool,
    attempt_id: str | None = None,
    report_sha256: str | None = None,
) -> DeliveryEvent:
    """Record that something became known of a notice.

    Parameters
    ----------
    status : the delivery status that it shows; of a negative event, the last one that was reached.
    authenticated : whether it is proven to be about this very notice; if not it proves nothing, either way.
    """
    moment = aware(at)
    event = DeliveryEvent(
        notice_id=notice_id,
        attempt_id=attempt_id,
        at=moment,
        recorded_at=moment,
        source=source,
        status=status,
        negative=negative,
        authenticated=authenticated,
        raw=raw.replace("\x00", "\ufffd"),  # PostgreSQL's text holds no NUL
        report_sha256=report_sha256,
    )
    session.add(event)
    session.flush()
    content = {
        "event_id": event.id,
        "status": status,
        "negative": negative,
        "authenticated": authenticated,
        "raw_sha256": sha256_hex(event.raw.encode()),
    }
    append(
        Decision(session, by, moment),
        "notice.event",
        "notices",
        notice_id,
        content,
        case_id=case_of(session, notice_id),
    )
    return event


def resolve_contradictions(session: Session, notice_id: str, by: Actor, at: datetime) -> int:
    """Record that a person lets a notice stand in spite of the reports against it; return how many.

    Who may do so, and with what reasons, is checked by the caller that clears the stop.

    Raises
    ------
    Refused
        If a machine tries.
    """
    refuse_unless(
        (by.is_person, "a contradiction about a notice is resolved by a person"),
        action=f"resolve contradictions of notice {notice_id}",
    )
    events = session.scalars(
        select(DeliveryEvent).where(
            DeliveryEvent.notice_id == notice_id,
            DeliveryEvent.negative.is_(True),
            DeliveryEvent.authenticated.is_(True),
            DeliveryEvent.resolved_at.is_(None),
        )
    ).all()
    for event in events:
        event.resolved_at = aware(at)
        event.resolved_by = by.reference
    if events:
        content = {"event_ids": [event.id for event in events]}
        case_id = case_of(session, notice_id)
        append(
            Decision(session, by, at),
            "notice.contradictions_resolved",
            "notices",
            notice_id,
            content,
            case_id=case_id,
        )
    return len(events)


def case_of(session: Session, notice_id: str) -> str | None:
    """Return the case that a notice serves."""
    return session.scalar(
        select(NoticePlan.case_id).join(Notice, Notice.plan_id == NoticePlan.id).where(Notice.id == notice_id)
    )


def _event_facts(event: DeliveryEvent) -> EventFacts:
    return EventFacts(
        event_id=event.id,
        at=event.at,
        status=event.status,
        negative=event.negative,
        authenticated=event.authenticated,
        resolved=event.resolved_at is not None,
    )
