"""Model versions: what a training chose and learned, from when it counts; stored with skops, known by their hash."""

from __future__ import annotations

import hashlib
import importlib
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime, time, timedelta
from importlib.metadata import version as library_version
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from cjp_fraud.audit.log import append
from cjp_fraud.audit.texts import keep_text
from cjp_fraud.clock import aware, date_of, day_of
from cjp_fraud.detection.promotion import TrialOutcome, faults_of
from cjp_fraud.detection.rules import Budgets, DetectionRules
from cjp_fraud.detection.tables import ModelPromotion, ModelVersion
from cjp_fraud.digests import digits_needed
from cjp_fraud.errors import NotFoundError, StorageError
from cjp_fraud.people.model import Actor, Decision
from cjp_fraud.review.joint_spikes import QUARTER_SECONDS
from cjp_fraud.storage.base import new_id
from cjp_fraud.storage.database import reading
from cjp_fraud.storage.whole_files import write_whole
from features.columns import COUNT_FEATURES, PEAK_FEATURES
from features.constants import RECIPE_VERSION
from features.counting_clocks import INITIAL_THRESHOLD, LONG_CLOCKS, Clock, Thresholds
from features.local_grid import DAY
from features.score_day import Model
from features.second_stage import SecondStage
from models.forest import PooledForest

if TYPE_CHECKING:
    from sklearn.ensemble import IsolationForest

MOST_NAMED: Final = 10
"""Versions that an error names."""
QUARTERS_A_WEEK: Final = 7 * DAY / QUARTER_SECONDS
LIBRARIES: Final = ("numpy", "pandas", "scikit-learn", "bottleneck", "pyarrow", "deltalake", "skops")
TRUSTED: Final = frozenset({"sklearn.ensemble._iforest.IsolationForest", "sklearn.tree._tree.Tree"})
"""Types that a stored model may hold beside skops' own list; anything else is not loaded."""


@dataclass(frozen=True, slots=True, eq=False)
class FittedVersion:
    """One training.

    Attributes
    ----------
    valid_from : UTC day (days since 1970-01-01) from whose midnight it counts.
    model : the isolation forests.
    threshold : score that a flag of the minute clock needs.
    metrics : what the model's card shows.
    budgets : those that the thresholds were chosen for; None: it counts before the first training.
    id : of the row in ``model_versions``; None: it is not registered.
    clock_thresholds : the same of the longer clocks; a clock that is left out has its initial one.
    lowered_by : how far an admin has set the minute clock's threshold below the version's own; 0: not below.
    """

    valid_from: int
    model: Model
    threshold: float
    metrics: Mapping[str, float] = field(default_factory=dict)
    budgets: Budgets | None = None
    id: str | None = None
    clock_thresholds: Thresholds = field(default_factory=dict)
    lowered_by: float = 0.0

    @property
    def thresholds(self) -> Thresholds:
        """Score that a flag of each clock needs."""
        return _of_all_clocks(self.threshold, self.clock_thresholds)

    @property
    def usual_share(self) -> float:
        """Share of a line's quarters of an hour with a flag, in the version's window at its threshold; 0: not known.

        A score is −log10 p: where a threshold was lowered by d, the share is taken to be 10 to the d times as large.
        """
        weeks = self.metrics.get("series_weeks", 0.0)
        share = self.metrics.get("flagged_quarters", 0.0) / (weeks * QUARTERS_A_WEEK) if weeks else 0.0
        return min(float(share * 10.0**self.lowered_by), 1.0)

    def with_set(self, thresholds: Thresholds) -> FittedVersion:
        """Return the version with the thresholds that admins have set instead of its own, for the clocks they name."""
        if not thresholds:
            return self
        longer: dict[Clock, float] = {
            clock: value for clock, value in thresholds.items() if clock is not Clock.MINUTE
        }
        return replace(
            self,
            threshold=thresholds.get(Clock.MINUTE, self.threshold),
            clock_thresholds={**self.clock_thresholds, **longer},
            lowered_by=max(0.0, self.threshold - thresholds.get(Clock.MINUTE, self.threshold)),
        )


@dataclass(frozen=True, slots=True)
class Comparison:
    """What trials say of a version beside the one in force.

    Attributes
    ----------
    standing_id : of the version in force; None: the initial one, which is not registered.
    outcomes : one a trial; none: there is nothing to try them on.
    """

    standing_id: str | None = None
    outcomes: tuple[TrialOutcome, ...] = ()

    @property
    def faults(self) -> tuple[str, ...]:
        """Why the version must wait; none: it may replace the one in force."""
        return faults_of(self.outcomes)


def initial_version(rules: DetectionRules) -> FittedVersion:
    """What counts before the first training: the initial threshold, and no forest."""
    return FittedVersion(valid_from=-(10**9), model=Model(), threshold=rules.initial_threshold)


def thresholds_of(row: ModelVersion) -> Thresholds:
    """Score that a flag of each clock needs under a registered version."""
    return _of_all_clocks(row.threshold, {Clock(name): value for name, value in row.clock_thresholds.items()})


def _of_all_clocks(minute: float, longer: Thresholds) -> Thresholds:
    return {Clock.MINUTE: minute, **{clock: INITIAL_THRESHOLD[clock] for clock in LONG_CLOCKS}, **longer}


def standing_thresholds(session: Session, rules: DetectionRules, day: int) -> Thresholds:
    """Score that a flag of each clock needs on a UTC day, as :func:`version_of` has it, without loading any forest."""
    midnight = datetime.combine(date_of(day), time(), UTC)
    row = session.scalars(
        select(ModelVersion)
        .join(ModelPromotion, ModelPromotion.model_version_id == ModelVersion.id)
        .where(ModelPromotion.valid_from <= midnight)
        .order_by(ModelPromotion.valid_from.desc(), ModelPromotion.id.desc())
        .limit(1)
    ).first()
    own = initial_version(rules).thresholds if row is None else thresholds_of(row)
    return {**own, **rules.thresholds_set_on(day)}


def version_of(day: int, versions: Sequence[FittedVersion], rules: DetectionRules) -> FittedVersion:
    """The version with the newest ``valid_from`` not after the UTC ``day``; of two the later in the list.

    With the thresholds that admins have set for that day.
    """
    valid = [version for version in versions if version.valid_from <= day]
    newest = max((version.valid_from for version in valid), default=0)
    counting = [version for version in valid if version.valid_from == newest]
    version = counting[-1] if counting else initial_version(rules)
    return version.with_set(rules.thresholds_set_on(day))


def register(
    session: Session,
    folder: Path,
    fitted: FittedVersion,
    *,
    window: tuple[datetime, datetime],
    lake_versions: Mapping[str, int],
    comparison: Comparison,
    by: Actor,
    at: datetime,
) -> ModelVersion:
    """Store a fitted version (file first, then row) and promote it from its Monday on, unless it must wait.

    The file's name holds its content's hash. After a kill between file and row the file stays, and no row names it;
    the next training writes another one, since skops puts the moment and the objects' addresses into its files.
    """
    assert fitted.budgets is not None, "a training has budgets"
    file = _write(folder, fitted)
    row = ModelVersion(
        id=new_id(),
        monday=window[1],
        window_from=window[0],
        window_to=window[1],
        fitted_at=aware(at),
        recipe_version=RECIPE_VERSION,
        parameters=_parameters(fitted),
        features=[*COUNT_FEATURES, *PEAK_FEATURES],
        lake_versions=dict(lake_versions),
        library_versions={name: library_version(name) for name in LIBRARIES},
        metrics=dict(fitted.metrics),
        threshold=fitted.threshold,
        clock_thresholds={str(clock): value for clock, value in fitted.clock_thresholds.items()},
        episodes_per_series_week=fitted.budgets.episodes_per_series_week,
        cases_per_day=fitted.budgets.cases_per_day,
        standing_version_id=comparison.standing_id,
        trials={outcome.trial: asdict(outcome) for outcome in comparison.outcomes},
        waits_because=list(comparison.faults),
        file_name=file.name,
        sha256=file.sha256,
        size_bytes=file.size_bytes,
    )
    session.add(row)
    session.flush()
    decision = Decision(session, by, at)
    content = {
        "sha256": row.sha256,
        "monday": row.monday,
        "threshold": row.threshold,
        "clock_thresholds": row.clock_thresholds,
        "waits_because": row.waits_because,
    }
    append(decision, "model.registered", "model_versions", row.id, content)
    if not comparison.faults:
        _promote(decision, row, window[1])
    return row


@dataclass(frozen=True, slots=True)
class _VersionFile:
    """The file of a version: its name, and digest and size of its bytes."""

    name: str
    sha256: str
    size_bytes: int


def _write(folder: Path, fitted: FittedVersion) -> _VersionFile:
    """Write a version's forests into a file that is named by its Monday and its digest; it is there whole or not."""
    content = _skops_io().dumps(
        {"with_peak": _trees(fitted.model.with_peak), "without_peak": _trees(fitted.model.without_peak)}
    )
    sha256 = hashlib.sha256(content).hexdigest()
    folder.mkdir(parents=True, exist_ok=True)
    name = f"{date_of(fitted.valid_from).isoformat()}-{sha256[:16]}.skops"
    write_whole(folder / name, content)
    return _VersionFile(name, sha256, len(content))


def promote(
    decision: Decision, row: ModelVersion, faults: Sequence[str] = (), because: str | None = None
) -> ModelPromotion:
    """Promote a registered version from the next UTC midnight on, so that no scored interval changes its model.

    Parameters
    ----------
    faults : what speaks against it, for the log.
    because : why a person promotes it all the same.
    """
    midnight = aware(decision.at).replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
    return _promote(decision, row, midnight, faults, because)


def find_version(session: Session, reference: str) -> ModelVersion:
    """Return the version with this date of its Monday, this id, or an id that begins so.

    Raises
    ------
    NotFoundError
        If no version fits, or more than one; names those that there are.
    """
    known = session.execute(
        select(ModelVersion.id, ModelVersion.monday).order_by(ModelVersion.monday.desc())
    ).all()
    meant = [row for row in known if row.id.startswith(reference) or str(row.monday.date()) == reference]
    exact = [row for row in meant if row.id == reference]
    if len(meant) != 1 and not exact:
        raise NotFoundError(_not_one(reference, meant or known, several=bool(meant)))
    return session.get_one(ModelVersion, (exact or meant)[0].id)


def _not_one(reference: str, rows: Sequence[Any], *, several: bool) -> str:
    if not rows:
        return (
            "there is no model version yet; a Monday gets one from nine days of traffic on: cjp-fraud train"
        )
    digits = digits_needed([row.id for row in rows])
    named = ", ".join(f"{row.monday.date()} ({row.id[:digits]})" for row in rows[:MOST_NAMED])
    more = f" and {len(rows) - MOST_NAMED} older ones" if len(rows) > MOST_NAMED else ""
    what = "more than one model version is" if several else "no model version is"
    return f"{what} meant by {reference!r}; {'they' if several else 'there'} are {named}{more}"


def promoted_versions(
    engine: Engine, folder: Path, begin: datetime, end: datetime
) -> tuple[FittedVersion, ...]:
    """Load the promoted versions that score [begin, end), oldest first.

    Parameters
    ----------
    begin, end : aware; of two promotions from the same moment the later one counts.

    Raises
    ------
    StorageError
        If a stored file is missing, or is not the one that was registered.
    """
    with reading(engine) as session:
        rows = session.execute(
            select(ModelPromotion, ModelVersion)
            .join(ModelVersion, ModelVersion.id == ModelPromotion.model_version_id)
            .order_by(ModelPromotion.valid_from, ModelPromotion.id)
        ).all()
    first_day = aware(begin).replace(hour=0, minute=0, second=0, microsecond=0)
    first = max((n for n, (promotion, _) in enumerate(rows) if promotion.valid_from <= first_day), default=0)
    rows = [row for row in rows[first:] if row[0].valid_from < aware(end)]
    models: dict[str, Model] = {}
    versions = []
    for promotion, row in rows:
        if row.id not in models:
            models[row.id] = load_model(row, folder)
        versions.append(
            FittedVersion(
                valid_from=day_of(promotion.valid_from.date()),
                model=models[row.id],
                threshold=row.threshold,
                metrics=row.metrics,
                budgets=Budgets(row.episodes_per_series_week, row.cases_per_day),
                id=row.id,
                clock_thresholds={Clock(name): value for name, value in row.clock_thresholds.items()},
            )
        )
    return tuple(versions)


def _skops_io() -> Any:
    """Import skops.io where it is used, and without a word: it touches every lazy module there is, Airflow's too."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        return importlib.import_module("skops.io")


def load_model(row: ModelVersion, folder: Path) -> Model:
    """Load a version's model, checked against its registered hash and the list of trusted types."""
    skops_io = _skops_io()
    from skops.io.exceptions import UntrustedTypesFoundException

    file = folder / row.file_name
    try:
        content = file.read_bytes()
    except FileNotFoundError:
        raise StorageError(
            f"model file {file} of version {row.id} is missing; restore it, or promote another version"
        ) from None
    if hashlib.sha256(content).hexdigest() != row.sha256:
        raise StorageError(f"model file {file} is not the one that was registered as {row.id}; restore it")
    try:
        stages = skops_io.loads(content, trusted=sorted(TRUSTED))
    except UntrustedTypesFoundException as error:
        raise StorageError(f"model file {file} holds types that are not trusted: {error}") from error
    forests = row.parameters["forests"]
    return Model(*(_stage(stages[name], forests[name]) for name in ("with_peak", "without_peak")))


def _promote(
    decision: Decision,
    row: ModelVersion,
    valid_from: datetime,
    faults: Sequence[str] = (),
    because: str | None = None,
) -> ModelPromotion:
    session, at = decision.session, decision.at
    words = keep_text(session, because.strip(), at) if because else None
    promotion = ModelPromotion(
        id=new_id(),
        model_version_id=row.id,
        promoted_at=aware(at),
        valid_from=valid_from,
        because_text_id=words.id if words is not None else None,
    )
    session.add(promotion)
    session.flush()
    said: dict[str, Any] = {"model_version_id": row.id, "valid_from": valid_from}
    if words is not None:
        said |= {"anyway": True, "against_it": list(faults), "text_id": words.id, "text_sha256": words.sha256}
    append(decision, "model.promoted", "model_promotions", promotion.id, said)
    return promotion


def _parameters(fitted: FittedVersion) -> dict[str, Any]:
    stages = {"with_peak": fitted.model.with_peak, "without_peak": fitted.model.without_peak}
    return {"forests": {name: _estimator_parameters(stage) for name, stage in stages.items()}}


def _trees(stage: SecondStage | None) -> IsolationForest | None:
    return stage.forest_ if isinstance(stage, PooledForest) else None


def _stage(trees: IsolationForest | None, parameters: Mapping[str, Any] | None) -> PooledForest | None:
    return None if trees is None or parameters is None else PooledForest(**parameters).adopt(trees)


def _estimator_parameters(stage: SecondStage | None) -> dict[str, Any] | None:
    return dict(stage.get_params()) if isinstance(stage, PooledForest) else None
