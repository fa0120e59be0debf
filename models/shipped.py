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
_MINUTE: Final = (
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
_HOUR: Final = (
    0.904,
    0.849,
    0.816,
    0.789,
    0.773,
    0.763,
    0.747,
    0.716,
    0.663,
    0.591,
    0.512,
    0.417,
    0.309,
    0.207,
    0.105,
    0.0451,
    0.0139,
    0.00552,
    0.00245,
    0.0014,
    0.000438,
    0.0,
)
_DAY: Final = (
    0.444,
    0.437,
    0.433,
    0.429,
    0.423,
    0.415,
    0.404,
    0.39,
    0.37,
    0.348,
    0.316,
    0.281,
    0.224,
    0.149,
    0.0676,
    0.0296,
    0.0099,
    0.00333,
    0.00175,
    0.00105,
    0.000613,
    0.0,
)
_WEEK: Final = tuple(2e-4 * np.exp(-np.concatenate([[0.0], KNOTS]) / 0.5))
"""Of ordinary simulated series: two weeks in 10,000 above 0, and from there on an exponential tail of mean .5."""
SURVIVAL: Final = {"minute": _MINUTE, "hour": _HOUR, "day": _DAY, "week": _WEEK}
"""By clock; a share for s′ = 0 and one for each knot."""
ROWS: Final = 1_000_000


def shipped_calibration(clock: str = "minute") -> PooledCalibration:
    """Survival pooled over the first days of 34 series: ten real ones, ten dense and fourteen wild synthetic ones.

    Nine days for the minute clock, three weeks for the longer ones, which have no statistic in the first.

    Deliberately that of restless series: until its own pool is known a deployment is flagged late rather than often.
    ``benchmarks/shipped_calibration.py`` makes the table.
    """
    return _fitted(str(clock))


@lru_cache(maxsize=8)
def _fitted(clock: str) -> PooledCalibration:
    return PooledCalibration().fit(_counts(np.array(SURVIVAL[clock])))


def _counts(survival: Floats) -> NDArray[np.int64]:
    """Histogram of a pool whose log survival is linear between the knots in log s′."""
    knots = np.log(np.concatenate([[EDGES[1]], KNOTS]))
    above = np.exp(np.interp(np.log(EDGES[1:]), knots, np.log(np.maximum(survival, 1e-7))))
    at_edges = np.concatenate([[survival[0]], above[:-1], [0.0]])
    mass = np.empty(BINS)
    mass[0] = 1.0 - survival[0]
    mass[1:] = at_edges[:-1] - at_edges[1:]
    return np.rint(ROWS * mass).astype(np.int64)
