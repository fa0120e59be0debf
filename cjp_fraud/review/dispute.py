"""Disputes of a finding: opened for the tenant, decided by somebody who did nothing at all about the case."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import func, or_, select, true
from sqlalchemy.orm import Session

from cjp_fraud.audit.texts import keep_text
from cjp_fraud.config import PlatformMode
from cjp_fraud.contracts.contract_reader import contract_at
from cjp_fraud.documents import from_document
from cjp_fraud.errors import NotFoundError, refuse_unless
from cjp_fraud.notices.plans import PlanDraft
from cjp_fraud.notices.tables import Notice, NoticePlan
from cjp_fraud.people.model import Decision, Part, Role
from cjp_fraud.people.participation import newcomer_faults, parts_taken, record_part
from cjp_fraud.people.tables import User
from cjp_fraud.review.cases import in_words, lock_case, note
from cjp_fraud.review.decision_tables import Determination, Dispute
from cjp_fraud.review.dispute_deadlines import answer_due
from cjp_fraud.review.model import MAY_BE_RESTRICTED, DisputeState, EvidenceOccasion, Finding, StopKind
from cjp_fraud.review.stops_on_record import open_stop
from cjp_fraud.review.tables import Case, EvidenceSet
from cjp_fraud.storage.base import new_id

_LISTED: Final = (
    select(Dispute, Case.number, Case.tenant_id, User.name)
    .join(Case, Case.id == Dispute.case_id)
    .outerjoin(User, User.id == Dispute.decided_by)
    .order_by(Dispute.answer_due_at, Dispute.id)
)
_NOT_CLOSED: Final = _LISTED.where(Dispute.closed_at.is_(None))


@dataclass(frozen=True, slots=True)
class ListedDispute:
    """One row of the list of disputes.

    Parameters
    ----------
    case : the case's number.
    decide_by : by when the letter says that it is decided; None: no letter says so.
    by_the_customer : whether it was entered on the notice page, not by one of us.
    """

    id: str
    case: int
    tenant_id: str
    state: DisputeState
    opened_at: datetime
    answer_due_at: datetime
    decide_by: datetime | None
    by_the_customer: bool
    decided_by: str | None
    decided_at: datetime | None
    closed_at: datetime | None


def open_dispute(decision: Decision, case_id: str, text: str, *, notice_id: str | None = None) -> Dispute:
    """Enter a tenant's dispute of the finding of fraud, or of a cap, in the tenant's words.

    Parameters
    ----------
    notice_id : letter on whose page the customer wrote it; None: a person enters it.
    """
    session, by, at = decision.session, decision.by, decision.at
    case = lock_case(session, case_id)
    refuse_unless(
        (
            can_be_disputed(session, case.id),
            "no fraud was ever determined on it, and nothing capped; there is nothing to dispute",
        ),
        (bool(text.strip()), "give the tenant's words"),
        (
            not by.is_person or by.may(Role.ANALYST, Role.REVIEWER, Role.APPROVER, Role.COUNSEL),
            f"{by} is neither analyst, reviewer, approver nor counsel",
        ),
        action=f"open a dispute of {in_words(case)}",
    )
    words = keep_text(session, text.strip(), at)
    hours = _hours_promised(session, case.id, notice_id)
    decide_by = at + timedelta(hours=hours) if hours is not None else None
    calendars = contract_at(session, case.tenant_id, at).calendars
    dispute = Dispute(
        id=new_id(),
        case_id=case.id,
        state=DisputeState.OPEN,
        opened_by=by.reference,
        opened_at=at,
        answer_due_at=answer_due(
            at, case.state, _disputes_of_the_finding(session, case.id), calendars, decide_by
        ),
        decide_by=decide_by,
        notice_id=notice_id,
        text_id=words.id,
    )
    session.add(dispute)
    record_part(session, by, Part.OPENED_DISPUTE, case.tenant_id, at, case_id=case.id)
    session.flush()
    content = {"dispute_id": dispute.id} | ({"notice_id": notice_id} if notice_id is not None else {})
    note(decision, case, "dispute.opened", content, words)
    return dispute


def _disputes_of_the_finding(session: Session, case_id: str) -> int:
    """Return how many disputes there are of the newest finding of fraud; of a cap, where nothing was found since."""
    newest = (
        select(func.max(Determination.at))
        .where(Determination.case_id == case_id, Determination.finding == Finding.FRAUDULENT)
        .scalar_subquery()
    )
    of_it = select(func.count()).where(
        Dispute.case_id == case_id, or_(newest.is_(None), Dispute.opened_at >= newest)
    )
    return session.scalar(of_it) or 0


def can_be_disputed(session: Session, case_id: str) -> bool:
    """Whether fraud was ever determined on a case, or a cap begun, so that there is something to dispute."""
    found = select(Determination.id).where(
        Determination.case_id == case_id, Determination.finding == Finding.FRAUDULENT
    )
    capped = select(EvidenceSet.id).where(
        EvidenceSet.case_id == case_id, EvidenceSet.occasion == EvidenceOccasion.CAPPED
    )
    return any(session.scalar(of_case.limit(1)) is not None for of_case in (found, capped))


def _hours_promised(session: Session, case_id: str, notice_id: str | None) -> int | None:
    """Return within how many hours the letter says that a dispute is decided: the one disputed, or the newest."""
    plan = session.scalar(
        select(NoticePlan)
        .join(Notice, Notice.plan_id == NoticePlan.id)
        .where(
            NoticePlan.case_id == case_id,
            NoticePlan.mode == PlatformMode.ACT,
            Notice.dispatched_at.is_not(None),
            Notice.id == notice_id if notice_id is not None else true(),
        )
        .order_by(Notice.dispatched_at.desc())
        .limit(1)
    )
    statement = from_document(PlanDraft, plan.document).statement if plan is not None else None
    return statement.redress.answer_hours if statement is not None else None


def decide_dispute(decision: Decision, dispute_id: str, *, upheld: bool, reasons: str) -> Dispute:
    """Decide a dispute; upheld is for the tenant: it shuts the gate for good and lifts what is in force.

    An upheld one is closed only once the platform's read-back says that nothing is in force any more
    (:func:`close_disputes`), so that nobody can forget it.

    Raises
    ------
    NotFoundError
        If no such dispute is on record.
    Refused
        Names everything that stands in the way.
    """
    case, dispute = lock_dispute(decision.session, dispute_id)
    state = DisputeState.UPHELD if upheld else DisputeState.REJECTED
    record_outcome(decision, case, dispute, state, reasons)
    if upheld:
        open_stop(decision, case, StopKind.DISPUTE_UPHELD, dispute.id)
    return dispute


def lock_dispute(session: Session, dispute_id: str) -> tuple[Case, Dispute]:
    """Return a dispute and its case, locked.

    Raises
    ------
    NotFoundError
        If no such dispute is on record.
    """
    named = session.get(Dispute, dispute_id)
    if named is None:
        raise NotFoundError(f"no dispute {dispute_id!r} is on record; cjp-fraud disputes list shows them")
    case = lock_case(session, named.case_id)
    dispute = session.get(Dispute, dispute_id, populate_existing=True)
    assert dispute is not None, "disputes are never deleted"
    return case, dispute


def record_outcome(
    decision: Decision,
    case: Case,
    dispute: Dispute,
    state: DisputeState,
    reasons: str,
    *,
    also: Collection[tuple[bool, str]] = (),
) -> None:
    """Put the decision of a locked dispute on record, as somebody who took no part in its case.

    Parameters
    ----------
    also : what must hold too, each with the sentence for when it does not.

    Raises
    ------
    Refused
        Names everything that stands in the way.
    """
    session, by, at = decision.session, decision.by, decision.at
    refuse_unless(
        (dispute.state is DisputeState.OPEN, f"it was {dispute.state} already"),
        (
            by.may(Role.REVIEWER, Role.APPROVER, Role.COUNSEL),
            f"{by} is neither reviewer, approver nor counsel",
        ),
        *_outsider_checks(decision, case.id),
        (bool(reasons.strip()), "give the reasons of the decision"),
        *also,
        action=f"decide the dispute of {in_words(case)}",
    )
    words = keep_text(session, reasons.strip(), at)
    dispute.state, dispute.decided_by = state, by.user_id
    dispute.decided_at, dispute.decision_text_id = at, words.id
    if state is DisputeState.REJECTED or case.state not in MAY_BE_RESTRICTED:
        dispute.closed_at = at
    session.flush()
    note(decision, case, "dispute.decided", {"dispute_id": dispute.id, "state": dispute.state}, words)


def upheld_dispute(session: Session, case_id: str) -> Dispute | None:
    """Return the first dispute of a case that was decided for the tenant; None: there is none."""
    return session.scalar(
        select(Dispute)
        .where(Dispute.case_id == case_id, Dispute.state == DisputeState.UPHELD)
        .order_by(Dispute.decided_at)
        .limit(1)
    )


CLOSED_BY_THE_PLATFORM: Final = (DisputeState.UPHELD, DisputeState.NARROWED)
"""How a dispute was decided that is closed only once the platform's read-back shows the decision carried out."""


def close_disputes(
    decision: Decision, case: Case, states: Collection[DisputeState] = CLOSED_BY_THE_PLATFORM
) -> None:
    """Close the disputes of a locked case, decided so, of which read-back says that they are carried out."""
    disputes = decision.session.scalars(
        select(Dispute).where(
            Dispute.case_id == case.id, Dispute.state.in_(states), Dispute.closed_at.is_(None)
        )
    ).all()
    for dispute in disputes:
        dispute.closed_at = decision.at
        decision.session.flush()
        note(decision, case, "dispute.closed", {"dispute_id": dispute.id})


def disputes_on_record(session: Session, *, decided_too: bool = False) -> tuple[ListedDispute, ...]:
    """Return the disputes that are not closed, the one due first on top; with ``decided_too`` all there are.

    Not closed are those that nobody has decided, upheld ones of which something may still be in force, and those that
    narrowed what may still be in force as wide as before.
    """
    query = _LISTED if decided_too else _NOT_CLOSED
    return tuple(
        ListedDispute(
            id=dispute.id,
            case=number,
            tenant_id=tenant_id,
            state=dispute.state,
            opened_at=dispute.opened_at,
            answer_due_at=dispute.answer_due_at,
            decide_by=dispute.decide_by,
            by_the_customer=dispute.notice_id is not None,
            decided_by=decider,
            decided_at=dispute.decided_at,
            closed_at=dispute.closed_at,
        )
        for dispute, number, tenant_id, decider in session.execute(query)
    )


def _outsider_checks(decision: Decision, case_id: str) -> list[tuple[bool, str]]:
    """Who decides must have done nothing about the case at all, and not be too new in any role that decides."""
    session, by = decision.session, decision.by
    parts = [part.in_words for part in Part if part in parts_taken(session, by, case_id)]
    deciding = [role for role in (Role.REVIEWER, Role.APPROVER, Role.COUNSEL) if role in by.roles]
    faults = [newcomer_faults(session, by, role, case_id, decision.at) for role in deciding]
    too_new = () if not deciding or () in faults else faults[0]
    return [
        (
            not parts,
            f"{by} took part in this case ({', '.join(parts)}); somebody who took no part must decide",
        ),
        *((False, sentence) for sentence in too_new),
    ]
