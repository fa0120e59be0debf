"""The weekly clock: growth that goes on week after week.

A level that shifts once is one large step among small ones; growth is several steps of the same sign. The statistic is
the mean of the steps over their own spread, so that one step, however large, is weak evidence.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

WEEK: Final = 7
STEPS: Final = 4
"""Steps from week to week that are looked at: growth over four weeks."""
LEAST_DAYS: Final = 4
"""Known days without which a week is unknown."""
LEAST_PEERS: Final = 20
"""Series from which the movement that all have in common is known."""
SMALL_WEEK: Final = 10.0
"""Added to a week's sum before the logarithm, so that a handful more is no growth."""
STEP_PRIOR: Final = 0.1
"""Spread of a week's step that is assumed, relative; it weighs as much as four weeks of the series' own."""
PRIOR_STEPS: Final = 4


def weekly_sums(amounts: Floats) -> Floats:
    """Sum up whole weeks that end with the last day, in proportion where days are unknown.

    Parameters
    ----------
    amounts : float64 [series, days]; days a multiple of seven. NaN: unknown.

    Returns
    -------
    float64 [series, weeks]; NaN where fewer than four days are known.
    """
    by_week = amounts.reshape(len(amounts), -1, WEEK)
    known = ~np.isnan(by_week)
    days = known.sum(axis=2)
    total = np.where(known, by_week, 0.0).sum(axis=2)
    weeks: Floats = np.where(days >= LEAST_DAYS, total * WEEK / np.maximum(days, 1), np.nan)
    return weeks


def growth(weeks: Floats) -> Floats:
    """Return how strongly the last four steps from week to week say that a series grows.

    g_w = log((y_w + 10) / (y_{w−1} + 10)) − the median of the same of all series (from twenty on): season and holidays
    are common. z = mean(g) · √4 / √((4 · .1² + Σ (g − mean)² + Σ h²) / (4 + 3 + number of h)), g the last four steps,
    h those before them: Student's statistic with a prior for its variance (an inverse gamma distribution, the usual
    conjugate one).

    Parameters
    ----------
    weeks : float64 [series, weeks]; NaN: unknown.

    Returns
    -------
    float64 [series]; -inf where one of the last five weeks is unknown.
    """
    with np.errstate(invalid="ignore"):
        steps = np.diff(np.log(weeks + SMALL_WEEK), axis=1)
    known = ~np.isnan(steps)
    steps = steps - _common(steps, known)
    last, before = steps[:, -STEPS:], np.where(known, steps, 0.0)[:, :-STEPS]
    mean = last.mean(axis=1)
    squares = (
        PRIOR_STEPS * STEP_PRIOR**2 + ((last - mean[:, None]) ** 2).sum(axis=1) + (before**2).sum(axis=1)
    )
    number = PRIOR_STEPS + STEPS - 1 + known[:, :-STEPS].sum(axis=1)
    z: Floats = mean * np.sqrt(STEPS) / np.sqrt(squares / number)
    return np.where(np.isnan(z), -np.inf, z)


def _common(steps: Floats, known: NDArray[np.bool_]) -> Floats:
    """Median step of each week over all series; 0 where too few are known."""
    common = np.zeros(steps.shape[1])
    for week in np.flatnonzero(known.sum(axis=0) >= LEAST_PEERS).tolist():
        common[week] = np.median(steps[known[:, week], week])
    return common
