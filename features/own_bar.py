"""Step 7: a series' own daily maxima, used only to raise its bar.

Two things are remembered of sixty daily maxima: their 95 % quantile Q, which counts with slack, so that a
tenant with many real events does not blind itself; and their median M, which counts without, because what
happens on most days (a nightly job at a jittered minute) is a habit and no event. M is our addition to the
reference's recipe: Q alone left wild series, pooled with ten restless ones, four false episodes a week; with
M they have two or fewer, and the restless ones lose nothing (``benchmarks/quality.py``). Maxima are kept
under the shipped constants and brought to a model's by their ratio, so that folding depends on no training.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from features.constants import SHIPPED, KindConstants, RecipeConstants
from features.strength import COUNT_SHARE, PEAK_SHARE

Floats = NDArray[np.float64]

BAR_MEMORY_DAYS: Final = 60
UPPER: Final = 0.95
UPPER_FROM_MAXIMA: Final = 14
MIDDLE: Final = 0.5
MIDDLE_FROM_MAXIMA: Final = 7
SLACK: Final = 0.2
HABIT_POWER: Final = 1.5


@dataclass(frozen=True, slots=True, eq=False)
class OwnMaxima:
    """Quantiles of a series' daily maxima of b′ under the shipped constants; float64 [series], NaN is
    unknown.

    Attributes
    ----------
    upper_count, upper_peak : the 95 % quantile, from fourteen maxima on.
    middle_count, middle_peak : the median, from seven maxima on.
    """

    upper_count: Floats
    upper_peak: Floats
    middle_count: Floats
    middle_peak: Floats

    def take(self, index: NDArray[np.int64]) -> OwnMaxima:
        """Series ``index``."""
        return OwnMaxima(
            self.upper_count[index], self.upper_peak[index], self.middle_count[index], self.middle_peak[index]
        )


def own_maxima(count: Floats, peak: Floats) -> OwnMaxima:
    """Quantiles of daily maxima; float64 [series, days] each, NaN is no day."""
    return OwnMaxima(
        upper_count=quantile_of_days(count, UPPER, UPPER_FROM_MAXIMA),
        upper_peak=quantile_of_days(peak, UPPER, UPPER_FROM_MAXIMA),
        middle_count=quantile_of_days(count, MIDDLE, MIDDLE_FROM_MAXIMA),
        middle_peak=quantile_of_days(peak, MIDDLE, MIDDLE_FROM_MAXIMA),
    )


def quantile_of_days(maxima: Floats, share: float, least: int) -> Floats:
    """Quantile (linear) of each series' known days.

    Parameters
    ----------
    maxima : float64 [series, days]; NaN is no day.
    share : between 0 and 1.
    least : days needed; with fewer the result is NaN.
    """
    if not maxima.shape[1]:
        return np.full(len(maxima), np.nan)
    ordered = np.sort(maxima, axis=1)
    known = (~np.isnan(maxima)).sum(axis=1)
    position = share * np.maximum(known - 1, 0)
    low = position.astype(np.int64)
    high = np.minimum(low + 1, np.maximum(known - 1, 0))
    lower = np.take_along_axis(ordered, low[:, None], axis=1)[:, 0]
    upper = np.take_along_axis(ordered, high[:, None], axis=1)[:, 0]
    return np.where(known >= max(least, 1), lower + (upper - lower) * (position - low), np.nan)


def bar(own: OwnMaxima, constants: RecipeConstants) -> Floats:
    """What u = s/G is divided by: max(1, (.2 Q/G)², (M/G)^1.5); float64 [series].

    Q and M are the 95 % quantile and the median of the daily maxima. 1 for most series, and 1 until 7 (M) or 14 (Q)
    daily maxima are known.
    """
    upper = at_constants(own.upper_count, own.upper_peak, constants) / constants.pooled_bar
    middle = at_constants(own.middle_count, own.middle_peak, constants) / constants.pooled_bar
    slackened = np.square(SLACK * np.nan_to_num(upper))
    return np.maximum(np.maximum(1.0, slackened), np.nan_to_num(middle) ** HABIT_POWER)


def at_constants(count: Floats, peak: Floats, constants: RecipeConstants) -> Floats:
    """A maximum of s from maxima of b′(count) and b′(peak) under the shipped constants; float64, any shape.

    b is proportional to 1/√(G_A G_S), so a ratio brings it from the shipped constants to others.
    """
    of_count = count * _ratio(SHIPPED.count, constants.count)
    of_peak = peak * _ratio(SHIPPED.peak, constants.peak)
    return np.where(np.isnan(of_peak), of_count, COUNT_SHARE * of_count + PEAK_SHARE * of_peak)


def _ratio(shipped: KindConstants, fitted: KindConstants) -> float:
    return float(np.sqrt(shipped.hour * shipped.season / (fitted.hour * fitted.season)))
