"""From a source to the lake: read, check, merge, store; the same delivery again changes nothing.

A source is read and checked whole before anything of it is stored. Then, under one lock: the changed
intervals are
marked in the database, the intake is committed, the traffic, the quarantine. A kill between any two of
these is mended by running the same command again, because each step compares with what is there.
"""

from __future__ import annotations

import errno
import json
import re
import tempfile
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from deltalake.exceptions import DeltaError
from sqlalchemy import Engine
from sqlalchemy.exc import OperationalError

from cjp_fraud.clock import aware
from cjp_fraud.errors import StorageError
from cjp_fraud.progress import Report
from cjp_fraud.storage.lake import Lake, Where
from cjp_fraud.storage.locks import process_lock
from cjp_fraud.traffic.changes import Changes, record_changes
from cjp_fraud.traffic.checks import Checked, check_batch
from cjp_fraud.traffic.merge import ORDER, Merged, merge
from cjp_fraud.traffic.model import (
    IngestResult,
    Reason,
    Rejection,
    TenantTraffic,
    UnreadableFileError,
)
from cjp_fraud.traffic.quarantine import (
    DISAGREES,
    TOO_LATE,
    TOTAL_OR_REST,
    TRAFFIC_LOCK,
    cells_of,
    content_table,
    quarantine_rows,
    rejected_rows,
    selected,
)
from cjp_fraud.traffic.rejected import store_rejected
from cjp_fraud.traffic.retention import live_partitions
from cjp_fraud.traffic.schema import DAY, INTAKE, LINE, QUARANTINE, SOURCE, TRAFFIC
from cjp_fraud.traffic.sources.files import FileSource
from cjp_fraud.traffic.sources.model import BrokenLine, SourceBatch, TrafficSource, readable_name
from cjp_fraud.traffic.spool import Partition, Spool, SpoolFile, by_partition

COUNTED = ("stored", "replaced", "unchanged", "outweighed", "parts_of_totals")
DISK_FULL = re.compile(r"no space left|os error 28|disk is full|disk quota", re.IGNORECASE)


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


def ingest_source(source: TrafficSource, into: Delivery, *, complete: bool = False) -> IngestResult:
    """Take in one source; the same again changes nothing, a later one replaces what an earlier one said.

    Parameters
    ----------
    source : where the rows come from.
    into : where to.
    complete : the source leaves out intervals without contacts: missing ones inside a series' span are zero.

    Raises
    ------
    BadInputError
        If the source cannot be used as a whole; nothing of it is stored.
    StorageError
        If the disk is full; says whether anything was stored.
    """
    at = aware(into.now)
    done: list[str] = []
    with (
        _full_disk_named(source.name, done),
        Spool(buckets=into.lake.buckets, at=at, complete=complete) as spool,
    ):
        rejected = _Rejected(spool.file("rejected", QUARANTINE.schema), into)
        read = refused = 0
        for batch in source.batches():
            checked = _check(source, batch, into)
            spool.add(
                checked.accepted,
                source=source.name,
                order=0,
                columns=source.columns,
                unusable=checked.unusable,
            )
            rejected.add(checked.rejected, source.name, source.sha256)
            read += checked.read
            refused += checked.refused
            into.report(read, 0, "reading")
        into.reached("read")
        with process_lock(into.engine, TRAFFIC_LOCK):
            origin = (source.name, source.sha256)
            counts = _store(spool, rejected, [origin], into, done, corrects=source.corrects)
    return _result([source.name], counts, rejected, read=read, refused=refused)


def ingest_files(
    paths: Sequence[Path],
    into: Delivery,
    *,
    mapping: Mapping[str, str] | None = None,
    complete: bool = False,
    corrects: bool = False,
) -> IngestResult:
    """Take in files one after the other; see :func:`ingest_source`.

    Parameters
    ----------
    paths : CSV, gzipped CSV or Parquet.
    mapping : ``{theirs: ours}``.
    corrects : see :class:`cjp_fraud.traffic.sources.model.TrafficSource`.

    Raises
    ------
    BadInputError
        If a file cannot be used as a whole; nothing of it is stored, the files before it are.
    """
    result = IngestResult()
    for path in paths:
        result += ingest_source(FileSource(path, mapping, corrects=corrects), into, complete=complete)
    return result


def _check(source: TrafficSource, batch: SourceBatch, into: Delivery) -> Checked:
    try:
        return check_batch(batch, into.tenants, now=into.now)
    except (pa.ArrowException, ValueError, TypeError) as error:
        # A type that nobody thought of is the source's fault, and no reason to stop the sources behind it.
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0][:200]
        raise UnreadableFileError(
            f"{source.name} has values of a kind that cannot be checked ({readable_name(reason, 200)}). "
            "Nothing was stored."
        ) from error


@contextmanager
def _full_disk_named(name: str, done: Sequence[str]) -> Iterator[None]:
    """Say what a full disk leaves behind; ``done`` are the tables that were committed before it."""
    try:
        yield
    except (OSError, DeltaError, OperationalError) as error:
        if not (getattr(error, "errno", None) == errno.ENOSPC or DISK_FULL.search(str(error))):
            raise
        stored = f"only part of {name} was stored" if done else f"nothing of {name} was stored"
        raise StorageError(
            f"the disk is full: {stored}. Make room (lake, database, {tempfile.gettempdir()}), then run the "
            "same command again; it completes what is missing and doubles nothing."
        ) from error


def resubmit_quarantined(
    into: Delivery,
    *,
    ids: Collection[str] | None = None,
    reason: Reason | None = None,
    tenant_id: str | None = None,
) -> IngestResult:
    """Check quarantined rows again and store those that can now be used; the others stay.

    Rows of tenants that turn out to be excluded are erased and counted as refused. Rows of different files
    count as delivered in the order in which the files came.

    Parameters
    ----------
    into : where to.
    ids, reason, tenant_id : only these rows; default all.
    """
    at = aware(into.now)
    buckets = into.lake.buckets
    done: list[str] = []
    with (
        _full_disk_named("the rows submitted", done),
        process_lock(into.engine, TRAFFIC_LOCK),
        Spool(buckets=buckets, at=at) as spool,
    ):
        chosen = selected(into.lake, ids=ids, reason=reason, tenant_id=tenant_id)
        first_come = [("recorded_at", "ascending"), ("source_sha256", "ascending"), (LINE, "ascending")]
        chosen = chosen.sort_by(first_come)
        deliveries = chosen.group_by(["source_sha256", SOURCE], use_threads=False).aggregate([]).to_pylist()
        origins = [(row[SOURCE], row["source_sha256"]) for row in deliveries]
        rejected = _Rejected(spool.file("rejected", QUARANTINE.schema), into)
        refused = 0
        for order, (name, sha) in enumerate(origins):
            rows = chosen.filter(pc.equal(chosen["source_sha256"], sha))
            batch = _as_delivered(rows)
            checked = check_batch(batch, into.tenants, now=at)
            columns = batch.rows.column_names
            spool.add(checked.accepted, source=name, order=order, columns=columns, unusable=checked.unusable)
            rejected.add(checked.rejected, name, sha)
            refused += checked.refused
        chosen_ids = set(chosen["quarantine_id"].to_pylist())
        counts = _store(spool, rejected, origins, into, done, submitted=chosen_ids)
    names = dict.fromkeys(name for name, _ in origins)
    return _result(names, counts, rejected, read=len(chosen), refused=refused)


class _Rejected:
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
        """Add the rows whose fault shows only beside other rows."""
        for rows, reason, why in (
            (merged.disagreeing, Reason.DISAGREES, DISAGREES),
            (merged.unclear, Reason.TOTAL_OR_REST, TOTAL_OR_REST),
            (merged.too_late, Reason.TOO_LATE, TOO_LATE),
        ):
            for order in np.unique(rows[ORDER].to_numpy()).tolist() if len(rows) else []:
                theirs = rows.filter(pc.equal(rows[ORDER], order))
                self.add(rejected_rows(theirs, reason, why), *origins[order])


def _result(
    names: Iterable[str], counts: Counter[str], rejected: _Rejected, *, read: int, refused: int
) -> IngestResult:
    return IngestResult(
        files=tuple(names),
        read=read,
        quarantined=rejected.reasons.total(),
        refused=refused,
        reasons=dict(rejected.reasons),
        **{name: counts[name] for name in COUNTED},
    )


def _store(
    spool: Spool,
    rejected: _Rejected,
    origins: Sequence[tuple[str, str]],
    into: Delivery,
    done: list[str],
    *,
    submitted: Collection[str] | None = None,
    corrects: bool = False,
) -> Counter[str]:
    """Merge what was spooled into the lake; the caller holds the lock. ``done`` takes what was committed."""
    lake = into.lake
    counts: Counter[str] = Counter()
    changes = Changes()
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

    record_changes(into.engine, changes, at=into.now)
    into.reached("marked")
    for name, table, file in (("intake", INTAKE, intake), ("traffic", TRAFFIC, traffic)):
        if touched[name]:
            lake.replace(table, file.stream, where=Where(partitions=touched[name]))
            done.append(name)
        into.reached(name)
    store_rejected(lake, rejected.file, [sha256 for _, sha256 in origins], submitted)
    into.reached("quarantine")
    return counts


def _write_changed(file: SpoolFile, rows: pa.Table, changed: pa.Table) -> list[Partition]:
    pairs = [(row[DAY], row["bucket"]) for row in changed.to_pylist()]
    if pairs:
        file.add(by_partition(rows, pairs).sort_by([(DAY, "ascending"), ("bucket", "ascending")]))
    return pairs


def _as_delivered(rows: pa.Table) -> SourceBatch:
    """Return quarantined rows of one file as the batch that they were; broken lines stay broken."""
    is_broken = np.array([reason == Reason.MALFORMED for reason in rows["reason"].to_pylist()], bool)
    whole = rows.filter(pa.array(~is_broken))
    broken = [
        BrokenLine(row[LINE], text, cells_of(text), row["explanation"].partition(": ")[2])
        for row in rows.filter(pa.array(is_broken)).to_pylist()
        for text in [_broken_text(row["content"])]
    ]
    return SourceBatch(content_table(whole["content"].to_pylist()), whole[LINE].to_numpy(), tuple(broken))


def _broken_text(content: str) -> str:
    return str(json.loads(content)["line"])
