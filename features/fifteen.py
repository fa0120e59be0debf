"""Step 7: the 15 minutes that end with an interval of five, beside the interval itself."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

FIVE_MINUTES: Final = 300
"""Only intervals of this length have a kind of 15 minutes."""
FIFTEEN_MINUTES: Final = 900
BEFORE: Final = 2
"""Intervals before the interval itself."""


def has_fifteen(interval_seconds: int) -> bool:
    """Whether intervals of this length have a kind of 15 minutes."""
    return interval_seconds == FIVE_MINUTES


def mean_of_three(counts: Floats) -> Floats:
    """x₁₅: mean of each interval's count and its two predecessors', those that are known.

    Parameters
    ----------
    counts : float64 [series, intervals]; NaN is unknown.

    Returns
    -------
    float64 [series, intervals], contacts per interval; NaN where the interval itself is unknown. Intervals before the
    array count as unknown.
    """
    total, known = _sum_of_three(counts, ~np.isnan(counts))
    with np.errstate(invalid="ignore"):
        return np.where(np.isnan(counts), np.nan, total / known)


def sums_of_three(counts: Floats, location: Floats) -> tuple[Floats, Floats]:
    """What was seen and what is usual in each interval and its two predecessors, as far as both are known.

    Parameters
    ----------
    counts, location : float64 [series, intervals]; x and m of the counts.

    Returns
    -------
    Σx, Σm : float64 [series, intervals], contacts; NaN where the interval itself is unknown.
    """
    known = ~np.isnan(counts + location)
    seen, _ = _sum_of_three(counts, known)
    usual, _ = _sum_of_three(location, known)
    return np.where(known, seen, np.nan), np.where(known, usual, np.nan)


def _sum_of_three(values: Floats, known: NDArray[np.bool_]) -> tuple[Floats, Floats]:
    """Sum and number of the known values of three intervals, always added in the same order."""
    filled = np.where(known, values, 0.0)
    total, number = filled.copy(), known.astype(np.float64)
    for step in range(1, BEFORE + 1):
        total[:, step:] += filled[:, :-step]
        number[:, step:] += known[:, :-step]
    return total, number
