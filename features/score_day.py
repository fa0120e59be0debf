"""``score_day(snapshot, rows, model)``: the one function that scores, for detection, folding and back-tests
alike.

A row's statistics depend on its local day's snapshot and on the rows of the 65 minutes before it, nothing
else.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from features.constants import SHIPPED, KindConstants, RecipeConstants
from features.level import level_of_hour
from features.local_grid import LocalGrid
from features.location import interpolate
from features.own_bar import OwnMaxima, bar
from features.regimes import YOUNG_FROM_DAYS, Regime, regime_of
from features.scales import prior_scale, scale_of_hour, scale_of_season, shrunk, spread_of_hour
from features.second_stage import CANDIDATE_FROM, SecondStage, factor, feature
from features.snapshot import Snapshot, Usual
from features.strength import both, swung, together

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """One local day's intervals of some series, with their context.

    Attributes
    ----------
    grid : the day's intervals, or a run of them.
    counts : float64 [series, context + intervals]; contacts offered, NaN is unknown.
    peaks : the same of the busiest minute, contacts per minute; None where no series knows it.
    """

    grid: LocalGrid
    counts: Floats
    peaks: Floats | None


@dataclass(frozen=True, slots=True, eq=False)
class Measured:
    """One kind against its usual; each float64 [series, 1 + intervals], the first column is the interval
    before.

    Attributes
    ----------
    location : m.
    residual, error : r = x − m, and e = r − level.
    against_hour, against_season : A and S.
    relative : e / (|m| + .2 SD₇ + ε).
    """

    location: Floats
    residual: Floats
    error: Floats
    against_hour: Floats
    against_season: Floats
    relative: Floats


@dataclass(frozen=True, slots=True, eq=False)
class MeasuredDay:
    """Steps 1 to 3 of a day: all that does not depend on a model.

    Attributes
    ----------
    starts : int64 [intervals]; UTC seconds.
    observed : float64 [series, intervals]; contacts.
    observed_peak : the same of the busiest minute; None where no series knows it.
    count, peak : :class:`Measured`.
    maxima : quantiles of the series' daily maxima.
    regime : int8 [series, intervals].
    """

    starts: NDArray[np.int64]
    observed: Floats
    observed_peak: Floats | None
    count: Measured
    peak: Measured | None
    maxima: OwnMaxima
    regime: NDArray[np.int8]

    def between(self, begin: int, end: int) -> MeasuredDay:
        """Intervals that start in [begin, end), UTC seconds."""
        low, high = np.searchsorted(self.starts, (begin, end)).tolist()
        if low == 0 and high == len(self.starts):
            return self
        return replace(
            self,
            starts=self.starts[low:high],
            observed=self.observed[:, low:high],
            observed_peak=None if self.observed_peak is None else self.observed_peak[:, low:high],
            count=_columns(self.count, low, high + 1),
            peak=None if self.peak is None else _columns(self.peak, low, high + 1),
            regime=self.regime[:, low:high],
        )


@dataclass(frozen=True, slots=True)
class Model:
    """What training fits: constants, and the second stages of rows with and without a known peak."""

    constants: RecipeConstants = SHIPPED
    with_peak: SecondStage | None = None
    without_peak: SecondStage | None = None


@dataclass(frozen=True, slots=True, eq=False)
class ScoredDay:
    """Steps 4 to 8 of a day; arrays are [series, intervals].

    Attributes
    ----------
    measured : what was weighed.
    count_strength, peak_strength : b′ of either kind; ``peak_strength`` is NaN (or None) where no peak is
        known.
    strength : s, before the own bar.
    statistic : s″; NaN where the row has no score (cold, or unknown).
    """

    measured: MeasuredDay
    count_strength: Floats
    peak_strength: Floats | None
    strength: Floats
    statistic: Floats


def score_day(snapshot: Snapshot, rows: Rows, model: Model) -> ScoredDay:
    """Score the intervals of one local day.

    Parameters
    ----------
    snapshot : the baseline of that day; its series are those of ``rows``, in the same order.
    rows : counts and peaks with their context.
    model : constants and second stages.
    """
    return weigh(measure_day(snapshot, rows), model)


def measure_day(snapshot: Snapshot, rows: Rows) -> MeasuredDay:
    """Steps 1 to 3: locations, residuals, levels and scales of both kinds."""
    grid = rows.grid
    count = _measure(snapshot.count, grid, rows.counts)
    peak = None
    with_peak = np.zeros((len(rows.counts), len(grid.starts) - grid.context), dtype=bool)
    if rows.peaks is not None and snapshot.peak is not None:
        peak = _measure(snapshot.peak, grid, rows.peaks)
        with_peak = ~np.isnan(peak.against_hour[:, 1:]) & (snapshot.peak.days[:, None] >= YOUNG_FROM_DAYS)
    return MeasuredDay(
        starts=grid.starts[grid.context :],
        observed=rows.counts[:, grid.context :],
        observed_peak=None if rows.peaks is None else rows.peaks[:, grid.context :],
        count=count,
        peak=peak,
        maxima=snapshot.maxima,
        regime=regime_of(snapshot.count.days, with_peak),
    )


def weigh(measured: MeasuredDay, model: Model) -> ScoredDay:
    """Steps 4 to 8: from A and S to s″ under a model."""
    constants = model.constants
    count = _strength(measured.count, constants.count)
    peak = None
    if measured.peak is not None:
        peak = np.where(is_with_peak(measured.regime), _strength(measured.peak, constants.peak), np.nan)
    cold = measured.regime == Regime.COLD
    strength = np.where(cold, np.nan, together(count, peak))
    own = strength / constants.pooled / bar(measured.maxima, constants)[:, None]
    return ScoredDay(measured, count, peak, strength, _second_stage(own, strength, measured, model))


def candidate_features(
    measured: MeasuredDay, rows: NDArray[np.bool_], constants: RecipeConstants, *, with_peak: bool
) -> Floats:
    """What the second stage sees.

    Parameters
    ----------
    rows : bool [series, intervals]; the candidates.
    with_peak : whether the peak's features are wanted too.

    Returns
    -------
    float64 [candidates, 3 or 6].
    """
    kinds = [(measured.count, constants.count)]
    if with_peak and measured.peak is not None:
        kinds.append((measured.peak, constants.peak))
    parts = [
        feature(z[:, 1:][rows], usual)
        for kind, of in kinds
        for z, usual in (
            (kind.against_hour, of.hour),
            (kind.against_season, of.season),
            (kind.relative, of.relative),
        )
    ]
    return np.column_stack(parts)


def is_with_peak(regime: NDArray[np.int8]) -> NDArray[np.bool_]:
    """Whether an interval's regime is one with a known peak."""
    peaked: NDArray[np.bool_] = (regime == Regime.YOUNG_PEAK) | (regime == Regime.SETTLED_PEAK)
    return peaked


def _measure(usual: Usual, grid: LocalGrid, x: Floats) -> Measured:
    location = interpolate(usual.location[:, grid.left], usual.location[:, grid.right], grid.weight)
    residual = x - location
    error = residual - level_of_hour(residual, grid.interval_seconds)
    lead = grid.context - 1
    location, residual, error = (np.ascontiguousarray(part[:, lead:]) for part in (location, residual, error))
    slot = grid.slot[lead:]
    floor, smallest = usual.floor[:, None], usual.smallest[:, None]
    prior = prior_scale(location, floor)
    near = shrunk(usual.near[:, slot], usual.scale_days, prior)
    hourly = shrunk(spread_of_hour(usual.error[:, None], usual.slot_error[:, slot]), usual.scale_days, prior)
    seasonal = shrunk(1.4826 * usual.season[:, slot], usual.scale_days, prior)
    return Measured(
        location=location,
        residual=residual,
        error=error,
        against_hour=error / scale_of_hour(hourly, location, floor, near, smallest),
        against_season=residual / scale_of_season(seasonal, location, floor, near, smallest),
        relative=error / (np.abs(location) + 0.2 * usual.spread[:, None] + smallest),
    )


def _strength(kind: Measured, usual: KindConstants) -> Floats:
    b = both(kind.against_hour, kind.against_season, usual.hour, usual.season)
    return swung(b, kind.against_hour, usual.hour)


def _second_stage(own: Floats, strength: Floats, measured: MeasuredDay, model: Model) -> Floats:
    if model.with_peak is None and model.without_peak is None:
        return own
    statistic = own.copy()
    with np.errstate(invalid="ignore"):
        candidate = strength > CANDIDATE_FROM
    peaked = is_with_peak(measured.regime)
    for stage, rows, with_peak in (
        (model.with_peak, candidate & peaked, True),
        (model.without_peak, candidate & ~peaked, False),
    ):
        if stage is not None and rows.any():
            seen = candidate_features(measured, rows, model.constants, with_peak=with_peak)
            statistic[rows] *= factor(stage.anomaly(seen))
    return statistic


def _columns(kind: Measured, low: int, high: int) -> Measured:
    return Measured(
        kind.location[:, low:high],
        kind.residual[:, low:high],
        kind.error[:, low:high],
        kind.against_hour[:, low:high],
        kind.against_season[:, low:high],
        kind.relative[:, low:high],
    )
