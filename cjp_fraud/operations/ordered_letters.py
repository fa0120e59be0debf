"""Letters that a person orders on a case: a conditional warning, a notice of breach, and their withdrawal.

Each function takes the deployment, the name of the user who acts and the moment ``now`` (aware). ``case`` is a case's
number or id, as people type it.

Raises, in all of them
----------------------
NotFoundError
    If the case or the user is not on record.
Refused
    If something stands in the way; it names everything that does.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from cjp_fraud.contracts.contract_reader import contract_at
from cjp_fraud.deployment import Deployment
from cjp_fraud.notices.delivery_record import progress_at
from cjp_fraud.notices.model import NoticeKind
from cjp_fraud.notices.tables import NoticePlan
from cjp_fraud.operations.cases import enforce_now
from cjp_fraud.operations.short_ids import id_of
from cjp_fraud.review.cases import case_id_of
from cjp_fraud.review.earlier_notice import conditional_notice
from cjp_fraud.review.requests import BreachWanted, WarningWanted
from cjp_fraud.review.tables import Case
from cjp_fraud.storage.database import reading
from cjp_fraud.suspension import ordered_letters
from cjp_fraud.suspension.enforcement import EnforcementReport


@dataclass(frozen=True, slots=True)
class OrderedLetter:
    """A letter that was ordered, and what became of it at once.

    Parameters
    ----------
    suffices : of a warning, whether the contract lets it be the notice that a measure needs; None: it is no warning.
    complete_at : when it is served and its periods are over; None: not yet known.
    """

    case: int
    plan_id: str
    kind: NoticeKind
    suffices: bool | None
    complete_at: datetime | None
    enforcement: EnforcementReport


def warn(deployment: Deployment, by: str, now: datetime, case: str, wanted: WarningWanted) -> OrderedLetter:
    """Serve a conditional warning on an open case before its determination, where the contract allows it."""
    # Loaded here: the lake's libraries take longer than any other command on cases.
    from cjp_fraud.detection.evidence_rows import evidence_rows

    with deployment.deciding(by, now) as decision:
        case_id = case_id_of(decision.session, case)
        plan = ordered_letters.order_warning(
            decision, case_id, wanted, deployment.policy, evidence_rows(deployment.lake)
        )
        terms = contract_at(decision.session, plan.tenant_id, now).terms
        plan_id, suffices = plan.id, conditional_notice(terms).suffices is True
    return _sent(deployment, now, plan_id, suffices)


def notify_breach(
    deployment: Deployment, by: str, now: datetime, case: str, wanted: BreachWanted
) -> OrderedLetter:
    """Serve a notice of breach, with its cure period, on a case whose traffic was found fraudulent."""
    with deployment.deciding(by, now) as decision:
        case_id = case_id_of(decision.session, case)
        plan_id = ordered_letters.order_breach(decision, case_id, wanted, deployment.policy).id
    return _sent(deployment, now, plan_id, None)


def withdraw_letter(
    deployment: Deployment, by: str, now: datetime, case: str, plan: str, *, reasons: str
) -> EnforcementReport:
    """Withdraw a warning or a notice of breach, named by its plan's id or how it begins, and tell the customer."""
    with deployment.deciding(by, now) as decision:
        case_id = case_id_of(decision.session, case)
        plan_id = id_of(decision.session, NoticePlan.id, plan, "notice plan", f"cjp-fraud cases show {case}")
        ordered_letters.withdraw_letter(decision, case_id, plan_id, reasons)
    return enforce_now(deployment, now, case_id)


def _sent(deployment: Deployment, now: datetime, plan_id: str, suffices: bool | None) -> OrderedLetter:
    with reading(deployment.engine) as session:
        plan = session.get_one(NoticePlan, plan_id)
        case_id, kind, number = plan.case_id, plan.kind, session.get_one(Case, plan.case_id).number
    done = enforce_now(deployment, now, case_id)
    with reading(deployment.engine) as session:
        complete_at = progress_at(session, plan_id, now).complete_at
    return OrderedLetter(number, plan_id, kind, suffices, complete_at, done)
