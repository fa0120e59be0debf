"""Lift a measure in stages: each restricts less than the one before, and the last act lifts it.

An approver orders all stages at once; the first is carried out with the order, later ones when their time has come.
A stage is one order at the platform, written with its decision in one transaction, so that a kill loses or doubles
nothing. A new flag of the tenant holds the plan, and so can an approver; who goes on, or lifts at once, is a person.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from cjp_fraud.audit.tables import PersonalText
from cjp_fraud.audit.texts import keep_text
from cjp_fraud.contracts.contract_reader import contract_at
from cjp_fraud.documents import to_document
from cjp_fraud.errors import refuse_unless
from cjp_fraud.people.model import Actor, Decision, Part, Role
from cjp_fraud.people.participation import record_part
from cjp_fraud.review.cases import in_words, note
from cjp_fraud.review.measure_fit import planned_measure
from cjp_fraud.review.model import CaseState, RestoreCheck
from cjp_fraud.review.narrower_measure import Restriction, narrowed_to, share_freed
from cjp_fraud.review.provider_policy import ProviderPolicy
from cjp_fraud.review.requests import MeasureWanted
from cjp_fraud.review.stops_on_record import standing_stops
from cjp_fraud.review.tables import Case, Flag
from cjp_fraud.storage.base import new_id
from cjp_fraud.suspension.commands import lock_measure
from cjp_fraud.suspension.connections import Enforcement
from cjp_fraud.suspension.gate_facts import gate_facts
from cjp_fraud.suspension.model import GateFacts, MeasureOutcome, MeasureState
from cjp_fraud.suspension.narrowing import Because, narrow
from cjp_fraud.suspension.reinstatement import (
    checks_on_record,
    lift_under_lock,
    order_lift,
    reinstatement_checks,
)
from cjp_fraud.suspension.stage_rules import (
    HoldCause,
    PlannedStage,
    StagePlan,
    StageTime,
    due_number,
    moment_of,
    plan_faults,
)
from cjp_fraud.suspension.stage_tables import ReinstatementHold, ReinstatementPlan
from cjp_fraud.suspension.stages_on_record import holds_of, plan_of_measure, standing_hold
from cjp_fraud.suspension.tables import Measure

_LONGEST_INTERVAL = timedelta(days=1)
"""No interval is longer: a flag of one that began earlier is of traffic from before the plan."""


@dataclass(frozen=True, slots=True)
class LaterStage:
    """A stage after the first: what stays restricted, and from when on, at the earliest."""

    wanted: MeasureWanted
    when: StageTime


@dataclass(frozen=True, slots=True)
class StagesWanted:
    """What an approver wants: what stays restricted at once, later stages, and the earliest full lift."""

    first: MeasureWanted
    later: tuple[LaterStage, ...]
    lift: StageTime


def reinstate_in_stages(
    decision: Decision,
    case_id: str,
    wanted: StagesWanted,
    policy: ProviderPolicy,
    *,
    reasons: str,
    checks: Collection[RestoreCheck] = (),
) -> ReinstatementPlan:
    """Order, as an approver, that a measure in force is lifted in stages; the caller tells the platform of the first.

    The same person's same plan again changes nothing, so that an interrupted run can be repeated.

    Raises
    ------
    Refused
        Names everything that stands in the way.
    """
    session, by, at = decision.session, decision.by, decision.at
    case, measure = lock_measure(session, case_id)
    standing = plan_of_measure(session, measure) if measure is not None else None
    if standing is not None and _is_same(session, standing, by, reasons):
        return standing
    facts = gate_facts(session, case, policy, at)
    plan, faults = _planned(decision, case, measure, wanted, facts)
    refuse_unless(
        *reinstatement_checks(case, by, reasons),
        (
            standing is None,
            "it is being lifted in stages already; hold that plan, let it go on, or lift the measure at once",
        ),
        *((False, fault) for fault in faults),
        action=f"reinstate {in_words(case)} in stages",
    )
    assert measure is not None, "a suspended case has a measure in force"
    assert plan is not None, "it was refused otherwise"
    assert by.user_id is not None, "an approver is a person"
    words = keep_text(session, reasons.strip(), at)
    row = ReinstatementPlan(
        id=new_id(),
        case_id=case.id,
        measure_id=measure.id,
        by_user_id=by.user_id,
        at=at,
        reasons_text_id=words.id,
        stages=to_document(plan),
    )
    session.add(row)
    record_part(session, by, Part.REINSTATED, case.tenant_id, at, case_id=case.id)
    session.flush()
    content = {
        "measure_id": measure.id,
        "plan_id": row.id,
        "stages": len(plan.stages),
        "lift_at": plan.lift_at,
        **checks_on_record(checks),
    }
    note(decision, case, "measure.stages_ordered", content, words)
    _carry_out(decision, case, measure, row, 1, facts)
    return row


def hold_stages(decision: Decision, case_id: str, reasons: str) -> ReinstatementHold:
    """Hold a plan, as an approver: no further stage is carried out until somebody lets it go on.

    Raises
    ------
    Refused
        Names everything that stands in the way.
    """
    session, by, at = decision.session, decision.by, decision.at
    case, measure = lock_measure(session, case_id)
    plan = open_plan(session, measure)
    refuse_unless(
        *_plan_checks(case, by, reasons, plan),
        (plan is None or standing_hold(session, plan) is None, "it is held already"),
        action=f"hold the stages of {in_words(case)}",
    )
    assert plan is not None, "it was refused otherwise"
    words = keep_text(session, reasons.strip(), at)
    record_part(session, by, Part.HELD_STAGES, case.tenant_id, at, case_id=case.id)
    hold = _hold(decision, plan, HoldCause.PERSON, reasons_text_id=words.id)
    content = {"plan_id": plan.id, "hold_id": hold.id, "cause": hold.cause}
    note(decision, case, "measure.stages_held", content, words)
    return hold


def resume_stages(decision: Decision, case_id: str, reasons: str) -> ReinstatementHold:
    """Let a held plan go on, as an approver: what is due by then is carried out at once.

    Flags that are on record by then hold it no more.

    Raises
    ------
    Refused
        Names everything that stands in the way.
    """
    session, by, at = decision.session, decision.by, decision.at
    case, measure = lock_measure(session, case_id)
    plan = open_plan(session, measure)
    hold = standing_hold(session, plan) if plan is not None else None
    refuse_unless(
        *_plan_checks(case, by, reasons, plan),
        (plan is None or hold is not None, "it is not held"),
        action=f"let the stages of {in_words(case)} go on",
    )
    assert hold is not None, "it was refused otherwise"
    words = keep_text(session, reasons.strip(), at)
    record_part(session, by, Part.RESUMED_STAGES, case.tenant_id, at, case_id=case.id)
    hold.released_at, hold.released_by, hold.release_text_id = at, by.user_id, words.id
    session.flush()
    content = {"plan_id": hold.plan_id, "hold_id": hold.id}
    note(decision, case, "measure.stages_resumed", content, words)
    return hold


def advance_under_lock(enforcement: Enforcement, case_id: str) -> MeasureOutcome | None:
    """Carry out what is due of a plan, or hold it; None: the measure was not lifted. The caller holds the lock.

    A stop lifts the measure at once, held or not. A narrower stage is only ordered here; the platform is told by
    :func:`cjp_fraud.suspension.changed_measures.narrow_under_lock`.
    """
    with enforcement.deciding() as decision:
        session = decision.session
        case, measure = lock_measure(session, case_id)
        plan = open_plan(session, measure)
        if case.state is not CaseState.SUSPENDED or measure is None or plan is None:
            return None
        if stops := standing_stops(session, case.id):
            order_lift(decision, case, measure, {"plan_id": plan.id, "stops": list(stops)})
        elif standing_hold(session, plan) is not None or _is_held_by_flag(decision, case, plan):
            return None
        else:
            number = due_number(plan.ordered, _in_force(measure), decision.at)
            if number is None:
                return None
            if number != plan.ordered.lift_number:
                facts = gate_facts(session, case, enforcement.policy, decision.at, compare_rows=False)
                _carry_out(decision, case, measure, plan, number, facts)
                return None
            order_lift(decision, case, measure, {"plan_id": plan.id, "decided_by": plan.by_user_id})
    return lift_under_lock(enforcement, case_id)


def open_plan(session: Session, measure: Measure | None) -> ReinstatementPlan | None:
    """Return the plan by which a measure in force is being lifted; None: there is none."""
    if measure is None or measure.state is not MeasureState.IN_FORCE:
        return None
    return plan_of_measure(session, measure)


def _plan_checks(
    case: Case, by: Actor, reasons: str, plan: ReinstatementPlan | None
) -> tuple[tuple[bool, str], ...]:
    return (
        (plan is not None, f"it is {case.state}, and nothing of it is being lifted in stages"),
        (by.may(Role.APPROVER), f"{by} is not an approver"),
        (bool(reasons.strip()), "give the reasons"),
    )


def _is_same(session: Session, plan: ReinstatementPlan, by: Actor, reasons: str) -> bool:
    """Whether a plan on record is this person's, for the same reasons."""
    return (
        plan.by_user_id == by.user_id
        and session.get_one(PersonalText, plan.reasons_text_id).body == reasons.strip()
    )


def _planned(
    decision: Decision, case: Case, measure: Measure | None, wanted: StagesWanted, facts: GateFacts
) -> tuple[StagePlan | None, tuple[str, ...]]:
    """Return the plan as it goes on record, and what stands in its way."""
    session, at = decision.session, decision.at
    if facts.row_faults:
        return None, facts.row_faults
    every = (wanted.first, *(stage.wanted for stage in wanted.later))
    if any(each.kind is None for each in every):
        return None, ("say of each stage what stays restricted: the kind of measure and its scope",)
    if measure is None:
        return None, ()
    zone = contract_at(session, case.tenant_id, at).time_zone
    moments = (at, *(moment_of(stage.when, at, zone) for stage in wanted.later))
    plan = StagePlan(
        tuple(
            PlannedStage(_restriction(each, facts), moment)
            for each, moment in zip(every, moments, strict=True)
        ),
        moment_of(wanted.lift, at, zone),
    )
    return plan, plan_faults(plan, _in_force(measure), facts.flagged, measure.lapses_at)


def _restriction(wanted: MeasureWanted, facts: GateFacts) -> Restriction:
    """Return what stays restricted; channels and directions that are not said are those flagged."""
    planned = planned_measure(wanted, facts.flagged, timedelta(hours=1))
    assert planned is not None, "its kind is said"
    return narrowed_to(planned.kind, planned.scope)


def _in_force(measure: Measure) -> Restriction:
    return narrowed_to(measure.restriction.kind, measure.restriction.scope)


def _carry_out(
    decision: Decision, case: Case, measure: Measure, plan: ReinstatementPlan, number: int, facts: GateFacts
) -> None:
    """Order a stage at the platform."""
    to = plan.ordered.stages[number - 1].restriction
    freed = share_freed(_in_force(measure), to, facts.flagged)
    narrow(decision, case, measure, to, freed, Because(plan_id=plan.id, stage=number))


def _is_held_by_flag(decision: Decision, case: Case, plan: ReinstatementPlan) -> bool:
    """Hold a plan for the first new flag of its tenant, and say whether there is one.

    New is a flag of traffic after the order, recorded since the order or since somebody let the plan go on.
    """
    session = decision.session
    holds = holds_of(session, plan.id)
    known_until = max((hold.released_at for hold in holds if hold.released_at is not None), default=plan.at)
    flags = session.scalars(
        select(Flag)
        .where(
            Flag.tenant_id == case.tenant_id,
            Flag.superseded_at.is_(None),
            Flag.recorded_at > known_until,
            Flag.interval_start > plan.at - _LONGEST_INTERVAL,
        )
        .order_by(Flag.recorded_at, Flag.id)
    )
    flag = next(
        (each for each in flags if each.interval_start + timedelta(seconds=each.interval_seconds) > plan.at),
        None,
    )
    if flag is None:
        return False
    hold = _hold(decision, plan, HoldCause.NEW_FLAG, flag_id=flag.id)
    content = {"plan_id": plan.id, "hold_id": hold.id, "cause": hold.cause, "flag_id": flag.id}
    note(decision, case, "measure.stages_held", content)
    return True


def _hold(
    decision: Decision,
    plan: ReinstatementPlan,
    cause: HoldCause,
    *,
    reasons_text_id: str | None = None,
    flag_id: str | None = None,
) -> ReinstatementHold:
    hold = ReinstatementHold(
        id=new_id(),
        case_id=plan.case_id,
        plan_id=plan.id,
        number=len(holds_of(decision.session, plan.id)) + 1,
        cause=cause,
        held_at=decision.at,
        held_by=decision.by.reference,
        reasons_text_id=reasons_text_id,
        flag_id=flag_id,
    )
    decision.session.add(hold)
    decision.session.flush()
    return hold
