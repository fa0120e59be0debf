"""What should have happened by now and has not, because nothing ran that does it: for whoever looks."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import Select, exists, func, or_, select
from sqlalchemy.orm import Session, aliased

from cjp_fraud.config import PlatformMode
from cjp_fraud.notices.contradictions import open_contradictions
from cjp_fraud.notices.model import NoticeState
from cjp_fraud.notices.open_duties import open_duties
from cjp_fraud.notices.tables import Notice, NoticePlan
from cjp_fraud.notices.work_items import work_items
from cjp_fraud.review.cases import numbers_of
from cjp_fraud.review.decision_tables import Dispute, Proposal
from cjp_fraud.review.model import CaseState, DisputeState
from cjp_fraud.review.tables import Case
from cjp_fraud.suspension.after_notices import after_notices
from cjp_fraud.suspension.failed_letters import failed_letters
from cjp_fraud.suspension.model import MeasureState
from cjp_fraud.suspension.stage_rules import HoldCause
from cjp_fraud.suspension.stages_on_record import held_plans
from cjp_fraud.suspension.tables import Measure

GRACE: Final = timedelta(minutes=15)
"""How late something may be before it is called overdue: a schedule of five minutes has had three chances."""

_HELD: Final = {
    HoldCause.NEW_FLAG: "the tenant was flagged again",
    HoldCause.PERSON: "an approver held it",
}


def overdue(session: Session, at: datetime) -> tuple[str, ...]:
    """Return what is more than 15 minutes late at ``at`` (aware), a sentence each; measures past their end first."""
    late = at - GRACE
    past_end = session.scalars(
        select(Case.number)
        .join(Measure, Measure.case_id == Case.id)
        .where(Measure.state == MeasureState.IN_FORCE, or_(Measure.ends_at < late, Measure.review_at < late))
        .order_by(Case.number)
    ).all()
    named = [
        f"the measure of case {number} is PAST ITS END and still on record as in force" for number in past_end
    ]
    named += [
        f"the {letter.kind} letter of case {letter.case} did not reach the customer, and nobody has said that it is "
        "dealt with"
        for letter in failed_letters(session)
    ]
    late_papers = [duty for duty in open_duties(session, at) if duty.overdue]
    numbers = numbers_of(session, {duty.case_id for duty in late_papers})
    named += [f"case {numbers[duty.case_id]}, {duty.sentence}" for duty in late_papers]
    untold = [duty for duty in after_notices(session, late) if duty.overdue]
    of_cases = numbers_of(session, {duty.case_id for duty in untold})
    named += [f"case {of_cases[duty.case_id]}: {duty.sentence}" for duty in untold]
    unlifted = session.scalars(
        select(Case.number)
        .join(Measure, Measure.case_id == Case.id)
        .where(Measure.state == MeasureState.IN_FORCE, Measure.lift_due_at < late)
        .order_by(Case.number)
    ).all()
    named += [
        f"the cause of the measure of case {number} is gone, and it is still on record as in force"
        for number in unlifted
    ]
    named += [
        f"the reinstatement in stages of case {number} is held since {hold.held_at:%Y-%m-%d %H:%M:%SZ} "
        f"({_HELD[hold.cause]}); an approver lets it go on or lifts the measure at once"
        for number, hold in held_plans(session)
    ]
    unanswered = sum(each.answer_due_at < at for each in open_contradictions(session))
    if unanswered:
        named.append(
            f"{unanswered} report(s) against a notice, on which no person has decided within the hour"
        )
    unseen = sum(each.due_at < at for each in work_items(session))
    if unseen:
        named.append(f"{unseen} message(s) about a notice, at which no person has looked within a day")
    counted = (
        (
            _disputes(at, late),
            "dispute(s) that nobody has decided in time, or not known to be lifted or narrowed",
        ),
        (_lifts(), "measure(s) whose lift the platform has not confirmed"),
        (_letters(late), "letter(s) not handed over"),
        (_proposals(late), "proposal(s) past their time"),
    )
    counts = [(session.scalar(query) or 0, what) for query, what in counted]
    return (*named, *(f"{number} {what}" for number, what in counts if number))


def _disputes(at: datetime, late: datetime) -> Select[int]:
    undecided = (Dispute.state == DisputeState.OPEN) & (Dispute.answer_due_at < at)
    not_closed = (
        Dispute.state.in_([DisputeState.UPHELD, DisputeState.NARROWED])
        & Dispute.closed_at.is_(None)
        & (Dispute.decided_at < late)
    )
    return select(func.count()).where(undecided | not_closed)


def _lifts() -> Select[int]:
    return select(func.count()).where(Measure.state == MeasureState.LIFTING)


def _letters(late: datetime) -> Select[int]:
    return (
        select(func.count())
        .select_from(Notice)
        .join(NoticePlan, NoticePlan.id == Notice.plan_id)
        .where(
            NoticePlan.mode == PlatformMode.ACT,
            NoticePlan.cancelled_at.is_(None),
            Notice.state.in_([NoticeState.PLANNED, NoticeState.DEFERRED]),
            Notice.due_at < late,
        )
    )


def _proposals(late: datetime) -> Select[int]:
    """Count determined cases whose newest proposal has expired."""
    later = aliased(Proposal)
    return (
        select(func.count())
        .select_from(Case)
        .join(Proposal, Proposal.case_id == Case.id)
        .where(
            Case.state == CaseState.DETERMINED,
            Proposal.expires_at < late,
            ~exists().where(later.case_id == Proposal.case_id, later.number > Proposal.number),
        )
    )
