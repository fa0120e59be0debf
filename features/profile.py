"""What a folded local day leaves behind, and the memory of the days that a snapshot is made from."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

from features.local_grid import HOURS, NO_DAY
from features.own_bar import BAR_MEMORY_DAYS
from features.scales import FULL_DAYS
from features.usual_sums import SumMemory

Floats = NDArray[np.float64]
Days = NDArray[np.int64]

SLOT_MEMORY_DAYS: Final = 28
"""A snapshot uses the last seven folded days; none once the newest of them is older than this."""
LEVEL_MEMORY_DAYS: Final = 14
LEVEL_PARTS: Final = 6
"""Parts of a day, of four hours each, that have a level."""


@dataclass(frozen=True, slots=True, eq=False)
class KindProfile:
    """One kind (count or peak) of one or more folded days; the arrays share their leading axes.

    Attributes
    ----------
    usual, residual, error : float64 [..., slots]; per slot the median of x, of |r| and of |e|.
    near_n, near_sum, near_squares : float64 [..., slots]; known residuals, Σ min(|r|, 4F) and Σ of its
        square.
    n, total, squares, largest : float64 [...]; known intervals, Σx, Σx², max x.
    deviation : float64 [...]; mean |x − the day's median|.
    day_error : float64 [...]; median |e|.
    """

    usual: Floats
    residual: Floats
    error: Floats
    near_n: Floats
    near_sum: Floats
    near_squares: Floats
    n: Floats
    total: Floats
    squares: Floats
    largest: Floats
    deviation: Floats
    day_error: Floats

    @classmethod
    def unknown(cls, lead: tuple[int, ...], slots: int) -> Self:
        """All-NaN arrays with the leading axes ``lead``."""
        return cls(
            **{name: np.full((*lead, slots) if name in SLOT_FIELDS else lead, np.nan) for name in KIND_FIELDS}
        )

    def arrays(self) -> Iterator[tuple[str, Floats]]:
        """Name and array of each field, in order."""
        for name in KIND_FIELDS:
            yield name, getattr(self, name)

    def take(self, index: NDArray[np.int64] | NDArray[np.bool_]) -> KindProfile:
        """Rows ``index`` of the first axis."""
        return KindProfile(**{name: values[index] for name, values in self.arrays()})


KIND_FIELDS: Final = tuple(field.name for field in fields(KindProfile))
SLOT_FIELDS: Final = ("usual", "residual", "error", "near_n", "near_sum", "near_squares")


@dataclass(frozen=True, slots=True, eq=False)
class DayProfile:
    """Profile of some series on one local day.

    Attributes
    ----------
    day : int; local date, days since 1970-01-01.
    count : :class:`KindProfile` [series].
    peak : the same of the busiest minutes, or None where no series knows them.
    fifteen : the same of the means of 15 minutes, or None where intervals are not of five.
    maximum, upper : float64 [series]; the day's maximum and 95 % quantile of u, NaN where the day had no location.
    folded : float64 [series]; folded days that the day's snapshot had.
    hours : float64 [series, 24]; maximum of u in each hour of the wall clock, NaN where too little of it is known.
    levels : float64 [series, 2 · parts]; level of each part of the day, of counts and then of peaks.
    hour_total, hour_known : float64 [series, 24]; contacts and known hours by local hour.
    hour_highest, day_highest : float64 [series]; what the most unusual hour, and the day, reached on their clocks
        (:func:`features.long_clocks.highest_of_local_day`).
    """

    day: int
    count: KindProfile
    peak: KindProfile | None
    fifteen: KindProfile | None
    maximum: Floats
    upper: Floats
    folded: Floats
    hours: Floats
    levels: Floats
    hour_total: Floats
    hour_known: Floats
    hour_highest: Floats
    day_highest: Floats

    def take(self, index: NDArray[np.int64] | NDArray[np.bool_]) -> DayProfile:
        """Series ``index``."""
        peak, fifteen = (part and part.take(index) for part in (self.peak, self.fifteen))
        numbers = (getattr(self, name)[index] for name in DAY_FIELDS)
        return DayProfile(self.day, self.count.take(index), peak, fifteen, *numbers)


BAR_FIELDS: Final = ("maximum", "upper", "folded", "hours")
"""Numbers of a whole day, from which the own bar is made."""
LEVELS: Final = "levels"
"""Those that show a shift."""
SUM_FIELDS: Final = ("hour_total", "hour_known", "hour_highest", "day_highest")
"""What the longer clocks remember of a day."""
LIST_FIELDS: Final = ("hours", LEVELS, "hour_total", "hour_known")
"""Those with several numbers a series."""
DAY_FIELDS: Final = (*BAR_FIELDS, LEVELS, *SUM_FIELDS)


@dataclass(slots=True, eq=False)
class History:
    """The days that snapshots are made from: each series' last seven folded days, and the numbers of its last sixty.

    Grown in place by :meth:`append`; days are in ascending order along their axis, missing ones at its
    beginning, so that a history built day by day and one built from stored profiles are the same to the bit.

    Attributes
    ----------
    slots : slots of a day.
    last : int64 [series]; newest folded day.
    days : int64 [series, 7]; the days in ``count``, ``peak`` and ``fifteen``.
    count, peak, fifteen : :class:`KindProfile` [series, 7]; ``peak`` and ``fifteen`` are None until one is known.
    bar_days : int64 [series, 60]; days of the numbers below; only days that had a u.
    maximum, upper, folded : float64 [series, 60]; as in :class:`DayProfile`.
    hours : float64 [series, 60, 24]; the same.
    level_days : int64 [series, 14]; days of the levels below.
    levels : float64 [series, 14, 2 · parts]; as in :class:`DayProfile`.
    sums : what the longer clocks remember.
    """

    slots: int
    last: Days
    days: Days
    count: KindProfile
    peak: KindProfile | None
    fifteen: KindProfile | None
    bar_days: Days
    maximum: Floats
    upper: Floats
    folded: Floats
    hours: Floats
    level_days: Days
    levels: Floats
    sums: SumMemory

    @classmethod
    def empty(cls, series: int, slots: int) -> Self:
        """A history without days."""
        return cls(
            slots=slots,
            last=np.full(series, NO_DAY, dtype=np.int64),
            days=np.full((series, FULL_DAYS), NO_DAY, dtype=np.int64),
            count=KindProfile.unknown((series, FULL_DAYS), slots),
            peak=None,
            fifteen=None,
            bar_days=np.full((series, BAR_MEMORY_DAYS), NO_DAY, dtype=np.int64),
            maximum=np.full((series, BAR_MEMORY_DAYS), np.nan),
            upper=np.full((series, BAR_MEMORY_DAYS), np.nan),
            folded=np.full((series, BAR_MEMORY_DAYS), np.nan),
            hours=np.full((series, BAR_MEMORY_DAYS, HOURS), np.nan),
            level_days=np.full((series, LEVEL_MEMORY_DAYS), NO_DAY, dtype=np.int64),
            levels=np.full((series, LEVEL_MEMORY_DAYS, 2 * LEVEL_PARTS), np.nan),
            sums=SumMemory.empty(series),
        )

    @property
    def series(self) -> int:
        """Number of series."""
        return len(self.last)

    def append(self, index: NDArray[np.int64], profile: DayProfile) -> None:
        """Add a day of the series ``index``; the day must be newer than all that those series have.

        Raises
        ------
        ValueError
            If a series has that day, or a newer one, already.
        """
        if len(index) and int(self.last[index].max()) >= profile.day:
            raise ValueError(
                f"day {profile.day} is not newer than the history's last day {self.last[index].max()}"
            )
        days = np.roll(self.days[index], -1, axis=1)
        days[:, -1] = profile.day
        stale = days <= profile.day - SLOT_MEMORY_DAYS
        self.days[index] = np.where(stale, NO_DAY, days)
        _push(self.count, index, profile.count, stale)
        self.peak = self._pushed(self.peak, index, profile.peak, stale)
        self.fifteen = self._pushed(self.fifteen, index, profile.fifteen, stale)
        self.append_numbers(index, profile.day, *(getattr(profile, name) for name in DAY_FIELDS))

    def append_numbers(
        self,
        index: NDArray[np.int64],
        day: int,
        maximum: Floats,
        upper: Floats,
        folded: Floats,
        hours: Floats,
        levels: Floats,
        *sums: Floats,
    ) -> None:
        """Add the numbers alone of a day that is too old for a snapshot to use its slots.

        Parameters
        ----------
        index : int64 [n]; series of which ``day`` is newer than all that they have.
        maximum, upper, folded : float64 [n]; as in :class:`DayProfile`.
        hours : float64 [n, 24]; the same.
        levels : float64 [n, 2 · parts]; the same.
        sums : the same of ``SUM_FIELDS``, in their order.
        """
        self.last[index] = day
        self.sums.append(index, day, *sums)
        known = ~np.isnan(maximum)
        of_bar = index[known]
        for memory, rows, newest in (
            (self.bar_days, of_bar, day),
            (self.maximum, of_bar, maximum[known]),
            (self.upper, of_bar, upper[known]),
            (self.folded, of_bar, folded[known]),
            (self.hours, of_bar, hours[known]),
            (self.level_days, index, day),
            (self.levels, index, levels),
        ):
            moved = np.roll(memory[rows], -1, axis=1)
            moved[:, -1] = newest
            memory[rows] = moved

    def _pushed(
        self,
        memory: KindProfile | None,
        index: NDArray[np.int64],
        newest: KindProfile | None,
        stale: NDArray[np.bool_],
    ) -> KindProfile | None:
        """A kind's memory with the newest day; None as long as no day knows the kind."""
        if memory is None and newest is None:
            return None
        grown = memory or KindProfile.unknown((self.series, FULL_DAYS), self.slots)
        _push(grown, index, newest or KindProfile.unknown((len(index),), self.slots), stale)
        return grown


def _push(
    memory: KindProfile, index: NDArray[np.int64], newest: KindProfile, stale: NDArray[np.bool_]
) -> None:
    for (_, values), (_, day) in zip(memory.arrays(), newest.arrays(), strict=True):
        moved = np.roll(values[index], -1, axis=1)
        moved[:, -1] = day
        moved[stale] = np.nan
        values[index] = moved
