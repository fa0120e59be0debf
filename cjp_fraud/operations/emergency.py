"""Restrict at once on one reviewer's order, where counsel has marked the ground; unapproved, it ends by itself.

``case`` is a case's number or id, as people type it; ``by`` the name of the user who acts; ``now`` aware.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from cjp_fraud.deployment import Deployment
from cjp_fraud.operations.cases import CaseStanding, enforce_now
from cjp_fraud.review.cases import case_id_of
from cjp_fraud.review.tables import Case
from cjp_fraud.storage.database import reading
from cjp_fraud.suspension import emergency
from cjp_fraud.suspension.emergency_gate import APPROVED_WITHIN
from cjp_fraud.suspension.enforcement import EnforcementReport


@dataclass(frozen=True, slots=True)
class EmergencyResult:
    """An order in an emergency, and how far the case has come on it.

    Parameters
    ----------
    given_before : whether the person had ordered it already and only carried on what was interrupted.
    unless_approved_by : when the measure ends by itself unless somebody who took no part approves it before.
    """

    case: CaseStanding
    ordered_at: datetime
    unless_approved_by: datetime
    given_before: bool
    enforcement: EnforcementReport


def order_in_emergency(
    deployment: Deployment,
    by: str,
    now: datetime,
    case: str,
    *,
    reasons: str,
    expected_sha256: str | None = None,
) -> EmergencyResult:
    """Take the proposed measure at once, as a reviewer, and tell the customer; the approval has 30 minutes to follow.

    A run that died after the order was on record may be run again: it then only carries on.

    Parameters
    ----------
    reasons : why it cannot wait for an approval.
    expected_sha256 : digest, or its first 8 or more digits, of the version that the person read.

    Raises
    ------
    NotFoundError
        If the case or the user is not on record.
    Refused
        Names everything that stands in the way.
    """
    with deployment.deciding(by, now) as decision:
        case_id = case_id_of(decision.session, case)
        before = emergency.order_to_carry_out(decision, case_id)
        if before is None:
            emergency.order_in_emergency(
                decision, case_id, deployment.policy, reasons=reasons, expected_sha256=expected_sha256
            )
        ordered_at = before.at if before is not None else decision.at
    report = enforce_now(deployment, now, case_id)
    with reading(deployment.engine) as session:
        standing = CaseStanding.of(session.get_one(Case, case_id))
    return EmergencyResult(standing, ordered_at, ordered_at + APPROVED_WITHIN, before is not None, report)
