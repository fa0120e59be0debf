"""``baseline refresh``: fold every local day that has ended, in order, and make the snapshots that are missing."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Final

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray
from sqlalchemy import Engine, select

from cjp_fraud.clock import date_of, day_of
from cjp_fraud.detection.lake_tables import BASELINE, PROFILE
from cjp_fraud.detection.profile_rows import (
    ProfiledPast,
    profile_rows,
    read_profiles,
    snapshot_rows,
    stored_days,
)
from cjp_fraud.detection.series import MOST_ROWS, Arranged, Group, read_arranged
from cjp_fraud.storage.database import reading, transaction
from cjp_fraud.storage.lake import Lake, Where
from cjp_fraud.storage.locks import exclusive
from cjp_fraud.traffic.quarantine import TRAFFIC_LOCK
from cjp_fraud.traffic.schema import TRAFFIC
from cjp_fraud.traffic.tables import TrafficChange
from features.columns import SERIES_ID, TENANT
from features.fold import fold_day
from features.local_grid import DAY, local_days, midnights
from features.score_day import Rows

Ints = NDArray[np.int64]
Report = Callable[[int, int, str], None]

SNAPSHOTS_KEPT: Final = 14


@dataclass(frozen=True, slots=True)
class Refreshed:
    """What a refresh did.

    Attributes
    ----------
    folded : series-days folded, or folded again.
    snapshots : snapshots made (one a series and day).
    waiting : changes whose last local day has not ended.
    through : newest local day folded; None where nothing is.
    """

    folded: int
    snapshots: int
    waiting: int
    through: datetime | None


@dataclass(frozen=True, slots=True)
class _Pending:
    """A change of traffic that is not folded yet, in UTC seconds."""

    id: str
    tenant_id: str
    bucket: int
    first: int
    last: int


def refresh(
    lake: Lake, engine: Engine, zones: Mapping[str, str], now: datetime, *, report: Report | None = None
) -> Refreshed:
    """Fold the local days that ended by ``now`` and whose traffic changed, then make missing snapshots.

    Late rows fold their day again; snapshots that were made already stay. Running it again changes nothing;
    killed anywhere, the next run does the rest, because a change is marked folded only after its commits.

    Parameters
    ----------
    zones : IANA zone of every tenant on record.
    now : aware; a local day is folded once it has ended.
    """
    with exclusive(engine, "baseline-refresh"):
        pending = _pending(engine, zones)
        folded = snapshots = 0
        newest: int | None = None
        batches = list(_batches(lake, {one.bucket for one in pending}))
        for done, buckets in enumerate(batches):
            if report is not None:
                report(done, len(batches), f"{len(buckets)} buckets")
            part = [one for one in pending if one.bucket in buckets]
            more_folded, more_snapshots, last = _refresh_buckets(lake, zones, part, buckets, now)
            folded, snapshots = folded + more_folded, snapshots + more_snapshots
            newest = last if newest is None else max(newest, last or newest)
        waiting = _mark(engine, pending, zones, now)
    through = None if newest is None else datetime.combine(date_of(newest), datetime.min.time(), UTC)
    return Refreshed(folded, snapshots, waiting, through)


def _pending(engine: Engine, zones: Mapping[str, str]) -> list[_Pending]:
    # A change is recorded before its rows can be read: wait for an ingest that is storing.
    with exclusive(engine, TRAFFIC_LOCK), reading(engine) as session:
        rows = session.scalars(
            select(TrafficChange).where(TrafficChange.folded_at.is_(None)).order_by(TrafficChange.id)
        )
        return [
            _Pending(
                row.id,
                row.tenant_id,
                row.bucket,
                int(row.first_interval.timestamp()),
                int(row.last_interval.timestamp()),
            )
            for row in rows
            if row.tenant_id in zones
        ]


def _batches(lake: Lake, buckets: set[int]) -> Iterator[tuple[int, ...]]:
    files = lake.partitions(TRAFFIC).to_pandas()
    rows = files.groupby("bucket")["num_records"].sum() if len(files) else pd.Series(dtype=float)
    batch: list[int] = []
    held = 0.0
    for bucket in sorted(buckets):
        size = float(rows.get(bucket, 0.0))
        if batch and held + size > MOST_ROWS:
            yield tuple(batch)
            batch, held = [], 0.0
        batch.append(bucket)
        held += size
    if batch:
        yield tuple(batch)


def _refresh_buckets(
    lake: Lake, zones: Mapping[str, str], pending: Sequence[_Pending], buckets: tuple[int, ...], now: datetime
) -> tuple[int, int, int | None]:
    """Fold and snapshot some buckets; returns series-days folded, snapshots made, newest local day folded."""
    first = min(one.first for one in pending) // DAY - 2
    last = min(max(one.last for one in pending) // DAY + 2, day_of(now.date()) + 2)
    stored = read_profiles(lake, first, last, buckets, tenants=None)
    arranged = read_arranged(lake, zones, first, last + 1, buckets, also=stored)
    past = ProfiledPast(arranged, stored_days(arranged, stored))
    kept = _kept_snapshots(lake, buckets)
    profiles: list[pa.Table] = []
    snapshots: list[pa.Table] = []
    newest: int | None = None
    for number, group in enumerate(arranged.groups):
        keys, of_bucket = _keys(arranged, group, lake)
        due = _due(arranged, group, pending, now)
        ends = [day for of, day in past.stored if of == number]
        days = sorted({*due, *(day for day in ends if day >= first)})
        last_day = max([*due, *ends], default=None)
        for day in days:
            missing = _without_snapshot(past, number, day, keys, kept)
            if len(missing):
                snapshots.append(
                    snapshot_rows(keys.iloc[missing], of_bucket[missing], past.snapshot(number, missing, day))
                )
            members, rows = group.rows_of(day)
            chosen = np.isin(members, due.get(day, np.empty(0, np.int64)))
            if chosen.any():
                folded = fold_day(past.snapshot(number, members[chosen], day), _subset(rows, chosen))
                profiles.append(profile_rows(keys.iloc[members[chosen]], of_bucket[members[chosen]], folded))
                past.learn(number, day, members[chosen], folded)
                newest = day if newest is None else max(newest, day)
            else:
                past.learn(number, day, np.empty(0, np.int64), None)
        if last_day is not None:
            missing = _without_snapshot(past, number, last_day + 1, keys, kept)
            if len(missing):
                snapshots.append(
                    snapshot_rows(
                        keys.iloc[missing], of_bucket[missing], past.snapshot(number, missing, last_day + 1)
                    )
                )
    folded_rows = _write_profiles(lake, stored, profiles)
    return folded_rows, _write_snapshots(lake, buckets, snapshots), newest


def _due(
    arranged: Arranged, group: Group, pending: Sequence[_Pending], now: datetime
) -> dict[int, NDArray[np.int64]]:
    """Members by local day that changed and whose day has ended."""
    tenants = arranged.table.keys[TENANT].to_numpy()[group.series]
    due: dict[int, set[int]] = {}
    at = int(now.timestamp())
    for one in pending:
        members = np.flatnonzero(tenants == one.tenant_id)
        if not len(members):
            continue
        begin, end = local_days(group.zone, np.array([one.first, one.last], dtype=np.int64)).tolist()
        days = np.arange(begin, end + 1, dtype=np.int64)
        ended = days[midnights(group.zone, days + 1) <= at]
        for day in ended.tolist():
            due.setdefault(day, set()).update(members.tolist())
    return {day: np.array(sorted(members), dtype=np.int64) for day, members in due.items()}


def _without_snapshot(
    past: ProfiledPast, number: int, day: int, keys: pd.DataFrame, kept: set[tuple[str, int]]
) -> Ints:
    """Members with a past that have no snapshot ``day`` yet."""
    members = past.with_a_past(number, day)
    ids = keys[SERIES_ID].to_numpy()[members]
    missing = np.array([(name, day) not in kept for name in ids], dtype=bool)
    return np.compress(missing, members)


def _kept_snapshots(lake: Lake, buckets: tuple[int, ...]) -> set[tuple[str, int]]:
    rows = lake.read(BASELINE, buckets=buckets, columns=[SERIES_ID, "day"])
    return set(zip(rows[SERIES_ID].to_pylist(), map(day_of, rows["day"].to_pylist()), strict=True))


def _keys(arranged: Arranged, group: Group, lake: Lake) -> tuple[pd.DataFrame, NDArray[np.int16]]:
    keys = arranged.table.keys.iloc[group.series].reset_index(drop=True)
    return keys, lake.bucket_of(keys[TENANT].tolist())


def _subset(rows: Rows, chosen: NDArray[np.bool_]) -> Rows:
    peaks = None if rows.peaks is None else np.ascontiguousarray(rows.peaks[chosen])
    return Rows(rows.grid, np.ascontiguousarray(rows.counts[chosen]), peaks)


def _write_profiles(lake: Lake, stored: pa.Table, made: list[pa.Table]) -> int:
    """Replace the touched (day, bucket) partitions in one commit; rows of other series stay as they were."""
    if not made:
        return 0
    fresh = pa.concat_tables(made)
    touched = _partitions(fresh)
    before = _in_partitions(stored, touched)
    others = before.filter(pa.array(~_named_in(before, fresh)))
    lake.replace(PROFILE, pa.concat_tables([others, fresh]), where=Where(partitions=touched))
    return len(fresh)


def _write_snapshots(lake: Lake, buckets: tuple[int, ...], made: list[pa.Table]) -> int:
    """Add snapshots and let go of all but each series' newest fourteen, in one commit."""
    if not made:
        return 0
    fresh = pa.concat_tables(made)
    names = [SERIES_ID, "day", "bucket"]
    known = lake.read(BASELINE, buckets=buckets, columns=names)
    index = pa.concat_tables([known, fresh.select(names)]).to_pandas()
    index["new"] = np.arange(len(index)) >= len(known)
    newest = index.groupby(SERIES_ID, sort=False)["day"].rank(ascending=False, method="first")
    index["keep"] = newest <= SNAPSHOTS_KEPT
    changed = index[(index["new"] & index["keep"]) | (~index["new"] & ~index["keep"])]
    touched = sorted(
        {(day, int(bucket)) for day, bucket in zip(changed["day"], changed["bucket"], strict=True)}
    )
    if not touched:
        return 0
    stored = lake.read(BASELINE, where=Where(partitions=touched))
    kept_keys = index[index["keep"]]
    rows = pa.concat_tables([stored, _in_partitions(fresh, touched)])
    rows = rows.filter(pa.array(_in_index(rows, kept_keys)))
    lake.replace(BASELINE, rows, where=Where(partitions=touched))
    return int((index["new"] & index["keep"]).sum())


def _partitions(rows: pa.Table) -> list[tuple[date, int]]:
    pairs = rows.select(["day", "bucket"]).group_by(["day", "bucket"]).aggregate([]).to_pydict()
    return sorted(zip(pairs["day"], pairs["bucket"], strict=True))


def _in_partitions(rows: pa.Table, partitions: Sequence[tuple[date, int]]) -> pa.Table:
    wanted = set(partitions)
    pairs = zip(rows["day"].to_pylist(), rows["bucket"].to_pylist(), strict=True)
    return rows.filter(pa.array([pair in wanted for pair in pairs], pa.bool_()))


def _row_keys(rows: pa.Table) -> list[tuple[object, ...]]:
    return list(zip(rows[SERIES_ID].to_pylist(), rows["day"].to_pylist(), strict=True))


def _named_in(rows: pa.Table, others: pa.Table) -> NDArray[np.bool_]:
    wanted = set(_row_keys(others))
    return np.array([key in wanted for key in _row_keys(rows)], dtype=bool)


def _in_index(rows: pa.Table, index: pd.DataFrame) -> NDArray[np.bool_]:
    wanted = set(index[[SERIES_ID, "day"]].itertuples(index=False, name=None))
    return np.array([key in wanted for key in _row_keys(rows)], dtype=bool)


def _mark(engine: Engine, pending: Sequence[_Pending], zones: Mapping[str, str], now: datetime) -> int:
    """Mark what was folded; a change whose last day has not ended keeps the part that is still to come."""
    waiting = 0
    at = int(now.timestamp())
    with transaction(engine) as session:
        for one in pending:
            row = session.get_one(TrafficChange, one.id)
            if row.folded_at is not None:
                continue
            zone = zones[one.tenant_id]
            days = local_days(zone, np.array([one.first, one.last], dtype=np.int64))
            days = np.arange(days[0], days[1] + 1, dtype=np.int64)
            open_days = days[midnights(zone, days + 1) > at]
            if not len(open_days):
                row.folded_at = now
                continue
            waiting += 1
            begin = int(midnights(zone, open_days[:1])[0])
            if begin > one.first:
                session.add(
                    TrafficChange(
                        tenant_id=one.tenant_id,
                        bucket=one.bucket,
                        first_interval=row.first_interval,
                        last_interval=datetime.fromtimestamp(begin, UTC) - timedelta(seconds=1),
                        recorded_at=row.recorded_at,
                        folded_at=now,
                        scored_at=row.scored_at,
                    )
                )
                row.first_interval = datetime.fromtimestamp(begin, UTC)
    return waiting
