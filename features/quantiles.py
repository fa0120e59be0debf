"""Quantiles and largest values where some values are not known."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


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


def largest_of_known(values: Floats, *, axis: int = -1) -> Floats:
    """Largest known value along an axis of float64 values of any shape; NaN where none is known."""
    largest: Floats = np.fmax.reduce(values, axis=axis, initial=np.nan)
    return largest
