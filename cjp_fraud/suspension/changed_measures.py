"""Change a measure in force: keep it longer, or narrow it; the platform is told, and proves it by read-back."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from cjp_fraud.contracts.contract_reader import contract_at
from cjp_fraud.notices.delivery_record import progress_at
from cjp_fraud.notices.model import NoticeKind
from cjp_fraud.notices.plans_on_record import plan_of
from cjp_fraud.people.model import Decision
from cjp_fraud.review.cases import note
from cjp_fraud.review.model import CaseState
from cjp_fraud.review.provider_policy import ProviderPolicy
from cjp_fraud.review.tables import Case
from cjp_fraud.storage.database import reading
from cjp_fraud.suspension.commands import (
    Answer,
    RecordedCommand,
    close_commands,
    lock_measure,
    order_of,
    record_command,
    recorded,
    send_command,
    unfinished_command,
)
from cjp_fraud.suspension.connections import Enforcement
from cjp_fraud.suspension.gate_facts import obstacles
from cjp_fraud.suspension.kept_rounds import term_given
from cjp_fraud.suspension.measures import latest_end
from cjp_fraud.suspension.model import (
    CommandKind,
    CommandOutcome,
    MeasureOutcome,
    MeasureState,
    PlatformOutcome,
)
from cjp_fraud.suspension.narrowing import confirm_narrowings, narrowings_to_confirm
from cjp_fraud.suspension.requirements import BEFORE_REAFFIRMATION
from cjp_fraud.suspension.rounds_on_record import round_to_keep, term_of
from cjp_fraud.suspension.tables import Measure


def extend_under_lock(enforcement: Enforcement, case_id: str) -> MeasureOutcome | None:
    """Move the end of a measure that two people keep, and tell the platform; None: there is nothing to move or tell.

    The end is moved only once the letter that says so has left, and only if it left before the end that the customer
    knew. The caller holds the case's lock. Where the platform does not answer, the order stays open and is sent
    again; where it has ended the measure meanwhile, the order is closed and people decide what follows.
    """
    with reading(enforcement.engine) as session:
        if not _is_being_kept(session, case_id):
            return None
    with enforcement.deciding() as decision:
        case, measure = lock_measure(decision.session, case_id)
        if case.state is not CaseState.SUSPENDED or measure is None:
            return None
        why_not = _move_end(decision, case, measure, enforcement.policy)
        if why_not:
            return MeasureOutcome(case_id, measure.id, PlatformOutcome.UNKNOWN, why_not)
    return _tell_platform(enforcement, case_id)


def narrow_under_lock(enforcement: Enforcement, case_id: str) -> MeasureOutcome | None:
    """Tell the platform of a measure that was narrowed, before the customer is told; None: there is nothing to tell.

    The caller holds the case's lock.
    """
    with reading(enforcement.engine) as session:
        if not narrowings_to_confirm(session, case_id):
            return None
    return _tell_platform(enforcement, case_id)


def _tell_platform(enforcement: Enforcement, case_id: str) -> MeasureOutcome | None:
    """Send the open order of a measure in force, which moves its end or narrows it; None: there is none."""
    with reading(enforcement.engine) as session:
        measure = _in_force(session, case_id)
        unfinished = unfinished_command(session, measure, CommandKind.APPLY) if measure is not None else None
        if unfinished is None:
            return None
        command = recorded(unfinished)
    answer = send_command(enforcement, command)
    with enforcement.deciding() as decision:
        outcome, faults = _told(decision, case_id, command, answer)
    return MeasureOutcome(case_id, command.order.measure_id, outcome, (*answer.faults, *faults))


def _told(
    decision: Decision, case_id: str, command: RecordedCommand, answer: Answer
) -> tuple[PlatformOutcome, tuple[str, ...]]:
    """Put on record what read-back shows after an order that changes a measure in force."""
    case, measure = lock_measure(decision.session, case_id)
    assert measure is not None, "nobody else ends it under the case's lock"
    read_back = answer.read_back
    if read_back is None:
        return PlatformOutcome.UNKNOWN, ()
    if not read_back.restricted:
        close_commands(decision, case, measure, {CommandKind.APPLY: CommandOutcome.REFUSED}, read_back)
        return PlatformOutcome.NOT_IN_FORCE, (
            "the platform restricts nothing any more; reinstate the case, or determine it again",
        )
    if order_of(measure) != command.order:  # a person decided meanwhile; that order is open
        return PlatformOutcome.UNKNOWN, ("it was changed meanwhile; cjp-fraud run-due tells the platform",)
    if not read_back.is_as_ordered(command.order):
        return PlatformOutcome.UNKNOWN, (
            "the platform has not changed the measure yet; cjp-fraud run-due tries again",
        )
    close_commands(decision, case, measure, {CommandKind.APPLY: CommandOutcome.DONE}, read_back)
    confirm_narrowings(decision, case, measure)
    return PlatformOutcome.IN_FORCE, ()


def _is_being_kept(session: Session, case_id: str) -> bool:
    """Whether a measure in force is to get a new end, or the platform is still to be told of one."""
    measure = _in_force(session, case_id)
    if measure is None:
        return False
    is_told = unfinished_command(session, measure, CommandKind.APPLY) is None
    return round_to_keep(session, measure) is not None or not is_told


def _in_force(session: Session, case_id: str) -> Measure | None:
    return session.scalar(
        select(Measure).where(Measure.case_id == case_id, Measure.state == MeasureState.IN_FORCE)
    )


def _move_end(decision: Decision, case: Case, measure: Measure, policy: ProviderPolicy) -> tuple[str, ...]:
    """Give a measure the end of the round that keeps it, once the customer was told; return why it has it not yet."""
    session, at = decision.session, decision.at
    newest_round = round_to_keep(session, measure)
    if newest_round is None:
        return ()
    plan = plan_of(session, measure.proposal_id, NoticeKind.REAFFIRMATION, newest_round.number)
    if plan is None or not progress_at(session, plan.id, at).step_complete:
        return (
            f"the measure lapses at {measure.lapses_at:%Y-%m-%d %H:%M:%SZ} unless the letter which says that it is "
            "kept leaves before",
        )
    shut = obstacles(session, case, policy, at, BEFORE_REAFFIRMATION)
    if measure.corrected_at is not None:
        return ("its cause is gone, as is on record; it is not kept",)
    if shut or measure.is_past_its_end(at):
        return shut or ("its end has passed; it lapses",)
    latest = latest_end(measure.ordered_at, contract_at(session, case.tenant_id, at))
    term = term_given(term_of(measure), newest_round.term, latest)
    if term == term_of(measure):
        return ()  # the contract gives no later end any more
    measure.review_at, measure.ends_at, measure.latest_end_at = term.review_at, term.ends_at, latest
    session.flush()
    content = {
        "measure_id": measure.id,
        "round": newest_round.number,
        "review_at": measure.review_at,
        "ends_at": measure.ends_at,
        "notice_plan_id": plan.id,
    }
    note(decision, case, "measure.kept", content)
    record_command(decision, case, measure, CommandKind.APPLY)
    return ()
