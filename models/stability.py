"""Population stability index: how far a distribution has moved from an earlier one."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

Counts = NDArray[np.int64]

GROUPS: Final = 10
LEAST_ROWS: Final = 1000
"""With fewer rows on a side, chance alone moves the index."""
EDGES: Final = np.linspace(-3.0, 10.0, 521)
"""Of the fine bins: of scores (−log10 p) and of logarithms of features alike; the first and last bin are open."""


def fine_counts(values: NDArray[np.float64]) -> Counts:
    """Count values in the fine bins; NaN in none. Counts of parts add up to those of the whole.

    Returns
    -------
    int64 [bins].
    """
    known = values[~np.isnan(values)]
    counts: Counts = np.bincount(np.searchsorted(EDGES, known, side="right"), minlength=len(EDGES) + 1)
    return counts


def stability_index(before: Counts, now: Counts) -> float:
    """Σ (q − p) ln(q / p) over ten groups of bins that were about equally full before (Siddiqi 2006, chapter 10).

    Under .1 is called stable, over .2 a shift that somebody should look at. Half a row is added to each group on both
    sides, so that an empty one does not make the index infinite.

    Parameters
    ----------
    before, now : int64 [bins]; counts in the same bins.

    Returns
    -------
    At least 0; NaN where a side has under 1,000 rows.
    """
    if min(int(before.sum()), int(now.sum())) < LEAST_ROWS:
        return float("nan")
    below = np.cumsum(before) - before
    group = np.minimum(below * GROUPS // int(before.sum()), GROUPS - 1)
    _, group = np.unique(group, return_inverse=True)
    shares = []
    for counts in (before, now):
        grouped = np.bincount(group, weights=counts) + 0.5
        shares.append(grouped / grouped.sum())
    p, q = shares
    return float(np.sum((q - p) * np.log(q / p)))
