"""Fit, list, show and promote model versions; say what other budgets would have flagged."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from functools import cache, partial
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from cjp_fraud.clock import aware, day_of
from cjp_fraud.config import Settings
from cjp_fraud.deployment import Deployment
from cjp_fraud.detection.decided_cases import read_decided
from cjp_fraud.detection.drift import drift_of, warnings_of
from cjp_fraud.detection.promotion import Trial, TrialOutcome, compare, faults_of
from cjp_fraud.detection.registry import (
    find_version,
    promote,
    standing_thresholds,
    thresholds_of,
)
from cjp_fraud.detection.rules import DetectionRules, rules_of
from cjp_fraud.detection.tables import ModelPromotion, ModelVersion
from cjp_fraud.detection.threshold_settings import rules_in_force
from cjp_fraud.detection.training import train
from cjp_fraud.detection.trials import decided_trial
from cjp_fraud.detection.what_if import OperatingPoint, measure_past, over_budgets
from cjp_fraud.errors import BadInputError, refuse_unless
from cjp_fraud.people.model import admins_only
from cjp_fraud.progress import Report
from cjp_fraud.simulation.promotion_trial import simulated_trial
from cjp_fraud.storage.database import reading
from cjp_fraud.storage.full_disk import full_disk_named
from features.counting_clocks import Thresholds


@dataclass(frozen=True, slots=True)
class ModelVersionView:
    """A registered model version's card.

    Parameters
    ----------
    monday : the Monday that it was fitted for.
    valid_from : moments from which it counts, oldest first.
    threshold : score that a flag of the minute clock needs.
    clock_thresholds : the same of the longer clocks, by name.
    episodes_per_series_week, cases_per_day : budgets that they were chosen for.
    waits_because : why it was not promoted when it was fitted, a sentence each; none: it was.
    trials : what it and the version then in force find where the truth is known.
    standing_version_id : the version then in force; None: the initial threshold.
    window_from, window_to : the traffic that it was fitted on, half-open, UTC.
    parameters : the forests' parameters.
    features : names of the forest's features, in order.
    lake_versions, library_versions : of the tables read, of the libraries used.
    days, scored_days : UTC days of the window with traffic, and with scores; with fewer than 28 of these the initial
        threshold counts.
    series_weeks : weeks of scored series.
    flags, episodes, cases : at the thresholds, in the window; cases as if nobody decided anything.
    drift : population stability index of the score and of the forest's features, the window's last week against the
        three before it; those with too few rows are left out.
    warnings : what has shifted by over .2, a sentence each.
    """

    id: str
    monday: date
    valid_from: tuple[datetime, ...]
    threshold: float
    clock_thresholds: dict[str, float]
    episodes_per_series_week: float
    cases_per_day: float
    waits_because: tuple[str, ...]
    trials: tuple[TrialOutcome, ...]
    standing_version_id: str | None
    window_from: datetime
    window_to: datetime
    fitted_at: datetime
    recipe_version: str
    parameters: dict[str, Any]
    features: tuple[str, ...]
    lake_versions: dict[str, int]
    library_versions: dict[str, str]
    days: float | None
    scored_days: float | None
    series_weeks: float | None
    flags: float | None
    episodes: float | None
    cases: float | None
    drift: dict[str, float]
    warnings: tuple[str, ...]
    file_name: str
    sha256: str
    size_bytes: int

    @property
    def counts_from(self) -> datetime | None:
        """The newest moment from which it counts; None: not promoted yet."""
        return self.valid_from[-1] if self.valid_from else None


@dataclass(frozen=True, slots=True)
class WhatIf:
    """What other budgets would have flagged.

    Parameters
    ----------
    begin, end : the days that were scored anew, half-open, UTC.
    scored_days : of them, with scores; with fewer than 28 a training takes the initial threshold.
    episodes_per_series_week : the other budget, the same for all.
    decided : cases of these days with a finding.
    in_force : the threshold that counts now.
    points : one a budget, ascending.
    """

    begin: datetime
    end: datetime
    scored_days: int
    series_weeks: float
    episodes_per_series_week: float
    decided: int
    in_force: OperatingPoint
    points: tuple[OperatingPoint, ...]


@full_disk_named("training")
def train_versions(
    deployment: Deployment,
    now: datetime,
    *,
    since: datetime | None = None,
    until: datetime | None = None,
    report: Report | None = None,
) -> tuple[ModelVersionView, ...]:
    """Fit and register the version of each Monday from ``since`` to ``until`` that has none; returns the new ones.

    Each is promoted, unless it is worse than the one in force: then it waits, and says why.

    Raises
    ------
    FullDiskError
        If the disk is full; versions that were registered before stay.
    """
    settings = deployment.settings
    made = train(
        deployment.lake,
        deployment.engine,
        settings.model_folder,
        deployment.zones,
        rules_of(settings),
        now,
        since=since,
        until=until,
        simulated=_simulation(settings),
        report=report,
    )
    with reading(deployment.engine) as session:
        return _views(session, made)


@full_disk_named("scoring four weeks anew")
def what_if(
    deployment: Deployment,
    now: datetime,
    *,
    cases_per_day: Sequence[float] = (),
    episodes_per_series_week: float | None = None,
    report: Report | None = None,
) -> WhatIf:
    """Say what budgets would have flagged in the newest 28 days, and how many decided cases they would have found.

    Parameters
    ----------
    cases_per_day : budgets; if none is given, 5 to 80 and the deployment's own.
    episodes_per_series_week : the other budget; None: the deployment's own.

    Raises
    ------
    BadInputError
        If a budget is not above 0, or there is no whole day of traffic.
    """
    if any(not budget > 0 for budget in (*cases_per_day, episodes_per_series_week or 1.0)):
        raise BadInputError("a budget must be above 0")
    settings = deployment.settings
    rules = rules_of(settings)
    if episodes_per_series_week is not None:
        rules = replace(
            rules, budgets=replace(rules.budgets, episodes_per_series_week=episodes_per_series_week)
        )
    past = measure_past(deployment.lake, deployment.engine, deployment.zones, rules, now, report=report)
    return WhatIf(
        begin=past.begin,
        end=past.end,
        scored_days=past.window.scored_days,
        series_weeks=past.window.series_weeks,
        episodes_per_series_week=rules.budgets.episodes_per_series_week,
        decided=len(past.decided),
        in_force=past.point(thresholds_in_force(deployment, now)),
        points=tuple(over_budgets(past, rules, cases_per_day)),
    )


def list_versions(deployment: Deployment) -> tuple[ModelVersionView, ...]:
    """All versions, the newest Monday first."""
    with reading(deployment.engine) as session:
        ids = session.scalars(select(ModelVersion.id).order_by(ModelVersion.monday.desc())).all()
        return _views(session, ids)


def show_version(deployment: Deployment, reference: str) -> ModelVersionView:
    """One version, by its Monday's date, its id or the beginning of its id.

    Raises
    ------
    NotFoundError
        If none, or more than one, is meant; names those that there are.
    """
    with reading(deployment.engine) as session:
        return _views(session, [find_version(session, reference).id])[0]


def promote_version(
    deployment: Deployment,
    by: str,
    now: datetime,
    reference: str,
    *,
    anyway: bool = False,
    because: str | None = None,
) -> ModelVersionView:
    """Let a version count from the next UTC midnight on, if it is no worse than the one in force.

    It is tried against that one on the decided cases of the newest 28 days, and on a simulated cloud.

    Parameters
    ----------
    by : name of a user who is admin.
    anyway : even where it is worse; ``because`` says why, and goes into the log.

    Raises
    ------
    NotFoundError
        If none, or more than one, is meant; names those that there are.
    Refused
        If the user may not do this, or the version is worse; names what speaks against it.
    """
    with reading(deployment.engine) as session:
        version_id = find_version(session, reference).id
        faults = _faults_now(deployment, thresholds_of(session.get_one(ModelVersion, version_id)), now)
    with deployment.deciding(by, now) as decision:
        actor, session = decision.by, decision.session
        refuse_unless(
            admins_only(actor),
            *((anyway, f"{fault} (--anyway --because TEXT promotes it all the same)") for fault in faults),
            (not anyway or bool((because or "").strip()), "say why it is promoted anyway (--because TEXT)"),
            (anyway or because is None, "a reason is kept of a version that is promoted anyway (--anyway)"),
            action="promote a version",
        )
        promote(decision, session.get_one(ModelVersion, version_id), faults, because)
        return _views(session, [version_id])[0]


def thresholds_in_force(deployment: Deployment, now: datetime) -> Thresholds:
    """Return the score that a flag needs at ``now`` (aware), by clock."""
    return _standing(deployment, rules_in_force(deployment.settings, deployment.engine), now)


def fitted_thresholds(deployment: Deployment, now: datetime) -> Thresholds:
    """Return the same as the model version in force has them, whatever admins have set."""
    return _standing(deployment, rules_of(deployment.settings), now)


def _standing(deployment: Deployment, rules: DetectionRules, now: datetime) -> Thresholds:
    with reading(deployment.engine) as session:
        return standing_thresholds(session, rules, day_of(aware(now).date()))


def _faults_now(deployment: Deployment, thresholds: Thresholds, now: datetime) -> tuple[str, ...]:
    """What decided cases of the newest 28 days and the simulation say against thresholds, beside the version in force.

    Versions are compared as they were fitted: what admins have set counts with each of them.
    """
    rules = rules_of(deployment.settings)
    standing = fitted_thresholds(deployment, now)
    simulated = _simulation(deployment.settings)
    if thresholds == standing or (simulated is None and not read_decided(deployment.engine)):
        return ()
    past = measure_past(deployment.lake, deployment.engine, deployment.zones, rules, now)
    trials: list[Trial] = [trial for trial in [decided_trial(past.window, past.decided)] if trial is not None]
    if simulated is not None:
        trials.append(simulated())
    over = past.window.exceeds(standing, rules.budgets)
    return faults_of(compare(trials, thresholds, standing, standing_over_budget=over))


def _simulation(settings: Settings) -> Callable[[], Trial] | None:
    """What makes the simulated trial, once, when it is asked for; None: the deployment has none."""
    if settings.trial_tenants == 0:
        return None
    return cache(partial(simulated_trial, rules_of(settings), settings.trial_tenants))


def _views(session: Session, ids: Sequence[str]) -> tuple[ModelVersionView, ...]:
    valid_from: dict[str, list[datetime]] = {}
    for promotion in session.scalars(
        select(ModelPromotion)
        .where(ModelPromotion.model_version_id.in_(ids))
        .order_by(ModelPromotion.valid_from)
    ):
        valid_from.setdefault(promotion.model_version_id, []).append(promotion.valid_from)
    rows = {row.id: row for row in session.scalars(select(ModelVersion).where(ModelVersion.id.in_(ids)))}
    return tuple(_view(rows[version_id], valid_from.get(version_id, [])) for version_id in ids)


def _view(row: ModelVersion, valid_from: Sequence[datetime]) -> ModelVersionView:
    drift = drift_of(row.metrics)
    return ModelVersionView(
        id=row.id,
        monday=row.monday.date(),
        valid_from=tuple(valid_from),
        threshold=row.threshold,
        clock_thresholds=row.clock_thresholds,
        episodes_per_series_week=row.episodes_per_series_week,
        cases_per_day=row.cases_per_day,
        waits_because=tuple(row.waits_because),
        trials=tuple(TrialOutcome(**outcome) for outcome in row.trials.values()),
        standing_version_id=row.standing_version_id,
        window_from=row.window_from,
        window_to=row.window_to,
        fitted_at=row.fitted_at,
        recipe_version=row.recipe_version,
        parameters=row.parameters,
        features=tuple(row.features),
        lake_versions=row.lake_versions,
        library_versions=row.library_versions,
        days=row.metrics.get("days"),
        scored_days=row.metrics.get("scored_days"),
        series_weeks=row.metrics.get("series_weeks"),
        flags=row.metrics.get("flags"),
        episodes=row.metrics.get("episodes"),
        cases=row.metrics.get("cases"),
        drift=drift,
        warnings=warnings_of(drift),
        file_name=row.file_name,
        sha256=row.sha256,
        size_bytes=row.size_bytes,
    )
