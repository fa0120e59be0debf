"""Step 8: a series' own past raises its bar, by three parts with slack; and nothing lowers it.

All three are of u, before the bar: how rare its largest days are (Q), how large its days usually become (M), and how
restless it is all day long (H). Q protects against rare large events, M against jobs that recur, H against noise that
never ends. The slack keeps a tenant with real events from blinding itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

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
HAND_OVER: Final = (1.0, 2 / 3, 1 / 3, 1 / 4)
"""To which power the provisional bar counts, by the number of scored days; it is over after them."""
NEWCOMER: Final = 2.0
"""How much higher the bar of a first scored day is, whose locations rest on two days."""
RARE_SLACK: Final = 0.2
RARE_POWER: Final = 1.5
HABIT_SLACK: Final = 3.0
HABIT_POWER: Final = 3.0
NOISE_SLACK: Final = 0.28
NOISE_POWER: Final = 1.5


@dataclass(frozen=True, slots=True, eq=False)
class OwnBar:
    """The parts of a series' own bar; float64 [series], 0 where not known yet.

    Attributes
    ----------
    rare : Q, the 95 % quantile of its daily maxima of u.
    habit : M, their median.
    noise : H, the median of its daily 95 % quantiles of u.
    provisional : what the statistic is divided by before p is taken, as long as the series is new: a bar from few
        days, twice as high on the first scored one, which fades as scored days come; 1 from four on.
    """

    rare: Floats
    habit: Floats
    noise: Floats
    provisional: Floats

    def take(self, index: NDArray[np.int64]) -> OwnBar:
        """Series ``index``."""
        return OwnBar(self.rare[index], self.habit[index], self.noise[index], self.provisional[index])


def own_bar(days: Days, maxima: Floats, upper: Floats, folded: Floats, day: int) -> OwnBar:
    """The parts as of the local midnight of ``day``.

    Parameters
    ----------
    days : int64 [series, days]; local days, days since 1970-01-01.
    maxima, upper : float64 [series, days]; each day's maximum and 95 % quantile of u, NaN where the day does not count:
        it had no u, or holds an event that was determined.
    folded : float64 [series, days]; folded days that each day's snapshot had; with two the day had scores.
    day : none of ``days`` is this day or later.
    """
    recent = np.where(days >= day - BAR_MEMORY_DAYS, maxima, np.nan)
    lately = np.where(days >= day - NOISE_MEMORY_DAYS, upper, np.nan)
    scored = folded >= YOUNG_FROM_DAYS
    of_scored = np.where(scored, recent, np.nan)
    habit = quantile_of_known(of_scored, MIDDLE, least=LEAST_DAYS)
    scored_days = (~np.isnan(of_scored)).sum(axis=1)
    power = np.array([*HAND_OVER, 0.0])[np.minimum(scored_days, len(HAND_OVER))]
    return OwnBar(
        rare=np.nan_to_num(quantile_of_known(np.where(folded >= MATURE_DAYS, recent, np.nan), UPPER)),
        habit=np.nan_to_num(habit),
        noise=np.nan_to_num(quantile_of_known(np.where(scored, lately, np.nan), MIDDLE, least=LEAST_DAYS)),
        provisional=np.where(scored_days == 0, NEWCOMER, 1.0) * _provisional(recent, lately) ** power,
    )


def _provisional(maxima: Floats, upper: Floats) -> Floats:
    """The bar from whatever days have a u, the cold one before the first scores among them; float64 [series]."""
    parts = (
        quantile_of_known(maxima, 1.0),
        quantile_of_known(maxima, MIDDLE),
        quantile_of_known(upper, MIDDLE),
    )
    return _highest(*(np.nan_to_num(part) for part in parts))


def quantile_of_known(values: Floats, share: float, *, least: int = 1) -> Floats:
    """Quantile (linear) of each row's known values.

    Parameters
    ----------
    values : float64 [rows, n]; NaN is not known.
    share : between 0 and 1.
    least : values needed; with fewer the result is NaN.

    Returns
    -------
    float64 [rows].
    """
    if not values.shape[1]:
        return np.full(len(values), np.nan)
    ordered = np.sort(values, axis=1)
    known = (~np.isnan(values)).sum(axis=1)
    position = share * np.maximum(known - 1, 0)
    low = position.astype(np.int64)
    high = np.minimum(low + 1, np.maximum(known - 1, 0))
    lower = np.take_along_axis(ordered, low[:, None], axis=1)[:, 0]
    upper = np.take_along_axis(ordered, high[:, None], axis=1)[:, 0]
    return np.where(known >= max(least, 1), lower + (upper - lower) * (position - low), np.nan)


def bar(own: OwnBar) -> Floats:
    """What u is divided by: max(1, (.2 Q)^1.5, (M / 3)^3, (H / .28)^1.5); float64 [series], 1 for most."""
    return _highest(own.rare, own.habit, own.noise)


def _highest(rare: Floats, habit: Floats, noise: Floats) -> Floats:
    parts = (
        (RARE_SLACK * rare) ** RARE_POWER,
        (habit / HABIT_SLACK) ** HABIT_POWER,
        (noise / NOISE_SLACK) ** NOISE_POWER,
    )
    return np.maximum(np.maximum(1.0, parts[0]), np.maximum(parts[1], parts[2]))
