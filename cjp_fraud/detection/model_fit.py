"""Fit a model version on the four weeks before a Monday, from measured days alone, never from stored scores.

A version is a threshold and the isolation forests. The recipe's constants are shipped, and a day's calibration belongs
to the day.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

from cjp_fraud.detection.registry import FittedVersion
from cjp_fraud.detection.rules import DetectionRules
from cjp_fraud.detection.scored_rows import ScoredRows, flat, gathered
from cjp_fraud.detection.scoring import Block
from cjp_fraud.detection.series import Arranged
from cjp_fraud.detection.significance import are_spikes, with_p_values
from features.columns import TENANT
from features.constants import EPISODE_GAP_SECONDS
from features.episodes import count_episodes
from features.score_day import Model, ScoredDay, candidate_features, candidates, weigh
from models.calibration import PooledCalibration
from models.forest import PooledForest
from models.threshold import smallest_threshold

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

WINDOW_DAYS: Final = 28
LEAST_DAYS: Final = 9
"""UTC days with traffic that a window must have, or there is no version for that Monday."""
MONDAY: Final = 4
"""1970-01-05 was the first Monday."""
LEAST_CANDIDATES: Final = 512
MOST_CANDIDATES: Final = 200_000
FOREST_TREES: Final = 500
"""Trees of a version's forest."""
LOWEST_THRESHOLD: Final = 1.5
"""However quiet a window was, one interval in thirty is no reason to call a reviewer."""


def eligible_mondays(traffic_days: Ints) -> Ints:
    """Mondays with enough days of traffic in the four weeks before them.

    Parameters
    ----------
    traffic_days : int64; UTC days with traffic, ascending.

    Returns
    -------
    int64; UTC days, ascending. Whether a Monday is one of them depends on the days before it alone.
    """
    after = np.unique(traffic_days[:, None] + np.arange(1, WINDOW_DAYS + 1))
    mondays = after[(after - MONDAY) % 7 == 0]
    held = np.searchsorted(traffic_days, mondays) - np.searchsorted(traffic_days, mondays - WINDOW_DAYS)
    eligible: Ints = mondays[held >= LEAST_DAYS]
    return eligible


@dataclass(frozen=True, slots=True, eq=False)
class Spikes:
    """Rows of one UTC day that a low enough threshold would flag.

    Attributes
    ----------
    tenants : str [rows].
    starts : int64 [rows]; UTC seconds.
    scores : float64 [rows]; at least the lowest threshold.
    series : how many series had a score that day.
    """

    tenants: NDArray[np.object_]
    starts: Ints
    scores: Floats
    series: int

    @classmethod
    def of_rows(cls, rows: ScoredRows, rules: DetectionRules) -> Self:
        """Take them from rows of one UTC day with p-values."""
        score = rows.score
        with np.errstate(invalid="ignore"):
            chosen = rows.take(score >= LOWEST_THRESHOLD)
        chosen = chosen.take(are_spikes(chosen, rules))
        tenants = rows.table.keys[TENANT].to_numpy(dtype=object)[chosen.series]
        series = len(np.unique(rows.series[~np.isnan(score)]))
        return cls(tenants, chosen.start, chosen.score, series)


def fit_version(
    monday: int, days: Mapping[int, Sequence[Spikes]], rules: DetectionRules, model: Model | None = None
) -> FittedVersion:
    """Choose the threshold.

    Parameters
    ----------
    monday : UTC day from which the version counts.
    days : by UTC day, for each of [monday − 28, monday) that has rows; each series in one part. Other days are not
        looked at.
    rules : budget and initial threshold.
    model : the forests that were fitted on the same window; None: none.
    """
    window = {day: days[day] for day in range(monday - WINDOW_DAYS, monday) if day in days}
    parts = list(chain.from_iterable(window.values()))
    scored_days = sum(any(part.series for part in of_day) for of_day in window.values())
    weeks = sum(part.series for part in parts) / 7.0
    _, tenants = np.unique(np.concatenate([part.tenants for part in parts]).astype(str), return_inverse=True)
    starts = np.concatenate([part.starts for part in parts])
    scores = np.concatenate([part.scores for part in parts])
    threshold = rules.initial_threshold
    if scored_days == WINDOW_DAYS:
        threshold = smallest_threshold(
            tenants,
            starts,
            scores,
            budget=rules.budget * weeks,
            gap_seconds=EPISODE_GAP_SECONDS,
            floor=LOWEST_THRESHOLD,
        )
    high = scores >= threshold
    metrics = {
        "days": float(len(window)),
        "scored_days": float(scored_days),
        "series_weeks": weeks,
        "episodes": float(count_episodes(tenants[high], starts[high])),
    }
    return FittedVersion(monday, model or Model(), threshold, metrics)


class WindowFit:
    """Gathers what a version is fitted on, a piece at a time; how the window is cut makes no difference."""

    def __init__(self, rules: DetectionRules) -> None:
        self._rules = rules
        self._days: dict[int, list[Spikes]] = {}
        self._candidates = {True: _Candidates(), False: _Candidates()}

    def add(self, arranged: Arranged, blocks: Sequence[Block], calibrated: PooledCalibration) -> None:
        """Add all rows of one UTC day of some tenants, with the calibration of that day."""
        keys = np.array([int(series_id[:15], 16) for series_id in arranged.table.ids], dtype=np.int64)
        parts = []
        for block in blocks:
            scored = weigh(block.measured, Model())
            parts.append(flat(scored, block.series, block.interval_seconds))
            self._add_candidates(keys[block.series], block, scored)
        rows = with_p_values(gathered(parts, arranged), calibrated)
        self._days.setdefault(blocks[0].day, []).append(Spikes.of_rows(rows, self._rules))

    def version(self, monday: int) -> FittedVersion:
        """Fit the forests and choose the threshold."""
        model = Model(self._candidates[True].forest(), self._candidates[False].forest())
        return fit_version(monday, self._days, self._rules, model)

    def _add_candidates(self, keys: Ints, block: Block, scored: ScoredDay) -> None:
        peaked, others = candidates(scored.strength, block.measured.regime)
        for with_peak, rows in ((True, peaked), (False, others)):
            if rows.any():
                row, column = np.nonzero(rows)
                features = candidate_features(block.measured, rows, with_peak=with_peak)
                self._candidates[with_peak].add(keys[row], block.measured.starts[column], features)


class _Candidates:
    """Rows for a forest: all of them, or a fixed sample that does not depend on their order."""

    def __init__(self) -> None:
        self._parts: list[tuple[Ints, Ints, Floats]] = []
        self._held = 0

    def add(self, series: Ints, starts: Ints, features: Floats) -> None:
        """Add rows: int64 [n] keys of their series and UTC seconds, float64 [n, features]."""
        self._parts.append((series, starts, features))
        self._held += len(series)
        if self._held > 2 * MOST_CANDIDATES:
            self._parts = [self._sampled()]
            self._held = len(self._parts[0][0])

    def forest(self) -> PooledForest | None:
        """Fit a forest; None where the rows are too few."""
        if self._held < LEAST_CANDIDATES:
            return None
        return PooledForest(trees=FOREST_TREES).fit(self._sampled()[2])

    def _sampled(self) -> tuple[Ints, Ints, Floats]:
        """The rows by series and start, at most so many, chosen by a hash of series and start."""
        series, starts, features = (np.concatenate([part[i] for part in self._parts]) for i in range(3))
        order = np.lexsort((starts, series))
        if len(order) > MOST_CANDIDATES:
            sample = np.argsort(_mixed(series[order], starts[order]), kind="stable")[:MOST_CANDIDATES]
            order = order[np.sort(sample)]
        return series[order], starts[order], features[order]


def _mixed(series: Ints, starts: Ints) -> NDArray[np.uint64]:
    """A fixed pseudo-random order of rows, the same however they are cut (splitmix64)."""
    x = series.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15) + starts.astype(np.uint64)
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return x ^ (x >> np.uint64(31))
