"""Take a measure: the one function on the way to a restriction, whoever calls it.

Transaction 1 asks the gate and writes the measure, the command and the state ``suspending``. Then the platform
is called and read back. Transaction 2 asks the gate again and writes the state ``suspended``. What was
interrupted in between is sent again with the same key, or lifted where the gate has shut since. In ``observe``
the same rows are written, marked so, and the platform is not called.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from cjp_fraud.config import PlatformMode
from cjp_fraud.contracts.contract_reader import contract_at
from cjp_fraud.contracts.position import Contract
from cjp_fraud.documents import to_document
from cjp_fraud.errors import Refused
from cjp_fraud.notices.plans_on_record import plan_of, stated_end
from cjp_fraud.notices.tables import NoticePlan
from cjp_fraud.people.model import Decision
from cjp_fraud.review.approval import approvals_of
from cjp_fraud.review.cases import in_words, move, note
from cjp_fraud.review.decision_tables import Approval, EmergencyOrder, Proposal
from cjp_fraud.review.model import Capacity, CaseState
from cjp_fraud.review.proposal import document_of, latest_proposal, measure_of
from cjp_fraud.review.provider_policy import ProviderPolicy
from cjp_fraud.review.tables import Case
from cjp_fraud.storage.base import new_id
from cjp_fraud.suspension.commands import (
    RecordedCommand,
    close_commands,
    lock_measure,
    read_back,
    record_command,
    send_command,
)
from cjp_fraud.suspension.connections import Enforcement
from cjp_fraud.suspension.gate import approval_in_force, check
from cjp_fraud.suspension.gate_facts import gate_facts
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
from cjp_fraud.suspension.requirements import Basis, GateDecision
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
    measure = add_measure(decision, case, proposal, plan, _approval_by(session, proposal, None))
    record_command(decision, case, measure, CommandKind.APPLY)
    close_commands(decision, case, measure, {CommandKind.APPLY: CommandOutcome.OBSERVED}, None)
    content = {
        "proposal_id": proposal.id,
        "measure_id": measure.id,
        "plan_id": plan.id,
        "shut": list(gate.sentences),
    }
    note(decision, case, "case.observed", content)


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
    proposal, approved = latest_proposal(session, case), approval_in_force(facts)
    plan = plan_of(session, proposal.id) if proposal is not None else None
    if proposal is None or approved is None or plan is None:
        raise AssertionError("the gate is open without proposal, approval or plan")
    approval = _approval_by(session, proposal, approved.by_user_id)
    measure = add_measure(
        decision,
        case,
        proposal,
        plan,
        approval,
        permitted_at=permitted_from(facts, approval.at),
        without_notice=without_prior_notice(facts),
    )
    return order_measure(decision, case, measure, gate.basis), gate


def order_measure(decision: Decision, case: Case, measure: Measure, basis: Basis) -> RecordedCommand:
    """Move a case to ``suspending`` and put the order to the platform on record."""
    proposal = decision.session.get_one(Proposal, measure.proposal_id)
    content = {
        "basis": basis,
        "measure_id": measure.id,
        "proposal_id": proposal.id,
        "proposal_sha256": proposal.sha256,
        "approval_id": measure.approval_id,
        "emergency_id": measure.emergency_id,
        "notice_plan_id": measure.notice_plan_id,
        "kind": measure.kind,
        "ends_at": measure.ends_at,
    }
    move(decision, case, CaseState.SUSPENDING, "case.suspending", content)
    return record_command(decision, case, measure, CommandKind.APPLY)


def add_measure(
    decision: Decision,
    case: Case,
    proposal: Proposal,
    plan: NoticePlan,
    basis: Approval | EmergencyOrder,
    *,
    permitted_at: datetime | None = None,
    without_notice: str | None = None,
    unless_approved_by: datetime | None = None,
) -> Measure:
    """Store the measure of a proposal.

    Parameters
    ----------
    basis : the approval that it stands on, or the order in an emergency.
    permitted_at : from when the contract's notice lets it follow; None: it is only observed.
    without_notice : by what provision of the contract it needs no notice beforehand; None: it needs one.
    unless_approved_by : when it ends unless it is approved before; aware. None: it is.
    """
    session, at = decision.session, decision.at
    document = document_of(proposal)
    kind, scope, _duration = measure_of(document)
    ends_at, latest = approved_end(session, case, proposal, plan, began=at, at=at)
    ends_at = min(ends_at, unless_approved_by or ends_at)
    ordered = isinstance(basis, EmergencyOrder)
    measure = Measure(
        id=new_id(),
        case_id=case.id,
        tenant_id=case.tenant_id,
        proposal_id=proposal.id,
        approval_id=None if ordered else basis.id,
        approved_at=None if ordered else basis.at,
        emergency_id=basis.id if ordered else None,
        emergency_at=basis.at if ordered else None,
        notice_plan_id=plan.id,
        permitted_at=permitted_at,
        without_notice=without_notice,
        mode=proposal.mode,
        kind=kind,
        scope=to_document(scope),
        state=MeasureState.OBSERVED if proposal.mode is PlatformMode.OBSERVE else MeasureState.ORDERED,
        ordered_at=at,
        review_at=min(at + review_after(document), ends_at),
        ends_at=ends_at,
        latest_end_at=latest,
    )
    session.add(measure)
    session.flush()
    return measure


def approved_end(
    session: Session, case: Case, proposal: Proposal, plan: NoticePlan, *, began: datetime, at: datetime
) -> tuple[datetime, datetime | None]:
    """Return when a measure that ``began`` ends by its proposal, and its latest end by the contract as of ``at``.

    What the customer was told binds, however late the measure begins.
    """
    _kind, _scope, duration = measure_of(document_of(proposal))
    latest = latest_end(began, contract_at(session, case.tenant_id, at))
    ends = (began + duration, latest, stated_end(session, plan.id))
    return min(end for end in ends if end is not None), latest


def review_after(document: Mapping[str, Any]) -> timedelta:
    """Return after how long a proposed measure is reviewed."""
    return timedelta(hours=document["measure"]["review_hours"])


def _approval_by(session: Session, proposal: Proposal, user_id: str | None) -> Approval:
    """Return the approver's approval that a person gave, or the first; ``user_id`` None: anybody's."""
    return next(
        approval
        for approval in approvals_of(session, proposal)
        if approval.capacity is Capacity.APPROVER and user_id in (None, approval.by_user_id)
    )


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
    content["basis"] = gate.basis
    move(decision, case, CaseState.SUSPENDED, "case.suspended", content)
    return ()


def _difference(answer: ReadBack) -> str:
    if not answer.restricted:
        return "read-back shows nothing in force"
    if answer.emergency_calls is not True:
        return "the platform does not confirm that emergency calls go through"
    return "read-back shows something else in force than what was ordered"
