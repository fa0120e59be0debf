"""Reinstatements in stages on record: which plan a measure has, and whether it is held."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from cjp_fraud.review.tables import Case
from cjp_fraud.suspension.model import MeasureState
from cjp_fraud.suspension.stage_tables import ReinstatementHold, ReinstatementPlan
from cjp_fraud.suspension.tables import Measure


def plan_of_measure(session: Session, measure: Measure) -> ReinstatementPlan | None:
    """Return the plan by which a measure is, or was, lifted in stages; None: there is none."""
    return session.scalar(select(ReinstatementPlan).where(ReinstatementPlan.measure_id == measure.id))


def held_plans(session: Session) -> Sequence[tuple[int, ReinstatementHold]]:
    """Return number and standing hold of each case whose measure in force is lifted by a plan that is held."""
    rows = session.execute(
        select(Case.number, ReinstatementHold)
        .join(ReinstatementHold, ReinstatementHold.case_id == Case.id)
        .join(ReinstatementPlan, ReinstatementPlan.id == ReinstatementHold.plan_id)
        .join(Measure, Measure.id == ReinstatementPlan.measure_id)
        .where(ReinstatementHold.released_at.is_(None), Measure.state == MeasureState.IN_FORCE)
        .order_by(Case.number)
    )
    return [(number, hold) for number, hold in rows]


def holds_of(session: Session, plan_id: str) -> Sequence[ReinstatementHold]:
    """Return the holds of a plan in their order."""
    return session.scalars(
        select(ReinstatementHold)
        .where(ReinstatementHold.plan_id == plan_id)
        .order_by(ReinstatementHold.number)
    ).all()


def standing_hold(session: Session, plan: ReinstatementPlan) -> ReinstatementHold | None:
    """Return the hold that stands; None: the plan goes on."""
    return next((hold for hold in holds_of(session, plan.id) if hold.released_at is None), None)
