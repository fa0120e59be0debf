"""The operating point: thresholds, one a clock, that keep a window's episodes and cases within what people can read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

from cjp_fraud.detection.rules import Budgets, DetectionRules
from cjp_fraud.detection.scored_rows import ScoredRows
from cjp_fraud.detection.significance import are_spikes
from cjp_fraud.review.episodes import ATTACHMENT
from cjp_fraud.review.joint_spikes import QUARTER_SECONDS
from features.columns import TENANT
from features.constants import EPISODE_GAP_SECONDS
from features.counting_clocks import (
    CLOCKS,
    DAYS_A_SCORE,
    LEAST_THRESHOLD,
    LONG_CLOCKS,
    Clock,
    Thresholds,
)
from models.threshold import Limit, count_groups, smallest_threshold

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

WINDOW_DAYS: Final = 28
CASE_GAP_SECONDS: Final = int(ATTACHMENT.total_seconds())
"""An episode that begins so soon after a flag joins its case, if nobody decides anything meanwhile."""


@dataclass(frozen=True, slots=True, eq=False)
class Spikes:
    """Rows of one UTC day, on one clock, that a low enough threshold would flag.

    Attributes
    ----------
    tenants : str [rows].
    starts : int64 [rows]; UTC seconds.
    scores : float64 [rows]; at least the lowest threshold.
    series : how many series had a score that day.
    clock : of the rows.
    """

    tenants: NDArray[np.object_]
    starts: Ints
    scores: Floats
    series: int
    clock: Clock = Clock.MINUTE

    @classmethod
    def of_rows(cls, rows: ScoredRows, rules: DetectionRules) -> Self:
        """Take them from rows of one UTC day with p-values."""
        score = rows.score
        with np.errstate(invalid="ignore"):
            chosen = rows.take(score >= LEAST_THRESHOLD[rows.clock])
        chosen = chosen.take(are_spikes(chosen, rules))
        tenants = rows.table.keys[TENANT].to_numpy(dtype=object)[chosen.series]
        series = len(np.unique(rows.series[~np.isnan(score)]))
        return cls(tenants, chosen.start, chosen.score, series, rows.clock)


@dataclass(frozen=True, slots=True)
class PointCounts:
    """What thresholds flag in a window, all clocks together; ``cases`` as if nobody decided and no hour had a cap."""

    flags: int
    episodes: int
    cases: int


@dataclass(frozen=True, slots=True, eq=False)
class SpikeWindow:
    """The spikes of a window of UTC days; rows in any order.

    Attributes
    ----------
    names : str [tenants]; the tenants that the codes mean.
    tenants : int64 [rows]; code.
    starts : int64 [rows]; UTC seconds.
    scores : float64 [rows].
    clocks : int64 [rows]; place of the row's clock in ``CLOCKS``.
    days : UTC days with traffic.
    lengths : by clock, UTC days with scores, and weeks of scored series.
    """

    names: NDArray[np.str_]
    tenants: Ints
    starts: Ints
    scores: Floats
    clocks: Ints
    days: int
    lengths: Mapping[Clock, tuple[int, float]]

    @classmethod
    def of_days(cls, days: Mapping[int, Sequence[Spikes]], begin: int, end: int) -> Self:
        """Gather them.

        Parameters
        ----------
        days : by UTC day, for each of [begin, end) that has rows; each series in one part a clock. Other days are not
            looked at.
        """
        window = [days[day] for day in range(begin, end) if day in days]
        parts = list(chain.from_iterable(window))
        nothing = Spikes(np.empty(0, dtype=object), np.empty(0, dtype=np.int64), np.empty(0), 0)
        held = [nothing, *parts]
        names, tenants = np.unique(
            np.concatenate([part.tenants for part in held]).astype(str), return_inverse=True
        )
        return cls(
            names=names,
            tenants=tenants,
            starts=np.concatenate([part.starts for part in held]),
            scores=np.concatenate([part.scores for part in held]),
            clocks=np.concatenate([np.full(len(part.starts), CLOCKS.index(part.clock)) for part in held]),
            days=len(window),
            lengths={clock: _length(window, clock) for clock in CLOCKS},
        )

    @property
    def scored_days(self) -> int:
        """UTC days with scores of the minute clock."""
        return self.lengths[Clock.MINUTE][0]

    @property
    def series_weeks(self) -> float:
        """Weeks of series that the minute clock scored."""
        return self.lengths[Clock.MINUTE][1]

    def during(self, tenant_id: str, first: int, last: int) -> NDArray[np.bool_]:
        """Which rows are the tenant's and start in [first, last], UTC seconds."""
        at = int(np.searchsorted(self.names, tenant_id))
        if at == len(self.names) or self.names[at] != tenant_id:
            return np.zeros(len(self.starts), dtype=bool)
        rows: NDArray[np.bool_] = (self.tenants == at) & (self.starts >= first) & (self.starts <= last)
        return rows

    def thresholds(self, budgets: Budgets) -> dict[Clock, float]:
        """Return each clock's smallest threshold at which, and above which, the window's means stay within the budgets.

        No threshold is under the least one of its clock. That of a longer clock is chosen alone, for the clock's share
        of the budgets. That of the minute clock is chosen last, for the whole budgets, and the flags of all clocks
        count.
        """
        chosen = {}
        for clock in LONG_CLOCKS:
            of_clock = self.clocks == CLOCKS.index(clock)
            chosen[clock] = self._smallest(clock, of_clock, self.scores, budgets.of_clock(clock))
        longer = self.reached(chosen)
        of_minute = self.clocks == CLOCKS.index(Clock.MINUTE)
        scores = np.where(longer, np.inf, self.scores)
        return {
            Clock.MINUTE: self._smallest(Clock.MINUTE, of_minute | longer, scores, budgets),
            **chosen,
        }

    def _smallest(self, clock: Clock, rows: NDArray[np.bool_], scores: Floats, budgets: Budgets) -> float:
        scored_days, series_weeks = self.lengths[clock]
        return smallest_threshold(
            self.tenants[rows],
            self.starts[rows],
            scores[rows],
            within=(
                Limit(EPISODE_GAP_SECONDS, budgets.episodes_per_series_week * series_weeks),
                Limit(CASE_GAP_SECONDS, budgets.cases_per_day * scored_days),
            ),
            floor=LEAST_THRESHOLD[clock],
        )

    def exceeds(self, thresholds: Thresholds, budgets: Budgets) -> bool:
        """Whether what thresholds flag is more than a budget allows."""
        counts = self.at(thresholds)
        return (
            counts.episodes > budgets.episodes_per_series_week * self.series_weeks
            or counts.cases > budgets.cases_per_day * self.scored_days
        )

    def reached(self, thresholds: Thresholds) -> NDArray[np.bool_]:
        """Which rows reach the threshold of their clock."""
        needed = np.array([thresholds.get(clock, np.inf) for clock in CLOCKS])
        rows: NDArray[np.bool_] = self.scores >= needed[self.clocks]
        return rows

    def at(self, thresholds: Thresholds) -> PointCounts:
        """Count what thresholds flag, all clocks together."""
        high = self.reached(thresholds)
        tenants, starts = self.tenants[high], self.starts[high]
        return PointCounts(
            flags=int(high.sum()),
            episodes=count_groups(tenants, starts, EPISODE_GAP_SECONDS),
            cases=count_groups(tenants, starts, CASE_GAP_SECONDS),
        )

    def flagged_quarters(self, thresholds: Thresholds) -> int:
        """Count the quarters of an hour in which thresholds flag a tenant, each tenant's apart."""
        high = self.reached(thresholds)
        cells = np.stack([self.tenants[high], self.starts[high] // QUARTER_SECONDS])
        return int(np.unique(cells, axis=1).shape[1])


def _length(window: Sequence[Sequence[Spikes]], clock: Clock) -> tuple[int, float]:
    """Days that a clock's scores stand for, and weeks of scored series."""
    series = [sum(part.series for part in of_day if part.clock is clock) for of_day in window]
    return DAYS_A_SCORE[clock] * sum(number > 0 for number in series), DAYS_A_SCORE[clock] * sum(series) / 7.0
