"""Step 8 by the hour: what a series' past says of u in each hour of its local day.

Noise of a busy day says nothing of the night, and a nightly job says nothing of the afternoon. All is made of the
largest u of each hour of past days.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from features.local_grid import HOURS
from features.location import by_slot
from features.quantiles import largest_of_known, quantile_of_known

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

NOISE_REACH: Final = 2
"""Hours either side whose noise an hour knows."""
JOB_REACH: Final = 1
"""The same of jobs that recur, which may be late or early."""
UPPER_QUARTER: Final = 0.75
"""Which quantile over the days: above the median, because weekends are two days in seven."""
NOISY_DAYS: Final = 0.8
"""The same of noise, which a bar must know of working days too."""
MIDDLE: Final = 0.5
LEAST_DAYS: Final = 3
LEAST_INTERVALS: Final = 6
"""Known intervals without which an hour has no maximum. The upper quartile of the largest of six is the 95 % quantile
of one; of fewer it would be less than H, and the bar would sink on a series that is as noisy all day long. So series of
15 minutes or an hour keep one bar all day."""
JOB_SHARE: Final = 0.5
"""An hour has a job where the median of its days' maxima is at least this share of M."""
MOST_JOB_HOURS: Final = 6
"""A series with more such hours has no job, but is like that all day long."""


def hour_of(slot: Ints, slots: int) -> Ints:
    """Hour of the wall clock of each slot, 0 to 23."""
    hours: Ints = slot * HOURS // slots
    return hours


def hour_maxima(values: Floats, slot: Ints, slots: int) -> Floats:
    """Largest value of each hour of one local day.

    Parameters
    ----------
    values : float64 [series, intervals]; NaN is unknown.
    slot : int64 [intervals]; slot of the wall clock.
    slots : number of slots of a day.

    Returns
    -------
    float64 [series, 24]; NaN where fewer than six intervals are known.
    """
    of_hour = by_slot(values, hour_of(slot, slots), HOURS)
    known = (~np.isnan(of_hour)).sum(axis=2)
    return np.where(known >= LEAST_INTERVALS, largest_of_known(of_hour), np.nan)


def noise_around(hours: Floats) -> Floats:
    """H of the hours around: 80 % quantile of the hourly maxima of two hours either side, over the days.

    Parameters
    ----------
    hours : float64 [series, days, 24]; largest u by hour, NaN for days that do not count.

    Returns
    -------
    float64 [series, 24]; NaN with fewer than three days.
    """
    return _quantile_by_hour(_neighbours(hours, NOISE_REACH), NOISY_DAYS)


def recurring(hours: Floats) -> Floats:
    """R: upper quartile over the days of the largest u within an hour either side; shapes as :func:`noise_around`."""
    return _quantile_by_hour(largest_of_known(_neighbours(hours, JOB_REACH))[..., None], UPPER_QUARTER)


def job_hours(hours: Floats, habit: Floats) -> NDArray[np.bool_]:
    """The hours at which a job recurs, if it is one of some hours and not the way of the whole day.

    Parameters
    ----------
    hours : float64 [series, days, 24]; as above.
    habit : float64 [series]; M, the median of the daily maxima.

    Returns
    -------
    bool [series, 24].
    """
    usual = _quantile_by_hour(largest_of_known(_neighbours(hours, JOB_REACH))[..., None], MIDDLE)
    with np.errstate(invalid="ignore"):
        of_job = (usual >= JOB_SHARE * habit[:, None]) & (habit > 0)[:, None]
    few: NDArray[np.bool_] = of_job & (of_job.sum(axis=1) <= MOST_JOB_HOURS)[:, None]
    return few


def maxima_outside(hours: Floats, of_job: NDArray[np.bool_]) -> Floats:
    """Each day's largest u in the hours without a job; float64 [series, days], NaN where none is known."""
    return largest_of_known(np.where(of_job[:, None, :], np.nan, hours))


def _neighbours(hours: Floats, reach: int) -> Floats:
    """Values of each hour and those around it on the circle of the day; float64 [series, days, 24, 2 reach + 1]."""
    return np.stack([np.roll(hours, step, axis=2) for step in range(-reach, reach + 1)], axis=3)


def _quantile_by_hour(values: Floats, share: float) -> Floats:
    """Quantile over the days and the last axis of [series, days, 24, n]; float64 [series, 24]."""
    series, days, _, n = values.shape
    rows = np.ascontiguousarray(values.transpose(0, 2, 1, 3)).reshape(series * HOURS, days * n)
    return quantile_of_known(rows, share, least=LEAST_DAYS * n).reshape(series, HOURS)
