"""From statistics to p-values, q-values and flags: pooled calibration, threshold, least excess."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from cjp_fraud.detection.rules import DetectionRules
from cjp_fraud.detection.scored_rows import ScoredRows
from features.columns import CHANNEL
from features.counting_clocks import CLOCKS, Clock
from features.local_grid import HOUR
from features.spike import is_spike
from models.calibration import LEAST_ROWS, PooledCalibration
from models.discovery import log_q_values
from models.shipped import shipped_calibration

Counts = NDArray[np.int64]
"""Histogram of the final statistic in fixed bins."""

POOL_DAYS: Final = 60
"""Day D is calibrated on D − 60 to D − 1."""


def calibration(days: Mapping[int, Counts], day: int, clock: Clock = Clock.MINUTE) -> PooledCalibration:
    """A clock's calibration of UTC ``day`` from the sixty days before; the shipped one where they have too few rows."""
    pool = [days[before] for before in range(day - POOL_DAYS, day) if before in days]
    total = np.sum(pool, axis=0) if pool else np.zeros(0, dtype=np.int64)
    return PooledCalibration().fit(total) if int(total.sum()) >= LEAST_ROWS else shipped_calibration(clock)


def with_p_values(rows: ScoredRows, calibrated: PooledCalibration) -> ScoredRows:
    """The rows with the natural log of p; NaN where there is no statistic.

    Where the own bar of a series is not known yet, the statistic is divided by a provisional bar before p is taken from
    it. The pool counts it undivided.
    """
    return replace(rows, log_p=calibrated.log_survival(rows.statistic / rows.provisional))


def closed(parts: Sequence[ScoredRows], rules: DetectionRules) -> list[ScoredRows]:
    """Close the hours of ``parts``: flag what reaches its version's threshold and the least excess of its channel.

    Parameters
    ----------
    parts : all rows of some whole UTC hours, with p-values; the rows of an hour on a clock are one family of q-values,
        whichever part they are in.
    """
    if not parts:
        return []
    families = [rows.start // HOUR * len(CLOCKS) + CLOCKS.index(rows.clock) for rows in parts]
    log_q = log_q_values(np.concatenate(families), np.concatenate([rows.log_p for rows in parts]))
    ends = np.cumsum([len(rows) for rows in parts])[:-1]
    result = []
    for rows, of_part in zip(parts, np.split(log_q, ends), strict=True):
        threshold = np.inf if rows.version is None else rows.version.thresholds[rows.clock]
        with np.errstate(invalid="ignore"):
            flagged = (rows.score >= threshold) & are_spikes(rows, rules)
        result.append(replace(rows, log_q=of_part, flagged=flagged))
    return result


def are_spikes(rows: ScoredRows, rules: DetectionRules) -> NDArray[np.bool_]:
    """Whether each row's excess is upward and at least the minimum of its channel."""
    channels, code = np.unique(rows.table.keys[CHANNEL].to_numpy(dtype=str), return_inverse=True)
    least = [rules.spike_of(str(channel)) for channel in channels]
    contacts = np.array([minimum.contacts for minimum in least])[code]
    ratio = np.array([minimum.ratio for minimum in least])[code]
    return is_spike(rows.excess, rows.span_baseline, contacts[rows.series], ratio[rows.series])
