"""Whether the calibration keeps its word: rows of the newest days beside the share that their p-values promised."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from cjp_fraud.detection.calibration_store import read_calibrations
from cjp_fraud.detection.significance import POOL_DAYS, calibration
from cjp_fraud.storage.lake import Lake
from features.counting_clocks import CLOCKS, Clock
from models.calibration import EDGES, LEAST_ROWS, LN10, PooledCalibration

Counts = NDArray[np.int64]

CHECKED_DAYS: Final = 7
SCORES: Final = (1, 2, 3, 4)
"""Scores (-log10 p) from which rows are counted."""


@dataclass(frozen=True, slots=True)
class CalibrationPoint:
    """Rows from a score on: so many were expected by chance, so many were seen.

    The score stands at the edge of a bin, so it is the asked one or more; where two share an edge, they are one point.
    """

    score: float
    expected: float
    observed: int


@dataclass(frozen=True, slots=True)
class CalibrationCheck:
    """A clock's calibration.

    Parameters
    ----------
    pool_rows : rows of the sixty UTC days before the checked ones.
    own_pool : whether they calibrate; else the shipped table does, because they are too few.
    checked_rows : rows of the checked days.
    """

    clock: Clock
    pool_rows: int
    own_pool: bool
    checked_rows: int
    points: tuple[CalibrationPoint, ...]


def check_calibration(lake: Lake, today: int) -> tuple[CalibrationCheck, ...]:
    """Check each clock on the seven UTC days before day ``today``, by the calibration of the first of them."""
    first = today - CHECKED_DAYS
    days: dict[Clock, dict[int, Counts]] = {clock: {} for clock in CLOCKS}
    for (day, _, clock), part in read_calibrations(lake, first - POOL_DAYS, today).items():
        of_clock = days[clock]
        of_clock[day] = of_clock[day] + part.counts if day in of_clock else part.counts
    return tuple(_check(clock, of_clock, first) for clock, of_clock in days.items())


def _check(clock: Clock, days: Mapping[int, Counts], first: int) -> CalibrationCheck:
    pool = sum(int(counts.sum()) for day, counts in days.items() if day < first)
    checked = [counts for day, counts in days.items() if day >= first]
    total = np.sum(checked, axis=0) if checked else np.zeros(len(EDGES), dtype=np.int64)
    points = calibration_points(calibration(days, first, clock), total)
    return CalibrationCheck(clock, pool, pool >= LEAST_ROWS, int(total.sum()), points)


def calibration_points(calibrated: PooledCalibration, counts: Counts) -> tuple[CalibrationPoint, ...]:
    """Return what is expected and seen from each of the scores on.

    Parameters
    ----------
    counts : int64 [bins]; histogram of the final statistic.
    """
    log_survival = calibrated.log_survival(EDGES)
    points: dict[int, CalibrationPoint] = {}
    for score in SCORES:
        beyond = np.flatnonzero(log_survival <= -score * LN10)
        if not len(beyond):
            continue
        edge = int(beyond[0])
        chance = float(np.exp(log_survival[edge]))
        seen = int(counts[edge + 1 :].sum())
        points[edge] = CalibrationPoint(float(-log_survival[edge] / LN10), chance * float(counts.sum()), seen)
    return tuple(points.values())
