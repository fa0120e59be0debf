"""Rows of the longer clocks: spans that end with an hour, in the shape of scored intervals."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from cjp_fraud.detection.registry import FittedVersion
from cjp_fraud.detection.scored_rows import COLUMNS, Columns, ScoredRows, coarser, rows_of_columns
from cjp_fraud.detection.series import Arranged, Group
from features.counting_clocks import HOURLY_CLOCKS, SPAN_SECONDS, Clock
from features.hour_sums import HourSums, hour_sums
from features.local_grid import HOUR, local_days
from features.long_clocks import SCORERS
from features.regimes import Regime
from features.usual_sums import UsualSums

Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class SumBlock:
    """Hours of one local day of some series of a group, with the 23 hours before them.

    Attributes
    ----------
    interval_seconds : length of the series' intervals.
    series : int64 [series]; their codes.
    sums : contacts by hour.
    usual : what they are compared with, as of the day's midnight; the same series in the same order.
    """

    interval_seconds: int
    series: Ints
    sums: HourSums
    usual: UsualSums


def hours_of_local_day(zone: str, day: int, begin: int, end: int) -> tuple[int, int]:
    """The UTC hours of [begin, end) that begin on a local day: UTC seconds of the first, and of the end of the last."""
    hours = np.arange(begin, end, HOUR, dtype=np.int64)
    of_day = hours[local_days(zone, hours) == day]
    return (int(of_day[0]), int(of_day[-1]) + HOUR) if len(of_day) else (begin, begin)


def active_members(group: Group, begin: int, end: int) -> Ints:
    """Members of a group with a known row in [begin, end), UTC seconds."""
    low, high = np.searchsorted(group.starts, (begin, end)).tolist()
    return np.unique(group.member[low:high])


def sum_block(group: Group, members: Ints, usual: UsualSums, begin: int, end: int) -> SumBlock:
    """Add up the hours of [begin, end) of some members; ``usual`` is theirs, in the same order."""
    place = np.full(len(group.series), -1, dtype=np.int64)
    place[members] = np.arange(len(members))
    low, high = np.searchsorted(group.starts, (begin - CONTEXT_SECONDS, end)).tolist()
    part = slice(low, high)
    mine = place[group.member[part]] >= 0
    sums = hour_sums(
        group.zone,
        group.seconds,
        begin,
        end,
        place[group.member[part]][mine],
        group.starts[part][mine],
        group.counts[part][mine],
        len(members),
    )
    return SumBlock(group.seconds, group.series[members], sums, usual)


CONTEXT_SECONDS = 23 * HOUR
"""Rows before an hour that its 24 hours look at."""


def clock_rows(
    blocks: Iterable[SumBlock], arranged: Arranged, version: FittedVersion | None
) -> list[ScoredRows]:
    """Score the spans of one UTC day on the clocks of an hour and a day, by series and start; a part a clock."""
    held = list(blocks)
    return [_of_clock(clock, held, arranged, version) for clock in HOURLY_CLOCKS]


def _of_clock(
    clock: Clock, blocks: Sequence[SumBlock], arranged: Arranged, version: FittedVersion | None
) -> ScoredRows:
    parts = [_no_spans(), *(_flat(clock, block) for block in blocks)]
    columns = {name: np.concatenate([part[name] for part in parts]) for name in COLUMNS}
    order = np.lexsort((columns["start"], columns["series"]))
    columns = {name: values[order] for name, values in columns.items()}
    rows = replace(rows_of_columns(columns, arranged.table, version), clock=clock)
    longer = coarser(rows, arranged.table)
    return replace(rows, statistic=np.where(longer, np.nan, rows.statistic)) if longer.any() else rows


def _flat(clock: Clock, block: SumBlock) -> Columns:
    """The known spans of a block; a row's interval is the span's last."""
    scored = SCORERS[clock](block.sums, block.usual)
    known = ~np.isnan(scored.unbarred)
    row, column = np.nonzero(known)
    covered = scored.known[known] * HOUR
    nothing = np.full(len(row), np.nan)
    observed, usual = scored.observed[known], scored.usual[known]
    return dict.fromkeys(COLUMNS, nothing) | {
        "series": block.series[row],
        "start": block.sums.starts[block.sums.context :][column] + HOUR - block.interval_seconds,
        "observed": observed,
        "baseline": usual,
        "seconds_covered": np.where(covered < SPAN_SECONDS[clock], covered, np.nan),
        "span_seconds": np.full(len(row), SPAN_SECONDS[clock]),
        "span_observed": observed,
        "span_baseline": usual,
        "regime": np.full(len(row), int(Regime.SETTLED)),
        "unbarred": scored.unbarred[known],
        "provisional": np.ones(len(row)),
        "statistic": scored.statistic[known],
        "flagged": np.zeros(len(row), dtype=bool),
    }


def _no_spans() -> Columns:
    whole = np.empty(0, dtype=np.int64)
    return dict.fromkeys(COLUMNS, np.empty(0)) | {
        "series": whole,
        "start": whole,
        "span_seconds": whole,
        "regime": whole,
        "flagged": np.empty(0, dtype=bool),
    }
