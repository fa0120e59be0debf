"""Letters that follow: a withdrawal where a notice had gone out, a reinstatement where a measure ended."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ColumnElement, Engine, exists, or_, select
from sqlalchemy.orm import Session, aliased

from cjp_fraud.config import PlatformMode
from cjp_fraud.contracts.position import position_at
from cjp_fraud.errors import Refused
from cjp_fraud.notices.dispatch import dispatch_due
from cjp_fraud.notices.letters import Letter
from cjp_fraud.notices.methods.email import MailServer
from cjp_fraud.notices.model import NoticeKind, NoticeState, Outcome
from cjp_fraud.notices.plans import create_plan, draft_plan, plan_of, recipients_of
from cjp_fraud.notices.tables import Notice, NoticeAttempt, NoticePlan
from cjp_fraud.review.model import ProviderPolicy
from cjp_fraud.review.proposal import document_of, measure_of
from cjp_fraud.review.tables import Case, Proposal
from cjp_fraud.storage.database import reading, transaction
from cjp_fraud.suspension.measures import ENFORCER
from cjp_fraud.suspension.model import MeasureState
from cjp_fraud.suspension.tables import Measure


def follow_up_due(engine: Engine, case_id: str) -> list[tuple[str, NoticeKind]]:
    """Return the proposals of a case whose follow-up letter has not been dealt with yet, and its kind."""
    with reading(engine) as session:
        return [(proposal_id, kind) for case, proposal_id, kind in all_follow_ups(session) if case == case_id]


def all_follow_ups(session: Session) -> list[tuple[str, str, NoticeKind]]:
    """Return case, proposal and kind of every follow-up letter that has not been dealt with yet."""
    gone_out = exists().where(
        Notice.plan_id == NoticePlan.id,
        NoticeAttempt.notice_id == Notice.id,
        or_(NoticeAttempt.outcome.is_(None), NoticeAttempt.outcome.in_([Outcome.SENT, Outcome.UNKNOWN])),
    )
    served = select(NoticePlan.case_id, NoticePlan.proposal_id).where(
        NoticePlan.kind == NoticeKind.SUSPENSION, NoticePlan.mode == PlatformMode.ACT
    )
    withdrawn = served.where(
        NoticePlan.cancelled_at.is_not(None), gone_out, ~_dealt_with(NoticeKind.WITHDRAWAL)
    )
    ended = served.join(Measure, Measure.notice_plan_id == NoticePlan.id).where(
        Measure.state == MeasureState.ENDED, ~_dealt_with(NoticeKind.REINSTATEMENT)
    )
    return [
        *((case, proposal, NoticeKind.WITHDRAWAL) for case, proposal in session.execute(withdrawn)),
        *((case, proposal, NoticeKind.REINSTATEMENT) for case, proposal in session.execute(ended)),
    ]


def send_follow_up(
    engine: Engine,
    mail: MailServer,
    proposal_id: str,
    kind: NoticeKind,
    at: datetime,
    practice: ProviderPolicy,
) -> tuple[str, ...]:
    """Make and send a follow-up letter to everybody whom the notice had served; return what it waits for.

    Made once; whoever runs next sends what is left of it. The caller holds the case's lock.
    """
    if practice.mode is PlatformMode.OBSERVE:
        return (f"the {kind} letter waits: the mode in force is observe, and nothing leaves",)
    with transaction(engine) as session:
        plan = plan_of(session, proposal_id, kind)
        if plan is None:
            try:
                plan = _make(session, proposal_id, kind, at, practice)
            except Refused as refused:
                return refused.missing
    told = dispatch_due(engine, mail, plan.id, at, by=ENFORCER)
    return () if told.next_due_at is None else (f"the {kind} letter is not sent yet; it is tried again",)


def _make(
    session: Session, proposal_id: str, kind: NoticeKind, at: datetime, practice: ProviderPolicy
) -> NoticePlan:
    proposal = session.get(Proposal, proposal_id)
    served = plan_of(session, proposal_id)
    if proposal is None or served is None:
        raise AssertionError("a follow-up follows a plan of a proposal")
    case = session.get(Case, proposal.case_id)
    assert case is not None, "the foreign key holds it"
    measure, scope, duration = measure_of(document_of(proposal))
    letter = Letter(
        kind=kind,
        case_reference=str(case.number),
        provider_name=practice.provider_name,
        reply_to=practice.reply_to,
        seen=(),
        measure=measure,
        scope=scope,
        lasts=duration,
    )
    draft = draft_plan(position_at(session, case.tenant_id, at), recipients_of(served), letter)
    return create_plan(
        session, draft, case_id=case.id, proposal_id=proposal_id, mode=PlatformMode.ACT, by=ENFORCER, at=at
    )


def _dealt_with(kind: NoticeKind) -> ColumnElement[bool]:
    """Whether the letter of that kind is made and nothing of it is left to send."""
    other, letter = aliased(NoticePlan), aliased(Notice)
    left = exists().where(
        letter.plan_id == other.id, letter.state.in_([NoticeState.PLANNED, NoticeState.DEFERRED])
    )
    return exists().where(other.proposal_id == NoticePlan.proposal_id, other.kind == kind, ~left)
