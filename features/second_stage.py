"""Step 9: which rows the isolation forest sees, and what it sees of them. Its score is shown and decides nothing."""

from __future__ import annotations

from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

CANDIDATE_FROM: Final = 0.15
"""Rows with s above this are seen: 3 to 7 % of them."""


class SecondStage(Protocol):
    """Scores candidates between 0 and 1, .5 ordinary; a row's score depends on that row alone."""

    def anomaly(self, features: Floats) -> Floats:
        """Return float64 [rows] for float64 [rows, features]."""
        ...


def feature(z: Floats, usual: float) -> Floats:
    """log(.05 + max(z/G, 0)): upward only."""
    return np.log(0.05 + np.maximum(np.ascontiguousarray(z) / usual, 0.0))
