"""A level that has shifted for good: from the fourth midnight on the days before it count as if they had been at it.

A migration or a new client lifts a series to a new level. The median of seven days follows on the fifth midnight, the
scales later. Here the days of another level are brought to the level that is the norm, part of the day by part: those
before a shift up to the new level, and those on which an attack was determined down to the usual one, so that it never
becomes the norm. All other series keep their days to the bit.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import bottleneck as bn
import numpy as np
from numpy.typing import NDArray

from features.local_grid import NO_DAY
from features.profile import LEVEL_MEMORY_DAYS, LEVEL_PARTS, SLOT_FIELDS, KindProfile
from features.quantiles import largest_of_known

Floats = NDArray[np.float64]
Days = NDArray[np.int64]
Bools = NDArray[np.bool_]

WEEK: Final = 7
SHIFTED_DAYS: Final = 3
"""Whole days at a new level after which it is the norm."""
LEAST_FACTOR: Final = 1.5
LEAST_STEP: Final = 1.0
"""A new level is at least this many times the old one, and this many contacts (per interval) more."""
MOST_SPREAD: Final = 2.0
"""How far apart the days' factors may lie: largest over smallest."""
QUIET: Final = 0.25
"""A day under this share of the part's largest (a Sunday) says nothing of a shift."""
LEAST_PARTS: Final = 2
"""Parts of the day that must have shifted."""
NO_USE: Final = 20.0
"""From this factor on the shape of the old level says nothing of the new one, and is not used."""


@dataclass(frozen=True, slots=True, eq=False)
class LevelChange:
    """How days that are remembered are brought to another level.

    Attributes
    ----------
    series : int64 [n]; the series that have such days, ascending.
    factor : float64 [n, days, 2, parts]; of counts and of peaks, by part of the day; 1 leaves a part as it is, NaN
        leaves it out.
    of_day : float64 [n, days, 2]; the same of the whole day.
    left_behind : bool [n, days, parts]; the residuals are still those from the former level, and not used.
    """

    series: Days
    factor: Floats
    of_day: Floats
    left_behind: Bools

    def apply(self, kind: KindProfile, *, peaks: bool) -> None:
        """Bring the days of a kind to the other level, in place.

        Parameters
        ----------
        kind : :class:`KindProfile` [series, days]; of all series that were asked about.
        peaks : whether it is that of the busiest minutes.
        """
        slots = kind.usual.shape[-1]
        by_slot = np.repeat(self.factor[:, :, int(peaks)], slots // LEVEL_PARTS, axis=-1)
        of_day = self.of_day[:, :, int(peaks)]
        behind = np.repeat(self.left_behind, slots // LEVEL_PARTS, axis=-1)
        for name, values in kind.arrays():
            if name in ("n", "near_n"):
                continue
            factor = by_slot if name in SLOT_FIELDS else of_day
            values[self.series] *= factor * factor if name.endswith("squares") else factor
        unused = behind | np.isnan(by_slot)
        for values in (kind.residual, kind.near_n, kind.near_sum, kind.near_squares):
            part = values[self.series]
            part[unused] = np.nan
            values[self.series] = part


def part_levels(usual: Floats) -> Floats:
    """Level of each part of a day: the median of its slots' medians.

    Parameters
    ----------
    usual : float64 [series, slots].

    Returns
    -------
    float64 [series, parts]; NaN where nothing is known.
    """
    series, slots = usual.shape
    levels: Floats = bn.nanmedian(usual.reshape(series, LEVEL_PARTS, slots // LEVEL_PARTS), axis=2)
    return levels


def level_change(
    level_days: Days,
    levels: Floats,
    days: Days,
    day: int,
    left_out: tuple[Days, Days] | None = None,
) -> LevelChange | None:
    """How the remembered days must be brought to another level as of the local midnight of ``day``; None: no series.

    Parameters
    ----------
    level_days : int64 [series, 14]; days of the levels, all before ``day``.
    levels : float64 [series, 14, 2 · parts]; levels of counts, then of peaks, by part of the day.
    days : int64 [series, 7]; the days to be brought to a level.
    left_out : int64 [n] each; places of series and local days on which an event was determined to be fraud.
    """
    cube, determined = _by_age(level_days, levels, day, left_out)
    begins, ratio = _shifts(cube, determined, day)
    shifted = (begins > NO_DAY).any(axis=1)
    touched = np.flatnonzero(shifted | determined.any(axis=1))
    if not len(touched):
        return None
    change = _unchanged(touched, days[touched])
    _lift(change, days[touched], cube[touched], begins[touched], ratio[touched])
    if determined.any():
        _lower(change, day - days[touched], cube[touched], determined[touched])
    return change


def _by_age(
    level_days: Days, levels: Floats, day: int, left_out: tuple[Days, Days] | None
) -> tuple[Floats, Bools]:
    """Levels by age, float64 [series, 14, 2, parts], yesterday first, NaN where unknown; and determined days."""
    series = len(level_days)
    age = day - level_days - 1
    cube = np.full((series, LEVEL_MEMORY_DAYS, 2, LEVEL_PARTS), np.nan)
    row, column = np.nonzero((age >= 0) & (age < LEVEL_MEMORY_DAYS))
    cube[row, age[row, column]] = levels[row, column].reshape(len(row), 2, LEVEL_PARTS)
    determined = np.zeros((series, LEVEL_MEMORY_DAYS), dtype=bool)
    if left_out is not None:
        place, of = left_out[0], day - left_out[1] - 1
        within = (of >= 0) & (of < LEVEL_MEMORY_DAYS)
        determined[place[within], of[within]] = True
    return cube, determined


def _shifts(cube: Floats, determined: Bools, day: int) -> tuple[Days, Floats]:
    """First day at a new level of each part, int64 [series, parts], and its factors, float64 [series, 2, parts]."""
    usual = np.where(determined[:, :, None], np.nan, cube[:, :, 0])
    new, old = usual[:, :WEEK], usual[:, WEEK:]
    with np.errstate(invalid="ignore"):
        loud = np.fmax(new, old) >= QUIET * largest_of_known(usual, axis=1)[:, None]
        higher = new >= LEAST_FACTOR * old + LEAST_STEP
        against = (loud & ~higher & ~np.isnan(new + old)) | determined[:, :WEEK, None]
    support = higher & (np.cumsum(against, axis=1) == 0)
    age = np.arange(1, WEEK + 1)[:, None]
    length = (support * age).max(axis=1)
    factors = np.where(support & loud & (old > 0), new / np.where(old > 0, old, np.nan), np.nan)
    with np.errstate(invalid="ignore"):
        apart = largest_of_known(factors, axis=1) > MOST_SPREAD * -largest_of_known(-factors, axis=1)
        run = np.arange(LEVEL_MEMORY_DAYS)[:, None] < length[:, None]
        week_before = ~run & (np.arange(LEVEL_MEMORY_DAYS)[:, None] < length[:, None] + WEEK)
        level_now = largest_of_known(np.where(run, usual, np.nan), axis=1)
        level_before = largest_of_known(np.where(week_before, usual, np.nan), axis=1)
        above = level_now >= LEAST_STEP + LEAST_FACTOR * level_before
    begun_midday = (length.max(axis=1) == SHIFTED_DAYS) & ((length > 0) & (length < SHIFTED_DAYS)).any(axis=1)
    above &= ~begun_midday[:, None]
    shifted = (length >= SHIFTED_DAYS) & ~apart & above
    days_in_support = (support & shifted[:, None]).any(axis=2).sum(axis=1)
    shifted &= ((shifted.sum(axis=1) >= LEAST_PARTS) & (days_in_support >= 2))[:, None]
    return np.where(shifted, day - length, NO_DAY), _factors(cube, support)


def _factors(cube: Floats, support: Bools) -> Floats:
    """New level over old one on the days that support a shift; float64 [series, 2, parts], NaN where of no use."""
    both = support[:, :, None] & ~np.isnan(cube[:, :WEEK] + cube[:, WEEK:])
    new = np.where(both, cube[:, :WEEK], 0.0).sum(axis=1)
    old = np.where(both, cube[:, WEEK:], 0.0).sum(axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        ratio = np.maximum(new / old, 1.0)
    return np.where(ratio < NO_USE, ratio, np.nan)


def _unchanged(series: Days, days: Days) -> LevelChange:
    shape = days.shape
    return LevelChange(
        series=series,
        factor=np.ones((*shape, 2, LEVEL_PARTS)),
        of_day=np.ones((*shape, 2)),
        left_behind=np.zeros((*shape, LEVEL_PARTS), dtype=bool),
    )


def _lift(change: LevelChange, days: Days, cube: Floats, begins: Days, ratio: Floats) -> None:
    """Bring the days before a shift up to the new level, in place."""
    shifted = begins > NO_DAY
    before = shifted[:, None] & (days[:, :, None] < begins[:, None])
    change.factor[...] = np.where(before[:, :, None], ratio[:, None], change.factor)
    after = days[:, :, None] - begins[:, None]
    change.left_behind[...] = shifted[:, None] & (after >= 0) & (after < SHIFTED_DAYS)
    old = largest_of_known(
        np.where(np.arange(LEVEL_MEMORY_DAYS)[:, None, None] >= WEEK, cube, np.nan), axis=1
    )
    capped = np.where(shifted[:, None], np.where(np.isnan(ratio), NO_USE, ratio), 1.0)
    weight = np.nan_to_num(old)
    with np.errstate(invalid="ignore", divide="ignore"):
        whole = (weight * capped).sum(axis=2) / weight.sum(axis=2)
    whole = np.where(np.isnan(whole), 1.0, whole)
    first = np.where(shifted, begins, days.max() + 1).min(axis=1)
    change.of_day[...] = np.where((days < first[:, None])[:, :, None], whole[:, None], change.of_day)


def _lower(change: LevelChange, age: Days, cube: Floats, determined: Bools) -> None:
    """Bring determined days that lie at a new level down to the usual one, in place."""
    others = np.where(determined[:, :, None, None], np.nan, cube)
    usual = bn.nanmedian(others, axis=1)
    for column in range(age.shape[1]):
        of = np.clip(age[:, column] - 1, 0, LEVEL_MEMORY_DAYS - 1)
        rows = np.arange(len(of))
        here = determined[rows, of] & (age[:, column] <= LEVEL_MEMORY_DAYS)
        level = cube[rows, of]
        with np.errstate(invalid="ignore", divide="ignore"):
            higher = here[:, None] & (level[:, 0] >= LEAST_FACTOR * usual[:, 0] + LEAST_STEP)
            down = np.minimum(np.nan_to_num(usual / level, nan=1.0), 1.0)
            whole = np.nan_to_num(
                np.minimum(np.nansum(usual, axis=2) / np.nansum(level, axis=2), 1.0), nan=1.0
            )
        change.factor[:, column] = np.where(higher[:, None], down, change.factor[:, column])
        change.left_behind[:, column] |= higher
        some = higher.any(axis=1)
        change.of_day[:, column] = np.where(some[:, None], whole, change.of_day[:, column])
