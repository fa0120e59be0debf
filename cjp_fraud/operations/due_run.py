"""Do everything that is due, in one call: what a deployment runs every minute."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select

from cjp_fraud.deployment import Deployment
from cjp_fraud.errors import CjpFraudError, StorageError
from cjp_fraud.notices import inbound_reports
from cjp_fraud.notices.contradictions import OpenContradiction, open_contradictions
from cjp_fraud.notices.model import NoticeState
from cjp_fraud.notices.tables import Notice
from cjp_fraud.notices.work_items import WorkItem, work_items
from cjp_fraud.operations import caps
from cjp_fraud.operations.bulk import finish_all
from cjp_fraud.operations.claims import tidy
from cjp_fraud.operations.head_keeping import KeptHead, keep_if_due
from cjp_fraud.operations.mention_mails import mail_mentions
from cjp_fraud.operations.notices import collect_carrier_events
from cjp_fraud.operations.overdue import overdue_now
from cjp_fraud.operations.paging import page_due, page_new_cases
from cjp_fraud.operations.quality_draws import draw_samples
from cjp_fraud.operations.webhook_delivery import WebhookRun, deliver_due
from cjp_fraud.review.cases import numbers_of
from cjp_fraud.storage.database import reading
from cjp_fraud.suspension import enforcement
from cjp_fraud.suspension.after_notices import AfterNotice, told_late
from cjp_fraud.suspension.caps import CapReport
from cjp_fraud.suspension.enforcement import ResumeReport
from cjp_fraud.suspension.failed_letters import FailedLetter, failed_letters


@dataclass(frozen=True, slots=True)
class ShutGate:
    """A case, by its number, that goes no further because its gate is shut."""

    case: int
    reason: str


@dataclass(frozen=True, slots=True)
class DueRun:
    """What a run of :func:`run_due` did.

    Parameters
    ----------
    letters_sent : how many letters were handed over while it ran, of whatever kind and by whatever method.
    head : the head of the audit log, where one was due: daily, and where a measure's own was not kept.
    contradictions : reports against notices on which a person must decide.
    work_items : other messages about notices that a person must look at.
    shut : cases on their way whose gate is shut for what people must mend, with the first reason.
    failed_letters : letters that follow which did not reach the customer, until a person has dealt with it.
    told_late : measures in force, begun without prior notice, of which the customer was told late, or late and not yet.
    overdue : what is still late after it.
    case_numbers : of the cases that are named by their ids.
    webhooks : what other systems were told.
    caps : what was capped as customers have signed, and what was not.
    """

    new_delivery_events: int
    letters_sent: int
    resumed: ResumeReport
    head: KeptHead | None
    contradictions: tuple[OpenContradiction, ...]
    work_items: tuple[WorkItem, ...]
    shut: tuple[ShutGate, ...]
    failed_letters: tuple[FailedLetter, ...]
    told_late: tuple[AfterNotice, ...]
    overdue: tuple[str, ...]
    case_numbers: dict[str, int]
    webhooks: WebhookRun
    caps: CapReport

    @property
    def needs_people(self) -> bool:
        """Whether something was not done that no further run will do."""
        return bool(self.shut or self.failed_letters)


def run_due(deployment: Deployment, now: datetime) -> DueRun:
    """Do everything that is due: delivery reports, expiries, letters, measures, lapses, the signed head, webhooks.

    Leases and waits that have ended go on record too, what was left of a bulk dismissal is finished, whoever is on call
    is paged about new cases and about what waits for approval, whoever a comment names is written to, and what second
    readers look at is drawn once a week.

    The schedule of every minute is this one call; a deployment without Airflow needs it as one line of cron. It may run
    twice at once, and be killed: the next run goes on.

    Raises
    ------
    CjpFraudError
        After everything was tried, where one case had a fault, a head that was due could not be kept, or a mailbox
        could not be read.
    """
    events, faults = _reports_collected(deployment, now)
    sent_before = _letters_sent(deployment)
    report = enforcement.resume_all(deployment.enforcement(now))
    head = None
    faults += report.faults
    capped = caps.cap_breaches(deployment, now)
    faults += capped.faults
    for finish in (tidy, finish_all, page_new_cases, page_due, mail_mentions):
        try:
            finish(deployment, now)
        except CjpFraudError as error:
            faults.append(str(error))
    try:
        head = keep_if_due(deployment, now)
    except CjpFraudError as error:
        faults.append(f"the head of the audit log was not kept: {error}")
    letters_sent = _letters_sent(deployment) - sent_before
    draw_samples(deployment, now)
    told = deliver_due(deployment, now)
    if faults:
        raise CjpFraudError("; ".join(faults))
    return _due_run(deployment, now, events, letters_sent, report, head, told, capped)


def _reports_collected(deployment: Deployment, now: datetime) -> tuple[int, list[str]]:
    """Collect what came back about notices; return how many reports are new, and what could not be read."""
    faults: list[str] = []
    events = 0
    try:
        events = inbound_reports.collect(
            deployment.engine, deployment.settings, now, records=deployment.txt_records
        ).new_events
    except StorageError as error:
        faults.append(str(error))
    carried = collect_carrier_events(deployment, now)
    return events + carried.new_events, faults + list(carried.faults)


def _due_run(
    deployment: Deployment,
    now: datetime,
    new_delivery_events: int,
    letters_sent: int,
    report: ResumeReport,
    head: KeptHead | None,
    webhooks: WebhookRun,
    capped: CapReport,
) -> DueRun:
    """Say what a run did, and what it left to people."""
    with reading(deployment.engine) as session:
        contradictions = open_contradictions(session)
        items = work_items(session)
        reports = (*report.moved, *report.waiting)
        untold = told_late(session, now)
        named = {each.case_id for each in contradictions} | {each.case_id for each in items}
        named |= {each.case_id for each in untold}
        numbers = numbers_of(session, named | {each.case_id for each in reports})
        failed = failed_letters(session)
    shut = tuple(ShutGate(numbers[each.case_id], each.shut[0]) for each in report.waiting if each.shut)
    return DueRun(
        new_delivery_events=new_delivery_events,
        letters_sent=letters_sent,
        resumed=report,
        head=head,
        contradictions=contradictions,
        work_items=items,
        shut=shut,
        failed_letters=failed,
        told_late=untold,
        overdue=overdue_now(deployment),
        case_numbers=numbers,
        webhooks=webhooks,
        caps=capped,
    )


def _letters_sent(deployment: Deployment) -> int:
    with reading(deployment.engine) as session:
        sent = select(func.count()).select_from(Notice).where(Notice.state == NoticeState.SENT)
        return session.scalar(sent) or 0
