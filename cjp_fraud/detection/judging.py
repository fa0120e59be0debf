"""Judge a window day by day in causal order: calibrations of the days before, p-values, families, flags."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from cjp_fraud.detection.calibration_store import (
    Coverage,
    StoredDay,
    calibration_rows,
    day_number,
    days_with_traffic,
    missing_buckets,
    read_calibrations,
    summed,
)
from cjp_fraud.detection.registry import FittedVersion, Registered, initial_version
from cjp_fraud.detection.rules import DetectionRules
from cjp_fraud.detection.scoring import ScoredRows, Window, moment, open_window
from cjp_fraud.detection.series import MOST_ROWS
from cjp_fraud.detection.significance import (
    POOL_DAYS,
    Histograms,
    Spikes,
    calibrations,
    discovered,
    histograms,
    log_p_values,
)
from cjp_fraud.storage.lake import Lake
from cjp_fraud.traffic.schema import TRAFFIC
from features.columns import TENANT
from features.local_grid import DAY
from models.calibration import score_of

Floats = NDArray[np.float64]
Report = Callable[[int, int, str], None]

MOST_DAYS: Final = 28
"""Days of traffic that are arranged at once, if there are not too many rows."""


@dataclass(frozen=True, slots=True, eq=False)
class Judged:
    """One UTC day's part of a window, scored and judged.

    Attributes
    ----------
    keys : frame; the series that the rows' codes mean.
    rows : scored rows, in the order of series and start.
    log_p, score : float64 [rows].
    flagged : bool [rows]; as if every hour were closed.
    model : the registered version; None for the shipped constants.
    version : what judged.
    """

    day: int
    keys: pd.DataFrame
    rows: ScoredRows
    log_p: Floats
    score: Floats
    flagged: NDArray[np.bool_]
    model: Registered | None
    version: FittedVersion


@dataclass(slots=True, eq=False)
class Judge:
    """State of a run over a lake: what traffic there is, and what is calibrated.

    Attributes
    ----------
    made : calibration rows that the run has made and must be stored.
    """

    lake: Lake
    zones: Mapping[str, str]
    versions: Sequence[Registered]
    rules: DetectionRules
    made: list[pa.Table] = field(default_factory=list)
    traffic: dict[int, set[int]] = field(default_factory=dict)
    _sizes: dict[int, int] = field(default_factory=dict)
    _stored: dict[tuple[int, int], StoredDay] = field(default_factory=dict)

    def __post_init__(self) -> None:
        partitions = self.lake.partitions(TRAFFIC)
        self.traffic = days_with_traffic(partitions)
        for on, size in zip(
            partitions["day"].to_pylist(), partitions["num_records"].to_pylist(), strict=True
        ):
            day = day_number(on)
            self._sizes[day] = self._sizes.get(day, 0) + int(size)

    def prepare(self, begin: int, end: int) -> None:
        """Make whole every calibration that the days of [begin, end) (UTC days) rest on and that is missing."""
        first = begin - POOL_DAYS
        self._stored |= read_calibrations(self.lake, first, end)
        for day in range(first, begin):
            self._complete(day)

    def judged(self, begin: datetime, end: datetime, report: Report | None = None) -> Iterator[Judged]:
        """Judge [begin, end), whole hours; yields UTC days that have scored rows, in order."""
        low, high = int(begin.timestamp()), int(end.timestamp())
        first, last = low // DAY, -(-high // DAY)
        self.prepare(first, last)
        days = [day for day in sorted(self.traffic) if first <= day < last]
        done = 0
        for run in self._runs(days):
            window = self._window(max(low, run[0] * DAY), min(high, (run[-1] + 1) * DAY), None)
            for day in run:
                if report is not None:
                    report(done, len(days), f"{moment(day * DAY):%Y-%m-%d}")
                found = self._judge(window, day, Coverage(max(low, day * DAY), min(high, (day + 1) * DAY)))
                if found is not None:
                    yield found
                if day + 1 < last:
                    self._complete(day)
                done += 1

    def score_bucket(self, begin: datetime, end: datetime, bucket: int) -> Judged | None:
        """Score one bucket's part of one UTC day; its hours are judged later, with the other buckets."""
        low, high = int(begin.timestamp()), int(end.timestamp())
        day = low // DAY
        self.prepare(day, day + 1)
        window = self._window(low, high, {bucket})
        return self._judge(window, day, Coverage(low, high))

    def pool_before(self, day: int) -> dict[int, Histograms]:
        """Histograms of the seven UTC days before ``day``, over all buckets."""
        return {
            before: summed([one.histograms for (of, _), one in self._stored.items() if of == before])
            for before in range(day - POOL_DAYS, day)
            if any(of == before for of, _ in self._stored)
        }

    def model_of(self, day: int) -> tuple[Registered | None, FittedVersion]:
        """The promoted version with the newest ``valid_from`` not after the UTC day."""
        valid = [one for one in self.versions if one.version.valid_from <= day]
        if not valid:
            return None, initial_version(self.rules)
        newest = max(one.version.valid_from for one in valid)
        chosen = [one for one in valid if one.version.valid_from == newest][-1]
        return chosen, chosen.version

    def _judge(self, window: Window, day: int, coverage: Coverage) -> Judged | None:
        model, version = self.model_of(day)
        rows = window.scored(day, version.model)
        if rows is None or not len(rows):
            return None
        log_p = log_p_values(rows, calibrations({**self.pool_before(day), **version.histograms}, day))
        score = score_of(log_p)
        spikes = Spikes.of(window.arranged.table, self.rules)
        with np.errstate(invalid="ignore"):
            flagged = discovered(rows, log_p, spikes, self.rules) & (score >= version.threshold)
        if coverage.whole(day):
            self._keep(day, window, rows, coverage, model, self.traffic.get(day, set()))
        return Judged(day, window.arranged.table.keys, rows, log_p, score, flagged, model, version)

    def _complete(self, day: int) -> None:
        """Score the whole of a UTC day in memory for the buckets whose calibration of it is missing."""
        missing = missing_buckets(day, self.traffic, self._stored)
        if not missing:
            return
        model, version = self.model_of(day)
        window = self._window(day * DAY, (day + 1) * DAY, missing)
        rows = window.scored(day, version.model)
        self._keep(day, window, rows, Coverage(day * DAY, (day + 1) * DAY), model, missing)

    def _keep(
        self,
        day: int,
        window: Window,
        rows: ScoredRows | None,
        coverage: Coverage,
        model: Registered | None,
        buckets: set[int],
    ) -> None:
        keys = window.arranged.table.keys
        of_series = self.lake.bucket_of(keys[TENANT].tolist())
        made = calibration_rows(
            day, rows, keys, of_series, buckets, coverage, None if model is None else model.id
        )
        self.made.append(made)
        for bucket in buckets:
            mine = rows.take(of_series[rows.series] == bucket) if rows is not None else None
            self._stored[day, bucket] = StoredDay(
                histograms(mine) if mine is not None and len(mine) else {}, coverage
            )

    def _window(self, begin: int, end: int, buckets: set[int] | None) -> Window:
        days = range((begin - DAY) // DAY, -(-end // DAY))
        wanted = set().union(*(self.traffic.get(day, set()) for day in days)) if buckets is None else buckets
        return open_window(self.lake, self.zones, moment(begin), moment(end), wanted)

    def _runs(self, days: Sequence[int]) -> Iterator[list[int]]:
        """Consecutive pieces of days that fit into memory."""
        run: list[int] = []
        held = 0
        for day in days:
            size = self._sizes.get(day, 0)
            if run and (len(run) >= MOST_DAYS or held + size > MOST_ROWS or day - run[0] >= 2 * MOST_DAYS):
                yield run
                run, held = [], 0
            run.append(day)
            held += size
        if run:
            yield run
