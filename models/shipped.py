"""Step 10: the shipped calibration, for days whose own pool is too small."""

from __future__ import annotations

from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from models.calibration import BINS, EDGES, PooledCalibration

Floats = NDArray[np.float64]

KNOTS: Final[Floats] = 10.0 ** np.arange(-3.0, 2.01, 0.25)
"""Values of s′ at which the shipped survival is given; before them stands its value at 0."""
SURVIVAL: Final = (
    0.464,
    0.459,
    0.457,
    0.455,
    0.449,
    0.438,
    0.416,
    0.379,
    0.32,
    0.238,
    0.146,
    0.08,
    0.038,
    0.0171,
    0.00719,
    0.00412,
    0.00202,
    0.000959,
    0.000382,
    0.000139,
    0.0,
    0.0,
)
ROWS: Final = 1_000_000


@lru_cache(maxsize=1)
def shipped_calibration() -> PooledCalibration:
    """Survival pooled over the first nine days of 34 series: ten real ones, ten dense and fourteen wild synthetic ones.

    Deliberately that of restless series: until its own pool is known a deployment is flagged late rather than often.
    ``benchmarks/shipped_calibration.py`` makes the table.
    """
    return PooledCalibration().fit(_counts(np.array(SURVIVAL)))


def _counts(survival: Floats) -> NDArray[np.int64]:
    """Histogram of a pool whose log survival is linear between the knots in log s′."""
    knots = np.log(np.concatenate([[EDGES[1]], KNOTS]))
    above = np.exp(np.interp(np.log(EDGES[1:]), knots, np.log(np.maximum(survival, 1e-7))))
    at_edges = np.concatenate([[survival[0]], above[:-1], [0.0]])
    mass = np.empty(BINS)
    mass[0] = 1.0 - survival[0]
    mass[1:] = at_edges[:-1] - at_edges[1:]
    return np.rint(ROWS * mass).astype(np.int64)
