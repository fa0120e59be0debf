"""From statistics to p-values and flags: pooled calibration, hourly families, threshold, least excess."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cjp_fraud.detection.rules import DetectionRules
from cjp_fraud.detection.scoring import ScoredRows
from cjp_fraud.detection.series import SeriesTable
from features.columns import CHANNEL
from features.local_grid import HOUR
from features.regimes import SCORED_REGIMES, Regime
from features.spike import is_spike
from models.calibration import LEAST_ROWS, PooledCalibration, histogram
from models.discovery import rejected
from models.shipped import shipped_calibration

Floats = NDArray[np.float64]
Histograms = dict[Regime, NDArray[np.int64]]
"""Histogram of the final statistic by regime, of one UTC day or of several."""

POOL_DAYS = 7
"""Day D is calibrated on D − 7 to D − 1."""


@dataclass(frozen=True, slots=True, eq=False)
class Spikes:
    """Least excess by series; float64 [series] each."""

    contacts: Floats
    ratio: Floats

    @classmethod
    def of(cls, table: SeriesTable, rules: DetectionRules) -> Spikes:
        """The minimum of each series' channel."""
        of = [rules.spike_of(channel) for channel in table.keys[CHANNEL]]
        return cls(np.array([one.contacts for one in of]), np.array([one.ratio for one in of]))


def histograms(rows: ScoredRows) -> Histograms:
    """Histogram of each regime's final statistics."""
    return {
        regime: histogram(rows.statistic[rows.regime == regime])
        for regime in SCORED_REGIMES
        if (rows.regime == regime).any()
    }


def calibrations(days: Mapping[int, Histograms], day: int) -> dict[Regime, PooledCalibration]:
    """Calibration of UTC ``day`` from the seven days before; the shipped one where the pool is too small."""
    pools = [days[before] for before in range(day - POOL_DAYS, day) if before in days]
    return pooled(pools)


def pooled(pools: list[Histograms]) -> dict[Regime, PooledCalibration]:
    """One calibration a regime from the histograms of several days."""
    result = {}
    for regime in SCORED_REGIMES:
        counts = [pool[regime] for pool in pools if regime in pool]
        total = np.sum(counts, axis=0) if counts else np.zeros(1, dtype=np.int64)
        enough = int(total.sum()) >= LEAST_ROWS
        result[regime] = PooledCalibration().fit(total) if enough else _shipped(regime)
    return result


def log_p_values(rows: ScoredRows, calibrated: Mapping[Regime, PooledCalibration]) -> Floats:
    """Natural log of p by the row's regime; NaN where there is no statistic."""
    result = np.full(len(rows), np.nan)
    for regime, calibration in calibrated.items():
        of = rows.regime == regime
        if of.any():
            result[of] = calibration.log_survival(rows.statistic[of])
    return result


def discovered(rows: ScoredRows, log_p: Floats, spikes: Spikes, rules: DetectionRules) -> NDArray[np.bool_]:
    """Rows that are flagged once their score reaches the threshold: rejected in their hour, and a spike."""
    found = rejected(rows.start // HOUR, log_p, rules.false_discovery_rate)
    excess = rows.observed - rows.baseline
    return found & is_spike(excess, rows.baseline, spikes.contacts[rows.series], spikes.ratio[rows.series])


def _shipped(regime: Regime) -> PooledCalibration:
    return shipped_calibration(with_peak=regime in (Regime.YOUNG_PEAK, Regime.SETTLED_PEAK))
