"""Whether the narrowings of a measure in a bundle follow from decisions: of disputes, or of the stages of a plan."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from sqlalchemy.orm import Session

from cjp_fraud.contracts.restriction import Scope
from cjp_fraud.documents import from_document
from cjp_fraud.people.model import Role
from cjp_fraud.people.tables import Participation, UserRole
from cjp_fraud.review.decision_tables import Dispute, Stop
from cjp_fraud.review.model import DisputeState
from cjp_fraud.review.narrower_measure import Restriction, chain_faults
from cjp_fraud.suspension.model import ENFORCER, CommandKind, CommandOutcome, Ending
from cjp_fraud.suspension.stage_rules import chain_of_plan_faults, is_held
from cjp_fraud.suspension.stage_tables import ReinstatementHold, ReinstatementPlan
from cjp_fraud.suspension.tables import Measure, Narrowing, PlatformCommand


def narrowing_faults(session: Session, measure: Measure) -> Iterator[str]:
    """Yield where a measure is not what its narrowings led to, step by step, each by a decision on record.

    Parameters
    ----------
    session : holds the rows of the bundle as they are now.
    """
    approved = Restriction(measure.kind, from_document(Scope, measure.scope))
    steps = session.query(Narrowing).filter_by(measure_id=measure.id).order_by(Narrowing.number).all()
    plans = session.query(ReinstatementPlan).filter_by(measure_id=measure.id).all()
    where = f"measures {measure.id}"
    yield from (
        f"{where}: {fault}" for fault in chain_faults(approved, [(each.before, each.after) for each in steps])
    )
    led_to = steps[-1].after if steps else approved
    if measure.restriction != led_to:
        yield f"{where}: restricts {measure.restriction.words}, and the decisions on record led to {led_to.words}"
    for each in steps:
        by_dispute = each.dispute_id is not None
        faults = _of_a_dispute(session, each) if by_dispute else _of_a_stage(session, each, plans)
        yield from (f"narrowings {each.id}: {fault}" for fault in faults)
    for plan in plans:
        for of_plan in (_of_a_plan(session, plan, steps), _of_the_lift(session, plan, measure)):
            yield from (f"reinstatement_plans {plan.id}: {fault}" for fault in of_plan)


def _of_a_dispute(session: Session, narrowing: Narrowing) -> Iterator[str]:
    """Yield where a narrowing is not an outsider's decision of a dispute."""
    dispute = session.get_one(Dispute, narrowing.dispute_id)
    if (dispute.state, dispute.decided_at) != (DisputeState.NARROWED, narrowing.decided_at):
        yield "the dispute that it names was not decided so, or not then"
    took_part = session.query(Participation).filter(
        Participation.user_id == dispute.decided_by,
        Participation.case_id == narrowing.case_id,
        Participation.at < narrowing.decided_at,
    )
    if took_part.first() is not None:
        yield "who decided it had taken part in the case"


def _of_a_stage(session: Session, narrowing: Narrowing, plans: list[ReinstatementPlan]) -> Iterator[str]:
    """Yield where a narrowing is not the stage that was ordered, or came too early, or while its plan was held."""
    plan = next((each for each in plans if each.id == narrowing.plan_id), None)
    if plan is None:
        yield "names no dispute, and no plan of stages of its measure"
        return
    number, stages = narrowing.stage or 0, plan.ordered.stages
    if not 1 <= number <= len(stages):
        yield "names a stage that was not ordered"
        return
    if stages[number - 1].restriction != narrowing.after:
        yield "restricts something else than its stage was ordered to"
    if narrowing.decided_at < plan.at:
        yield "was carried out before it was ordered"
    if narrowing.decided_at < stages[number - 1].earliest_at:
        yield "was carried out before the earliest moment of its stage"
    if is_held(_holds(session, plan), narrowing.decided_at):
        yield "was carried out while its plan was held"


def _of_a_plan(session: Session, plan: ReinstatementPlan, steps: list[Narrowing]) -> Iterator[str]:
    """Yield where a plan is none, was not begun when it was ordered, or was ordered by somebody who may not."""
    yield from chain_of_plan_faults(plan.ordered)
    first = next((each for each in steps if each.plan_id == plan.id and each.stage == 1), None)
    if first is None or first.decided_at != plan.at:
        yield "its first stage was not carried out with the order"
    roles = session.query(UserRole).filter(
        UserRole.user_id == plan.by_user_id, UserRole.role == Role.APPROVER, UserRole.granted_at <= plan.at
    )
    if not any(role.revoked_at is None or role.revoked_at > plan.at for role in roles):
        yield "was ordered by somebody who was no approver then"


def _of_the_lift(session: Session, plan: ReinstatementPlan, measure: Measure) -> Iterator[str]:
    """Yield it if the machine lifted the measure by this plan before its time, or while the plan was held."""
    if measure.ending is not Ending.REINSTATED or measure.corrected_at is not None:
        return
    by_others = session.query(Dispute).filter_by(case_id=plan.case_id).count()
    by_others += session.query(Stop).filter_by(case_id=plan.case_id).count()
    if by_others:  # each of them may lift it at any time
        return
    lifts = session.query(PlatformCommand).filter_by(
        measure_id=measure.id,
        kind=CommandKind.LIFT,
        outcome=CommandOutcome.DONE,
        ordered_by=ENFORCER.reference,
    )
    for lift in lifts:
        if lift.ordered_at < plan.ordered.lift_at:
            yield "its measure was lifted by the machine before the earliest moment of the full lift"
        if is_held(_holds(session, plan), lift.ordered_at):
            yield "its measure was lifted by the machine while the plan was held"


def _holds(session: Session, plan: ReinstatementPlan) -> list[tuple[datetime, datetime | None]]:
    holds = session.query(ReinstatementHold).filter_by(plan_id=plan.id)
    return [(hold.held_at, hold.released_at) for hold in holds]
