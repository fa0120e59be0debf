"""Steps 4 to 7: unusual against season and last hour, the swing after a spike, count and peak, 15 minutes."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from features.constants import FIFTEEN_SHARE, USUAL_FIFTEEN, USUAL_STRENGTH

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


def beside_fifteen(strength: Floats, fifteen: Floats | None) -> Floats:
    """u = max(s / .9, .8 · b₁₅ / .843); s / .9 where the 15 minutes are not known; float64, shape of ``strength``."""
    alone = strength / USUAL_STRENGTH
    return (
        alone
        if fifteen is None
        else np.where(fifteen_decides(strength, fifteen), fifteen_part(fifteen), alone)
    )


def fifteen_part(fifteen: Floats) -> Floats:
    """.8 · b₁₅ / .843."""
    return FIFTEEN_SHARE * fifteen / USUAL_FIFTEEN


def fifteen_decides(strength: Floats, fifteen: Floats) -> NDArray[np.bool_]:
    """Whether u is that of the 15 minutes; False where either is unknown."""
    with np.errstate(invalid="ignore"):
        return fifteen_part(fifteen) > strength / USUAL_STRENGTH
