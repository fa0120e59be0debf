"""Step 11: intervals of which only a part was covered count in proportion."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class PartlyCovered:
    """Known intervals that are only partly covered, by series and start.

    Attributes
    ----------
    series, start : int64 [n]; code and UTC seconds.
    seconds : float64 [n]; how much of the interval was covered.
    """

    series: Ints
    start: Ints
    seconds: Floats

    def seconds_of(self, series: Ints, start: Ints) -> Floats:
        """Seconds covered of each of some rows (int64 [rows] each); NaN where the row is wholly covered."""
        result = np.full(len(series), np.nan)
        if len(self.series) and len(series):
            low = int(min(self.start.min(), start.min()))
            width = int(max(self.start.max(), start.max())) - low + 1
            known, asked = (
                code * width + (at - low) for code, at in ((self.series, self.start), (series, start))
            )
            place = np.minimum(np.searchsorted(known, asked), len(known) - 1)
            is_partial = known[place] == asked
            result[is_partial] = self.seconds[place[is_partial]]
        return result


def is_known(covered: Floats, seconds: Ints | Floats) -> NDArray[np.bool_]:
    """Whether intervals are covered by half or more; seconds covered, and lengths."""
    known: NDArray[np.bool_] = 2 * covered >= seconds
    return known


def in_proportion(
    counts: Floats,
    covered: Floats | None,
    seconds: Ints,
    code: Ints,
    starts: Ints,
    open_from: int | None,
) -> tuple[Floats, PartlyCovered]:
    """Bring counts to whole intervals: x · interval / covered.

    Parameters
    ----------
    counts, covered : float64 [rows]; contacts, and seconds covered (NaN: none); None: all rows are wholly covered.
    seconds, code, starts : int64 [rows]; length, series and start (UTC seconds) of each interval.
    open_from : UTC seconds; intervals from here on are still open. None: all are closed.

    Returns
    -------
    float64 [rows], NaN where under half was covered or an open interval not wholly; and the rows that were brought up.
    """
    if covered is None:
        covered = seconds.astype(np.float64)
    covered = np.nan_to_num(covered)
    partly = is_known(covered, seconds) & (covered < seconds) & ~np.isnan(counts)
    unknown = ~is_known(covered, seconds)
    if open_from is not None:
        unknown |= partly & (starts >= open_from)
        partly &= ~unknown
    counts = np.where(unknown, np.nan, counts)
    counts[partly] = counts[partly] * seconds[partly] / covered[partly]
    rows = np.flatnonzero(partly)
    rows = rows[np.lexsort((starts[rows], code[rows]))]
    return counts, PartlyCovered(code[rows], starts[rows], covered[rows])
