"""Withdraw what was approved or served and not acted on in time (gate, point 8)."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Engine, func, select
from sqlalchemy.orm import Session

from cjp_fraud.clock import aware
from cjp_fraud.config import PlatformMode
from cjp_fraud.notices.evidence import plan_facts, progress
from cjp_fraud.notices.plans import plan_of
from cjp_fraud.notices.progress import letters_due
from cjp_fraud.notices.tables import Notice, NoticePlan
from cjp_fraud.people.model import Decision
from cjp_fraud.review.approval import approvals_of
from cjp_fraud.review.cases import lock_case
from cjp_fraud.review.determination import withdraw
from cjp_fraud.review.model import BEFORE_THE_MEASURE, ProviderPolicy
from cjp_fraud.review.proposal import latest_proposal
from cjp_fraud.review.tables import Proposal
from cjp_fraud.storage.database import transaction
from cjp_fraud.suspension.measures import ENFORCER


def withdraw_if_stale(engine: Engine, case_id: str, at: datetime, practice: ProviderPolicy) -> bool:
    """Withdraw an approved case that can no longer be acted on, and say whether it was.

    It is stale when it was not acted on within ``practice.fresh`` of the earliest moment that approval
    and notice permitted it, or of the last moment at which a step of its notice fell due. What was
    approved in observe stays as it is.
    """
    with transaction(engine) as session:
        case = lock_case(session, case_id)
        proposal = latest_proposal(session, case)
        if case.state not in BEFORE_THE_MEASURE or proposal is None or proposal.mode is PlatformMode.OBSERVE:
            return False
        since = _permitted_since(session, proposal, at)
        if since is None or aware(at) <= since + practice.fresh:
            return False
        hours = practice.fresh.total_seconds() / 3600
        withdraw(Decision(session, ENFORCER, at), case_id, reasons=f"not acted on within {hours:g} hours")
        return True


def _permitted_since(session: Session, proposal: Proposal, at: datetime) -> datetime | None:
    """Since when it could have been acted on; None: its notice still runs."""
    approved_at = max((one.at for one in approvals_of(session, proposal)), default=None)
    plan = plan_of(session, proposal.id)
    if plan is None or approved_at is None:
        return approved_at
    told = progress(session, plan.id, at)
    if told.complete_at is not None:
        return max(approved_at, told.complete_at)
    if told.next_due_at is not None and told.next_due_at > aware(at):
        return None
    due = [due_at for _, due_at in letters_due(plan_facts(session, plan.id), aware(at))]
    return max(approved_at, _last_due(session, plan), *due)


def _last_due(session: Session, plan: NoticePlan) -> datetime:
    last = session.scalar(select(func.max(Notice.due_at)).where(Notice.plan_id == plan.id))
    return last if last is not None else plan.created_at
