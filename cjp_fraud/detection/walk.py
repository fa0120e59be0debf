"""The causal walk in memory: day by day over all series, folding, scoring, training on Mondays."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from cjp_fraud.detection.registry import FittedVersion, version_of
from cjp_fraud.detection.rules import DetectionRules
from cjp_fraud.detection.scoring import Block, ScoredRows, flat, gathered
from cjp_fraud.detection.series import Arranged, Group
from cjp_fraud.detection.significance import (
    Histograms,
    Spikes,
    calibrations,
    discovered,
    histograms,
    log_p_values,
)
from cjp_fraud.detection.training import WINDOW_DAYS, eligible_mondays, fit_version
from features.fold import fold_day
from features.local_grid import DAY, slots_a_day
from features.profile import History
from features.score_day import MeasuredDay, measure_day, weigh
from features.snapshot import make_snapshot, usual_locations
from models.calibration import score_of

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Progress = Callable[[int, int], None]
"""Called with days done and days in all."""


@dataclass(frozen=True, slots=True, eq=False)
class JudgedDay:
    """One UTC day, scored and judged.

    Attributes
    ----------
    day : UTC day, days since 1970-01-01.
    rows : its known intervals, in the order of series and start.
    log_p, score : float64 [rows]; NaN without a score.
    flagged : bool [rows].
    version : what judged it.
    """

    day: int
    rows: ScoredRows
    log_p: Floats
    score: Floats
    flagged: NDArray[np.bool_]
    version: FittedVersion


@dataclass(frozen=True, slots=True, eq=False)
class FoldedLocations:
    """Usual counts of series once the local ``day`` is folded; ``locations`` float64 [series, slots]."""

    group: int
    day: int
    series: Ints
    locations: Floats


@dataclass(slots=True, eq=False)
class Walk:
    """State of a walk; what it has learned can be read when it has ended.

    Attributes
    ----------
    arranged, rules : what it walks over, and how it judges.
    trains : whether it fits a version on each Monday that has a window.
    versions : trained so far.
    own : histograms of the days walked.
    folded : locations after each fold, for baselines in gaps.
    """

    arranged: Arranged
    rules: DetectionRules
    trains: bool = True
    versions: list[FittedVersion] = field(default_factory=list)
    own: dict[int, Histograms] = field(default_factory=dict)
    folded: list[FoldedLocations] = field(default_factory=list)
    _histories: list[History] = field(default_factory=list)
    _measured: dict[tuple[int, int], tuple[Ints, MeasuredDay]] = field(default_factory=dict)

    def days(self, progress: Progress | None = None) -> Iterator[JudgedDay]:
        """Walk; yields the UTC days that have rows, in order.

        A day is judged by what was known before it: its snapshots hold local days that had ended, its model
        the weeks before a Monday, its calibration the seven UTC days before it.
        """
        self._histories = [History.empty(len(g.series), slots_a_day(g.seconds)) for g in self.arranged.groups]
        spikes = Spikes.of(self.arranged.table, self.rules)
        mondays = eligible_mondays(self.arranged.days)
        for done, day in enumerate(self.arranged.days.tolist()):
            if self.trains:
                self._train(day, mondays)
            for number, group in enumerate(self.arranged.groups):
                self._measure_local_days(number, group, day)
            yield self._judge(day, spikes)
            self._forget(day)
            if progress is not None:
                progress(done + 1, len(self.arranged.days))

    def _train(self, day: int, mondays: Ints) -> None:
        eligible = mondays[mondays <= day]
        trained = self.versions[-1].valid_from if self.versions else -(10**9)
        if len(eligible) and int(eligible[-1]) > trained:
            monday = int(eligible[-1])
            self.versions.append(
                fit_version(monday, lambda: self._blocks(monday), self.arranged.table, self.rules)
            )

    def _blocks(self, monday: int) -> Iterator[Block]:
        days = self.arranged.days
        for day in days[(days >= monday - WINDOW_DAYS) & (days < monday)].tolist():
            yield from self._blocks_of(day)

    def _blocks_of(self, day: int) -> Iterator[Block]:
        begin, end = day * DAY, (day + 1) * DAY
        for (number, _), (member, measured) in sorted(self._measured.items(), key=lambda item: item[0]):
            if measured.starts[0] < end and measured.starts[-1] >= begin:
                part = measured.between(begin, end)
                yield Block(day, self.arranged.groups[number].series[member], part)

    def _measure_local_days(self, number: int, group: Group, day: int) -> None:
        """Measure and fold the group's local days that begin before the UTC day ends."""
        for local in group.days[(group.days >= day - 1) & (group.days <= day + 1)].tolist():
            if (number, local) in self._measured or group.grid(local).starts[-1] < day * DAY:
                continue
            if group.grid(local).starts[group.grid(local).context] >= (day + 1) * DAY:
                continue
            member, rows = group.rows_of(local)
            history = self._histories[number]
            snapshot = make_snapshot(history, member, local)
            self._measured[number, local] = (member, measure_day(snapshot, rows))
            history.append(member, fold_day(snapshot, rows))
            self.folded.append(
                FoldedLocations(number, local, group.series[member], usual_locations(history, member))
            )

    def _judge(self, day: int, spikes: Spikes) -> JudgedDay:
        version = version_of(day, self.versions, self.rules)
        parts = [flat(weigh(block.measured, version.model), block.series) for block in self._blocks_of(day)]
        rows = gathered(parts, self.arranged.table)
        log_p = log_p_values(rows, calibrations({**self.own, **version.histograms}, day))
        score = score_of(log_p)
        with np.errstate(invalid="ignore"):
            flagged = discovered(rows, log_p, spikes, self.rules) & (score >= version.threshold)
        self.own[day] = histograms(rows)
        return JudgedDay(day, rows, log_p, score, flagged, version)

    def _forget(self, day: int) -> None:
        """Drop measured days that no later training can reach."""
        for key in [key for key in self._measured if key[1] < day - 2 * WINDOW_DAYS]:
            del self._measured[key]
