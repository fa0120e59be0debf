"""Take a measure: the one function on the way to a restriction, whoever calls it.

Transaction 1 asks the gate and writes the measure, the command and the state ``suspending``. Then the platform
is called and read back. Transaction 2 asks the gate again and writes the state ``suspended``. What was
interrupted in between is sent again with the same key, or lifted where the gate has shut since. In ``observe``
the same rows are written, marked so, and the platform is not called.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from cjp_fraud.config import PlatformMode
from cjp_fraud.contracts.contract_reader import contract_at
from cjp_fraud.contracts.position import Contract
from cjp_fraud.documents import to_document
from cjp_fraud.errors import Refused
from cjp_fraud.notices.delivery_record import progress_at
from cjp_fraud.notices.model import NoticeKind
from cjp_fraud.notices.plans_on_record import plan_of, stated_end
from cjp_fraud.notices.tables import NoticePlan
from cjp_fraud.people.model import Decision
from cjp_fraud.review.approval import approvals_of
from cjp_fraud.review.cases import in_words, move, note
from cjp_fraud.review.decision_tables import Proposal
from cjp_fraud.review.model import Capacity, CaseState, ProviderPolicy
from cjp_fraud.review.proposal import document_of, latest_proposal, measure_of
from cjp_fraud.review.tables import Case
from cjp_fraud.storage.base import new_id
from cjp_fraud.storage.database import reading
from cjp_fraud.suspension.commands import (
    RecordedCommand,
    close_commands,
    lock_measure,
    read_back,
    record_command,
    recorded,
    send_command,
    unfinished_command,
)
from cjp_fraud.suspension.connections import Enforcement
from cjp_fraud.suspension.gate import approval_in_force, check
from cjp_fraud.suspension.gate_facts import gate_facts, obstacles
from cjp_fraud.suspension.kept_rounds import term_given
from cjp_fraud.suspension.model import (
    CommandKind,
    CommandOutcome,
    MeasureOutcome,
    MeasureState,
    PlatformOutcome,
)
from cjp_fraud.suspension.notice_gate import permitted_from, without_prior_notice
from cjp_fraud.suspension.platform import ReadBack
from cjp_fraud.suspension.reinstatement import lift_under_lock
from cjp_fraud.suspension.requirements import BEFORE_REAFFIRMATION, GateDecision
from cjp_fraud.suspension.rounds_on_record import round_to_keep, term_of
from cjp_fraud.suspension.tables import Measure


def apply_measure(enforcement: Enforcement, case_id: str) -> MeasureOutcome:
    """Take the approved measure of a case, if the gate is open; the only way to a restriction.

    A second process waits, and then has nothing to do. What was interrupted is completed with the same key.

    Raises
    ------
    Refused
        With everything that keeps the gate shut.
    """
    with enforcement.case_lock(case_id):
        return apply_under_lock(enforcement, case_id)


def apply_under_lock(enforcement: Enforcement, case_id: str) -> MeasureOutcome:
    """Do what :func:`apply_measure` does, for a caller that holds the case's lock."""
    policy = enforcement.policy
    with enforcement.deciding() as decision:
        command, gate = _begin(decision, case_id, policy)
    measure_id = command.order.measure_id
    # Where the gate has shut since it was ordered, nothing is sent, and what is in force is lifted below.
    answer = (
        send_command(enforcement, command)
        if gate.is_open
        else read_back(enforcement, command, gate.sentences)
    )
    if answer.read_back is None:
        return MeasureOutcome(case_id, measure_id, PlatformOutcome.UNKNOWN, answer.faults)
    with enforcement.deciding() as decision:
        faults = _confirm(decision, case_id, command, answer.read_back, policy)
    if not faults:
        return MeasureOutcome(case_id, measure_id, PlatformOutcome.IN_FORCE)
    return lift_under_lock(enforcement, case_id, (*answer.faults, *faults))


def observe_measure(decision: Decision, case: Case, plan: NoticePlan, policy: ProviderPolicy) -> None:
    """Store measure and command of a proposal approved in ``observe``, once; nothing is sent.

    The entry of the log says what would have kept the gate shut.
    """
    session = decision.session
    if session.scalar(select(Measure.id).where(Measure.proposal_id == plan.proposal_id)) is not None:
        return
    proposal = session.get_one(Proposal, plan.proposal_id)
    gate = check(gate_facts(session, case, policy, decision.at), decision.at)
    measure = _add_measure(decision, case, proposal, plan)
    record_command(decision, case, measure, CommandKind.APPLY)
    close_commands(decision, case, measure, {CommandKind.APPLY: CommandOutcome.OBSERVED}, None)
    content = {
        "proposal_id": proposal.id,
        "measure_id": measure.id,
        "plan_id": plan.id,
        "shut": list(gate.sentences),
    }
    note(decision, case, "case.observed", content)


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
        unfinished = unfinished_command(decision.session, measure, CommandKind.APPLY)
        if unfinished is None:
            return None
        command = recorded(unfinished)
    answer = send_command(enforcement, command)
    measure_id = command.order.measure_id
    if answer.read_back is None:
        return MeasureOutcome(case_id, measure_id, PlatformOutcome.UNKNOWN, answer.faults)
    with enforcement.deciding() as decision:
        case, measure = lock_measure(decision.session, case_id)
        assert measure is not None, "nobody else works under the case's lock"
        if answer.read_back.is_as_ordered(command.order):
            close_commands(
                decision, case, measure, {CommandKind.APPLY: CommandOutcome.DONE}, answer.read_back
            )
            return MeasureOutcome(case_id, measure_id, PlatformOutcome.IN_FORCE)
        if answer.read_back.restricted:
            faults = (*answer.faults, "the platform has not moved the end yet; cjp-fraud run-due tries again")
            return MeasureOutcome(case_id, measure_id, PlatformOutcome.UNKNOWN, faults)
        close_commands(decision, case, measure, {CommandKind.APPLY: CommandOutcome.REFUSED}, answer.read_back)
        faults = (
            *answer.faults,
            "the platform restricts nothing any more; reinstate the case, or determine it again",
        )
        return MeasureOutcome(case_id, measure_id, PlatformOutcome.NOT_IN_FORCE, faults)


def _is_being_kept(session: Session, case_id: str) -> bool:
    """Whether a measure in force is to get a new end, or the platform is still to be told of one."""
    measure = session.scalar(
        select(Measure).where(Measure.case_id == case_id, Measure.state == MeasureState.IN_FORCE)
    )
    if measure is None:
        return False
    is_told = unfinished_command(session, measure, CommandKind.APPLY) is None
    return round_to_keep(session, measure) is not None or not is_told


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


def latest_end(ordered_at: datetime, position: Contract) -> datetime | None:
    """Return the end of the contract's longest duration or of the term, whichever is first; None: neither is known.

    Parameters
    ----------
    ordered_at : when the measure was ordered; its longest duration counts from there.
    """
    longest = position.longest_measure
    ends = (ordered_at + longest if longest is not None else None, position.term_to)
    return min((end for end in ends if end is not None), default=None)


def _begin(decision: Decision, case_id: str, policy: ProviderPolicy) -> tuple[RecordedCommand, GateDecision]:
    """Ask the gate and put measure and command on record, or take up what was interrupted."""
    session = decision.session
    case, measure = lock_measure(session, case_id)
    facts = gate_facts(session, case, policy, decision.at)
    gate = check(facts, decision.at)
    if case.state is CaseState.SUSPENDING and measure is not None:
        return record_command(decision, case, measure, CommandKind.APPLY), gate
    state = () if case.state is CaseState.NOTICED else (f"it is {case.state}; a measure follows a notice",)
    if state or not gate.is_open:
        raise Refused((*state, *gate.sentences), action=f"restrict {in_words(case)}")
    proposal = latest_proposal(session, case)
    approval = approval_in_force(facts)
    plan = plan_of(session, proposal.id) if proposal is not None else None
    if proposal is None or approval is None or plan is None:
        raise AssertionError("the gate is open without proposal, approval or plan")
    measure = _add_measure(
        decision,
        case,
        proposal,
        plan,
        approved_by=approval.by_user_id,
        permitted_at=permitted_from(facts, approval.at),
        without_notice=without_prior_notice(facts),
    )
    content = {
        "measure_id": measure.id,
        "proposal_id": proposal.id,
        "proposal_sha256": proposal.sha256,
        "approval_id": measure.approval_id,
        "notice_plan_id": plan.id,
        "kind": measure.kind,
        "ends_at": measure.ends_at,
    }
    move(decision, case, CaseState.SUSPENDING, "case.suspending", content)
    return record_command(decision, case, measure, CommandKind.APPLY), gate


def _add_measure(
    decision: Decision,
    case: Case,
    proposal: Proposal,
    plan: NoticePlan,
    *,
    approved_by: str | None = None,
    permitted_at: datetime | None = None,
    without_notice: str | None = None,
) -> Measure:
    """Store the measure of a proposal.

    Parameters
    ----------
    approved_by : whose approval it stands on; None: the first's.
    permitted_at : from when the contract's notice lets it follow; None: it is only observed.
    without_notice : by what provision of the contract it needs no notice beforehand; None: it needs one.
    """
    session, at = decision.session, decision.at
    document = document_of(proposal)
    kind, scope, duration = measure_of(document)
    position = contract_at(session, case.tenant_id, at)
    latest = latest_end(at, position)
    # What the customer was told binds, however late the measure begins.
    ends = (at + duration, latest, stated_end(session, plan.id))
    ends_at = min(end for end in ends if end is not None)
    review_after = timedelta(hours=document["measure"]["review_hours"])
    approval = next(
        approval
        for approval in approvals_of(session, proposal)
        if approval.capacity is Capacity.APPROVER and approved_by in (None, approval.by_user_id)
    )
    measure = Measure(
        id=new_id(),
        case_id=case.id,
        tenant_id=case.tenant_id,
        proposal_id=proposal.id,
        approval_id=approval.id,
        approved_at=approval.at,
        notice_plan_id=plan.id,
        permitted_at=permitted_at,
        without_notice=without_notice,
        mode=proposal.mode,
        kind=kind,
        scope=to_document(scope),
        state=MeasureState.OBSERVED if proposal.mode is PlatformMode.OBSERVE else MeasureState.ORDERED,
        ordered_at=at,
        review_at=min(at + review_after, ends_at),
        ends_at=ends_at,
        latest_end_at=latest,
    )
    session.add(measure)
    session.flush()
    return measure


def _confirm(
    decision: Decision, case_id: str, command: RecordedCommand, answer: ReadBack, policy: ProviderPolicy
) -> tuple[str, ...]:
    """Record the measure as in force, after asking the gate once more; return why not, where not."""
    session, at = decision.session, decision.at
    case, measure = lock_measure(session, case_id)
    assert measure is not None, "nobody else works under the case's lock"
    gate = check(gate_facts(session, case, policy, at), at)
    if measure.ends_at <= at:
        return ("its end passed before it was in force",)
    if not gate.is_open:
        return gate.sentences
    if not answer.is_as_ordered(command.order):
        return (_difference(answer),)
    measure.state, measure.in_force_at = MeasureState.IN_FORCE, at
    close_commands(decision, case, measure, {CommandKind.APPLY: CommandOutcome.DONE}, answer)
    content = {"measure_id": measure.id, "review_at": measure.review_at, "ends_at": measure.ends_at}
    move(decision, case, CaseState.SUSPENDED, "case.suspended", content)
    return ()


def _difference(answer: ReadBack) -> str:
    if not answer.restricted:
        return "read-back shows nothing in force"
    if answer.emergency_calls is not True:
        return "the platform does not confirm that emergency calls go through"
    return "read-back shows something else in force than what was ordered"
