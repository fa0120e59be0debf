"""Regimes: how much of its own past a series has, and whether its busiest minute is known."""

from __future__ import annotations

from enum import IntEnum
from typing import Final

import numpy as np
from numpy.typing import NDArray

YOUNG_FROM_DAYS: Final = 2
SETTLED_FROM_DAYS: Final = 7


class Regime(IntEnum):
    """How much past a row's series has; cold rows have no score."""

    COLD = 0
    YOUNG = 1
    YOUNG_PEAK = 2
    SETTLED = 3
    SETTLED_PEAK = 4


def regime_of(folded_days: NDArray[np.int64], with_peak: NDArray[np.bool_]) -> NDArray[np.int8]:
    """Return the regime of each interval.

    Parameters
    ----------
    folded_days : int [series]; days of the series in its snapshot.
    with_peak : bool [series, intervals]; the interval's busiest minute was known and had a location.

    Returns
    -------
    int8 [series, intervals], values of :class:`Regime`.
    """
    own = np.select(
        [folded_days < YOUNG_FROM_DAYS, folded_days < SETTLED_FROM_DAYS],
        [int(Regime.COLD), int(Regime.YOUNG)],
        int(Regime.SETTLED),
    )[:, None]
    return (own + ((own > 0) & with_peak)).astype(np.int8)
