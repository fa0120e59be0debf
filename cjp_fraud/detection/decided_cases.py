"""Cases that people decided, as a measure of thresholds: which of them a threshold would have found."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np
from sqlalchemy import Engine, func, select
from sqlalchemy.orm import Session

from cjp_fraud.detection.operating_point import SpikeWindow
from cjp_fraud.detection.precision import DecidedCase
from cjp_fraud.review.decision_tables import Determination
from cjp_fraud.review.model import Finding
from cjp_fraud.review.overturned import overturned
from cjp_fraud.review.tables import Case
from cjp_fraud.storage.database import reading
from features.counting_clocks import Thresholds


def read_decided(engine: Engine) -> tuple[DecidedCase, ...]:
    """All cases with a finding, as :func:`findings_by_case` has it."""
    query = select(Case.id, Case.tenant_id, Case.first_flag_at, Case.last_flag_at).order_by(Case.number)
    with reading(engine) as session:
        findings = findings_by_case(session)
        return tuple(
            DecidedCase(tenant_id, int(first.timestamp()), int(last.timestamp()), findings[case_id])
            for case_id, tenant_id, first, last in session.execute(query)
            if case_id in findings
        )


def findings_by_case(session: Session) -> dict[str, Finding]:
    """Return the finding of each case that has one, by the case's id.

    It is the newest, or *not fraudulent* where it was overturned.
    """
    newest = (
        select(Determination.case_id, func.max(Determination.number).label("number"))
        .group_by(Determination.case_id)
        .subquery()
    )
    query = select(Determination.case_id, Determination.finding, Determination.at).join(
        newest, (newest.c.case_id == Determination.case_id) & (newest.c.number == Determination.number)
    )
    upheld = overturned(session)
    return {
        case_id: Finding.NOT_FRAUDULENT
        if any(of == case_id and at >= found_at for of, at in upheld)
        else found
        for case_id, found, found_at in session.execute(query)
    }


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
