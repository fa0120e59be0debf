"""Measures and the gate as screens and programs see them."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from cjp_fraud.config import PlatformMode
from cjp_fraud.contracts.restriction import MeasureKind, Scope
from cjp_fraud.documents import from_document
from cjp_fraud.review.model import BEFORE_THE_MEASURE, CaseState
from cjp_fraud.review.tables import Case
from cjp_fraud.storage.read_rows import has_none
from cjp_fraud.suspension.after_notices import after_notice
from cjp_fraud.suspension.emergency import is_unapproved
from cjp_fraud.suspension.gate import check
from cjp_fraud.suspension.model import CommandKind, CommandOutcome, Ending, GateFacts, MeasureState
from cjp_fraud.suspension.platform import ReadBack
from cjp_fraud.suspension.requirements import POINTS, STANDS_FOR, Basis
from cjp_fraud.suspension.stage_views import StagesView, stages_view
from cjp_fraud.suspension.tables import Measure, PlatformCommand, Reaffirmation

ON_THE_WAY: Final = BEFORE_THE_MEASURE | {CaseState.DETERMINED, CaseState.SUSPENDING}
"""States in which the gate's points are shown."""

PAST_ITS_END: Final = "past its end"
"""How a measure stands whose end has come and which is not on record as ended."""


@dataclass(frozen=True, slots=True)
class CommandView:
    """A command to the platform; ``outcome`` and ``read_back`` are None until the platform has answered."""

    number: int
    kind: CommandKind
    ordered_at: datetime
    outcome: CommandOutcome | None
    read_back: ReadBack | None


@dataclass(frozen=True, slots=True)
class ReaffirmationView:
    """A reaffirmation by a person; two people in one round keep the measure."""

    round: int
    at: datetime
    by_user_id: str


@dataclass(frozen=True, slots=True)
class MeasureView:
    """A measure with its commands and reaffirmations; times are aware.

    Parameters
    ----------
    case : the case's number.
    standing : its state in words; ``past its end`` where its end has come and it is not on record as ended.
    basis : on what it began.
    unless_approved_by : when it ends by itself unless it is approved; aware. None: it is approved, or has ended.
    after_notice : by when the customer is told, or how late that was, after a measure without prior notice; None: there
        is no such duty, or it was met.
    stages : how it is, or was, lifted in stages; None: it is not.
    """

    case: int
    tenant_id: str
    kind: MeasureKind
    state: MeasureState
    standing: str
    past_its_end: bool
    mode: PlatformMode
    in_force_at: datetime | None
    review_at: datetime
    ends_at: datetime
    ending: Ending | None
    ended_at: datetime | None
    scope: Scope
    basis: Basis
    unless_approved_by: datetime | None
    id: str
    commands: tuple[CommandView, ...]
    reaffirmations: tuple[ReaffirmationView, ...]
    after_notice: str | None
    stages: StagesView | None = None


@dataclass(frozen=True, slots=True)
class GatePointView:
    """One point of the gate, whether it holds now, and if not, why not; ``by``: what meets it instead."""

    point: int
    holds: bool
    why_not: tuple[str, ...]
    by: Basis | None = None


def measure_views(
    session: Session,
    at: datetime,
    *,
    case_id: str | None = None,
    tenant_id: str | None = None,
    in_force_only: bool = False,
) -> tuple[MeasureView, ...]:
    """Return measures with their commands and reaffirmations as they stand at ``at`` (aware), the newest first."""
    if case_id is not None and has_none(session, Measure, case_id):
        return ()
    chosen = select(Measure.id)
    if case_id is not None:
        chosen = chosen.where(Measure.case_id == case_id)
    if tenant_id is not None:
        chosen = chosen.where(Measure.tenant_id == tenant_id)
    if in_force_only:
        chosen = chosen.where(Measure.state == MeasureState.IN_FORCE)
    rows = session.execute(
        select(Measure, Case.number)
        .join(Case, Case.id == Measure.case_id)
        .where(Measure.id.in_(chosen))
        .order_by(Measure.id.desc())
    ).all()
    if not rows:
        return ()
    unapproved = _unapproved(session, chosen)
    commands, reaffirmations = _commands(session, chosen), _reaffirmations(session, chosen)
    return tuple(
        MeasureView(
            case=number,
            tenant_id=measure.tenant_id,
            kind=measure.restriction.kind,
            state=measure.state,
            standing=PAST_ITS_END if measure.is_past_its_end(at) else measure.state,
            past_its_end=measure.is_past_its_end(at),
            mode=measure.mode,
            in_force_at=measure.in_force_at,
            review_at=measure.review_at,
            ends_at=measure.ends_at,
            ending=measure.ending,
            ended_at=measure.ended_at,
            scope=measure.restriction.scope,
            basis=measure.basis,
            unless_approved_by=measure.lapses_at if measure.id in unapproved else None,
            id=measure.id,
            commands=tuple(commands[measure.id]),
            reaffirmations=tuple(reaffirmations[measure.id]),
            after_notice=duty.sentence if (duty := after_notice(session, measure, at)) is not None else None,
            stages=stages_view(session, measure, at) if measure.narrowed_to is not None else None,
        )
        for measure, number in rows
    )


def gate_view(case: Case, facts: GateFacts | None, at: datetime) -> tuple[GatePointView, ...]:
    """Return each point of the gate with what keeps it shut, for a case that is on its way; else nothing.

    Parameters
    ----------
    facts : of the case at ``at`` (aware); None where it is not on its way.
    """
    if facts is None or case.state not in ON_THE_WAY:
        return ()
    sentences: dict[int, list[str]] = defaultdict(list)
    decision = check(facts, at)
    for obstacle in decision.obstacles:
        sentences[obstacle.point].append(obstacle.sentence)
    met = STANDS_FOR[decision.basis]
    return tuple(
        GatePointView(
            point, point not in sentences, tuple(sentences[point]), decision.basis if point in met else None
        )
        for point in POINTS
    )


def _unapproved(session: Session, chosen: Select[str]) -> frozenset[str]:
    """Return the ids of measures that were ordered in an emergency, are in force, and are not approved yet."""
    ordered = session.scalars(
        select(Measure).where(
            Measure.id.in_(chosen),
            Measure.emergency_id.is_not(None),
            Measure.state.in_([MeasureState.ORDERED, MeasureState.IN_FORCE]),
        )
    )
    return frozenset(measure.id for measure in ordered if is_unapproved(session, measure))


def _commands(session: Session, chosen: Select[str]) -> dict[str, list[CommandView]]:
    """Return the commands of each measure in their order."""
    views = defaultdict(list)
    for row in session.scalars(
        select(PlatformCommand).where(PlatformCommand.measure_id.in_(chosen)).order_by(PlatformCommand.number)
    ):
        answer = from_document(ReadBack, row.read_back) if row.read_back is not None else None
        view = CommandView(row.number, row.kind, row.ordered_at, row.outcome, answer)
        views[row.measure_id].append(view)
    return views


def _reaffirmations(session: Session, chosen: Select[str]) -> dict[str, list[ReaffirmationView]]:
    """Return the reaffirmations of each measure in their order."""
    views = defaultdict(list)
    for row in session.scalars(
        select(Reaffirmation)
        .where(Reaffirmation.measure_id.in_(chosen))
        .order_by(Reaffirmation.round, Reaffirmation.at)
    ):
        views[row.measure_id].append(ReaffirmationView(row.round, row.at, row.by_user_id))
    return views
