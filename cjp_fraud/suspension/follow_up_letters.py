"""The letters that follow a notice: it is withdrawn, the measure is kept, or service was restored.

The caller holds the case's lock. A letter is made once for its occasion, and one that was sent is not sent again.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Select, exists, func, or_, select, true
from sqlalchemy.orm import Session, aliased

from cjp_fraud.config import PlatformMode
from cjp_fraud.contracts.contract_reader import contract_at
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
from cjp_fraud.notices.model import NoticeKind, NoticeState, Outcome
from cjp_fraud.notices.plan_drafting import draft_plan
from cjp_fraud.notices.plans_on_record import create_plan, plan_of, recipients_of
from cjp_fraud.notices.tables import Notice, NoticeAttempt, NoticePlan
from cjp_fraud.people.model import Decision
from cjp_fraud.review.case_letters import continuation_letter
from cjp_fraud.review.cases import flags_in_force, lock_case
from cjp_fraud.review.decision_tables import Determination, Dispute, Proposal
from cjp_fraud.review.dispute import upheld_dispute
from cjp_fraud.review.model import DisputeState, ProviderPolicy
from cjp_fraud.review.proposal import document_of, measure_of
from cjp_fraud.review.tables import Case
from cjp_fraud.suspension.connections import Enforcement
from cjp_fraud.suspension.gate_facts import row_faults
from cjp_fraud.suspension.kept_rounds import PEOPLE_NEEDED, KeptRound
from cjp_fraud.suspension.model import CommandKind, Ending, MeasureState
from cjp_fraud.suspension.notification import dispatch_plan
from cjp_fraud.suspension.rounds_on_record import round_to_keep
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
    reaffirmations, before the measure gets its new end; a reinstatement follows a measure that has ended.
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
        select(
            Reaffirmation.measure_id,
            Reaffirmation.round,
            func.max(Reaffirmation.review_at).label("review_at"),
            func.max(Reaffirmation.ends_at).label("ends_at"),
        )
        .group_by(Reaffirmation.measure_id, Reaffirmation.round)
        .having(func.count() >= PEOPLE_NEEDED)
        .subquery()
    )
    newest = (
        select(rounds.c.measure_id, func.max(rounds.c.round).label("round"))
        .group_by(rounds.c.measure_id)
        .subquery()
    )
    return (
        served.add_columns(newest.c.round)
        .join(Measure, Measure.notice_plan_id == NoticePlan.id)
        .join(newest, newest.c.measure_id == Measure.id)
        .join(rounds, (rounds.c.measure_id == Measure.id) & (rounds.c.round == newest.c.round))
        .where(
            Measure.state == MeasureState.IN_FORCE,
            or_(rounds.c.review_at > Measure.review_at, rounds.c.ends_at > Measure.ends_at),
            ~_is_sent(NoticeKind.REAFFIRMATION, newest.c.round),
        )
    )


def send_follow_up(enforcement: Enforcement, letter: FollowUp) -> tuple[str, ...]:
    """Make and send a follow-up letter to everybody whom the notice had served; return what it waits for.

    It is made only from rows that are as the audit log names them: what somebody changed behind our back tells the
    customer nothing. A letter that failed for good is told by :func:`failed_letters`.
    """
    kind = letter.kind
    if enforcement.policy.mode is PlatformMode.OBSERVE:
        return (f"the {kind} letter waits: the mode in force is observe, and nothing leaves",)
    with enforcement.deciding() as decision:
        plan = plan_of(decision.session, letter.proposal_id, kind, letter.round)
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
        measure, scope, _duration = measure_of(document_of(proposal))
        withdrawn = follow_up.kind is NoticeKind.WITHDRAWAL
        letter = Letter(
            kind=follow_up.kind,
            case_reference=str(case.number),
            sender=policy.sender,
            measure=measure,
            scope=scope,
            restored=None if withdrawn else _restored(session, served),
            announced=announced(session, served),
            withdrawn=_withdrawn(session, served) if withdrawn else None,
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
    kind, scope, _duration = measure_of(document_of(proposal))
    since = measure.in_force_at
    letter = continuation_letter(
        case,
        session.get_one(Determination, proposal.determination_id),
        [flag for flag in flags_in_force(session, case.id) if flag.interval_start >= since],
        kind,
        scope,
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


def _restored(session: Session, served: NoticePlan) -> Restored:
    """Return when and why the measure that follows a notice ended, as the customer is told."""
    measure = session.scalars(
        select(Measure).where(Measure.notice_plan_id == served.id, Measure.state == MeasureState.ENDED)
    ).one()
    assert measure.ended_at is not None, "a measure that has ended has a time"
    lift_ordered_at = session.scalar(
        select(func.max(PlatformCommand.ordered_at)).where(
            PlatformCommand.measure_id == measure.id, PlatformCommand.kind == CommandKind.LIFT
        )
    )
    ended_before = lift_ordered_at is not None and measure.ended_at < lift_ordered_at
    if measure.ending is Ending.LAPSED or ended_before:
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
