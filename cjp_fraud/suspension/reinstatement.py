"""End a measure: reinstated by an approver or lapsed by itself; lifted, and proved so by read-back."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from cjp_fraud.audit.texts import keep_text
from cjp_fraud.clock import aware
from cjp_fraud.errors import refuse_unless
from cjp_fraud.people.model import Actor, Decision, Role
from cjp_fraud.review.cases import in_words, lock_case, move
from cjp_fraud.review.model import CaseState
from cjp_fraud.storage.database import transaction
from cjp_fraud.storage.locks import exclusive
from cjp_fraud.suspension.measures import ENFORCER, MeasureOutcome, PlatformOutcome, enforcement_lock
from cjp_fraud.suspension.model import CommandKind, CommandOutcome, Ending, MeasureState
from cjp_fraud.suspension.platform import PlatformClient, PlatformError
from cjp_fraud.suspension.platform_commands import (
    close_commands,
    order_of,
    record_command,
    unfinished_measure,
)
from cjp_fraud.suspension.tables import PlatformCommand


def reinstate(
    engine: Engine, platform: PlatformClient, case_id: str, by: Actor, at: datetime, *, reasons: str
) -> MeasureOutcome:
    """Lift a measure on an approver's decision; one that was interrupted is completed, not decided twice.

    Raises
    ------
    Refused
        Names everything that is missing.
    """
    with exclusive(engine, enforcement_lock(case_id)):
        with transaction(engine) as session:
            if not _is_being_reinstated(session, case_id, by):
                _decide_reinstatement(session, case_id, by, at, reasons)
        return lift_under_lock(engine, platform, case_id, at)


def lapse_under_lock(
    engine: Engine, platform: PlatformClient, case_id: str, at: datetime
) -> MeasureOutcome | None:
    """Let a measure lapse whose review date or end has come; None: it has not. The caller holds the lock."""
    with transaction(engine) as session:
        case = lock_case(session, case_id)
        measure = unfinished_measure(session, case)
        if case.state is not CaseState.SUSPENDED or measure is None:
            return None
        due_at = min(measure.review_at, measure.ends_at)
        if aware(at) < due_at:
            return None
        measure.state, measure.ending = MeasureState.LIFTING, Ending.LAPSED
        content = {"measure_id": measure.id, "ending": Ending.LAPSED, "due_at": due_at}
        move(Decision(session, ENFORCER, at), case, CaseState.LIFTING, "case.lapsing", content)
        record_command(session, case, measure, CommandKind.LIFT, ENFORCER, at)
    return lift_under_lock(engine, platform, case_id, at)


def lift_under_lock(engine: Engine, platform: PlatformClient, case_id: str, at: datetime) -> MeasureOutcome:
    """Carry out a lift that was decided, or was interrupted; the caller holds the case's lock.

    No gate: lifting is always allowed. Where the platform does not answer, the case stays ``lifting``
    and the next run asks again; where it says that the measure is still in force, it is suspended again.
    """
    with transaction(engine) as session:
        case = lock_case(session, case_id)
        measure = unfinished_measure(session, case)
        if case.state is not CaseState.LIFTING or measure is None:
            return MeasureOutcome(
                case_id, measure.id if measure else "", PlatformOutcome.UNKNOWN, (f"it is {case.state}",)
            )
        command = record_command(session, case, measure, CommandKind.LIFT, ENFORCER, at)
        order, key = order_of(measure), command.idempotency_key
    said: list[str] = []
    try:
        platform.lift(order, key, at)
    except PlatformError as error:
        said.append(str(error))
    try:
        told = platform.read_back(order.measure_id)
    except PlatformError as error:
        said.append(f"read-back failed: {error}")
        return MeasureOutcome(case_id, order.measure_id, PlatformOutcome.UNKNOWN, tuple(said))
    with transaction(engine) as session:
        case = lock_case(session, case_id)
        measure = unfinished_measure(session, case)
        if measure is None or measure.ending is None:
            raise AssertionError("nobody else works under the case's lock")
        outcome = CommandOutcome.FAILED if told.restricted else CommandOutcome.DONE
        close_commands(session, case, measure, {CommandKind.LIFT: outcome}, told, ENFORCER, at)
        content = {"measure_id": measure.id, "ending": measure.ending}
        if told.restricted:
            measure.state, measure.ending = MeasureState.IN_FORCE, None
            move(Decision(session, ENFORCER, at), case, CaseState.SUSPENDED, "case.lifting_failed", content)
            said.append("read-back shows that the measure is still in force")
            return MeasureOutcome(case_id, measure.id, PlatformOutcome.IN_FORCE, tuple(said))
        measure.state, measure.ended_at = MeasureState.ENDED, aware(at)
        to = CaseState.LAPSED if measure.ending is Ending.LAPSED else CaseState.REINSTATED
        move(Decision(session, ENFORCER, at), case, to, f"case.{to}", content)
        return MeasureOutcome(case_id, measure.id, PlatformOutcome.NOT_IN_FORCE, tuple(said))


def _is_being_reinstated(session: Session, case_id: str, by: Actor) -> bool:
    """Whether that person's decision to lift it is on record and was not carried out yet."""
    case = lock_case(session, case_id)
    measure = unfinished_measure(session, case)
    if case.state is not CaseState.LIFTING or measure is None or measure.ending is not Ending.REINSTATED:
        return False
    ordered_by = session.scalar(
        select(PlatformCommand.ordered_by).where(
            PlatformCommand.measure_id == measure.id,
            PlatformCommand.kind == CommandKind.LIFT,
            PlatformCommand.finished_at.is_(None),
        )
    )
    return ordered_by == by.reference


def _decide_reinstatement(session: Session, case_id: str, by: Actor, at: datetime, reasons: str) -> None:
    case = lock_case(session, case_id)
    measure = unfinished_measure(session, case)
    refuse_unless(
        (case.state is CaseState.SUSPENDED, f"it is {case.state}; only a suspended case is reinstated"),
        (by.may(Role.APPROVER), f"{by} is not an approver"),
        (bool(reasons.strip()), "give the reasons"),
        action=f"reinstate {in_words(case)}",
    )
    assert measure is not None, "a suspended case has a measure in force"
    kept = keep_text(session, reasons.strip(), at)
    measure.state, measure.ending = MeasureState.LIFTING, Ending.REINSTATED
    content = {
        "measure_id": measure.id,
        "ending": Ending.REINSTATED,
        "text_id": kept.id,
        "text_sha256": kept.sha256,
    }
    move(Decision(session, by, at), case, CaseState.LIFTING, "case.reinstating", content)
    record_command(session, case, measure, CommandKind.LIFT, by, at)
