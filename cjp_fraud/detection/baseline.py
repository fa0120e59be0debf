"""``baseline refresh``: fold every local day that has ended, in order, make missing snapshots, add up ended UTC days.

What is due is found from the changes on record. It is folded in pieces of a bounded number of rows: some buckets and a
run of days, or some of the tenants of one bucket and one day. Each piece is committed before the next one is read, so
that memory does not grow with the number of series or days; a piece finds the days before it in the lake.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Final

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from sqlalchemy import Engine

from cjp_fraud.clock import date_of
from cjp_fraud.detection.daily_sums import refresh_daily_sums
from cjp_fraud.detection.due_days import (
    DueDays,
    DueSeries,
    count_unfolded,
    due_days,
    follow_zone_changes,
    mark_folded,
    recently_moved,
)
from cjp_fraud.detection.fraud_days import Determined, read_determined
from cjp_fraud.detection.lake_tables import BASELINE, PROFILE
from cjp_fraud.detection.past import CODE_DAYS, ProfiledPast, of_zone, profiled_past, read_index
from cjp_fraud.detection.profile_rows import days_of, profile_rows, snapshot_rows
from cjp_fraud.detection.refresh_pieces import SNAPSHOTS_KEPT, Piece, batches_of, pieces_of
from cjp_fraud.detection.series import Arranged, Group, read_arranged, traffic_sizes
from cjp_fraud.progress import Report
from cjp_fraud.storage.lake import Lake, LakeTable, Where
from cjp_fraud.storage.locks import process_lock
from features.columns import SERIES_ID, TENANT
from features.fold import fold_day
from features.local_grid import DAY, HOUR, midnights
from features.score_day import Rows

Ints = NDArray[np.int64]
Masks = NDArray[np.bool_]
CONTEXT_SECONDS: Final = 2 * HOUR
"""How far before a local day its scores may look at rows: an hour and a quarter."""


@dataclass(frozen=True, slots=True)
class Refreshed:
    """What a refresh did.

    Attributes
    ----------
    folded : series-days folded, or folded again.
    snapshots : snapshots made and stored (one a series and day).
    waiting : changes that reach into a local day that has not ended yet.
    through : newest local day folded; None where nothing is.
    left_out : series-days of the last sixty days that were folded under a former zone of a tenant that had days
        due. They are not in the baseline, because the lake no longer has their traffic to fold again.
    """

    folded: int
    snapshots: int
    waiting: int
    through: datetime | None
    left_out: int


def refresh(
    lake: Lake, engine: Engine, zones: Mapping[str, str], now: datetime, *, report: Report | None = None
) -> Refreshed:
    """Fold the local days that ended by ``now`` and whose traffic changed, make missing snapshots, add up UTC days.

    Late rows fold their day again; snapshots that were made already stay. Running it again changes nothing;
    killed anywhere, the next run does the rest, because a change is marked folded only after its commits.

    Parameters
    ----------
    zones : IANA zone of every tenant on record.
    now : aware; a local day is folded once it has ended.
    """
    folded = snapshots = 0
    newest: int | None = None
    with process_lock(engine, "baseline-refresh"):
        follow_zone_changes(lake, engine, now)
        due = due_days(engine, zones, now)
        if len(due) or count_unfolded(engine):  # a UTC day waits for the local days that hold it
            refresh_daily_sums(lake, zones, now)
        determined = read_determined(engine) if len(due) else Determined.nothing()
        sizes = traffic_sizes(lake) if len(due) else {}
        batches = list(batches_of(sizes, due))
        for done, buckets in enumerate(batches):
            if report is not None:
                report(done, len(batches), f"{len(buckets)} buckets")
            of_batch = due.of_buckets(buckets)
            for piece in pieces_of(sizes, of_batch, buckets):
                series_days, stored = _refresh_piece(lake, zones, of_batch, piece, determined)
                folded, snapshots = folded + series_days, snapshots + stored
                if series_days:
                    newest = piece.days[-1] if newest is None else max(newest, piece.days[-1])
            mark_folded(engine, of_batch, zones, now)
        waiting = count_unfolded(engine)
        moved = due.tenants_due() & recently_moved(engine, now) if len(due) else set()
        left_out = sum(len(days) for days in days_left_out(lake, zones, moved, now).values())
    through = None if newest is None else datetime.combine(date_of(newest), datetime.min.time(), UTC)
    return Refreshed(folded, snapshots, waiting, through, left_out)


def days_left_out(
    lake: Lake, zones: Mapping[str, str], tenants: Collection[str], now: datetime
) -> dict[str, list[date]]:
    """Local days of the last sixty that are stored under a former zone of the tenants; one a series and day.

    Returns
    -------
    by tenant; tenants without any are left out.
    """
    if not tenants:
        return {}
    today = int(now.timestamp()) // DAY
    rows = read_index(lake, today, today, set(lake.bucket_of(sorted(tenants)).tolist()), tenants)
    days: dict[str, list[date]] = {}
    for tenant, zone, day in zip(*(rows[name].to_pylist() for name in (TENANT, "zone", "day")), strict=True):
        if zone != zones[tenant]:
            days.setdefault(tenant, []).append(day)
    return {tenant: sorted(days[tenant]) for tenant in sorted(days)}


def _refresh_piece(
    lake: Lake, zones: Mapping[str, str], due: DueDays, piece: Piece, determined: Determined
) -> tuple[int, int]:
    """Fold and snapshot one piece; returns the series-days folded and the snapshots stored."""
    first, last = piece.days[0], piece.days[-1]
    index = read_index(lake, first, last, piece.buckets, piece.tenants)
    between = _moments(set(zones.values()), first, last)
    arranged = read_arranged(
        lake,
        zones,
        first - 1,
        last + 2,
        piece.buckets,
        also=index,
        between=between,
        tenants=piece.tenants,
    )
    is_due = due.of_series(arranged, first, last)
    past = profiled_past(
        lake, arranged, first, last, piece.buckets, determined, index=index, folded_again=is_due.on
    )
    snapshots = _Snapshots(lake, arranged, piece)
    profiles: list[pa.Table] = []
    stored = _stored_days(arranged, index, first)
    for number, group in enumerate(arranged.groups):
        keys, of_bucket = _keys(arranged, group, lake)
        dues = {day for day in piece.days if is_due.on(group.series, day).any()}
        days = sorted(dues | stored.get(number, set()))
        for day in days:
            snapshots.make(past, number, day, keys, of_bucket)
            members, rows = group.rows_of(day)
            chosen = is_due.on(group.series[members], day)
            folded = None
            if chosen.any():
                folded = fold_day(past.snapshot(number, members[chosen], day), _subset(rows, chosen))
                part = members[chosen]
                profiles.append(profile_rows(keys.iloc[part], of_bucket[part], group.zone, folded))
            past.learn(number, day, members[chosen], folded)
        if days:
            snapshots.make(past, number, days[-1] + 1, keys, of_bucket)
    return _write_profiles(lake, arranged, is_due, index, profiles), snapshots.write(lake)


class _Snapshots:
    """Snapshots of a piece: which are stored already, and those that are made."""

    def __init__(self, lake: Lake, arranged: Arranged, piece: Piece) -> None:
        named = Where(equal={TENANT: piece.tenants}) if piece.tenants is not None else None
        columns = [SERIES_ID, "day", "zone"]
        known = lake.read(BASELINE, buckets=piece.buckets, columns=columns, where=named)
        code = arranged.table.codes(known[SERIES_ID])
        self._arranged = arranged
        self._keep_from = piece.keep_from
        self._code, self._day = code[code >= 0], days_of(known)[code >= 0]
        self._usable = of_zone(known, arranged, code)[code >= 0]
        self._made: list[tuple[Ints, int, pa.Table]] = []

    def make(
        self, past: ProfiledPast, number: int, day: int, keys: pd.DataFrame, of_bucket: NDArray[np.int16]
    ) -> None:
        """Make snapshot ``day`` of the members of a group that have a past and no such snapshot yet."""
        if day < self._keep_from:
            return
        group = self._arranged.groups[number]
        members = past.with_a_past(number, day)
        has = self._code[self._usable & (self._day == day)]
        members = members[~np.isin(group.series[members], has)]
        if len(members):
            made = past.snapshot(number, members, day)
            rows = snapshot_rows(keys.iloc[members], of_bucket[members], group.zone, made)
            self._made.append((group.series[members], day, rows))

    def write(self, lake: Lake) -> int:
        """Store what was made and remove all but each series' newest fourteen snapshots, in one commit."""
        made = sum(len(codes) for codes, *_ in self._made)
        code = np.concatenate([self._code[self._usable], *(codes for codes, *_ in self._made)])
        day = np.concatenate(
            [self._day[self._usable], *(np.full(len(codes), day) for codes, day, _ in self._made)]
        )
        is_newest = _newest(code, day)
        new = is_newest[len(is_newest) - made :]
        dropped = np.concatenate(
            [
                _key(self._code[~self._usable], self._day[~self._usable]),
                _key(code, day)[: len(code) - made][~is_newest[: len(code) - made]],
            ]
        )
        if not new.any() and not len(dropped):
            return 0
        fresh = pa.concat_tables([BASELINE.schema.empty_table(), *(rows for *_, rows in self._made)])
        fresh = fresh.filter(pa.array(new))
        of_bucket = lake.bucket_of(self._arranged.table.keys[TENANT].tolist())
        touched = set(_partitions(fresh))
        for key in dropped.tolist():
            touched.add((date_of(key % CODE_DAYS), int(of_bucket[key // CODE_DAYS])))

        def is_dropped(stored: pa.Table) -> Masks:
            codes = self._arranged.table.codes(stored[SERIES_ID])
            return (codes >= 0) & np.isin(_key(codes, days_of(stored)), dropped)

        _replace(lake, BASELINE, touched, fresh, is_dropped)
        return int(new.sum())


def _write_profiles(
    lake: Lake, arranged: Arranged, is_due: DueSeries, index: pa.Table, made: list[pa.Table]
) -> int:
    """Replace the profiles of the days that were folded, in one commit; those of a former zone are removed."""
    fresh = pa.concat_tables([PROFILE.schema.empty_table(), *made])
    code = arranged.table.codes(index[SERIES_ID])
    stale = _is_former(arranged, is_due, index)
    of_bucket = lake.bucket_of(arranged.table.keys[TENANT].tolist())
    touched = set(_partitions(fresh))
    for of_series, day in zip(code[stale].tolist(), days_of(index)[stale].tolist(), strict=True):
        touched.add((date_of(day), int(of_bucket[of_series])))
    if not touched:
        return 0
    folded = _key(arranged.table.codes(fresh[SERIES_ID]), days_of(fresh))

    def is_replaced(stored: pa.Table) -> Masks:
        codes = arranged.table.codes(stored[SERIES_ID])
        again = (codes >= 0) & np.isin(_key(codes, days_of(stored)), folded)
        return again | _is_former(arranged, is_due, stored)

    _replace(lake, PROFILE, touched, fresh, is_replaced)
    return len(fresh)


def _is_former(arranged: Arranged, is_due: DueSeries, rows: pa.Table) -> Masks:
    """Mask of profile rows of a former zone that overlap a day which is folded again; bool [rows].

    The same moment may be a day later in the new zone.
    """
    code, days = arranged.table.codes(rows[SERIES_ID]), days_of(rows)
    return (is_due.on(code, days) | is_due.on(code, days + 1)) & ~of_zone(rows, arranged, code)


def _replace(
    lake: Lake,
    table: LakeTable,
    touched: set[tuple[date, int]],
    fresh: pa.Table,
    is_replaced: Callable[[pa.Table], Masks],
) -> None:
    """Write partitions again in one commit, day by day: stored rows that are not replaced, and the fresh ones."""
    buckets: dict[date, list[int]] = {}
    for day, bucket in sorted(touched):
        buckets.setdefault(day, []).append(bucket)

    def batches() -> Iterator[pa.RecordBatch]:
        for day, of_day in buckets.items():
            stored = lake.read(table, where=Where(partitions=[(day, bucket) for bucket in of_day]))
            unchanged = stored.filter(pa.array(~is_replaced(stored))) if len(stored) else stored
            added = fresh.filter(pc.equal(fresh["day"], pa.scalar(day, pa.date32())))
            yield from pa.concat_tables([unchanged, added]).to_batches()

    def opened() -> pa.RecordBatchReader:
        return pa.RecordBatchReader.from_batches(table.schema, batches())

    lake.replace(table, opened, where=Where(partitions=sorted(touched)))


def _moments(zones: Collection[str], first: int, last: int) -> tuple[datetime, datetime]:
    """From before the first moment of local day ``first``, with context, to the end of ``last``, in any zone."""
    ends = np.array([midnights(zone, np.array([first, last + 1], dtype=np.int64)) for zone in zones])
    low, high = int(ends[:, 0].min()) - CONTEXT_SECONDS, int(ends[:, 1].max())
    return datetime.fromtimestamp(low, UTC), datetime.fromtimestamp(high, UTC)


def _stored_days(arranged: Arranged, index: pa.Table, first: int) -> dict[int, set[int]]:
    """Local days from ``first`` on that are stored for a series of each group."""
    code = arranged.table.codes(index[SERIES_ID])
    days = days_of(index)
    usable = of_zone(index, arranged, code) & (days >= first)
    return {
        number: set(days[usable & np.isin(code, group.series)].tolist())
        for number, group in enumerate(arranged.groups)
    }


def _keys(arranged: Arranged, group: Group, lake: Lake) -> tuple[pd.DataFrame, NDArray[np.int16]]:
    keys = arranged.table.keys.iloc[group.series].reset_index(drop=True)
    return keys, lake.bucket_of(keys[TENANT].tolist())


def _subset(rows: Rows, chosen: Masks) -> Rows:
    peaks = None if rows.peaks is None else np.ascontiguousarray(rows.peaks[chosen])
    return Rows(rows.grid, np.ascontiguousarray(rows.counts[chosen]), peaks)


def _newest(code: Ints, day: Ints) -> Masks:
    """Mask of each series' newest fourteen days; bool [rows]."""
    order = np.lexsort((-day, code))
    begins = np.flatnonzero(np.diff(code[order], prepend=-1) != 0)
    rank = np.arange(len(order)) - np.repeat(begins, np.diff(begins, append=len(order)))
    is_newest = np.zeros(len(code), dtype=bool)
    is_newest[order] = rank < SNAPSHOTS_KEPT
    return is_newest


def _key(code: Ints, day: Ints) -> Ints:
    return code * CODE_DAYS + day


def _partitions(rows: pa.Table) -> list[tuple[date, int]]:
    pairs = rows.select(["day", "bucket"]).group_by(["day", "bucket"]).aggregate([]).to_pydict()
    return sorted(zip(pairs["day"], pairs["bucket"], strict=True))
