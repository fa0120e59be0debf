"""Fit a model version on the four weeks before a Monday, from measured days alone, never from scores."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import chain, groupby
from typing import Final

import numpy as np
from numpy.typing import NDArray

from cjp_fraud.detection.registry import FittedVersion
from cjp_fraud.detection.rules import DetectionRules
from cjp_fraud.detection.scoring import Block, ScoredRows, flat, gathered
from cjp_fraud.detection.series import SeriesTable
from cjp_fraud.detection.significance import (
    POOL_DAYS,
    Histograms,
    are_spikes,
    calibrations,
    histograms,
    pooled,
    summed,
    with_p_values,
)
from features.constants import EPISODE_GAP_SECONDS, SHIPPED, KindConstants, RecipeConstants
from features.episodes import count_episodes
from features.local_grid import HOUR
from features.own_bar import UPPER, quantile_of_days
from features.regimes import Regime
from features.score_day import Model, candidate_features, is_with_peak, weigh
from features.second_stage import CANDIDATE_FROM
from features.strength import together
from models.calibration import score_of
from models.discovery import rejected
from models.forest import PooledForest
from models.pooled import LEAST_DAYS as LEAST_HISTORY
from models.pooled import LEAST_SERIES, geometric_mean, pooled_upper
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
HOURS_A_DAY: Final = 24
LOWEST_THRESHOLD: Final = 3.0
"""However quiet a window was, one interval in a thousand is no reason to call a reviewer."""


Pieces = Callable[[], Iterable[Sequence[Block]]]
"""Gives a window in pieces, in the order of their UTC days, as often as it is called.

A piece has all rows of one UTC day of some tenants, so that two interval lengths of one line are in the same piece.
The result of a training does not depend on how its window is cut.
"""


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


def fit_version(monday: int, pieces: Pieces, table: SeriesTable, rules: DetectionRules) -> FittedVersion:
    """Fit constants, second stages and threshold.

    Parameters
    ----------
    monday : UTC day from which the version counts; no block is of that day or later.
    pieces : the window, [monday − 28, monday).
    table : the series that the blocks' codes mean.
    rules : budget, false-discovery rate and least excess.
    """
    constants, series = _constants(monday, pieces, table)
    model = _second_stages(pieces, constants)
    threshold, own, metrics = _threshold(pieces, model, table, rules)
    if series < LEAST_SERIES:
        threshold = rules.initial_threshold
    return FittedVersion(
        valid_from=monday,
        model=model,
        threshold=threshold,
        histograms={day: own[day] for day in own if day >= monday - POOL_DAYS},
        metrics={**metrics, "series_with_history": float(series), "days": float(len(own))},
    )


def _constants(monday: int, pieces: Pieces, table: SeriesTable) -> tuple[RecipeConstants, int]:
    """G_A, G_S and the like of both kinds, then G, each from daily maxima over the window."""
    names = ("hour", "season", "relative")
    maxima = {(kind, name): _unknown(table) for kind in ("count", "peak") for name in names}
    for block in chain.from_iterable(pieces()):
        column = block.day - monday + WINDOW_DAYS
        measured = block.measured
        warm = measured.regime != Regime.COLD
        for kind, z in (("count", measured.count), ("peak", measured.peak)):
            if z is None:
                continue
            rows = warm & (is_with_peak(measured.regime) if kind == "peak" else True)
            for name, values in zip(names, (z.against_hour, z.against_season, z.relative), strict=True):
                _raise(maxima[kind, name], block.series, column, np.where(rows, values[:, 1:], np.nan))
    fitted = {key: pooled_upper(values) for key, values in maxima.items()}
    count = _kind(fitted, "count", SHIPPED.count)
    peak = _kind(fitted, "peak", SHIPPED.peak)
    constants = RecipeConstants(count, peak, SHIPPED.pooled, SHIPPED.pooled_bar)
    strength, count_strength, peak_strength = (_unknown(table) for _ in range(3))
    for block in chain.from_iterable(pieces()):
        scored, column = weigh(block.measured, Model(constants)), block.day - monday + WINDOW_DAYS
        _raise(strength, block.series, column, scored.strength)
        warm = ~np.isnan(scored.strength)
        _raise(count_strength, block.series, column, np.where(warm, scored.count_strength, np.nan))
        if scored.peak_strength is not None:
            _raise(peak_strength, block.series, column, scored.peak_strength)
    mean, series = pooled_upper(strength)
    if series < LEAST_SERIES:
        return constants, series
    upper = [quantile_of_days(maxima, UPPER, LEAST_HISTORY) for maxima in (count_strength, peak_strength)]
    bar_mean, _ = geometric_mean(together(upper[0][:, None], upper[1][:, None]))
    return replace(constants, pooled=mean, pooled_bar=bar_mean), series


def _kind(
    fitted: dict[tuple[str, str], tuple[float, int]], kind: str, shipped: KindConstants
) -> KindConstants:
    if min(fitted[kind, name][1] for name in ("hour", "season", "relative")) < LEAST_SERIES:
        return shipped
    return KindConstants(*(fitted[kind, name][0] for name in ("hour", "season", "relative")))


def _second_stages(pieces: Pieces, constants: RecipeConstants) -> Model:
    """One forest for rows with a known peak, one for the others; none where candidates are too few."""
    seen = {True: _Candidates(), False: _Candidates()}
    plain = Model(constants)
    for block in chain.from_iterable(pieces()):
        scored = weigh(block.measured, plain)
        with np.errstate(invalid="ignore"):
            candidate = scored.strength > CANDIDATE_FROM
        peaked = is_with_peak(block.measured.regime)
        for with_peak, rows in ((True, candidate & peaked), (False, candidate & ~peaked)):
            if rows.any():
                row, column = np.nonzero(rows)
                features = candidate_features(block.measured, rows, constants, with_peak=with_peak)
                seen[with_peak].add(block.series[row], block.measured.starts[column], features)
    return Model(constants, seen[True].forest(), seen[False].forest())


class _Candidates:
    """Rows for a forest: all of them, or a fixed sample that does not depend on their order."""

    def __init__(self) -> None:
        self._parts: list[tuple[Ints, Ints, Floats]] = []
        self._held = 0

    def add(self, series: Ints, starts: Ints, features: Floats) -> None:
        """Add rows: int64 [n] codes and UTC seconds, float64 [n, features]."""
        self._parts.append((series, starts, features))
        self._held += len(series)
        if self._held > 2 * MOST_CANDIDATES:
            self._parts = [self._sampled()]
            self._held = len(self._parts[0][0])

    def forest(self) -> PooledForest | None:
        """Fit a forest; None where the rows are too few."""
        return (
            PooledForest(trees=FOREST_TREES).fit(self._sampled()[2])
            if self._held >= LEAST_CANDIDATES
            else None
        )

    def _sampled(self) -> tuple[Ints, Ints, Floats]:
        """The rows by series and start, at most so many, chosen by a hash of series and start."""
        series, starts, features = (np.concatenate([part[i] for part in self._parts]) for i in range(3))
        order = np.lexsort((starts, series))
        if len(order) > MOST_CANDIDATES:
            sample = np.argsort(_mixed(series[order], starts[order]), kind="stable")[:MOST_CANDIDATES]
            order = order[np.sort(sample)]
        return series[order], starts[order], features[order]


def _threshold(
    pieces: Pieces, model: Model, table: SeriesTable, rules: DetectionRules
) -> tuple[float, dict[int, Histograms], dict[str, float]]:
    """The threshold, each day's histograms of the final statistic, and what the model's card shows.

    The first seven days are calibrated on all seven of them, each later one on the seven before it. So the window is
    gone through twice: for the histograms, and for the rows that could be flagged.
    """
    own: dict[int, Histograms] = {}
    for day, parts in _scored_days(pieces, model, table):
        own[day] = summed([histograms(rows) for rows in parts])
    first = min(own, default=0)
    opening = pooled([own[day] for day in own if day < first + POOL_DAYS])
    flagged = [(np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0))]
    scored_series_days = 0
    for day, parts in _scored_days(pieces, model, table):
        calibrated = opening if day < first + POOL_DAYS else calibrations(own, day)
        of_day = _DayOfCandidates(table, rules)
        for rows in parts:
            scored_series_days += of_day.add(with_p_values(rows, calibrated))
        flagged.append(of_day.discovered())
    tenants, starts, scores = (np.concatenate([part[i] for part in flagged]) for i in range(3))
    weeks = scored_series_days / 7.0
    threshold = smallest_threshold(
        tenants,
        starts,
        scores,
        budget=rules.budget * weeks,
        gap_seconds=EPISODE_GAP_SECONDS,
        floor=LOWEST_THRESHOLD,
    )
    high = scores >= threshold
    episodes = float(count_episodes(tenants[high], starts[high]))
    return threshold, own, {"series_weeks": weeks, "episodes": episodes, "window_threshold": threshold}


class _DayOfCandidates:
    """Rows of one UTC day whose p is small enough to be rejected in their hour, of all its pieces."""

    def __init__(self, table: SeriesTable, rules: DetectionRules) -> None:
        self._table = table
        self._rules = rules
        self._hypotheses = np.zeros(HOURS_A_DAY, dtype=np.int64)
        self._rows: list[tuple[Ints, Ints, Floats, NDArray[np.bool_]]] = []

    def add(self, rows: ScoredRows) -> int:
        """Add a piece's rows; returns how many of its series have a score that day."""
        known = ~np.isnan(rows.log_p)
        hour = rows.start // HOUR % HOURS_A_DAY
        self._hypotheses += np.bincount(hour[known], minlength=HOURS_A_DAY)
        with np.errstate(invalid="ignore"):
            low = np.flatnonzero(rows.log_p <= np.log(self._rules.false_discovery_rate))
        spikes = are_spikes(rows, self._rules)[low]
        self._rows.append((self._table.tenants[rows.series[low]], rows.start[low], rows.log_p[low], spikes))
        return len(np.unique(rows.series[known]))

    def discovered(self) -> tuple[Ints, Ints, Floats]:
        """Tenant, start and score of the rows that would be flagged were the threshold 0."""
        if not self._rows:
            return np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0)
        tenants, starts, log_p, spikes = (np.concatenate([part[i] for part in self._rows]) for i in range(4))
        hours = starts // HOUR
        sizes = self._hypotheses[hours % HOURS_A_DAY]
        discovered = rejected(hours, log_p, self._rules.false_discovery_rate, sizes=sizes) & spikes
        return tenants[discovered], starts[discovered], score_of(log_p[discovered])


def _scored_days(
    pieces: Pieces, model: Model, table: SeriesTable
) -> Iterator[tuple[int, Iterator[ScoredRows]]]:
    """Scored rows of each UTC day that has any, piece by piece; a day's pieces are used up before the next day."""
    whole = (piece for piece in pieces() if piece)
    for day, of_day in groupby(whole, key=lambda piece: piece[0].day):
        yield (
            day,
            (
                gathered((flat(weigh(block.measured, model), block.series) for block in piece), table)
                for piece in of_day
            ),
        )


def _unknown(table: SeriesTable) -> Floats:
    return np.full((len(table), WINDOW_DAYS), np.nan)


def _raise(maxima: Floats, series: Ints, column: int, values: Floats) -> None:
    if values.shape[1]:
        maxima[series, column] = np.fmax(maxima[series, column], np.fmax.reduce(values, axis=1))


def _mixed(series: Ints, starts: Ints) -> NDArray[np.uint64]:
    """A fixed pseudo-random order of rows, the same however they are cut (splitmix64)."""
    x = series.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15) + starts.astype(np.uint64)
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return x ^ (x >> np.uint64(31))
