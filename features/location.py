"""Step 1: the location m, what a series usually has at this time of its day."""

from __future__ import annotations

from typing import Final

import bottleneck as bn
import numpy as np
from numpy.typing import NDArray

from features.local_grid import NO_DAY

MONDAY: Final = 4
"""1970-01-05."""
SATURDAY: Final = 5
FIRST_PART: Final = 4
"""A day that nothing is known of in its first quarter began late."""

Floats = NDArray[np.float64]


def slot_medians(values: Floats, slot: NDArray[np.int64], slots: int) -> Floats:
    """Median of each slot of one local day.

    Parameters
    ----------
    values : float64 [series, intervals]; NaN is unknown.
    slot : int64 [intervals].
    slots : number of slots of a day.

    Returns
    -------
    float64 [series, slots]; NaN where nothing is known.
    """
    return _medians(by_slot(values, slot, slots))


def by_slot(values: Floats, slot: NDArray[np.int64], slots: int) -> Floats:
    """Rearrange [series, intervals] to [series, slots, members], NaN where a slot has fewer members."""
    order = np.argsort(slot, kind="stable")
    counts = np.bincount(slot, minlength=slots)
    width = max(int(counts.max(initial=1)), 1)
    members = np.full((slots, width), -1, dtype=np.int64)
    rank = np.arange(len(slot)) - np.repeat(np.cumsum(counts) - counts, counts)
    members[slot[order], rank] = order
    cube = values[:, members]
    cube[:, members < 0] = np.nan
    return np.ascontiguousarray(cube)


def median_of_days(days: Floats) -> Floats:
    """Median over the days (axis 1) of [series, days, ...]; NaN where no day is known."""
    return _medians(np.ascontiguousarray(np.moveaxis(days, 1, -1)))


def days_unlike(days: NDArray[np.int64], usual: Floats, day: int) -> NDArray[np.bool_]:
    """Which remembered days of a series under seven days old cannot be compared with ``day``.

    Weekends of a working day: the median of a whole week is that of its working days, but a series that began on a
    Saturday would take two days of silence for what is usual on a Monday. And a first day that was not seen from its
    first quarter on. Without any other day the series has no location yet.

    Parameters
    ----------
    days : int64 [series, 7]; days since 1970-01-01, :data:`features.local_grid.NO_DAY` where none is remembered.
    usual : float64 [series, 7, slots]; the slots' medians, NaN where unknown.
    day : the day to be compared; Monday to Friday count as working days.

    Returns
    -------
    bool [series, 7].
    """
    known = days > NO_DAY
    unlike = np.zeros(days.shape, dtype=bool)
    young = np.flatnonzero(~known.all(axis=1) & known.any(axis=1))
    if not len(young):
        return unlike
    first = np.argmax(known[young], axis=1)
    begun = np.isnan(usual[young, first, : usual.shape[2] // FIRST_PART]).all(axis=1)
    unlike[young[begun], first[begun]] = True
    if (day - MONDAY) % 7 < SATURDAY:
        unlike[young] |= known[young] & ((days[young] - MONDAY) % 7 >= SATURDAY)
    return unlike


def fill_slots(location: Floats) -> Floats:
    """Fill unknown slots from their nearest known neighbours on the circle of the day.

    Parameters
    ----------
    location : float64 [series, slots].

    Returns
    -------
    float64 [series, slots]; linear between the known slots; a series that knows none stays NaN.
    """
    unknown = np.isnan(location)
    touched = unknown.any(axis=1) & ~unknown.all(axis=1)
    if not touched.any():
        return location
    slots = location.shape[1]
    part = np.tile(location[touched], (1, 3))
    known = ~np.isnan(part)
    where = np.arange(3 * slots)
    before = np.maximum.accumulate(np.where(known, where, -1), axis=1)[:, slots : 2 * slots]
    after = np.minimum.accumulate(np.where(known, where, 3 * slots)[:, ::-1], axis=1)[:, ::-1]
    after = after[:, slots : 2 * slots]
    low = np.take_along_axis(part, before, axis=1)
    high = np.take_along_axis(part, after, axis=1)
    share = (where[slots : 2 * slots] - before) / np.maximum(after - before, 1)
    filled = location.copy()
    filled[touched] = low + (high - low) * share
    return filled


def interpolate(left: Floats, right: Floats, weight: Floats) -> Floats:
    """Location between two slot centres; ``weight`` is the share of the right one."""
    return left + (right - left) * weight


def _medians(cube: Floats) -> Floats:
    if cube.shape[-1] == 1:
        return cube[..., 0]
    result: Floats = bn.nanmedian(cube, axis=-1)
    return result
