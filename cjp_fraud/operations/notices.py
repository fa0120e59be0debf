"""Serve notices, look at what became of them, collect what comes back; case-bound decisions are with cases.

``case`` is a case's number or id, as people type it.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from cjp_fraud.deployment import Deployment
from cjp_fraud.notices import delivery_record as records
from cjp_fraud.notices import inbound_reports
from cjp_fraud.notices.delivery_record import DeliveryRecord, NoticeRow
from cjp_fraud.notices.tables import Notice
from cjp_fraud.operations.head_keeping import head_follows
from cjp_fraud.operations.short_ids import id_of
from cjp_fraud.review.cases import case_id_of
from cjp_fraud.review.model import CaseState
from cjp_fraud.review.tables import Case
from cjp_fraud.storage.database import reading
from cjp_fraud.suspension.enforcement import enforce


@dataclass(frozen=True, slots=True)
class ListedNotice(NoticeRow):
    """One letter in the list of notices, with the number of its case; None: the case is not on record."""

    case: int | None


@dataclass(frozen=True, slots=True)
class DispatchResult:
    """How far a case has come by serving what is due.

    Parameters
    ----------
    waiting_for : why it is no further, a sentence each.
    next_at : when a notice falls due, or the contract lets the measure follow; None: not known.
    """

    case: int
    before: CaseState
    state: CaseState
    waiting_for: tuple[str, ...]
    next_at: datetime | None

    @property
    def is_stuck(self) -> bool:
        """Whether the case is no further than before and waits for something."""
        return self.state is self.before and bool(self.waiting_for)


@dataclass(frozen=True, slots=True)
class CollectedReports:
    """What collecting delivery reports found.

    Parameters
    ----------
    new_events : delivery events that were not on record before.
    unmatched : messages that are of no attempt of ours, all that lie aside.
    """

    new_events: int
    unmatched: int


def dispatch(deployment: Deployment, now: datetime, case: str) -> DispatchResult:
    """Serve what is due of an approved case; the measure follows when the gate opens.

    Runs as system, on the standing approval.
    """
    with reading(deployment.engine) as session:
        on_record = session.get_one(Case, case_id_of(session, case))
        case_id, number, before = on_record.id, on_record.number, on_record.state
    with head_follows(deployment, now):
        report = enforce(deployment.enforcement(now), case_id)
    return DispatchResult(number, before, report.state, report.waiting_for, report.next_at)


def list_notices(deployment: Deployment, case: str | None = None) -> tuple[ListedNotice, ...]:
    """Return the notices of a case, or all, in the order of their plans."""
    with reading(deployment.engine) as session:
        rows = records.notice_rows(session, case_id_of(session, case) if case is not None else None)
        cases = select(Case.id, Case.number).where(Case.id.in_({row.case_id for row in rows}))
        numbers = {row.id: row.number for row in session.execute(cases)}
    return tuple(ListedNotice(**asdict(row), case=numbers.get(row.case_id)) for row in rows)


def show_notice(deployment: Deployment, notice_id: str) -> DeliveryRecord:
    """Return everything that is on record of the notice with this id, or whose id alone begins so.

    Raises
    ------
    NotFoundError
        If there is none, or if there are several.
    """
    with reading(deployment.engine) as session:
        return records.delivery_record(session, _notice_id(session, notice_id))


def message_of(deployment: Deployment, notice_id: str) -> bytes:
    """Return the exact bytes of a notice; raises NotFoundError while it is not written."""
    with reading(deployment.engine) as session:
        return records.message_served(session, _notice_id(session, notice_id))


def collect_delivery_events(deployment: Deployment, now: datetime) -> CollectedReports:
    """Record the delivery reports that came in since the last time."""
    new_events = inbound_reports.collect_delivery_events(deployment.engine, deployment.settings, now)
    return CollectedReports(new_events, inbound_reports.unmatched_reports(deployment.settings))


def _notice_id(session: Session, named: str) -> str:
    return id_of(session, Notice.id, named, "notice", "cjp-fraud notices list")
