"""The lake as the store of a detection run: traffic and snapshots in; scores and calibrations in and out."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import date, timedelta
from itertools import product
from typing import Any, Final

import numpy as np

from cjp_fraud.clock import date_of, day_of
from cjp_fraud.detection.calibration_store import CalibratedDay, Calibrations, read_calibrations
from cjp_fraud.detection.daily_sums import read_daily_sums
from cjp_fraud.detection.fraud_days import Determined
from cjp_fraud.detection.lake_tables import CLOCK_SCORES, SCORES
from cjp_fraud.detection.registry import FittedVersion, version_of
from cjp_fraud.detection.rules import DetectionRules
from cjp_fraud.detection.score_tables import CLOCK, ScoreTables
from cjp_fraud.detection.scored_rows import ScoredRows
from cjp_fraud.detection.scoring import Window, moment, read_window, window_of
from cjp_fraud.detection.series import MOST_ROWS, arrange, series_table, with_series
from cjp_fraud.detection.significance import POOL_DAYS, Counts
from cjp_fraud.detection.spans import SeriesSpans
from cjp_fraud.detection.weekly_rows import ends_a_week, weekly_rows
from cjp_fraud.storage.lake import Lake, Where
from cjp_fraud.traffic.schema import TRAFFIC
from features.columns import INTERVAL_START, SERIES_ID, SERIES_KEY, TENANT
from features.counting_clocks import CLOCKS, Clock
from features.local_grid import DAY
from features.weekly_growth import WEEK

MOST_DAYS: Final = 28
"""Days of traffic that are arranged at once, if there are not too many rows."""
MOST_ROWS_OF_A_DAY: Final = 1_500_000
"""Rows of one UTC day whose buckets are scored together; each of its series comes with a snapshot of some kB."""


class LakeStore:
    """A run's view of the lake, as it was when the store was made.

    Parameters
    ----------
    zones : IANA zone of every tenant on record; the traffic of others is left out.
    versions : promoted model versions, oldest first.
    determined : events that do not count for a series' own bar.
    open_from : UTC seconds from which hours are open; None: all are closed.

    Attributes
    ----------
    made : calibrations that the run has made and that must be stored.
    """

    def __init__(
        self,
        lake: Lake,
        zones: Mapping[str, str],
        versions: Sequence[FittedVersion],
        rules: DetectionRules,
        determined: Determined,
        *,
        open_from: int | None = None,
    ) -> None:
        self.lake = lake
        self.zones = zones
        self.made: Calibrations = {}
        self._determined = determined
        self._open_from = open_from
        self._versions = versions
        self._rules = rules
        self._calibrated: Calibrations = {}
        self._looked_at: set[int] = set()
        self._piece: tuple[int, int, Iterable[Window]] = (0, 0, ())
        self._horizon = 0
        files = lake.partitions(TRAFFIC)
        newest = max(files[f"max.{INTERVAL_START}"].to_pylist()) if len(files) else None
        self._sizes: dict[int, dict[int, int]] = {}
        names = ("day", "bucket", "num_records")
        for on, bucket, size in zip(*(files[name].to_pylist() for name in names), strict=True):
            buckets = self._sizes.setdefault(_day_number(on), {})
            buckets[int(bucket)] = buckets.get(int(bucket), 0) + int(size)
        ends = (min(self._sizes), max(self._sizes)) if self._sizes else (0, 0)
        self._spans = SeriesSpans(lake, newest, ends)

    def buckets(self, day: int) -> list[int]:
        """Buckets that have traffic on a UTC day (on a Sunday: in the week), or before and after it."""
        before = {bucket for other, sizes in self._sizes.items() if other <= day for bucket in sizes}
        after = {bucket for other, sizes in self._sizes.items() if other >= day for bucket in sizes}
        return sorted(before & after | set(self.with_traffic(day)))

    def with_traffic(self, day: int) -> list[int]:
        """Buckets that have traffic on a UTC day; on a Sunday those that have any in the week."""
        first = day - WEEK + 1 if ends_a_week(day) else day
        return sorted({bucket for near in range(first, day + 1) for bucket in self._sizes.get(near, {})})

    def days(self, begin: int, end: int) -> list[int]:
        """UTC days with traffic in [begin, end); :meth:`scored` is called next for parts of it."""
        self._horizon = end
        return sorted(day for day in self._sizes if begin // DAY <= day < -(-end // DAY))

    def version(self, day: int) -> FittedVersion:
        """What scores a UTC day."""
        return version_of(day, self._versions, self._rules)

    def scored(
        self,
        day: int,
        begin: int,
        end: int,
        buckets: Collection[int] | None = None,
        *,
        horizon: int | None = None,
    ) -> Iterator[ScoredRows]:
        """Score the rows of the UTC ``day`` in [begin, end), the only one with traffic; list all intervals in gaps.

        Parameters
        ----------
        buckets : None: all of them.
        horizon : UTC seconds up to which the same is asked for next, day by day, so that days are read together. If
            ``buckets`` is None, it is the end of the window that :meth:`days` was asked for last.
        """
        windows: Iterable[Window]
        until = self._horizon if buckets is None else horizon
        everywhere = buckets is None or set(buckets) >= set(self.with_traffic(day))
        if until is None or not everywhere:
            windows = (self._open(begin, end, batch) for batch in self._batches(day, buckets or ()))
        else:
            if not self._piece[0] <= begin < end <= self._piece[1]:
                self._piece = self._next_piece(day, begin, end, until)
            windows = self._piece[2]
        for window in windows:
            yield window.scored(day, self.version(day))
            yield from window.spans(day, self.version(day))
            yield from window.gaps(begin, end)
        if ends_a_week(day) and end >= (day + 1) * DAY and self._is_closed(day):
            yield self.week(day, buckets)

    def week(self, day: int, buckets: Collection[int] | None = None) -> ScoredRows:
        """Score the weeks that end with a Sunday, of series of some buckets or all."""
        sums = read_daily_sums(self.lake, day + 1, self.zones)
        table, _ = series_table(sums, self.zones)
        rows = weekly_rows(sums, table, day, self.version(day))
        if buckets is None:
            return rows
        bucket = self.lake.bucket_of(table.keys[TENANT].tolist())
        return rows.take(np.isin(bucket, list(buckets))[rows.series])

    def _is_closed(self, day: int) -> bool:
        return self._open_from is None or self._open_from >= (day + 1) * DAY

    def uncalibrated(self, day: int) -> list[int]:
        """Buckets that have traffic on a UTC day and no calibration of all of it."""
        if day not in self._looked_at:
            stored = read_calibrations(self.lake, day, day + POOL_DAYS)
            self._calibrated = stored | self._calibrated
            self._looked_at |= set(range(day, day + POOL_DAYS))
        return [
            bucket
            for bucket in self.with_traffic(day)
            if not all(self._is_whole(day, bucket, clock) for clock in CLOCKS)
        ]

    def _is_whole(self, day: int, bucket: int, clock: Clock) -> bool:
        part = self._calibrated.get((day, bucket, clock))
        return part is not None and part.whole(day)

    def pool(self, day: int, clock: Clock = Clock.MINUTE) -> dict[int, Counts]:
        """Histogram of each of the sixty UTC days before ``day`` on a clock, over all buckets."""
        days: dict[int, Counts] = {}
        for (before, _, of), part in self._calibrated.items():
            if of is clock and day - POOL_DAYS <= before < day:
                days[before] = days[before] + part.counts if before in days else part.counts
        return days

    def calibrate(
        self, day: int, parts: Sequence[ScoredRows], buckets: Collection[int] | None = None
    ) -> None:
        """Take the calibration of a whole UTC day from its rows, for some buckets or all that have traffic."""
        of_bucket = self.by_bucket(parts)
        for bucket, clock in product(self.with_traffic(day) if buckets is None else buckets, CLOCKS):
            made = CalibratedDay.of_rows(of_bucket.get((bucket, clock)), day * DAY, (day + 1) * DAY)
            self.made[day, bucket, clock] = self._calibrated[day, bucket, clock] = made

    def by_bucket(self, parts: Sequence[ScoredRows]) -> dict[tuple[int, Clock], ScoredRows]:
        """Known rows of each bucket and clock; a bucket's rows are all in one part a clock."""
        rows_of: dict[tuple[int, Clock], ScoredRows] = {}
        for rows in parts:
            if rows.version is None or not len(rows):
                continue
            bucket = self.lake.bucket_of(rows.table.keys[TENANT].tolist())[rows.series]
            for number in np.unique(bucket).tolist():
                rows_of[number, rows.clock] = rows.take(bucket == number)
        return rows_of

    def tables(self, parts: Sequence[ScoredRows], closed: int) -> ScoreTables:
        """Rows of the tables of scores; flags of hours that end after ``closed`` (UTC seconds) are null."""
        return ScoreTables.of_parts(parts, self.lake, closed)

    def read_scores(self, begin: int, end: int) -> tuple[ScoreTables, list[ScoredRows]]:
        """Stored scores of [begin, end) within a UTC day, over all buckets: as they are stored, and as scored rows."""
        names = {table.name: table.schema.names for table in (SCORES, CLOCK_SCORES)}
        stored = self._stored(begin, end, None, names)
        return stored, stored.rows(self.zones, self.version(begin // DAY))

    def read_statistics(self, begin: int, end: int, buckets: Collection[int]) -> list[ScoredRows]:
        """Stored scores of [begin, end) within a UTC day, a part a clock, with no more than what calibrations count."""
        names = [SERIES_ID, *SERIES_KEY, INTERVAL_START, "statistic"]
        columns = {SCORES.name: names, CLOCK_SCORES.name: [*names, CLOCK]}
        return self._stored(begin, end, buckets, columns).rows(self.zones, self.version(begin // DAY))

    def _stored(
        self, begin: int, end: int, buckets: Collection[int] | None, columns: Mapping[str, Sequence[str]]
    ) -> ScoreTables:
        day = date_of(begin // DAY)
        tables = (
            self.lake.read(
                table,
                days=(day, day + timedelta(days=1)),
                buckets=None if buckets is None else sorted(buckets),
                columns=columns[table.name],
                where=Where(between={INTERVAL_START: (moment(begin), moment(end))}),
            )
            for table in (SCORES, CLOCK_SCORES)
        )
        return ScoreTables.stored(*tables)

    def write_scores(self, tables: ScoreTables, begin: int, end: int, buckets: Collection[int]) -> None:
        """Replace the scores of [begin, end) in some buckets, in one commit a table."""
        days = (date_of(begin // DAY), date_of((end - 1) // DAY + 1))
        where = Where(days=days, buckets=buckets, between={INTERVAL_START: (moment(begin), moment(end))})
        self.lake.replace(SCORES, tables.scores, where=where)
        self.lake.replace(CLOCK_SCORES, tables.clock_scores, where=where)

    def _next_piece(self, day: int, begin: int, end: int, horizon: int) -> tuple[int, int, Iterable[Window]]:
        """Windows over the days that are arranged at once; over a single day, one batch of buckets after another."""
        held, until = 0, horizon
        following = [other for other in sorted(self._sizes) if day <= other < -(-horizon // DAY)]
        for number, other in enumerate(following):
            held += sum(self._sizes[other].values())
            if number and (number >= MOST_DAYS or held > MOST_ROWS or other - day >= 2 * MOST_DAYS):
                until = other * DAY
                break
        everywhere = range(self.lake.buckets)
        if until > end:
            return begin, until, [self._open(begin, until, everywhere)]
        return begin, end, (self._open(begin, end, batch) for batch in self._batches(day, everywhere))

    def _batches(self, day: int, buckets: Collection[int]) -> list[list[int]]:
        batches: list[list[int]] = []
        held = 0
        for bucket in sorted(buckets):
            size = max(self._sizes.get(near, {}).get(bucket, 0) for near in (day - 1, day))
            if not batches or held + size > MOST_ROWS_OF_A_DAY:
                batches.append([])
                held = 0
            batches[-1].append(bucket)
            held += size
        return batches

    def _open(self, begin: int, end: int, buckets: Collection[int]) -> Window:
        ends = moment(begin), moment(end)
        rows = read_window(self.lake, self.zones, *ends, buckets)
        later, silent = self._spans.later(end, buckets, rows[SERIES_ID])
        rows = with_series(rows, silent, self.zones)
        arranged = arrange(rows, self.zones, open_from=self._open_from)
        span = self._spans.around(arranged, begin, end, later, buckets)
        return window_of(self.lake, arranged, *ends, buckets, self._determined, span)


def _day_number(on: Any) -> int:
    """Days since 1970-01-01 of a partition's day, however the table's log writes it."""
    return day_of(on if type(on) is date else date.fromisoformat(str(on)[:10]))
