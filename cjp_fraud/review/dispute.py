"""Disputes of a finding: opened for the tenant, decided by somebody who neither determined nor approved."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from cjp_fraud.audit.texts import keep_text
from cjp_fraud.clock import aware
from cjp_fraud.errors import NotFoundError, refuse_unless
from cjp_fraud.people.model import Actor, Role
from cjp_fraud.review.cases import in_words, lock_case, note
from cjp_fraud.review.model import DisputeState, Finding, StopKind
from cjp_fraud.review.stops import open_stop
from cjp_fraud.review.tables import Approval, Determination, Dispute, Proposal
from cjp_fraud.storage.base import new_id

ANSWER_WITHIN = timedelta(minutes=60)
"""Internal target of the answer (clause 2.2, severity 1-2); in a letter only where counsel puts it there."""


def open_dispute(session: Session, case_id: str, by: Actor, at: datetime, text: str) -> Dispute:
    """Enter a tenant's dispute of the finding of fraud, in the tenant's words."""
    case = lock_case(session, case_id)
    found = session.scalar(
        select(Determination.id).where(
            Determination.case_id == case.id, Determination.finding == Finding.FRAUDULENT
        )
    )
    refuse_unless(
        (found is not None, "no fraud was ever determined on it; there is nothing to dispute"),
        (bool(text.strip()), "give the tenant's words"),
        (
            not by.is_person or by.may(Role.ANALYST, Role.REVIEWER, Role.APPROVER, Role.COUNSEL),
            f"{by} is neither analyst, reviewer, approver nor counsel",
        ),
        action=f"open a dispute of {in_words(case)}",
    )
    kept = keep_text(session, text.strip(), at)
    dispute = Dispute(
        id=new_id(),
        case_id=case.id,
        state=DisputeState.OPEN,
        opened_by=by.reference,
        opened_at=aware(at),
        answer_due_at=aware(at) + ANSWER_WITHIN,
        text_id=kept.id,
    )
    session.add(dispute)
    session.flush()
    note(
        session,
        case,
        by,
        at,
        "dispute.opened",
        {"dispute_id": dispute.id, "text_id": kept.id, "text_sha256": kept.sha256},
    )
    return dispute


def decide_dispute(
    session: Session, dispute_id: str, by: Actor, at: datetime, *, upheld: bool, reasons: str
) -> Dispute:
    """Decide a dispute; upheld is for the tenant: it shuts the gate for good and asks for reinstatement.

    Raises
    ------
    NotFoundError
        If no such dispute is on record.
    Refused
        Names everything that stands in the way.
    """
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
        (
            by.user_id not in _determined_or_approved(session, case.id),
            f"{by} determined or approved in this case; another person must decide",
        ),
        (bool(reasons.strip()), "give the reasons of the decision"),
        action=f"decide the dispute of {in_words(case)}",
    )
    kept = keep_text(session, reasons.strip(), at)
    dispute.state = DisputeState.UPHELD if upheld else DisputeState.REJECTED
    dispute.decided_by, dispute.decided_at, dispute.decision_text_id = by.user_id, aware(at), kept.id
    session.flush()
    note(
        session,
        case,
        by,
        at,
        "dispute.decided",
        {
            "dispute_id": dispute.id,
            "state": dispute.state,
            "text_id": kept.id,
            "text_sha256": kept.sha256,
        },
    )
    if upheld:
        open_stop(session, case, StopKind.DISPUTE_UPHELD, dispute.id, by, at)
    return dispute


def _determined_or_approved(session: Session, case_id: str) -> set[str]:
    determined = session.scalars(select(Determination.by_user_id).where(Determination.case_id == case_id))
    approved = session.scalars(
        select(Approval.by_user_id)
        .join(Proposal, Proposal.id == Approval.proposal_id)
        .where(Proposal.case_id == case_id)
    )
    return {*determined, *approved}
