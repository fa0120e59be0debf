"""What a source does to rows: some never come, some come late, and at times it fails for all of its tenants."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import numpy.typing as npt

from cjp_fraud.simulation.cloud import Cloud, Stream
from cjp_fraud.simulation.expected import Expected

Bools = npt.NDArray[np.bool_]
Hours = npt.NDArray[np.int16]

OUTAGES_A_WEEK = 0.1
"""Failures of a feed; half of them are made good later, the rows of the others are lost (ours)."""


def delivery_of(cloud: Cloud, expected: Expected) -> tuple[Bools, Hours]:
    """Return which intervals of a tenant are delivered at all, and how many hours late (0: on time).

    Intervals before a launch and after the end of a contract are not delivered: there is nothing.

    Returns
    -------
    bool[intervals], int16[intervals].
    """
    profile = expected.profile
    present = np.zeros(cloud.intervals, bool)
    present[expected.live[0] : expected.live[1]] = True
    late = np.zeros(cloud.intervals, np.int16)
    if not cloud.gaps:
        return present, late
    rng = cloud.random(Stream.GAPS, profile.index)
    for first in np.flatnonzero(rng.random(cloud.intervals) < profile.gap_rate).tolist():
        present[first : first + int(rng.geometric(0.3))] = False
    for first in np.flatnonzero(rng.random(cloud.intervals) < profile.late_rate).tolist():
        late[first : first + int(rng.integers(6, 289))] = rng.integers(2, 73)
    for first, end, hours in _outages(cloud, profile.feed):
        if hours:
            late[first:end] = hours
        else:
            present[first:end] = False
    return present, late


@lru_cache(maxsize=64)
def _outages(cloud: Cloud, feed: int) -> tuple[tuple[int, int, int], ...]:
    """Return the failures of a feed: first interval, end, and after how many hours the rows come (0: never)."""
    rng = cloud.random(Stream.FEED, feed)
    outages = []
    for _ in range(rng.poisson(OUTAGES_A_WEEK * cloud.weeks)):
        first, length = int(rng.integers(cloud.intervals)), int(rng.integers(6, 97))
        made_good = rng.random() < 0.5
        outages.append((first, first + length, int(rng.integers(2, 49)) if made_good else 0))
    return tuple(outages)
