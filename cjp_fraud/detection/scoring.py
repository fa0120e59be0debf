"""Score a window of the lake's traffic: snapshots and rows in, measured blocks and scored rows out."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, fields, replace
from datetime import UTC, datetime, timedelta
from typing import Final

import numpy as np
from numpy.typing import NDArray

from cjp_fraud.detection.profile_rows import ProfiledPast, profiled_past, stored_snapshots
from cjp_fraud.detection.series import Arranged, SeriesTable, read_arranged
from cjp_fraud.storage.lake import Lake
from features.local_grid import DAY, HOUR, LocalGrid, local_days
from features.score_day import MeasuredDay, Model, ScoredDay, measure_day, weigh
from features.snapshot import Snapshot

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

CONTEXT: Final = timedelta(hours=2)
"""Rows before a window that its scores may look at: an hour for the level and an interval for the swing."""
FEW_DAYS: Final = 2
"""Windows of up to so many UTC days read snapshots from the baseline, longer ones make them from profiles."""


@dataclass(frozen=True, slots=True, eq=False)
class Block:
    """Measured intervals of some series within one UTC day; ``series`` int64 [series] are their codes."""

    day: int
    series: Ints
    measured: MeasuredDay


@dataclass(slots=True, eq=False)
class Window:
    """Traffic between two moments, arranged, with the past that its scores rest on.

    Attributes
    ----------
    arranged : the series and their rows, the context included.
    begin, end : UTC seconds, whole hours.
    """

    arranged: Arranged
    begin: int
    end: int
    _past: ProfiledPast | None
    _snapshots: dict[tuple[int, int], Snapshot] = field(default_factory=dict)

    def blocks(self, day: int) -> list[Block]:
        """Measured intervals of one UTC day inside the window; days are asked for in ascending order."""
        begin, end = max(self.begin, day * DAY), min(self.end, (day + 1) * DAY)
        found = []
        for number, local in _local_days(self.arranged, begin, end):
            group = self.arranged.groups[number]
            grid = cut(group.grid(local), begin, end)
            members, rows = group.rows_of(local, grid)
            if len(members):
                measured = measure_day(self._snapshot(number, local).take(members), rows)
                found.append(Block(day, group.series[members], measured.between(begin, end)))
        return found

    def scored(self, day: int, model: Model) -> ScoredRows | None:
        """Scored rows of one UTC day inside the window, in the order of series and start; None without any."""
        parts = [flat(weigh(block.measured, model), block.series) for block in self.blocks(day)]
        return gathered(parts, self.arranged.table) if parts else None

    def _snapshot(self, number: int, local: int) -> Snapshot:
        if (number, local) not in self._snapshots:
            assert self._past is not None, "a short window has all its snapshots from the beginning"
            everyone = np.arange(len(self.arranged.groups[number].series), dtype=np.int64)
            for stale in [key for key in self._snapshots if key[0] == number and key[1] < local - 1]:
                del self._snapshots[stale]
            self._snapshots[number, local] = self._past.snapshot(number, everyone, local)
        return self._snapshots[number, local]


def open_window(
    lake: Lake, zones: Mapping[str, str], begin: datetime, end: datetime, buckets: Collection[int]
) -> Window:
    """Read the traffic of [begin, end) with its context, and the snapshots of its local days.

    Parameters
    ----------
    begin, end : aware, whole hours.
    """
    low, high = begin - CONTEXT, end
    first, last = int(low.timestamp()) // DAY, int((high.timestamp()) - 1) // DAY
    arranged = read_arranged(lake, zones, first, last + 1, buckets, between=(low, high))
    at = (int(begin.timestamp()), int(end.timestamp()))
    locals_ = _local_days(arranged, *at)
    if not locals_:
        return Window(arranged, *at, None)
    if end - begin <= timedelta(days=FEW_DAYS):
        return Window(arranged, *at, None, stored_snapshots(lake, arranged, set(locals_), buckets))
    days = [day for _, day in locals_]
    return Window(arranged, *at, profiled_past(lake, arranged, min(days), max(days), buckets))


def cut(grid: LocalGrid, begin: int, end: int) -> LocalGrid:
    """The run of a local day's grid that starts in [begin, end), with its context."""
    low, high = np.searchsorted(grid.starts, (begin, end)).tolist()
    low = max(low, grid.context) - grid.context
    high = max(high, low + grid.context)
    if low == 0 and high == len(grid.starts):
        return grid
    return replace(
        grid,
        starts=grid.starts[low:high],
        slot=grid.slot[low:high],
        left=grid.left[low:high],
        right=grid.right[low:high],
        weight=grid.weight[low:high],
    )


def moment(seconds: int) -> datetime:
    """UTC seconds as an aware moment."""
    return datetime.fromtimestamp(seconds, UTC)


def _local_days(arranged: Arranged, begin: int, end: int) -> list[tuple[int, int]]:
    """Groups and local days that the window touches and that have rows."""
    found = []
    for number, group in enumerate(arranged.groups):
        if begin < end:
            low, high = local_days(group.zone, np.array([begin, end - 1], dtype=np.int64)).tolist()
            found += [(number, day) for day in group.days.tolist() if low <= day <= high]
    return found


@dataclass(frozen=True, slots=True, eq=False)
class ScoredRows:
    """Known intervals of one UTC day, before calibration.

    Attributes
    ----------
    series : int64; code.
    start : int64; UTC seconds.
    observed, baseline : float64; contacts.
    regime : int64.
    statistic : float64; s″, NaN without a score.
    strength : float64; s.
    count_strength, peak_strength : float64; b′ of either kind, NaN where not known.
    against_hour, against_season : float64; A and S of the counts.
    peak_baseline : float64; usual busiest minute, NaN where not known.
    """

    series: Ints
    start: Ints
    observed: Floats
    baseline: Floats
    regime: Ints
    statistic: Floats
    strength: Floats
    count_strength: Floats
    peak_strength: Floats
    against_hour: Floats
    against_season: Floats
    peak_baseline: Floats

    def __len__(self) -> int:
        return len(self.series)

    def take(self, index: Ints | NDArray[np.bool_]) -> ScoredRows:
        """Rows ``index``."""
        return ScoredRows(**{name: getattr(self, name)[index] for name in ROW_FIELDS})


ROW_FIELDS: Final = tuple(field.name for field in fields(ScoredRows))


def flat(scored: ScoredDay, series: Ints) -> ScoredRows:
    """Known intervals of a scored day; ``series`` int64 [series] are the codes of its rows."""
    measured = scored.measured
    known = ~np.isnan(measured.observed)
    row, column = np.nonzero(known)
    nothing = np.full(len(row), np.nan)
    return ScoredRows(
        series=series[row],
        start=measured.starts[column],
        observed=measured.observed[known],
        baseline=measured.count.location[:, 1:][known],
        regime=measured.regime[known].astype(np.int64),
        statistic=scored.statistic[known],
        strength=scored.strength[known],
        count_strength=scored.count_strength[known],
        peak_strength=nothing if scored.peak_strength is None else scored.peak_strength[known],
        against_hour=measured.count.against_hour[:, 1:][known],
        against_season=measured.count.against_season[:, 1:][known],
        peak_baseline=nothing if measured.peak is None else measured.peak.location[:, 1:][known],
    )


def gathered(parts: Iterable[ScoredRows], table: SeriesTable) -> ScoredRows:
    """All rows of a UTC day by series and start; the coarser of two resolutions has no score."""
    pieces = list(parts)
    rows = ScoredRows(
        **{name: np.concatenate([getattr(part, name) for part in pieces]) for name in ROW_FIELDS}
    )
    rows = rows.take(np.lexsort((rows.start, rows.series)))
    coarser = _coarser(rows, table)
    return replace(rows, statistic=np.where(coarser, np.nan, rows.statistic)) if coarser.any() else rows


def _coarser(rows: ScoredRows, table: SeriesTable) -> NDArray[np.bool_]:
    """Rows of a line that has a finer row in the same UTC hour (no window is cut within an hour)."""
    doubled = np.bincount(table.lines) > 1
    line = table.lines[rows.series]
    result = np.zeros(len(rows), dtype=bool)
    suspect = np.flatnonzero(doubled[line])
    if len(suspect):
        _, cell = np.unique(
            np.stack([line[suspect], rows.start[suspect] // HOUR]), axis=1, return_inverse=True
        )
        seconds = table.seconds[rows.series[suspect]]
        finest = np.full(int(cell.max()) + 1, np.iinfo(np.int64).max)
        np.minimum.at(finest, cell, seconds)
        result[suspect] = seconds > finest[cell]
    return result
