"""The duty that a ground without prior notice carries: the customer is told after the measure, and by when."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, select, true
from sqlalchemy.orm import Session

from cjp_fraud.config import PlatformMode
from cjp_fraud.contracts.contract_reader import contract_at
from cjp_fraud.contracts.periods import after
from cjp_fraud.contracts.stated import stated
from cjp_fraud.notices.delivery_record import plan_facts
from cjp_fraud.review.decision_tables import Determination, Proposal
from cjp_fraud.suspension.model import MeasureState
from cjp_fraud.suspension.tables import Measure


@dataclass(frozen=True, slots=True)
class AfterNotice:
    """A measure that began before its notice, and the duty to tell the customer; moments are aware.

    Parameters
    ----------
    told_at : when the first letter left, after it was due; None: none has left yet.
    overdue : whether none left in time.
    """

    case_id: str
    plan_id: str
    ground: str
    due_at: datetime
    told_at: datetime | None
    overdue: bool

    @property
    def sentence(self) -> str:
        """What must be done, and by when; or how late it was done."""
        state = "overdue: no letter has left" if self.overdue else "due: no letter has left"
        if self.told_at is not None:
            state = f"late: the first letter left {self.told_at:%Y-%m-%d %H:%MZ}"
        return (
            f"the measure began without prior notice ({self.ground}); the customer is told by "
            f"{self.due_at:%Y-%m-%d %H:%MZ}; {state}"
        )


def after_notices(session: Session, at: datetime, case_id: str | None = None) -> tuple[AfterNotice, ...]:
    """Return the measures on such a ground whose notice has not left, of one case or of all, the first due first."""
    duties = _duties(session, at, Measure.case_id == case_id if case_id is not None else true())
    return tuple(duty for duty in duties if duty.told_at is None)


def told_late(session: Session, at: datetime) -> tuple[AfterNotice, ...]:
    """Return the measures in force on such a ground of which the customer was told late, or late and not yet."""
    return tuple(
        duty for duty in _duties(session, at, Measure.state == MeasureState.IN_FORCE) if duty.overdue
    )


def _duties(session: Session, at: datetime, which: ColumnElement[bool]) -> list[AfterNotice]:
    measures = session.scalars(
        select(Measure).where(Measure.in_force_at.is_not(None), Measure.without_notice.is_not(None), which)
    ).all()
    duties = [duty for measure in measures if (duty := after_notice(session, measure, at)) is not None]
    return sorted(duties, key=lambda duty: (duty.due_at, duty.plan_id))


def after_notice(session: Session, measure: Measure, at: datetime) -> AfterNotice | None:
    """Return the duty of a measure as it stands at ``at`` (aware).

    None: no ground of the contract carries one, the letters were cancelled, or one has left in time.
    """
    if measure.mode is not PlatformMode.ACT or measure.in_force_at is None or measure.without_notice is None:
        return None
    facts = plan_facts(session, measure.notice_plan_id)
    if facts.cancelled:
        return None
    determination = session.scalars(
        select(Determination)
        .join(Proposal, Proposal.determination_id == Determination.id)
        .where(Proposal.id == measure.proposal_id)
    ).one()
    position = contract_at(session, measure.tenant_id, measure.ordered_at)
    terms = position.terms
    if terms is None or terms.needs_no_notice(measure.kind) is not None:
        return None
    ground = terms.ground_without_notice(tuple(determination.grounds))
    if ground is None:
        return None
    wait, due_at = stated(ground.notice_after), measure.in_force_at
    if wait is not None:
        due_at = after(due_at, (wait,), wait.place, position.calendars).at
    left = (letter.sent_at for letter in facts.letters if letter.required and letter.sent_at is not None)
    told_at = min(left, default=None)
    if told_at is not None and told_at <= due_at:
        return None
    return AfterNotice(
        measure.case_id, measure.notice_plan_id, ground.ground, due_at, told_at, (told_at or at) > due_at
    )
