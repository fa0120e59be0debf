"""The number under which a customer knows a letter, and the notices that a later letter refers to."""

from __future__ import annotations

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from cjp_fraud.notices.letter_facts import Announced
from cjp_fraud.notices.model import MAY_HAVE_LEFT
from cjp_fraud.notices.tables import Notice, NoticeAttempt, NoticePlan


def notice_number(notice: Notice, attempt: int) -> str:
    """Return the number that a letter bears which is written for the ``attempt``-th attempt (from 1)."""
    return f"{notice.id[-12:]}-{notice.number}" + (f".{attempt}" if attempt > 1 else "")


def announced(session: Session, plan: NoticePlan) -> tuple[Announced, ...]:
    """Return the letters of a plan that left or may have left, in order, as the customer knows them."""
    written_for = (
        select(NoticeAttempt.notice_id, func.min(NoticeAttempt.number).label("attempt"))
        .where(NoticeAttempt.outcome.in_(MAY_HAVE_LEFT) | NoticeAttempt.outcome.is_(None))
        .group_by(NoticeAttempt.notice_id)
        .subquery()
    )
    rows = session.execute(
        select(Notice, written_for.c.attempt)
        .join(written_for, written_for.c.notice_id == Notice.id)
        .where(Notice.plan_id == plan.id, Notice.dispatched_at.is_not(None))
        .order_by(Notice.number)
    )
    return tuple(
        Announced(notice_number(notice, attempt), notice.dispatched_at)
        for notice, attempt in rows
        if notice.dispatched_at is not None
    )
