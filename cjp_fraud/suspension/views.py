"""Measures and the gate as screens show them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from cjp_fraud.review.model import BEFORE_THE_MEASURE, CaseState, ProviderPolicy
from cjp_fraud.review.tables import Case
from cjp_fraud.suspension.gate import POINTS, check
from cjp_fraud.suspension.gate_facts import gate_facts
from cjp_fraud.suspension.model import MeasureState
from cjp_fraud.suspension.tables import Measure, PlatformCommand, Reaffirmation


def measure_rows(
    session: Session, *, case_id: str | None = None, in_force_only: bool = False
) -> list[dict[str, Any]]:
    """Return measures with their commands and reaffirmations, the newest first."""
    query = select(Measure, Case.number).join(Case, Case.id == Measure.case_id).order_by(Measure.id.desc())
    if case_id is not None:
        query = query.where(Measure.case_id == case_id)
    if in_force_only:
        query = query.where(Measure.state == MeasureState.IN_FORCE)
    return [
        {
            "case": number,
            "tenant_id": row.tenant_id,
            "kind": row.kind,
            "state": row.state,
            "mode": row.mode,
            "in_force_at": row.in_force_at,
            "review_at": row.review_at,
            "ends_at": row.ends_at,
            "ending": row.ending,
            "ended_at": row.ended_at,
            "scope": row.scope,
            "id": row.id,
            "commands": [
                {
                    "number": command.number,
                    "kind": command.kind,
                    "ordered_at": command.ordered_at,
                    "outcome": command.outcome,
                    "read_back": command.read_back,
                }
                for command in session.scalars(
                    select(PlatformCommand)
                    .where(PlatformCommand.measure_id == row.id)
                    .order_by(PlatformCommand.number)
                )
            ],
            "reaffirmations": [
                {"round": one.round, "at": one.at, "by_user_id": one.by_user_id}
                for one in session.scalars(
                    select(Reaffirmation)
                    .where(Reaffirmation.measure_id == row.id)
                    .order_by(Reaffirmation.round, Reaffirmation.at)
                )
            ],
        }
        for row, number in session.execute(query)
    ]


def gate_view(session: Session, case: Case, practice: ProviderPolicy, at: datetime) -> list[dict[str, Any]]:
    """Return each point of the gate with what keeps it shut, for a case that is on its way; else nothing."""
    if case.state not in BEFORE_THE_MEASURE | {CaseState.DETERMINED, CaseState.SUSPENDING}:
        return []
    decision = check(gate_facts(session, case, practice, at), at)
    return [
        {
            "point": point,
            "holds": all(one.point != point for one in decision.obstacles),
            "why_not": [one.sentence for one in decision.obstacles if one.point == point],
        }
        for point in POINTS
    ]
