"""Contacts by the hour, which the longer clocks count: by UTC hour as they come, by local hour once a day is past."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import bottleneck as bn
import numpy as np
from numpy.typing import NDArray

from features.local_grid import DAY, HOUR, LocalGrid, local_days, slot_seconds, wall_seconds

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

HOURS_A_DAY: Final = 24
CONTEXT_HOURS: Final = HOURS_A_DAY - 1
"""Hours before the first judged one that its 24 hours need."""
LEAST_SHARE: Final = 0.5
"""A span of which less is known is unknown, and so is one that ends with an hour of which less is known."""
DAYS_BEFORE_A_MONDAY: Final = 3
"""1970-01-01 was a Thursday."""


@dataclass(frozen=True, slots=True, eq=False)
class HourSums:
    """Contacts of some series in consecutive UTC hours; the first ``context`` hours are only there for sums.

    Attributes
    ----------
    starts : int64 [context + hours]; UTC seconds.
    context : number of leading hours that are not judged themselves.
    total : float64 [series, context + hours]; contacts in the hour's known intervals.
    known : float64 [series, context + hours]; share of the hour that is known, 0 to 1.
    left, right : int64 [context + hours]; the local hour in which the UTC hour begins, and the one after it.
    weight : float64 [context + hours]; share of ``right``: above 0 where the zone is not whole hours from UTC.
    weekday : int64 [context + hours]; of the local day in which the hour begins, 0 is Monday.
    """

    starts: Ints
    context: int
    total: Floats
    known: Floats
    left: Ints
    right: Ints
    weight: Floats
    weekday: Ints


def hour_sums(
    zone: str, seconds: int, begin: int, end: int, member: Ints, starts: Ints, counts: Floats, series: int
) -> HourSums:
    """Add up the known intervals of [begin, end) and of the 23 hours before it by UTC hour.

    Parameters
    ----------
    zone : IANA zone of the series.
    seconds : length of their intervals; it divides an hour.
    begin, end : UTC seconds, whole hours.
    member, starts, counts : [rows]; place of the series (under ``series``), UTC seconds and contacts of known
        intervals, ascending by start. Rows outside the hours are left out.
    """
    hours = np.arange(begin - CONTEXT_HOURS * HOUR, end, HOUR, dtype=np.int64)
    low, high = np.searchsorted(starts, (hours[0], end)).tolist()
    column = (starts[low:high] - hours[0]) // HOUR
    cell = member[low:high] * len(hours) + column
    size, shape = series * len(hours), (series, len(hours))
    known = np.bincount(cell, minlength=size).reshape(shape).astype(np.float64) * (seconds / HOUR)
    total = np.bincount(cell, weights=counts[low:high], minlength=size).reshape(shape).astype(np.float64)
    wall = wall_seconds(zone, hours)
    left = wall % DAY // HOUR
    return HourSums(
        starts=hours,
        context=CONTEXT_HOURS,
        total=total,
        known=known,
        left=left,
        right=(left + 1) % HOURS_A_DAY,
        weight=wall % HOUR / HOUR,
        weekday=weekday_of(local_days(zone, hours)),
    )


def sums_of_local_day(grid: LocalGrid, counts: Floats) -> tuple[Floats, Floats]:
    """Contacts and known hours of a local day by hour of its wall clock; an hour that comes twice has up to two hours.

    Parameters
    ----------
    counts : float64 [series, intervals] of the grid without its context; NaN is unknown.

    Returns
    -------
    total, known : float64 [series, 24].
    """
    hour = grid.slot[grid.context :] * slot_seconds(grid.interval_seconds) // HOUR
    total, known = (np.zeros((len(counts), HOURS_A_DAY)) for _ in range(2))
    for number in np.unique(hour).tolist():
        part = np.ascontiguousarray(counts[:, hour == number])
        total[:, number] = bn.nansum(part, axis=1)
        known[:, number] = (~np.isnan(part)).sum(axis=1) * (grid.interval_seconds / HOUR)
    return total, known


def weekday_of(days: Ints) -> Ints:
    """Weekday of days since 1970-01-01; 0 is Monday."""
    weekdays: Ints = (days + DAYS_BEFORE_A_MONDAY) % 7
    return weekdays


def sum_of_24(values: Floats, context: int) -> Floats:
    """Sums of 24 hours ending with each judged hour, always added in the same order; float64 [series, hours]."""
    hours = values.shape[1] - context
    total = np.zeros((len(values), hours))
    for first in range(context - CONTEXT_HOURS, context + 1):
        total += values[:, first : first + hours]
    return total
