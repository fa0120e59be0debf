"""What is held, promised, due and lapsing, over all cases: what one shift leaves to the next."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from sqlalchemy import exists, func, select
from sqlalchemy.orm import Session, aliased

from cjp_fraud.config import PlatformMode
from cjp_fraud.notices.contradictions import open_contradictions
from cjp_fraud.notices.model import NoticeState
from cjp_fraud.notices.open_duties import open_duties
from cjp_fraud.notices.tables import Notice, NoticePlan
from cjp_fraud.notices.work_items import work_items
from cjp_fraud.people.tables import User
from cjp_fraud.review.decision_tables import Approval, Dispute, Proposal
from cjp_fraud.review.leases import CLAIMABLE
from cjp_fraud.review.model import BEFORE_THE_MEASURE, CaseState, DisputeState
from cjp_fraud.review.queue_tables import CaseLease, CaseWait
from cjp_fraud.review.shift_rules import AHEAD, ShiftItem, ShiftKind, within
from cjp_fraud.review.tables import Case
from cjp_fraud.suspension.model import UNFINISHED, MeasureState
from cjp_fraud.suspension.stage_tables import ReinstatementPlan
from cjp_fraud.suspension.stage_views import newest_stages
from cjp_fraud.suspension.tables import Cap, Measure


def shift_items(session: Session, now: datetime, fresh: timedelta) -> tuple[ShiftItem, ...]:
    """Return what comes to pass in the next 12 hours if nobody does anything, and what is late, the earliest first.

    Parameters
    ----------
    now : aware.
    fresh : how long an approval permits a measure.
    """
    until = now + AHEAD
    items = [
        *_leases(session, now, until),
        *_waits(session, now, until),
        *_notices(session, now, until),
        *_proposals(session, until),
        *_approvals(session, until, fresh),
        *_measures(session, until),
        *_caps(session, until),
        *_stages(session, now),
        *_disputes(session, until),
    ]
    return within(items, now)


def _leases(session: Session, now: datetime, until: datetime) -> Iterator[ShiftItem]:
    query = (
        select(CaseLease.ends_at, Case.number, Case.tenant_id, User.name)
        .join(Case, (Case.id == CaseLease.case_id) & (Case.claimed_by == CaseLease.user_id))
        .join(User, User.id == CaseLease.user_id)
        .where(Case.state.in_(CLAIMABLE), CaseLease.ends_at > now, CaseLease.ends_at <= until)
    )
    for at, number, tenant_id, holder in session.execute(query):
        yield ShiftItem(at, ShiftKind.LEASE_ENDS, number, tenant_id, holder)


def _waits(session: Session, now: datetime, until: datetime) -> Iterator[ShiftItem]:
    query = (
        select(CaseWait, Case.number, Case.tenant_id, Case.last_flag_at, User.name)
        .join(Case, Case.id == CaseWait.case_id)
        .join(User, User.id == CaseWait.by_user_id)
        .where(CaseWait.ended_at.is_(None), CaseWait.until_at <= until, Case.state.in_(CLAIMABLE))
    )
    for row, number, tenant_id, last_flag_at, promised_by in session.execute(query):
        if row.wait.lasts(now, last_flag_at):
            yield ShiftItem(row.until_at, ShiftKind.CASE_IS_BACK, number, tenant_id, promised_by)


def _notices(session: Session, now: datetime, until: datetime) -> Iterator[ShiftItem]:
    """Letters that are to leave, papers that are to follow, and reports on which a person decides."""
    due = (
        select(NoticePlan.case_id, func.min(Notice.due_at))
        .join(Notice, Notice.plan_id == NoticePlan.id)
        .where(
            NoticePlan.mode == PlatformMode.ACT,
            NoticePlan.cancelled_at.is_(None),
            Notice.follows.is_(None),
            Notice.state.in_((NoticeState.PLANNED, NoticeState.DEFERRED)),
            Notice.due_at <= until,
        )
        .group_by(NoticePlan.id, NoticePlan.case_id)
    )
    dated = [(case_id, at, ShiftKind.NOTICE_IS_DUE) for case_id, at in session.execute(due) if at is not None]
    dated += [(duty.case_id, duty.due_at, ShiftKind.NOTICE_IS_DUE) for duty in open_duties(session, now)]
    dated += [
        (report.case_id, report.answer_due_at, ShiftKind.REPORT_IS_DUE)
        for report in open_contradictions(session)
    ]
    dated += [(item.case_id, item.due_at, ShiftKind.REPORT_IS_DUE) for item in work_items(session)]
    named = select(Case.id, Case.number, Case.tenant_id).where(Case.id.in_({row[0] for row in dated}))
    cases = {row.id: row for row in session.execute(named)}
    for case_id, at, kind in dated:
        yield ShiftItem(at, kind, cases[case_id].number, cases[case_id].tenant_id)


def _proposals(session: Session, until: datetime) -> Iterator[ShiftItem]:
    later = aliased(Proposal)
    superseded = exists().where(later.case_id == Proposal.case_id, later.number > Proposal.number)
    query = (
        select(Proposal.expires_at, Case.number, Case.tenant_id)
        .join(Case, Case.id == Proposal.case_id)
        .where(Case.state == CaseState.DETERMINED, ~superseded, Proposal.expires_at <= until)
    )
    for at, number, tenant_id in session.execute(query):
        yield ShiftItem(at, ShiftKind.PROPOSAL_EXPIRES, number, tenant_id)


def _approvals(session: Session, until: datetime, fresh: timedelta) -> Iterator[ShiftItem]:
    """Cases on their way to a measure whose newest approval will permit none any more."""
    query = (
        select(func.max(Approval.at), Case.number, Case.tenant_id)
        .join(Proposal, Proposal.id == Approval.proposal_id)
        .join(Case, Case.id == Proposal.case_id)
        .where(Case.state.in_(sorted(BEFORE_THE_MEASURE)))
        .group_by(Case.number, Case.tenant_id)
    )
    for approved_at, number, tenant_id in session.execute(query):
        if approved_at + fresh <= until:
            yield ShiftItem(approved_at + fresh, ShiftKind.APPROVAL_LAPSES, number, tenant_id)


def _measures(session: Session, until: datetime) -> Iterator[ShiftItem]:
    query = (
        select(Measure.review_at, Measure.ends_at, Case.number, Case.tenant_id)
        .join(Case, Case.id == Measure.case_id)
        .where(Measure.state == MeasureState.IN_FORCE, Measure.review_at <= until)
    )
    for review_at, ends_at, number, tenant_id in session.execute(query):
        if review_at < ends_at:
            yield ShiftItem(review_at, ShiftKind.MEASURE_REVIEW, number, tenant_id)
        if ends_at <= until:
            yield ShiftItem(ends_at, ShiftKind.MEASURE_ENDS, number, tenant_id)


def _caps(session: Session, until: datetime) -> Iterator[ShiftItem]:
    query = (
        select(Cap.ends_at, Case.number, Case.tenant_id)
        .join(Case, Case.id == Cap.case_id)
        .where(Cap.state.in_(UNFINISHED), Cap.ends_at <= until)
    )
    for at, number, tenant_id in session.execute(query):
        yield ShiftItem(at, ShiftKind.CAP_ENDS, number, tenant_id)


def _stages(session: Session, now: datetime) -> Iterator[ShiftItem]:
    """Stages of reinstatement that come next, and plans that are held, on which an approver decides."""
    query = (
        select(Case.id)
        .join(ReinstatementPlan, ReinstatementPlan.case_id == Case.id)
        .join(Measure, Measure.id == ReinstatementPlan.measure_id)
        .where(Measure.state == MeasureState.IN_FORCE)
    )
    for case_id in session.scalars(query):
        stages, case = newest_stages(session, case_id, now), session.get_one(Case, case_id)
        assert stages is not None, "it has a plan"
        if stages.held is not None:
            yield ShiftItem(stages.held.held_at, ShiftKind.STAGES_ARE_HELD, case.number, case.tenant_id)
        elif stages.next_at is not None:
            yield ShiftItem(
                stages.next_at, ShiftKind.STAGE_IS_DUE, case.number, case.tenant_id, stages.ordered_by
            )


def _disputes(session: Session, until: datetime) -> Iterator[ShiftItem]:
    query = (
        select(Dispute.answer_due_at, Case.number, Case.tenant_id)
        .join(Case, Case.id == Dispute.case_id)
        .where(Dispute.state == DisputeState.OPEN, Dispute.answer_due_at <= until)
    )
    for at, number, tenant_id in session.execute(query):
        yield ShiftItem(at, ShiftKind.DISPUTE_IS_DUE, number, tenant_id)
