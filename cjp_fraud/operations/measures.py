"""Take, keep, end, list and check measures: one function an act, each in transactions of its own."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from cjp_fraud.deployment import Deployment
from cjp_fraud.errors import BadInputError, CjpFraudError
from cjp_fraud.operations.head_keeping import head_follows
from cjp_fraud.people.users import actor_named
from cjp_fraud.review.approval import state_need
from cjp_fraud.review.cases import case_id_of
from cjp_fraud.review.model import RestoreCheck
from cjp_fraud.storage.database import reading
from cjp_fraud.suspension import enforcement, measures, reaffirmation, reconciliation, reinstatement
from cjp_fraud.suspension.disagreements import Disagreement
from cjp_fraud.suspension.enforcement import EnforcementReport, ResumeReport
from cjp_fraud.suspension.model import MeasureOutcome, PlatformOutcome
from cjp_fraud.suspension.platform import ReadBack
from cjp_fraud.suspension.reaffirmation import ReaffirmationResult
from cjp_fraud.suspension.traffic_look import TrafficLook, take_look
from cjp_fraud.suspension.views import MeasureView, measure_views


@dataclass(frozen=True, slots=True)
class ReinstatementResult:
    """What became of a measure that was to be lifted, and of the letter that says so.

    Parameters
    ----------
    enforcement : how far the case has come; None where the measure is not known to be lifted.
    """

    measure: MeasureOutcome
    enforcement: EnforcementReport | None


@dataclass(frozen=True, slots=True)
class ReaffirmedMeasure:
    """Where a measure stands after somebody reaffirmed it.

    Parameters
    ----------
    enforcement : whether platform and customer were told; None while another approver is needed.
    """

    measure: ReaffirmationResult
    enforcement: EnforcementReport | None


def apply(
    deployment: Deployment,
    now: datetime,
    case: str,
    *,
    by: str | None = None,
    needed_because: str | None = None,
) -> MeasureOutcome:
    """Take the approved measure of a case, on its standing approval, if all nine points of the gate hold.

    Parameters
    ----------
    by, needed_because : who says again that it is needed, and why, where no flag is fresh; both or neither.

    Raises
    ------
    BadInputError
        If one of the two is given without the other.
    Refused
        With everything that keeps the gate shut.
    """
    if (by is None) != (needed_because is None):
        raise BadInputError(
            "say both who says that the measure is needed, and why; it is taken by the system"
        )
    with reading(deployment.engine) as session:
        case_id = case_id_of(session, case)
    if by is not None and needed_because is not None:
        with deployment.deciding(by, now) as decision:
            state_need(decision, case_id, needed_because)
    with head_follows(deployment, now):
        return measures.apply_measure(deployment.enforcement(now), case_id)


def list_measures(
    deployment: Deployment, *, case: str | None = None, in_force_only: bool = False
) -> tuple[MeasureView, ...]:
    """Return measures with their commands and reaffirmations as they stand now, the newest first.

    One whose end has come and which is not on record as ended says so (``past_its_end``), as :func:`reconcile` does.
    """
    with reading(deployment.engine) as session:
        case_id = case_id_of(session, case) if case is not None else None
        return measure_views(session, deployment.now, case_id=case_id, in_force_only=in_force_only)


def reinstate(
    deployment: Deployment,
    by: str,
    now: datetime,
    case: str,
    *,
    reasons: str,
    checks: Collection[RestoreCheck] = (),
) -> ReinstatementResult:
    """Lift a measure, as an approver, and tell the customer; one that was interrupted is completed.

    Parameters
    ----------
    checks : what the person saw to before; it goes on record with what they did not.

    Raises
    ------
    Refused
        Names everything that is missing.
    """
    with reading(deployment.engine) as session:
        case_id, actor = case_id_of(session, case), actor_named(session, by)
    context = deployment.enforcement(now)
    with head_follows(deployment, now):
        outcome = reinstatement.reinstate(context, case_id, actor, reasons=reasons, checks=checks)
        lifted = outcome.outcome is PlatformOutcome.NOT_IN_FORCE
        return ReinstatementResult(outcome, enforcement.enforce(context, case_id) if lifted else None)


@dataclass(frozen=True, slots=True)
class CorrectedMeasure:
    """A measure whose cause is gone, by when the contract wants it lifted, and what was done at once."""

    measure_id: str
    lift_due_at: datetime
    enforcement: EnforcementReport


def corrected(deployment: Deployment, by: str, now: datetime, case: str, *, reasons: str) -> CorrectedMeasure:
    """Record that the cause of a measure is gone; it is lifted when the contract's lift rule asks for it.

    Raises
    ------
    Refused
        Names everything that is missing.
    """
    with deployment.deciding(by, now) as decision:
        case_id = case_id_of(decision.session, case)
        measure = reinstatement.record_correction(decision, case_id, reasons)
        assert measure.lift_due_at is not None, "a correction has its due moment"
        measure_id, due_at = measure.id, measure.lift_due_at
    with head_follows(deployment, now):
        return CorrectedMeasure(measure_id, due_at, enforcement.enforce(deployment.enforcement(now), case_id))


def look_again(deployment: Deployment, by: str, now: datetime, case: str) -> TrafficLook:
    """Look at the traffic since a measure is in force, as an approver; it is frozen, and reasons can name it.

    Raises
    ------
    Refused
        If no measure of the case is in force, or the person is not an approver.
    """
    from cjp_fraud.detection.evidence_rows import evidence_rows

    with deployment.deciding(by, now) as decision:
        case_id = case_id_of(decision.session, case)
        return take_look(decision, case_id, evidence_rows(deployment.lake))


def reaffirm(
    deployment: Deployment,
    by: str,
    now: datetime,
    case: str,
    *,
    look: str,
    reasons: str,
    although_quiet: str | None = None,
) -> ReaffirmedMeasure:
    """Keep a measure past its review date, as one of two approvers, each with a look of their own and fresh reasons.

    With the second one the customer is told of what is kept, until when and why; once that letter has left, the
    platform is told of the new end. A measure of which the customer could not be told before its end lapses. The
    same words again decide nothing, and carry on with what was interrupted.

    Parameters
    ----------
    look : 8 or more digits of what :func:`look_again` returned to this person.
    although_quiet : why it is needed although the look shows nothing unusual; needed where it does not.

    Raises
    ------
    Refused
        Names everything that is missing.
    """
    with head_follows(deployment, now):
        with deployment.deciding(by, now) as decision:
            case_id = case_id_of(decision.session, case)
            result = reaffirmation.reaffirmation_on_record(
                decision, case_id, look=look, reasons=reasons, although_quiet=although_quiet
            )
            if result is None:
                result = reaffirmation.reaffirm(
                    decision,
                    case_id,
                    look=look,
                    reasons=reasons,
                    although_quiet=although_quiet,
                    policy=deployment.policy,
                )
        if not result.complete:
            return ReaffirmedMeasure(result, None)
        return ReaffirmedMeasure(result, enforcement.enforce(deployment.enforcement(now), case_id))


def restrictions(deployment: Deployment, now: datetime) -> tuple[ReadBack, ...]:
    """Return what the platform says is in force now, by its own entitlements; what is past its end is not."""
    return tuple(deployment.enforcement(now).platform.restrictions(now))


def reconcile(deployment: Deployment, now: datetime) -> tuple[Disagreement, ...]:
    """Compare measures with the platform, lift what is on record as ended, and return what disagreed."""
    with head_follows(deployment, now):
        return reconciliation.reconcile(deployment.enforcement(now))


def reconcile_or_fail(deployment: Deployment, now: datetime) -> tuple[Disagreement, ...]:
    """Do what :func:`reconcile` does, for a schedule that shows people only what fails.

    Raises
    ------
    CjpFraudError
        Names each disagreement that people must settle.
    """
    disagreements = reconcile(deployment, now)
    left = [f"measure {each.measure_id}: {each.sentence}" for each in disagreements if not each.repaired]
    if left:
        raise CjpFraudError("; ".join(left))
    return disagreements


def enforce(deployment: Deployment, now: datetime, case: str) -> EnforcementReport:
    """Do everything that an approved case allows now: notice, measure, lapse, letters that follow."""
    with reading(deployment.engine) as session:
        case_id = case_id_of(session, case)
    with head_follows(deployment, now):
        return enforcement.enforce(deployment.enforcement(now), case_id)


def resume_all(deployment: Deployment, now: datetime) -> ResumeReport:
    """Finish what was interrupted between approval and measure; lapse and expire what has ended.

    Raises
    ------
    CjpFraudError
        After all cases were tried, where one had a fault.
    """
    with head_follows(deployment, now):
        report = enforcement.resume_all(deployment.enforcement(now))
    if report.faults:
        raise CjpFraudError("; ".join(report.faults))
    return report
