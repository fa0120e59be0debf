"""Step 2: the level of the preceding hour, taken off the residual."""

from __future__ import annotations

import bottleneck as bn
import numpy as np
from numpy.typing import NDArray

from features.local_grid import HOUR, LONGEST_LEVELLED


def level_of_hour(residual: NDArray[np.float64], interval_seconds: int) -> NDArray[np.float64]:
    """Median residual of the hour before each interval, itself left out.

    Parameters
    ----------
    residual : float64 [series, intervals]; NaN is unknown.
    interval_seconds : length of an interval.

    Returns
    -------
    float64 [series, intervals]. 0 where fewer than half of that hour's intervals are known, where the hour
    begins before the array, and for intervals over 15 minutes. A median has no running sum, so a cut of the
    window changes no bit.
    """
    level = np.zeros_like(residual)
    if interval_seconds > LONGEST_LEVELLED:
        return level
    window = HOUR // interval_seconds
    if residual.shape[1] <= window:
        return level
    moving = bn.move_median(np.ascontiguousarray(residual), window, min_count=(window + 1) // 2, axis=1)
    before = moving[:, window - 1 : -1]
    level[:, window:] = np.where(np.isnan(before), 0.0, before)
    return level
