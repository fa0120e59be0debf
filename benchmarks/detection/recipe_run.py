"""The recipe over a cloud too large for one piece: scored by the product's own store, a piece of the tenants at a time.

What a row's statistic is, its tenant alone decides; what it is worth, all tenants do. So pieces are scored by
``MemoryStore`` (in other processes), and days are then calibrated, and thresholds chosen, over all of them by the
functions that a back-test calls. Flags and scores are those of ``backtest_rows`` (a test compares them).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benchmarks.detection.measures import INTERVAL, Marks
from cjp_fraud.detection.memory_store import MemoryStore
from cjp_fraud.detection.model_fit import eligible_mondays, fit_version
from cjp_fraud.detection.operating_point import LOWEST_THRESHOLD, Spikes
from cjp_fraud.detection.registry import FittedVersion, version_of
from cjp_fraud.detection.rules import DetectionRules
from cjp_fraud.detection.series import arrange
from cjp_fraud.detection.significance import are_spikes, calibration, with_p_values
from cjp_fraud.simulation.generate import SimulatedTraffic
from features.columns import TENANT
from features.local_grid import DAY
from models.calibration import PooledCalibration, histogram, score_of

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
DAY_INTERVALS = DAY // INTERVAL


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
    """

    begin: int
    statistic: Floats
    spike: Bools
    known: Bools
    pool: dict[int, Ints]


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
    """

    begin: int
    score: Floats
    spike: Bools
    threshold: Floats
    pool: dict[int, Ints]
    versions: list[FittedVersion]

    @property
    def flagged(self) -> Bools:
        """The product's own flags."""
        with np.errstate(invalid="ignore"):
            return (self.score >= self.threshold) & self.spike

    def flags(self, first: int) -> Marks:
        """The product's own flags from an interval on."""
        return self._marks(self.flagged, first)

    def high(self, first: int) -> Marks:
        """Rows from an interval on that reach the threshold, whatever their excess."""
        with np.errstate(invalid="ignore"):
            return self._marks(self.score >= self.threshold, first)

    def marks(self, first: int) -> Marks:
        """All rows from an interval on that some threshold would flag."""
        with np.errstate(invalid="ignore"):
            return self._marks((self.score >= LOWEST_THRESHOLD / 2) & self.spike, first)

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
    shape = len(simulated.tenants), intervals
    measured = Statistics(begin, np.full(shape, np.nan), np.zeros(shape, bool), np.zeros(shape, bool), {})
    store = MemoryStore(arranged, rules, trains=False)
    for day in arranged.days.tolist():
        for rows in store.scored(day, day * DAY, (day + 1) * DAY):
            if rows.version is None:
                continue  # gaps
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
    shape = sum(len(rows) for rows, _ in parts), first.statistic.shape[1]
    whole = Statistics(first.begin, np.full(shape, np.nan), np.zeros(shape, bool), np.zeros(shape, bool), {})
    for rows, part in parts:
        whole.statistic[rows], whole.spike[rows], whole.known[rows] = part.statistic, part.spike, part.known
        for day, counts in part.pool.items():
            whole.pool[day] = whole.pool.get(day, 0) + counts
    return whole


def calibrated(measured: Statistics, rules: DetectionRules) -> Scores:
    """Calibrate each day on the days before it, and choose a threshold each Monday."""
    days = np.array(sorted(measured.pool), dtype=np.int64)
    mondays = eligible_mondays(days)
    score = np.full_like(measured.statistic, np.nan)
    threshold = np.empty(score.shape[1])
    spikes: dict[int, list[Spikes]] = {}
    versions: list[FittedVersion] = []
    for day in range(measured.begin // DAY, measured.begin // DAY + score.shape[1] // DAY_INTERVALS):
        of_day = slice(*(DAY_INTERVALS * (day + n) - measured.begin // INTERVAL for n in (0, 1)))
        log_p = calibration(measured.pool, day).log_survival(measured.statistic[:, of_day])
        score[:, of_day] = score_of(log_p)
        for monday in mondays[(mondays <= day) & (mondays > (versions[-1].valid_from if versions else 0))]:
            versions = [*versions, fit_version(int(monday), spikes, rules)]
        threshold[of_day] = version_of(day, versions, rules).threshold
        if day in measured.pool:
            spikes[day] = [_spikes(score[:, of_day], measured.spike[:, of_day], day)]
    return Scores(measured.begin, score, measured.spike, threshold, measured.pool, versions)


def _spikes(score: Floats, spike: Bools, day: int) -> Spikes:
    with np.errstate(invalid="ignore"):
        tenant, interval = np.nonzero((score >= LOWEST_THRESHOLD) & spike)
    return Spikes(
        tenants=tenant.astype(str).astype(object),
        starts=day * DAY + INTERVAL * interval,
        scores=score[tenant, interval],
        series=int((~np.isnan(score)).any(axis=1).sum()),
    )
