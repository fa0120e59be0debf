"""What must still follow the notices on record, and by when: a hard copy within 10 business days."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select, true
from sqlalchemy.orm import Session

from cjp_fraud.config import PlatformMode
from cjp_fraud.notices.delivery_record import progress_at
from cjp_fraud.notices.model import NoticeState
from cjp_fraud.notices.tables import Notice, NoticePlan

_OPEN = (NoticeState.PLANNED, NoticeState.DEFERRED, NoticeState.FAILED)


@dataclass(frozen=True, slots=True)
class OpenDuty:
    """A paper that must follow a notice and has not left; ``due_at`` is aware."""

    case_id: str
    plan_id: str
    step: int
    method: str
    due_at: datetime
    overdue: bool
    sentence: str


def open_duties(session: Session, at: datetime, case_id: str | None = None) -> tuple[OpenDuty, ...]:
    """Return what must still follow, of one case or of all, the first due first; aware ``at``."""
    plans = session.execute(
        select(NoticePlan.id, NoticePlan.case_id)
        .join(Notice, Notice.plan_id == NoticePlan.id)
        .where(
            NoticePlan.mode == PlatformMode.ACT,
            NoticePlan.cancelled_at.is_(None),
            Notice.follows.is_not(None),
            Notice.state.in_(_OPEN),
            NoticePlan.case_id == case_id if case_id is not None else true(),
        )
        .distinct()
    ).all()
    duties = [
        OpenDuty(case, plan_id, duty.step, duty.method, duty.due_at, duty.overdue, duty.sentence)
        for plan_id, case in plans
        for duty in progress_at(session, plan_id, at).duties
        if duty.done_at is None
    ]
    return tuple(sorted(duties, key=lambda duty: (duty.due_at, duty.plan_id)))
