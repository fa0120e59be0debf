"""Pooled constants: geometric means over series of the upper quantile of their daily maxima."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

LEAST_SERIES: Final = 10
LEAST_DAYS: Final = 7
UPPER: Final = 0.95


def pooled_upper(maxima: Floats, *, least_days: int = LEAST_DAYS) -> tuple[float, int]:
    """Geometric mean over series of the 95 % quantile of their daily maxima.

    Parameters
    ----------
    maxima : float64 [series, days]; NaN is no day. Series of which nothing was ever upward are left out.
    least_days : days that a series must have.

    Returns
    -------
    The mean (NaN without series) and how many series made it; exact whatever the order of the series.
    """
    usable = maxima[(~np.isnan(maxima)).sum(axis=1) >= least_days]
    if not len(usable):
        return float("nan"), 0
    return geometric_mean(np.nanquantile(usable, UPPER, axis=1))


def geometric_mean(values: Floats) -> tuple[float, int]:
    """Geometric mean of the positive values (NaN without any) and how many they are; whatever their order."""
    logs = np.sort(np.log(values[values > 0]), axis=None)
    return (float(np.exp(logs.mean())), len(logs)) if len(logs) else (float("nan"), 0)
