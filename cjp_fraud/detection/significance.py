"""From statistics to p-values and flags: pooled calibration, hourly families, threshold, least excess."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from cjp_fraud.detection.rules import DetectionRules
from cjp_fraud.detection.scoring import ScoredRows
from features.columns import CHANNEL
from features.local_grid import HOUR
from features.regimes import SCORED_REGIMES, Regime
from features.spike import is_spike
from models.calibration import LEAST_ROWS, PooledCalibration, histogram
from models.discovery import rejected
from models.shipped import shipped_calibration

Histograms = dict[Regime, NDArray[np.int64]]
"""Histogram of the final statistic by regime, of one UTC day or of several."""

POOL_DAYS: Final = 7
"""Day D is calibrated on D − 7 to D − 1."""


def histograms(rows: ScoredRows) -> Histograms:
    """Histogram of each regime's final statistics."""
    return {
        regime: histogram(rows.statistic[rows.regime == regime])
        for regime in SCORED_REGIMES
        if (rows.regime == regime).any()
    }


def summed(parts: Sequence[Histograms]) -> Histograms:
    """Histograms of several buckets, or days, added up."""
    result: Histograms = {}
    for part in parts:
        for regime, counts in part.items():
            result[regime] = result[regime] + counts if regime in result else counts
    return result


def calibrations(days: Mapping[int, Histograms], day: int) -> dict[Regime, PooledCalibration]:
    """Calibration of UTC ``day`` from the seven days before; the shipped one where the pool is too small."""
    return pooled([days[before] for before in range(day - POOL_DAYS, day) if before in days])


def pooled(pools: Sequence[Histograms]) -> dict[Regime, PooledCalibration]:
    """One calibration a regime from the histograms of several days."""
    total = summed(pools)
    result = {}
    for regime in SCORED_REGIMES:
        enough = regime in total and int(total[regime].sum()) >= LEAST_ROWS
        result[regime] = PooledCalibration().fit(total[regime]) if enough else _shipped(regime)
    return result


def with_p_values(rows: ScoredRows, calibrated: Mapping[Regime, PooledCalibration]) -> ScoredRows:
    """The rows with the natural log of p by their regime; NaN where there is no statistic."""
    log_p = np.full(len(rows), np.nan)
    for regime, calibration in calibrated.items():
        chosen = rows.regime == regime
        if chosen.any():
            log_p[chosen] = calibration.log_survival(rows.statistic[chosen])
    return replace(rows, log_p=log_p)


def discovered(parts: Sequence[ScoredRows], rules: DetectionRules) -> list[NDArray[np.bool_]]:
    """Rows that are flagged once their score reaches the threshold: rejected in their hour, and a spike.

    Parameters
    ----------
    parts : all rows of some whole UTC hours, with p-values; the series of an hour are one family, whichever
        part they are in.
    """
    if not parts:
        return []
    hours = np.concatenate([rows.start // HOUR for rows in parts])
    log_p = np.concatenate([rows.log_p for rows in parts])
    rejections = rejected(hours, log_p, rules.false_discovery_rate)
    ends = np.cumsum([len(rows) for rows in parts])[:-1]
    return [
        part & are_spikes(rows, rules) for part, rows in zip(np.split(rejections, ends), parts, strict=True)
    ]


def closed(parts: Sequence[ScoredRows], rules: DetectionRules) -> list[ScoredRows]:
    """Close the hours of ``parts``: flag what is discovered and reaches its version's threshold."""
    result = []
    for rows, discoveries in zip(parts, discovered(parts, rules), strict=True):
        threshold = np.inf if rows.version is None else rows.version.threshold
        with np.errstate(invalid="ignore"):
            result.append(replace(rows, flagged=discoveries & (rows.score >= threshold)))
    return result


def are_spikes(rows: ScoredRows, rules: DetectionRules) -> NDArray[np.bool_]:
    """Whether each row's excess is upward and at least the minimum of its channel."""
    channels, code = np.unique(rows.table.keys[CHANNEL].to_numpy(dtype=str), return_inverse=True)
    least = [rules.spike_of(str(channel)) for channel in channels]
    contacts = np.array([minimum.contacts for minimum in least])[code]
    ratio = np.array([minimum.ratio for minimum in least])[code]
    return is_spike(rows.observed - rows.baseline, rows.baseline, contacts[rows.series], ratio[rows.series])


def _shipped(regime: Regime) -> PooledCalibration:
    return shipped_calibration(with_peak=regime in (Regime.YOUNG_PEAK, Regime.SETTLED_PEAK))
