"""How right the detection was: precision of its cases with an interval, calibration, drift."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import select

from cjp_fraud.clock import aware, day_of
from cjp_fraud.deployment import Deployment
from cjp_fraud.detection.calibration_check import CalibrationCheck, check_calibration
from cjp_fraud.detection.decided_cases import findings_by_case
from cjp_fraud.detection.precision import Precision, precision_of
from cjp_fraud.errors import StorageError
from cjp_fraud.operations.model_versions import ModelVersionView, list_versions
from cjp_fraud.review.tables import Case
from cjp_fraud.storage.database import at_one_moment, reading

_WINDOWS: Final = (28, 90, None)


@dataclass(frozen=True, slots=True)
class ModelQuality:
    """How right the detection was.

    Parameters
    ----------
    precisions : of the cases opened in the newest 28 and 90 days, and of all.
    calibration : a clock each; None: the lake cannot be read now.
    drift : population stability index of the newest version's last week against the three before, by name.
    warnings : what has shifted so far that somebody should look.
    """

    precisions: tuple[Precision, ...]
    calibration: tuple[CalibrationCheck, ...] | None
    drift: dict[str, float]
    warnings: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ModelDesk:
    """The model versions, and how right they were.

    Parameters
    ----------
    versions : the newest Monday first.
    standing : id of the version in force; None: the initial threshold.
    """

    versions: tuple[ModelVersionView, ...]
    standing: str | None
    quality: ModelQuality


def model_quality(deployment: Deployment, now: datetime) -> ModelQuality:
    """Return how right the detection was, as people found until ``now`` (aware)."""
    return _quality(deployment, now, list_versions(deployment))


def look_at_models(deployment: Deployment, now: datetime) -> ModelDesk:
    """Return the model versions with that which counts at ``now`` (aware), and how right the detection was."""
    versions = list_versions(deployment)
    counting = [(start, each.id) for each in versions for start in each.valid_from if start <= now]
    standing = max(counting)[1] if counting else None
    return ModelDesk(versions, standing, _quality(deployment, now, versions))


def _quality(deployment: Deployment, now: datetime, versions: tuple[ModelVersionView, ...]) -> ModelQuality:
    with reading(deployment.engine) as session:
        at_one_moment(session)
        findings = findings_by_case(session)
        cases = session.execute(select(Case.id, Case.opened_at)).all()
    precisions = []
    for days in _WINDOWS:
        since = None if days is None else now - timedelta(days=days)
        found = [findings.get(case_id) for case_id, opened in cases if since is None or opened >= since]
        precisions.append(precision_of(found, days))
    try:
        calibration = check_calibration(deployment.lake, day_of(aware(now).date()))
    except StorageError:
        calibration = None
    newest = versions[0] if versions else None
    return ModelQuality(
        tuple(precisions),
        calibration,
        newest.drift if newest is not None else {},
        newest.warnings if newest is not None else (),
    )
