"""A tenant's whole history with the review: every case with what was found, and every dispute."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from cjp_fraud.people.tables import User
from cjp_fraud.review.case_lines import outline_on_record
from cjp_fraud.review.case_outline import CaseOutline
from cjp_fraud.review.decision_tables import Determination, Dispute
from cjp_fraud.review.model import CaseState, CommentKind, DisputeState, Finding, TenantsPart
from cjp_fraud.review.tables import Case, CaseComment, CaseLine


@dataclass(frozen=True, slots=True)
class TenantCase:
    """A case of the tenant.

    Parameters
    ----------
    outline : what happened, in one line; None: its flags were taken back.
    finding, part, found_at, found_by : of the newest determination; None: nobody found anything yet.
    notes : how many comments people wrote on it.
    """

    number: int
    state: CaseState
    opened_at: datetime
    closed_at: datetime | None
    first_flag_at: datetime
    outline: CaseOutline | None
    finding: Finding | None
    part: TenantsPart | None
    found_at: datetime | None
    found_by: str | None
    notes: int


@dataclass(frozen=True, slots=True)
class TenantDispute:
    """A dispute of the tenant; ``decided_at`` None: not yet."""

    case: int
    state: DisputeState
    opened_at: datetime
    answer_due_at: datetime
    decided_at: datetime | None


def cases_of_tenant(session: Session, tenant_id: str) -> tuple[TenantCase, ...]:
    """Return all cases of a tenant, the newest first."""
    of_tenant = select(Case.id).where(Case.tenant_id == tenant_id)
    newest = (
        select(Determination.case_id, func.max(Determination.number).label("number"))
        .where(Determination.case_id.in_(of_tenant))
        .group_by(Determination.case_id)
        .subquery()
    )
    notes = (
        select(func.count())
        .where(CaseComment.case_id == Case.id, CaseComment.kind == CommentKind.COMMENT)
        .correlate(Case)
        .scalar_subquery()
    )
    rows = session.execute(
        select(Case, CaseLine, Determination, User.name, notes)
        .outerjoin(CaseLine, CaseLine.case_id == Case.id)
        .outerjoin(newest, newest.c.case_id == Case.id)
        .outerjoin(
            Determination, (Determination.case_id == Case.id) & (Determination.number == newest.c.number)
        )
        .outerjoin(User, User.id == Determination.by_user_id)
        .where(Case.tenant_id == tenant_id)
        .order_by(Case.number.desc())
    )
    return tuple(_case(case, line, found, name, written) for case, line, found, name, written in rows)


def disputes_of_tenant(session: Session, tenant_id: str) -> tuple[TenantDispute, ...]:
    """Return all disputes of a tenant, the newest first."""
    rows = session.execute(
        select(Dispute, Case.number)
        .join(Case, Case.id == Dispute.case_id)
        .where(Case.tenant_id == tenant_id)
        .order_by(Dispute.id.desc())
    )
    return tuple(
        TenantDispute(number, row.state, row.opened_at, row.answer_due_at, row.decided_at)
        for row, number in rows
    )


def _case(
    case: Case, line: CaseLine | None, found: Determination | None, name: str | None, notes: int
) -> TenantCase:
    return TenantCase(
        number=case.number,
        state=case.state,
        opened_at=case.opened_at,
        closed_at=case.closed_at,
        first_flag_at=case.first_flag_at,
        outline=outline_on_record(line),
        finding=found.finding if found else None,
        part=found.tenants_part if found else None,
        found_at=found.at if found else None,
        found_by=name,
        notes=notes,
    )
