"""Findings of fraud that were overturned: by a dispute decided for the tenant, or as a wrongful measure."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from cjp_fraud.review.decision_tables import Dispute, WrongfulMeasure
from cjp_fraud.review.model import DisputeState


def overturned(session: Session) -> list[tuple[str, datetime]]:
    """Return case and moment (aware) of each; a finding of fraud of before it counts no more."""
    disputes = select(Dispute.case_id, Dispute.decided_at).where(Dispute.state == DisputeState.UPHELD)
    found = select(WrongfulMeasure.case_id, WrongfulMeasure.found_at).where(
        WrongfulMeasure.narrowing_id.is_(None)  # of one that was only too wide the finding stands
    )
    decided = [(case_id, at) for case_id, at in session.execute(disputes) if at is not None]
    return decided + [(case_id, at) for case_id, at in session.execute(found)]
