"""Detection in stages, for a scheduler: a window, buckets in parallel, then the families of its hours."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

import numpy as np
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from cjp_fraud.clock import aware
from cjp_fraud.detection.baseline import refresh
from cjp_fraud.detection.calibration_store import Coverage, calibration_rows, read_calibrations
from cjp_fraud.detection.flags import flag_rows
from cjp_fraud.detection.judging import Judge, Judged
from cjp_fraud.detection.registry import Registered
from cjp_fraud.detection.rules import DetectionRules
from cjp_fraud.detection.run import (
    DETECTION_LOCK,
    DETECTOR,
    closed_until,
    score_rows,
    whole_hours,
    write_calibrations,
    write_scores,
)
from cjp_fraud.detection.scoring import moment
from cjp_fraud.detection.significance import Spikes, discovered
from cjp_fraud.detection.store import read_scored
from cjp_fraud.people.model import Decision
from cjp_fraud.review.flags import record_flags
from cjp_fraud.storage.database import reading, transaction
from cjp_fraud.storage.lake import Lake
from cjp_fraud.storage.locks import process_lock
from cjp_fraud.traffic.quarantine import TRAFFIC_LOCK
from cjp_fraud.traffic.tables import TrafficChange, Watermark
from features.columns import CHANNEL, TENANT
from features.local_grid import DAY
from models.calibration import score_of

WATERMARK: Final = "detection"
LONGEST_ECHO: Final = timedelta(minutes=75)
"""How far a changed interval reaches into later scores: the level's hour and one interval."""


@dataclass(frozen=True, slots=True)
class DetectionWindow:
    """Whole UTC hours of one UTC day that are to be scored; aware.

    Attributes
    ----------
    newest : id of the newest change of traffic that was there when the window was chosen. Later ones may come too
        late for the buckets' reading and stay for the next window.
    """

    begin: datetime
    end: datetime
    newest: str


@dataclass(frozen=True, slots=True)
class Stage:
    """What the stages share.

    Attributes
    ----------
    zones : IANA zone of every tenant on record.
    versions : promoted model versions, oldest first.
    """

    lake: Lake
    engine: Engine
    zones: Mapping[str, str]
    versions: Sequence[Registered]
    rules: DetectionRules

    def judge(self) -> Judge:
        """A fresh judge over what the lake holds now."""
        return Judge(self.lake, self.zones, self.versions, self.rules)


def next_window(engine: Engine, now: datetime) -> DetectionWindow | None:
    """The next hours with new traffic that are closed at ``now``: at most one UTC day; None without any.

    From the first change that is not scored; the watermark says up to where everything has been scored once.
    Waits for an ingest that is storing: a change is recorded before its rows can be read.
    """
    closed = closed_until(now)
    with process_lock(engine, TRAFFIC_LOCK), reading(engine) as session:
        changes = _unscored(session)
    if not changes:
        return None
    first = min(aware(change.first_interval) for change in changes)
    begin = first.replace(minute=0, second=0, microsecond=0)
    midnight = begin.replace(hour=0) + timedelta(days=1)
    last = max(min(change.last_interval, midnight) for change in changes if change.first_interval < midnight)
    _, reached = whole_hours(begin, last + LONGEST_ECHO)
    end = min(reached, midnight, closed)
    return DetectionWindow(begin, end, max(change.id for change in changes)) if begin < end else None


def prepare(stage: Stage, window: DetectionWindow, now: datetime) -> list[int]:
    """Make the snapshots and calibrations that the window rests on; returns the buckets that have traffic."""
    refresh(stage.lake, stage.engine, stage.zones, now)
    with process_lock(stage.engine, DETECTION_LOCK):
        judge = stage.judge()
        day = _day(window.begin)
        judge.prepare(day, day + 1)
        write_calibrations(stage.lake, judge.made)
    return sorted(judge.traffic.get(day, set()))


def detect_bucket(stage: Stage, window: DetectionWindow, bucket: int) -> int:
    """Score one bucket's part of the window and store it with open flags; returns the number of rows."""
    with process_lock(stage.engine, f"{DETECTION_LOCK}-bucket-{bucket}"):
        judged = stage.judge().score_bucket(window.begin, window.end, bucket)
        rows = score_rows(judged, stage.lake, None) if judged is not None else None
        if rows is not None:
            write_scores(stage.lake, rows, window.begin, window.end, [bucket])
        return 0 if rows is None else len(rows)


def close_families(stage: Stage, window: DetectionWindow, now: datetime, *, new_cases_per_hour: int) -> bool:
    """Judge the window's hours over all buckets, record flags, open cases; returns whether more is waiting.

    From the scores that the buckets have stored; run again after a kill it writes the same.
    """
    closed = closed_until(now)
    with process_lock(stage.engine, DETECTION_LOCK):
        judged = _stored_scores(stage, window)
        found = []
        if judged is not None:
            rows = score_rows(judged, stage.lake, closed)
            write_scores(stage.lake, rows, window.begin, window.end, list(range(stage.lake.buckets)))
            _calibrate(stage, window, judged)
            found = flag_rows(judged, stage.zones, closed)
        with transaction(stage.engine) as session:
            record_flags(
                Decision(session, DETECTOR, now),
                found,
                window=(window.begin, window.end),
                tenant_ids=None,
                new_cases_per_hour=new_cases_per_hour,
            )
            mark_scored(session, window, now)
    return next_window(stage.engine, now) is not None


def _stored_scores(stage: Stage, window: DetectionWindow) -> Judged | None:
    """The window's stored scores, judged in the families of its hours."""
    found = read_scored(stage.lake, window.begin, window.end)
    if found is None:
        return None
    keys, rows, log_p = found
    model, version = stage.judge().model_of(_day(window.begin))
    least = [stage.rules.spike_of(channel) for channel in keys[CHANNEL]]
    spikes = Spikes(np.array([one.contacts for one in least]), np.array([one.ratio for one in least]))
    score = score_of(log_p)
    with np.errstate(invalid="ignore"):
        flagged = discovered(rows, log_p, spikes, stage.rules) & (score >= version.threshold)
    return Judged(_day(window.begin), keys, rows, log_p, score, flagged, model, version)


def _calibrate(stage: Stage, window: DetectionWindow, judged: Judged) -> None:
    """Write the day's calibration again from all its scores; it is whole once its hours have all been scored."""
    day = judged.day
    stored = read_calibrations(stage.lake, day, day + 1)
    midnight = moment(day * DAY)
    whole = read_scored(stage.lake, midnight, midnight + timedelta(days=1))
    assert whole is not None, "the window's scores were just written"
    keys, rows, _ = whole
    of_series = stage.lake.bucket_of(keys[TENANT].tolist())
    begin, end = int(window.begin.timestamp()), int(window.end.timestamp())
    made = []
    for bucket in sorted(stage.judge().traffic.get(day, set())):
        before = stored[day, bucket].coverage if (day, bucket) in stored else None
        coverage = Coverage(begin, end)
        if before is not None and before.begin <= end and begin <= before.end:
            coverage = Coverage(min(before.begin, begin), max(before.end, end))
        model = None if judged.model is None else judged.model.id
        made.append(calibration_rows(day, rows, keys, of_series, [bucket], coverage, model))
    write_calibrations(stage.lake, made)


def mark_scored(session: Session, window: DetectionWindow, now: datetime) -> None:
    """Mark the changes that the window took in as scored; what lies outside of it of a change stays unscored.

    So does a late change's echo in hours after the window that have been scored before.
    """
    begin, end = window.begin, window.end
    row = session.get(Watermark, WATERMARK)
    for change in _unscored(session):
        if change.id > window.newest or change.last_interval < begin or change.first_interval >= end:
            continue
        if change.first_interval < begin:
            _split(session, change, begin, None)
        if change.last_interval >= end:
            _split(session, change, end, now)
        elif row is not None and row.at > end and change.last_interval + LONGEST_ECHO > end:
            _split(session, change, end, now)
            change.last_interval = end
        else:
            change.scored_at = aware(now)
    if row is None:
        session.add(Watermark(name=WATERMARK, at=end))
    elif row.at < end:
        row.at = end


def _split(session: Session, change: TrafficChange, at: datetime, scored_at: datetime | None) -> None:
    """Cut a change in two at ``at``; the part before becomes a row of its own."""
    session.add(
        TrafficChange(
            tenant_id=change.tenant_id,
            bucket=change.bucket,
            first_interval=change.first_interval,
            last_interval=at - timedelta(seconds=1),
            recorded_at=change.recorded_at,
            folded_at=change.folded_at,
            scored_at=scored_at,
        )
    )
    change.first_interval = at


def _unscored(session: Session) -> list[TrafficChange]:
    return list(
        session.scalars(
            select(TrafficChange).where(TrafficChange.scored_at.is_(None)).order_by(TrafficChange.id)
        )
    )


def _day(at: datetime) -> int:
    return int(at.astimezone(UTC).timestamp()) // DAY
