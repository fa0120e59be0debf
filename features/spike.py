"""Step 12: the least excess, absolute and relative, of a flag (a filter after p, never in it)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class SpikeMinimum:
    """Least excess of a flag.

    Attributes
    ----------
    contacts : contacts.
    ratio : multiples of the baseline.
    """

    contacts: float = 5.0
    ratio: float = 0.1


def is_spike(excess: Floats, baseline: Floats, contacts: Floats, ratio: Floats) -> NDArray[np.bool_]:
    """Whether each excess is upward and at least the minimum; unknown is no spike.

    Parameters
    ----------
    excess, baseline : float64 [rows]; contacts, over the interval or over its 15 minutes.
    contacts, ratio : float64 [rows]; the minimum of the row's channel.
    """
    with np.errstate(invalid="ignore"):
        return (excess > 0) & (excess >= contacts) & (excess >= ratio * baseline)
