"""The shipped calibration, for a regime whose own pool is too small."""

from __future__ import annotations

from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from models.calibration import BINS, EDGES, PooledCalibration

Floats = NDArray[np.float64]

KNOTS: Final[Floats] = 10.0 ** np.arange(-3.0, 2.01, 0.25)
"""Values of s″ at which the shipped survival is given; before them stands its value at 0."""
WITHOUT_PEAK: Final = (
    0.359,
    0.357,
    0.356,
    0.355,
    0.354,
    0.353,
    0.35,
    0.344,
    0.329,
    0.303,
    0.262,
    0.212,
    0.13,
    0.0628,
    0.0253,
    0.0142,
    0.00811,
    0.00485,
    0.00193,
    0.000407,
    4.07e-05,
    4.07e-06,
)
WITH_PEAK: Final = (
    0.451,
    0.448,
    0.448,
    0.447,
    0.444,
    0.437,
    0.418,
    0.384,
    0.332,
    0.26,
    0.161,
    0.0815,
    0.0355,
    0.0167,
    0.0089,
    0.00589,
    0.00286,
    0.0012,
    0.000321,
    0.000175,
    1.75e-05,
    1.75e-06,
)
ROWS: Final = 1_000_000


@lru_cache(maxsize=2)
def shipped_calibration(*, with_peak: bool) -> PooledCalibration:
    """Survival under the shipped constants, pooled over 17 series: ten real ones and seven wild, or dense and
    wild.

    Deliberately that of restless series without a bar of their own: until its own pool is known a deployment
    is flagged late rather than often.
    ``benchmarks/shipped_calibration.py`` makes the tables.
    """
    return PooledCalibration().fit(_counts(np.array(WITH_PEAK if with_peak else WITHOUT_PEAK)))


def _counts(survival: Floats) -> NDArray[np.int64]:
    """Histogram of a pool whose log survival is linear between the knots in log s″."""
    knots = np.log(np.concatenate([[EDGES[1]], KNOTS]))
    above = np.exp(np.interp(np.log(EDGES[1:]), knots, np.log(np.maximum(survival, 1e-7))))
    at_edges = np.concatenate([[survival[0]], above[:-1], [0.0]])
    mass = np.empty(BINS)
    mass[0] = 1.0 - survival[0]
    mass[1:] = at_edges[:-1] - at_edges[1:]
    return np.rint(ROWS * mass).astype(np.int64)
