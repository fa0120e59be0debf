"""Observe: put on record, marked so, what would have been done, and let nothing leave."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from cjp_fraud.clock import aware
from cjp_fraud.config import PlatformMode
from cjp_fraud.documents import from_document, to_document
from cjp_fraud.notices.plans import PlanDraft, create_plan
from cjp_fraud.people.model import Decision
from cjp_fraud.review.approval import approvals_of
from cjp_fraud.review.cases import note
from cjp_fraud.review.model import Capacity, ProviderPolicy
from cjp_fraud.review.proposal import document_of, measure_of
from cjp_fraud.review.tables import Case, Proposal
from cjp_fraud.storage.base import new_id
from cjp_fraud.suspension.gate import check
from cjp_fraud.suspension.gate_facts import gate_facts
from cjp_fraud.suspension.measures import ENFORCER
from cjp_fraud.suspension.model import CommandKind, CommandOutcome, MeasureState
from cjp_fraud.suspension.platform_commands import close_commands, record_command
from cjp_fraud.suspension.tables import Measure


def observe(session: Session, case: Case, proposal: Proposal, practice: ProviderPolicy, at: datetime) -> str:
    """Store notice plan, measure and command of a proposal approved in observe, once; return the plan's id.

    The case stops at ``approved``. The entry of the log says what of the gate, the notice aside, would
    have kept it shut.
    """
    document = document_of(proposal)
    plan = create_plan(
        session,
        from_document(PlanDraft, document["notice"]),
        case_id=case.id,
        proposal_id=proposal.id,
        mode=PlatformMode.OBSERVE,
        by=ENFORCER,
        at=at,
    )
    if session.scalar(select(Measure.id).where(Measure.proposal_id == proposal.id)) is not None:
        return plan.id
    decision = check(gate_facts(session, case, practice, at), at)
    kind, scope, duration = measure_of(document)
    moment = aware(at)
    approval = next(one for one in approvals_of(session, proposal) if one.capacity is Capacity.APPROVER)
    measure = Measure(
        id=new_id(),
        case_id=case.id,
        tenant_id=case.tenant_id,
        proposal_id=proposal.id,
        approval_id=approval.id,
        notice_plan_id=plan.id,
        mode=PlatformMode.OBSERVE,
        kind=kind,
        scope=to_document(scope),
        state=MeasureState.OBSERVED,
        ordered_at=moment,
        review_at=moment + min(timedelta(hours=document["measure"]["review_hours"]), duration),
        ends_at=moment + duration,
    )
    session.add(measure)
    session.flush()
    record_command(session, case, measure, CommandKind.APPLY, ENFORCER, at)
    outcomes = {CommandKind.APPLY: CommandOutcome.OBSERVED}
    close_commands(session, case, measure, outcomes, None, ENFORCER, at)
    content = {
        "proposal_id": proposal.id,
        "measure_id": measure.id,
        "plan_id": plan.id,
        "shut": list(decision.sentences),
    }
    note(Decision(session, ENFORCER, at), case, "case.observed", content)
    return plan.id
