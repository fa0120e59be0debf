"""Fit a model version on the four weeks before a Monday, from measured days alone, never from stored scores.

A version is a threshold and the isolation forests. The recipe's constants are shipped, and a day's calibration belongs
to the day.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from cjp_fraud.detection.drift import Distributions
from cjp_fraud.detection.operating_point import WINDOW_DAYS, Spikes, SpikeWindow
from cjp_fraud.detection.registry import FittedVersion
from cjp_fraud.detection.rules import DetectionRules
from cjp_fraud.detection.scored_rows import ScoredRows, flat, gathered
from cjp_fraud.detection.scoring import Block
from cjp_fraud.detection.series import Arranged
from cjp_fraud.detection.significance import with_p_values
from features.counting_clocks import INITIAL_THRESHOLD, Clock
from features.score_day import Model, ScoredDay, candidate_features, candidates, weigh
from models.calibration import PooledCalibration
from models.forest import PooledForest

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

LEAST_DAYS: Final = 9
"""UTC days with traffic that a window must have, or there is no version for that Monday."""
MONDAY: Final = 4
"""1970-01-05 was the first Monday."""
LEAST_CANDIDATES: Final = 512
MOST_CANDIDATES: Final = 200_000
FOREST_TREES: Final = 500
"""Trees of a version's forest."""


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


def fit_version(
    monday: int, days: Mapping[int, Sequence[Spikes]], rules: DetectionRules, model: Model | None = None
) -> FittedVersion:
    """Choose the thresholds.

    Parameters
    ----------
    monday : UTC day from which the version counts.
    days : by UTC day, for each of [monday − 28, monday) that has rows; each series in one part a clock. Other days are
        not looked at.
    rules : budgets and initial threshold.
    model : the forests that were fitted on the same window; None: none.
    """
    window = SpikeWindow.of_days(days, monday - WINDOW_DAYS, monday)
    thresholds = window.thresholds(rules.budgets)
    for clock, (scored_days, _) in window.lengths.items():
        if scored_days < WINDOW_DAYS:
            thresholds[clock] = INITIAL_THRESHOLD.get(clock, rules.initial_threshold)
    counts = window.at(thresholds)
    metrics = {
        "days": float(window.days),
        "scored_days": float(window.scored_days),
        "series_weeks": window.series_weeks,
        "flags": float(counts.flags),
        "episodes": float(counts.episodes),
        "cases": float(counts.cases),
        "flagged_quarters": float(window.flagged_quarters({Clock.MINUTE: thresholds[Clock.MINUTE]})),
    }
    return FittedVersion(
        monday,
        model or Model(),
        thresholds.pop(Clock.MINUTE),
        metrics,
        budgets=rules.budgets,
        clock_thresholds=thresholds,
    )


class WindowFit:
    """Gathers what a version is fitted on, a piece at a time; how the window is cut makes no difference."""

    def __init__(self, rules: DetectionRules) -> None:
        self._rules = rules
        self._days: dict[int, list[Spikes]] = {}
        self._distributions = Distributions()
        self._candidates = {True: _Candidates(), False: _Candidates()}

    def add(
        self,
        arranged: Arranged,
        blocks: Sequence[Block],
        spans: Sequence[ScoredRows],
        calibrated: Mapping[Clock, PooledCalibration],
    ) -> None:
        """Add all rows of one UTC day of some tenants, and their spans, with the calibrations of that day."""
        keys = np.array([int(series_id[:15], 16) for series_id in arranged.table.ids], dtype=np.int64)
        parts = []
        for block in blocks:
            scored = weigh(block.measured, Model())
            parts.append(flat(scored, block.series, block.interval_seconds))
            self._add_candidates(keys[block.series], block, scored)
        day = blocks[0].day
        rows, *longer = (
            with_p_values(of_clock, calibrated[of_clock.clock])
            for of_clock in (gathered(parts, arranged), *spans)
        )
        self._distributions.add_scores(day, rows.score)
        self._days.setdefault(day, []).extend(
            Spikes.of_rows(of_clock, self._rules) for of_clock in (rows, *longer)
        )

    def add_week(self, day: int, rows: ScoredRows, calibrated: PooledCalibration) -> None:
        """Add the weeks that end with a Sunday, with the calibration of that day."""
        self._days.setdefault(day, []).append(Spikes.of_rows(with_p_values(rows, calibrated), self._rules))

    def window(self, begin: int, end: int) -> SpikeWindow:
        """The spikes of the UTC days [begin, end)."""
        return SpikeWindow.of_days(self._days, begin, end)

    def version(self, monday: int) -> FittedVersion:
        """Fit the forests and choose the threshold."""
        model = Model(self._candidates[True].forest(), self._candidates[False].forest())
        fitted = fit_version(monday, self._days, self._rules, model)
        return replace(fitted, metrics={**fitted.metrics, **self._distributions.indices(monday)})

    def _add_candidates(self, keys: Ints, block: Block, scored: ScoredDay) -> None:
        peaked, others = candidates(scored.strength, block.measured.regime)
        for with_peak, rows in ((True, peaked), (False, others)):
            if rows.any():
                row, column = np.nonzero(rows)
                features = candidate_features(block.measured, rows, with_peak=with_peak)
                self._distributions.add_features(block.day, features)
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
