"""Restrict at once on one reviewer's order, before anybody has approved; without an approval it ends by itself.

The order, the plan of the notice, the measure and the command to the platform are written in one transaction, in which
the gate is asked. The platform itself is told to end the measure when the time of the approval runs out, so that it
ends even where nothing of ours runs. The approval moves the end, in the transaction in which it is given.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial

from sqlalchemy import select
from sqlalchemy.orm import Session

from cjp_fraud.config import PlatformMode
from cjp_fraud.documents import from_document
from cjp_fraud.errors import Refused
from cjp_fraud.notices.plans import PlanDraft
from cjp_fraud.notices.plans_on_record import create_plan
from cjp_fraud.notices.tables import NoticePlan
from cjp_fraud.people.model import Actor, Decision
from cjp_fraud.review.approval import approve
from cjp_fraud.review.cases import in_words, lock_case, note
from cjp_fraud.review.decision_tables import Approval, DeterminationFlag, EmergencyOrder, Proposal
from cjp_fraud.review.emergency import emergency_order_of, record_emergency_order
from cjp_fraud.review.model import Capacity, CaseState
from cjp_fraud.review.proposal import document_of, latest_proposal
from cjp_fraud.review.provider_policy import ProviderPolicy
from cjp_fraud.review.tables import Case, Flag
from cjp_fraud.suspension.commands import lock_measure, record_command
from cjp_fraud.suspension.emergency_gate import (
    APPROVED_WITHIN,
    UnapprovedOrder,
    emergency_ground,
    repeated_order_faults,
)
from cjp_fraud.suspension.gate import check
from cjp_fraud.suspension.gate_facts import approval_obstacles, gate_facts
from cjp_fraud.suspension.measures import add_measure, approved_end, order_measure, review_after
from cjp_fraud.suspension.model import CommandKind, EmergencyFact, Ending, GateFacts, MeasureState
from cjp_fraud.suspension.notice_gate import permitted_from, without_prior_notice
from cjp_fraud.suspension.requirements import BEFORE_EMERGENCY
from cjp_fraud.suspension.tables import Measure


def order_in_emergency(
    decision: Decision,
    case_id: str,
    policy: ProviderPolicy,
    *,
    reasons: str,
    expected_sha256: str | None = None,
) -> Measure:
    """Order the proposed measure of a determined case at once, as a reviewer; the caller carries it out.

    It ends 30 minutes later unless somebody who took no part approves it by then (:func:`approve_in_emergency`).

    Parameters
    ----------
    reasons : why it cannot wait for an approval.
    expected_sha256 : digest, or its first 8 or more digits, of the version that the person has seen.

    Raises
    ------
    Refused
        Names everything that stands in the way; then nothing is on record.
    """
    session, at = decision.session, decision.at
    case = lock_case(session, case_id)
    order = record_emergency_order(
        decision,
        case_id,
        reasons=reasons,
        expected_sha256=expected_sha256,
        repeat_faults=repeat_faults(session, case, decision.by, at),
    )
    proposal = session.get_one(Proposal, order.proposal_id)
    until = at + APPROVED_WITHIN
    plan = create_plan(
        decision,
        from_document(PlanDraft, document_of(proposal)["notice"]),
        case_id=case.id,
        proposal_id=proposal.id,
        approved_at=order.at,
        mode=proposal.mode,
        unless_approved_by=until,
    )
    facts = gate_facts(session, case, policy, at)
    gate = check(facts, at)
    if not gate.is_open:
        raise Refused(gate.sentences, action=f"restrict {in_words(case)} in an emergency")
    measure = add_measure(
        decision,
        case,
        proposal,
        plan,
        order,
        permitted_at=permitted_from(facts, order.at),
        without_notice=without_prior_notice(facts),
        unless_approved_by=until,
    )
    order_measure(decision, case, measure, gate.basis)
    return measure


def approve_in_emergency(
    decision: Decision,
    case_id: str,
    policy: ProviderPolicy,
    *,
    expected_sha256: str | None = None,
    capacity: Capacity | None = None,
) -> Approval:
    """Approve a measure in force that was ordered in an emergency, as somebody who took no part; it keeps its term.

    Raises
    ------
    Refused
        Names everything that stands in the way, also that its time is over.
    """
    session, at = decision.session, decision.at
    case, measure = lock_measure(session, case_id)
    if measure is None or not waits_for_approval(session, case):
        raise Refused(
            (f"it is {case.state}, and no emergency measure waits for an approval",), action="approve it"
        )
    if at >= measure.lapses_at:
        raise Refused(
            (f"nobody approved it by {measure.lapses_at:%Y-%m-%d %H:%M:%SZ}; it ends by itself",),
            action=f"approve {in_words(case)}",
        )
    approval = approve(
        decision,
        case_id,
        partial(approval_obstacles, policy=policy),
        expected_sha256=expected_sha256,
        capacity=capacity or Capacity.APPROVER,
        in_emergency=True,
    )
    proposal, plan = (
        session.get_one(Proposal, measure.proposal_id),
        session.get_one(NoticePlan, measure.notice_plan_id),
    )
    measure.ends_at, measure.latest_end_at = approved_end(
        session, case, proposal, plan, began=measure.ordered_at, at=at
    )
    measure.review_at = min(measure.ordered_at + review_after(document_of(proposal)), measure.ends_at)
    session.flush()
    content = {
        "approval_id": approval.id,
        "proposal_id": proposal.id,
        "proposal_sha256": proposal.sha256,
        "capacity": approval.capacity,
        "measure_id": measure.id,
        "review_at": measure.review_at,
        "ends_at": measure.ends_at,
    }
    note(decision, case, "case.emergency_approved", content)
    record_command(decision, case, measure, CommandKind.APPLY)
    return approval


def order_to_carry_out(decision: Decision, case_id: str) -> EmergencyOrder | None:
    """Return the person's emergency order that is still to be carried out, or is in force; None: there is none.

    A run that died after the order was on record is run again with the same words: it then only carries on.
    """
    session = decision.session
    case = lock_case(session, case_id)
    proposal = latest_proposal(session, case)
    order = emergency_order_of(session, proposal.id) if proposal is not None else None
    if case.state not in (CaseState.SUSPENDING, CaseState.SUSPENDED) or order is None:
        return None
    return order if order.by_user_id == decision.by.user_id else None


def waits_for_approval(session: Session, case: Case) -> bool:
    """Whether a measure of the case is in force that was ordered in an emergency and is not approved yet."""
    if case.state is not CaseState.SUSPENDED:
        return False
    measure = session.scalar(
        select(Measure).where(Measure.case_id == case.id, Measure.state == MeasureState.IN_FORCE)
    )
    return measure is not None and is_unapproved(session, measure)


def is_unapproved(session: Session, measure: Measure) -> bool:
    """Whether a measure was ordered in an emergency and no approver has approved it."""
    if measure.emergency_id is None:
        return False
    approved = select(Approval.id).where(
        Approval.proposal_id == measure.proposal_id, Approval.capacity == Capacity.APPROVER
    )
    return session.scalar(approved.limit(1)) is None


def repeat_faults(session: Session, case: Case, by: Actor, at: datetime) -> tuple[str, ...]:
    """Say why ``by`` may not order in an emergency: nobody approved the tenant's earlier ones; none: they may.

    Without this, one reviewer, or two who take turns, could restrict a tenant again and again, and nobody would ever
    approve it.
    """
    lapsed = session.execute(
        select(Measure, Case.number, EmergencyOrder.at, EmergencyOrder.by_user_id)
        .join(EmergencyOrder, EmergencyOrder.id == Measure.emergency_id)
        .join(Case, Case.id == Measure.case_id)
        .where(Measure.tenant_id == case.tenant_id, Measure.ending == Ending.LAPSED)
        .order_by(EmergencyOrder.at)
    ).all()
    unapproved = tuple(
        UnapprovedOrder(row.number, row.at, by_same_person=row.by_user_id == by.user_id)
        for row in lapsed
        if is_unapproved(session, row.Measure)
    )
    if not unapproved:
        return ()
    return repeated_order_faults(
        by.name,
        unapproved,
        newest_flag_from=_newest_span(session, case),
        approved_since=_approved_since(session, case.tenant_id, unapproved[-1].ended_at),
        at=at,
    )


def _newest_span(session: Session, case: Case) -> datetime | None:
    """Return when the newest span begins that a flag of the standing finding was judged over; None: there is none."""
    proposal = latest_proposal(session, case)
    if proposal is None:
        return None
    named = session.execute(
        select(Flag.interval_start, Flag.interval_seconds, Flag.span_seconds)
        .join(DeterminationFlag, DeterminationFlag.flag_id == Flag.id)
        .where(DeterminationFlag.determination_id == proposal.determination_id)
    )
    return max(
        (
            flag.interval_start + timedelta(seconds=flag.interval_seconds - flag.span_seconds)
            for flag in named
        ),
        default=None,
    )


def _approved_since(session: Session, tenant_id: str, since: datetime) -> bool:
    """Whether an approver has approved a proposal of the tenant at ``since`` or later."""
    approved = (
        select(Approval.id)
        .join(Proposal, Proposal.id == Approval.proposal_id)
        .join(Case, Case.id == Proposal.case_id)
        .where(Case.tenant_id == tenant_id, Approval.capacity == Capacity.APPROVER, Approval.at >= since)
    )
    return session.scalar(approved.limit(1)) is not None


def emergency_obstacles(
    session: Session, case: Case, facts: GateFacts, at: datetime
) -> tuple[str, ...] | None:
    """Return why nobody may order the proposed measure in an emergency; None: counsel has marked no such ground.

    For a page: who would order it is not asked; the order itself asks.

    Parameters
    ----------
    facts : of the case at ``at`` (aware), as the gate sees them.
    """
    proposal = latest_proposal(session, case)
    if case.state is not CaseState.DETERMINED or proposal is None or proposal.mode is PlatformMode.OBSERVE:
        return None
    determination = facts.determination
    if determination is None or emergency_ground(facts) is None or facts.emergency is not None:
        return None
    candidate = EmergencyFact(
        determination.by_user_id, at, proposal.sha256, by_reviewer=True, has_reasons=True
    )
    return check(replace(facts, emergency=candidate), at, BEFORE_EMERGENCY).sentences
