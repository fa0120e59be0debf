"""What is on record of notices: how far a plan has come, and events as they become known."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import and_, or_, select
from sqlalchemy.orm import Session

from cjp_fraud.audit.log import append
from cjp_fraud.audit.tables import PersonalText
from cjp_fraud.contracts.tables import Address
from cjp_fraud.digests import sha256_hex
from cjp_fraud.documents import from_document
from cjp_fraud.errors import NotFoundError, refuse_unless
from cjp_fraud.notices.erds import erds_event
from cjp_fraud.notices.letter_standing import EventFacts, LetterFacts
from cjp_fraud.notices.model import MAY_HAVE_LEFT, DeliveryEvidence
from cjp_fraud.notices.plans import PlanDraft
from cjp_fraud.notices.progress import PlanFacts, PlanProgress, progress_of
from cjp_fraud.notices.tables import DeliveryEvent, Notice, NoticeAttempt, NoticePlan
from cjp_fraud.people.model import Decision


def address_served(session: Session, notice_id: str) -> str | None:
    """Return the address of a notice; None where it was erased."""
    return session.scalar(
        select(PersonalText.body)
        .join(Address, Address.text_id == PersonalText.id)
        .join(Notice, Notice.address_id == Address.id)
        .where(Notice.id == notice_id)
    )


def progress_at(session: Session, plan_id: str, at: datetime) -> PlanProgress:
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
    events = events_by_notice(session, ids)
    gone_out = set(
        session.scalars(
            select(NoticeAttempt.notice_id).where(
                NoticeAttempt.notice_id.in_(ids),
                NoticeAttempt.outcome.is_(None) | NoticeAttempt.outcome.in_(MAY_HAVE_LEFT),
            )
        )
    )
    return PlanFacts(
        plan_id=plan.id,
        case_id=plan.case_id,
        mode=plan.mode,
        terms=draft.terms,
        calendars=draft.calendars,
        created_at=plan.created_at,
        cancelled=plan.cancelled_at is not None,
        everywhere=draft.everywhere,
        letters=tuple(
            LetterFacts(
                notice_id=notice.id,
                step=notice.step,
                method_index=notice.method_index,
                basis=notice.basis,
                required=notice.required,
                state=notice.state,
                gone_out=notice.id in gone_out,
                events=tuple(
                    EventFacts(
                        event_id=event.id,
                        at=event.at,
                        status=event.status,
                        negative=event.negative,
                        authenticated=event.authenticated,
                        resolved=event.resolved_at is not None,
                    )
                    for event in events[notice.id]
                ),
            )
            for notice in notices
        ),
    )


def record_event(decision: Decision, notice_id: str, evidence: DeliveryEvidence) -> DeliveryEvent:
    """Put on record that something became known of a notice."""
    raw = evidence.raw.replace("\x00", "\ufffd")  # PostgreSQL's text holds no NUL
    event = DeliveryEvent(
        notice_id=notice_id,
        attempt_id=evidence.attempt_id,
        at=decision.at,
        source_at=evidence.source_at,
        source=evidence.source,
        status=evidence.status,
        negative=evidence.negative,
        authenticated=evidence.authenticated,
        kind=evidence.kind,
        erds_event=erds_event(evidence),
        needs_person=evidence.needs_person,
        raw=raw,
        raw_sha256=sha256_hex(raw.encode()),
        report_sha256=evidence.report_sha256,
    )
    decision.session.add(event)
    decision.session.flush()
    content = {
        "event_id": event.id,
        "status": event.status,
        "negative": event.negative,
        "authenticated": event.authenticated,
        "erds_event": event.erds_event,
        "needs_person": event.needs_person is not None,
        "raw_sha256": event.raw_sha256,
    }
    log_notice(decision, notice_id, "notice.event", content)
    return event


def resolve_contradictions(decision: Decision, notice_id: str) -> int:
    """Record that a person lets a notice stand in spite of what came back about it; return how many messages.

    It covers the authenticated reports against it, and whatever else a person had to look at.

    Who may do so, and with what reasons, is checked by the caller that clears the stop.

    Raises
    ------
    Refused
        If a machine tries.
    """
    refuse_unless(
        (decision.by.is_person, "a contradiction about a notice is resolved by a person"),
        action=f"resolve contradictions of notice {notice_id}",
    )
    events = decision.session.scalars(
        select(DeliveryEvent).where(
            DeliveryEvent.notice_id == notice_id,
            or_(
                and_(DeliveryEvent.negative.is_(True), DeliveryEvent.authenticated.is_(True)),
                DeliveryEvent.needs_person.is_not(None),
            ),
            DeliveryEvent.resolved_at.is_(None),
        )
    ).all()
    for event in events:
        event.resolved_at = decision.at
        event.resolved_by = decision.by.reference
    if events:
        content = {"event_ids": [event.id for event in events]}
        log_notice(decision, notice_id, "notice.contradictions_resolved", content)
    return len(events)


def case_of(session: Session, notice_id: str) -> str | None:
    """Return the case that a notice serves."""
    return session.scalar(
        select(NoticePlan.case_id).join(Notice, Notice.plan_id == NoticePlan.id).where(Notice.id == notice_id)
    )


def log_notice(decision: Decision, notice_id: str, action: str, content: Mapping[str, object]) -> None:
    """Append an entry about a notice to the audit log."""
    case_id = case_of(decision.session, notice_id)
    append(decision, action, "notices", notice_id, content, case_id=case_id)


def events_by_notice(session: Session, notice_ids: list[str]) -> Mapping[str, list[DeliveryEvent]]:
    """Return what is on record of each notice, in the order in which it became known."""
    events: dict[str, list[DeliveryEvent]] = defaultdict(list)
    for event in session.scalars(
        select(DeliveryEvent).where(DeliveryEvent.notice_id.in_(notice_ids)).order_by(DeliveryEvent.id)
    ):
        events[event.notice_id].append(event)
    return events
