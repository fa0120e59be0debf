"""The letters that follow a notice: withdrawn, kept, lifted in stages, or restored.

The caller holds the case's lock. A letter is made once for its occasion, and one that was sent is not sent again.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from cjp_fraud.config import PlatformMode
from cjp_fraud.contracts.contract_reader import contract_at
from cjp_fraud.contracts.restriction import Scope
from cjp_fraud.documents import from_document
from cjp_fraud.errors import Refused
from cjp_fraud.notices.announced import announced
from cjp_fraud.notices.letter_facts import (
    Letter,
    Restored,
    Sender,
    WhyRestored,
    WhyWithdrawn,
    Withdrawn,
)
from cjp_fraud.notices.model import NoticeKind
from cjp_fraud.notices.plan_drafting import draft_plan
from cjp_fraud.notices.plans import PlanDraft
from cjp_fraud.notices.plans_on_record import (
    create_plan,
    goes_everywhere,
    methods_of,
    plan_of,
    plan_of_occasion,
    recipients_of,
)
from cjp_fraud.notices.tables import NoticePlan
from cjp_fraud.people.model import Decision
from cjp_fraud.review.case_letters import continuation_letter
from cjp_fraud.review.cases import flags_in_force, lock_case
from cjp_fraud.review.decision_tables import Determination, Dispute, LetterOrder, Proposal
from cjp_fraud.review.dispute import upheld_dispute
from cjp_fraud.review.model import DisputeState
from cjp_fraud.review.narrower_measure import Restriction
from cjp_fraud.review.proposal import document_of, measure_of
from cjp_fraud.review.provider_policy import ProviderPolicy
from cjp_fraud.review.tables import Case
from cjp_fraud.suspension.connections import Enforcement
from cjp_fraud.suspension.dispute_answers import dispute_answer
from cjp_fraud.suspension.emergency import is_unapproved
from cjp_fraud.suspension.follow_ups_due import FollowUp
from cjp_fraud.suspension.gate_facts import row_faults
from cjp_fraud.suspension.kept_rounds import KeptRound
from cjp_fraud.suspension.model import CommandKind, Ending, MeasureState
from cjp_fraud.suspension.notification import dispatch_plan
from cjp_fraud.suspension.rounds_on_record import round_to_keep
from cjp_fraud.suspension.stage_letter import stage_letter
from cjp_fraud.suspension.stage_tables import ReinstatementPlan
from cjp_fraud.suspension.tables import Measure, PlatformCommand


def send_follow_up(enforcement: Enforcement, letter: FollowUp) -> tuple[str, ...]:
    """Make and send a follow-up letter to everybody whom the notice had served; return what it waits for.

    It is made only from rows that are as the audit log names them: what somebody changed behind our back tells the
    customer nothing. A letter that failed for good is told by :func:`failed_letters`.
    """
    kind = letter.kind
    if enforcement.policy.mode is PlatformMode.OBSERVE:
        return (f"the {kind} letter waits: the mode in force is observe, and nothing leaves",)
    with enforcement.deciding() as decision:
        plan = (
            plan_of(decision.session, letter.proposal_id, kind, letter.round)
            if letter.proposal_id is not None
            else plan_of_occasion(decision.session, letter.occasion_id, kind)
        )
        if plan is None:
            changed = row_faults(decision.session, lock_case(decision.session, letter.case_id))
            if changed:
                return tuple(f"the {kind} letter is not written: {fault}" for fault in changed)
            try:
                plan = _plan_follow_up(decision, letter, enforcement.policy)
            except Refused as refused:
                return tuple(f"the {kind} letter cannot be written: {fault}" for fault in refused.missing)
            if plan is None:
                return ()
    plan_progress = dispatch_plan(enforcement, plan.id)
    if plan_progress.next_due_at is None:
        return ()
    return (f"the {kind} letter is not sent yet; it is tried again",)


def _plan_follow_up(decision: Decision, follow_up: FollowUp, policy: ProviderPolicy) -> NoticePlan | None:
    """Put the plan of a letter on record; None: there is nothing to tell any more."""
    session, at = decision.session, decision.at
    if follow_up.proposal_id is None:
        return _plan_of_occasion(decision, follow_up, policy)
    proposal = session.get_one(Proposal, follow_up.proposal_id)
    served = plan_of(session, proposal.id)
    assert served is not None, "a letter that follows follows a plan of its proposal"
    case = session.get_one(Case, proposal.case_id)
    approved_at = served.approved_at
    if follow_up.kind is NoticeKind.REAFFIRMATION:
        kept = _kept_measure(session, proposal, follow_up.round, at)
        if kept is None:
            return None
        letter, approved_at = _continuation(session, case, served, proposal, *kept, policy.sender)
    else:
        ended = _ended_measure(session, served)
        approved, scope, _duration = measure_of(document_of(proposal))
        told = ended.restriction if ended is not None else Restriction(approved, scope)
        withdrawn = follow_up.kind is NoticeKind.WITHDRAWAL
        letter = Letter(
            kind=follow_up.kind,
            case_reference=str(case.number),
            sender=policy.sender,
            measure=told.kind,
            scope=told.scope,
            restored=None if withdrawn else _restored(session, served),
            announced=announced(session, served),
            withdrawn=_withdrawn(session, served) if withdrawn else None,
        )
    return create_plan(
        decision,
        _drafted(session, case, served, letter, policy, at),
        case_id=case.id,
        proposal_id=proposal.id,
        approved_at=approved_at,
        mode=PlatformMode.ACT,
        round=follow_up.round,
    )


def _drafted(
    session: Session, case: Case, served: NoticePlan, letter: Letter, policy: ProviderPolicy, at: datetime
) -> PlanDraft:
    """Draft a letter to everybody whom an earlier one served."""
    return draft_plan(
        contract_at(session, case.tenant_id, at),
        recipients_of(served),
        letter,
        policy.methods or methods_of(served),
        everywhere=goes_everywhere(served),
    )


def _plan_of_occasion(decision: Decision, follow_up: FollowUp, policy: ProviderPolicy) -> NoticePlan:
    """Put the plan of a letter on record that answers a dispute, tells of stages, or withdraws an ordered letter."""
    session, at = decision.session, decision.at
    case = session.get_one(Case, follow_up.case_id)
    if follow_up.kind is NoticeKind.DISPUTE_ANSWER:
        dispute = session.get_one(Dispute, follow_up.occasion_id)
        served, letter = dispute_answer(session, case, dispute, policy.sender)
        decided_at = dispute.decided_at
    elif follow_up.kind is NoticeKind.STAGED_REINSTATEMENT:
        stages = session.get_one(ReinstatementPlan, follow_up.occasion_id)
        served, letter = stage_letter(session, case, stages, policy.sender)
        decided_at = stages.at
    else:
        order = session.get_one(LetterOrder, follow_up.occasion_id)
        plan = plan_of_occasion(session, order.id, order.kind)
        assert plan is not None, "an order has its plan from the beginning"
        served, decided_at = plan, plan.cancelled_at
        letter = Letter(
            kind=NoticeKind.WITHDRAWAL,
            case_reference=str(case.number),
            sender=policy.sender,
            measure=order.measure,
            scope=from_document(Scope, order.scope),
            announced=announced(session, plan),
        )
    assert decided_at is not None, "what is due was decided"
    return create_plan(
        decision,
        _drafted(session, case, served, letter, policy, at),
        case_id=case.id,
        occasion_id=follow_up.occasion_id,
        approved_at=decided_at,
        mode=PlatformMode.ACT,
    )


def _kept_measure(
    session: Session, proposal: Proposal, number: int, at: datetime
) -> tuple[Measure, KeptRound] | None:
    """Return the measure that a round keeps; None: it has ended, its end has come, or a later round keeps it."""
    measure = session.scalars(
        select(Measure).where(Measure.proposal_id == proposal.id, Measure.state == MeasureState.IN_FORCE)
    ).one_or_none()
    newest_round = round_to_keep(session, measure) if measure is not None else None
    if (
        measure is None
        or newest_round is None
        or newest_round.number != number
        or measure.is_past_its_end(at)
    ):
        return None
    return measure, newest_round


def _continuation(
    session: Session,
    case: Case,
    served: NoticePlan,
    proposal: Proposal,
    measure: Measure,
    kept: KeptRound,
    sender: Sender,
) -> tuple[Letter, datetime]:
    """Return the facts of the letter about the round that keeps a measure, and when that round was complete."""
    assert measure.in_force_at is not None, "it is in force"
    restriction = measure.restriction
    since = measure.in_force_at
    letter = continuation_letter(
        case,
        session.get_one(Determination, proposal.determination_id),
        [flag for flag in flags_in_force(session, case.id) if flag.interval_start >= since],
        restriction.kind,
        restriction.scope,
        kept.term.lapses_at,
        sender,
        announced=announced(session, served),
        began=since,
    )
    return letter, kept.complete_at


def _withdrawn(session: Session, served: NoticePlan) -> Withdrawn:
    """Return why a notice is withdrawn, and whether the platform was ordered to restrict because of it."""
    ordered = session.scalar(
        select(Measure.id)
        .where(Measure.notice_plan_id == served.id, Measure.state == MeasureState.NEVER_IN_FORCE)
        .limit(1)
    )
    upheld = upheld_dispute(session, served.case_id) is not None
    why = WhyWithdrawn.DISPUTE_UPHELD if upheld else WhyWithdrawn.DECIDED
    return Withdrawn(why, may_have_begun=ordered is not None)


def _ended_measure(session: Session, served: NoticePlan) -> Measure | None:
    """Return the measure that followed a notice and has ended; None: there is none."""
    return session.scalars(
        select(Measure).where(Measure.notice_plan_id == served.id, Measure.state == MeasureState.ENDED)
    ).one_or_none()


def _restored(session: Session, served: NoticePlan) -> Restored:
    """Return when and why the measure that follows a notice ended, as the customer is told."""
    measure = _ended_measure(session, served)
    assert measure is not None, "it has ended"
    assert measure.ended_at is not None, "a measure that has ended has a time"
    lift_ordered_at = session.scalar(
        select(func.max(PlatformCommand.ordered_at)).where(
            PlatformCommand.measure_id == measure.id, PlatformCommand.kind == CommandKind.LIFT
        )
    )
    ended_before = lift_ordered_at is not None and measure.ended_at < lift_ordered_at
    if measure.ending is Ending.LAPSED or ended_before:
        why = WhyRestored.NOT_APPROVED if is_unapproved(session, measure) else WhyRestored.LAPSED
        return Restored(measure.ended_at, why)
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
