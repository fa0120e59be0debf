"""Read the warnings and notices of breach of a case, as the rule of what they bind to sees them."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from cjp_fraud.config import PlatformMode
from cjp_fraud.contracts.restriction import Scope
from cjp_fraud.digests import sha256_hex
from cjp_fraud.documents import from_document
from cjp_fraud.notices.delivery_record import progress_at
from cjp_fraud.notices.model import NoticeState
from cjp_fraud.notices.plans import PlanDraft
from cjp_fraud.notices.tables import Notice, NoticePlan
from cjp_fraud.review.decision_tables import LetterOrder
from cjp_fraud.review.earlier_notice import EarlierNotice
from cjp_fraud.storage.read_rows import has_none

# Made once: to make a statement takes longer than to run it.
_ORDERED: Final = (
    select(NoticePlan, LetterOrder)
    .join(LetterOrder, LetterOrder.id == NoticePlan.occasion_id)
    .where(
        NoticePlan.case_id == bindparam("case_id"),
        NoticePlan.kind == LetterOrder.kind,
        NoticePlan.mode == PlatformMode.ACT,
    )
    .order_by(NoticePlan.created_at, NoticePlan.id)
)


def earlier_notices(session: Session, case_id: str, at: datetime) -> tuple[EarlierNotice, ...]:
    """Return what was sent on a case beside the notices of its measures, as it stands at ``at`` (aware)."""
    if has_none(session, LetterOrder, case_id):
        return ()
    rows = session.execute(_ORDERED, {"case_id": case_id}).all()
    return tuple(_earlier(session, plan, order, at) for plan, order in rows)


def _earlier(session: Session, plan: NoticePlan, order: LetterOrder, at: datetime) -> EarlierNotice:
    draft = from_document(PlanDraft, plan.document)
    progress = progress_at(session, plan.id, at)
    may_have_left = session.scalars(
        select(Notice).where(
            Notice.plan_id == plan.id,
            Notice.state.in_([NoticeState.SENT, NoticeState.DEFERRED]),
            Notice.dispatched_at.is_not(None),
        )
    ).all()
    stated = [
        draft.dates(notice.dispatched_at, notice.step).effective_from
        for notice in may_have_left
        if notice.dispatched_at is not None
    ]
    return EarlierNotice(
        plan_id=plan.id,
        kind=plan.kind,
        cancelled=progress.cancelled,
        dispatched_at=_dispatched_at([each for each in may_have_left if each.state is NoticeState.SENT]),
        not_before=max(stated, default=None),
        complete_at=progress.complete_at,
        failed=progress.failed,
        contradicted=bool(progress.contradictions),
        everywhere=draft.everywhere,
        measure=order.measure,
        scope=from_document(Scope, order.scope),
        lasts=timedelta(hours=order.hours),
    )


def _dispatched_at(sent: list[Notice]) -> datetime | None:
    """Return when the first letter left; None: none has, or the bytes on record are not those that left."""
    there = [row for row in sent if row.erased_at is None]
    if any(row.message is None or sha256_hex(row.message) != row.message_sha256 for row in there):
        return None
    return min((row.dispatched_at for row in sent if row.dispatched_at is not None), default=None)
