"""The stored scores of the newest whole days, summed up: how many reached what, and what other thresholds would flag.

Scores do not depend on thresholds, so nothing is scored anew. Rows are read a few thousand at a time; what is held are
counts, and the rows that a threshold at the least value of its clock would flag.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from cjp_fraud.clock import date_of, day_of
from cjp_fraud.detection.lake_tables import CLOCK_SCORES, SCORES
from cjp_fraud.detection.operating_point import Spikes, SpikeWindow
from cjp_fraud.detection.rules import DetectionRules
from cjp_fraud.detection.score_tables import CLOCK
from cjp_fraud.errors import BadInputError
from cjp_fraud.storage.lake import Lake, LakeTable, Where
from features.columns import CHANNEL, INTERVAL_START, SERIES_ID, TENANT
from features.counting_clocks import CLOCKS, LEAST_THRESHOLD, LONG_CLOCKS, Clock
from features.spike import is_spike

Ints = NDArray[np.int64]

DAYS: Final = 7
"""So many whole UTC days are summed up."""
EDGES: Final = tuple(np.arange(0.0, 12.25, 0.25).tolist())
"""Ends of the bins in which scores are counted; a further bin holds those of the last end or more."""

_COLUMNS: Final = [TENANT, SERIES_ID, CHANNEL, INTERVAL_START, "score", "excess"]


@dataclass(frozen=True, slots=True, eq=False)
class StoredWeek:
    """The stored scores of [begin, end), UTC days, summed up.

    Attributes
    ----------
    counts : by clock, int64 [bins]; how many intervals have a score in each bin of :data:`EDGES`.
    window : the rows that a threshold at the least value of its clock would flag.
    """

    begin: int
    end: int
    counts: Mapping[Clock, Ints]
    window: SpikeWindow

    def tenants_flagged(self, thresholds: Mapping[Clock, float]) -> set[str]:
        """Return the tenants that thresholds flag."""
        codes = np.unique(self.window.tenants[self.window.reached(thresholds)])
        return {str(name) for name in self.window.names[codes]}


def newest_whole_day(lake: Lake, today: int) -> int:
    """Return the newest UTC day before day ``today`` of which scores are stored.

    Raises
    ------
    BadInputError
        If there is none.
    """
    days = {date.fromisoformat(str(on)[:10]) for on in lake.partitions(SCORES)["day"].to_pylist()}
    before = [day for day in map(day_of, days) if day < today]
    if not before:
        raise BadInputError("there is no whole UTC day of scores yet; score some first: cjp-fraud detect")
    return max(before)


def sum_up(lake: Lake, rules: DetectionRules, begin: int, end: int) -> StoredWeek:
    """Sum up the stored scores of [begin, end), UTC days."""
    counts = {clock: np.zeros(len(EDGES), dtype=np.int64) for clock in CLOCKS}
    days: dict[int, list[Spikes]] = {}
    for day in range(begin, end):
        summed = _Day(rules, counts)
        for table, columns in ((SCORES, ["span_baseline"]), (CLOCK_SCORES, ["baseline", CLOCK])):
            summed.add(lake, table, [*_COLUMNS, *columns], day)
        if any(part.series for part in summed.parts()):
            days[day] = summed.parts()
    return StoredWeek(begin, end, counts, SpikeWindow.of_days(days, begin, end))


class _Day:
    """One UTC day while it is read; adds its scores to the counts of the week."""

    def __init__(self, rules: DetectionRules, counts: Mapping[Clock, Ints]) -> None:
        self._rules = rules
        self._counts = counts
        self._series: dict[Clock, set[str]] = {clock: set() for clock in CLOCKS}
        self._spikes: list[Spikes] = []

    def add(self, lake: Lake, table: LakeTable, columns: list[str], day: int) -> None:
        """Read the day's rows of a table of scores."""
        where = Where(days=(date_of(day), date_of(day) + timedelta(days=1)))
        for batch in lake.batches(table, columns=columns, where=where):
            if CLOCK not in columns:
                self._add(batch, Clock.MINUTE, "span_baseline")
                continue
            for clock in LONG_CLOCKS:
                self._add(batch.filter(pc.equal(batch[CLOCK], str(clock))), clock, "baseline")

    def parts(self) -> list[Spikes]:
        """Return the day's rows as the window of thresholds takes them: how many series had scores, then the rows."""
        nothing = np.empty(0, dtype=object), np.empty(0, dtype=np.int64), np.empty(0)
        return [
            *(Spikes(*nothing, len(series), clock) for clock, series in self._series.items()),
            *self._spikes,
        ]

    def _add(self, batch: pa.RecordBatch, clock: Clock, baseline: str) -> None:
        batch = batch.filter(pc.is_valid(batch["score"]))
        if not len(batch):
            return
        score = _floats(batch, "score")
        self._counts[clock][:] += np.bincount(
            np.clip(np.searchsorted(EDGES, score, side="right") - 1, 0, None), minlength=len(EDGES)
        )
        self._series[clock].update(batch[SERIES_ID].unique().to_pylist())
        batch = batch.filter(pa.array(score >= LEAST_THRESHOLD[clock]))
        batch = batch.filter(pa.array(self._are_spikes(batch, baseline)))
        if len(batch):
            starts = batch[INTERVAL_START].cast(pa.timestamp("us", tz="UTC")).cast(pa.int64())
            tenants = batch[TENANT].to_numpy(zero_copy_only=False).astype(object)
            seconds = starts.to_numpy() // 1_000_000
            self._spikes.append(Spikes(tenants, seconds, _floats(batch, "score"), 0, clock))

    def _are_spikes(self, batch: pa.RecordBatch, baseline: str) -> NDArray[np.bool_]:
        channels = batch[CHANNEL].to_pylist()
        least = {channel: self._rules.spike_of(channel) for channel in set(channels)}
        return is_spike(
            _floats(batch, "excess"),
            _floats(batch, baseline),
            np.array([least[channel].contacts for channel in channels], dtype=np.float64),
            np.array([least[channel].ratio for channel in channels], dtype=np.float64),
        )


def _floats(batch: pa.RecordBatch, name: str) -> NDArray[np.float64]:
    return np.asarray(batch[name].cast(pa.float64()).to_numpy(zero_copy_only=False), dtype=np.float64)
