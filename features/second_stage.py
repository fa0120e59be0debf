"""Step 8: which rows the second stage sees, what it sees of them, and how far it moves them."""

from __future__ import annotations

from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

CANDIDATE_FROM: Final = 0.15
CENTRE: Final = 0.65
WEIGHT: Final = 2.0


class SecondStage(Protocol):
    """Scores candidates between 0 and 1, .5 ordinary; a row's score depends on that row alone."""

    def anomaly(self, features: Floats) -> Floats:
        """Return float64 [rows] for float64 [rows, features]."""
        ...


def feature(z: Floats, usual: float) -> Floats:
    """log(.05 + max(z/G, 0)): upward only."""
    return np.log(0.05 + np.maximum(np.ascontiguousarray(z) / usual, 0.0))


def factor(anomaly: Floats) -> Floats:
    """exp(2 (f − .65)), by which s′ is multiplied."""
    return np.exp(WEIGHT * (np.ascontiguousarray(anomaly) - CENTRE))
