"""From a source to the lake: read, check, merge, store; the same delivery again changes nothing.

A source is read and checked whole before anything of it is stored. Then, under one lock, the changed intervals
are marked in the database, and intake, traffic and quarantine are committed one after the other. After a kill
between any two of these the same command completes the rest, because each step compares with what is there.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection, Iterable

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from cjp_fraud.clock import aware
from cjp_fraud.storage.locks import process_lock
from cjp_fraud.traffic.checks import Checked, check_batch
from cjp_fraud.traffic.model import IngestResult, Reason, UnreadableFileError
from cjp_fraud.traffic.quarantine import TRAFFIC_LOCK, cells_of, content_table, selected
from cjp_fraud.traffic.schema import LINE, QUARANTINE, SOURCE
from cjp_fraud.traffic.sources.model import BrokenLine, SourceBatch, TrafficSource, readable_name
from cjp_fraud.traffic.spool import Spool
from cjp_fraud.traffic.store import COUNTED, Delivery, Rejected, full_disk_of_delivery, store


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
        full_disk_of_delivery(source.name, done),
        Spool(buckets=into.lake.buckets, at=at, complete=complete) as spool,
    ):
        rejected = Rejected(spool.file("rejected", QUARANTINE.schema), into)
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
            counts = store(spool, rejected, [origin], into, done, corrects=source.corrects)
    return _result([source.name], counts, rejected, read=read, refused=refused, ignored=source.ignored)


def ingest_sources(
    sources: Iterable[TrafficSource], into: Delivery, *, complete: bool = False
) -> IngestResult:
    """Take sources in one after the other, and return the sum of their counts; see :func:`ingest_source`.

    Raises
    ------
    BadInputError
        If a source cannot be used as a whole; nothing of it is stored, the sources before it are.
    """
    result = IngestResult()
    for source in sources:
        result += ingest_source(source, into, complete=complete)
    return result


def _check(source: TrafficSource, batch: SourceBatch, into: Delivery) -> Checked:
    try:
        return check_batch(batch, into.tenants, now=into.now)
    except (pa.ArrowException, ValueError, TypeError) as error:
        # A type that was not foreseen refuses this source, and must not stop those that come after it.
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0][:200]
        raise UnreadableFileError(
            f"{source.name} has values of a kind that cannot be checked ({readable_name(reason, 200)}). "
            "Nothing was stored."
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
        full_disk_of_delivery("the rows submitted", done),
        process_lock(into.engine, TRAFFIC_LOCK),
        Spool(buckets=buckets, at=at) as spool,
    ):
        chosen = selected(into.lake, ids=ids, reason=reason, tenant_id=tenant_id)
        first_come = [("recorded_at", "ascending"), ("source_sha256", "ascending"), (LINE, "ascending")]
        chosen = chosen.sort_by(first_come)
        deliveries = chosen.group_by(["source_sha256", SOURCE], use_threads=False).aggregate([]).to_pylist()
        origins = [(row[SOURCE], row["source_sha256"]) for row in deliveries]
        rejected = Rejected(spool.file("rejected", QUARANTINE.schema), into)
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
        counts = store(spool, rejected, origins, into, done, submitted=chosen_ids)
    names = dict.fromkeys(name for name, _ in origins)
    return _result(names, counts, rejected, read=len(chosen), refused=refused)


def _result(
    names: Iterable[str],
    counts: Counter[str],
    rejected: Rejected,
    *,
    read: int,
    refused: int,
    ignored: tuple[str, ...] = (),
) -> IngestResult:
    return IngestResult(
        files=tuple(names),
        read=read,
        quarantined=rejected.reasons.total(),
        refused=refused,
        reasons=dict(rejected.reasons),
        ignored=ignored,
        **{name: counts[name] for name in COUNTED},
    )


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
