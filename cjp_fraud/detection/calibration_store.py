"""The calibration table: each UTC day's histograms by bucket, its largest statistics, and whether it is whole."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, Self

import numpy as np
import pyarrow as pa

from cjp_fraud.clock import date_of, day_of
from cjp_fraud.detection.lake_tables import CALIBRATION
from cjp_fraud.detection.scoring import ScoredRows, moment
from cjp_fraud.detection.significance import Histograms, histograms, summed
from cjp_fraud.storage.lake import Lake, Where
from features.local_grid import DAY
from features.regimes import Regime

LARGEST_KEPT: Final = 20
"""Largest statistics stored by series and interval, so that reviewed ones can be taken out of the pool later."""

Largest = tuple[tuple[float, datetime, str], ...]
"""Statistic, interval's start and series id; the largest statistic first, then by start and id."""


@dataclass(frozen=True, slots=True, eq=False)
class CalibratedDay:
    """What one bucket's rows of one UTC day give to the pool of later days.

    Attributes
    ----------
    begin, end : UTC seconds; the part of the day that is counted.
    histograms : of the final statistics, by regime.
    largest : the largest statistics of each regime.
    version_id : of the model version that scored them.
    """

    begin: int
    end: int
    histograms: Histograms = field(default_factory=dict)
    largest: Mapping[Regime, Largest] = field(default_factory=dict)
    version_id: str | None = None

    @classmethod
    def of_rows(cls, rows: ScoredRows | None, begin: int, end: int, version_id: str | None) -> Self:
        """Count the rows of one bucket in [begin, end) of a UTC day."""
        if rows is None:
            return cls(begin, end, version_id=version_id)
        counted = histograms(rows)
        return cls(begin, end, counted, {regime: _largest(rows, regime) for regime in counted}, version_id)

    def whole(self, day: int) -> bool:
        """Whether all of the UTC ``day`` is counted."""
        return self.begin <= day * DAY and self.end >= (day + 1) * DAY

    def followed_by(self, later: CalibratedDay) -> CalibratedDay:
        """Both parts of the day together; ``later`` begins where this one ends."""
        regimes = self.histograms.keys() | later.histograms.keys()
        return CalibratedDay(
            self.begin,
            later.end,
            summed([self.histograms, later.histograms]),
            {
                regime: _in_order([*self.largest.get(regime, ()), *later.largest.get(regime, ())])
                for regime in sorted(regimes)
            },
            later.version_id,
        )


Calibrations = dict[tuple[int, int], CalibratedDay]
"""By UTC day and bucket."""


def read_calibrations(lake: Lake, first: int, end: int, *, largest: bool = False) -> Calibrations:
    """Stored calibrations of UTC days [first, end), with their largest statistics only where asked for."""
    names = ["day", "bucket", "regime", "histogram", "covered_from", "covered_to", "model_version"]
    names += ["top_series", "top_starts", "top_statistics"] if largest else []
    days: Calibrations = {}
    for row in lake.read(CALIBRATION, days=(date_of(first), date_of(end)), columns=names).to_pylist():
        key = (day_of(row["day"]), int(row["bucket"]))
        begin, until = (int(row[name].timestamp()) for name in ("covered_from", "covered_to"))
        day = days.setdefault(key, CalibratedDay(begin, until, {}, {}, row["model_version"]))
        regime = Regime(row["regime"])
        if regime != Regime.COLD:
            day.histograms[regime] = np.array(row["histogram"], dtype=np.int64)
            if largest:
                tops = zip(row["top_statistics"], row["top_starts"], row["top_series"], strict=True)
                days[key] = CalibratedDay(
                    begin, until, day.histograms, {**day.largest, regime: tuple(tops)}, day.version_id
                )
    return days


def write_calibrations(lake: Lake, made: Calibrations) -> None:
    """Replace the calibrations of the days and buckets that were made, in one commit."""
    if made:
        rows = [row for (day, bucket), part in made.items() for row in _rows(day, bucket, part)]
        touched = sorted((date_of(day), bucket) for day, bucket in made)
        table = pa.Table.from_pylist(rows, schema=CALIBRATION.schema)
        lake.replace(CALIBRATION, table, where=Where(partitions=touched))


def _rows(day: int, bucket: int, part: CalibratedDay) -> list[dict[str, Any]]:
    """A row a regime; a bucket without statistics has one of regime 0, so that it is known to be done."""
    counted = part.histograms or {Regime.COLD: np.zeros(0, np.int64)}
    return [
        {
            "regime": int(regime),
            "peer_group": None,
            "histogram": counts.tolist(),
            "top_series": [series for _, _, series in part.largest.get(regime, ())],
            "top_starts": [start for _, start, _ in part.largest.get(regime, ())],
            "top_statistics": [statistic for statistic, _, _ in part.largest.get(regime, ())],
            "covered_from": moment(part.begin),
            "covered_to": moment(part.end),
            "model_version": part.version_id,
            "day": date_of(day),
            "bucket": bucket,
        }
        for regime, counts in counted.items()
    ]


def _largest(rows: ScoredRows, regime: Regime) -> Largest:
    chosen = np.flatnonzero((rows.regime == regime) & ~np.isnan(rows.statistic))
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
