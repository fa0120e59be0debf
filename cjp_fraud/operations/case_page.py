"""Look at one case with all that is on record of it."""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import datetime

from sqlalchemy.orm import Session

from cjp_fraud.deployment import Deployment
from cjp_fraud.review.case_reader import case_view
from cjp_fraud.review.cases import case_id_of
from cjp_fraud.review.tables import Case
from cjp_fraud.review.views import CaseView
from cjp_fraud.storage.database import at_one_moment, reading
from cjp_fraud.suspension.cap_views import CapView, cap_views
from cjp_fraud.suspension.gate_facts import gate_facts
from cjp_fraud.suspension.model import GateFacts
from cjp_fraud.suspension.views import ON_THE_WAY, GatePointView, MeasureView, gate_view, measure_views


@dataclass(frozen=True, slots=True)
class CasePage(CaseView):
    """A case with what the gate says of it now, and its measures and caps, the newest first."""

    gate: tuple[GatePointView, ...]
    measures: tuple[MeasureView, ...]
    caps: tuple[CapView, ...]


def show_case(deployment: Deployment, now: datetime, case: str) -> CasePage:
    """Return why a case was flagged, what people decided, what is proposed, and what the gate says.

    Parameters
    ----------
    now : aware; what the gate says is of this moment.
    case : the case's number or id.

    Raises
    ------
    NotFoundError
        If the case is not on record.
    """
    with reading(deployment.engine) as session:
        at_one_moment(session)  # its rows and what the log says of them
        return case_page(session, deployment, session.get_one(Case, case_id_of(session, case)), now)


def case_page(
    session: Session, deployment: Deployment, row: Case, now: datetime, facts: GateFacts | None = None
) -> CasePage:
    """Return the same of a case's row, read in a session that others read in too.

    Parameters
    ----------
    facts : of the case at ``now``, as the gate sees them, where they are read already.
    """
    if facts is None and row.state in ON_THE_WAY:
        facts = gate_facts(session, row, deployment.policy, now)
    view = case_view(session, row.id, now)
    return CasePage(
        **{column.name: getattr(view, column.name) for column in fields(CaseView)},
        gate=gate_view(row, facts, now),
        measures=measure_views(session, now, case_id=row.id),
        caps=cap_views(session, row.id),
    )
