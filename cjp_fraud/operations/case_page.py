"""Look at one case with all that is on record of it."""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import datetime

from cjp_fraud.deployment import Deployment
from cjp_fraud.review.case_reader import case_view
from cjp_fraud.review.cases import case_id_of
from cjp_fraud.review.tables import Case
from cjp_fraud.review.views import CaseView
from cjp_fraud.storage.database import at_one_moment, reading
from cjp_fraud.suspension.views import GatePointView, MeasureView, gate_view, measure_views


@dataclass(frozen=True, slots=True)
class CasePage(CaseView):
    """A case with what the gate says of it now, and its measures, the newest first."""

    gate: tuple[GatePointView, ...]
    measures: tuple[MeasureView, ...]


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
        case_id = case_id_of(session, case)
        view = case_view(session, case_id, now)
        row = session.get_one(Case, case_id)
        return CasePage(
            **{column.name: getattr(view, column.name) for column in fields(CaseView)},
            gate=gate_view(session, row, deployment.policy, now),
            measures=measure_views(session, now, case_id=case_id),
        )
