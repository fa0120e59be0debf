"""A reinstatement in stages as screens and programs see it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from cjp_fraud.contracts.restriction import MeasureKind, Scope
from cjp_fraud.people.tables import User
from cjp_fraud.review.tables import Case
from cjp_fraud.suspension.model import Ending, MeasureState
from cjp_fraud.suspension.stage_rules import HoldCause, StageStanding, next_number, standings
from cjp_fraud.suspension.stage_tables import ReinstatementHold, ReinstatementPlan
from cjp_fraud.suspension.stages_on_record import holds_of, plan_of_measure
from cjp_fraud.suspension.tables import Measure, Narrowing


@dataclass(frozen=True, slots=True)
class StageView:
    """One stage, or last the full lift, for which ``kind`` and ``scope`` are None; moments are aware.

    Parameters
    ----------
    words : what stays restricted, as in the log.
    confirmed_at : when read-back showed that nothing wider was in force; None: it has not.
    """

    number: int
    kind: MeasureKind | None
    scope: Scope | None
    words: str
    earliest_at: datetime
    standing: StageStanding
    confirmed_at: datetime | None


@dataclass(frozen=True, slots=True)
class HoldView:
    """A time in which a plan was held, or is; ``released_at`` and ``released_by`` are None while it stands."""

    cause: HoldCause
    held_at: datetime
    held_by: str
    released_at: datetime | None
    released_by: str | None


@dataclass(frozen=True, slots=True)
class StagesView:
    """A reinstatement in stages, as it stands.

    Parameters
    ----------
    ordered_by : name of the approver.
    is_open : whether the measure is still in force, so that something can be held, or comes next.
    held : the hold that stands; None: it goes on.
    next_number, next_at : of what comes next (the last is the full lift), at the earliest; None: nothing does.
    """

    case: int
    plan_id: str
    measure_id: str
    ordered_by: str
    ordered_at: datetime
    is_open: bool
    held: HoldView | None
    next_number: int | None
    next_at: datetime | None
    stages: tuple[StageView, ...]
    holds: tuple[HoldView, ...]


@dataclass(frozen=True, slots=True)
class HeldStages:
    """A reinstatement in stages that is held, until an approver lets it go on.

    Parameters
    ----------
    held_at : since when.
    cause : a person, or a new flag of the tenant.
    """

    case: int
    case_id: str
    tenant_id: str
    held_at: datetime
    cause: HoldCause


def held_stages(session: Session) -> tuple[HeldStages, ...]:
    """Return the reinstatements that are held, of measures still in force, the one held longest first."""
    rows = session.execute(
        select(Case.number, Case.id, Case.tenant_id, ReinstatementHold.held_at, ReinstatementHold.cause)
        .join(ReinstatementPlan, ReinstatementPlan.id == ReinstatementHold.plan_id)
        .join(Measure, Measure.id == ReinstatementPlan.measure_id)
        .join(Case, Case.id == ReinstatementPlan.case_id)
        .where(ReinstatementHold.released_at.is_(None), Measure.state == MeasureState.IN_FORCE)
        .order_by(ReinstatementHold.held_at, Case.number)
    )
    return tuple(HeldStages(*row) for row in rows)


def stages_view(session: Session, measure: Measure, at: datetime) -> StagesView | None:
    """Return how the reinstatement of a measure in stages stands at ``at`` (aware); None: there are no stages."""
    plan = plan_of_measure(session, measure)
    return _view(session, plan, measure, at) if plan is not None else None


def newest_stages(session: Session, case_id: str, at: datetime) -> StagesView | None:
    """Return the same of a case's newest measure that has stages; None: none has."""
    plan = session.scalar(
        select(ReinstatementPlan)
        .where(ReinstatementPlan.case_id == case_id)
        .order_by(ReinstatementPlan.at.desc(), ReinstatementPlan.id.desc())
        .limit(1)
    )
    if plan is None:
        return None
    return _view(session, plan, session.get_one(Measure, plan.measure_id), at)


def _view(session: Session, plan: ReinstatementPlan, measure: Measure, at: datetime) -> StagesView:
    ordered, over = plan.ordered, measure.state is MeasureState.ENDED
    narrowings = session.scalars(
        select(Narrowing).where(Narrowing.plan_id == plan.id).order_by(Narrowing.number)
    ).all()
    confirmed = {row.stage: row.confirmed_at for row in narrowings if row.stage and row.confirmed_at}
    carried_out = [row.stage for row in narrowings if row.stage is not None]
    if measure.ending is Ending.REINSTATED and measure.ended_at is not None:
        confirmed[ordered.lift_number] = measure.ended_at
    if over or measure.state is MeasureState.LIFTING:
        carried_out.append(ordered.lift_number)
    stood = standings(ordered, carried_out, confirmed, at, over=over)
    is_open = measure.state is MeasureState.IN_FORCE
    number = next_number(ordered, carried_out) if is_open else None
    names = _names(session, plan)
    holds = tuple(
        HoldView(
            hold.cause,
            hold.held_at,
            names.get(hold.held_by, hold.held_by),
            hold.released_at,
            names.get(hold.released_by, hold.released_by) if hold.released_by is not None else None,
        )
        for hold in holds_of(session, plan.id)
    )
    stages = [
        StageView(
            place,
            stage.restriction.kind,
            stage.restriction.scope,
            stage.restriction.words,
            stage.earliest_at,
            stood[place - 1],
            confirmed.get(place),
        )
        for place, stage in enumerate(ordered.stages, 1)
    ]
    last = ordered.lift_number
    lift = StageView(last, None, None, "nothing", ordered.lift_at, stood[-1], confirmed.get(last))
    return StagesView(
        case=session.get_one(Case, plan.case_id).number,
        plan_id=plan.id,
        measure_id=plan.measure_id,
        ordered_by=names[plan.by_user_id],
        ordered_at=plan.at,
        is_open=is_open,
        held=next((hold for hold in holds if hold.released_at is None), None) if is_open else None,
        next_number=number,
        next_at=ordered.earliest_at(number) if number is not None else None,
        stages=(*stages, lift),
        holds=holds,
    )


def _names(session: Session, plan: ReinstatementPlan) -> dict[str, str]:
    """Return the names of the people who ordered, held and resumed a plan, by their ids."""
    ids = {plan.by_user_id}
    for hold in holds_of(session, plan.id):
        ids |= {hold.held_by, hold.released_by or hold.held_by}
    rows = session.execute(select(User.id, User.name).where(User.id.in_(ids)))
    return {row.id: row.name for row in rows}
