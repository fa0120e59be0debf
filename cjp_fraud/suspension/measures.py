"""Take a measure: the one function on the way to a restriction, whoever calls it.

Transaction 1: the gate, the measure, the command's row, state ``suspending``. The call. Transaction 2:
the gate again, the read-back, state ``suspended``. What was interrupted in between is asked again, and
lifted where the gate has shut since.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import Engine
from sqlalchemy.orm import Session

from cjp_fraud.clock import aware
from cjp_fraud.contracts.position import position_at
from cjp_fraud.documents import to_document
from cjp_fraud.errors import Refused
from cjp_fraud.notices.plans import plan_of
from cjp_fraud.people.model import Decision, machine
from cjp_fraud.review.approval import approvals_of
from cjp_fraud.review.cases import in_words, lock_case, move
from cjp_fraud.review.model import Capacity, CaseState, ProviderPolicy
from cjp_fraud.review.proposal import document_of, latest_proposal, measure_of
from cjp_fraud.storage.base import new_id
from cjp_fraud.storage.database import transaction
from cjp_fraud.storage.locks import exclusive
from cjp_fraud.suspension.gate import GateDecision, approval_in_force, check
from cjp_fraud.suspension.gate_facts import gate_facts
from cjp_fraud.suspension.model import CommandKind, CommandOutcome, MeasureState
from cjp_fraud.suspension.platform import Order, PlatformClient, PlatformError, ReadBack
from cjp_fraud.suspension.platform_commands import (
    close_commands,
    order_of,
    ordered,
    record_command,
    unfinished_measure,
)
from cjp_fraud.suspension.tables import Measure

ENFORCER = machine("enforcement")
"""Who acts on the standing approval."""


class PlatformOutcome(StrEnum):
    """How taking a measure ended."""

    IN_FORCE = "in_force"
    NOT_IN_FORCE = "not_in_force"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class MeasureOutcome:
    """What became of a measure; ``reasons`` say why it is not in force, or not known to be."""

    case_id: str
    measure_id: str
    applied: PlatformOutcome
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Ordered:
    measure_id: str
    order: Order
    key: str
    decision: GateDecision


def enforcement_lock(case_id: str) -> str:
    """Return the name of the lock under which notices are sent and measures commanded for a case."""
    return f"enforcement:{case_id}"


def apply_measure(
    engine: Engine, platform: PlatformClient, case_id: str, at: datetime, practice: ProviderPolicy
) -> MeasureOutcome:
    """Take the approved measure of a case, if the gate is open; the only way to a restriction.

    A second process waits, and then finds it done. An interrupted one is completed with the same key.

    Parameters
    ----------
    at : aware.
    practice : the mode in force and how long approval and notice stay fresh.

    Raises
    ------
    Refused
        With everything that keeps the gate shut.
    """
    with exclusive(engine, enforcement_lock(case_id)):
        return apply_under_lock(engine, platform, case_id, at, practice)


def apply_under_lock(
    engine: Engine, platform: PlatformClient, case_id: str, at: datetime, practice: ProviderPolicy
) -> MeasureOutcome:
    """Do what :func:`apply_measure` does, for a caller that holds :func:`enforcement_lock`."""
    with transaction(engine) as session:
        begun = _begin(session, case_id, at, practice)
    reasons: list[str] = list(begun.decision.sentences)
    if begun.decision.is_open:
        try:
            platform.apply(begun.order, begun.key, at)
        except PlatformError as error:
            reasons.append(str(error))
    told = _read_back(platform, begun.measure_id, reasons)
    if told is None:
        return MeasureOutcome(case_id, begun.measure_id, PlatformOutcome.UNKNOWN, tuple(reasons))
    with transaction(engine) as session:
        shut = _confirm(session, case_id, begun, told, at, practice)
    if shut is None:
        return MeasureOutcome(case_id, begun.measure_id, PlatformOutcome.IN_FORCE)
    return _give_up(engine, platform, case_id, begun, at, (*reasons, *shut))


def _begin(session: Session, case_id: str, at: datetime, practice: ProviderPolicy) -> _Ordered:
    """Ask the gate and put measure and command on record, or take up what was interrupted."""
    case = lock_case(session, case_id)
    facts = gate_facts(session, case, practice, at)
    decision = check(facts, at)
    measure = unfinished_measure(session, case)
    if case.state is CaseState.SUSPENDING and measure is not None:
        command = record_command(session, case, measure, CommandKind.APPLY, ENFORCER, at)
        return _Ordered(measure.id, ordered(command), command.idempotency_key, decision)
    state = () if case.state is CaseState.NOTICED else (f"it is {case.state}; a measure follows a notice",)
    if state or not decision.is_open:
        raise Refused((*state, *decision.sentences), action=f"restrict {in_words(case)}")
    proposal = latest_proposal(session, case)
    approval = approval_in_force(facts)
    plan = plan_of(session, proposal.id) if proposal is not None else None
    if proposal is None or approval is None or plan is None:
        raise AssertionError("the gate is open without proposal, approval or plan")
    document = document_of(proposal)
    kind, scope, duration = measure_of(document)
    longest = position_at(session, case.tenant_id, at).longest_measure
    moment = aware(at)
    ends_at = moment + duration
    measure = Measure(
        id=new_id(),
        case_id=case.id,
        tenant_id=case.tenant_id,
        proposal_id=proposal.id,
        approval_id=next(
            one.id
            for one in approvals_of(session, proposal)
            if one.by_user_id == approval.by_user_id and one.capacity is Capacity.APPROVER
        ),
        notice_plan_id=plan.id,
        mode=proposal.mode,
        kind=kind,
        scope=to_document(scope),
        state=MeasureState.ORDERED,
        ordered_at=moment,
        review_at=min(moment + timedelta(hours=document["measure"]["review_hours"]), ends_at),
        ends_at=ends_at,
        latest_end_at=moment + longest if longest is not None else None,
    )
    session.add(measure)
    session.flush()
    content = {
        "measure_id": measure.id,
        "proposal_id": proposal.id,
        "proposal_sha256": proposal.sha256,
        "approval_id": measure.approval_id,
        "notice_plan_id": plan.id,
        "kind": kind,
        "ends_at": ends_at,
    }
    move(Decision(session, ENFORCER, at), case, CaseState.SUSPENDING, "case.suspending", content)
    command = record_command(session, case, measure, CommandKind.APPLY, ENFORCER, at)
    return _Ordered(measure.id, ordered(command), command.idempotency_key, decision)


def _confirm(
    session: Session, case_id: str, begun: _Ordered, told: ReadBack, at: datetime, practice: ProviderPolicy
) -> tuple[str, ...] | None:
    """Record the measure as in force, after asking the gate once more; return why not, where not."""
    case = lock_case(session, case_id)
    measure = unfinished_measure(session, case)
    if case.state is not CaseState.SUSPENDING or measure is None or measure.id != begun.measure_id:
        return (f"it is {case.state} by now",)
    decision = check(gate_facts(session, case, practice, at), at)
    moment = aware(at)
    if measure.ends_at <= moment:
        return ("its end passed before it was in force",)
    if not decision.is_open:
        return decision.sentences
    if not told.is_as_ordered(begun.order):
        return (_told_otherwise(told),)
    measure.state = MeasureState.IN_FORCE
    measure.in_force_at = moment
    close_commands(session, case, measure, {CommandKind.APPLY: CommandOutcome.DONE}, told, ENFORCER, at)
    content = {"measure_id": measure.id, "review_at": measure.review_at, "ends_at": measure.ends_at}
    move(Decision(session, ENFORCER, at), case, CaseState.SUSPENDED, "case.suspended", content)
    return None


def _told_otherwise(told: ReadBack) -> str:
    if not told.restricted:
        return "read-back shows nothing in force"
    if told.emergency_calls is not True:
        return "the platform does not confirm that emergency calls go through"
    return "read-back shows something else in force than what was ordered"


def _give_up(
    engine: Engine,
    platform: PlatformClient,
    case_id: str,
    begun: _Ordered,
    at: datetime,
    reasons: tuple[str, ...],
) -> MeasureOutcome:
    """Lift whatever there is, and go back to ``noticed`` once read-back shows nothing in force."""
    with transaction(engine) as session:
        case = lock_case(session, case_id)
        measure = unfinished_measure(session, case)
        if case.state is not CaseState.SUSPENDING or measure is None or measure.id != begun.measure_id:
            return MeasureOutcome(case_id, begun.measure_id, PlatformOutcome.UNKNOWN, reasons)
        lifting = record_command(session, case, measure, CommandKind.LIFT, ENFORCER, at)
        order, key = order_of(measure), lifting.idempotency_key
    said = list(reasons)
    try:
        platform.lift(order, key, at)
    except PlatformError as error:
        said.append(str(error))
    told = _read_back(platform, begun.measure_id, said)
    if told is None or told.restricted:
        return MeasureOutcome(case_id, begun.measure_id, PlatformOutcome.UNKNOWN, tuple(said))
    with transaction(engine) as session:
        _never_in_force(session, case_id, told, at)
    return MeasureOutcome(case_id, begun.measure_id, PlatformOutcome.NOT_IN_FORCE, tuple(said))


def _never_in_force(session: Session, case_id: str, told: ReadBack, at: datetime) -> None:
    case = lock_case(session, case_id)
    measure = unfinished_measure(session, case)
    assert measure is not None, "nobody else works under the case's lock"
    measure.state = MeasureState.NEVER_IN_FORCE
    outcomes = {CommandKind.APPLY: CommandOutcome.REFUSED, CommandKind.LIFT: CommandOutcome.DONE}
    close_commands(session, case, measure, outcomes, told, ENFORCER, at)
    move(
        Decision(session, ENFORCER, at),
        case,
        CaseState.NOTICED,
        "case.not_suspended",
        {"measure_id": measure.id},
    )


def _read_back(platform: PlatformClient, measure_id: str, reasons: list[str]) -> ReadBack | None:
    try:
        return platform.read_back(measure_id)
    except PlatformError as error:
        reasons.append(f"read-back failed: {error}")
        return None
