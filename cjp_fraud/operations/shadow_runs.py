"""Shadow runs: other thresholds, or those of a candidate model version, tried by each detection beside what counts.

Each function takes the deployment and the moment ``now`` (aware), an act also the name of the user who acts, and
returns frozen views. A shadow run opens no cases and sends no letters.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from cjp_fraud.deployment import Deployment
from cjp_fraud.detection import shadow
from cjp_fraud.detection.decided_cases import read_decided, within
from cjp_fraud.detection.registry import find_version, thresholds_of
from cjp_fraud.detection.shadow_rules import (
    LASTS,
    LOOKS_BACK,
    FlaggedSide,
    ShadowComparison,
    SomeTenants,
    compare,
)
from cjp_fraud.detection.tables import ShadowFailure, ShadowHour, ShadowRun
from cjp_fraud.errors import BadInputError
from cjp_fraud.operations.model_versions import thresholds_in_force
from cjp_fraud.operations.reach import tenants_named_to
from cjp_fraud.operations.short_ids import id_of
from cjp_fraud.storage.database import reading
from features.counting_clocks import CLOCKS, Clock


@dataclass(frozen=True, slots=True)
class ShadowRunView:
    """A shadow run as it stands.

    Parameters
    ----------
    thresholds : score that a flag needs, by clock.
    model_version_id : version whose thresholds they are; None: somebody typed them.
    running : whether the next detection tries it.
    hours : UTC hours that were tried, the newest beginning at ``newest_hour``.
    failures : detections in which it failed; ``last_failure`` says what went wrong in the newest, at
        ``last_failure_at``. What counts was recorded all the same.
    """

    id: str
    thresholds: Mapping[str, float]
    model_version_id: str | None
    started_at: datetime
    ends_at: datetime
    stopped_at: datetime | None
    running: bool
    hours: int
    newest_hour: datetime | None
    failures: int
    last_failure_at: datetime | None
    last_failure: str | None


@dataclass(frozen=True, slots=True)
class ShadowRunCompared:
    """A shadow run beside what was in force in the same hours.

    Parameters
    ----------
    run : the run.
    shadow, in_force : what each would have flagged, and how many of the decided cases that is.
    not_kept : flags that are only counted, because an hour had too many; cases and tenants leave them out.
    tenants_new, tenants_gone : flagged by the shadow alone, and by what is in force alone.
    """

    run: ShadowRunView
    shadow: FlaggedSide
    in_force: FlaggedSide
    not_kept: int
    tenants_new: SomeTenants
    tenants_gone: SomeTenants


def start_shadow(
    deployment: Deployment,
    by: str,
    now: datetime,
    *,
    thresholds: Mapping[Clock, float] | None = None,
    version: str | None = None,
    days: float | None = None,
) -> ShadowRunView:
    """Try other thresholds in each detection from now on; it ends by itself, after seven days unless told otherwise.

    Parameters
    ----------
    thresholds : by clock; clocks that are left out are tried with what counts now.
    version : instead of these, a model version by its Monday's date, its id or how the id begins: its own thresholds.
    days : how long, 28 at most.

    Raises
    ------
    NotFoundError
        If no such version is on record, or more than one is meant.
    BadInputError
        If neither or both of them are given, a clock cannot have a threshold, or the days cannot be.
    Refused
        If the user is no admin, or another shadow run goes on.
    """
    if bool(thresholds) == (version is not None):
        raise BadInputError("say what is tried: thresholds by clock, or a model version")
    if days is not None and not 0 < days < 1000:
        raise BadInputError(f"{days:g} days: a shadow run lasts longer than nothing, and 28 days at most")
    lasts = LASTS if days is None else timedelta(days=days)
    standing = thresholds_in_force(deployment, now)
    with deployment.deciding(by, now) as decision:
        row = find_version(decision.session, version) if version is not None else None
        tried = thresholds_of(row) if row is not None else {**standing, **(thresholds or {})}
        version_id = row.id if row is not None else None
        started = shadow.start(decision, tried, lasts=lasts, version_id=version_id)
        return _view(decision.session, started, now)


def stop_shadow(deployment: Deployment, by: str, now: datetime, run: str) -> ShadowRunView:
    """End a shadow run now; one that has ended stays as it is.

    Raises
    ------
    NotFoundError
        If it is not on record.
    Refused
        If the user is no admin.
    """
    with deployment.deciding(by, now) as decision:
        return _view(decision.session, shadow.stop(decision, _id(decision.session, run)), now)


def list_shadows(
    deployment: Deployment, now: datetime, *, most: int | None = None
) -> tuple[ShadowRunView, ...]:
    """Return the shadow runs, the newest first; ``most``: so many at most."""
    query = select(ShadowRun).order_by(ShadowRun.id.desc()).limit(most)
    with reading(deployment.engine) as session:
        return tuple(_view(session, row, now) for row in session.scalars(query))


def show_shadow(
    deployment: Deployment, now: datetime, run: str, *, by: str | None = None
) -> ShadowRunCompared:
    """Compare a shadow run with what was in force in the same hours.

    Parameters
    ----------
    by : name of who asks, who is told the names of tenants that their roles reach; None: the machine's account.

    Raises
    ------
    NotFoundError
        If it is not on record.
    """
    with reading(deployment.engine) as session:
        row = session.get_one(ShadowRun, _id(session, run))
        view = _view(session, row, now)
        hours = shadow.tried_hours(session, row.id)
    first, last = row.started_at - LOOKS_BACK, row.ends_at
    decided = within(read_decided(deployment.engine), int(first.timestamp()), int(last.timestamp()))
    compared = compare(hours, decided)
    return ShadowRunCompared(
        run=view,
        shadow=compared.shadow,
        in_force=compared.in_force,
        not_kept=compared.not_kept,
        **_tenants(deployment, by, compared),
    )


def _tenants(deployment: Deployment, by: str | None, compared: ShadowComparison) -> dict[str, SomeTenants]:
    may_see = tenants_named_to(deployment, by, compared.tenants_new | compared.tenants_gone)
    return {
        "tenants_new": SomeTenants.of(compared.tenants_new, may_see),
        "tenants_gone": SomeTenants.of(compared.tenants_gone, may_see),
    }


def _id(session: Session, run: str) -> str:
    return id_of(session, ShadowRun.id, run, "shadow run", "cjp-fraud models shadow list")


def _view(session: Session, row: ShadowRun, now: datetime) -> ShadowRunView:
    of_run = ShadowHour.shadow_run_id == row.id
    hours, newest = session.execute(select(func.count(), func.max(ShadowHour.hour)).where(of_run)).one()
    failed = ShadowFailure.shadow_run_id == row.id
    failures = session.scalar(select(func.count()).select_from(ShadowFailure).where(failed)) or 0
    last = session.scalars(
        select(ShadowFailure).where(failed).order_by(ShadowFailure.id.desc()).limit(1)
    ).first()
    return ShadowRunView(
        id=row.id,
        thresholds={str(clock): row.thresholds[clock] for clock in CLOCKS if clock in row.thresholds},
        model_version_id=row.model_version_id,
        started_at=row.started_at,
        ends_at=row.ends_at,
        stopped_at=row.stopped_at,
        running=row.started_at <= now < row.ends_at and row.stopped_at is None,
        hours=hours,
        newest_hour=newest,
        failures=failures,
        last_failure_at=last.at if last is not None else None,
        last_failure=last.error if last is not None else None,
    )
