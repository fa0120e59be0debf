"""Cases that people decided, as a measure of thresholds: which of them a threshold would have found."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from sqlalchemy import Engine, func, select

from cjp_fraud.detection.operating_point import SpikeWindow
from cjp_fraud.review.decision_tables import Determination, Dispute
from cjp_fraud.review.model import DisputeState, Finding
from cjp_fraud.review.tables import Case
from cjp_fraud.storage.database import reading
from features.counting_clocks import Thresholds


@dataclass(frozen=True, slots=True)
class DecidedCase:
    """A case with a finding; ``first`` and ``last`` are the starts of its first and last flag, UTC seconds."""

    tenant_id: str
    first: int
    last: int
    finding: Finding


def read_decided(engine: Engine) -> tuple[DecidedCase, ...]:
    """All cases with a finding: the newest, or *not fraudulent* where a dispute of it was decided for the tenant."""
    newest = (
        select(Determination.case_id, func.max(Determination.number).label("number"))
        .group_by(Determination.case_id)
        .subquery()
    )
    query = (
        select(Case.id, Case.tenant_id, Case.first_flag_at, Case.last_flag_at, Determination)
        .join(newest, newest.c.case_id == Case.id)
        .join(
            Determination,
            (Determination.case_id == Case.id) & (Determination.number == newest.c.number),
        )
        .order_by(Case.number)
    )
    disputes = select(Dispute.case_id, Dispute.decided_at).where(Dispute.state == DisputeState.UPHELD)
    with reading(engine) as session:
        upheld = [(case_id, at) for case_id, at in session.execute(disputes) if at is not None]
        return tuple(
            DecidedCase(
                tenant_id,
                int(first.timestamp()),
                int(last.timestamp()),
                Finding.NOT_FRAUDULENT
                if any(of == case_id and at >= finding.at for of, at in upheld)
                else finding.finding,
            )
            for case_id, tenant_id, first, last, finding in session.execute(query)
        )


def within(decided: Sequence[DecidedCase], begin: int, end: int) -> tuple[DecidedCase, ...]:
    """Those with a flag in [begin, end), UTC seconds."""
    return tuple(case for case in decided if case.last >= begin and case.first < end)


def found_by_finding(
    decided: Sequence[DecidedCase], window: SpikeWindow, thresholds: Thresholds
) -> Counter[Finding]:
    """How many of the cases have a flag at ``thresholds`` between their first and their last flag, by finding."""
    flagged: Counter[Finding] = Counter()
    high = window.reached(thresholds)
    for case in decided:
        flagged[case.finding] += bool(np.any(high & window.during(case.tenant_id, case.first, case.last)))
    return flagged
