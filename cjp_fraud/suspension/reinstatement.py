"""End a measure: reinstated by an approver or lapsed by itself; lifted, and proved so by read-back."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from cjp_fraud.audit.texts import keep_text
from cjp_fraud.contracts.contract_reader import contract_at
from cjp_fraud.contracts.contract_terms import LiftRule
from cjp_fraud.contracts.periods import after
from cjp_fraud.contracts.stated import stated
from cjp_fraud.errors import refuse_unless
from cjp_fraud.notices.plans_on_record import cancel_plan
from cjp_fraud.people.denials import denials_on_record
from cjp_fraud.people.model import Actor, Decision, Part, Role
from cjp_fraud.people.participation import record_part
from cjp_fraud.review.cases import in_words, move, note
from cjp_fraud.review.dispute import close_disputes, upheld_dispute
from cjp_fraud.review.model import CaseState, RestoreCheck
from cjp_fraud.review.stops_on_record import filed_dispute_that_stops
from cjp_fraud.review.tables import Case
from cjp_fraud.storage.database import transaction
from cjp_fraud.suspension.commands import (
    close_commands,
    lock_measure,
    read_back,
    record_command,
    recorded,
    send_command,
    unfinished_command,
)
from cjp_fraud.suspension.connections import Enforcement
from cjp_fraud.suspension.model import (
    CommandKind,
    CommandOutcome,
    Ending,
    MeasureOutcome,
    MeasureState,
    PlatformOutcome,
)
from cjp_fraud.suspension.platform import ReadBack
from cjp_fraud.suspension.tables import Measure, PlatformCommand


def reinstate(
    enforcement: Enforcement, case_id: str, by: Actor, *, reasons: str, checks: Collection[RestoreCheck] = ()
) -> MeasureOutcome:
    """Lift a measure on an approver's decision; a run after an interruption completes it and decides nothing anew.

    Parameters
    ----------
    checks : what the person saw to before; it goes on record with what they did not.

    Raises
    ------
    Refused
        Names everything that is missing.
    """
    with enforcement.case_lock(case_id):
        denials = denials_on_record(enforcement.engine, by.name, enforcement.now)
        with denials, transaction(enforcement.engine) as session:
            decision = Decision(session, by, enforcement.now)
            if not _is_being_reinstated(decision, case_id):
                _decide_reinstatement(decision, case_id, reasons, checks)
        return lift_under_lock(enforcement, case_id)


def lapse_under_lock(enforcement: Enforcement, case_id: str) -> MeasureOutcome | None:
    """Let a measure lapse if its review date or end has come; None: it has not. The caller holds the lock."""
    with enforcement.deciding() as decision:
        case, measure = lock_measure(decision.session, case_id)
        if case.state is not CaseState.SUSPENDED or measure is None:
            return None
        due_at = measure.lapses_at
        if decision.at < due_at:
            return None
        measure.state, measure.ending = MeasureState.LIFTING, Ending.LAPSED
        content = {"measure_id": measure.id, "ending": Ending.LAPSED, "due_at": due_at}
        move(decision, case, CaseState.LIFTING, "case.lapsing", content)
        record_command(decision, case, measure, CommandKind.LIFT)
    return lift_under_lock(enforcement, case_id)


def lift_if_upheld(enforcement: Enforcement, case_id: str) -> MeasureOutcome | None:
    """Lift a measure whose finding was disputed and the dispute upheld; None: there is none. The caller holds the lock.

    Whoever decided the dispute has decided the lift; what a kill or a platform that did not answer left undone, the
    next run does.
    """
    with enforcement.deciding() as decision:
        session = decision.session
        case, measure = lock_measure(session, case_id)
        dispute = upheld_dispute(session, case.id)
        if case.state is not CaseState.SUSPENDED or measure is None or dispute is None:
            return None
        order_lift(decision, case, measure, {"dispute_id": dispute.id, "decided_by": dispute.decided_by})
    return lift_under_lock(enforcement, case_id)


def lift_if_corrected(enforcement: Enforcement, case_id: str) -> MeasureOutcome | None:
    """Lift a measure whose cause is gone, when the contract's lift rule asks for it; None: it does not yet.

    Whoever found that the cause is gone has decided the lift. The caller holds the lock.
    """
    with enforcement.deciding() as decision:
        case, measure = lock_measure(decision.session, case_id)
        if case.state is not CaseState.SUSPENDED or measure is None or measure.lift_due_at is None:
            return None
        if decision.at < measure.lift_due_at:
            return None
        because = {"corrected_at": measure.corrected_at, "decided_by": measure.corrected_by}
        order_lift(decision, case, measure, because)
    return lift_under_lock(enforcement, case_id)


def lift_if_filed(enforcement: Enforcement, case_id: str) -> MeasureOutcome | None:
    """Lift a measure of which a dispute is filed, where the contract says that filing stops it; None: it does not.

    Whoever entered the dispute has set the clause to work. The caller holds the lock.
    """
    with enforcement.deciding() as decision:
        case, measure = lock_measure(decision.session, case_id)
        if case.state is not CaseState.SUSPENDED or measure is None:
            return None
        dispute = filed_dispute_that_stops(decision.session, case)
        if dispute is None:
            return None
        order_lift(decision, case, measure, {"dispute_id": dispute.id, "decided_by": dispute.opened_by})
    return lift_under_lock(enforcement, case_id)


def order_lift(decision: Decision, case: Case, measure: Measure, because: Mapping[str, object]) -> None:
    """Order the lift of a measure in force whose end a person has decided."""
    measure.state, measure.ending = MeasureState.LIFTING, Ending.REINSTATED
    content = {"measure_id": measure.id, "ending": Ending.REINSTATED, **because}
    move(decision, case, CaseState.LIFTING, "case.reinstating", content)
    record_command(decision, case, measure, CommandKind.LIFT)


def reinstatement_checks(case: Case, by: Actor, reasons: str) -> tuple[tuple[bool, str], ...]:
    """Return what must hold for somebody to reinstate a case, at once or in stages, each with why it does not."""
    return (
        (case.state is CaseState.SUSPENDED, f"it is {case.state}; only a suspended case is reinstated"),
        (by.may(Role.APPROVER), f"{by} is not an approver"),
        (bool(reasons.strip()), "give the reasons"),
    )


def checks_on_record(checks: Collection[RestoreCheck]) -> dict[str, list[RestoreCheck]]:
    """Return what the log says of what a person saw to before service was restored, and of what they did not."""
    return {
        "checked": [check for check in RestoreCheck if check in checks],
        "not_checked": [check for check in RestoreCheck if check not in checks],
    }


def record_correction(decision: Decision, case_id: str, reasons: str) -> Measure:
    """Record that the cause of a measure in force is gone; from the contract's lift rule follows when it is lifted.

    It is not kept past its review date any more.

    Raises
    ------
    Refused
        Names everything that is missing.
    """
    session, by, at = decision.session, decision.by, decision.at
    case, measure = lock_measure(session, case_id)
    position = contract_at(session, case.tenant_id, at)
    rule = position.terms.lift if position.terms is not None else None
    refuse_unless(
        (
            case.state is CaseState.SUSPENDED and measure is not None,
            f"it is {case.state}; only a measure in force has a cause to correct",
        ),
        (measure is None or measure.corrected_at is None, "it is on record already that the cause is gone"),
        (
            by.may(Role.REVIEWER, Role.APPROVER, Role.COUNSEL),
            f"{by} is neither reviewer, approver nor counsel",
        ),
        (
            isinstance(rule, LiftRule),
            "the contract states no lift rule; an approver lifts it: cjp-fraud measures reinstate",
        ),
        (bool(reasons.strip()), "give the reasons"),
        action=f"record that the cause of the measure of {in_words(case)} is gone",
    )
    assert measure is not None, "it was refused otherwise"
    assert isinstance(rule, LiftRule), "it was refused otherwise"
    within = stated(rule.within)
    text = keep_text(session, reasons.strip(), at)
    record_part(session, by, Part.FOUND_CORRECTED, case.tenant_id, at, case_id=case.id)
    measure.corrected_at, measure.corrected_by, measure.correction_text_id = at, by.reference, text.id
    measure.lift_due_at = at if within is None else after(at, (within,), within.place, position.calendars).at
    session.flush()
    content = {"measure_id": measure.id, "rule": rule.when, "lift_due_at": measure.lift_due_at}
    note(decision, case, "measure.corrected", content, text)
    return measure


def lift_under_lock(enforcement: Enforcement, case_id: str, reasons: tuple[str, ...] = ()) -> MeasureOutcome:
    """Lift a measure whose end was decided, or that could not be confirmed; the caller holds the case's lock.

    The gate is not asked: lifting is always allowed. Where the platform does not answer, the case stays as it is
    and the next run tries again. Where read-back shows the measure still in force, a measure whose end was decided
    counts as in force again; one that was never confirmed is lifted by the next run. Where the platform had ended it by
    itself already, it ended at its order's end, however late that is noticed.

    Parameters
    ----------
    reasons : why it is lifted, where nobody decided its end.
    """
    with enforcement.deciding() as decision:
        case, measure = lock_measure(decision.session, case_id)
        if case.state not in (CaseState.SUSPENDING, CaseState.LIFTING) or measure is None:
            measure_id = measure.id if measure is not None else ""
            return MeasureOutcome(case_id, measure_id, PlatformOutcome.UNKNOWN, (f"it is {case.state}",))
        command = record_command(decision, case, measure, CommandKind.LIFT)
        ended_at = _last_end(decision.session, measure, decision.at)
    if ended_at is not None:
        before = read_back(enforcement, command).read_back
        if before is None or before.restricted:
            ended_at = None  # it did not end by itself, or nobody knows
    answer = send_command(enforcement, command)
    outcome, faults = PlatformOutcome.UNKNOWN, (*reasons, *answer.faults)
    if answer.read_back is not None:
        with enforcement.deciding() as decision:
            outcome = _record_lift(decision, case_id, answer.read_back, ended_at)
        if outcome is PlatformOutcome.IN_FORCE:
            faults = (*faults, "read-back shows that the measure is still in force")
    return MeasureOutcome(case_id, command.order.measure_id, outcome, faults)


def _last_end(session: Session, measure: Measure, at: datetime) -> datetime | None:
    """Return when the platform should have ended a measure by itself, before ``at``; None: it should not have yet.

    That is the last end which it confirmed, or a later one which it was told and may have taken.
    """
    orders = session.scalars(
        select(PlatformCommand)
        .where(PlatformCommand.measure_id == measure.id, PlatformCommand.kind == CommandKind.APPLY)
        .order_by(PlatformCommand.number)
    ).all()
    confirmed = [recorded(each).order.ends_at for each in orders if each.outcome is CommandOutcome.DONE][-1:]
    ordered = [
        recorded(each).order.ends_at for each in orders if each.outcome is None and each.finished_at is None
    ]
    if any(end > at for end in confirmed):
        return None
    return max((end for end in (*confirmed, *ordered) if end <= at), default=None)


def _record_lift(
    decision: Decision, case_id: str, answer: ReadBack, ended_at: datetime | None
) -> PlatformOutcome:
    """Put on record what read-back shows after a lift: ended, never in force, or in force as before.

    Parameters
    ----------
    ended_at : when the platform had ended it by itself; None: it had not.
    """
    case, measure = lock_measure(decision.session, case_id)
    assert measure is not None, "nobody else works under the case's lock"
    content = {"measure_id": measure.id}
    if measure.ending is None:  # it was never confirmed
        if answer.restricted:
            return PlatformOutcome.UNKNOWN
        measure.state = MeasureState.NEVER_IN_FORCE
        outcomes = {CommandKind.APPLY: CommandOutcome.REFUSED, CommandKind.LIFT: CommandOutcome.DONE}
        close_commands(decision, case, measure, outcomes, answer)
        if measure.emergency_id is None:
            move(decision, case, CaseState.NOTICED, "case.not_suspended", content)
        else:  # nobody approved it: it is determined anew
            cancel_plan(decision, measure.notice_plan_id)
            move(decision, case, CaseState.IN_REVIEW, "case.not_suspended", content)
        close_disputes(decision, case)
        return PlatformOutcome.NOT_IN_FORCE
    content["ending"] = measure.ending
    if answer.restricted:
        measure.state, measure.ending = MeasureState.IN_FORCE, None
        close_commands(decision, case, measure, {CommandKind.LIFT: CommandOutcome.FAILED}, answer)
        move(decision, case, CaseState.SUSPENDED, "case.lifting_failed", content)
        return PlatformOutcome.IN_FORCE
    measure.state, measure.ended_at = MeasureState.ENDED, ended_at or decision.at
    close_commands(decision, case, measure, {CommandKind.LIFT: CommandOutcome.DONE}, answer)
    to = CaseState.LAPSED if measure.ending is Ending.LAPSED else CaseState.REINSTATED
    move(decision, case, to, f"case.{to}", content)
    close_disputes(decision, case)
    return PlatformOutcome.NOT_IN_FORCE


def _is_being_reinstated(decision: Decision, case_id: str) -> bool:
    """Whether this person's decision to lift it is on record and not done yet."""
    session = decision.session
    case, measure = lock_measure(session, case_id)
    if case.state is not CaseState.LIFTING or measure is None or measure.ending is not Ending.REINSTATED:
        return False
    command = unfinished_command(session, measure, CommandKind.LIFT)
    return command is not None and command.ordered_by == decision.by.reference


def _decide_reinstatement(
    decision: Decision, case_id: str, reasons: str, checks: Collection[RestoreCheck]
) -> None:
    session, by = decision.session, decision.by
    case, measure = lock_measure(session, case_id)
    refuse_unless(*reinstatement_checks(case, by, reasons), action=f"reinstate {in_words(case)}")
    assert measure is not None, "a suspended case has a measure in force"
    text = keep_text(session, reasons.strip(), decision.at)
    record_part(session, by, Part.REINSTATED, case.tenant_id, decision.at, case_id=case.id)
    measure.state, measure.ending = MeasureState.LIFTING, Ending.REINSTATED
    content = {
        "measure_id": measure.id,
        "ending": Ending.REINSTATED,
        **checks_on_record(checks),
        "text_id": text.id,
        "text_sha256": text.sha256,
    }
    move(decision, case, CaseState.LIFTING, "case.reinstating", content)
    record_command(decision, case, measure, CommandKind.LIFT)
