"""Read what the gate asks about a notice: what was sent, and what proves that it was received."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from cjp_fraud.digests import digest, sha256_hex
from cjp_fraud.notices.delivery_record import plan_facts
from cjp_fraud.notices.model import NoticeState
from cjp_fraud.notices.plans_on_record import plan_of, stated_end
from cjp_fraud.notices.progress import progress_of
from cjp_fraud.notices.projection import projected
from cjp_fraud.notices.tables import Notice, NoticePlan
from cjp_fraud.review.decision_tables import Proposal
from cjp_fraud.suspension.model import NoticeFact


def notice_fact(session: Session, proposal: Proposal | None, at: datetime) -> NoticeFact | None:
    """Return where the notice of a proposal stands at ``at`` (aware); None: none is planned."""
    plan = plan_of(session, proposal.id) if proposal is not None else None
    if plan is None:
        return None
    on_record = plan_facts(session, plan.id)
    standing = progress_of(on_record, at)
    coming = projected(on_record, at)
    return NoticeFact(
        mode=plan.mode,
        plan_sha256=digest(plan.document),
        cancelled=standing.cancelled,
        language=plan.document.get("language"),
        planned_at=plan.created_at,
        dispatched_at=_dispatched_at(session, plan),
        complete_at=standing.complete_at,
        states_end_at=stated_end(session, plan.id),
        contradictions=tuple(
            f"a report that notice {report.notice_id} did not arrive is not resolved by a person"
            for report in standing.contradictions
        ),
        terms=on_record.terms,
        calendars=on_record.calendars,
        failed=standing.failed,
        projected_at=coming.complete_at if coming is not None else None,
        path=(coming or standing).explanation,
        everywhere=on_record.everywhere,
        not_before=_moment(plan.document.get("not_before")),
    )


def _moment(stored: str | None) -> datetime | None:
    return datetime.fromisoformat(stored) if stored is not None else None


def _dispatched_at(session: Session, plan: NoticePlan) -> datetime | None:
    """When the first notice was sent whose stored bytes are still those that were sent, or were erased since."""
    sent = session.scalars(
        select(Notice).where(Notice.plan_id == plan.id, Notice.state == NoticeState.SENT)
    ).all()
    there = [row for row in sent if row.erased_at is None]
    if any(row.message is None or sha256_hex(row.message) != row.message_sha256 for row in there):
        return None
    return min((row.dispatched_at for row in sent if row.dispatched_at is not None), default=None)
