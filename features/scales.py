"""Step 3: how far from usual is far, against the last hour (A) and against the season (S)."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

NORMAL_MAD: Final = 1.4826
"""Standard deviations in a median absolute deviation, for a normal distribution."""
FULL_DAYS: Final = 7
"""Days after which a scale is wholly a series' own."""
SMALLEST_FLOOR: Final = 0.1
"""Least floor, contacts: without it the first contact after a week of nothing is infinitely unusual."""


def day_floor(n: Floats, total: Floats, squares: Floats, deviation: Floats) -> tuple[Floats, Floats]:
    """Floor F = √(MAE₇ · SD₇) and SD₇.

    Parameters
    ----------
    n, total, squares, deviation : float64 [series, days]; a day's known intervals, Σx, Σx² and mean |x − the
        day's median|; NaN for no day.

    Returns
    -------
    F, SD₇ : float64 [series], contacts per interval (per minute for peaks); 0 where nothing is known.
    """
    weights = np.nan_to_num(n)
    known = np.maximum(weights.sum(axis=1), 1.0)
    mean = np.nan_to_num(total).sum(axis=1) / known
    variance = np.maximum(np.nan_to_num(squares).sum(axis=1) / known - mean * mean, 0.0)
    error = (weights * np.nan_to_num(deviation)).sum(axis=1) / known
    spread = np.sqrt(variance)
    return np.sqrt(error * spread), spread


def smallest_change(largest: Floats) -> Floats:
    """ε = .002 × the maximum of the 7 days, and never under the least floor; float64 [series]."""
    most: Floats = np.nan_to_num(largest).max(axis=1, initial=0.0)
    return np.maximum(0.002 * most, SMALLEST_FLOOR)


def hours_around(n: Floats, total: Floats, squares: Floats, reach: int) -> Floats:
    """L = √(mean |r| · rms r) within ``reach`` slots either side, over the days (the floor of the nights).

    Parameters
    ----------
    n, total, squares : float64 [series, days, slots]; known residuals, Σ min(|r|, 4F) and Σ of its square.
    reach : slots that make two hours.

    Returns
    -------
    float64 [series, slots]; NaN where no residual is known.
    """
    count, first, second = (_around(np.nan_to_num(part).sum(axis=1), reach) for part in (n, total, squares))
    known = np.maximum(count, 1.0)
    near = np.sqrt(first / known * np.sqrt(second / known))
    return np.where(count > 0, near, np.nan)


def shrunk(own: Floats, days: NDArray[np.int64], prior: Floats) -> Floats:
    """A scale with n days of its own: (n · own + (7 − n)⁺ · prior) / max(n, 7); the prior where own is
    unknown.

    Parameters
    ----------
    own, prior : float64 [series, intervals].
    days : int [series].
    """
    n = days[:, None]
    mixed = (n * own + np.maximum(FULL_DAYS - n, 0) * prior) / np.maximum(n, FULL_DAYS)
    return np.where(np.isnan(own) | (n == 0), prior, mixed)


def prior_scale(location: Floats, floor: Floats) -> Floats:
    """What a series without a past of its own is compared with: max(√|m|, .3 F)."""
    return np.maximum(np.sqrt(np.abs(location)), 0.3 * floor)


def scale_of_hour(spread: Floats, location: Floats, floor: Floats, near: Floats, smallest: Floats) -> Floats:
    """Denominator of A: hypot(spread + .01 |m|, min(.3 F, L + .05 F) + ε)."""
    return np.hypot(
        spread + 0.01 * np.abs(location),
        np.minimum(0.3 * floor, near + 0.05 * floor) + smallest,
    )


def scale_of_season(
    spread: Floats, location: Floats, floor: Floats, near: Floats, smallest: Floats
) -> Floats:
    """Denominator of S: hypot(spread + .02 |m|, min(F, 2 L + .1 F) + ε)."""
    return np.hypot(
        spread + 0.02 * np.abs(location),
        np.minimum(floor, 2 * near + 0.1 * floor) + smallest,
    )


def spread_of_hour(error: Floats, slot_error: Floats) -> Floats:
    """1.4826 · max(.5 q + .5 q_s, .25 q): q the 7-day median of |e|, q_s the same of the slot."""
    return NORMAL_MAD * np.maximum(0.5 * error + 0.5 * slot_error, 0.25 * error)


def _around(values: Floats, reach: int) -> Floats:
    slots = values.shape[1]
    reach = min(reach, (slots - 1) // 2)
    # The day once around, so that each step is a view of it.
    around = np.concatenate([values[:, slots - reach :], values, values[:, :reach]], axis=1)
    total = values.copy()
    for step in range(1, reach + 1):
        total += around[:, reach - step : reach - step + slots]
        total += around[:, reach + step : reach + step + slots]
    return total
