"""What is on record of notices: how far a plan has come, events as they become known, and views of it all."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import datetime

from sqlalchemy import and_, or_, select
from sqlalchemy.orm import Session

from cjp_fraud.audit.log import append
from cjp_fraud.audit.tables import PersonalText
from cjp_fraud.clock import utc_text
from cjp_fraud.config import PlatformMode
from cjp_fraud.contracts.model import DeliveryStatus
from cjp_fraud.contracts.tables import Address
from cjp_fraud.digests import sha256_hex
from cjp_fraud.documents import from_document
from cjp_fraud.errors import NotFoundError, refuse_unless
from cjp_fraud.notices.erds import erds_event
from cjp_fraud.notices.letter_standing import EventFacts, LetterFacts
from cjp_fraud.notices.model import MAY_HAVE_LEFT, DeliveryEvidence, NoticeKind, NoticeState, Outcome
from cjp_fraud.notices.plans import PlanDraft
from cjp_fraud.notices.progress import PlanFacts, PlanProgress, progress_of
from cjp_fraud.notices.reports.model import ReportKind
from cjp_fraud.notices.tables import DeliveryEvent, Notice, NoticeAttempt, NoticePlan, SmtpAttempt
from cjp_fraud.people.model import Decision


@dataclass(frozen=True, slots=True)
class NoticeRow:
    """One letter in the list of notices."""

    id: str
    case_id: str
    tenant_id: str
    kind: NoticeKind
    mode: PlatformMode
    step: int
    method: str
    required: bool
    state: NoticeState
    due_at: datetime | None
    dispatched_at: datetime | None


@dataclass(frozen=True, slots=True)
class SmtpDetails:
    """What an attempt by email has beside every other attempt."""

    server: str
    envelope_from: str
    envid: str
    reply_code: int | None


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt at serving a notice.

    Parameters
    ----------
    outcome, finished_at : None: it is open, or was interrupted.
    evidence : all that was said, a line each; None as above, or erased.
    erased_at : when evidence and bytes were erased; None: they are there.
    smtp : None: it was not made by email.
    """

    number: int
    method: str
    started_at: datetime
    finished_at: datetime | None
    outcome: Outcome | None
    evidence: tuple[str, ...] | None
    erased_at: datetime | None
    smtp: SmtpDetails | None


@dataclass(frozen=True, slots=True)
class Event:
    """Something that became known of a notice; :class:`~cjp_fraud.notices.model.DeliveryEvidence` on record."""

    at: datetime
    recorded_at: datetime
    source: str
    status: DeliveryStatus
    negative: bool
    authenticated: bool
    kind: ReportKind | None
    erds_event: str | None
    needs_person: str | None
    resolved_at: datetime | None


@dataclass(frozen=True, slots=True)
class DeliveryRecord:
    """Everything that is on record of one notice.

    Parameters
    ----------
    counts_when : delivery status from which it counts as received.
    address : None: it was erased.
    reference, message_bytes, message_sha256 : name, size and digest of what is served; None: not built yet, and
        the size of what was erased.
    erased_at : when the letter was erased; None: it is there, or was never built.
    """

    id: str
    case_id: str
    proposal_id: str
    plan_id: str
    tenant_id: str
    kind: NoticeKind
    mode: PlatformMode
    number: int
    step: int
    method: str
    counts_when: DeliveryStatus
    required: bool
    state: NoticeState
    address: str | None
    address_known: str
    clause: str
    language: str
    template: str
    template_version: str
    due_at: datetime | None
    dispatched_at: datetime | None
    reference: str | None
    message_bytes: int | None
    message_sha256: str | None
    erased_at: datetime | None
    attempts: tuple[Attempt, ...]
    events: tuple[Event, ...]


def notice_rows(session: Session, case_id: str | None = None) -> tuple[NoticeRow, ...]:
    """Return the letters of one case, or of all, in the order of their plans."""
    statement = select(NoticePlan, Notice).join(Notice, Notice.plan_id == NoticePlan.id)
    if case_id is not None:
        statement = statement.where(NoticePlan.case_id == case_id)
    return tuple(
        NoticeRow(
            id=notice.id,
            case_id=plan.case_id,
            tenant_id=plan.tenant_id,
            kind=notice.kind,
            mode=plan.mode,
            step=notice.step,
            method=notice.method,
            required=notice.required,
            state=notice.state,
            due_at=notice.due_at,
            dispatched_at=notice.dispatched_at,
        )
        for plan, notice in session.execute(statement.order_by(NoticePlan.id, Notice.number))
    )


def delivery_record(session: Session, notice_id: str) -> DeliveryRecord:
    """Return everything that is on record of one notice.

    Raises
    ------
    NotFoundError
        If there is no such notice.
    """
    notice = _notice(session, notice_id)
    plan = session.get_one(NoticePlan, notice.plan_id)
    return DeliveryRecord(
        id=notice.id,
        case_id=plan.case_id,
        proposal_id=plan.proposal_id,
        plan_id=plan.id,
        tenant_id=plan.tenant_id,
        kind=notice.kind,
        mode=plan.mode,
        number=notice.number,
        step=notice.step,
        method=notice.method,
        counts_when=notice.basis,
        required=notice.required,
        state=notice.state,
        address=address_served(session, notice_id),
        address_known=notice.address_known,
        clause=notice.clause,
        language=notice.language,
        template=notice.template,
        template_version=notice.template_version,
        due_at=notice.due_at,
        dispatched_at=notice.dispatched_at,
        reference=notice.reference,
        message_bytes=len(notice.message) if notice.message is not None else None,
        message_sha256=notice.message_sha256,
        erased_at=notice.erased_at,
        attempts=_attempts(session, notice_id),
        events=tuple(
            Event(**{field.name: getattr(event, field.name) for field in fields(Event)})
            for event in _events(session, [notice_id])[notice_id]
        ),
    )


def message_served(session: Session, notice_id: str) -> bytes:
    """Return the exact bytes of a notice; raises NotFoundError while it is not written, and once it is erased."""
    notice = _notice(session, notice_id)
    if notice.message is None:
        erased = f"was erased at {utc_text(notice.erased_at)}" if notice.erased_at is not None else None
        raise NotFoundError(
            f"notice {notice_id} {erased or f'has not been written yet: it is {notice.state}'}"
        )
    return notice.message


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
    events = _events(session, ids)
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


def _notice(session: Session, notice_id: str) -> Notice:
    notice = session.get(Notice, notice_id)
    if notice is None:
        raise NotFoundError(
            f"no notice {notice_id!r} is on record; cjp-fraud notices list shows those that are"
        )
    return notice


def _attempts(session: Session, notice_id: str) -> tuple[Attempt, ...]:
    rows = session.execute(
        select(NoticeAttempt, SmtpAttempt)
        .outerjoin(SmtpAttempt, SmtpAttempt.attempt_id == NoticeAttempt.id)
        .where(NoticeAttempt.notice_id == notice_id)
        .order_by(NoticeAttempt.number)
    )
    return tuple(
        Attempt(
            number=attempt.number,
            method=attempt.method,
            started_at=attempt.started_at,
            finished_at=attempt.finished_at,
            outcome=attempt.outcome,
            evidence=tuple(attempt.evidence.splitlines()) if attempt.evidence is not None else None,
            erased_at=attempt.erased_at,
            smtp=_smtp_details(smtp),
        )
        for attempt, smtp in rows
    )


def _smtp_details(smtp: SmtpAttempt | None) -> SmtpDetails | None:
    if smtp is None:
        return None
    return SmtpDetails(f"{smtp.host}:{smtp.port}", smtp.envelope_from, smtp.envid, smtp.reply_code)


def _events(session: Session, notice_ids: list[str]) -> Mapping[str, list[DeliveryEvent]]:
    events: dict[str, list[DeliveryEvent]] = defaultdict(list)
    for event in session.scalars(
        select(DeliveryEvent).where(DeliveryEvent.notice_id.in_(notice_ids)).order_by(DeliveryEvent.id)
    ):
        events[event.notice_id].append(event)
    return events
