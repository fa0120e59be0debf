"""Messages about notices for a person: nobody vouches for them, or they tell something else than an outcome."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from cjp_fraud.notices.reports.model import ReportKind
from cjp_fraud.notices.tables import DeliveryEvent, Notice, NoticePlan

LOOK_WITHIN: Final = timedelta(hours=24)
"""How soon a person looks at one; after that it is named as overdue."""

_OPEN: Final = (
    select(NoticePlan.case_id, DeliveryEvent)
    .join(Notice, Notice.plan_id == NoticePlan.id)
    .join(DeliveryEvent, DeliveryEvent.notice_id == Notice.id)
    .where(DeliveryEvent.needs_person.is_not(None), DeliveryEvent.resolved_at.is_(None))
    .order_by(DeliveryEvent.recorded_at, DeliveryEvent.id)
)
_OF_CASES: Final = _OPEN.where(NoticePlan.case_id.in_(bindparam("case_ids", expanding=True)))


@dataclass(frozen=True, slots=True)
class WorkItem:
    """A message that no person has dealt with; moments are aware.

    Parameters
    ----------
    negative : it claims that the notice did not arrive.
    why : why a person must look at it, a sentence's rest.
    """

    case_id: str
    notice_id: str
    event_id: str
    kind: ReportKind | None
    negative: bool
    why: str
    reported_at: datetime
    due_at: datetime


def work_items(session: Session, case_ids: Collection[str] | None = None) -> tuple[WorkItem, ...]:
    """Return what people must look at, the oldest first.

    They stay until a person lets the notice stand (:func:`cjp_fraud.review.stops_on_record.let_notice_stand`).

    Parameters
    ----------
    case_ids : of these cases; None: of all.
    """
    rows = (
        session.execute(_OPEN)
        if case_ids is None
        else session.execute(_OF_CASES, {"case_ids": list(case_ids)})
    )
    return tuple(
        WorkItem(
            case_id=case_id,
            notice_id=event.notice_id,
            event_id=event.id,
            kind=event.kind,
            negative=event.negative,
            why=event.needs_person or "",
            reported_at=event.recorded_at,
            due_at=event.recorded_at + LOOK_WITHIN,
        )
        for case_id, event in rows
    )
