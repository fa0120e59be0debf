"""Serve notices, look at what became of them, collect what comes back; case-bound decisions are with cases.

``case`` is a case's number or id, as people type it.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import Session

from cjp_fraud.contracts.methods import METHODS
from cjp_fraud.contracts.tenants import require_tenant
from cjp_fraud.deployment import Deployment
from cjp_fraud.errors import BadInputError, CjpFraudError, StorageError
from cjp_fraud.notices import carrier_collection, inbound_reports
from cjp_fraud.notices import notice_views as records
from cjp_fraud.notices.carrier_collection import CollectedEvents
from cjp_fraud.notices.model import NoticeKind, NoticeState
from cjp_fraud.notices.notice_views import DeliveryRecord, NoticeFilter, NoticeRow
from cjp_fraud.notices.open_duties import OpenDuty, open_duties
from cjp_fraud.notices.report_matching import notice_of_return_path
from cjp_fraud.notices.reports.model import InboundReport, ReportKind
from cjp_fraud.notices.reports.reading import read_message
from cjp_fraud.notices.return_path_key import existing_return_path_key
from cjp_fraud.notices.tables import Notice
from cjp_fraud.notices.work_items import WorkItem, work_items
from cjp_fraud.operations.head_keeping import head_follows
from cjp_fraud.operations.short_ids import id_of
from cjp_fraud.review.cases import case_id_of, numbers_of
from cjp_fraud.review.model import CaseState
from cjp_fraud.review.tables import Case
from cjp_fraud.storage.database import reading
from cjp_fraud.suspension.after_notices import after_notices
from cjp_fraud.suspension.enforcement import cases_on_the_way, enforce


@dataclass(frozen=True, slots=True)
class ListedNotice(NoticeRow):
    """One letter in the list of notices, with the number of its case; None: the case is not on record."""

    case: int | None


@dataclass(frozen=True, slots=True)
class ListedDuty(OpenDuty):
    """A paper that must follow a notice and has not left, with the number of its case."""

    case: int | None


@dataclass(frozen=True, slots=True)
class DispatchResult:
    """How far a case has come by serving what is due.

    Parameters
    ----------
    handed_over : how many of its letters were handed over meanwhile, by this call or another one.
    waiting_for : why it is no further, a sentence each.
    next_at : when a notice falls due, or the contract lets the measure follow; None: not known.
    only_time_missing : it waits for nothing but ``next_at``, which lies ahead.
    """

    case: int
    before: CaseState
    state: CaseState
    handed_over: int
    waiting_for: tuple[str, ...]
    next_at: datetime | None
    only_time_missing: bool

    @property
    def is_stuck(self) -> bool:
        """Whether the case is no further than before and waits for something else than time."""
        return self.state is self.before and bool(self.waiting_for) and not self.only_time_missing


@dataclass(frozen=True, slots=True)
class DispatchedCases:
    """What serving all that is due came to; ``faults``: a sentence for each case in which something broke."""

    cases: tuple[DispatchResult, ...]
    faults: tuple[str, ...]

    @property
    def is_stuck(self) -> bool:
        """Whether a case is no further and waits for something else than time, or something broke."""
        return bool(self.faults) or any(case.is_stuck for case in self.cases)


@dataclass(frozen=True, slots=True)
class CollectedReports:
    """What collecting found.

    Parameters
    ----------
    taken : messages that were new in the mailboxes.
    new_events : delivery events that were not on record before.
    for_people : those of them that a person must look at.
    unmatched : messages that are of no attempt of ours, all that lie there.
    aside : messages that were too large or could not be read, all that lie there.
    """

    taken: int
    new_events: int
    for_people: int
    unmatched: int
    aside: int


@dataclass(frozen=True, slots=True)
class ReadRecipient:
    """What a message says of one recipient.

    Parameters
    ----------
    action : of RFC 3464, or as it stands; None: none is named.
    status : of RFC 3463; None: the message gives none.
    permanent : trying again is of no use; None: not known.
    notice : id of the notice to whose keyed return path the message was sent; None: to none of ours.
    """

    address: str | None
    action: str | None
    status: str | None
    permanent: bool | None
    notice: str | None


@dataclass(frozen=True, slots=True)
class ReadReport:
    """What one file says that came back."""

    file: str
    kind: ReportKind
    recipients: tuple[ReadRecipient, ...]


@dataclass(frozen=True, slots=True)
class ListedWorkItem(WorkItem):
    """A message that a person must look at, with the number of its case; None: the case is not on record."""

    case: int | None


def dispatch(deployment: Deployment, now: datetime, case: str) -> DispatchResult:
    """Serve what is due of an approved case; the measure follows when the gate opens.

    Runs as system, on the standing approval.
    """
    with reading(deployment.engine) as session:
        case_id = case_id_of(session, case)
    with head_follows(deployment, now):
        return _dispatch(deployment, now, case_id)


def dispatch_all(deployment: Deployment, now: datetime) -> DispatchedCases:
    """Serve what is due of all cases, as ``run-due`` does among other things; a fault in one stops no other."""
    with reading(deployment.engine) as session:
        cases = sorted(cases_on_the_way(session))
    done, faults = [], []
    with head_follows(deployment, now):
        for case_id in cases:
            try:
                done.append(_dispatch(deployment, now, case_id))
            except (CjpFraudError, OSError) as error:
                faults.append(f"case {case_id}: {error}")
    return DispatchedCases(tuple(done), tuple(faults))


def _dispatch(deployment: Deployment, now: datetime, case_id: str) -> DispatchResult:
    with reading(deployment.engine) as session:
        case = session.get_one(Case, case_id)
        number, before, so_far = case.number, case.state, records.letters_handed_over(session, case_id)
    report = enforce(deployment.enforcement(now), case_id)
    with reading(deployment.engine) as session:
        handed_over = records.letters_handed_over(session, case_id) - so_far
    return DispatchResult(
        number,
        before,
        report.state,
        handed_over,
        report.waiting_for,
        report.next_at,
        only_time_missing=report.next_at is not None
        and report.next_at > deployment.now  # what is due now and was put off is due at a moment of the run
        and not (report.shut or report.failed_letters),
    )


def list_notices(
    deployment: Deployment,
    case: str | None = None,
    *,
    tenant: str | None = None,
    kinds: Collection[NoticeKind] = (),
    states: Collection[NoticeState] = (),
    method: str | None = None,
    for_people: bool = False,
) -> tuple[ListedNotice, ...]:
    """Return the notices of a case, or all, that the other arguments leave, in the order of their plans.

    Raises
    ------
    NotFoundError
        If the case or the tenant is not on record.
    BadInputError
        If no method of that name is known.
    """
    if method is not None and method not in METHODS:
        raise BadInputError(f"method {method!r} is not known; write {', '.join(sorted(METHODS))}")
    with reading(deployment.engine) as session:
        if tenant is not None:
            require_tenant(session, tenant)
        chosen = NoticeFilter(
            case_id=case_id_of(session, case) if case is not None else None,
            tenant_id=tenant,
            kinds=frozenset(kinds),
            states=frozenset(states),
            method=method,
            for_people=for_people,
        )
        rows = records.notice_rows(session, chosen)
        numbers = numbers_of(session, {row.case_id for row in rows})
    return tuple(ListedNotice(**asdict(row), case=numbers.get(row.case_id)) for row in rows)


def list_duties(deployment: Deployment, now: datetime, case: str | None = None) -> tuple[ListedDuty, ...]:
    """Return what must still follow, of a case or of all, the first due first; aware ``now``.

    Papers after notices, and the notice itself after a measure on a ground without prior notice.
    """
    with reading(deployment.engine) as session:
        case_id = case_id_of(session, case) if case is not None else None
        later = [
            OpenDuty(each.case_id, each.plan_id, 1, "notice", each.due_at, each.overdue, each.sentence)
            for each in after_notices(session, now, case_id)
        ]
        duties = sorted((*open_duties(session, now, case_id), *later), key=lambda duty: duty.due_at)
        numbers = numbers_of(session, {duty.case_id for duty in duties})
    return tuple(ListedDuty(**asdict(duty), case=numbers.get(duty.case_id)) for duty in duties)


def show_notice(deployment: Deployment, now: datetime, notice_id: str) -> DeliveryRecord:
    """Return everything that is on record now of the notice with this id, or whose id alone begins so.

    Raises
    ------
    NotFoundError
        If there is none, or if there are several.
    """
    with reading(deployment.engine) as session:
        return records.delivery_record(session, _notice_id(session, notice_id), now)


def message_of(deployment: Deployment, notice_id: str) -> bytes:
    """Return the exact bytes of a notice; raises NotFoundError while it is not written."""
    with reading(deployment.engine) as session:
        return records.message_served(session, _notice_id(session, notice_id))


def collect(deployment: Deployment, now: datetime) -> CollectedReports:
    """Take what came back out of the mailboxes and the folder of the settings, and record it.

    Raises
    ------
    StorageError
        After the rest is recorded, if a mailbox could not be read.
    """
    settings = deployment.settings
    done = inbound_reports.collect(deployment.engine, settings, now, records=deployment.txt_records)
    return CollectedReports(
        taken=done.taken,
        new_events=done.new_events,
        for_people=done.for_people,
        unmatched=inbound_reports.unmatched_reports(settings),
        aside=inbound_reports.reports_aside(settings),
    )


def read_reports(deployment: Deployment, files: Sequence[Path]) -> tuple[ReadReport, ...]:
    """Return what files say that came back; nothing is recorded.

    Works without a database; then no notice is named.

    Raises
    ------
    BadInputError
        If a file is not there.
    """
    missing = [str(file) for file in files if not file.is_file()]
    if missing:
        raise BadInputError(f"no such file: {', '.join(missing)}")
    reports = [(file, read_message(file.read_bytes())) for file in files]
    notices = _notices_written_back_to(deployment, [report for _, report in reports])
    return tuple(
        ReadReport(
            str(file),
            report.kind,
            tuple(
                ReadRecipient(each.address, each.action, each.status, each.permanent, notice)
                for each in report.recipients
            ),
        )
        for (file, report), notice in zip(reports, notices, strict=True)
    )


def list_work_items(deployment: Deployment, case: str | None = None) -> tuple[ListedWorkItem, ...]:
    """Return the messages about notices that a person must look at, of a case or of all, the oldest first."""
    with reading(deployment.engine) as session:
        items = work_items(session, [case_id_of(session, case)] if case is not None else None)
        cases = select(Case.id, Case.number).where(Case.id.in_({item.case_id for item in items}))
        numbers = {row.id: row.number for row in session.execute(cases)}
    return tuple(ListedWorkItem(**asdict(item), case=numbers.get(item.case_id)) for item in items)


def _notices_written_back_to(
    deployment: Deployment, reports: Sequence[InboundReport]
) -> tuple[str | None, ...]:
    """Return, for each message, the notice to whose return path it was sent."""
    key = existing_return_path_key(deployment.settings)
    keyed = key is not None and any(key.read(address) for report in reports for address in report.sent_to)
    if key is None or not keyed:
        return (None,) * len(reports)
    try:
        engine = deployment.engine
    except StorageError:
        return (None,) * len(reports)  # no database: nothing confirms a return path
    now = deployment.now
    with reading(engine) as session:
        return tuple(notice_of_return_path(session, report.sent_to, key, now) for report in reports)


def collect_carrier_events(deployment: Deployment, now: datetime) -> CollectedEvents:
    """Record what the carrier has seen since the last time of the letters that were handed to a printer."""
    printer = deployment.printer
    if printer is None:
        return CollectedEvents(0, ())
    return carrier_collection.collect_carrier_events(deployment.engine, printer, now)


def _notice_id(session: Session, named: str) -> str:
    return id_of(session, Notice.id, named, "notice", "cjp-fraud notices list")
