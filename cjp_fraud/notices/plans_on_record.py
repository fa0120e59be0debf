"""Notice plans on record: created from an approved draft, cancelled, found again."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from cjp_fraud.audit.log import append
from cjp_fraud.clock import utc_text
from cjp_fraud.config import PlatformMode
from cjp_fraud.contracts.model import Recipient
from cjp_fraud.digests import digest
from cjp_fraud.documents import from_document, to_document
from cjp_fraud.errors import ClockError, NotFoundError
from cjp_fraud.notices.model import NoticeKind, NoticeState
from cjp_fraud.notices.plans import PlanDraft, PlannedLetter
from cjp_fraud.notices.tables import Notice, NoticePlan
from cjp_fraud.people.model import Decision


def create_plan(
    decision: Decision,
    draft: PlanDraft,
    *,
    case_id: str,
    proposal_id: str | None = None,
    occasion_id: str | None = None,
    approved_at: datetime,
    mode: PlatformMode,
    round: int = 0,
    unless_approved_by: datetime | None = None,
) -> NoticePlan:
    """Put an approved draft on record with its letters; made once for a proposal, kind and round, or for an occasion.

    Parameters
    ----------
    decision : who carries out the approval; the first step is due from its moment on.
    occasion_id : order of a letter that it carries out, or dispute that it answers; None: the proposal.
    approved_at : when the proposal was approved or ordered in an emergency, or the occasion decided; aware, not after
        the decision.
    mode : mode that was approved; in ``observe`` nothing of the plan ever leaves.
    round : of reaffirmations that it tells of; 0: it tells of none.
    unless_approved_by : when what it tells of ends by itself unless it is approved before; aware. None: it is.

    Raises
    ------
    ClockError
        If the clock was set back to before ``approved_at``; nothing is on record then.
    """
    session = decision.session
    on_record = (
        plan_of(session, proposal_id, draft.kind, round)
        if proposal_id is not None
        else plan_of_occasion(session, occasion_id, draft.kind)
    )
    if on_record is not None:
        return on_record
    _require_decided_before(draft, approved_at, decision.at)
    document = to_document(draft)
    plan = NoticePlan(
        case_id=case_id,
        proposal_id=proposal_id,
        occasion_id=occasion_id,
        tenant_id=draft.tenant_id,
        kind=draft.kind,
        round=round,
        mode=mode,
        document=document,
        sha256=digest(document),
        approved_at=approved_at,
        unless_approved_by=unless_approved_by,
        created_at=decision.at,
    )
    session.add(plan)
    session.flush()
    session.add_all(_notice(plan, draft, planned) for planned in draft.letters)
    session.flush()
    content = {
        "proposal_id": proposal_id,
        "occasion_id": occasion_id,
        "kind": draft.kind,
        "mode": mode,
        "sha256": plan.sha256,
        "letters": len(draft.letters),
    }
    append(decision, "notice.planned", "notice_plans", plan.id, content, case_id=case_id)
    return plan


def _require_decided_before(draft: PlanDraft, decided_at: datetime, at: datetime) -> None:
    if at < decided_at:
        raise ClockError(
            f"the {draft.kind} letter is not planned: the clock shows {utc_text(at)}, but what it tells of "
            f"was decided at {utc_text(decided_at)}; set the clock right and run again"
        )


def _notice(plan: NoticePlan, draft: PlanDraft, planned: PlannedLetter) -> Notice:
    """Return the row of one letter of a plan."""
    return Notice(
        plan_id=plan.id,
        planned_at=plan.created_at,
        number=planned.number,
        step=planned.step,
        method_index=planned.method_index,
        follows=planned.follows,
        method=planned.rule.method,
        basis=planned.rule.proof,
        required=planned.required,
        kind=draft.kind,
        language=draft.language,
        template=draft.template,
        template_version=draft.template_version,
        address_id=planned.recipient.address_id,
        address_known=planned.recipient.known,
        clause=draft.clause,
        state=NoticeState.PLANNED,
    )


def cancel_plan(decision: Decision, plan_id: str) -> None:
    """Stop what has not been sent yet of a plan; doing so again changes nothing."""
    plan = decision.session.get(NoticePlan, plan_id, with_for_update=True)
    if plan is None:
        raise NotFoundError(f"no notice plan {plan_id} is on record")
    if plan.cancelled_at is None:
        plan.cancelled_at = decision.at
        append(decision, "notice.plan_cancelled", "notice_plans", plan.id, {}, case_id=plan.case_id)


def plan_of(
    session: Session, proposal_id: str, kind: NoticeKind = NoticeKind.SUSPENSION, round: int = 0
) -> NoticePlan | None:
    """Return the plan of a proposal, if one was made; ``round``: of the reaffirmations that it tells of."""
    return session.scalar(
        select(NoticePlan).where(
            NoticePlan.proposal_id == proposal_id, NoticePlan.kind == kind, NoticePlan.round == round
        )
    )


def plan_of_occasion(session: Session, occasion_id: str | None, kind: NoticeKind) -> NoticePlan | None:
    """Return the plan that carries out an order of a letter, or answers a dispute, if one was made."""
    return session.scalar(
        select(NoticePlan).where(NoticePlan.occasion_id == occasion_id, NoticePlan.kind == kind)
    )


def stated_end(session: Session, plan_id: str) -> datetime | None:
    """Return the earliest end of the measure that a letter of the plan states which may have left; None: none does.

    What the customer read binds: the measure does not last longer, however late it begins.
    """
    written = (NoticeState.SENT, NoticeState.DEFERRED, NoticeState.OBSERVED)
    return session.scalar(
        select(func.min(Notice.states_end_at)).where(Notice.plan_id == plan_id, Notice.state.in_(written))
    )


def recipients_of(plan: NoticePlan) -> tuple[Recipient, ...]:
    """Return whom a plan serves. Its withdrawal goes to the same recipients, even if the addresses change later."""
    return from_document(PlanDraft, plan.document).recipients


def goes_everywhere(plan: NoticePlan) -> bool:
    """Whether a plan serves every address of the contract; what follows it goes there too."""
    return from_document(PlanDraft, plan.document).everywhere


def methods_of(plan: NoticePlan) -> frozenset[str]:
    """Return the methods by which the letters of a plan go."""
    return frozenset(letter.rule.method for letter in from_document(PlanDraft, plan.document).letters)
