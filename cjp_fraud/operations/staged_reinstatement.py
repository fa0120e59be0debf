"""Reinstate a case in stages, hold what is planned, let it go on, and look at how far it is."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from cjp_fraud.deployment import Deployment
from cjp_fraud.errors import NotFoundError
from cjp_fraud.operations.cases import enforce_now
from cjp_fraud.review.cases import case_id_of
from cjp_fraud.review.model import RestoreCheck
from cjp_fraud.review.requests import MeasureWanted
from cjp_fraud.storage.database import at_one_moment, reading
from cjp_fraud.suspension import staged_reinstatement
from cjp_fraud.suspension.enforcement import EnforcementReport
from cjp_fraud.suspension.stage_rules import stage_time
from cjp_fraud.suspension.stage_views import StagesView, newest_stages
from cjp_fraud.suspension.staged_reinstatement import LaterStage, StagesWanted


@dataclass(frozen=True, slots=True)
class AskedStage:
    """What stays restricted in a stage after the first, and from when on, as a person writes it (``4h``)."""

    measure: MeasureWanted
    when: str


@dataclass(frozen=True, slots=True)
class AskedStages:
    """What stays restricted at once, the later stages, and the earliest full lift, as a person writes it."""

    first: MeasureWanted
    later: Sequence[AskedStage]
    lift: str

    @property
    def wanted(self) -> StagesWanted:
        """The same with its moments read.

        Raises
        ------
        BadInputError
            If a moment is none.
        """
        later = tuple(LaterStage(stage.measure, stage_time(stage.when)) for stage in self.later)
        return StagesWanted(self.first, later, stage_time(self.lift))


@dataclass(frozen=True, slots=True)
class StagedResult:
    """How the stages of a reinstatement stand after an act, and what was done at once."""

    stages: StagesView
    enforcement: EnforcementReport


def reinstate_in_stages(
    deployment: Deployment,
    by: str,
    now: datetime,
    case: str,
    *,
    asked: AskedStages,
    reasons: str,
    checks: Collection[RestoreCheck] = (),
) -> StagedResult:
    """Lift a measure in stages, as an approver: the first at once, each narrower than the one before, then all of it.

    The customer is told of all stages once the platform shows the first. ``run-due`` carries the later ones out. The
    same order again decides nothing, and carries on with what was interrupted.

    Parameters
    ----------
    checks : what the person saw to before; it goes on record with what they did not.

    Raises
    ------
    BadInputError
        If a moment is none.
    Refused
        Names everything that stands in the way.
    """
    wanted = asked.wanted
    with deployment.deciding(by, now) as decision:
        case_id = case_id_of(decision.session, case)
        staged_reinstatement.reinstate_in_stages(
            decision, case_id, wanted, deployment.policy, reasons=reasons, checks=checks
        )
    return _carried_on(deployment, now, case_id)


def hold_stages(deployment: Deployment, by: str, now: datetime, case: str, *, reasons: str) -> StagedResult:
    """Hold a reinstatement in stages, as an approver: no further stage comes until somebody lets it go on.

    Raises
    ------
    Refused
        Names everything that stands in the way.
    """
    with deployment.deciding(by, now) as decision:
        case_id = case_id_of(decision.session, case)
        staged_reinstatement.hold_stages(decision, case_id, reasons)
    return _carried_on(deployment, now, case_id)


def resume_stages(deployment: Deployment, by: str, now: datetime, case: str, *, reasons: str) -> StagedResult:
    """Let a held reinstatement go on, as an approver; what is due by then is carried out at once.

    Raises
    ------
    Refused
        Names everything that stands in the way.
    """
    with deployment.deciding(by, now) as decision:
        case_id = case_id_of(decision.session, case)
        staged_reinstatement.resume_stages(decision, case_id, reasons)
    return _carried_on(deployment, now, case_id)


def show_stages(deployment: Deployment, now: datetime, case: str) -> StagesView:
    """Return how far the reinstatement of a case in stages is, and what comes next.

    Raises
    ------
    NotFoundError
        If the case is not on record, or was never reinstated in stages.
    """
    with reading(deployment.engine) as session:
        at_one_moment(session)
        stages = newest_stages(session, case_id_of(session, case), now)
    if stages is None:
        raise NotFoundError(f"case {case} was not reinstated in stages")
    return stages


def _carried_on(deployment: Deployment, now: datetime, case_id: str) -> StagedResult:
    report = enforce_now(deployment, now, case_id)
    with reading(deployment.engine) as session:
        stages = newest_stages(session, case_id, now)
    assert stages is not None, "it was ordered"
    return StagedResult(stages, report)
