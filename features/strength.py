"""Steps 4 to 6: unusual against season and last hour, the swing after a spike, count and peak."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

SWING_FROM: Final = 0.3
COUNT_SHARE: Final = 0.3
PEAK_SHARE: Final = 0.7


def both(against_hour: Floats, against_season: Floats, usual_hour: float, usual_season: float) -> Floats:
    """b = √(max(A/G_A, 0) · max(S/G_S, 0)); float64, NaN stays NaN."""
    hour, season = np.maximum(against_hour / usual_hour, 0.0), np.maximum(against_season / usual_season, 0.0)
    b: Floats = np.sqrt(hour * season)
    return b


def swung(b: Floats, against_hour: Floats, usual_hour: float) -> Floats:
    """Add the swing: a spike followed at once by a dip is a stronger sign.

    b′_t = max(b_t, b_{t−1} + .5 min(max(−A_t/G_A, 0), b_{t−1})) where b_{t−1} > .3; b_{t−1} is the unswung
    value, so nothing runs on.

    Parameters
    ----------
    b, against_hour : float64 [series, 1 + intervals]; the first column is the interval before.
    usual_hour : G_A.

    Returns
    -------
    float64 [series, intervals].
    """
    now, before = b[:, 1:], b[:, :-1]
    dip = np.maximum(-against_hour[:, 1:] / usual_hour, 0.0)
    with np.errstate(invalid="ignore"):
        swing = before + 0.5 * np.minimum(dip, before)
        return np.where(before > SWING_FROM, np.maximum(now, swing), now)


def together(count: Floats, peak: Floats | None) -> Floats:
    """s = .3 b′(count) + .7 b′(peak); b′(count) alone where no peak is known; float64, shape of ``count``."""
    if peak is None:
        return count
    return np.where(np.isnan(peak), count, COUNT_SHARE * count + PEAK_SHARE * peak)
