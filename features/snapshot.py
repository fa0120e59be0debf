"""The baseline as of a local midnight: locations, scales, floors, own bar, from days before it alone."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Final

import numpy as np
from numpy.typing import NDArray

from features.level_shift import level_change
from features.local_grid import DAY, HOUR
from features.location import days_unlike, fill_slots, median_of_days
from features.own_bar import OwnBar, own_bar
from features.profile import SLOT_MEMORY_DAYS, History, KindProfile
from features.scales import day_floor, hours_around, smallest_change
from features.usual_sums import UsualSums, usual_sums

Floats = NDArray[np.float64]
Days = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Usual:
    """What is usual of one kind (count, peak or 15 minutes), by series.

    Attributes
    ----------
    location : float64 [series, slots]; usual x, unknown slots filled from their neighbours.
    season : float64 [series, slots]; MAD_s, the median of |r|.
    slot_error : float64 [series, slots]; q_s, the median of |e|.
    near : float64 [series, slots]; L, the floor of the hours around.
    floor, smallest, spread, error : float64 [series]; F, ε, SD₇ and q.
    days, scale_days : int64 [series]; folded days, and those of them that had a residual.
    """

    location: Floats
    season: Floats
    slot_error: Floats
    near: Floats
    floor: Floats
    smallest: Floats
    spread: Floats
    error: Floats
    days: Days
    scale_days: Days

    def take(self, index: NDArray[np.int64]) -> Usual:
        """Series ``index``."""
        return Usual(**{name: getattr(self, name)[index] for name in USUAL_FIELDS})


USUAL_FIELDS: Final = tuple(field.name for field in fields(Usual))
USUAL_SLOT_FIELDS: Final = ("location", "season", "slot_error", "near")


@dataclass(frozen=True, slots=True, eq=False)
class Snapshot:
    """Snapshot D: all that scoring local day D knows of the past.

    Attributes
    ----------
    day : int; D, days since 1970-01-01.
    count, peak, fifteen : :class:`Usual`; None where no series knows its busiest minutes, or intervals are not of five.
    own : the parts of the series' own bars.
    sums : what the longer clocks compare with.
    """

    day: int
    count: Usual
    peak: Usual | None
    fifteen: Usual | None
    own: OwnBar
    sums: UsualSums

    def take(self, index: NDArray[np.int64]) -> Snapshot:
        """Series ``index``."""
        peak, fifteen = (usual and usual.take(index) for usual in (self.peak, self.fifteen))
        own, sums = self.own.take(index), self.sums.take(index)
        return Snapshot(self.day, self.count.take(index), peak, fifteen, own, sums)


def make_snapshot(
    history: History, index: NDArray[np.int64], day: int, left_out: tuple[Days, Days] | None = None
) -> Snapshot:
    """Snapshot of the series ``index`` for local day ``day``.

    Parameters
    ----------
    history : days before ``day``.
    index : int64 [series].
    day : days since 1970-01-01.
    left_out : int64 [n] each; days that do not count for the own bar and the longer clocks and are never the norm,
        because an event on them was determined: places in ``index``, and local days.

    Raises
    ------
    ValueError
        If the history holds ``day`` or a later one: a snapshot never sees its own day.
    """
    last = history.last[index]
    if len(index) and int(last.max()) >= day:
        raise ValueError(f"history holds day {int(last.max())}; snapshot {day} may only see days before it")
    forgotten = day - last > SLOT_MEMORY_DAYS
    count, peak, fifteen = (
        None if kind is None else _usual(kind, forgotten, history.slots)
        for kind in _remembered(history, index, day, left_out)
    )
    assert count is not None, "counts are always remembered"
    own, sums = (
        _own_bar(history, index, day, left_out),
        usual_sums(history.sums.take(index), day, left_out),
    )
    return Snapshot(day, count, peak, fifteen, own, sums)


def _own_bar(
    history: History, index: NDArray[np.int64], day: int, left_out: tuple[Days, Days] | None
) -> OwnBar:
    days, hours = history.bar_days[index], history.hours[index]
    maximum, upper = history.maximum[index], history.upper[index]
    if left_out is not None and len(left_out[0]):
        place, on = left_out
        row, column = np.nonzero(days[place] == on[:, None])
        for numbers in (maximum, upper, hours):
            numbers[place[row], column] = np.nan
    return own_bar(days, maximum, upper, history.folded[index], hours, day)


def usual_locations(history: History, index: NDArray[np.int64], day: int) -> Floats:
    """Locations alone of the counts, as :func:`make_snapshot` gives them; float64 [series, slots]."""
    count, _, _ = _remembered(history, index, day, None, counts_only=True)
    assert count is not None, "counts are always remembered"
    usual = fill_slots(median_of_days(count.usual))
    return np.where((day - history.last[index] > SLOT_MEMORY_DAYS)[:, None], np.nan, usual)


def _remembered(
    history: History,
    index: NDArray[np.int64],
    day: int,
    left_out: tuple[Days, Days] | None,
    *,
    counts_only: bool = False,
) -> tuple[KindProfile | None, KindProfile | None, KindProfile | None]:
    """Copies of the remembered days of count, peak and 15 minutes, as far as they can be compared with ``day``."""
    kinds = (history.count, None, None) if counts_only else (history.count, history.peak, history.fifteen)
    count, peak, fifteen = (None if kind is None else kind.take(index) for kind in kinds)
    days = history.days[index]
    change = level_change(history.level_days[index], history.levels[index], days, day, left_out)
    unlike = days_unlike(days, history.count.usual[index], day)
    for kind in (count, peak, fifteen):
        if kind is not None and change is not None:
            change.apply(kind, peaks=kind is peak)
        if kind is not None and unlike.any():
            kind.usual[unlike] = np.nan
    return count, peak, fifteen


def _usual(days: KindProfile, forgotten: NDArray[np.bool_], slots: int) -> Usual:
    for _, values in days.arrays():
        values[forgotten] = np.nan
    floor, spread = day_floor(days.n, days.total, days.squares, days.deviation)
    return Usual(
        location=fill_slots(median_of_days(days.usual)),
        season=median_of_days(days.residual),
        slot_error=median_of_days(days.error),
        near=hours_around(days.near_n, days.near_sum, days.near_squares, 2 * HOUR * slots // DAY),
        floor=floor,
        smallest=smallest_change(days.largest),
        spread=spread,
        error=median_of_days(days.day_error),
        days=(np.nan_to_num(days.n) > 0).sum(axis=1),
        scale_days=(~np.isnan(days.day_error)).sum(axis=1),
    )
