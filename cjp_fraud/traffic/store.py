"""What was read, put into the lake and the database; and how long it is kept as it was delivered.

A row stays in the intake for 14 days after it came, and as long as anything newer came for the same day and
bucket; so a bulk load of old days is merged like any other, and minutes that come in two files are summed.
"""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from deltalake.exceptions import DeltaError
from sqlalchemy import Engine, select
from sqlalchemy.exc import OperationalError

from cjp_fraud.clock import aware
from cjp_fraud.progress import Report
from cjp_fraud.storage.database import reading, transaction
from cjp_fraud.storage.full_disk import FullDiskError, means_full_disk
from cjp_fraud.storage.lake import Lake, Where
from cjp_fraud.storage.locks import process_lock
from cjp_fraud.traffic.columns import days_of, stamps_of
from cjp_fraud.traffic.merge import Merged, merge
from cjp_fraud.traffic.model import Reason, Rejection, TenantTraffic
from cjp_fraud.traffic.quarantine import (
    DISAGREES,
    TOO_LATE,
    TOTAL_OR_REST,
    TRAFFIC_LOCK,
    quarantine_rows,
    rejected_rows,
)
from cjp_fraud.traffic.schema import BUCKET, DAY, INGESTED_AT, INTAKE, QUARANTINE, START, TENANT, TRAFFIC
from cjp_fraud.traffic.spool import Partition, Spool, SpoolFile, by_partition
from cjp_fraud.traffic.tables import TrafficChange
from cjp_fraud.traffic.usable_rows import ORDER

COUNTED = (
    "stored",
    "replaced",
    "unchanged",
    "taken_away",
    "intervals_changed",
    "outweighed",
    "parts_of_totals",
)
INTAKE_KEPT = timedelta(days=14)
_WHICH = ("quarantine_id", "reason")


def _show_nothing(done: int, total: int, what: str) -> None:
    """Show nothing."""


def _go_on(reached: str) -> None:
    """Go on."""


@dataclass(frozen=True)
class Delivery:
    """Where deliveries go, and by which rules.

    Parameters
    ----------
    lake, engine : the lake and the database.
    tenants : all tenants on record, by id.
    now : aware; future stamps and the age of the intake are counted from it.
    grid_seconds : the grid.
    report : called as work goes on.
    reached : called with the name of each step that has just been made durable: ``read``, ``marked``,
        ``intake``, ``traffic``, ``quarantine``.
    """

    lake: Lake
    engine: Engine
    tenants: Mapping[str, TenantTraffic]
    now: datetime
    grid_seconds: int = 300
    report: Report = _show_nothing
    reached: Callable[[str], None] = _go_on


@contextmanager
def full_disk_of_delivery(name: str, done: Sequence[str]) -> Iterator[None]:
    """Say what a full disk leaves behind; ``done`` are the tables that were committed before it."""
    try:
        yield
    except (OSError, DeltaError, OperationalError) as error:
        if not means_full_disk(error):
            raise
        stored = f"only part of {name} was stored" if done else f"nothing of {name} was stored"
        raise FullDiskError(
            f"the disk is full: {stored}. Make room (lake, database, {tempfile.gettempdir()}), then run the "
            "same command again; it completes what is missing and doubles nothing."
        ) from error


class Rejected:
    """The rejected rows of a delivery, on disk, and how many there are by reason."""

    def __init__(self, file: SpoolFile, into: Delivery) -> None:
        self.file = file
        self.reasons: Counter[str] = Counter()
        self._at = aware(into.now)
        self._buckets = into.lake.buckets

    def add(self, rejections: Sequence[Rejection], source: str, sha256: str) -> None:
        self.reasons.update(rejection.reason.value for rejection in rejections)
        self.file.add(
            quarantine_rows(
                rejections, source=source, source_sha256=sha256, at=self._at, buckets=self._buckets
            )
        )

    def add_merged(self, merged: Merged, origins: Sequence[tuple[str, str]]) -> None:
        """Add the rows whose fault is only seen beside other rows."""
        for rows, reason, why in (
            (merged.disagreeing, Reason.DISAGREES, DISAGREES),
            (merged.unclear, Reason.TOTAL_OR_REST, TOTAL_OR_REST),
            (merged.too_late, Reason.TOO_LATE, TOO_LATE),
        ):
            for order in np.unique(rows[ORDER].to_numpy()).tolist() if len(rows) else []:
                theirs = rows.filter(pc.equal(rows[ORDER], order))
                self.add(rejected_rows(theirs, reason, why), *origins[order])


def store(
    spool: Spool,
    rejected: Rejected,
    origins: Sequence[tuple[str, str]],
    into: Delivery,
    done: list[str],
    *,
    submitted: Collection[str] | None = None,
    corrects: bool = False,
) -> Counter[str]:
    """Merge what was spooled into the lake; the caller holds the lock. Committed tables are added to ``done``."""
    lake = into.lake
    counts: Counter[str] = Counter()
    changes = _Changes()
    intake = spool.file("intake", INTAKE.schema)
    traffic = spool.file("traffic", TRAFFIC.schema)
    touched: dict[str, list[Partition]] = {"intake": [], "traffic": []}
    chunks = spool.chunks()
    live = live_partitions(lake, now=into.now) if chunks else frozenset()
    for number, partitions in enumerate(chunks):
        merged = merge(
            spool.read(partitions),
            lake.read(INTAKE, where=Where(partitions=[pair for pair in partitions if pair in live])),
            lake.read(TRAFFIC, where=Where(partitions=partitions)),
            grid_seconds=into.grid_seconds,
            buckets=lake.buckets,
            corrects=corrects,
        )
        counts.update({name: getattr(merged, name) for name in COUNTED})
        touched["intake"] += _write_changed(intake, merged.intake, merged.intake_changed)
        touched["traffic"] += _write_changed(traffic, merged.traffic, merged.traffic_changed)
        changes.add(merged.marks)
        rejected.add_merged(merged, origins)
        into.report(number + 1, len(chunks), "merging")
        pa.default_memory_pool().release_unused()

    _record_changes(into.engine, changes, at=into.now)
    into.reached("marked")
    for name, table, file in (("intake", INTAKE, intake), ("traffic", TRAFFIC, traffic)):
        if touched[name]:
            lake.replace(table, file.stream, where=Where(partitions=touched[name]))
            done.append(name)
        into.reached(name)
    _store_rejected(lake, rejected.file, [sha256 for _, sha256 in origins], submitted)
    into.reached("quarantine")
    return counts


def _write_changed(file: SpoolFile, rows: pa.Table, changed: pa.Table) -> list[Partition]:
    pairs = [(row[DAY], row["bucket"]) for row in changed.to_pylist()]
    if pairs:
        file.add(by_partition(rows, pairs).sort_by([(DAY, "ascending"), ("bucket", "ascending")]))
    return pairs


def live_partitions(lake: Lake, *, now: datetime) -> frozenset[tuple[date, int]]:
    """Return the (day, bucket) partitions of the intake to which something came in the last 14 days before
    ``now``."""
    newest = _newest(lake)
    return frozenset(pair for pair, came in newest.items() if came >= aware(now) - INTAKE_KEPT)


def expire_intake(lake: Lake, engine: Engine, *, now: datetime) -> int:
    """Drop the partitions of the intake to which nothing came for 14 days; return how many."""
    with process_lock(engine, TRAFFIC_LOCK):
        expired = sorted(pair for pair, came in _newest(lake).items() if came < aware(now) - INTAKE_KEPT)
        if expired:
            lake.delete(INTAKE, where=Where(partitions=expired))
    return len(expired)


def changes_wait(engine: Engine) -> bool:
    """Return whether there are changed intervals that have not been scored since."""
    with reading(engine) as session:
        return (
            session.scalar(select(TrafficChange.id).where(TrafficChange.scored_at.is_(None)).limit(1))
            is not None
        )


def _store_rejected(
    lake: Lake, rejected: SpoolFile, sha256s: Sequence[str], submitted: Collection[str] | None = None
) -> None:
    """Commit the rejected rows of some files; nothing is written if the quarantine has exactly these.

    Parameters
    ----------
    lake : the lake; the caller holds the lock.
    rejected : rows of the quarantine table.
    sha256s : the content of the files that were checked.
    submitted : ids of the rows that were checked again (the files' others stay); ``None``: all of them.
    """
    of_files = Where(equal={"source_sha256": list(dict.fromkeys(sha256s))})
    there = lake.read(QUARANTINE, where=of_files, columns=_WHICH)
    if submitted is not None:
        staying = lake.read(QUARANTINE, where=of_files)
        again = pc.is_in(staying["quarantine_id"], value_set=pa.array(list(submitted), pa.string()))
        rows = pa.concat_tables([rejected.table(), staying.filter(pc.invert(again))])
        if not _same(rows, there):
            lake.replace(QUARANTINE, rows, where=of_files)
    elif len(there) == 0 and rejected.rows:
        lake.append(QUARANTINE, rejected.stream)
    elif len(there) != rejected.rows or not _same(rejected.table(_WHICH), there):
        lake.replace(QUARANTINE, rejected.stream, where=of_files)


def _same(rows: pa.Table, there: pa.Table) -> bool:
    if len(rows) != len(there):
        return False
    order = [(name, "ascending") for name in _WHICH]
    return bool(rows.select(_WHICH).sort_by(order).equals(there.select(_WHICH).sort_by(order)))


def _newest(lake: Lake) -> dict[tuple[date, int], datetime]:
    newest: dict[tuple[date, int], datetime] = {}
    files = lake.partitions(INTAKE)
    if len(files) == 0:
        return newest
    for row in files.select(["day", "bucket", f"max.{INGESTED_AT}"]).to_pylist():
        pair = (row["day"], row["bucket"])
        came = row[f"max.{INGESTED_AT}"].astimezone(UTC)
        newest[pair] = max(came, newest.get(pair, came))
    return newest


class _Changes:
    """Changed intervals, gathered by tenant and UTC day."""

    def __init__(self) -> None:
        self._days: dict[tuple[str, int], dict[int, tuple[datetime, datetime]]] = {}

    def add(self, marks: pa.Table) -> None:
        """Add changed intervals: columns ``tenant_id``, ``bucket``, ``interval_start``."""
        days = days_of(stamps_of(marks, START)).cast(pa.int32())
        grouped = (
            marks.append_column("number", days)
            .group_by([TENANT, BUCKET, "number"], use_threads=False)
            .aggregate([(START, "min"), (START, "max")])
        )
        for row in grouped.to_pylist():
            of_tenant = self._days.setdefault((row[TENANT], row[BUCKET]), {})
            first, last = row[f"{START}_min"], row[f"{START}_max"]
            before = of_tenant.get(row["number"], (first, last))
            of_tenant[row["number"]] = (min(first, before[0]), max(last, before[1]))

    def runs(self) -> list[tuple[str, int, datetime, datetime]]:
        """Return tenant, bucket, first and last changed interval for each run of consecutive UTC days."""
        runs: list[tuple[str, int, datetime, datetime]] = []
        for (tenant, bucket), days in sorted(self._days.items()):
            previous = None
            for number in sorted(days):
                first, last = (at.astimezone(UTC) for at in days[number])
                if previous is not None and number == previous + 1:
                    runs[-1] = (tenant, bucket, runs[-1][2], last)
                else:
                    runs.append((tenant, bucket, first, last))
                previous = number
        return runs


def _record_changes(engine: Engine, changes: _Changes, *, at: datetime) -> int:
    """Write the changed intervals to the database in one transaction; return the number of rows."""
    runs = changes.runs()
    if not runs:
        return 0
    with transaction(engine) as session:
        session.add_all(
            TrafficChange(
                tenant_id=tenant, bucket=bucket, first_interval=first, last_interval=last, recorded_at=at
            )
            for tenant, bucket, first, last in runs
        )
    return len(runs)
