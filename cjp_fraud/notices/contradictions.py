"""Notices that count as received although an authenticated report says that they did not arrive.

Whoever restricts on such a notice must look: the gate and a reaffirmation stay shut until a person decides, and the
case asks for that person within an hour, whether the report came before the measure or after it.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from cjp_fraud.notices.delivery_record import plan_facts
from cjp_fraud.notices.model import NoticeKind
from cjp_fraud.notices.progress import contradictions_of
from cjp_fraud.notices.tables import DeliveryEvent, Notice, NoticePlan
from cjp_fraud.storage.read_rows import has_none

ANSWER_WITHIN: Final = timedelta(minutes=60)
"""How soon a person decides whether a contradicted notice stands."""

_OPEN: Final = (
    select(NoticePlan.id, NoticePlan.case_id, DeliveryEvent.id, DeliveryEvent.recorded_at)
    .join(Notice, Notice.plan_id == NoticePlan.id)
    .join(DeliveryEvent, DeliveryEvent.notice_id == Notice.id)
    .where(
        NoticePlan.kind == NoticeKind.SUSPENSION,
        NoticePlan.cancelled_at.is_(None),
        DeliveryEvent.negative,
        DeliveryEvent.authenticated,
        DeliveryEvent.resolved_at.is_(None),
    )
    .order_by(DeliveryEvent.recorded_at, DeliveryEvent.id)
)
_OF_CASES: Final = _OPEN.where(NoticePlan.case_id.in_(bindparam("case_ids", expanding=True)))


@dataclass(frozen=True, slots=True)
class OpenContradiction:
    """A report against a notice that no person has resolved; moments are aware.

    Parameters
    ----------
    reported_at : when the report was recorded.
    answer_due_at : by when a person decides.
    """

    case_id: str
    notice_id: str
    event_id: str
    reported_at: datetime
    answer_due_at: datetime


def open_contradictions(
    session: Session, case_ids: Collection[str] | None = None
) -> tuple[OpenContradiction, ...]:
    """Return what contradicts the notices of suspensions, the oldest report first.

    The rule is :func:`cjp_fraud.notices.progress.contradictions_of`, which the gate follows too.

    Parameters
    ----------
    case_ids : of these cases; None: of all.
    """
    if case_ids is not None and all(has_none(session, NoticePlan, case_id) for case_id in case_ids):
        return ()
    asked = (
        session.execute(_OPEN)
        if case_ids is None
        else session.execute(_OF_CASES, {"case_ids": list(case_ids)})
    )
    rows = asked.all()
    notice_of_event = {
        contradiction.event_id: contradiction.notice_id
        for plan_id in dict.fromkeys(row[0] for row in rows)
        for contradiction in contradictions_of(plan_facts(session, plan_id))
    }
    return tuple(
        OpenContradiction(
            case_id, notice_of_event[event_id], event_id, reported_at, reported_at + ANSWER_WITHIN
        )
        for _, case_id, event_id, reported_at in rows
        if event_id in notice_of_event
    )
