"""Simpler detectors to compare with: each gives every interval of every series a score from what came before it.

None of them has the product's least excess, calibration or bar; each is what its source describes, on counts by
interval. Where a constant is ours it is said.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

import bottleneck as bn
import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.ensemble import IsolationForest

Floats = NDArray[np.float64]

DAY = 288
"""Five-minute intervals a day."""
HOUR = 12
LEARNED_DAYS = 14
"""Days of a series' life on which the forest and the ECDFs are fitted, and that nothing is judged on (ours)."""
SMALLEST_SCALE = 1.0
"""Contacts; a standard deviation is at least that (ours), or flat series would have endless scores."""


@dataclass(frozen=True, slots=True, eq=False)
class Counts:
    """What a detector sees of some series; float64 [series, intervals], NaN where unknown, whole UTC days.

    Attributes
    ----------
    offered, peak, concurrent, connected : contacts, those of the busiest minute, those at a time, those connected.
    """

    offered: Floats
    peak: Floats
    concurrent: Floats
    connected: Floats


def rolling_z(counts: Counts) -> Floats:
    """Distance from the mean of the last 24 hours, in their standard deviations."""
    x = counts.offered
    mean = _before(bn.move_mean(x, DAY, min_count=DAY // 2, axis=1))
    scale = _before(bn.move_std(x, DAY, min_count=DAY // 2, axis=1))
    return (x - mean) / np.maximum(scale, SMALLEST_SCALE)


def ewma_z(counts: Counts) -> Floats:
    """The same with exponentially falling weights, of a span of 24 hours."""
    weighted = pd.DataFrame(counts.offered.T).ewm(span=DAY, min_periods=DAY // 2)
    mean, scale = (_before(moment.to_numpy().T) for moment in (weighted.mean(), weighted.std()))
    return (counts.offered - mean) / np.maximum(scale, SMALLEST_SCALE)


def seasonal_mad(counts: Counts) -> Floats:
    """Distance from the median of the same time of the last seven days, in their median absolute deviations."""
    days = counts.offered.reshape(len(counts.offered), -1, DAY)
    score = np.full_like(days, np.nan)
    for day in range(3, days.shape[1]):
        past = days[:, max(day - 7, 0) : day]
        median = bn.nanmedian(past, axis=1)
        spread = 1.4826 * bn.nanmedian(np.abs(past - median[:, None]), axis=1)
        score[:, day] = (days[:, day] - median) / np.maximum(spread, SMALLEST_SCALE)
    return score.reshape(counts.offered.shape)


def isolation_forest(counts: Counts) -> Floats:
    """scikit-learn's forest with its defaults, one a series, on the count, the one before and the UTC time of day."""
    score = np.full_like(counts.offered, np.nan)
    for series, rows in enumerate(_features(counts.offered)):
        known, learned = _learned(rows)
        if learned is None:
            continue
        forest = IsolationForest(random_state=0).fit(rows[learned])
        score[series, known] = -forest.score_samples(rows[known])
    return score


def ecod(counts: Counts) -> Floats:
    """ECOD (Li and others, IEEE TKDE 2022, arXiv 2201.00382), one a series, on the count and the one before.

    By the published formula: −log of the empirical tails summed over features, the left, the right and, for each
    feature, the one that its skewness points to; the largest of the three sums. A row to be scored counts as one more
    row of those learned on, so that no tail is 0.
    """
    score = np.full_like(counts.offered, np.nan)
    for series, rows in enumerate(_features(counts.offered)[:, :, :2]):  # a time of day has no tails
        known, learned = _learned(rows)
        if learned is None:
            continue
        sums = np.zeros((3, int(known.sum())))
        for feature, values in zip(rows[learned].T, rows[known].T, strict=True):
            ordered, n = np.sort(feature), len(feature) + 1
            left = -np.log((np.searchsorted(ordered, values, side="right") + 1) / n)
            right = -np.log((len(feature) - np.searchsorted(ordered, values, side="left") + 1) / n)
            skewed_left = ((feature - feature.mean()) ** 3).mean() < 0
            sums += np.stack([left, right, left if skewed_left else right])
        score[series, known] = sums.max(axis=0)
    return score


CRITICAL: Final = {"peak": 5.0, "total": 35.0, "concurrent": 5.0}
"""Critical limits of the tutorial of OpenSIPS' fraud_detection (weekdays, 9 to 17), by user and prefix."""


def fixed_limits(counts: Counts) -> Floats:
    """Largest of calls in a minute, calls since UTC midnight and calls at a time, each as a multiple of its limit."""
    days = np.nan_to_num(counts.offered).reshape(len(counts.offered), -1, DAY)
    total = np.cumsum(days, axis=2).reshape(counts.offered.shape)
    multiples = np.fmax(counts.peak / CRITICAL["peak"], total / CRITICAL["total"])
    multiples = np.fmax(multiples, counts.concurrent / CRITICAL["concurrent"])
    return np.where(np.isnan(counts.offered), np.nan, multiples)


def adaptive_floor(counts: Counts) -> Floats:
    """authgear's rule for unverified messages, on contacts that were not connected.

    Those of the last 24 hours against D = max(20, .2 × the most connected ones in 24 hours of the last 14 days,
    .2 × the connected ones of the last 24 hours); those of the last hour against max(3, D / 6, .2 × the connected ones
    of the last hour). The larger multiple.
    """
    connected = np.nan_to_num(counts.connected)
    failed = np.nan_to_num(counts.offered) - connected
    by_day = _sum(connected, DAY)
    largest = bn.move_max(by_day, min(14 * DAY, by_day.shape[1]), min_count=1, axis=1)
    daily = np.maximum(20.0, 0.2 * np.maximum(_before(largest, fill=0.0), by_day))
    hourly = np.maximum(np.maximum(3.0, daily / 6), 0.2 * _sum(connected, HOUR))
    multiples = np.maximum(_sum(failed, DAY) / daily, _sum(failed, HOUR) / hourly)
    return np.where(np.isnan(counts.offered), np.nan, multiples)


DETECTORS: Final[Mapping[str, Callable[[Counts], Floats]]] = {
    "isolation forest, raw values": isolation_forest,
    "rolling z, 24 h": rolling_z,
    "EWMA z, 24 h": ewma_z,
    "seasonal median/MAD, 7 days": seasonal_mad,
    "ECOD": ecod,
    "fixed limits (OpenSIPS)": fixed_limits,
    "adaptive floor (authgear)": adaptive_floor,
}

OWN_THRESHOLD: Final = {"fixed limits (OpenSIPS)": 1.0, "adaptive floor (authgear)": 1.0}
"""Detectors whose source says when they flag."""


def _before(values: Floats, fill: float = np.nan) -> Floats:
    """What was so one interval before."""
    shifted = np.full_like(values, fill)
    shifted[:, 1:] = values[:, :-1]
    return shifted


def _sum(values: Floats, window: int) -> Floats:
    total: Floats = bn.move_sum(values, window, min_count=1, axis=1)
    return total


def _features(offered: Floats) -> Floats:
    """float64 [series, intervals, 3]: count, count before, time of day."""
    time = np.broadcast_to(np.arange(offered.shape[1]) % DAY, offered.shape)
    return np.stack([offered, _before(offered), time], axis=2)


def _learned(rows: Floats) -> tuple[NDArray[np.bool_], NDArray[np.int64] | None]:
    """Which rows are known after the days learned on, and which are learned on; None where there are too few."""
    known = ~np.isnan(rows).any(axis=1)
    if not known.any():
        return known, None
    end = int(np.argmax(known)) + LEARNED_DAYS * DAY
    learned = np.flatnonzero(known[:end])
    known[:end] = False
    return known, learned if known.any() and len(learned) > DAY else None
