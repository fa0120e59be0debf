"""End a measure: reinstated by an approver or lapsed by itself; lifted, and proved so by read-back."""

from __future__ import annotations

from sqlalchemy import select

from cjp_fraud.audit.texts import keep_text
from cjp_fraud.errors import refuse_unless
from cjp_fraud.people.model import Actor, Decision, Role
from cjp_fraud.review.cases import in_words, lock_case, move
from cjp_fraud.review.model import CaseState
from cjp_fraud.storage.database import transaction
from cjp_fraud.storage.locks import process_lock
from cjp_fraud.suspension.commands import close_commands, record_command, send_command, unfinished_measure
from cjp_fraud.suspension.measures import enforcement_lock
from cjp_fraud.suspension.model import (
    CommandKind,
    CommandOutcome,
    Ending,
    Enforcement,
    MeasureOutcome,
    MeasureState,
    PlatformOutcome,
)
from cjp_fraud.suspension.platform import ReadBack
from cjp_fraud.suspension.tables import PlatformCommand


def reinstate(enforcement: Enforcement, case_id: str, by: Actor, *, reasons: str) -> MeasureOutcome:
    """Lift a measure on an approver's decision; one that was interrupted is completed, not decided twice.

    Raises
    ------
    Refused
        Names everything that is missing.
    """
    with process_lock(enforcement.engine, enforcement_lock(case_id)):
        with transaction(enforcement.engine) as session:
            decision = Decision(session, by, enforcement.now)
            if not _is_being_reinstated(decision, case_id):
                _decide_reinstatement(decision, case_id, reasons)
        return lift_under_lock(enforcement, case_id)


def lapse_under_lock(enforcement: Enforcement, case_id: str) -> MeasureOutcome | None:
    """Let a measure lapse whose review date or end has come; None: it has not. The caller holds the lock."""
    with transaction(enforcement.engine) as session:
        decision = enforcement.decision(session)
        case = lock_case(session, case_id)
        measure = unfinished_measure(session, case)
        if case.state is not CaseState.SUSPENDED or measure is None:
            return None
        due_at = min(measure.review_at, measure.ends_at)
        if decision.at < due_at:
            return None
        measure.state, measure.ending = MeasureState.LIFTING, Ending.LAPSED
        content = {"measure_id": measure.id, "ending": Ending.LAPSED, "due_at": due_at}
        move(decision, case, CaseState.LIFTING, "case.lapsing", content)
        record_command(decision, case, measure, CommandKind.LIFT)
    return lift_under_lock(enforcement, case_id)


def lift_under_lock(enforcement: Enforcement, case_id: str) -> MeasureOutcome:
    """Carry out a lift that was decided, or was interrupted; the caller holds the case's lock.

    No gate: lifting is always allowed. Where the platform does not answer, the case stays ``lifting``
    and the next run asks again; where it says that the measure is still in force, it is suspended again.
    """
    with transaction(enforcement.engine) as session:
        case = lock_case(session, case_id)
        measure = unfinished_measure(session, case)
        if case.state is not CaseState.LIFTING or measure is None:
            measure_id = measure.id if measure is not None else ""
            return MeasureOutcome(case_id, measure_id, PlatformOutcome.UNKNOWN, (f"it is {case.state}",))
        command = record_command(enforcement.decision(session), case, measure, CommandKind.LIFT)
    answer = send_command(enforcement, command)
    if answer.read_back is None:
        return MeasureOutcome(case_id, command.order.measure_id, PlatformOutcome.UNKNOWN, answer.faults)
    with transaction(enforcement.engine) as session:
        _record_lift(enforcement.decision(session), case_id, answer.read_back)
    if answer.read_back.restricted:
        faults = (*answer.faults, "read-back shows that the measure is still in force")
        return MeasureOutcome(case_id, command.order.measure_id, PlatformOutcome.IN_FORCE, faults)
    return MeasureOutcome(case_id, command.order.measure_id, PlatformOutcome.NOT_IN_FORCE, answer.faults)


def _record_lift(decision: Decision, case_id: str, answer: ReadBack) -> None:
    """Put on record what read-back shows after a lift: ended, or suspended again."""
    case = lock_case(decision.session, case_id)
    measure = unfinished_measure(decision.session, case)
    if measure is None or measure.ending is None:
        raise AssertionError("nobody else works under the case's lock")
    content = {"measure_id": measure.id, "ending": measure.ending}
    to = CaseState.LAPSED if measure.ending is Ending.LAPSED else CaseState.REINSTATED
    if answer.restricted:
        measure.state, measure.ending = MeasureState.IN_FORCE, None
    else:
        measure.state, measure.ended_at = MeasureState.ENDED, decision.at
    outcome = CommandOutcome.FAILED if answer.restricted else CommandOutcome.DONE
    close_commands(decision, case, measure, {CommandKind.LIFT: outcome}, answer)
    if answer.restricted:
        move(decision, case, CaseState.SUSPENDED, "case.lifting_failed", content)
    else:
        move(decision, case, to, f"case.{to}", content)


def _is_being_reinstated(decision: Decision, case_id: str) -> bool:
    """Whether that person's decision to lift it is on record and was not carried out yet."""
    session = decision.session
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
    return ordered_by == decision.by.reference


def _decide_reinstatement(decision: Decision, case_id: str, reasons: str) -> None:
    session, by = decision.session, decision.by
    case = lock_case(session, case_id)
    measure = unfinished_measure(session, case)
    refuse_unless(
        (case.state is CaseState.SUSPENDED, f"it is {case.state}; only a suspended case is reinstated"),
        (by.may(Role.APPROVER), f"{by} is not an approver"),
        (bool(reasons.strip()), "give the reasons"),
        action=f"reinstate {in_words(case)}",
    )
    assert measure is not None, "a suspended case has a measure in force"
    text = keep_text(session, reasons.strip(), decision.at)
    measure.state, measure.ending = MeasureState.LIFTING, Ending.REINSTATED
    content = {
        "measure_id": measure.id,
        "ending": Ending.REINSTATED,
        "text_id": text.id,
        "text_sha256": text.sha256,
    }
    move(decision, case, CaseState.LIFTING, "case.reinstating", content)
    record_command(decision, case, measure, CommandKind.LIFT)
