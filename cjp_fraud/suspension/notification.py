"""Send the notice of an approved case, and its later steps; withdraw it where it can no longer be acted on.

The caller holds the case's lock (:meth:`cjp_fraud.suspension.connections.Enforcement.case_lock`). Every
function here may be run again: a plan is made once, and a letter that was sent is not sent again.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from cjp_fraud.config import PlatformMode
from cjp_fraud.documents import from_document
from cjp_fraud.notices.delivery_record import plan_facts, progress_at
from cjp_fraud.notices.dispatch import dispatch_due
from cjp_fraud.notices.letter_standing import awaited
from cjp_fraud.notices.plans import PlanDraft
from cjp_fraud.notices.plans_on_record import create_plan, plan_of, stated_end
from cjp_fraud.notices.progress import PlanProgress, letters_due
from cjp_fraud.notices.tables import Notice, NoticePlan
from cjp_fraud.people.model import Decision
from cjp_fraud.review.approval import approvals_of
from cjp_fraud.review.cases import lock_case, move
from cjp_fraud.review.decision_tables import Proposal
from cjp_fraud.review.determination import withdraw
from cjp_fraud.review.dispute import upheld_dispute
from cjp_fraud.review.earlier_notice import held_until
from cjp_fraud.review.earlier_notices_on_record import earlier_notices
from cjp_fraud.review.model import BEFORE_THE_MEASURE, CaseState
from cjp_fraud.review.proposal import document_of, latest_proposal
from cjp_fraud.review.provider_policy import ProviderPolicy
from cjp_fraud.review.tables import Case
from cjp_fraud.storage.database import reading
from cjp_fraud.suspension.connections import Enforcement
from cjp_fraud.suspension.gate_facts import gate_facts, obstacles
from cjp_fraud.suspension.measures import observe_measure
from cjp_fraud.suspension.model import ENFORCER
from cjp_fraud.suspension.notice_gate import without_prior_notice
from cjp_fraud.suspension.requirements import BEFORE_NOTICE


def serve_notice(enforcement: Enforcement, case_id: str) -> tuple[str, ...]:
    """Make the plan of an approved case, send what is due, and move the case on; return what it waits for.

    In ``observe`` plan, letters, measure and command are stored, and the case stays ``approved``.
    """
    with enforcement.deciding() as decision:
        session, now = decision.session, decision.at
        case = lock_case(session, case_id)
        proposal = latest_proposal(session, case)
        if case.state is not CaseState.APPROVED or proposal is None:
            return (f"it is {case.state}",)
        document = document_of(proposal)
        if document["notice"] is None:
            return tuple(document["obstacles"])
        observed = proposal.mode is PlatformMode.OBSERVE
        if not observed:
            waiting = obstacles(session, case, enforcement.policy, now, BEFORE_NOTICE)
            if waiting:
                return waiting
        plan = create_plan(
            decision,
            from_document(PlanDraft, document["notice"]),
            case_id=case.id,
            proposal_id=proposal.id,
            approved_at=_approved_at(session, proposal),
            mode=proposal.mode,
        )
        if observed:
            observe_measure(decision, case, plan, enforcement.policy)
    plan_progress = dispatch_plan(enforcement, plan.id)
    if observed:
        return ("approved in observe: notice and command are stored, and nothing leaves",)
    with enforcement.deciding() as decision:
        return _record_service(decision, case_id, plan_progress, enforcement.policy)


def serve_next_step(enforcement: Enforcement, case_id: str) -> tuple[str, ...]:
    """Send the later steps of a notice when they fall due; return what keeps them from being sent."""
    with enforcement.deciding() as decision:
        session, now = decision.session, decision.at
        case = lock_case(session, case_id)
        plan_progress = progress_of(session, case, now)
        if case.state is not CaseState.NOTICED or plan_progress is None:
            return (f"it is {case.state}",)
        if plan_progress.next_due_at is None or plan_progress.next_due_at > now:
            return ()
        waiting = obstacles(session, case, enforcement.policy, now, BEFORE_NOTICE)
        if waiting:
            return waiting
    dispatch_plan(enforcement, plan_progress.plan_id)
    return ()


def serve_what_must_follow(enforcement: Enforcement, case_id: str) -> None:
    """Send what is still due of a notice once its measure is on the way: a hard copy, the notice after the measure.

    The gate is not asked again: these are duties towards the customer, whatever became of the case since.
    """
    with reading(enforcement.engine) as session:
        plan_progress = progress_of(session, session.get_one(Case, case_id), enforcement.now)
    if plan_progress is None or plan_progress.mode is not PlatformMode.ACT or plan_progress.cancelled:
        return
    if plan_progress.next_due_at is not None and plan_progress.next_due_at <= enforcement.now:
        dispatch_plan(enforcement, plan_progress.plan_id)


def withdraw_if_upheld(enforcement: Enforcement, case_id: str) -> bool:
    """Withdraw a case whose measure is not taken yet and of which a dispute was upheld, and say whether it was.

    Whoever decided the dispute has decided it. What was approved in observe stays as it is.
    """
    with reading(enforcement.engine) as session:
        if upheld_dispute(session, case_id) is None:
            return False
    with enforcement.deciding() as decision:
        case = lock_case(decision.session, case_id)
        proposal = latest_proposal(decision.session, case)
        if case.state not in BEFORE_THE_MEASURE or proposal is None or proposal.mode is PlatformMode.OBSERVE:
            return False
        withdraw(decision, case_id, reasons="a dispute was decided for the tenant")
        return True


def withdraw_if_stale(enforcement: Enforcement, case_id: str) -> bool:
    """Withdraw an approved case that can no longer be acted on (gate, point 8), and say whether it was.

    It is stale when it was not acted on within ``policy.fresh`` of the earliest moment that approval
    and notice permitted it, or of the last moment at which a step of its notice fell due. While a carrier or the
    recipient has still to say that a notice arrived which has left, nobody can act; then it is stale with the end that
    the letters state. What was approved in observe stays as it is.
    """
    with enforcement.deciding() as decision:
        session = decision.session
        case = lock_case(session, case_id)
        proposal = latest_proposal(session, case)
        if case.state not in BEFORE_THE_MEASURE or proposal is None or proposal.mode is PlatformMode.OBSERVE:
            return False
        held = held_until(earlier_notices(session, case.id, decision.at))
        since, fresh = _permitted_since(decision, proposal), enforcement.policy.fresh
        if since is not None and held is not None:
            since = max(since, held)  # what an earlier letter states is waited for
        if since is None or decision.at <= since + fresh:
            return False
        end = _end_while_receipt_is_awaited(decision, proposal)
        if end is not None and decision.at <= end:
            return False
        why = (
            f"not acted on within {fresh.total_seconds() / 3600:g} hours"
            if end is None
            else f"the end that its notice states ({end:%Y-%m-%d %H:%M:%SZ}) passed before the notice was received"
        )
        withdraw(decision, case_id, reasons=why)
        return True


def progress_of(session: Session, case: Case, at: datetime) -> PlanProgress | None:
    """Return how far the notice of the case's proposal is at ``at``; None: it has no plan."""
    proposal = latest_proposal(session, case)
    plan = plan_of(session, proposal.id) if proposal is not None else None
    return progress_at(session, plan.id, at) if plan is not None else None


def dispatch_plan(enforcement: Enforcement, plan_id: str) -> PlanProgress:
    """Send what is due of a plan, and return how far it is then."""
    engine, methods, clock = enforcement.engine, enforcement.notice_methods, enforcement.clock
    return dispatch_due(engine, methods, plan_id, clock, by=ENFORCER)


def send_ordered(enforcement: Enforcement, plan_id: str) -> tuple[str, ...]:
    """Send what is due of a letter that a person has ordered; return what keeps it from being sent."""
    with reading(enforcement.engine) as session:
        mode = session.get_one(NoticePlan, plan_id).mode
    if mode is PlatformMode.ACT and enforcement.policy.mode is PlatformMode.OBSERVE:
        return ("an ordered letter waits: the mode in force is observe, and nothing leaves",)
    plan_progress = dispatch_plan(enforcement, plan_id)
    if plan_progress.next_due_at is not None and plan_progress.next_due_at <= enforcement.now:
        return ("an ordered letter is not sent yet; it is tried again",)
    return ()


def _record_service(
    decision: Decision, case_id: str, plan_progress: PlanProgress, policy: ProviderPolicy
) -> tuple[str, ...]:
    """Move an approved case on once its notice is served, or has failed for good.

    Where the contract lets the measure go before its notice, the case moves on at once; what is not served yet is tried
    again all the same (:func:`serve_what_must_follow`).
    """
    case = lock_case(decision.session, case_id)
    if case.state is not CaseState.APPROVED:
        return (f"it is {case.state} by now",)
    content = {"plan_id": plan_progress.plan_id, "step": plan_progress.current_step}
    provision = without_prior_notice(gate_facts(decision.session, case, policy, decision.at))
    if provision is not None:
        move(decision, case, CaseState.NOTICED, "case.noticed", {**content, "without_notice": provision})
        return ()
    if plan_progress.failed:
        move(decision, case, CaseState.NOTICE_FAILED, "case.notice_failed", content)
        return ("every method of serving that the contract permits has failed",)
    if not plan_progress.step_complete:
        return (_why_not_received(decision.session, plan_progress.plan_id, decision.at),)
    move(decision, case, CaseState.NOTICED, "case.noticed", content)
    return ()


def _why_not_received(session: Session, plan_id: str, at: datetime) -> str:
    """Return why a step is not complete yet: nothing was handed over, or what was does not count as received."""
    facts = plan_facts(session, plan_id)
    waiting = awaited(facts.letters)
    if waiting is not None and not letters_due(facts, at):
        return waiting
    return (
        "the notice is not served yet and is tried again; "
        "cjp-fraud notices show ID tells what the mail server said"
    )


def _permitted_since(decision: Decision, proposal: Proposal) -> datetime | None:
    """Return since when it could have been acted on; None: its notice still runs."""
    session, at = decision.session, decision.at
    approved_at = max((approval.at for approval in approvals_of(session, proposal)), default=None)
    plan = plan_of(session, proposal.id)
    if plan is None or approved_at is None:
        return approved_at
    plan_progress = progress_at(session, plan.id, at)
    if plan_progress.complete_at is not None:
        return max(approved_at, plan_progress.complete_at)
    if plan_progress.next_due_at is not None and plan_progress.next_due_at > at:
        return None
    due = [due_at for _, due_at in letters_due(plan_facts(session, plan.id), at)]
    last_due = session.scalar(select(func.max(Notice.due_at)).where(Notice.plan_id == plan.id))
    return max(approved_at, last_due or plan.created_at, *due)


def _end_while_receipt_is_awaited(decision: Decision, proposal: Proposal) -> datetime | None:
    """Return the end that the letters state where all that was due has left and its receipt is not proven yet.

    None: there is something to send, nothing can be received any more, or it is received.
    """
    session, at = decision.session, decision.at
    plan = plan_of(session, proposal.id)
    if plan is None:
        return None
    plan_progress = progress_at(session, plan.id, at)
    if plan_progress.complete_at is not None or plan_progress.failed or plan_progress.next_due_at is not None:
        return None
    return stated_end(session, plan.id)


def _approved_at(session: Session, proposal: Proposal) -> datetime:
    """Return when the approval was complete: the approver's, and counsel's where it is needed."""
    return max(approval.at for approval in approvals_of(session, proposal))
