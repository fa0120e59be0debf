"""Score traffic: snapshots and rows in, measured blocks and scored rows out; intervals in gaps are listed too."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from cjp_fraud.detection.clock_rows import (
    SumBlock,
    active_members,
    clock_rows,
    hours_of_local_day,
    sum_block,
)
from cjp_fraud.detection.fraud_days import Determined
from cjp_fraud.detection.past import ProfiledPast, profiled_past, stored_snapshots
from cjp_fraud.detection.scored_rows import COLUMNS, Columns, ScoredRows, flat, gathered, rows_of_columns
from cjp_fraud.detection.series import Arranged, arrange, read_traffic
from cjp_fraud.storage.lake import Lake, Where
from features.columns import INTERVAL_START
from features.local_grid import DAY, LocalGrid, local_days, place, wall_seconds
from features.location import interpolate
from features.regimes import Regime
from features.score_day import MeasuredDay, measure_day, weigh
from features.snapshot import Snapshot

if TYPE_CHECKING:
    import pyarrow as pa

    from cjp_fraud.detection.registry import FittedVersion

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Locations = Callable[[int, Ints], Floats]
"""Gives the usual counts of members of a group on a local day: float64 [members, slots], NaN where unknown."""

CONTEXT: Final = timedelta(hours=24)
"""Rows before a window that its scores may look at: an hour and a quarter on the minute clock, 23 hours on others."""
FEW_DAYS: Final = 2
"""Windows of up to so many UTC days read snapshots from the baseline, longer ones make them from profiles."""


@dataclass(frozen=True, slots=True, eq=False)
class Block:
    """Measured intervals of some series within one UTC day.

    Attributes
    ----------
    day : UTC day.
    interval_seconds : of all of them.
    series : int64 [series]; their codes.
    measured : what was measured of them.
    """

    day: int
    interval_seconds: int
    series: Ints
    measured: MeasuredDay


def rows_in_gaps(
    arranged: Arranged, number: int, begin: int, end: int, span: tuple[Ints, Ints], locations: Locations
) -> ScoredRows | None:
    """List the intervals of [begin, end) of a group's series that have no known row between first and last.

    Parameters
    ----------
    number : of the group.
    begin, end : UTC seconds, on the grid.
    span : int64 [series] each; starts of the first and last row of every series, known or not.
    locations : usual counts by local day; of days before it alone.

    Returns
    -------
    rows by series and start with nothing but a baseline; None where there are none.
    """
    group = arranged.groups[number]
    first, last = (ends[group.series] for ends in span)
    low = np.maximum(first, begin)
    lengths = np.maximum(-(-(np.minimum(last + group.seconds, end) - low) // group.seconds), 0)
    if not lengths.any():
        return None
    offset = np.cumsum(lengths) - lengths
    member = np.repeat(np.arange(len(lengths)), lengths)
    start = low[member] + (np.arange(len(member)) - offset[member]) * group.seconds
    cut = slice(*np.searchsorted(group.starts, (begin, end)).tolist())
    known = np.zeros(len(member), dtype=bool)
    known[offset[group.member[cut]] + (group.starts[cut] - low[group.member[cut]]) // group.seconds] = True
    member, start = member[~known], start[~known]
    if not len(start):
        return None
    nothing = np.full(len(start), np.nan)
    columns: Columns = dict.fromkeys(COLUMNS, nothing) | {
        "series": group.series[member],
        "start": start,
        "baseline": _usual(group.zone, group.seconds, member, start, locations),
        "span_seconds": np.full(len(start), group.seconds),
        "regime": np.full(len(start), int(Regime.COLD)),
        "flagged": np.zeros(len(start), dtype=bool),
    }
    return rows_of_columns(columns, arranged.table, None)


def _usual(zone: str, seconds: int, member: Ints, start: Ints, locations: Locations) -> Floats:
    """Usual counts of intervals, by their local day's locations."""
    local = local_days(zone, start)
    _, left, right, weight = place(wall_seconds(zone, start), seconds)
    order = np.lexsort((member, local))
    result = np.full(len(start), np.nan)
    for part in np.split(order, np.flatnonzero(np.diff(local[order])) + 1):
        members, row = np.unique(member[part], return_inverse=True)
        usual = locations(int(local[part[0]]), members)
        result[part] = interpolate(usual[row, left[part]], usual[row, right[part]], weight[part])
    return result


def scored_blocks(blocks: Iterable[Block], version: FittedVersion) -> Iterator[Columns]:
    """Known intervals of each block, scored."""
    for block in blocks:
        yield flat(weigh(block.measured, version.model), block.series, block.interval_seconds)


@dataclass(slots=True, eq=False)
class Window:
    """Traffic between two moments, arranged, with the past that its scores rest on.

    Attributes
    ----------
    arranged : the series and their rows, the context included.
    begin, end : UTC seconds, whole hours.
    span : int64 [series] each; first and last row of each series, as far as they matter in the window; None where
        gaps are not listed.
    """

    arranged: Arranged
    begin: int
    end: int
    span: tuple[Ints, Ints] | None
    _past: ProfiledPast | None
    _snapshots: dict[tuple[int, int], Snapshot] = field(default_factory=dict)

    def blocks(self, day: int) -> list[Block]:
        """Measured intervals of one UTC day inside the window; days are asked for in ascending order."""
        begin, end = max(self.begin, day * DAY), min(self.end, (day + 1) * DAY)
        blocks = []
        for number, local in _local_days(self.arranged, begin, end):
            group = self.arranged.groups[number]
            members, rows = group.rows_of(local, _run_of(group.grid(local), begin, end))
            if len(members):
                measured = measure_day(self._snapshot(number, local).take(members), rows)
                part = measured.between(begin, end)
                blocks.append(Block(day, group.seconds, group.series[members], part))
        return blocks

    def scored(self, day: int, version: FittedVersion) -> ScoredRows:
        """Known rows of one UTC day inside the window, by series and start; days are asked for in ascending order."""
        return gathered(scored_blocks(self.blocks(day), version), self.arranged, version)

    def spans(self, day: int, version: FittedVersion | None) -> list[ScoredRows]:
        """Spans of the longer clocks that end in one UTC day inside the window; ask after :meth:`scored` of the day."""
        begin, end = max(self.begin, day * DAY), min(self.end, (day + 1) * DAY)
        blocks: list[SumBlock] = []
        for number, local in _local_days(self.arranged, begin, end):
            group = self.arranged.groups[number]
            low, high = hours_of_local_day(group.zone, local, begin, end)
            members = active_members(group, low, high)
            if len(members):
                usual = self._snapshot(number, local).sums.take(members)
                blocks.append(sum_block(group, members, usual, low, high))
        return clock_rows(blocks, self.arranged, version)

    def gaps(self, begin: int, end: int) -> list[ScoredRows]:
        """The intervals of [begin, end) that lie in a gap of their series; asked for in ascending order."""
        parts: list[ScoredRows] = []
        for number in range(len(self.arranged.groups) if self.span is not None else 0):
            assert self.span is not None

            def locations(local: int, members: Ints, number: int = number) -> Floats:
                return self._snapshot(number, local).count.location[members]

            rows = rows_in_gaps(self.arranged, number, begin, end, self.span, locations)
            if rows is not None:
                parts.append(rows)
        return parts

    def _snapshot(self, number: int, local: int) -> Snapshot:
        if (number, local) not in self._snapshots:
            assert self._past is not None, "a short window has all its snapshots from the beginning"
            everyone = np.arange(len(self.arranged.groups[number].series), dtype=np.int64)
            for stale in [key for key in self._snapshots if key[0] == number and key[1] < local - 1]:
                del self._snapshots[stale]
            self._snapshots[number, local] = self._past.snapshot(number, everyone, local)
        return self._snapshots[number, local]


def open_window(
    lake: Lake,
    zones: Mapping[str, str],
    begin: datetime,
    end: datetime,
    buckets: Collection[int],
    determined: Determined,
) -> Window:
    """Read the traffic of [begin, end) with its context, and the snapshots of its local days.

    Parameters
    ----------
    begin, end : aware, whole hours.
    """
    arranged = arrange(read_window(lake, zones, begin, end, buckets), zones)
    return window_of(lake, arranged, begin, end, buckets, determined, None)


def read_window(
    lake: Lake, zones: Mapping[str, str], begin: datetime, end: datetime, buckets: Collection[int]
) -> pa.Table:
    """Read the traffic of [begin, end) with the context of its first intervals."""
    low = begin - CONTEXT
    first, last = int(low.timestamp()) // DAY, int(end.timestamp() - 1) // DAY
    where = Where(between={INTERVAL_START: (low, end)})
    return read_traffic(lake, zones, first, last + 1, buckets, where)


def window_of(
    lake: Lake,
    arranged: Arranged,
    begin: datetime,
    end: datetime,
    buckets: Collection[int],
    determined: Determined,
    span: tuple[Ints, Ints] | None,
) -> Window:
    """Read the snapshots of a window whose traffic is arranged; without ``span`` it lists no gaps."""
    low, high = int(begin.timestamp()), int(end.timestamp())
    groups_and_days = _local_days(arranged, low, high, silent=span is not None)
    if not groups_and_days:
        return Window(arranged, low, high, span, None)
    if end - begin <= timedelta(days=FEW_DAYS):
        snapshots = stored_snapshots(lake, arranged, set(groups_and_days), buckets, determined)
        return Window(arranged, low, high, span, None, snapshots)
    days = [day for _, day in groups_and_days]
    past = profiled_past(lake, arranged, min(days), max(days), buckets, determined)
    return Window(arranged, low, high, span, past)


def moment(seconds: int) -> datetime:
    """UTC seconds as an aware moment."""
    return datetime.fromtimestamp(seconds, UTC)


def _run_of(grid: LocalGrid, begin: int, end: int) -> LocalGrid:
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


def _local_days(arranged: Arranged, begin: int, end: int, *, silent: bool = False) -> list[tuple[int, int]]:
    """Groups and local days that the window touches: those that have rows, or the silent ones too."""
    groups_and_days = []
    for number, group in enumerate(arranged.groups):
        if begin < end:
            low, high = local_days(group.zone, np.array([begin, end - 1], dtype=np.int64)).tolist()
            within = group.days[(group.days >= low) & (group.days <= high)]
            groups_and_days += [
                (number, day) for day in (range(low, high + 1) if silent else within.tolist())
            ]
    return groups_and_days
