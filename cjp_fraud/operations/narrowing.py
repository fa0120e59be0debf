"""Decide a dispute so that its measure restricts less: what may stay restricted, and the act itself."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from cjp_fraud.contracts.contract_reader import contract_at
from cjp_fraud.deployment import Deployment
from cjp_fraud.operations.cases import CaseStanding, enforce_now
from cjp_fraud.operations.measure_choice import OfferedMeasure, frozen_traffic_of, offered
from cjp_fraud.operations.short_ids import id_of
from cjp_fraud.review.cases import case_id_of
from cjp_fraud.review.decision_tables import Dispute
from cjp_fraud.review.model import DisputeState, WrongCause
from cjp_fraud.review.narrower_measure import narrowed_to, narrower_candidates
from cjp_fraud.review.requests import MeasureWanted
from cjp_fraud.review.tables import Case
from cjp_fraud.storage.database import at_one_moment, reading
from cjp_fraud.suspension.enforcement import EnforcementReport
from cjp_fraud.suspension.model import MeasureState
from cjp_fraud.suspension.narrowing import narrow_by_dispute
from cjp_fraud.suspension.tables import Measure, Narrowing
from cjp_fraud.suspension.wrongful_measures import enter_narrowed


@dataclass(frozen=True, slots=True)
class NarrowingResult:
    """A dispute that was decided so that its measure restricts less, and what was done at once.

    Parameters
    ----------
    confirmed_at : when the platform's read-back showed nothing wider in force; None: it is not known yet, and
        ``run-due`` tries again.
    """

    case: CaseStanding
    dispute_id: str
    state: DisputeState
    restricts: str
    confirmed_at: datetime | None
    enforcement: EnforcementReport


def narrower_measures(deployment: Deployment, now: datetime, case: str) -> tuple[OfferedMeasure, ...]:
    """Return the measures to which a case's measure in force can be narrowed, replayed, the narrowest first.

    Raises
    ------
    NotFoundError
        If the case is not on record.
    """
    with reading(deployment.engine) as session:
        at_one_moment(session)
        return narrower_offered(session, session.get_one(Case, case_id_of(session, case)), now)


def narrower_offered(session: Session, row: Case, now: datetime) -> tuple[OfferedMeasure, ...]:
    """Return the same of a case's row, read in a session that others read in too."""
    measure = session.scalar(
        select(Measure).where(Measure.case_id == row.id, Measure.state == MeasureState.IN_FORCE)
    )
    flagged = frozen_traffic_of(session, row) if measure is not None else None
    if measure is None or flagged is None:
        return ()
    standing = narrowed_to(measure.restriction.kind, measure.restriction.scope)
    home = contract_at(session, row.tenant_id, now).country
    return tuple(offered(each) for each in narrower_candidates(standing, flagged, home=home))


def narrow_dispute(
    deployment: Deployment,
    by: str,
    now: datetime,
    dispute_id: str,
    *,
    wanted: MeasureWanted,
    reasons: str,
    cause: WrongCause | None = None,
) -> NarrowingResult:
    """Decide a dispute in part for the customer, as somebody who took no part in its case: the measure is narrowed.

    The platform replaces the measure in one step, then the customer is told what stays restricted and how to dispute
    it again. What was too wide is entered in the ledger of wrongful measures.

    Parameters
    ----------
    wanted : kind and scope of what stays restricted.
    cause : what the part that was too wide goes back to; None: it is said later.

    Raises
    ------
    NotFoundError
        If the dispute or the user is not on record.
    Refused
        Names everything that stands in the way.
    """
    with deployment.deciding(by, now) as decision:
        meant = id_of(decision.session, Dispute.id, dispute_id, "dispute", "cjp-fraud disputes list")
        narrowing = narrow_by_dispute(decision, meant, wanted, deployment.policy, reasons=reasons)
        enter_narrowed(decision, narrowing, cause)
        narrowing_id, case_id = narrowing.id, narrowing.case_id
    report = enforce_now(deployment, now, case_id)
    with reading(deployment.engine) as session:
        standing = CaseStanding.of(session.get_one(Case, case_id))
        row = session.get_one(Narrowing, narrowing_id)
        return NarrowingResult(
            standing, meant, DisputeState.NARROWED, row.after.words, row.confirmed_at, report
        )
