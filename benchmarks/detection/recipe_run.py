"""The recipe over a cloud too large for one piece: scored by the product's own store, a piece of the tenants at a time.

What a row's statistic is, its tenant alone decides; what it is worth, all tenants do. So pieces are scored by
``MemoryStore`` (in other processes), and days are then calibrated, and thresholds chosen, over all of them by the
functions that a back-test calls. Flags and scores are those of ``backtest_rows`` (a test compares them).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from benchmarks.detection.measures import INTERVAL, Marks
from cjp_fraud.detection.memory_store import MemoryStore
from cjp_fraud.detection.model_fit import eligible_mondays, fit_version
from cjp_fraud.detection.operating_point import Spikes
from cjp_fraud.detection.registry import FittedVersion, version_of
from cjp_fraud.detection.rules import DetectionRules
from cjp_fraud.detection.series import arrange
from cjp_fraud.detection.significance import are_spikes, calibration, with_p_values
from cjp_fraud.simulation.generate import SimulatedTraffic
from features.columns import TENANT
from features.counting_clocks import HOURLY_CLOCKS, LEAST_THRESHOLD, Clock
from features.local_grid import DAY, HOUR
from models.calibration import PooledCalibration, histogram, score_of

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
DAY_INTERVALS = DAY // INTERVAL
HOUR_INTERVALS = HOUR // INTERVAL


@dataclass(frozen=True, slots=True, eq=False)
class SpanStatistics:
    """Spans of a longer clock that end with each hour, as measured.

    Attributes
    ----------
    statistic, spike : [tenants, hours]; as of :class:`Statistics`.
    pool : histogram of each UTC day.
    """

    statistic: Floats
    spike: Bools
    pool: dict[int, Ints]


@dataclass(frozen=True, slots=True, eq=False)
class Statistics:
    """Rows of tenants of one series each, as measured.

    Attributes
    ----------
    begin : UTC seconds of the first interval, a midnight.
    statistic : float64 [tenants, intervals]; s′ as p is taken of it, NaN without a score.
    spike : bool [tenants, intervals]; whether the excess is large enough for a flag.
    known : bool [tenants, intervals]; whether the interval's count is known.
    pool : histogram of each UTC day.
    spans : of each longer clock.
    """

    begin: int
    statistic: Floats
    spike: Bools
    known: Bools
    pool: dict[int, Ints]
    spans: dict[Clock, SpanStatistics]

    @classmethod
    def empty(cls, begin: int, tenants: int, intervals: int) -> Self:
        """Nothing measured yet."""
        shape = tenants, intervals
        hourly = tenants, intervals // HOUR_INTERVALS
        spans = {
            clock: SpanStatistics(np.full(hourly, np.nan), np.zeros(hourly, bool), {})
            for clock in HOURLY_CLOCKS
        }
        return cls(begin, np.full(shape, np.nan), np.zeros(shape, bool), np.zeros(shape, bool), {}, spans)


@dataclass(frozen=True, slots=True, eq=False)
class Scores:
    """Rows with scores.

    Attributes
    ----------
    begin : UTC seconds of the first interval.
    score : float64 [tenants, intervals]; −log10 p, NaN without a score.
    spike : bool [tenants, intervals].
    threshold : float64 [intervals]; what a flag needed.
    pool : histogram of each UTC day.
    versions : thresholds as they were chosen.
    spans : bool [tenants, hours] of each longer clock; whether the span that ends with the hour is flagged.
    """

    begin: int
    score: Floats
    spike: Bools
    threshold: Floats
    pool: dict[int, Ints]
    versions: list[FittedVersion]
    spans: dict[Clock, Bools]

    @property
    def flagged(self) -> Bools:
        """The product's own flags, on all clocks but the week's; that of a span is at its last interval."""
        return np.any([self.flagged_by(clock) for clock in (Clock.MINUTE, *HOURLY_CLOCKS)], axis=0)

    def flagged_by(self, clock: Clock) -> Bools:
        """The product's own flags of one clock; bool [tenants, intervals]."""
        if clock is Clock.MINUTE:
            with np.errstate(invalid="ignore"):
                return (self.score >= self.threshold) & self.spike
        flagged = np.zeros(self.score.shape, dtype=bool)
        flagged[:, HOUR_INTERVALS - 1 :: HOUR_INTERVALS] = self.spans[clock]
        return flagged

    def flags(self, first: int) -> Marks:
        """The product's own flags from an interval on."""
        return self._marks(self.flagged, first)

    def flags_of(self, clock: Clock, first: int) -> Marks:
        """Those of one clock."""
        return self._marks(self.flagged_by(clock), first)

    def high(self, first: int) -> Marks:
        """Rows from an interval on that reach the threshold, whatever their excess."""
        with np.errstate(invalid="ignore"):
            return self._marks(self.score >= self.threshold, first)

    def marks(self, first: int) -> Marks:
        """All rows from an interval on that some threshold would flag."""
        with np.errstate(invalid="ignore"):
            return self._marks((self.score >= LEAST_THRESHOLD[Clock.MINUTE] / 2) & self.spike, first)

    def _marks(self, chosen: Bools, first: int) -> Marks:
        tenant, interval = np.nonzero(chosen[:, first:])
        return Marks(tenant, self.begin + INTERVAL * (interval + first), self.score[tenant, interval + first])


def measure(simulated: SimulatedTraffic, begin: int, intervals: int, rules: DetectionRules) -> Statistics:
    """Measure tenants of one series each, in the order of ``simulated.tenants``.

    Parameters
    ----------
    begin : UTC seconds of the first interval, a midnight.
    intervals : how many there are.
    """
    arranged = arrange(simulated.traffic, simulated.zones)
    number = {profile.tenant_id: row for row, profile in enumerate(simulated.tenants)}
    row_of = arranged.table.keys[TENANT].map(number).to_numpy(dtype=np.int64)
    measured = Statistics.empty(begin, len(simulated.tenants), intervals)
    store = MemoryStore(arranged, rules, trains=False)
    for day in arranged.days.tolist():
        for rows in store.scored(day, day * DAY, (day + 1) * DAY):
            if rows.version is None:
                continue  # gaps
            if rows.clock is not Clock.MINUTE:
                spans, cell = measured.spans[rows.clock], (row_of[rows.series], (rows.start - begin) // HOUR)
                spans.statistic[cell], spans.spike[cell] = rows.statistic, are_spikes(rows, rules)
                spans.pool[day] = histogram(rows.statistic)
                continue
            cell = row_of[rows.series], (rows.start - begin) // INTERVAL
            measured.statistic[cell] = with_p_values(rows, AsItIs()).log_p
            measured.spike[cell] = are_spikes(rows, rules)
            measured.known[cell] = True
            measured.pool[day] = histogram(rows.statistic)
    return measured


class AsItIs(PooledCalibration):  # type: ignore[misc]  # scikit-learn has no types
    """A calibration that gives back what it is asked about: so it shows what the product takes p of."""

    def log_survival(self, statistic: Floats) -> Floats:
        """Return the statistic."""
        return statistic


def joined(parts: list[tuple[list[int], Statistics]]) -> Statistics:
    """Join pieces, each with the rows that its tenants get; the rows of all pieces are 0 to their number."""
    first = parts[0][1]
    whole = Statistics.empty(first.begin, sum(len(rows) for rows, _ in parts), first.statistic.shape[1])
    for rows, part in parts:
        whole.statistic[rows], whole.spike[rows], whole.known[rows] = part.statistic, part.spike, part.known
        _add(whole.pool, part.pool)
        for clock, spans in part.spans.items():
            mine = whole.spans[clock]
            mine.statistic[rows], mine.spike[rows] = spans.statistic, spans.spike
            _add(mine.pool, spans.pool)
    return whole


def _add(pool: dict[int, Ints], more: dict[int, Ints]) -> None:
    for day, counts in more.items():
        pool[day] = pool.get(day, 0) + counts


def calibrated(measured: Statistics, rules: DetectionRules) -> Scores:
    """Calibrate each day on the days before it, and choose a threshold each Monday."""
    days = np.array(sorted(measured.pool), dtype=np.int64)
    mondays = eligible_mondays(days)
    score = np.full_like(measured.statistic, np.nan)
    threshold = np.empty(score.shape[1])
    spikes: dict[int, list[Spikes]] = {}
    versions: list[FittedVersion] = []
    flagged = {clock: np.zeros_like(spans.spike) for clock, spans in measured.spans.items()}
    for day in range(measured.begin // DAY, measured.begin // DAY + score.shape[1] // DAY_INTERVALS):
        of_day = slice(*(DAY_INTERVALS * (day + n) - measured.begin // INTERVAL for n in (0, 1)))
        log_p = calibration(measured.pool, day).log_survival(measured.statistic[:, of_day])
        score[:, of_day] = score_of(log_p)
        for monday in mondays[(mondays <= day) & (mondays > (versions[-1].valid_from if versions else 0))]:
            versions = [*versions, fit_version(int(monday), spikes, rules)]
        version = version_of(day, versions, rules)
        threshold[of_day] = version.threshold
        if day in measured.pool:
            spikes[day] = [_spikes(score[:, of_day], measured.spike[:, of_day], day, INTERVAL, Clock.MINUTE)]
        for clock, spans in measured.spans.items():
            hours = slice(of_day.start // HOUR_INTERVALS, of_day.stop // HOUR_INTERVALS)
            log_p = calibration(spans.pool, day, clock).log_survival(spans.statistic[:, hours])
            of_spans, spike = score_of(log_p), spans.spike[:, hours]
            with np.errstate(invalid="ignore"):
                flagged[clock][:, hours] = (of_spans >= version.thresholds[clock]) & spike
            if day in measured.pool:
                spikes[day].append(_spikes(of_spans, spike, day, HOUR, clock))
    return Scores(measured.begin, score, measured.spike, threshold, measured.pool, versions, flagged)


def _spikes(score: Floats, spike: Bools, day: int, seconds: int, clock: Clock) -> Spikes:
    with np.errstate(invalid="ignore"):
        tenant, interval = np.nonzero((score >= LEAST_THRESHOLD[clock]) & spike)
    return Spikes(
        tenants=tenant.astype(str).astype(object),
        starts=day * DAY + seconds * (interval + 1) - INTERVAL,
        scores=score[tenant, interval],
        series=int((~np.isnan(score)).any(axis=1).sum()),
        clock=clock,
    )
