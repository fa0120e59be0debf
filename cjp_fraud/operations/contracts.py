"""What contracts allow, and from when; ``case`` is a case's number or id, as people type it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from cjp_fraud.contracts.restriction import MeasureKind
from cjp_fraud.deployment import Deployment
from cjp_fraud.review.cases import case_id_of
from cjp_fraud.review.tables import Case
from cjp_fraud.storage.database import at_one_moment, reading
from cjp_fraud.suspension.earliest import Earliest, earliest_measures
from cjp_fraud.suspension.gate_facts import gate_facts


@dataclass(frozen=True, slots=True)
class EarliestView:
    """The earliest lawful minute of one measure on one case; see :class:`cjp_fraud.suspension.earliest.Earliest`."""

    case: int
    measure: MeasureKind
    proposed: bool
    earliest_at: datetime | None
    missing: tuple[str, ...]
    missing_then: tuple[str, ...]
    path: tuple[str, ...]


def earliest(deployment: Deployment, now: datetime, case: str) -> tuple[EarliestView, ...]:
    """Return the earliest lawful minute of every kind of measure, the narrowest first.

    Parameters
    ----------
    now : aware.

    Raises
    ------
    NotFoundError
        If the case is not on record.
    """
    with reading(deployment.engine) as session:
        at_one_moment(session)  # its rows and what the log says of them
        row = session.get_one(Case, case_id_of(session, case))
        facts = gate_facts(session, row, deployment.policy, now)
        return tuple(_view(row.number, measure) for measure in earliest_measures(facts, now))


def _view(case: int, measure: Earliest) -> EarliestView:
    return EarliestView(
        case=case,
        measure=measure.kind,
        proposed=measure.proposed,
        earliest_at=measure.at,
        missing=measure.missing,
        missing_then=measure.missing_then,
        path=measure.path,
    )
