"""Drift: how far features and scores of a window's last week have moved from the three weeks before it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np
from numpy.typing import NDArray

from features.columns import COUNT_FEATURES, PEAK_FEATURES, SCORE
from models.stability import EDGES, fine_counts, stability_index

NOTEWORTHY: Final = 0.2
"""Index from which somebody should look."""
METRIC: Final = "stability."
"""What the names of these metrics of a version begin with."""
WEEK: Final = 7


class Distributions:
    """Counts by UTC day of scores and of the forest's features; they may be added in pieces of any size."""

    def __init__(self) -> None:
        self._counts: dict[tuple[str, int], NDArray[np.int64]] = {}

    def add_scores(self, day: int, scores: NDArray[np.float64]) -> None:
        """Add rows of a day: float64 [rows]; NaN where there is no score."""
        self._add(SCORE, day, scores)

    def add_features(self, day: int, features: NDArray[np.float64]) -> None:
        """Add candidates of a day: float64 [rows, 3 or 6]."""
        for name, values in zip((*COUNT_FEATURES, *PEAK_FEATURES), features.T, strict=False):
            self._add(name, day, values)

    def indices(self, monday: int) -> dict[str, float]:
        """Population stability index of each, as metrics: the week before ``monday`` against the days before it.

        Those with too few rows on a side are left out.
        """
        indices = {}
        for name in (SCORE, *COUNT_FEATURES, *PEAK_FEATURES):
            before = np.zeros(len(EDGES) + 1, dtype=np.int64)
            now = before.copy()
            for (of, day), counts in self._counts.items():
                if of == name and day < monday:
                    (now if day >= monday - WEEK else before)[:] += counts
            index = stability_index(before, now)
            if not np.isnan(index):
                indices[f"{METRIC}{name}"] = index
        return indices

    def _add(self, name: str, day: int, values: NDArray[np.float64]) -> None:
        counts = fine_counts(values)
        held = self._counts.get((name, day))
        self._counts[name, day] = counts if held is None else held + counts


def drift_of(metrics: Mapping[str, float]) -> dict[str, float]:
    """The indices among a version's metrics, by the name of the score or feature."""
    return {name.removeprefix(METRIC): value for name, value in metrics.items() if name.startswith(METRIC)}


def warnings_of(drift: Mapping[str, float]) -> tuple[str, ...]:
    """A sentence for each that has moved so far that somebody should look."""
    return tuple(
        f"{name} has shifted: stability index {value:.2f}, over {NOTEWORTHY}; look at what changed in the last week "
        "(new tenants, a source that counts differently, an attack)"
        for name, value in drift.items()
        if value > NOTEWORTHY
    )
