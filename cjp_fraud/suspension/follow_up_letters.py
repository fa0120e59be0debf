"""The letters that follow a notice: it is withdrawn, the measure is kept, or service was restored.

The caller holds the case's lock. A letter is made once for its occasion, and one that was sent is not sent again.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Select, exists, func, or_, select, true
from sqlalchemy.orm import Session, aliased

from cjp_fraud.config import PlatformMode
from cjp_fraud.contracts.position import contract_at
from cjp_fraud.errors import Refused
from cjp_fraud.notices.letter_facts import Letter, Restored, WhyRestored
from cjp_fraud.notices.model import NoticeKind, NoticeState, Outcome
from cjp_fraud.notices.plans import create_plan, draft_plan, plan_of, recipients_of
from cjp_fraud.notices.tables import Notice, NoticeAttempt, NoticePlan
from cjp_fraud.people.model import Decision
from cjp_fraud.review.case_letters import continuation_letter
from cjp_fraud.review.cases import flags_in_force
from cjp_fraud.review.model import DisputeState, ProviderPolicy
from cjp_fraud.review.proposal import document_of, measure_of
from cjp_fraud.review.tables import Case, Determination, Dispute, Proposal
from cjp_fraud.suspension.model import CommandKind, Ending, MeasureState
from cjp_fraud.suspension.notification import dispatch_plan
from cjp_fraud.suspension.platform import Enforcement
from cjp_fraud.suspension.reaffirmation import PEOPLE_NEEDED
from cjp_fraud.suspension.tables import Measure, PlatformCommand, Reaffirmation


@dataclass(frozen=True, slots=True)
class FollowUp:
    """A letter that follows a notice.

    Parameters
    ----------
    round : of the reaffirmations that it tells of; 0 where it tells of none.
    """

    case_id: str
    proposal_id: str
    kind: NoticeKind
    round: int = 0


def follow_ups_due(session: Session, case_id: str | None = None) -> list[FollowUp]:
    """Return the letters of one case, or of all, that are still to be sent.

    A withdrawal follows a notice of which anything may have gone out; a continuation follows a complete round of
    reaffirmations, once the platform has confirmed the new end; a reinstatement follows a measure that has ended.
    """
    gone_out = exists().where(
        Notice.plan_id == NoticePlan.id,
        NoticeAttempt.notice_id == Notice.id,
        or_(NoticeAttempt.outcome.is_(None), NoticeAttempt.outcome.in_([Outcome.SENT, Outcome.UNKNOWN])),
    )
    served = select(NoticePlan.case_id, NoticePlan.proposal_id).where(
        NoticePlan.kind == NoticeKind.SUSPENSION,
        NoticePlan.mode == PlatformMode.ACT,
        NoticePlan.case_id == case_id if case_id is not None else true(),
    )
    withdrawn = served.where(NoticePlan.cancelled_at.is_not(None), gone_out, ~_is_sent(NoticeKind.WITHDRAWAL))
    ended = served.join(Measure, Measure.notice_plan_id == NoticePlan.id).where(
        Measure.state == MeasureState.ENDED, ~_is_sent(NoticeKind.REINSTATEMENT)
    )
    once = ((NoticeKind.WITHDRAWAL, withdrawn), (NoticeKind.REINSTATEMENT, ended))
    return [
        *(
            FollowUp(case, proposal, kind)
            for kind, query in once
            for case, proposal in session.execute(query)
        ),
        *(
            FollowUp(case, proposal, NoticeKind.REAFFIRMATION, number)
            for case, proposal, number in session.execute(_kept(served))
        ),
    ]


def _kept(served: Select[str, str]) -> Select[str, str, int]:
    """Return, of the notices served, those whose measure is kept by a round of which the customer was not told."""
    rounds = (
        select(Reaffirmation.measure_id, Reaffirmation.round)
        .group_by(Reaffirmation.measure_id, Reaffirmation.round)
        .having(func.count() >= PEOPLE_NEEDED)
        .subquery()
    )
    newest = (
        select(rounds.c.measure_id, func.max(rounds.c.round).label("round"))
        .group_by(rounds.c.measure_id)
        .subquery()
    )
    to_confirm = exists().where(
        PlatformCommand.measure_id == Measure.id,
        PlatformCommand.kind == CommandKind.APPLY,
        PlatformCommand.finished_at.is_(None),
    )
    return (
        served.add_columns(newest.c.round)
        .join(Measure, Measure.notice_plan_id == NoticePlan.id)
        .join(newest, newest.c.measure_id == Measure.id)
        .where(
            Measure.state == MeasureState.IN_FORCE,
            ~to_confirm,
            ~_is_sent(NoticeKind.REAFFIRMATION, newest.c.round),
        )
    )


def send_follow_up(enforcement: Enforcement, letter: FollowUp) -> tuple[str, ...]:
    """Make and send a follow-up letter to everybody whom the notice had served; return what it waits for."""
    kind = letter.kind
    if enforcement.policy.mode is PlatformMode.OBSERVE:
        return (f"the {kind} letter waits: the mode in force is observe, and nothing leaves",)
    with enforcement.deciding() as decision:
        plan = plan_of(decision.session, letter.proposal_id, kind, letter.round)
        if plan is None:
            try:
                plan = _plan_follow_up(decision, letter, enforcement.policy)
            except Refused as refused:
                return refused.missing
    plan_progress = dispatch_plan(enforcement, plan.id)
    if plan_progress.next_due_at is None:
        return ()
    return (f"the {kind} letter is not sent yet; it is tried again",)


def _plan_follow_up(decision: Decision, follow_up: FollowUp, policy: ProviderPolicy) -> NoticePlan:
    session, at = decision.session, decision.at
    proposal = session.get_one(Proposal, follow_up.proposal_id)
    served = plan_of(session, proposal.id)
    assert served is not None, "a letter that follows follows a plan of its proposal"
    case = session.get_one(Case, proposal.case_id)
    approved_at = served.approved_at
    if follow_up.kind is NoticeKind.REAFFIRMATION:
        letter, approved_at = _continuation(session, case, proposal, follow_up.round, policy)
    else:
        measure, scope, _duration = measure_of(document_of(proposal))
        letter = Letter(
            kind=follow_up.kind,
            case_reference=str(case.number),
            sender=policy.sender,
            measure=measure,
            scope=scope,
            restored=_restored(session, served) if follow_up.kind is NoticeKind.REINSTATEMENT else None,
        )
    draft = draft_plan(contract_at(session, case.tenant_id, at), recipients_of(served), letter)
    return create_plan(
        decision,
        draft,
        case_id=case.id,
        proposal_id=proposal.id,
        approved_at=approved_at,
        mode=PlatformMode.ACT,
        round=follow_up.round,
    )


def _continuation(
    session: Session, case: Case, proposal: Proposal, number: int, policy: ProviderPolicy
) -> tuple[Letter, datetime]:
    """Return the facts of the letter about a round of reaffirmations, and when that round was complete."""
    measure = session.scalars(
        select(Measure).where(Measure.proposal_id == proposal.id, Measure.state == MeasureState.IN_FORCE)
    ).one()
    assert measure.in_force_at is not None, "it is in force"
    kind, scope, _duration = measure_of(document_of(proposal))
    since = measure.in_force_at
    letter = continuation_letter(
        case,
        session.get_one(Determination, proposal.determination_id),
        [flag for flag in flags_in_force(session, case.id) if flag.interval_start >= since],
        kind,
        scope,
        measure.lapses_at,
        policy.sender,
    )
    complete_at = session.scalars(
        select(func.max(Reaffirmation.at)).where(
            Reaffirmation.measure_id == measure.id, Reaffirmation.round == number
        )
    ).one()
    return letter, complete_at


def _restored(session: Session, served: NoticePlan) -> Restored:
    """Return when and why the measure that follows a notice ended, as the customer is told."""
    measure = session.scalars(
        select(Measure).where(Measure.notice_plan_id == served.id, Measure.state == MeasureState.ENDED)
    ).one()
    assert measure.ended_at is not None, "a measure that has ended has a time"
    if measure.ending is Ending.LAPSED:
        return Restored(measure.ended_at, WhyRestored.LAPSED)
    upheld = session.scalar(
        select(Dispute.id)
        .where(
            Dispute.case_id == measure.case_id,
            Dispute.state == DisputeState.UPHELD,
            Dispute.decided_at <= measure.ended_at,
        )
        .limit(1)
    )
    return Restored(measure.ended_at, WhyRestored.DISPUTE_UPHELD if upheld else WhyRestored.DECIDED)


def _is_sent(kind: NoticeKind, round: ColumnElement[int] | int = 0) -> ColumnElement[bool]:
    """Whether the letter of that kind and round is made and nothing of it is left to send."""
    other, letter = aliased(NoticePlan), aliased(Notice)
    left = exists().where(
        letter.plan_id == other.id, letter.state.in_([NoticeState.PLANNED, NoticeState.DEFERRED])
    )
    return exists().where(
        other.proposal_id == NoticePlan.proposal_id, other.kind == kind, other.round == round, ~left
    )
