"""``score_day(snapshot, rows, model)``: the one function that scores, for detection, folding and back-tests
alike.

A row's statistics depend on its local day's snapshot and on the rows of the hour and a quarter before it, nothing
else.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from features.constants import COUNT, FIFTEEN, PEAK, KindConstants
from features.fifteen import has_fifteen, mean_of_three, sums_of_three
from features.hours_of_day import hour_of
from features.level import level_of_hour
from features.local_grid import LocalGrid
from features.location import interpolate
from features.own_bar import OwnBar, bar
from features.regimes import YOUNG_FROM_DAYS, Regime, regime_of
from features.scales import NORMAL_MAD, prior_scale, scale_of_hour, scale_of_season, shrunk, spread_of_hour
from features.second_stage import CANDIDATE_FROM, SecondStage, feature
from features.snapshot import Snapshot, Usual
from features.strength import beside_fifteen, both, fifteen_decides, swung, together

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """One local day's intervals of some series, with their context.

    Attributes
    ----------
    grid : the day's intervals, or a run of them.
    counts : float64 [series, context + intervals]; contacts per interval, NaN is unknown.
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
    """Steps 1 to 3 of a day.

    Attributes
    ----------
    starts : int64 [intervals]; UTC seconds.
    hour : int64 [intervals]; hour of the wall clock, 0 to 23.
    observed : float64 [series, intervals]; contacts.
    observed_peak : the same of the busiest minute; None where no series knows it.
    observed_fifteen : the same as the mean of 15 minutes; None where intervals are not of five.
    sum_of_three, usual_of_three : the same, contacts seen and usual in the 15 minutes; None as above.
    count, peak, fifteen : :class:`Measured`; None where not known.
    own : the parts of the series' own bars.
    regime : int8 [series, intervals].
    """

    starts: NDArray[np.int64]
    hour: NDArray[np.int64]
    observed: Floats
    observed_peak: Floats | None
    observed_fifteen: Floats | None
    sum_of_three: Floats | None
    usual_of_three: Floats | None
    count: Measured
    peak: Measured | None
    fifteen: Measured | None
    own: OwnBar
    regime: NDArray[np.int8]

    def between(self, begin: int, end: int) -> MeasuredDay:
        """Intervals that start in [begin, end), UTC seconds."""
        low, high = np.searchsorted(self.starts, (begin, end)).tolist()
        if low == 0 and high == len(self.starts):
            return self

        def cut(values: Floats | None) -> Floats | None:
            return None if values is None else values[:, low:high]

        return replace(
            self,
            starts=self.starts[low:high],
            hour=self.hour[low:high],
            observed=self.observed[:, low:high],
            observed_peak=cut(self.observed_peak),
            observed_fifteen=cut(self.observed_fifteen),
            sum_of_three=cut(self.sum_of_three),
            usual_of_three=cut(self.usual_of_three),
            count=_columns(self.count, low, high + 1),
            peak=self.peak and _columns(self.peak, low, high + 1),
            fifteen=self.fifteen and _columns(self.fifteen, low, high + 1),
            regime=self.regime[:, low:high],
        )


@dataclass(frozen=True, slots=True)
class Model:
    """What training fits: the isolation forests of rows with and without a known peak; None before."""

    with_peak: SecondStage | None = None
    without_peak: SecondStage | None = None


@dataclass(frozen=True, slots=True, eq=False)
class ScoredDay:
    """Steps 4 to 9 of a day; arrays are [series, intervals].

    Attributes
    ----------
    measured : what was weighed.
    count_strength, peak_strength, fifteen_strength : b′ of count and peak, b₁₅; NaN (or None) where not known.
    strength : s.
    by_fifteen : whether u is that of the 15 minutes.
    unbarred : u; also of cold rows with a location, against the scales of a series without a past.
    statistic : s′, behind the own bar; NaN where the row has no score (cold, or unknown).
    anomaly : f of the isolation forest; NaN where it does not see the row.
    """

    measured: MeasuredDay
    count_strength: Floats
    peak_strength: Floats | None
    fifteen_strength: Floats | None
    strength: Floats
    by_fifteen: NDArray[np.bool_]
    unbarred: Floats
    statistic: Floats
    anomaly: Floats


def score_day(snapshot: Snapshot, rows: Rows, model: Model) -> ScoredDay:
    """Score the intervals of one local day.

    Parameters
    ----------
    snapshot : the baseline of that day; its series are those of ``rows``, in the same order.
    rows : counts and peaks with their context.
    model : the isolation forests; they change no statistic.
    """
    return weigh(measure_day(snapshot, rows), model)


def measure_day(snapshot: Snapshot, rows: Rows) -> MeasuredDay:
    """Steps 1 to 3: locations, residuals, levels and scales of all kinds."""
    grid = rows.grid
    count = _measure(snapshot.count, grid, rows.counts)
    peak = fifteen = None
    with_peak = np.zeros((len(rows.counts), len(grid.starts) - grid.context), dtype=bool)
    if rows.peaks is not None and snapshot.peak is not None:
        peak = _measure(snapshot.peak, grid, rows.peaks)
        with_peak = ~np.isnan(peak.against_hour[:, 1:]) & (snapshot.peak.days[:, None] >= YOUNG_FROM_DAYS)
    means = seen = usual = None
    if has_fifteen(grid.interval_seconds):
        means = mean_of_three(rows.counts)
        fifteen = None if snapshot.fifteen is None else _measure(snapshot.fifteen, grid, means)
        means = means[:, grid.context :]
        seen, usual = _of_three(snapshot.count, grid, rows.counts)
    return MeasuredDay(
        starts=grid.starts[grid.context :],
        hour=hour_of(grid.slot[grid.context :], grid.slots),
        observed=rows.counts[:, grid.context :],
        observed_peak=None if rows.peaks is None else rows.peaks[:, grid.context :],
        observed_fifteen=means,
        sum_of_three=seen,
        usual_of_three=usual,
        count=count,
        peak=peak,
        fifteen=fifteen,
        own=snapshot.own,
        regime=regime_of(snapshot.count.days, with_peak),
    )


def weigh(measured: MeasuredDay, model: Model) -> ScoredDay:
    """Steps 4 to 9: from A and S to s′, and what the forests say."""
    count, peak, fifteen = swung_strength(measured.count, COUNT), None, None
    if measured.peak is not None:
        peak = np.where(is_with_peak(measured.regime), swung_strength(measured.peak, PEAK), np.nan)
    if measured.fifteen is not None:
        fifteen = _strength(measured.fifteen, FIFTEEN)[:, 1:]
    cold = measured.regime == Regime.COLD
    both_kinds = together(count, peak)
    strength, unbarred = np.where(cold, np.nan, both_kinds), beside_fifteen(both_kinds, fifteen)
    return ScoredDay(
        measured,
        count,
        peak,
        fifteen,
        strength,
        np.zeros(strength.shape, dtype=bool) if fifteen is None else fifteen_decides(strength, fifteen),
        unbarred,
        np.where(cold, np.nan, unbarred) / bar(measured.own)[:, measured.hour],
        _anomaly(strength, measured, model),
    )


def candidate_features(measured: MeasuredDay, rows: NDArray[np.bool_], *, with_peak: bool) -> Floats:
    """What the second stage sees.

    Parameters
    ----------
    rows : bool [series, intervals]; the candidates.
    with_peak : whether the peak's features are wanted too.

    Returns
    -------
    float64 [candidates, 3 or 6].
    """
    kinds = [(measured.count, COUNT)]
    if with_peak and measured.peak is not None:
        kinds.append((measured.peak, PEAK))
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


def candidates(strength: Floats, regime: NDArray[np.int8]) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Masks of the rows that the forests see: those with a known peak, and those without."""
    with np.errstate(invalid="ignore"):
        candidate = strength > CANDIDATE_FROM
    peaked = is_with_peak(regime)
    return candidate & peaked, candidate & ~peaked


def is_with_peak(regime: NDArray[np.int8]) -> NDArray[np.bool_]:
    """Whether an interval's regime is one with a known peak."""
    peaked: NDArray[np.bool_] = (regime == Regime.YOUNG_PEAK) | (regime == Regime.SETTLED_PEAK)
    return peaked


def swung_strength(kind: Measured, usual: KindConstants) -> Floats:
    """b′ of a kind; float64 [series, intervals]."""
    return swung(_strength(kind, usual), kind.against_hour, usual.hour)


def _measure(usual: Usual, grid: LocalGrid, x: Floats) -> Measured:
    location = _location(usual, grid)
    residual = x - location
    error = residual - level_of_hour(residual, grid.interval_seconds)
    lead = grid.context - 1
    location, residual, error = (np.ascontiguousarray(part[:, lead:]) for part in (location, residual, error))
    slot = grid.slot[lead:]
    floor, smallest = usual.floor[:, None], usual.smallest[:, None]
    prior = prior_scale(location, floor)
    near = shrunk(usual.near[:, slot], usual.scale_days, prior)
    hourly = shrunk(spread_of_hour(usual.error[:, None], usual.slot_error[:, slot]), usual.scale_days, prior)
    seasonal = shrunk(NORMAL_MAD * usual.season[:, slot], usual.scale_days, prior)
    return Measured(
        location=location,
        residual=residual,
        error=error,
        against_hour=error / scale_of_hour(hourly, location, floor, near, smallest),
        against_season=residual / scale_of_season(seasonal, location, floor, near, smallest),
        relative=error / (np.abs(location) + 0.2 * usual.spread[:, None] + smallest),
    )


def _location(usual: Usual, grid: LocalGrid) -> Floats:
    return interpolate(usual.location[:, grid.left], usual.location[:, grid.right], grid.weight)


def _of_three(usual: Usual, grid: LocalGrid, counts: Floats) -> tuple[Floats, Floats]:
    """Contacts seen and usual in each interval and its two predecessors; float64 [series, intervals]."""
    location = _location(usual, grid)
    seen, expected = sums_of_three(counts, location)
    return seen[:, grid.context :], expected[:, grid.context :]


def _strength(kind: Measured, usual: KindConstants) -> Floats:
    return both(kind.against_hour, kind.against_season, usual.hour, usual.season)


def _anomaly(strength: Floats, measured: MeasuredDay, model: Model) -> Floats:
    anomaly = np.full(strength.shape, np.nan)
    if model.with_peak is None and model.without_peak is None:
        return anomaly
    peaked, others = candidates(strength, measured.regime)
    for stage, rows, with_peak in ((model.with_peak, peaked, True), (model.without_peak, others, False)):
        if stage is not None and rows.any():
            anomaly[rows] = stage.anomaly(candidate_features(measured, rows, with_peak=with_peak))
    return anomaly


def _columns(kind: Measured, low: int, high: int) -> Measured:
    return Measured(
        kind.location[:, low:high],
        kind.residual[:, low:high],
        kind.error[:, low:high],
        kind.against_hour[:, low:high],
        kind.against_season[:, low:high],
        kind.relative[:, low:high],
    )
