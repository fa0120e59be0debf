"""From a delivered file to the lake: read, check, merge, store; the same file again changes nothing.

A file is read and checked whole before anything of it is stored. Then, under one lock: the changed
intervals are
marked in the database, the intake is committed, the traffic, the quarantine. A kill between any two of
these is mended by running the same command again, because each step compares with what is there.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from sqlalchemy import Engine

from cjp_fraud.clock import aware
from cjp_fraud.errors import CjpFraudError
from cjp_fraud.storage.lake import Lake, Where
from cjp_fraud.storage.locks import exclusive
from cjp_fraud.traffic.changes import Changes, record_changes
from cjp_fraud.traffic.checks import Rejection, TenantTraffic, check_batch
from cjp_fraud.traffic.merge import ORDER, Merged, merge
from cjp_fraud.traffic.quarantine import (
    DISAGREES,
    TOO_LATE,
    TRAFFIC_LOCK,
    content_table,
    quarantine_rows,
    rejected_rows,
    selected,
)
from cjp_fraud.traffic.rejected import store_rejected
from cjp_fraud.traffic.retention import live_partitions
from cjp_fraud.traffic.schema import DAY, INTAKE, LINE, QUARANTINE, SOURCE, TRAFFIC, Reason
from cjp_fraud.traffic.sources.csv import open_source
from cjp_fraud.traffic.sources.model import BrokenLine, SourceBatch, fingerprint, refuse_changed
from cjp_fraud.traffic.spool import Partition, Progress, Spool, SpoolFile, by_partition


@dataclass(frozen=True)
class IngestResult:
    """What became of the rows read: ``read`` is the sum of the other five.

    Parameters
    ----------
    files : names, in order.
    read : rows in the files.
    stored : new keys.
    replaced : keys whose values changed.
    unchanged : keys that were there with the same values.
    quarantined : rows that cannot be used as they are.
    refused : rows of deployments that the provider does not run; nothing of them is kept.
    reasons : quarantined rows by reason.
    """

    files: tuple[str, ...] = ()
    read: int = 0
    stored: int = 0
    replaced: int = 0
    unchanged: int = 0
    quarantined: int = 0
    refused: int = 0
    reasons: Mapping[str, int] = field(default_factory=dict)

    def __add__(self, other: IngestResult) -> IngestResult:
        return IngestResult(
            files=self.files + other.files,
            read=self.read + other.read,
            stored=self.stored + other.stored,
            replaced=self.replaced + other.replaced,
            unchanged=self.unchanged + other.unchanged,
            quarantined=self.quarantined + other.quarantined,
            refused=self.refused + other.refused,
            reasons=dict(Counter(self.reasons) + Counter(other.reasons)),
        )


def _no_progress(doing: str, done: int, total: int) -> None:
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
    progress : called as work goes on.
    reached : called with the name of each step that has just been made durable: ``read``, ``marked``,
        ``intake``, ``traffic``, ``quarantine``.
    """

    lake: Lake
    engine: Engine
    tenants: Mapping[str, TenantTraffic]
    now: datetime
    grid_seconds: int = 300
    progress: Progress = _no_progress
    reached: Callable[[str], None] = _go_on


def ingest_files(
    paths: Sequence[Path], into: Delivery, *, mapping: Mapping[str, str] | None = None, complete: bool = False
) -> IngestResult:
    """Ingest files one after the other; a later one replaces what an earlier one said.

    Parameters
    ----------
    paths : CSV, gzipped CSV or Parquet.
    into : where to.
    mapping : ``{theirs: ours}``.
    complete : the source leaves out intervals without contacts: missing ones inside a series' span are zero.

    Raises
    ------
    BadInputError
        If a file cannot be used as a whole; nothing of it is stored, the files before it are.
    """
    result = IngestResult()
    for path in paths:
        result += ingest_file(path, into, mapping=mapping, complete=complete)
    return result


def ingest_file(
    path: Path, into: Delivery, *, mapping: Mapping[str, str] | None = None, complete: bool = False
) -> IngestResult:
    """Ingest one file; see :func:`ingest_files`."""
    before = fingerprint(path)
    at = aware(into.now)
    with Spool(buckets=into.lake.buckets, at=at, complete=complete) as spool:
        rejected = spool.file("rejected", QUARANTINE.schema)
        reasons: Counter[str] = Counter()
        read = refused = 0
        try:
            source = open_source(path, mapping or {})
            for batch in source.batches():
                checked = check_batch(batch, into.tenants, now=at)
                spool.add(
                    checked.accepted,
                    source=path.name,
                    order=0,
                    columns=source.columns,
                    unusable=checked.unusable,
                )
                _reject(rejected, checked.rejected, path.name, before.sha256, into, reasons)
                read += checked.read
                refused += checked.refused
                into.progress("reading", read, 0)
        except CjpFraudError:
            # What went wrong may be the doing of whoever writes the file at this moment: say that first.
            refuse_changed(path, before)
            raise
        refuse_changed(path, before)
        into.reached("read")
        with exclusive(into.engine, TRAFFIC_LOCK):
            counts = _store(spool, rejected, [(path.name, before.sha256)], into, reasons)
    return IngestResult(
        files=(path.name,),
        read=read,
        stored=counts.stored,
        replaced=counts.replaced,
        unchanged=counts.unchanged,
        quarantined=reasons.total(),
        refused=refused,
        reasons=dict(reasons),
    )


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
    with exclusive(into.engine, TRAFFIC_LOCK), Spool(buckets=buckets, at=at) as spool:
        chosen = selected(into.lake, ids=ids, reason=reason, tenant_id=tenant_id)
        first_come = [("recorded_at", "ascending"), ("source_sha256", "ascending"), (LINE, "ascending")]
        chosen = chosen.sort_by(first_come)
        deliveries = chosen.group_by(["source_sha256", SOURCE], use_threads=False).aggregate([]).to_pylist()
        files = [(row[SOURCE], row["source_sha256"]) for row in deliveries]
        rejected = spool.file("rejected", QUARANTINE.schema)
        reasons: Counter[str] = Counter()
        refused = 0
        for order, (name, sha) in enumerate(files):
            rows = chosen.filter(pc.equal(chosen["source_sha256"], sha))
            batch = _as_delivered(rows)
            checked = check_batch(batch, into.tenants, now=at)
            columns = batch.rows.column_names
            spool.add(checked.accepted, source=name, order=order, columns=columns, unusable=checked.unusable)
            _reject(rejected, checked.rejected, name, sha, into, reasons)
            refused += checked.refused
        chosen_ids = set(chosen["quarantine_id"].to_pylist())
        counts = _store(spool, rejected, files, into, reasons, submitted=chosen_ids)
    return IngestResult(
        files=tuple(dict.fromkeys(name for name, _ in files)),
        read=len(chosen),
        stored=counts.stored,
        replaced=counts.replaced,
        unchanged=counts.unchanged,
        quarantined=reasons.total(),
        refused=refused,
        reasons=dict(reasons),
    )


@dataclass
class _Counts:
    stored: int = 0
    replaced: int = 0
    unchanged: int = 0


def _store(
    spool: Spool,
    rejected: SpoolFile,
    files: Sequence[tuple[str, str]],
    into: Delivery,
    reasons: Counter[str],
    *,
    submitted: Collection[str] | None = None,
) -> _Counts:
    """Merge what was spooled into the lake; the caller holds the lock."""
    lake = into.lake
    counts = _Counts()
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
        )
        counts.stored += merged.stored
        counts.replaced += merged.replaced
        counts.unchanged += merged.unchanged
        touched["intake"] += _write_changed(intake, merged.intake, merged.intake_changed)
        touched["traffic"] += _write_changed(traffic, merged.traffic, merged.traffic_changed)
        changes.add(merged.marks)
        _reject_merged(rejected, merged, files, into, reasons)
        into.progress("merging", number + 1, len(chunks))
        pa.default_memory_pool().release_unused()

    record_changes(into.engine, changes, at=into.now)
    into.reached("marked")
    if touched["intake"]:
        lake.replace(INTAKE, intake.stream, where=Where(partitions=touched["intake"]))
    into.reached("intake")
    if touched["traffic"]:
        lake.replace(TRAFFIC, traffic.stream, where=Where(partitions=touched["traffic"]))
    into.reached("traffic")
    store_rejected(lake, rejected, [sha for _, sha in files], submitted)
    into.reached("quarantine")
    return counts


def _write_changed(file: SpoolFile, rows: pa.Table, changed: pa.Table) -> list[Partition]:
    pairs = [(row[DAY], row["bucket"]) for row in changed.to_pylist()]
    if pairs:
        file.add(by_partition(rows, pairs).sort_by([(DAY, "ascending"), ("bucket", "ascending")]))
    return pairs


def _reject(
    rejected: SpoolFile,
    rejections: Sequence[Rejection],
    source: str,
    sha: str,
    into: Delivery,
    reasons: Counter[str],
) -> None:
    reasons.update(rejection.reason.value for rejection in rejections)
    at = aware(into.now)
    rejected.add(
        quarantine_rows(rejections, source=source, source_sha256=sha, at=at, buckets=into.lake.buckets)
    )


def _reject_merged(
    rejected: SpoolFile,
    merged: Merged,
    files: Sequence[tuple[str, str]],
    into: Delivery,
    reasons: Counter[str],
) -> None:
    for rows, reason, why in (
        (merged.disagreeing, Reason.DISAGREES, DISAGREES),
        (merged.too_late, Reason.TOO_LATE, TOO_LATE),
    ):
        for order in np.unique(rows[ORDER].to_numpy()).tolist() if len(rows) else []:
            source, sha = files[order]
            theirs = rows.filter(pc.equal(rows[ORDER], order))
            _reject(rejected, rejected_rows(theirs, reason, why), source, sha, into, reasons)


def _as_delivered(rows: pa.Table) -> SourceBatch:
    """Return quarantined rows of one file as the batch that they were; broken lines stay broken."""
    is_broken = np.array([reason == Reason.MALFORMED for reason in rows["reason"].to_pylist()], bool)
    whole = rows.filter(pa.array(~is_broken))
    broken = [
        BrokenLine(
            row[LINE], text, tuple(text.replace('"', "").split(",")), row["explanation"].partition(": ")[2]
        )
        for row in rows.filter(pa.array(is_broken)).to_pylist()
        for text in [_broken_text(row["content"])]
    ]
    return SourceBatch(content_table(whole["content"].to_pylist()), whole[LINE].to_numpy(), tuple(broken))


def _broken_text(content: str) -> str:
    return str(json.loads(content)["line"])
