"""Hours that are not closed yet: their intervals are scored and flagged as they come; only the q-value waits.

An interval's score rests on what came before it, so it is the same now as when its hour is closed. The family of
q-values, the longer clocks, the calibrations and the joint spikes need the whole hour: they come with its closing,
which scores the hour again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

import numpy as np
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from cjp_fraud.clock import aware
from cjp_fraud.detection.charges import with_charges
from cjp_fraud.detection.flags import flag_rows
from cjp_fraud.detection.run import DETECTION_LOCK, Detection
from cjp_fraud.detection.scored_rows import ScoredRows
from cjp_fraud.detection.significance import closed
from cjp_fraud.detection.window import (
    DetectionWindow,
    closed_until,
    hour_of,
    unscored,
    waiting_changes,
)
from cjp_fraud.review.flags import FlaggingResult
from cjp_fraud.storage.database import transaction
from cjp_fraud.storage.locks import process_lock
from cjp_fraud.traffic.tables import TrafficChange
from features.counting_clocks import Clock
from features.local_grid import DAY

HOUR: Final = timedelta(hours=1)
TURN_OF_DAY: Final = timedelta(days=1)


def open_window(engine: Engine, now: datetime, since: datetime | None = None) -> DetectionWindow | None:
    """The hours with new traffic that are still open at ``now``: of one UTC day; None without any.

    Waits for an ingest that is storing. Intervals that lie ahead of ``now`` wait.

    Parameters
    ----------
    now : aware.
    since : aware; changes that end before its hour are left alone. None: none is.
    """
    closed_to = closed_until(now)
    changes = waiting_changes(engine, since)
    new = [
        change
        for change in changes
        if change.scored_open_at is None
        and change.last_interval >= closed_to
        and change.first_interval <= now
    ]
    if not new:
        return None
    begin = hour_of(max(min(change.first_interval for change in new), closed_to))
    midnight = begin.replace(hour=0) + TURN_OF_DAY
    last = max(min(change.last_interval, now) for change in new if change.first_interval < midnight)
    end = min(hour_of(last) + HOUR, midnight)
    return DetectionWindow(
        begin, end, max(change.id for change in changes), True, _pool_day(begin, closed_to, changes)
    )


def _pool_day(begin: datetime, closed_to: datetime, changes: Sequence[TrafficChange]) -> int:
    """The hours' own UTC day; the day before while that one's last hours wait: its calibration is not whole yet."""
    today = begin.replace(hour=0)
    waits = any(change.first_interval < today <= change.last_interval + TURN_OF_DAY for change in changes)
    day = int(today.timestamp()) // DAY
    return day - 1 if waits or closed_to < today else day


def flag_open_hours(detection: Detection, window: DetectionWindow, now: datetime) -> FlaggingResult:
    """Flag the intervals of open hours from the scores that their buckets have stored, and open cases.

    A flag says all that it says once its hour is closed, but for its q-value. Run again it changes nothing.
    """
    with process_lock(detection.engine, DETECTION_LOCK):
        _, rows = detection.store().read_scores(*window.seconds)
        minutes = closed([part for part in rows if part.clock is Clock.MINUTE], detection.rules)
        flags = flag_rows([_without_q(part) for part in minutes], detection.zones, window.end)
        with transaction(detection.engine) as session:
            recorded = detection.record(
                session, with_charges(detection.lake, flags), (), window.begin, window.end, now
            )
            _mark_scored_open(session, window, now)
    return recorded


def _without_q(rows: ScoredRows) -> ScoredRows:
    return replace(rows, log_q=np.full(len(rows), np.nan))


def _mark_scored_open(session: Session, window: DetectionWindow, now: datetime) -> None:
    """Mark the changes of open hours as scored once; their hours' closing still waits for them."""
    for change in unscored(session):
        if change.id > window.newest or change.scored_open_at is not None:
            continue
        if change.last_interval < window.begin or change.first_interval >= window.end:
            continue
        marked = change
        if change.last_interval >= window.end:
            marked = change.cut_at(window.end)
            session.add(marked)
        marked.scored_open_at = aware(now)
