"""Whether series have rows before or after a window: a missing interval is a gap only between rows of its series."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from cjp_fraud.clock import date_of
from cjp_fraud.detection.lake_tables import BASELINE, PROFILE
from cjp_fraud.detection.scoring import moment
from cjp_fraud.detection.series import Arranged
from cjp_fraud.storage.lake import Lake, Where
from cjp_fraud.traffic.schema import TRAFFIC
from features.columns import INTERVAL_START, SERIES_ID, SERIES_KEY
from features.local_grid import DAY

Ints = NDArray[np.int64]

NEAR_DAYS: Final = 3
"""Days around a window of which the traffic is read, because they may not be folded into profiles yet."""
DAYS_AT_ONCE: Final = 28
_KEYS: Final = (SERIES_ID, *SERIES_KEY)


class SeriesSpans:
    """Which series of some buckets have rows before a window, and which have rows after it.

    Near the window their traffic is read. Farther away their profiles are read, of which there is one for every local
    day with known rows; so a far day on which every interval is only partly covered is missed.

    Parameters
    ----------
    newest : start of the newest row of the lake's traffic; None where there is none.
    days : first and last UTC day with traffic.
    """

    def __init__(self, lake: Lake, newest: datetime | None, days: tuple[int, int]) -> None:
        self._lake = lake
        self._newest = newest
        self._days = days
        self._folded: dict[tuple[int, ...], pa.Table] = {}

    def later(
        self, end: int, buckets: Collection[int], present: pa.ChunkedArray
    ) -> tuple[pa.Array, pa.Table]:
        """The series that have a row at ``end`` (UTC seconds) or after it.

        Returns
        -------
        their ids, and the rows (id and key) of those that are not among the ids ``present``.
        """
        if self._newest is None or self._newest.timestamp() < end:
            return pa.array([], pa.string()), _no_series()
        windows = [
            (day, max(moment(end), moment(day * DAY)), moment((day + 1) * DAY))
            for day in range(end // DAY, min(end // DAY + NEAR_DAYS, self._days[1]) + 1)
        ]
        ids = [self._ids(day, buckets, between) for day, *between in windows]
        folded = _no_series()
        if self._days[1] > end // DAY + NEAR_DAYS:
            folded = self._folded_days(buckets)
            folded = folded.filter(pc.field("last") > end // DAY + 1).select(_KEYS)
        known = pa.chunked_array([*ids, *folded[SERIES_ID].chunks], pa.string()).unique()
        absent = known.filter(pc.invert(pc.is_in(known, value_set=present.unique().cast(pa.string()))))
        series = [folded.filter(pc.is_in(folded[SERIES_ID], value_set=absent))]
        for day, *between in windows if len(absent) else ():
            series.append(self._in_traffic(day, buckets, (between[0], between[1]), _KEYS, absent.to_pylist()))
        return known, pa.concat_tables(series).group_by(list(_KEYS), use_threads=False).aggregate([])

    def earlier(self, ids: Collection[str], begin: int, buckets: Collection[int]) -> set[str]:
        """Which of the series ``ids`` have a row before ``begin`` (UTC seconds)."""
        day = begin // DAY
        missing = set(ids)
        # A snapshot of the day before is made from local days that have ended before the window in any time zone.
        known = self._lake.read(
            BASELINE, days=(date_of(day - 1), date_of(day)), buckets=sorted(buckets), columns=[SERIES_ID]
        )
        missing -= set(known[SERIES_ID].to_pylist())
        for near in range(day, max(day - NEAR_DAYS, self._days[0]) - 1, -1):
            if missing:
                between = (moment(near * DAY), min(moment(begin), moment((near + 1) * DAY)))
                rows = self._in_traffic(near, buckets, between, [SERIES_ID], missing)
                missing -= set(rows[SERIES_ID].unique().to_pylist())
        if missing and self._days[0] < day - NEAR_DAYS:
            folded = self._folded_days(buckets)
            missing -= set(folded.filter(pc.field("first") < day - 1)[SERIES_ID].to_pylist())
        return set(ids) - missing

    def around(
        self, arranged: Arranged, begin: int, end: int, later: pa.Array, buckets: Collection[int]
    ) -> tuple[Ints, Ints]:
        """First and last row of every arranged series, moved to the window's ends where the series goes on beyond them.

        Parameters
        ----------
        arranged : the window's rows; a series without rows in it stands at 1970.
        later : ids of the series that have a row at ``end`` or after it.
        """
        first, last = arranged.first.copy(), arranged.last.copy()
        absent = last < begin - DAY
        codes = arranged.table.codes(later)
        last[codes[codes >= 0]] = end
        unsure = np.flatnonzero(absent | (first > begin))
        if len(unsure):
            ids = arranged.table.ids
            had = self.earlier([ids[code] for code in unsure.tolist()], begin, buckets)
            seen = np.array([ids[code] in had for code in unsure.tolist()], dtype=bool)
            first[unsure[seen]] = begin
            last[unsure[~seen & absent[unsure]]] = begin - DAY
        return first, last

    def _in_traffic(
        self,
        day: int,
        buckets: Collection[int],
        between: tuple[datetime, datetime],
        columns: Sequence[str],
        ids: Collection[str] | None,
    ) -> pa.Table:
        equal = {} if ids is None else {SERIES_ID: sorted(ids)}
        return self._lake.read(
            TRAFFIC,
            days=(date_of(day), date_of(day + 1)),
            buckets=sorted(buckets),
            columns=list(columns),
            where=Where(equal=equal, between={INTERVAL_START: between}),
        )

    def _ids(self, day: int, buckets: Collection[int], between: Sequence[datetime]) -> pa.Array:
        rows = self._in_traffic(day, buckets, (between[0], between[1]), [SERIES_ID], None)
        return rows[SERIES_ID].unique()

    def _folded_days(self, buckets: Collection[int]) -> pa.Table:
        """Every series with its first and last folded local day (days since 1970-01-01)."""
        key = tuple(sorted(buckets))
        if key not in self._folded:
            parts = []
            for day in range(self._days[0] - 1, self._days[1] + 2, DAYS_AT_ONCE):
                days = (date_of(day), date_of(day + DAYS_AT_ONCE))
                rows = self._lake.read(PROFILE, days=days, buckets=key, columns=[*_KEYS, "day"])
                days_of = rows["day"].cast(pa.int32())
                rows = rows.drop_columns("day").append_column("first", days_of).append_column("last", days_of)
                parts.append(_spans(rows))
            self._folded[key] = _spans(pa.concat_tables(parts))
        return self._folded[key]


def _no_series() -> pa.Table:
    return PROFILE.schema.empty_table().select(list(_KEYS))


def _spans(rows: pa.Table) -> pa.Table:
    spans = rows.group_by(list(_KEYS), use_threads=False).aggregate([("first", "min"), ("last", "max")])
    return spans.rename_columns([*_KEYS, "first", "last"])
