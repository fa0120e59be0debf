"""Scored intervals as flat columns, one element a known interval."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from cjp_fraud.detection.series import SeriesTable
from features.local_grid import HOUR
from features.score_day import MeasuredDay, ScoredDay

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Block:
    """Measured intervals of some series within one UTC day; ``series`` int64 [series] are their codes."""

    day: int
    series: Ints
    measured: MeasuredDay


@dataclass(frozen=True, slots=True, eq=False)
class ScoredRows:
    """Known intervals of one UTC day, before calibration.

    Attributes
    ----------
    series : int64; code.
    start : int64; UTC seconds.
    observed, baseline : float64; contacts.
    regime : int64.
    statistic : float64; s″, NaN without a score.
    strength : float64; s.
    count_strength, peak_strength : float64; b′ of either kind, NaN where not known.
    against_hour, against_season : float64; A and S of the counts.
    peak_baseline : float64; usual busiest minute, NaN where not known.
    """

    series: Ints
    start: Ints
    observed: Floats
    baseline: Floats
    regime: Ints
    statistic: Floats
    strength: Floats
    count_strength: Floats
    peak_strength: Floats
    against_hour: Floats
    against_season: Floats
    peak_baseline: Floats

    def __len__(self) -> int:
        return len(self.series)

    def take(self, index: Ints | NDArray[np.bool_]) -> ScoredRows:
        """Rows ``index``."""
        return ScoredRows(**{name: getattr(self, name)[index] for name in ROW_FIELDS})


ROW_FIELDS: Final = tuple(field.name for field in fields(ScoredRows))


def flat(scored: ScoredDay, series: Ints) -> ScoredRows:
    """Known intervals of a scored day; ``series`` int64 [series] are the codes of its rows."""
    measured = scored.measured
    known = ~np.isnan(measured.observed)
    row, column = np.nonzero(known)
    nothing = np.full(len(row), np.nan)
    return ScoredRows(
        series=series[row],
        start=measured.starts[column],
        observed=measured.observed[known],
        baseline=measured.count.location[:, 1:][known],
        regime=measured.regime[known].astype(np.int64),
        statistic=scored.statistic[known],
        strength=scored.strength[known],
        count_strength=scored.count_strength[known],
        peak_strength=nothing if scored.peak_strength is None else scored.peak_strength[known],
        against_hour=measured.count.against_hour[:, 1:][known],
        against_season=measured.count.against_season[:, 1:][known],
        peak_baseline=nothing if measured.peak is None else measured.peak.location[:, 1:][known],
    )


def gathered(parts: Iterable[ScoredRows], table: SeriesTable) -> ScoredRows:
    """All rows of a UTC day by series and start; the coarser of two resolutions has no score."""
    pieces = list(parts)
    rows = ScoredRows(
        **{name: np.concatenate([getattr(part, name) for part in pieces]) for name in ROW_FIELDS}
    )
    rows = rows.take(np.lexsort((rows.start, rows.series)))
    coarser = _coarser(rows, table)
    return replace(rows, statistic=np.where(coarser, np.nan, rows.statistic)) if coarser.any() else rows


def _coarser(rows: ScoredRows, table: SeriesTable) -> NDArray[np.bool_]:
    """Rows of a line that has a finer row in the same UTC hour (no window is cut within an hour)."""
    doubled = np.bincount(table.lines) > 1
    line = table.lines[rows.series]
    result = np.zeros(len(rows), dtype=bool)
    suspect = np.flatnonzero(doubled[line])
    if len(suspect):
        _, cell = np.unique(
            np.stack([line[suspect], rows.start[suspect] // HOUR]), axis=1, return_inverse=True
        )
        seconds = table.seconds[rows.series[suspect]]
        finest = np.full(int(cell.max()) + 1, np.iinfo(np.int64).max)
        np.minimum.at(finest, cell, seconds)
        result[suspect] = seconds > finest[cell]
    return result
