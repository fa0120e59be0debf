"""Traffic in memory as the store of a detection run: it folds and trains day by day."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from cjp_fraud.detection.clock_rows import (
    SumBlock,
    active_members,
    clock_rows,
    hours_of_local_day,
    sum_block,
)
from cjp_fraud.detection.model_fit import eligible_mondays, fit_version
from cjp_fraud.detection.operating_point import Spikes, SpikeWindow
from cjp_fraud.detection.registry import FittedVersion, version_of
from cjp_fraud.detection.rules import DetectionRules
from cjp_fraud.detection.scored_rows import ScoredRows, gathered
from cjp_fraud.detection.scoring import Block, rows_in_gaps, scored_blocks
from cjp_fraud.detection.series import Arranged, Group
from cjp_fraud.detection.significance import Counts
from cjp_fraud.detection.weekly_rows import ends_a_week, weekly_rows
from features.counting_clocks import CLOCKS, Clock
from features.fold import fold_day
from features.local_grid import DAY, HOUR, slots_a_day
from features.profile import History
from features.score_day import MeasuredDay, measure_day
from features.snapshot import Snapshot, make_snapshot, usual_locations
from features.usual_sums import UsualSums
from models.calibration import histogram

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


class MemoryStore:
    """Arranged traffic, scored day by day in ascending order, each with what was known before it.

    A day's snapshots rest on local days that had ended, its threshold on the four weeks before a Monday, its
    calibration on the sixty UTC days before it. No forests are fitted, because they change no score.

    Parameters
    ----------
    sums : of the same traffic, as of :func:`cjp_fraud.detection.daily_sums.sums_by_day`; None: no weekly clock.
    trains : whether a threshold is chosen for each Monday; if not, the initial one always counts.

    Attributes
    ----------
    versions : those fitted so far, oldest first.
    """

    def __init__(
        self,
        arranged: Arranged,
        rules: DetectionRules,
        *,
        sums: pa.Table | None = None,
        trains: bool = True,
    ) -> None:
        self.arranged = arranged
        self._sums = sums
        self.versions: list[FittedVersion] = []
        self._rules = rules
        self._mondays = eligible_mondays(arranged.days) if trains else np.empty(0, dtype=np.int64)
        self._pool: dict[Clock, dict[int, Counts]] = {clock: {} for clock in CLOCKS}
        self._spikes: dict[int, list[Spikes]] = {}
        self._histories = [
            History.empty(len(group.series), slots_a_day(group.seconds)) for group in arranged.groups
        ]
        self._measured: dict[tuple[int, int], tuple[Ints, MeasuredDay]] = {}
        self._usual_sums: dict[tuple[int, int], tuple[Ints, UsualSums]] = {}
        start = int(arranged.first.min()) if len(arranged.first) else 0
        self._listed = [start] * len(arranged.groups)
        self._gaps: list[ScoredRows] = []

    def days(self, begin: int, end: int) -> list[int]:
        """UTC days with known rows in [begin, end), ascending."""
        return [day for day in self.arranged.days.tolist() if begin // DAY <= day < -(-end // DAY)]

    def window(self, begin: int, end: int) -> SpikeWindow:
        """The spikes of those of the UTC days [begin, end) that were scored whole."""
        return SpikeWindow.of_days(self._spikes, begin, end)

    def version(self, day: int) -> FittedVersion:
        """What scores a UTC day: the newest Monday's version, fitted when it is first asked for."""
        eligible = self._mondays[self._mondays <= day]
        trained = self.versions[-1].valid_from if self.versions else -(10**9)
        if len(eligible) and int(eligible[-1]) > trained:
            self.versions.append(fit_version(int(eligible[-1]), self._spikes, self._rules))
        return version_of(day, self.versions, self._rules)

    def scored(
        self,
        day: int,
        begin: int,
        end: int,
        buckets: Collection[int] | None = None,
        *,
        horizon: int | None = None,
    ) -> Iterator[ScoredRows]:
        """Score the rows of the UTC ``day``, the only one with known rows in [begin, end); list intervals in gaps."""
        version = self.version(day)
        for number, group in enumerate(self.arranged.groups):
            self._measure_local_days(number, group, day)
        yield gathered(scored_blocks(self._blocks_of(day), version), self.arranged, version)
        yield from clock_rows(self._sum_blocks_of(day), self.arranged, version)
        if self._sums is not None and ends_a_week(day):
            yield weekly_rows(self._sums, self.arranged.table, day, version)
        for number in range(len(self.arranged.groups)):
            self._list_gaps(number, end)
        yield from self._gaps
        self._gaps = []
        for key in [key for key in self._measured if key[1] < day - 1]:
            del self._measured[key], self._usual_sums[key]  # no later UTC day reaches into it

    def uncalibrated(self, day: int) -> Sequence[int]:
        """Nothing: each day is calibrated once it is scored."""
        return ()

    def pool(self, day: int, clock: Clock = Clock.MINUTE) -> dict[int, Counts]:
        """Histogram of each day before ``day`` on a clock."""
        return self._pool[clock]

    def calibrate(
        self, day: int, parts: Sequence[ScoredRows], buckets: Collection[int] | None = None
    ) -> None:
        """Take from a UTC day's rows what later days and versions rest on."""
        known = [rows for rows in parts if rows.version is not None]
        for rows in known:
            self._pool[rows.clock][day] = histogram(rows.statistic)
        self._spikes[day] = [Spikes.of_rows(rows, self._rules) for rows in known]

    def _blocks_of(self, day: int) -> Iterator[Block]:
        begin, end = day * DAY, (day + 1) * DAY
        for (number, _), (member, measured) in sorted(self._measured.items(), key=lambda item: item[0]):
            if measured.starts[0] < end and measured.starts[-1] >= begin:
                part = measured.between(begin, end)
                group = self.arranged.groups[number]
                yield Block(day, group.seconds, group.series[member], part)

    def _sum_blocks_of(self, day: int) -> Iterator[SumBlock]:
        for (number, local), (member, usual) in sorted(self._usual_sums.items(), key=lambda item: item[0]):
            group = self.arranged.groups[number]
            low, high = hours_of_local_day(group.zone, local, day * DAY, (day + 1) * DAY)
            active = active_members(group, low, high)
            if len(active):
                place = np.searchsorted(member, active)
                yield sum_block(group, active, usual.take(place), low, high)

    def _measure_local_days(self, number: int, group: Group, day: int) -> None:
        """Measure and fold the group's local days that begin before the UTC day ends."""
        for local in group.days[(group.days >= day - 1) & (group.days <= day + 1)].tolist():
            grid = group.grid(local)
            if (number, local) in self._measured or grid.starts[-1] < day * DAY:
                continue
            if grid.starts[grid.context] >= (day + 1) * DAY:
                continue
            self._list_gaps(number, int(grid.starts[-1]) + group.seconds)
            member, rows = group.rows_of(local)
            history = self._histories[number]
            snapshot = make_snapshot(history, member, local)
            measured = measure_day(snapshot, rows)
            self._measured[number, local] = (member, measured)
            self._usual_sums[number, local] = _usual_of_hours(history, group, local, member, snapshot)
            history.append(member, fold_day(snapshot, rows, measured))

    def _list_gaps(self, number: int, end: int) -> None:
        """List the group's intervals in gaps up to ``end``, with the baseline of the days folded so far."""
        begin = self._listed[number]
        if begin >= end:
            return

        def locations(local: int, members: Ints) -> Floats:
            return usual_locations(self._histories[number], members, local)

        span = (self.arranged.first, self.arranged.last)
        rows = rows_in_gaps(self.arranged, number, begin, end, span, locations)
        if rows is not None:
            self._gaps.append(rows)
        self._listed[number] = end


def _usual_of_hours(
    history: History, group: Group, local: int, member: Ints, snapshot: Snapshot
) -> tuple[Ints, UsualSums]:
    """Members with a row in the UTC hours that begin on a local day, and what is usual of them as of its midnight.

    Where midnight is at half past an hour, the last of these hours ends on the next local day, and has rows of members
    that have none on this one.
    """
    grid = group.grid(local)
    begin, end = int(grid.starts[grid.context]) // HOUR * HOUR, int(grid.starts[-1]) + HOUR
    active = active_members(group, *hours_of_local_day(group.zone, local, begin, end))
    if np.isin(active, member).all():
        return member, snapshot.sums
    members = np.union1d(member, active)
    return members, make_snapshot(history, members, local).sums
