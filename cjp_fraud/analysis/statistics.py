"""Intervals of shares, and how often scores were reached."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import binomtest

_LEAST_REACHED: Final = 10
"""Intervals that must have reached a score before a share of them is shown."""


def wilson(successes: int, trials: int) -> tuple[float, float]:
    """Return the 95 % interval of a share (Wilson 1927); nothing tried: (NaN, NaN)."""
    if trials == 0:
        return float("nan"), float("nan")
    interval = binomtest(successes, trials).proportion_ci(confidence_level=0.95, method="wilson")
    return float(interval.low), float(interval.high)


def calibration_points(scores: NDArray[np.float64], asked: Sequence[float] | None = None) -> pd.DataFrame:
    """Return, for each score asked for, the share of intervals that reached it beside the share promised.

    Intervals of a series follow on each other, so that the 95 % intervals are narrower than they should be.

    Parameters
    ----------
    scores : −log10 p of all scored intervals; NaN: no score.
    asked : None: every half from .5 to the largest score that ten intervals reached.
    """
    known = np.sort(scores[~np.isnan(scores)])
    if asked is None:
        largest = float(known[-_LEAST_REACHED]) if len(known) >= _LEAST_REACHED else 0.0
        asked = np.arange(0.5, largest + 1e-9, 0.5).tolist()
    reached = len(known) - np.searchsorted(known, np.asarray(asked, dtype=np.float64))
    ends = [wilson(int(count), len(known)) for count in reached]
    return pd.DataFrame(
        {
            "score": asked,
            "promised": 10.0 ** -np.asarray(asked, dtype=np.float64),
            "seen": reached / max(len(known), 1),
            "low": [low for low, _ in ends],
            "high": [high for _, high in ends],
            "intervals": reached,
        }
    )
