"""Views of notices: the list of letters, and everything that is on record of one, as screens and programs see it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import datetime

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from cjp_fraud.clock import utc_text
from cjp_fraud.config import PlatformMode
from cjp_fraud.contracts.methods import PHYSICAL
from cjp_fraud.contracts.model import DeliveryStatus
from cjp_fraud.errors import NotFoundError
from cjp_fraud.notices.delivery_record import address_served, events_by_notice, plan_facts
from cjp_fraud.notices.letter_receipt import LetterReceipt, letter_receipt
from cjp_fraud.notices.model import NoticeKind, NoticeState, Outcome
from cjp_fraud.notices.progress import PlanProgress, progress_of
from cjp_fraud.notices.reports.model import ReportKind
from cjp_fraud.notices.tables import DeliveryEvent, Notice, NoticeAttempt, NoticePlan, SmtpAttempt


@dataclass(frozen=True, slots=True)
class NoticeRow:
    """One letter in the list of notices.

    Parameters
    ----------
    reached : the highest rung of the ladder that authenticated evidence shows; None: none.
    standing : its state as the record proves it: what was sent by post is handed to the printer, mailed or delivered.
    came_back : authenticated evidence says that it did not arrive, and no person has resolved that.
    needs_person : something is known of it that a person must look at, and nobody has.
    """

    id: str
    case_id: str
    tenant_id: str
    kind: NoticeKind
    mode: PlatformMode
    step: int
    method: str
    required: bool
    state: NoticeState
    reached: DeliveryStatus | None
    standing: str
    came_back: bool
    needs_person: bool
    due_at: datetime | None
    dispatched_at: datetime | None


@dataclass(frozen=True, slots=True)
class NoticeFilter:
    """Which letters are listed; None, or an empty set: whichever.

    Parameters
    ----------
    for_people : only those of which something came back that a person must look at.
    """

    case_id: str | None = None
    tenant_id: str | None = None
    kinds: frozenset[NoticeKind] = frozenset()
    states: frozenset[NoticeState] = frozenset()
    method: str | None = None
    for_people: bool = False


@dataclass(frozen=True, slots=True)
class SmtpDetails:
    """What an attempt by email has beside every other attempt; the columns of ``smtp_attempts``."""

    server: str
    envelope_from: str
    envid: str
    reply_code: int | None
    queue_id: str | None
    server_name: str | None
    server_address: str | None
    reports_offered: bool | None
    tls_version: str | None
    tls_cipher: str | None
    certificate_sha256: str | None
    certificate_verified: bool | None
    dkim_name: str | None
    dkim_record: str | None


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
    """Something that became known of a notice; :class:`~cjp_fraud.notices.model.DeliveryEvidence` on record.

    Parameters
    ----------
    status : rung of the ladder.
    erds_event : its name in ETSI EN 319 522-1; None: it has none there.
    source_at : when it happened by the source's own word; None: the source does not say.
    raw : the text as it came; None: it was erased, and ``raw_sha256`` is left.
    """

    id: str
    at: datetime
    recorded_at: datetime
    source_at: datetime | None
    source: str
    status: DeliveryStatus
    negative: bool
    authenticated: bool
    kind: ReportKind | None
    erds_event: str | None
    needs_person: str | None
    resolved_at: datetime | None
    resolved_by: str | None
    raw: str | None
    raw_sha256: str
    erased_at: datetime | None


@dataclass(frozen=True, slots=True)
class PlanStanding:
    """How far the plan has come that a letter belongs to.

    Parameters
    ----------
    complete_at : the earliest moment of the measure; None: it is not known yet.
    failed : no method that the contract permits can complete it any more.
    explanation : how the moments were computed, a sentence a step.
    """

    current_step: int
    step_complete: bool
    complete_at: datetime | None
    failed: bool
    cancelled: bool
    explanation: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class DeliveryRecord:
    """Everything that is on record of one notice.

    Parameters
    ----------
    proposal_id : None: it carries out no approval (a warning, a notice of breach, an answer to a dispute).
    counts_when : delivery status from which it counts as received.
    address : None: it was erased.
    reference, message_bytes, message_sha256 : name, size and digest of what is served; None: not built yet, and
        the size of what was erased.
    erased_at : when the letter was erased; None: it is there, or was never built.
    receipt : whether it counts as received, and why, step by step.
    plan : how far the notices of its plan have come together.
    """

    id: str
    case_id: str
    proposal_id: str | None
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
    receipt: LetterReceipt
    plan: PlanStanding


def notice_rows(session: Session, chosen: NoticeFilter) -> tuple[NoticeRow, ...]:
    """Return the letters that a filter leaves, in the order of their plans."""
    of_filter = _conditions(chosen)
    notices = select(NoticePlan, Notice).join(Notice, Notice.plan_id == NoticePlan.id).where(*of_filter)
    events: dict[str, list[DeliveryEvent]] = defaultdict(list)
    known = select(DeliveryEvent).join(Notice, Notice.id == DeliveryEvent.notice_id)
    for event in session.scalars(known.join(NoticePlan, NoticePlan.id == Notice.plan_id).where(*of_filter)):
        events[event.notice_id].append(event)
    rows = (
        _row(plan, notice, events[notice.id])
        for plan, notice in session.execute(notices.order_by(NoticePlan.id, Notice.number))
    )
    return tuple(row for row in rows if row.needs_person or not chosen.for_people)


def _conditions(chosen: NoticeFilter) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if chosen.case_id is not None:
        conditions.append(NoticePlan.case_id == chosen.case_id)
    if chosen.tenant_id is not None:
        conditions.append(NoticePlan.tenant_id == chosen.tenant_id)
    if chosen.method is not None:
        conditions.append(Notice.method == chosen.method)
    if chosen.kinds:
        conditions.append(Notice.kind.in_(chosen.kinds))
    if chosen.states:
        conditions.append(Notice.state.in_(chosen.states))
    return conditions


def _row(plan: NoticePlan, notice: Notice, events: Sequence[DeliveryEvent]) -> NoticeRow:
    proven = [event.status for event in events if event.authenticated and not event.negative]
    open_events = [event for event in events if event.resolved_at is None]
    reached = max(proven, key=lambda status: status.place, default=None)
    return NoticeRow(
        id=notice.id,
        case_id=plan.case_id,
        tenant_id=plan.tenant_id,
        kind=notice.kind,
        mode=plan.mode,
        step=notice.step,
        method=notice.method,
        required=notice.required,
        state=notice.state,
        reached=reached,
        standing=standing(notice.state, notice.method, reached),
        came_back=any(event.authenticated and event.negative for event in open_events),
        needs_person=any(event.needs_person is not None for event in open_events),
        due_at=notice.due_at,
        dispatched_at=notice.dispatched_at,
    )


def standing(state: NoticeState, method: str, reached: DeliveryStatus | None) -> str:
    """Return how far a letter has come, in words: on paper, "sent" would say more than a printer's receipt proves.

    Parameters
    ----------
    reached : the highest rung that authenticated evidence shows; None: none.
    """
    if state is not NoticeState.SENT or method not in PHYSICAL:
        return state.value
    if reached is None or not reached.reaches(DeliveryStatus.ACCEPTED):
        return "handed to the printer"
    return "delivered" if reached.reaches(DeliveryStatus.DELIVERED) else "mailed"


def letters_handed_over(session: Session, case_id: str) -> int:
    """Return how many attempts at serving a case's letters were handed over."""
    of_case = (
        select(func.count())
        .select_from(NoticeAttempt)
        .join(Notice, Notice.id == NoticeAttempt.notice_id)
        .join(NoticePlan, NoticePlan.id == Notice.plan_id)
        .where(NoticePlan.case_id == case_id, NoticeAttempt.outcome == Outcome.SENT)
    )
    return session.scalar(of_case) or 0


def delivery_record(session: Session, notice_id: str, at: datetime) -> DeliveryRecord:
    """Return everything that is on record of one notice at ``at`` (aware).

    Raises
    ------
    NotFoundError
        If there is no such notice.
    """
    notice = _notice(session, notice_id)
    plan = session.get_one(NoticePlan, notice.plan_id)
    facts = plan_facts(session, plan.id)
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
            for event in events_by_notice(session, [notice_id])[notice_id]
        ),
        receipt=letter_receipt(facts, notice_id),
        plan=_plan_standing(progress_of(facts, at)),
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
            evidence=tuple(attempt.evidence.split("\n")) if attempt.evidence is not None else None,
            erased_at=attempt.erased_at,
            smtp=_smtp_details(smtp),
        )
        for attempt, smtp in rows
    )


def _plan_standing(progress: PlanProgress) -> PlanStanding:
    return PlanStanding(**{field.name: getattr(progress, field.name) for field in fields(PlanStanding)})


def _smtp_details(smtp: SmtpAttempt | None) -> SmtpDetails | None:
    if smtp is None:
        return None
    learnt = {
        field.name: getattr(smtp, field.name) for field in fields(SmtpDetails) if field.name != "server"
    }
    return SmtpDetails(server=f"{smtp.host}:{smtp.port}", **learnt)


def _notice(session: Session, notice_id: str) -> Notice:
    notice = session.get(Notice, notice_id)
    if notice is None:
        raise NotFoundError(
            f"no notice {notice_id!r} is on record; cjp-fraud notices list shows those that are"
        )
    return notice
