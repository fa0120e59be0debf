"""A reviewer's order to restrict at once, before anybody has approved: put on record, and found again."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from cjp_fraud.audit.texts import keep_text
from cjp_fraud.errors import refuse_unless
from cjp_fraud.people.model import Decision, Part, Role
from cjp_fraud.people.participation import record_part
from cjp_fraud.review.cases import in_words, lock_case, note
from cjp_fraud.review.decision_tables import EmergencyOrder
from cjp_fraud.review.model import CaseState
from cjp_fraud.review.proposal import document_of, latest_proposal, obstacles_of, version_checks
from cjp_fraud.storage.base import new_id


def record_emergency_order(
    decision: Decision,
    case_id: str,
    *,
    reasons: str,
    expected_sha256: str | None = None,
    repeat_faults: Sequence[str] = (),
) -> EmergencyOrder:
    """Put a reviewer's emergency order on the standing proposal on record; the caller asks the gate and acts.

    Parameters
    ----------
    reasons : why it cannot wait for an approval.
    expected_sha256 : digest (or its first 8 or more digits) of the version that the person has seen; refused if another
        stands.
    repeat_faults : why this person may not order after an earlier order that nobody approved; none: they may.

    Raises
    ------
    Refused
        Names everything that stands in the way, but for what the gate says.
    """
    session, by, at = decision.session, decision.by, decision.at
    case = lock_case(session, case_id)
    proposal = latest_proposal(session, case)
    refuse_unless(
        (
            case.state is CaseState.DETERMINED,
            f"it is {case.state}; only a determined case can be restricted in an emergency",
        ),
        (by.may(Role.REVIEWER), f"{by} is not a reviewer"),
        (bool(reasons.strip()), "say why it cannot wait for an approval"),
        *((False, fault) for fault in repeat_faults),
        *(() if proposal is None else version_checks(proposal, at, expected_sha256)),
        *(
            ()
            if proposal is None
            else ((False, sentence) for sentence in obstacles_of(document_of(proposal)))
        ),
        (
            proposal is None or emergency_order_of(session, proposal.id) is None,
            "it was ordered in an emergency before; it needs an approval now",
        ),
        action=f"restrict {in_words(case)} in an emergency",
    )
    assert proposal is not None, "a determined case has a proposal"
    assert by.user_id is not None, "only persons have roles"
    words = keep_text(session, reasons.strip(), at)
    order = EmergencyOrder(
        id=new_id(),
        case_id=case.id,
        proposal_id=proposal.id,
        proposal_sha256=proposal.sha256,
        determined_by=proposal.determined_by,
        drawn_at=proposal.drawn_at,
        by_user_id=by.user_id,
        at=at,
        reasons_text_id=words.id,
    )
    session.add(order)
    record_part(session, by, Part.ORDERED_EMERGENCY, case.tenant_id, at, case_id=case.id)
    session.flush()
    content = {"order_id": order.id, "proposal_id": proposal.id, "proposal_sha256": proposal.sha256}
    note(decision, case, "case.emergency_ordered", content, words)
    return order


def emergency_order_of(session: Session, proposal_id: str) -> EmergencyOrder | None:
    """Return the emergency order on a proposal; None: nobody gave one."""
    return session.scalar(select(EmergencyOrder).where(EmergencyOrder.proposal_id == proposal_id))
