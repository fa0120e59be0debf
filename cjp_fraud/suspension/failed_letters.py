"""Letters that follow a measure and did not reach the customer: named until a person has dealt with them."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import exists, select, true
from sqlalchemy.orm import Session

from cjp_fraud.config import PlatformMode
from cjp_fraud.notices.model import NoticeKind
from cjp_fraud.notices.tables import DeliveryEvent, Notice, NoticePlan
from cjp_fraud.review.tables import Case


@dataclass(frozen=True, slots=True)
class FailedLetter:
    """A letter that follows and did not reach the customer, of which no person has said yet that it is dealt with."""

    case_id: str
    case: int
    notice_id: str
    kind: NoticeKind

    @property
    def sentence(self) -> str:
        """What is wrong, and what a person does about it."""
        return (
            f"the {self.kind} letter of case {self.case} did not reach the customer and is not sent again "
            f"(cjp-fraud notices show {self.notice_id} tells why): tell the customer in another way, then say so: "
            f"cjp-fraud cases clear-stop {self.case} --notice {self.notice_id} --as USER --because TEXT"
        )


def failed_letters(session: Session, case_id: str | None = None) -> tuple[FailedLetter, ...]:
    """Return the letters that follow which failed for good or came back, of one case or of all, the oldest first.

    They are named until a person has resolved what is on record against them
    (:func:`cjp_fraud.review.stops_on_record.let_notice_stand`).
    """
    against = exists().where(
        DeliveryEvent.notice_id == Notice.id,
        DeliveryEvent.negative,
        DeliveryEvent.authenticated,
        DeliveryEvent.resolved_at.is_(None),
    )
    rows = session.execute(
        select(Case.id, Case.number, Notice.id, NoticePlan.kind)
        .join(NoticePlan, NoticePlan.case_id == Case.id)
        .join(Notice, Notice.plan_id == NoticePlan.id)
        .where(
            NoticePlan.kind != NoticeKind.SUSPENSION,
            NoticePlan.mode == PlatformMode.ACT,
            NoticePlan.cancelled_at.is_(None),
            Notice.required,
            against,
            Case.id == case_id if case_id is not None else true(),
        )
        .order_by(Notice.id)
    )
    return tuple(FailedLetter(*row) for row in rows)
