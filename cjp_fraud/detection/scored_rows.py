"""Scored intervals, one element each: from the arrays of a scored day to rows by series and start."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from cjp_fraud.detection.lake_tables import BAR_BY_HOUR
from cjp_fraud.detection.series import Arranged, SeriesTable
from features.counting_clocks import Clock
from features.fifteen import FIFTEEN_MINUTES
from features.local_grid import HOUR
from features.score_day import Measured, ScoredDay
from models.calibration import p_of, score_of

if TYPE_CHECKING:
    from cjp_fraud.detection.registry import FittedVersion

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Columns = dict[str, NDArray[np.generic]]
"""Columns of scored rows by name, all of one length."""


@dataclass(frozen=True, slots=True, eq=False)
class ScoredRows:
    """Intervals of some series, or spans that end with them on a longer clock, one element each.

    On a longer clock ``observed`` and ``baseline`` are of the span's known intervals, ``seconds_covered`` says how much
    these are, and what only the minute clock knows is NaN.

    Attributes
    ----------
    table : the series that the codes mean.
    series : int64; code.
    start : int64; UTC seconds.
    observed, baseline : float64; contacts. ``observed`` is NaN in a gap, where only the baseline may be known.
    level : float64; contacts per interval above the usual in the hour before.
    seconds_covered : float64; NaN where the interval is wholly covered; else ``observed`` was brought to the whole.
    span_seconds : int64; 900 where the 15 minutes decided, else the interval's length.
    span_observed, span_baseline : float64; contacts seen and usual in that span, which ends with the interval.
    regime : int64; 0 in a gap.
    against_hour, against_season, count_strength : float64; A, S and b′ of the counts.
    peak, peak_baseline : float64; contacts in the busiest minute, and usually; NaN where not known.
    peak_against_hour, peak_against_season, peak_strength : float64; A, S and b′ of the busiest minutes.
    fifteen, fifteen_baseline : float64; mean contacts an interval over the 15 minutes, and usually.
    fifteen_against_hour, fifteen_against_season, fifteen_strength : float64; A, S and b₁₅ of them.
    strength, unbarred : float64; s and u.
    rare, habit, noise, recurring : float64; Q, M, H and R of the series' own bar at this hour of its day.
    provisional : float64; the bar before these are known.
    statistic : float64; s′, NaN without a score.
    anomaly : float64; f, NaN where no forest sees the row.
    where, cost, growth, moved : float64; on the weekly clock w, c and g, and what moved (``weekly_rows``).
    log_p : float64; natural log of p, NaN without a score and before the rows are calibrated.
    log_q : float64; natural log of the q-value, NaN without a score and before the hours are closed.
    flagged : bool; False before the hours are closed.
    version : what they are scored with; None for intervals in gaps.
    clock : over what the rows are judged; all of them alike.
    """

    table: SeriesTable
    series: Ints
    start: Ints
    observed: Floats
    baseline: Floats
    level: Floats
    seconds_covered: Floats
    span_seconds: Ints
    span_observed: Floats
    span_baseline: Floats
    regime: Ints
    against_hour: Floats
    against_season: Floats
    count_strength: Floats
    peak: Floats
    peak_baseline: Floats
    peak_against_hour: Floats
    peak_against_season: Floats
    peak_strength: Floats
    fifteen: Floats
    fifteen_baseline: Floats
    fifteen_against_hour: Floats
    fifteen_against_season: Floats
    fifteen_strength: Floats
    strength: Floats
    unbarred: Floats
    rare: Floats
    habit: Floats
    noise: Floats
    recurring: Floats
    provisional: Floats
    statistic: Floats
    anomaly: Floats
    where: Floats
    cost: Floats
    growth: Floats
    moved: Floats
    log_p: Floats
    log_q: Floats
    flagged: NDArray[np.bool_]
    version: FittedVersion | None = None
    clock: Clock = Clock.MINUTE

    def __len__(self) -> int:
        return len(self.series)

    @property
    def score(self) -> Floats:
        """−log10 p; NaN without a score."""
        return score_of(self.log_p)

    @property
    def p_value(self) -> Floats:
        """p itself, never 0; NaN without a score."""
        return p_of(self.log_p)

    @property
    def q_value(self) -> Floats:
        """q itself, never 0; NaN without one."""
        return p_of(self.log_q)

    @property
    def excess(self) -> Floats:
        """Contacts above the usual in the span that decided."""
        return self.span_observed - self.span_baseline

    def take(self, index: Ints | NDArray[np.bool_]) -> ScoredRows:
        """Rows ``index``."""
        return replace(self, **{name: getattr(self, name)[index] for name in COLUMNS})


_OF_ALL: Final = ("table", "version", "clock")
COLUMNS: Final = tuple(field.name for field in fields(ScoredRows) if field.name not in _OF_ALL)
WHOLE_NUMBERS: Final = ("series", "start", "span_seconds", "regime")
OF_THE_WEEK: Final = ("where", "cost", "growth", "moved")
_NO_ROWS: Final[Columns] = {
    **dict.fromkeys(COLUMNS, np.empty(0)),
    **dict.fromkeys(WHOLE_NUMBERS, np.empty(0, np.int64)),
    "flagged": np.empty(0, np.bool_),
}


def flat(scored: ScoredDay, series: Ints, interval_seconds: int) -> Columns:
    """Known intervals of a scored day; ``series`` int64 [series] are the codes of its rows."""
    measured = scored.measured
    known = ~np.isnan(measured.observed)
    row, column = np.nonzero(known)
    nothing = np.full(len(row), np.nan)

    def of(values: Floats | None) -> Floats:
        return nothing if values is None else values[known]

    def of_kind(prefix: str, kind: Measured | None, strength: Floats | None) -> Columns:
        return {
            f"{prefix}against_hour": of(None if kind is None else kind.against_hour[:, 1:]),
            f"{prefix}against_season": of(None if kind is None else kind.against_season[:, 1:]),
            f"{prefix or 'count_'}strength": of(strength),
        }

    def usual(kind: Measured | None) -> Floats:
        return of(None if kind is None else kind.location[:, 1:])

    observed, baseline, decides = of(measured.observed), usual(measured.count), scored.by_fifteen[known]
    return {
        "series": series[row],
        "start": measured.starts[column],
        "observed": observed,
        "baseline": baseline,
        "level": of(measured.count.residual[:, 1:] - measured.count.error[:, 1:]),
        "seconds_covered": nothing,
        "span_seconds": np.where(decides, FIFTEEN_MINUTES, interval_seconds),
        "span_observed": np.where(decides, of(measured.sum_of_three), observed),
        "span_baseline": np.where(decides, of(measured.usual_of_three), baseline),
        "regime": measured.regime[known].astype(np.int64),
        **of_kind("", measured.count, scored.count_strength),
        "peak": of(measured.observed_peak),
        "peak_baseline": usual(measured.peak),
        **of_kind("peak_", measured.peak, scored.peak_strength),
        "fifteen": of(measured.observed_fifteen),
        "fifteen_baseline": usual(measured.fifteen),
        **of_kind("fifteen_", measured.fifteen, scored.fifteen_strength),
        "strength": of(scored.strength),
        "unbarred": of(scored.unbarred),
        **{name: getattr(measured.own, name)[row, measured.hour[column]] for name in BAR_BY_HOUR},
        "provisional": measured.own.provisional[row],
        "statistic": of(scored.statistic),
        "anomaly": of(scored.anomaly),
        **dict.fromkeys(OF_THE_WEEK, nothing),
        "log_p": nothing,
        "log_q": nothing,
        "flagged": np.zeros(len(row), dtype=bool),
    }


def gathered(
    parts: Iterable[Columns], arranged: Arranged, version: FittedVersion | None = None
) -> ScoredRows:
    """All known rows of a UTC day by series and start; of two interval lengths of a line the longer has no score."""
    pieces = [_NO_ROWS, *parts]
    columns = {name: np.concatenate([part[name] for part in pieces]) for name in COLUMNS}
    order = np.lexsort((columns["start"], columns["series"]))
    columns = {name: values[order] for name, values in columns.items()}
    columns["seconds_covered"] = arranged.partly.seconds_of(columns["series"], columns["start"])
    rows = rows_of_columns(columns, arranged.table, version)
    longer = coarser(rows, arranged.table)
    return replace(rows, statistic=np.where(longer, np.nan, rows.statistic)) if longer.any() else rows


def rows_of_columns(columns: Columns, table: SeriesTable, version: FittedVersion | None) -> ScoredRows:
    return ScoredRows(table=table, version=version, **columns)  # type: ignore[arg-type]  # of the types above


def coarser(rows: ScoredRows, table: SeriesTable) -> NDArray[np.bool_]:
    """Mask of the rows whose line has a row of a shorter interval in the same UTC hour.

    By whole hours, because a window is made of whole hours: so the result does not depend on the window.
    """
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
