"""Score traffic: snapshots and rows in, measured blocks and scored rows out; intervals in gaps are listed too."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field, fields, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from cjp_fraud.detection.past import ProfiledPast, profiled_past, stored_snapshots
from cjp_fraud.detection.series import Arranged, SeriesTable, arrange, read_traffic
from cjp_fraud.storage.lake import Lake, Where
from features.columns import INTERVAL_START
from features.local_grid import DAY, HOUR, LocalGrid, local_days, place, wall_seconds
from features.location import interpolate
from features.regimes import Regime
from features.score_day import MeasuredDay, ScoredDay, measure_day, weigh
from features.snapshot import Snapshot
from models.calibration import p_of, score_of

if TYPE_CHECKING:
    import pyarrow as pa

    from cjp_fraud.detection.registry import FittedVersion

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Columns = dict[str, NDArray[np.generic]]
"""Columns of scored rows by name, all of one length."""
Locations = Callable[[int, Ints], Floats]
"""Gives the usual counts of members of a group on a local day: float64 [members, slots], NaN where unknown."""

CONTEXT: Final = timedelta(hours=2)
"""Rows before a window that its scores may look at: an hour for the level and an interval for the swing."""
FEW_DAYS: Final = 2
"""Windows of up to so many UTC days read snapshots from the baseline, longer ones make them from profiles."""


@dataclass(frozen=True, slots=True, eq=False)
class ScoredRows:
    """Intervals of some series, one element each.

    Attributes
    ----------
    table : the series that the codes mean.
    series : int64; code.
    start : int64; UTC seconds.
    observed, baseline : float64; contacts. ``observed`` is NaN in a gap, where only the baseline may be known.
    regime : int64; 0 in a gap.
    statistic : float64; s″, NaN without a score.
    strength : float64; s.
    count_strength, peak_strength : float64; b′ of either kind, NaN where not known.
    against_hour, against_season : float64; A and S of the counts.
    peak, peak_baseline : float64; contacts in the busiest minute, and usually; NaN where not known.
    peak_against_hour, peak_against_season : float64; A and S of the busiest minutes, NaN where not known.
    log_p : float64; natural log of p, NaN without a score and before the rows are calibrated.
    flagged : bool; False before the hours are closed.
    version : what they are scored with; None for intervals in gaps.
    """

    table: SeriesTable
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
    peak: Floats
    peak_baseline: Floats
    peak_against_hour: Floats
    peak_against_season: Floats
    log_p: Floats
    flagged: NDArray[np.bool_]
    version: FittedVersion | None = None

    def __len__(self) -> int:
        return len(self.series)

    @property
    def score(self) -> Floats:
        """−log10 p; NaN without a score."""
        return score_of(self.log_p)

    @property
    def p_value(self) -> Floats:
        """p itself, never 0; NaN without a score."""
        return p_of(self.log_p)

    def take(self, index: Ints | NDArray[np.bool_]) -> ScoredRows:
        """Rows ``index``."""
        return replace(self, **{name: getattr(self, name)[index] for name in COLUMNS})


COLUMNS: Final = tuple(field.name for field in fields(ScoredRows) if field.name not in ("table", "version"))
_NO_ROWS: Final[Columns] = dict.fromkeys(COLUMNS, np.empty(0)) | {
    "series": np.empty(0, np.int64),
    "start": np.empty(0, np.int64),
    "regime": np.empty(0, np.int64),
    "flagged": np.empty(0, np.bool_),
}


@dataclass(frozen=True, slots=True, eq=False)
class Block:
    """Measured intervals of some series within one UTC day; ``series`` int64 [series] are their codes."""

    day: int
    series: Ints
    measured: MeasuredDay


def flat(scored: ScoredDay, series: Ints) -> Columns:
    """Known intervals of a scored day; ``series`` int64 [series] are the codes of its rows."""
    measured, peak = scored.measured, scored.measured.peak
    known = ~np.isnan(measured.observed)
    row, column = np.nonzero(known)
    nothing = np.full(len(row), np.nan)

    def of_peak(values: Floats | None) -> Floats:
        return nothing if values is None else values[known]

    return {
        "series": series[row],
        "start": measured.starts[column],
        "observed": measured.observed[known],
        "baseline": measured.count.location[:, 1:][known],
        "regime": measured.regime[known].astype(np.int64),
        "statistic": scored.statistic[known],
        "strength": scored.strength[known],
        "count_strength": scored.count_strength[known],
        "peak_strength": of_peak(scored.peak_strength),
        "against_hour": measured.count.against_hour[:, 1:][known],
        "against_season": measured.count.against_season[:, 1:][known],
        "peak": of_peak(measured.observed_peak),
        "peak_baseline": of_peak(None if peak is None else peak.location[:, 1:]),
        "peak_against_hour": of_peak(None if peak is None else peak.against_hour[:, 1:]),
        "peak_against_season": of_peak(None if peak is None else peak.against_season[:, 1:]),
        "log_p": nothing,
        "flagged": np.zeros(len(row), dtype=bool),
    }


def gathered(
    parts: Iterable[Columns], table: SeriesTable, version: FittedVersion | None = None
) -> ScoredRows:
    """All known rows of a UTC day by series and start; of two interval lengths of a line the longer has no score."""
    pieces = [_NO_ROWS, *parts]
    columns = {name: np.concatenate([part[name] for part in pieces]) for name in COLUMNS}
    order = np.lexsort((columns["start"], columns["series"]))
    rows = _rows({name: values[order] for name, values in columns.items()}, table, version)
    coarser = _coarser(rows, table)
    return replace(rows, statistic=np.where(coarser, np.nan, rows.statistic)) if coarser.any() else rows


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
        "regime": np.full(len(start), int(Regime.COLD)),
        "flagged": np.zeros(len(start), dtype=bool),
    }
    return _rows(columns, arranged.table, None)


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


def _rows(columns: Columns, table: SeriesTable, version: FittedVersion | None) -> ScoredRows:
    return ScoredRows(table=table, version=version, **columns)  # type: ignore[arg-type]  # of the types above


def _coarser(rows: ScoredRows, table: SeriesTable) -> NDArray[np.bool_]:
    """Mask of the rows whose line has a row of a shorter interval in the same UTC hour.

    By whole hours, because a window is made of whole hours: so the result does not depend on the window.
    """
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
                blocks.append(Block(day, group.series[members], measured.between(begin, end)))
        return blocks

    def scored(self, day: int, version: FittedVersion) -> ScoredRows:
        """Known rows of one UTC day inside the window, by series and start; days are asked for in ascending order."""
        parts = [flat(weigh(block.measured, version.model), block.series) for block in self.blocks(day)]
        return gathered(parts, self.arranged.table, version)

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
    lake: Lake, zones: Mapping[str, str], begin: datetime, end: datetime, buckets: Collection[int]
) -> Window:
    """Read the traffic of [begin, end) with its context, and the snapshots of its local days.

    Parameters
    ----------
    begin, end : aware, whole hours.
    """
    arranged = arrange(read_window(lake, zones, begin, end, buckets), zones)
    return window_of(lake, arranged, begin, end, buckets, None)


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
    span: tuple[Ints, Ints] | None,
) -> Window:
    """Read the snapshots of a window whose traffic is arranged; without ``span`` it lists no gaps."""
    low, high = int(begin.timestamp()), int(end.timestamp())
    wanted = _local_days(arranged, low, high, silent=span is not None)
    if not wanted:
        return Window(arranged, low, high, span, None)
    if end - begin <= timedelta(days=FEW_DAYS):
        snapshots = stored_snapshots(lake, arranged, set(wanted), buckets)
        return Window(arranged, low, high, span, None, snapshots)
    days = [day for _, day in wanted]
    past = profiled_past(lake, arranged, min(days), max(days), buckets)
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
    wanted = []
    for number, group in enumerate(arranged.groups):
        if begin < end:
            low, high = local_days(group.zone, np.array([begin, end - 1], dtype=np.int64)).tolist()
            within = group.days[(group.days >= low) & (group.days <= high)]
            wanted += [(number, day) for day in (range(low, high + 1) if silent else within.tolist())]
    return wanted
