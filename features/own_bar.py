"""Step 8: a series' own past raises its bar, by four parts; and nothing lowers it.

All four are computed from u, the statistic before the bar: how rare its largest days are (Q), how large its days
usually become (M), how restless it is (H), and what recurs at the same hour (R). Q protects against rare large events,
M and R against jobs that recur, H against noise that never ends. The slack of the first three keeps a tenant with real
events from blinding itself.

Each part has a value for every hour of the local day. H is no more than the noise of the hours around. Outside the
hours of a job that recurs, Q and M are computed without these hours.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Final

import numpy as np
from numpy.typing import NDArray

from features.hours_of_day import job_hours, maxima_outside, noise_around, recurring
from features.quantiles import quantile_of_known
from features.regimes import YOUNG_FROM_DAYS

Floats = NDArray[np.float64]
Days = NDArray[np.int64]

BAR_MEMORY_DAYS: Final = 60
NOISE_MEMORY_DAYS: Final = 28
UPPER: Final = 0.95
"""Which quantile of the daily maxima Q is, and which quantile of a day's u its daily number for H."""
MIDDLE: Final = 0.5
MATURE_DAYS: Final = 7
"""Folded days that a day's snapshot must have had for Q to count the day."""
LEAST_DAYS: Final = 3
"""Days from which M and H are known."""
HAND_OVER: Final = (1.0, 2 / 3, 1 / 3)
"""To which power the provisional bar counts, by the number of scored days; with LEAST_DAYS M, H and R stand alone."""
NEWCOMER: Final = 2.0
"""How much higher the bar of a first scored day is, whose locations rest on two days."""
RARE_SLACK: Final = 0.2
RARE_POWER: Final = 1.5
HABIT_SLACK: Final = 3.0
HABIT_POWER: Final = 3.0
NOISE_SLACK: Final = 0.28
NOISE_POWER: Final = 1.5
RECURRING_SLACK: Final = 1.5
RECURRING_POWER: Final = 2.0


@dataclass(frozen=True, slots=True, eq=False)
class OwnBar:
    """The parts of a series' own bar, by hour of the local day; 0 where not known yet.

    Attributes
    ----------
    rare : float64 [series, 24]; Q, the 95 % quantile of its daily maxima of u.
    habit : float64 [series, 24]; M, their median.
    noise : float64 [series, 24]; H, the median of its daily 95 % quantiles of u, and no more than that of the hours
        around.
    recurring : float64 [series, 24]; R, what u reaches around this hour on one day in four.
    provisional : float64 [series]; what the statistic is divided by before p is taken, as long as the series is new: a
        bar from few days, twice as high on the first scored one, which fades as scored days come; 1 from three on.
    """

    rare: Floats
    habit: Floats
    noise: Floats
    recurring: Floats
    provisional: Floats

    def take(self, index: NDArray[np.int64]) -> OwnBar:
        """Series ``index``."""
        return OwnBar(**{field.name: getattr(self, field.name)[index] for field in fields(self)})


def own_bar(days: Days, maxima: Floats, upper: Floats, folded: Floats, hours: Floats, day: int) -> OwnBar:
    """The parts as of the local midnight of ``day``.

    Parameters
    ----------
    days : int64 [series, days]; local days, days since 1970-01-01, ascending.
    maxima, upper : float64 [series, days]; each day's maximum and 95 % quantile of u, NaN where the day does not count:
        it had no u, or holds an event that was determined.
    folded : float64 [series, days]; folded days that each day's snapshot had; with two the day had scores.
    hours : float64 [series, days, 24]; each hour's maximum of u, NaN as above.
    day : none of ``days`` is this day or later.
    """
    recent = np.where(days >= day - BAR_MEMORY_DAYS, maxima, np.nan)
    lately = np.where(days >= day - NOISE_MEMORY_DAYS, upper, np.nan)
    scored = folded >= YOUNG_FROM_DAYS
    of_scored = np.where(scored, recent, np.nan)
    mature = folded >= MATURE_DAYS
    rare, habit = _rare_and_habit(of_scored, mature)
    noise = quantile_of_known(np.where(scored, lately, np.nan), MIDDLE, least=LEAST_DAYS)
    scored_days = (~np.isnan(of_scored)).sum(axis=1)
    power = np.array([*HAND_OVER, 0.0])[np.minimum(scored_days, LEAST_DAYS)]
    newest = slice(-NOISE_MEMORY_DAYS, None)
    counted = (scored & (days >= day - NOISE_MEMORY_DAYS))[:, newest, None]
    hours_lately = np.where(counted, hours[:, newest], np.nan)
    of_job = job_hours(hours_lately, habit)
    outside = np.where(np.isnan(of_scored), np.nan, maxima_outside(hours, of_job))
    rare_outside, habit_outside = _rare_and_habit(outside, mature)
    return OwnBar(
        rare=_by_hour(rare, rare_outside, of_job),
        habit=_by_hour(habit, habit_outside, of_job),
        noise=_lowered(noise[:, None], noise_around(hours_lately)),
        recurring=np.nan_to_num(recurring(hours_lately)),
        provisional=np.where(scored_days == 0, NEWCOMER, 1.0) * _provisional(recent, lately) ** power,
    )


def _rare_and_habit(maxima: Floats, mature: NDArray[np.bool_]) -> tuple[Floats, Floats]:
    """Q and M of daily maxima, NaN where not known; float64 [series] each."""
    rare = quantile_of_known(np.where(mature, maxima, np.nan), UPPER)
    return rare, quantile_of_known(maxima, MIDDLE, least=LEAST_DAYS)


def _by_hour(whole: Floats, outside: Floats, of_job: NDArray[np.bool_]) -> Floats:
    """A part by hour, float64 [series, 24]: that of the whole day; outside a job's hours that of the other hours."""
    elsewhere = ~of_job & of_job.any(axis=1, keepdims=True)
    return _lowered(whole[:, None], np.where(elsewhere, outside[:, None], np.nan))


def _lowered(whole: Floats, part: Floats) -> Floats:
    """``part`` where it is known and less than ``whole``, else ``whole``; 0 where that is not known."""
    with np.errstate(invalid="ignore"):
        return np.nan_to_num(np.where(part < whole, part, whole))


def _provisional(maxima: Floats, upper: Floats) -> Floats:
    """The bar from all days that have a u, also those before the series has scores; float64 [series]."""
    parts = (
        quantile_of_known(maxima, 1.0),
        quantile_of_known(maxima, MIDDLE),
        quantile_of_known(upper, MIDDLE),
    )
    return _highest(*(np.nan_to_num(part) for part in parts))


def bar(own: OwnBar) -> Floats:
    """What u is divided by: max(1, (.2 Q)^1.5, (M / 3)^3, (H / .28)^1.5, (R / 1.5)²).

    float64 [series, 24], 1 for most.
    """
    return np.maximum(
        _highest(own.rare, own.habit, own.noise), (own.recurring / RECURRING_SLACK) ** RECURRING_POWER
    )


def _highest(rare: Floats, habit: Floats, noise: Floats) -> Floats:
    parts = (
        (RARE_SLACK * rare) ** RARE_POWER,
        (habit / HABIT_SLACK) ** HABIT_POWER,
        (noise / NOISE_SLACK) ** NOISE_POWER,
    )
    return np.maximum(np.maximum(1.0, parts[0]), np.maximum(parts[1], parts[2]))
