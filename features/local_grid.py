"""Local days, intervals and slots: where an interval stands in its tenant's own day.

A local day runs from the tenant's midnight to the next one, so it has 23, 24 or 25 hours where clocks change.
A slot is a quarter hour of the wall clock, or the interval where that is longer.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from features.fifteen import BEFORE, has_fifteen

QUARTER_HOUR: Final = 900
HOUR: Final = 3600
DAY: Final = 86400
HOURS: Final = 24
NO_DAY: Final = -(10**6)
"""In the place of a day, where there is none."""
MIDNIGHTS_AT_ONCE: Final = 512
LONGEST_LEVELLED: Final = 900
"""Intervals over 15 minutes have no level (step 2): an hour holds too few of them."""


@dataclass(frozen=True, slots=True, eq=False)
class LocalGrid:
    """Consecutive intervals of one local day, after the context that their scores need.

    Attributes
    ----------
    day : int; local date as days since 1970-01-01.
    interval_seconds : int.
    starts : int64 [context + intervals]; UTC seconds since the epoch.
    context : int; how many leading intervals are context only.
    slot : int64 [context + intervals]; slot of the wall clock.
    left, right : int64 [context + intervals]; slots between whose centres the interval's centre lies.
    weight : float64 [context + intervals]; share of ``right``.
    """

    day: int
    interval_seconds: int
    starts: NDArray[np.int64]
    context: int
    slot: NDArray[np.int64]
    left: NDArray[np.int64]
    right: NDArray[np.int64]
    weight: NDArray[np.float64]

    @property
    def slots(self) -> int:
        """Number of slots of a day."""
        return slots_a_day(self.interval_seconds)


def slot_seconds(interval_seconds: int) -> int:
    """Length of a slot: a quarter hour, or the interval where that is longer."""
    return max(QUARTER_HOUR, interval_seconds)


def slots_a_day(interval_seconds: int) -> int:
    """Number of slots of a local day of 24 hours."""
    return DAY // slot_seconds(interval_seconds)


def context_intervals(interval_seconds: int) -> int:
    """Intervals needed before the first scored one: the hour of its level, the interval before (swing), and the two
    before these where 15 minutes are looked at together."""
    level = HOUR // interval_seconds if interval_seconds <= LONGEST_LEVELLED else 0
    return 1 + level + (BEFORE if has_fifteen(interval_seconds) else 0)


def midnights(zone: str, days: NDArray[np.int64]) -> NDArray[np.int64]:
    """UTC seconds at which the local ``days`` (days since the epoch) begin in the IANA ``zone``.

    Where midnight comes twice the first counts; where it is skipped, the first moment after the gap. Computed once
    for each zone and day (a time zone's rules are slow to ask), then looked up.
    """
    blocks, index = np.unique(days // MIDNIGHTS_AT_ONCE, return_inverse=True)
    if not len(blocks):
        return np.empty(0, dtype=np.int64)
    table = np.stack([_block_of_midnights(zone, block) for block in blocks.tolist()])
    return table[index, days % MIDNIGHTS_AT_ONCE]


def wall_seconds(zone: str, starts: NDArray[np.int64]) -> NDArray[np.int64]:
    """Wall clock of UTC seconds ``starts`` in ``zone``, as seconds since 1970-01-01 00:00 of that clock."""
    utc = pd.DatetimeIndex(starts.astype("datetime64[s]")).tz_localize("UTC")
    return _seconds(utc.tz_convert(zone).tz_localize(None))


def local_days(zone: str, starts: NDArray[np.int64]) -> NDArray[np.int64]:
    """Local day (days since the epoch) in which each UTC second of ``starts`` falls, by :func:`midnights`."""
    if not len(starts):
        return np.empty(0, dtype=np.int64)
    low = int(starts.min()) // DAY - 2
    high = int(starts.max()) // DAY + 3
    days = np.arange(low, high + 1, dtype=np.int64)
    return days[np.searchsorted(midnights(zone, days), starts, side="right") - 1]


def place(
    wall: NDArray[np.int64], interval_seconds: int
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
    """Slot, left and right neighbour and weight of intervals that start at the wall clock ``wall``."""
    length = slot_seconds(interval_seconds)
    slots = slots_a_day(interval_seconds)
    of_day = wall % DAY
    slot = of_day // length
    if interval_seconds >= length:
        return slot, slot, slot, np.zeros(len(wall))
    position = (of_day + interval_seconds / 2) / length - 0.5
    before = np.floor(position)
    left = before.astype(np.int64) % slots
    return slot, left, (left + 1) % slots, position - before


@lru_cache(maxsize=256)
def local_grid(zone: str, day: int, interval_seconds: int) -> LocalGrid:
    """The intervals of one local day with their context.

    Parameters
    ----------
    zone : IANA name.
    day : local date, days since 1970-01-01.
    interval_seconds : divides an hour; intervals start at multiples of it in UTC.
    """
    begin, end = midnights(zone, np.array([day, day + 1], dtype=np.int64)).tolist()
    first = -(-begin // interval_seconds) * interval_seconds
    context = context_intervals(interval_seconds)
    starts = np.arange(first - context * interval_seconds, end, interval_seconds, dtype=np.int64)
    slot, left, right, weight = place(wall_seconds(zone, starts), interval_seconds)
    return LocalGrid(day, interval_seconds, starts, context, slot, left, right, weight)


@lru_cache(maxsize=4096)
def _block_of_midnights(zone: str, block: int) -> NDArray[np.int64]:
    days = np.arange(block * MIDNIGHTS_AT_ONCE, (block + 1) * MIDNIGHTS_AT_ONCE + 1, dtype=np.int64)
    wall = pd.DatetimeIndex(days.astype("datetime64[D]").astype("datetime64[s]"))
    local = wall.tz_localize(zone, ambiguous=np.ones(len(wall), dtype=bool), nonexistent="shift_forward")
    begins = _seconds(local.tz_convert("UTC").tz_localize(None))
    # Where a whole day is left out (Samoa, 30 December 2011) it must not begin after the day that follows.
    first_moments: NDArray[np.int64] = np.minimum(begins[:-1], begins[1:])
    first_moments.flags.writeable = False
    return first_moments


def _seconds(wall: pd.DatetimeIndex) -> NDArray[np.int64]:
    return wall.to_numpy().astype("datetime64[s]").astype(np.int64)
