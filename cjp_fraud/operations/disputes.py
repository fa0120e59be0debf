"""Enter, decide and list disputes; the rules of :mod:`cjp_fraud.operations.cases` apply."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from cjp_fraud.deployment import Deployment
from cjp_fraud.operations.cases import CaseStanding
from cjp_fraud.review.cases import case_id_of
from cjp_fraud.review.dispute import ListedDispute, decide_dispute, disputes_on_record
from cjp_fraud.review.dispute import open_dispute as open_in_review
from cjp_fraud.review.model import DisputeState
from cjp_fraud.review.tables import Case
from cjp_fraud.storage.database import reading


@dataclass(frozen=True, slots=True)
class DisputeResult:
    """A dispute that was entered or decided; ``answer_due_at`` is an internal target."""

    case: CaseStanding
    dispute_id: str
    state: DisputeState
    answer_due_at: datetime


def open_dispute(deployment: Deployment, by: str, now: datetime, case: str, text: str) -> DisputeResult:
    """Enter a tenant's dispute in the tenant's words; it is to be answered within 60 minutes."""
    with deployment.deciding(by, now) as decision:
        case_id = case_id_of(decision.session, case)
        dispute = open_in_review(decision, case_id, text)
        standing = CaseStanding.of(decision.session.get_one(Case, case_id))
    return DisputeResult(standing, dispute.id, dispute.state, dispute.answer_due_at)


def decide(
    deployment: Deployment, by: str, now: datetime, dispute_id: str, *, upheld: bool, reasons: str
) -> DisputeResult:
    """Decide a dispute, as somebody who neither determined nor approved in its case; upheld is for the tenant."""
    with deployment.deciding(by, now) as decision:
        dispute = decide_dispute(decision, dispute_id, upheld=upheld, reasons=reasons)
        standing = CaseStanding.of(decision.session.get_one(Case, dispute.case_id))
    return DisputeResult(standing, dispute.id, dispute.state, dispute.answer_due_at)


def list_disputes(deployment: Deployment, *, decided_too: bool = False) -> tuple[ListedDispute, ...]:
    """Return the open disputes, the one due first on top; with ``decided_too`` all there are."""
    with reading(deployment.engine) as session:
        return disputes_on_record(session, decided_too=decided_too)
