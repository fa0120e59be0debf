"""``train``: fit and register each missing Monday's model version, from measured days alone, never from scores."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from sqlalchemy import Engine, select

from cjp_fraud.clock import aware, date_of, day_of
from cjp_fraud.detection.baseline import refresh
from cjp_fraud.detection.calibration_store import write_calibrations
from cjp_fraud.detection.coverage import is_known
from cjp_fraud.detection.decided_cases import read_decided, within
from cjp_fraud.detection.fraud_days import Determined, read_determined
from cjp_fraud.detection.lake_store import LakeStore
from cjp_fraud.detection.lake_tables import PROFILE
from cjp_fraud.detection.model_fit import WindowFit, eligible_mondays
from cjp_fraud.detection.operating_point import WINDOW_DAYS
from cjp_fraud.detection.promotion import Trial, compare
from cjp_fraud.detection.registry import (
    Comparison,
    FittedVersion,
    promoted_versions,
    register,
    version_of,
)
from cjp_fraud.detection.rules import DetectionRules
from cjp_fraud.detection.run import DETECTION_LOCK, DetectionRun
from cjp_fraud.detection.scored_rows import ScoredRows
from cjp_fraud.detection.scoring import Block, moment, open_window
from cjp_fraud.detection.series import Arranged, floats, traffic_sizes
from cjp_fraud.detection.tables import ModelVersion
from cjp_fraud.detection.trials import decided_trial
from cjp_fraud.detection.weekly_rows import ends_a_week
from cjp_fraud.errors import StorageError
from cjp_fraud.people.model import Actor, machine
from cjp_fraud.progress import Report
from cjp_fraud.storage.database import reading, transaction
from cjp_fraud.storage.lake import Lake
from cjp_fraud.storage.locks import process_lock
from cjp_fraud.traffic.schema import COVERED, SECONDS, TRAFFIC
from features.counting_clocks import Clock
from features.local_grid import DAY

Ints = NDArray[np.int64]

WindowPiece = tuple[int, Arranged, Sequence[Block], Sequence[ScoredRows]]

MOST_ROWS: Final = 2_000_000
"""Rows of a window that are held at once; a larger one is read a piece at a time."""
TRAINER: Final[Actor] = machine("train")


def train(
    lake: Lake,
    engine: Engine,
    folder: Path,
    zones: Mapping[str, str],
    rules: DetectionRules,
    now: datetime,
    *,
    since: datetime | None = None,
    until: datetime | None = None,
    trials: Sequence[Trial] = (),
    simulated: Callable[[], Trial] | None = None,
    report: Report | None = None,
) -> list[str]:
    """Fit and register the version of each Monday 00:00 UTC from ``since`` to ``until`` that has none, and promote it.

    A version that is worse than the one in force, in a trial or on the decided cases of its window, waits.

    Running it again does nothing; a version that is registered is never fitted again.

    Parameters
    ----------
    folder : where the model files go.
    zones : IANA zone of every tenant on record.
    since, until, now : aware; by default ``since`` is the first day of traffic and ``until`` is ``now``; it is never
        after it.
    trials : beside the decided cases: back-tests on traffic of which the truth is known
        (:func:`cjp_fraud.detection.trials.backtest_trial`).
    simulated : makes one more of these, at some cost; asked where a version's thresholds are not those of the version
        in force, because else both find the same.

    Returns
    -------
    ids of the new versions, oldest first.
    """
    refresh(lake, engine, zones, now, report=report)
    last = int(min(aware(until or now), aware(now)).timestamp()) // DAY
    first = -(int(-aware(since).timestamp()) // DAY) if since is not None else None
    made = []
    with process_lock(engine, "train"):
        mondays = _mondays(lake, engine, first, last)
        reader = WindowReader(lake, engine, zones, rules)
        for done, monday in enumerate(mondays):
            if report is not None:
                report(done, len(mondays), f"version of {moment(monday * DAY):%Y-%m-%d}")
            begin, end = moment((monday - WINDOW_DAYS) * DAY), moment(monday * DAY)
            fit = reader.read(monday - WINDOW_DAYS, monday)
            fitted = fit.version(monday)
            _require_sound(fitted)
            standing = version_of(
                monday, promoted_versions(engine, folder, end, end + timedelta(days=1)), rules
            )
            tried = [*trials]
            if simulated is not None and fitted.thresholds != standing.thresholds:
                tried.append(simulated())
            comparison = _compared(engine, fit, fitted, standing, tried)
            with transaction(engine) as session:
                row = register(
                    session,
                    folder,
                    fitted,
                    window=(begin, end),
                    lake_versions={table.name: lake.version(table) for table in (TRAFFIC, PROFILE)},
                    comparison=comparison,
                    by=TRAINER,
                    at=now,
                )
                made.append(row.id)
    return made


def _compared(
    engine: Engine, fit: WindowFit, fitted: FittedVersion, standing: FittedVersion, trials: Sequence[Trial]
) -> Comparison:
    """Try a version beside the one in force, in the given trials and on the decided cases of its window."""
    begin, end = fitted.valid_from - WINDOW_DAYS, fitted.valid_from
    decided = within(read_decided(engine), begin * DAY, end * DAY)
    window = fit.window(begin, end)
    of_decided = decided_trial(window, decided)
    tried = [*trials, *([of_decided] if of_decided is not None else [])]
    assert fitted.budgets is not None, "a training has budgets"
    over = window.exceeds(standing.thresholds, fitted.budgets)
    outcomes = compare(tried, fitted.thresholds, standing.thresholds, standing_over_budget=over)
    return Comparison(standing.id, outcomes)


class WindowReader:
    """Measures windows of UTC days of the lake's traffic, each day with its own calibration; ask in ascending order."""

    def __init__(self, lake: Lake, engine: Engine, zones: Mapping[str, str], rules: DetectionRules) -> None:
        self._engine = engine
        self._zones = zones
        self._rules = rules
        self._determined = read_determined(engine)
        self._store = LakeStore(lake, zones, (), rules, self._determined)

    def read(self, begin: int, end: int) -> WindowFit:
        """Gather what a version of [begin, end), UTC days, is fitted on; missing calibrations are made and stored."""
        lake = self._store.lake
        with process_lock(self._engine, DETECTION_LOCK):
            run = DetectionRun(self._store, self._rules)
            for day in (begin, end):
                run.prepare(day)
            write_calibrations(lake, self._store.made)
            self._store.made = {}
        fit = WindowFit(self._rules)
        for day, arranged, blocks, spans in LakeWindow(
            lake, self._zones, begin, end, self._determined
        ).pieces():
            fit.add(arranged, blocks, spans, run.calibrations(day))
        for day in filter(ends_a_week, self._store.days(begin * DAY, end * DAY)):
            fit.add_week(day, self._store.week(day), run.calibrations(day)[Clock.WEEK])
        return fit


class LakeWindow:
    """The measured intervals of [begin, end), UTC days, of the lake's traffic."""

    def __init__(
        self, lake: Lake, zones: Mapping[str, str], begin: int, end: int, determined: Determined
    ) -> None:
        self._lake = lake
        self._zones = zones
        self._begin, self._end = begin, end
        self._determined = determined
        self._sizes = {day: of_day for day, of_day in traffic_sizes(lake).items() if begin <= day < end}

    def pieces(self) -> Iterator[WindowPiece]:
        """The window in pieces, in the order of their days.

        Yields
        ------
        UTC day, arranged traffic, all measured rows of that day of some tenants (at least one block), and their spans.
        """
        if sum(sum(of_day.values()) for of_day in self._sizes.values()) <= MOST_ROWS:
            yield from self._opened(self._begin, self._end, range(self._lake.buckets))
            return
        for day in sorted(self._sizes):
            for buckets in self._batches(day):
                yield from self._opened(day, day + 1, buckets)

    def _opened(self, begin: int, end: int, buckets: Collection[int]) -> Iterator[WindowPiece]:
        ends = moment(begin * DAY), moment(end * DAY)
        window = open_window(self._lake, self._zones, *ends, buckets, self._determined)
        days = window.arranged.days
        for day in days[days >= begin].tolist():
            blocks = window.blocks(day)
            if blocks:
                yield day, window.arranged, blocks, window.spans(day, None)

    def _batches(self, day: int) -> Iterator[list[int]]:
        batch: list[int] = []
        held = 0
        for bucket, rows in sorted(self._sizes[day].items()):
            if batch and held + rows > MOST_ROWS:
                yield batch
                batch, held = [], 0
            batch.append(bucket)
            held += rows
        if batch:
            yield batch


def _mondays(lake: Lake, engine: Engine, first: int | None, last: int) -> list[int]:
    """Eligible Mondays from the UTC day ``first`` (None: any) to ``last`` without a version, oldest first.

    From the list of files, and, only for windows of Mondays that have no version, from which days have an interval
    that is known.
    """
    sizes = traffic_sizes(lake)
    with reading(engine) as session:
        had = {day_of(at.date()) for at in session.scalars(select(ModelVersion.monday))}

    def missing(days: Ints) -> list[int]:
        mondays = eligible_mondays(days).tolist() if len(days) else []
        return [day for day in mondays if day <= last and (first is None or day >= first) and day not in had]

    candidates = missing(np.array(sorted(sizes), dtype=np.int64))
    near = {day for monday in candidates for day in range(monday - WINDOW_DAYS, monday)} & set(sizes)
    known = np.array(_covered_days(lake, sorted(near), sizes), dtype=np.int64)
    return [monday for monday in missing(known) if monday in set(candidates)]


def _covered_days(lake: Lake, days: Sequence[int], sizes: Mapping[int, Mapping[int, int]]) -> list[int]:
    """Those of some UTC days, ascending, that have a known interval."""
    covered: set[int] = set()
    runs: list[list[int]] = []
    held = 0
    for day in days:
        rows = sum(sizes[day].values())
        if not runs or held + rows > MOST_ROWS:
            runs.append([])
            held = 0
        runs[-1].append(day)
        held += rows
    for run in runs:
        rows = lake.read(
            TRAFFIC, days=(date_of(run[0]), date_of(run[-1] + 1)), columns=["day", SECONDS, COVERED]
        )
        known = rows.filter(pa.array(is_known(np.nan_to_num(floats(rows[COVERED])), floats(rows[SECONDS]))))
        covered |= {day_of(on) for on in known["day"].unique().to_pylist()}
    return sorted(covered & set(days))


def _require_sound(fitted: FittedVersion) -> None:
    """A version is promoted only when it fits."""
    if not (np.isfinite(fitted.threshold) and fitted.threshold > 0):
        raise StorageError(
            f"the version of {moment(fitted.valid_from * DAY):%Y-%m-%d} did not fit (threshold {fitted.threshold}); "
            "look at the traffic of the four weeks before it"
        )
