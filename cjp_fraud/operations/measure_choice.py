"""Look at the measures that could meet a case's fraud, each replayed on the traffic that was flagged."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from cjp_fraud.contracts.contract_reader import contract_at
from cjp_fraud.contracts.contract_terms import asks_for_the_narrowest
from cjp_fraud.contracts.restriction import MeasureKind, Scope
from cjp_fraud.deployment import Deployment
from cjp_fraud.review.cases import case_id_of, flags_in_force
from cjp_fraud.review.decision_tables import DeterminationFlag
from cjp_fraud.review.determination import latest_determination
from cjp_fraud.review.evidence import rows_to_freeze
from cjp_fraud.review.frozen_traffic import flagged_traffic
from cjp_fraud.review.measure_candidates import candidates, why_wider_fault
from cjp_fraud.review.measure_fit import Flagged
from cjp_fraud.review.measure_replay import ReplayedMeasure
from cjp_fraud.review.model import CaseState
from cjp_fraud.review.principals import frozen_principals
from cjp_fraud.review.tables import Case, EvidenceSet, Flag
from cjp_fraud.storage.database import at_one_moment, reading

UNDECIDED = (CaseState.OPEN, CaseState.IN_REVIEW)
"""States in which the traffic is read as it would be frozen; after them, what was frozen with the determination is."""


@dataclass(frozen=True, slots=True)
class OfferedMeasure:
    """A measure that could meet the fraud, and what it would have done in the flagged intervals.

    Parameters
    ----------
    stops : share of the excess contacts that it stops, 0 to 1; None: the rows do not tell.
    cuts_per_hour : usual contacts that it cuts in an hour; None: the rows do not tell.
    cuts_more : whether it cuts more, in series that were not flagged and so are not replayed.
    suffices : whether it stops nearly all of the excess (95 %).
    wider_than_needed : why whoever chooses it must say why (``--because-wider``); None: they need not.
    words : the same as a sentence.
    """

    kind: MeasureKind
    scope: Scope
    stops: float | None
    cuts_per_hour: float | None
    cuts_more: bool
    suffices: bool
    wider_than_needed: str | None
    words: str


def measures_of_case(deployment: Deployment, now: datetime, case: str) -> tuple[OfferedMeasure, ...]:
    """Return the measures that could meet a case's fraud, the narrowest first; none where no traffic is at hand.

    Parameters
    ----------
    now : aware.
    case : the case's number or id.

    Raises
    ------
    NotFoundError
        If the case is not on record.
    StorageError
        If the lake cannot be read.
    """
    with reading(deployment.engine) as session:
        at_one_moment(session)
        return offered_measures(session, deployment, session.get_one(Case, case_id_of(session, case)), now)


def offered_measures(
    session: Session, deployment: Deployment, row: Case, now: datetime
) -> tuple[OfferedMeasure, ...]:
    """Return the same of a case's row, read in a session that others read in too."""
    flagged = (
        _undecided(session, deployment, row) if row.state in UNDECIDED else frozen_traffic_of(session, row)
    )
    if flagged is None:
        return ()
    position = contract_at(session, row.tenant_id, now)
    duty, home = asks_for_the_narrowest(position.terms), position.country
    return tuple(
        offered(each, wider_than_needed=why_wider_fault(each.kind, each.scope, flagged, duty=duty, home=home))
        for each in candidates(flagged, home=home)
    )


def offered(replayed: ReplayedMeasure, *, wider_than_needed: str | None = None) -> OfferedMeasure:
    """Return a replayed measure as it is offered."""
    return OfferedMeasure(
        kind=replayed.kind,
        scope=replayed.scope,
        stops=replayed.stops,
        cuts_per_hour=replayed.cuts_per_hour,
        cuts_more=replayed.cuts_more,
        suffices=replayed.suffices,
        wider_than_needed=wider_than_needed,
        words=replayed.words,
    )


def _undecided(session: Session, deployment: Deployment, row: Case) -> Flagged | None:
    """Return what the rows say that a determination would freeze now."""
    # Loaded here: the lake's libraries take longer than any other look at a case.
    from cjp_fraud.detection.evidence_rows import evidence_rows

    flags = flags_in_force(session, row.id)
    if not flags:
        return None
    rows = rows_to_freeze(row.tenant_id, flags, evidence_rows(deployment.lake))
    principals = frozen_principals(session, row.id, flags)
    return flagged_traffic(flags, rows, principals.rows, principals.usual)


def frozen_traffic_of(session: Session, row: Case) -> Flagged | None:
    """Return what was frozen with the newest determination says; None: nothing was."""
    determination = latest_determination(session, row)
    if determination is None or determination.evidence_set_id is None:
        return None
    evidence = json.loads(session.get_one(EvidenceSet, determination.evidence_set_id).document)
    named = select(DeterminationFlag.flag_id).where(DeterminationFlag.determination_id == determination.id)
    flags = session.scalars(
        select(Flag).where(Flag.id.in_(named)).order_by(Flag.interval_start, Flag.id)
    ).all()
    return flagged_traffic(flags, evidence["rows"], evidence["by_principal"], evidence["usual_by_principal"])
