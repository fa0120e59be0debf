"""One detection: prepare the calibrations, score a bucket, close the hours; over the lake, or over memory.

``detect`` and the scheduled stages run it over the lake, a back-test over memory.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime
from itertools import product
from typing import Final, Protocol

from sqlalchemy import Engine
from sqlalchemy.orm import Session

from cjp_fraud.detection.baseline import refresh
from cjp_fraud.detection.calibration_store import (
    CalibratedDay,
    Calibrations,
    read_calibrations,
    write_calibrations,
)
from cjp_fraud.detection.charges import with_charges
from cjp_fraud.detection.evidence_rows import principal_rows
from cjp_fraud.detection.flags import flag_rows
from cjp_fraud.detection.fraud_days import read_determined
from cjp_fraud.detection.joint_quarters import joint_spikes
from cjp_fraud.detection.lake_store import LakeStore
from cjp_fraud.detection.registry import FittedVersion
from cjp_fraud.detection.rules import DetectionRules
from cjp_fraud.detection.score_tables import ScoreTables
from cjp_fraud.detection.scored_rows import ScoredRows
from cjp_fraud.detection.scoring import moment
from cjp_fraud.detection.shadow import ShadowTrial
from cjp_fraud.detection.significance import POOL_DAYS, Counts, calibration, closed, with_p_values
from cjp_fraud.detection.window import DetectionWindow, closed_until, mark_scored, whole_hours
from cjp_fraud.people.model import Actor, Decision, machine
from cjp_fraud.progress import Report
from cjp_fraud.review.cases import cases_flagged
from cjp_fraud.review.flags import FlaggingResult, FlagRow, record_flags
from cjp_fraud.review.joint_events import record_joint_spikes
from cjp_fraud.review.joint_spikes import JointSpikeRow
from cjp_fraud.review.principals import freeze_principals
from cjp_fraud.storage.database import transaction
from cjp_fraud.storage.lake import Lake
from cjp_fraud.storage.locks import process_lock
from features.counting_clocks import CLOCKS, Clock
from features.local_grid import DAY
from models.calibration import PooledCalibration

ROWS_AT_ONCE: Final = 2_000_000
"""Rows of scores that are collected before they are written."""
DETECTION_LOCK: Final = "detection"
DETECTOR: Final[Actor] = machine("detect")


class Store(Protocol):
    """What a run scores, and where it learns what is usual; moments in UTC seconds."""

    def days(self, begin: int, end: int) -> list[int]:
        """UTC days with traffic in [begin, end), ascending."""
        ...

    def version(self, day: int) -> FittedVersion:
        """What scores a UTC day."""
        ...

    def scored(
        self,
        day: int,
        begin: int,
        end: int,
        buckets: Collection[int] | None = None,
        *,
        horizon: int | None = None,
    ) -> Iterator[ScoredRows]:
        """Score the rows of the UTC ``day``, the only one with traffic in [begin, end), on all clocks; list all gaps.

        ``horizon`` says up to when the same is asked for next, so that it may be read at once.
        """
        ...

    def uncalibrated(self, day: int) -> Collection[int]:
        """Buckets whose calibration of the UTC day is missing or not of all of it."""
        ...

    def pool(self, day: int, clock: Clock = Clock.MINUTE) -> Mapping[int, Counts]:
        """Histogram of each UTC day before ``day`` on a clock."""
        ...

    def calibrate(
        self, day: int, parts: Sequence[ScoredRows], buckets: Collection[int] | None = None
    ) -> None:
        """Take the calibration of a whole UTC day from its rows, for some buckets or all."""
        ...


@dataclass(frozen=True, slots=True)
class DetectionRun:
    """The steps of a detection over a store; days are to be asked for in ascending order."""

    store: Store
    rules: DetectionRules

    def prepare(self, day: int) -> None:
        """Make the calibrations that a UTC day rests on and that are missing."""
        for before in range(day - POOL_DAYS, day):
            missing = self.store.uncalibrated(before)
            if missing:
                ends = before * DAY, (before + 1) * DAY
                parts = list(self.store.scored(before, *ends, missing, horizon=day * DAY))
                self.store.calibrate(before, parts, missing)

    def calibrations(self, day: int) -> dict[Clock, PooledCalibration]:
        """What each clock's p of a UTC day is taken from."""
        return {clock: calibration(self.store.pool(day, clock), day, clock) for clock in CLOCKS}

    def score(
        self,
        day: int,
        begin: int,
        end: int,
        buckets: Collection[int] | None = None,
        *,
        pool_day: int | None = None,
    ) -> list[ScoredRows]:
        """Score the rows of a UTC day in [begin, end), of some buckets or all, with p-values; flags come later.

        Parameters
        ----------
        pool_day : the UTC day whose pool p is taken from; None: that of ``day``.
        """
        calibrated = self.calibrations(day if pool_day is None else pool_day)
        return [
            rows if rows.version is None else with_p_values(rows, calibrated[rows.clock])
            for rows in self.store.scored(day, begin, end, buckets)
        ]

    def days(
        self, begin: int, end: int, report: Report | None = None
    ) -> Iterator[tuple[int, list[ScoredRows]]]:
        """Score [begin, end), whole hours, day by day over all series, and close its hours.

        Yields
        ------
        the moment up to which the window is done (UTC seconds), and the rows between the moment yielded before and this
        one. Days without traffic have only intervals in gaps; these come with the day with traffic before them.
        """
        days = self.store.days(begin, end)
        cuts = [begin, *(day * DAY for day in days[1:]), end]
        for number, day in enumerate(days or [begin // DAY]):
            if report is not None:
                report(number, len(days), f"{moment(day * DAY):%Y-%m-%d}")
            low, high = cuts[number], cuts[number + 1]
            self.prepare(day)
            parts = closed(self.score(day, low, high), self.rules)
            if low <= day * DAY and high >= (day + 1) * DAY and days:
                self.store.calibrate(day, parts)
            yield high, parts


@dataclass(frozen=True, slots=True)
class Detection:
    """What a detection over the lake works on, and by which rules.

    Attributes
    ----------
    zones : IANA zone of every tenant on record.
    versions : promoted model versions, oldest first.
    cases_per_hour : cap of new cases by the flag's UTC hour.
    """

    lake: Lake
    engine: Engine
    zones: Mapping[str, str]
    versions: Sequence[FittedVersion]
    rules: DetectionRules
    cases_per_hour: int

    def store(self, open_from: datetime | None = None) -> LakeStore:
        """The lake as it is now; hours from ``open_from`` on are open."""
        until = None if open_from is None else int(open_from.timestamp())
        determined = read_determined(self.engine)
        return LakeStore(self.lake, self.zones, self.versions, self.rules, determined, open_from=until)

    def record(
        self,
        session: Session,
        flags: Sequence[FlagRow],
        joint: Sequence[JointSpikeRow],
        begin: datetime,
        end: datetime,
        now: datetime,
    ) -> FlaggingResult:
        """Make flags and joint spikes those in force in [begin, end), open cases, freeze who carried their traffic."""
        decision = Decision(session, DETECTOR, now)
        recorded = record_flags(
            decision,
            flags,
            window=(begin, end),
            tenant_ids=None,
            cases_per_hour=self.cases_per_hour,
        )
        record_joint_spikes(decision, joint, (begin, end))
        freeze_principals(decision, cases_flagged(session, begin, end), principal_rows(self.lake))
        return recorded


@dataclass(frozen=True, slots=True)
class Detected:
    """What a detection did.

    Attributes
    ----------
    begin, end : the window, rounded to whole hours.
    folded : series-days folded first, because their snapshots were missing.
    scored : intervals with a row of scores.
    open_from : hours from here on are open, their flags null; None where all are closed.
    flags : what recording them changed.
    """

    begin: datetime
    end: datetime
    folded: int
    scored: int
    open_from: datetime | None
    flags: FlaggingResult


def detect(
    detection: Detection, begin: datetime, end: datetime, now: datetime, *, report: Report | None = None
) -> Detected:
    """Detect over [begin, end), rounded to whole hours. Running it again changes nothing.

    Scores and calibration are committed before flags are recorded, each the same when written again, so that the next
    run puts right what a kill at any point left undone.

    Parameters
    ----------
    begin, end, now : aware.

    Raises
    ------
    BadInputError
        If the window is empty.
    """
    begin, end = whole_hours(begin, end)
    folded = refresh(detection.lake, detection.engine, detection.zones, now, report=report).folded
    with process_lock(detection.engine, DETECTION_LOCK):
        open_from = closed_until(now)
        store = detection.store(open_from)
        flags: list[FlagRow] = []
        joint: list[JointSpikeRow] = []
        held: list[ScoreTables] = []
        shadow = ShadowTrial(detection.engine, detection.rules, now)
        written, scored = int(begin.timestamp()), 0
        for done, parts in DetectionRun(store, detection.rules).days(written, int(end.timestamp()), report):
            held.append(store.tables(parts, int(open_from.timestamp())))
            scored += len(held[-1].scores)
            flags += flag_rows(parts, detection.zones, open_from)
            joint += joint_spikes(parts, detection.zones, open_from)
            shadow.look(parts)
            if sum(len(tables.scores) for tables in held) > ROWS_AT_ONCE or done == int(end.timestamp()):
                store.write_scores(ScoreTables.together(held), written, done, range(detection.lake.buckets))
                write_calibrations(detection.lake, store.made)
                held, written, store.made = [], done, {}
        until = min(end, max(open_from, begin))
        flags = with_charges(detection.lake, flags)
        with transaction(detection.engine) as session:
            recorded = detection.record(session, flags, joint, begin, until, now)
        shadow.record(begin, until)
    return Detected(begin, end, folded, scored, until if until < end else None, recorded)


def prepare(detection: Detection, window: DetectionWindow, now: datetime) -> list[int]:
    """Make the snapshots and calibrations that the window rests on; returns the buckets to score."""
    refresh(detection.lake, detection.engine, detection.zones, now)
    with process_lock(detection.engine, DETECTION_LOCK):
        store = detection.store()
        DetectionRun(store, detection.rules).prepare(_pool_day(window))
        write_calibrations(detection.lake, store.made)
    return store.buckets(window.day)


def score_buckets(detection: Detection, window: DetectionWindow, buckets: Collection[int]) -> int:
    """Score some buckets' part of the window and store it with open flags; returns the number of rows."""
    with ExitStack() as locks:
        for bucket in sorted(buckets):
            locks.enter_context(process_lock(detection.engine, f"{DETECTION_LOCK}-bucket-{bucket}"))
        store = detection.store(window.begin if window.is_open else None)
        run = DetectionRun(store, detection.rules)
        run.prepare(_pool_day(window))
        rows = run.score(window.day, *window.seconds, buckets, pool_day=_pool_day(window))
        tables = store.tables(rows, closed=0)
        store.write_scores(tables, *window.seconds, buckets)
    return len(tables.scores)


def _pool_day(window: DetectionWindow) -> int:
    return window.day if window.pool_day is None else window.pool_day


def close_hours(detection: Detection, window: DetectionWindow, now: datetime) -> FlaggingResult:
    """Close the window's hours over all buckets, record flags, open cases.

    From the scores that the buckets have stored; run again after a kill it writes the same.
    """
    open_from = closed_until(now)
    with process_lock(detection.engine, DETECTION_LOCK):
        store = detection.store()
        stored, rows = store.read_scores(*window.seconds)
        parts = closed(rows, detection.rules)
        if len(stored.scores):
            flagged = stored.with_flags(parts, int(open_from.timestamp()))
            store.write_scores(flagged, *window.seconds, range(detection.lake.buckets))
            write_calibrations(detection.lake, _calibrations(store, window, parts))
        flags = with_charges(detection.lake, flag_rows(parts, detection.zones, open_from))
        joint = joint_spikes(parts, detection.zones, open_from)
        with transaction(detection.engine) as session:
            recorded = detection.record(session, flags, joint, window.begin, window.end, now)
            mark_scored(session, window, now)
        shadow = ShadowTrial(detection.engine, detection.rules, now)
        shadow.look(parts)
        shadow.record(window.begin, min(window.end, open_from))
    return recorded


def _calibrations(store: LakeStore, window: DetectionWindow, parts: Sequence[ScoredRows]) -> Calibrations:
    """The day's calibrations up to the window's end; hours that were counted before are counted again."""
    begin, end = window.seconds
    before = read_calibrations(store.lake, window.day, window.day + 1, largest=True)
    of_bucket = store.by_bucket(parts)
    made: Calibrations = {}
    again: dict[int, tuple[int, int]] = {}
    for bucket, clock in product(store.with_traffic(window.day), CLOCKS):
        key = window.day, bucket, clock
        part = CalibratedDay.of_rows(of_bucket.get((bucket, clock)), begin, end)
        stored = before.get(key)
        if stored is None or stored.end < begin or end < stored.begin:
            made[key] = part
        elif stored.end == begin:
            made[key] = stored.followed_by(part)
        else:
            again[bucket] = min(stored.begin, begin), max(stored.end, end)
    for bucket, covered in again.items():
        for rows in store.read_statistics(*covered, [bucket]):
            made[window.day, bucket, rows.clock] = CalibratedDay.of_rows(rows, *covered)
    return made
