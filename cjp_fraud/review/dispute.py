"""Disputes of a finding: opened for the tenant, decided by somebody who did nothing at all about the case."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from cjp_fraud.audit.texts import keep_text
from cjp_fraud.errors import NotFoundError, refuse_unless
from cjp_fraud.people.model import Decision, Part, Role
from cjp_fraud.people.participation import newcomer_faults, parts_taken, record_part
from cjp_fraud.people.tables import User
from cjp_fraud.review.cases import in_words, lock_case, note
from cjp_fraud.review.decision_tables import Determination, Dispute
from cjp_fraud.review.model import MAY_BE_RESTRICTED, DisputeState, Finding, StopKind
from cjp_fraud.review.stops_on_record import open_stop
from cjp_fraud.review.tables import Case
from cjp_fraud.storage.base import new_id

ANSWER_WITHIN = timedelta(minutes=60)
"""Internal target of the answer (clause 2.2, severity 1-2); in a letter only where counsel puts it there."""


@dataclass(frozen=True, slots=True)
class ListedDispute:
    """One row of the list of disputes; ``case`` is the case's number."""

    id: str
    case: int
    tenant_id: str
    state: DisputeState
    opened_at: datetime
    answer_due_at: datetime
    decided_by: str | None
    decided_at: datetime | None
    closed_at: datetime | None


def open_dispute(decision: Decision, case_id: str, text: str) -> Dispute:
    """Enter a tenant's dispute of the finding of fraud, in the tenant's words."""
    session, by, at = decision.session, decision.by, decision.at
    case = lock_case(session, case_id)
    determination_id = session.scalar(
        select(Determination.id).where(
            Determination.case_id == case.id, Determination.finding == Finding.FRAUDULENT
        )
    )
    refuse_unless(
        (determination_id is not None, "no fraud was ever determined on it; there is nothing to dispute"),
        (bool(text.strip()), "give the tenant's words"),
        (
            not by.is_person or by.may(Role.ANALYST, Role.REVIEWER, Role.APPROVER, Role.COUNSEL),
            f"{by} is neither analyst, reviewer, approver nor counsel",
        ),
        action=f"open a dispute of {in_words(case)}",
    )
    words = keep_text(session, text.strip(), at)
    dispute = Dispute(
        id=new_id(),
        case_id=case.id,
        state=DisputeState.OPEN,
        opened_by=by.reference,
        opened_at=at,
        answer_due_at=at + ANSWER_WITHIN,
        text_id=words.id,
    )
    session.add(dispute)
    record_part(session, by, Part.OPENED_DISPUTE, case.tenant_id, at, case_id=case.id)
    session.flush()
    note(decision, case, "dispute.opened", {"dispute_id": dispute.id}, words)
    return dispute


def decide_dispute(decision: Decision, dispute_id: str, *, upheld: bool, reasons: str) -> Dispute:
    """Decide a dispute; upheld is for the tenant: it shuts the gate for good and lifts what is in force.

    An upheld one is closed only once the platform's read-back says that nothing is in force any more
    (:func:`close_upheld`), so that nobody can forget it.

    Raises
    ------
    NotFoundError
        If no such dispute is on record.
    Refused
        Names everything that stands in the way.
    """
    session, by, at = decision.session, decision.by, decision.at
    named = session.get(Dispute, dispute_id)
    if named is None:
        raise NotFoundError(f"no dispute {dispute_id!r} is on record; cjp-fraud disputes list shows them")
    case = lock_case(session, named.case_id)
    dispute = session.get(Dispute, dispute_id, populate_existing=True)
    assert dispute is not None, "disputes are never deleted"
    refuse_unless(
        (dispute.state is DisputeState.OPEN, f"it was {dispute.state} already"),
        (
            by.may(Role.REVIEWER, Role.APPROVER, Role.COUNSEL),
            f"{by} is neither reviewer, approver nor counsel",
        ),
        *_outsider_checks(decision, case.id),
        (bool(reasons.strip()), "give the reasons of the decision"),
        action=f"decide the dispute of {in_words(case)}",
    )
    words = keep_text(session, reasons.strip(), at)
    dispute.state = DisputeState.UPHELD if upheld else DisputeState.REJECTED
    dispute.decided_by, dispute.decided_at, dispute.decision_text_id = by.user_id, at, words.id
    if not upheld or case.state not in MAY_BE_RESTRICTED:
        dispute.closed_at = at
    session.flush()
    note(decision, case, "dispute.decided", {"dispute_id": dispute.id, "state": dispute.state}, words)
    if upheld:
        open_stop(decision, case, StopKind.DISPUTE_UPHELD, dispute.id)
    return dispute


def upheld_dispute(session: Session, case_id: str) -> Dispute | None:
    """Return the first dispute of a case that was decided for the tenant; None: there is none."""
    return session.scalar(
        select(Dispute)
        .where(Dispute.case_id == case_id, Dispute.state == DisputeState.UPHELD)
        .order_by(Dispute.decided_at)
        .limit(1)
    )


def close_upheld(decision: Decision, case: Case) -> None:
    """Close the upheld disputes of a locked case of which read-back says that nothing is in force any more."""
    disputes = decision.session.scalars(
        select(Dispute).where(
            Dispute.case_id == case.id, Dispute.state == DisputeState.UPHELD, Dispute.closed_at.is_(None)
        )
    ).all()
    for dispute in disputes:
        dispute.closed_at = decision.at
        decision.session.flush()
        note(decision, case, "dispute.closed", {"dispute_id": dispute.id})


def disputes_on_record(session: Session, *, decided_too: bool = False) -> tuple[ListedDispute, ...]:
    """Return the disputes that are not closed, the one due first on top; with ``decided_too`` all there are.

    Not closed are those that nobody has decided, and upheld ones of which something may still be in force.
    """
    query = (
        select(Dispute, Case.number, Case.tenant_id, User.name)
        .join(Case, Case.id == Dispute.case_id)
        .outerjoin(User, User.id == Dispute.decided_by)
        .order_by(Dispute.answer_due_at, Dispute.id)
    )
    if not decided_too:
        query = query.where(Dispute.closed_at.is_(None))
    return tuple(
        ListedDispute(
            id=dispute.id,
            case=number,
            tenant_id=tenant_id,
            state=dispute.state,
            opened_at=dispute.opened_at,
            answer_due_at=dispute.answer_due_at,
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
