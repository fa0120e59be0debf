"""The calibration table: a UTC day's histogram by bucket and clock, its largest statistics, whether it is whole."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Self

import numpy as np
import pyarrow as pa

from cjp_fraud.clock import date_of, day_of
from cjp_fraud.detection.lake_tables import CALIBRATION
from cjp_fraud.detection.scored_rows import ScoredRows
from cjp_fraud.detection.scoring import moment
from cjp_fraud.detection.series import utc_seconds
from cjp_fraud.detection.significance import Counts
from cjp_fraud.storage.lake import Lake, Where
from features.counting_clocks import CLOCKS, Clock
from features.local_grid import DAY
from models.calibration import BINS, histogram

_PLACE: Final = 0
"""Bucket in whose partition all of a day's rows are."""
LARGEST_KEPT: Final = 20
"""Largest statistics stored by series and interval, so that reviewed ones can be taken out of the pool later."""

Largest = tuple[tuple[float, datetime, str], ...]
"""Statistic, interval's start and series id; the largest statistic first, then by start and id."""


@dataclass(frozen=True, slots=True, eq=False)
class CalibratedDay:
    """What one bucket's rows of one UTC day, on one clock, give to the pool of later days.

    Attributes
    ----------
    begin, end : UTC seconds; the part of the day that is counted.
    counts : histogram of the final statistics.
    largest : the largest statistics.
    """

    begin: int
    end: int
    counts: Counts
    largest: Largest = ()

    @classmethod
    def of_rows(cls, rows: ScoredRows | None, begin: int, end: int) -> Self:
        """Count the rows of one bucket in [begin, end) of a UTC day."""
        if rows is None:
            return cls(begin, end, np.zeros(BINS, dtype=np.int64))
        return cls(begin, end, histogram(rows.statistic), _largest(rows))

    def whole(self, day: int) -> bool:
        """Whether all of the UTC ``day`` is counted."""
        return self.begin <= day * DAY and self.end >= (day + 1) * DAY

    def followed_by(self, later: CalibratedDay) -> CalibratedDay:
        """Both parts of the day together; ``later`` begins where this one ends."""
        largest = _in_order([*self.largest, *later.largest])
        return CalibratedDay(self.begin, later.end, self.counts + later.counts, largest)


Calibrations = dict[tuple[int, int, Clock], CalibratedDay]
"""By UTC day, bucket and clock."""


def read_calibrations(lake: Lake, first: int, end: int, *, largest: bool = False) -> Calibrations:
    """Stored calibrations of UTC days [first, end), with their largest statistics only where asked for."""
    names = ["day", "tenant_bucket", "clock", "histogram", "covered_from", "covered_to"]
    names += ["top_series", "top_starts", "top_statistics"] if largest else []
    rows = lake.read(CALIBRATION, days=(date_of(first), date_of(end)), columns=names)
    tops: list[Largest] = [()] * len(rows)
    if largest:
        lists = (rows[name].to_pylist() for name in ("top_statistics", "top_starts", "top_series"))
        tops = [tuple(zip(*of_row, strict=True)) for of_row in zip(*lists, strict=True)]
    counts = np.asarray(rows["histogram"].combine_chunks().flatten()).reshape(len(rows), BINS)
    begins, ends = utc_seconds(rows["covered_from"]), utc_seconds(rows["covered_to"])
    return {
        (day_of(day), int(bucket), Clock(clock)): CalibratedDay(begin, until, of_row, top)
        for day, bucket, clock, begin, until, of_row, top in zip(
            rows["day"].to_pylist(),
            rows["tenant_bucket"].to_pylist(),
            rows["clock"].to_pylist(),
            begins.tolist(),
            ends.tolist(),
            counts,
            tops,
            strict=True,
        )
    }


def write_calibrations(lake: Lake, made: Calibrations) -> None:
    """Replace the calibrations of the days and buckets that were made, in one commit.

    Those of a day's other buckets are written again: the caller holds the detection's lock.
    """
    if not made:
        return
    days = {day for day, *_ in made}
    stored = read_calibrations(lake, min(days), max(days) + 1, largest=True)
    whole = {key: part for key, part in stored.items() if key[0] in days} | made
    ordered = sorted(whole.items(), key=lambda item: (*item[0][:2], CLOCKS.index(item[0][2])))
    rows = [_row(*key, part) for key, part in ordered]
    touched = sorted((date_of(day), _PLACE) for day in days)
    lake.replace(
        CALIBRATION, pa.Table.from_pylist(rows, schema=CALIBRATION.schema), where=Where(partitions=touched)
    )


def _row(day: int, bucket: int, clock: Clock, part: CalibratedDay) -> dict[str, Any]:
    return {
        "histogram": part.counts.tolist(),
        "top_series": [series for _, _, series in part.largest],
        "top_starts": [start for _, start, _ in part.largest],
        "top_statistics": [statistic for statistic, _, _ in part.largest],
        "covered_from": moment(part.begin),
        "covered_to": moment(part.end),
        "tenant_bucket": bucket,
        "clock": clock,
        "day": date_of(day),
        "bucket": _PLACE,
    }


def _largest(rows: ScoredRows) -> Largest:
    chosen = np.flatnonzero(~np.isnan(rows.statistic))
    if len(chosen) > LARGEST_KEPT:
        least = np.partition(rows.statistic[chosen], -LARGEST_KEPT)[-LARGEST_KEPT]
        chosen = chosen[rows.statistic[chosen] >= least]
    ids = rows.table.ids
    return _in_order(
        [
            (float(rows.statistic[row]), moment(int(rows.start[row])), ids[rows.series[row]])
            for row in chosen.tolist()
        ]
    )


def _in_order(statistics: list[tuple[float, datetime, str]]) -> Largest:
    return tuple(sorted(statistics, key=lambda largest: (-largest[0], largest[1], largest[2]))[:LARGEST_KEPT])
