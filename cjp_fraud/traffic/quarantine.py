"""Rows that cannot be used as they are: kept with reason, file and line, listed, erased."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from sqlalchemy import Engine

from cjp_fraud.storage.lake import Lake, Where, bucket_numbers
from cjp_fraud.storage.locks import process_lock
from cjp_fraud.traffic.model import Quarantined, Reason, Rejection, TenantTraffic
from cjp_fraud.traffic.schema import DELIVERED, LINE, QUARANTINE, REQUIRED, SOURCE, TENANT

TRAFFIC_LOCK = "traffic"
"""Held by everybody who changes intake, traffic or quarantine, from reading them to replacing them."""

DISAGREES = (
    "the file has another row for the same series, time and principal with other values; neither is used"
)
TOTAL_OR_REST = (
    "the row without principal_id may be the total of the rows with one, or the rest beside them, and its number does "
    "not say which; if it is the rest, give it a principal_id (any word); if it is the total, leave it out, or "
    "deliver it and all its parts in one file"
)
TOO_LATE = (
    "the interval is older than the rows kept as delivered; it can only be replaced as a whole: "
    "deliver all of its rows in one file"
)


def list_quarantine(
    lake: Lake,
    *,
    ids: Collection[str] | None = None,
    reason: Reason | None = None,
    tenant_id: str | None = None,
    limit: int | None = None,
) -> list[Quarantined]:
    """Return the rows in quarantine, by file and line.

    Parameters
    ----------
    ids, reason, tenant_id : only these.
    limit : at most so many.
    """
    rows = selected(lake, ids=ids, reason=reason, tenant_id=tenant_id)
    rows = rows.sort_by([(SOURCE, "ascending"), ("source_sha256", "ascending"), (LINE, "ascending")])
    return [
        Quarantined(
            quarantine_id=row["quarantine_id"],
            reason=Reason(row["reason"]),
            explanation=row["explanation"],
            source=row[SOURCE],
            source_sha256=row["source_sha256"],
            line=row[LINE],
            tenant_id=row[TENANT],
            content=json.loads(row["content"]),
            recorded_at=row["recorded_at"].astimezone(UTC),
        )
        for row in rows.slice(0, limit).to_pylist()
    ]


def tenants_quarantined(lake: Lake) -> set[str]:
    """Return the tenants named in the quarantined rows, on record or not."""
    return set(lake.read(QUARANTINE, columns=[TENANT])[TENANT].drop_null().to_pylist())


def purge_quarantine(lake: Lake, engine: Engine, tenant_ids: Collection[str]) -> dict[str, int]:
    """Erase tenants' rows from the quarantine, and from the disk; return how many there were, by tenant.

    For tenants whose deployment the provider does not run (offer description, clause 3). A broken line
    counts as a tenant's if one of its cells is the tenant's id.
    """
    if not tenant_ids:
        return {}
    with process_lock(engine, TRAFFIC_LOCK):
        ids = _ids_of_tenants(lake, tenant_ids)
        if ids:
            lake.delete(QUARANTINE, where=Where(equal={"quarantine_id": list(ids)}))
        # Also after a purge that was interrupted between the two: the content must be gone from the disk.
        lake.vacuum(QUARANTINE, keep=timedelta(0))
    counts = Counter(ids.values())
    return {tenant: counts[tenant] for tenant in tenant_ids if counts[tenant]}


def purge_excluded(lake: Lake, engine: Engine, tenants: Mapping[str, TenantTraffic]) -> dict[str, int]:
    """Erase the quarantined rows of every tenant whose deployment is excluded; return how many, by tenant.

    To be called whenever tenants were put on record: a row of an unknown tenant may now be one of a tenant
    whose deployment is excluded.
    """
    excluded = [name for name, tenant in tenants.items() if not tenant.deployment_accepted]
    return purge_quarantine(lake, engine, excluded)


def cells_of(line: str) -> tuple[str, ...]:
    """Return what the cells of a broken line seem to be, whatever separates them."""
    return tuple(cell.strip() for cell in re.split(r"[,;\t|]", line.replace('"', "")))


def selected(
    lake: Lake,
    *,
    ids: Collection[str] | None = None,
    reason: Reason | None = None,
    tenant_id: str | None = None,
) -> pa.Table:
    """Return the table's rows that meet every condition given."""
    equal: dict[str, Collection[str]] = {}
    if ids is not None:
        equal["quarantine_id"] = ids
    if reason is not None:
        equal["reason"] = [reason.value]
    if tenant_id is not None:
        equal[TENANT] = [tenant_id]
    return lake.read(QUARANTINE, where=Where(equal=equal))


def quarantine_rows(
    rejections: Iterable[Rejection], *, source: str, source_sha256: str, at: datetime, buckets: int
) -> pa.Table:
    """Return rejections as rows of the quarantine table."""
    rows = [
        {
            "quarantine_id": f"{source_sha256[:16]}-{rejection.line}",
            "reason": rejection.reason.value,
            "explanation": rejection.explanation,
            SOURCE: source,
            "source_sha256": source_sha256,
            LINE: rejection.line,
            TENANT: rejection.tenant_id,
            "content": json.dumps(rejection.content, ensure_ascii=False, default=_json),
            "recorded_at": at,
            "day": at.astimezone(UTC).date(),
        }
        for rejection in rejections
    ]
    columns = [name for name in QUARANTINE.schema.names if name != "bucket"]
    table = pa.Table.from_pylist(rows, schema=pa.schema([QUARANTINE.schema.field(name) for name in columns]))
    numbers = bucket_numbers(pc.fill_null(table[TENANT], ""), buckets)
    return table.append_column("bucket", pa.array(numbers, pa.int16()))


def rejected_rows(rows: pa.Table, reason: Reason, explanation: str) -> list[Rejection]:
    """Return rows of the intake's kind as rejections, for faults that are only seen beside other rows."""
    known = [name for name in DELIVERED.names if name in rows.column_names]
    names = [name for name in known if rows[name].null_count < len(rows)]
    return [
        Rejection(row[LINE], reason, explanation, row[TENANT], {name: row[name] for name in names})
        for row in rows.select([*names, LINE]).to_pylist()
    ]


def content_table(contents: Iterable[str]) -> pa.Table:
    """Return quarantined contents as texts under our column names, ready to be checked again."""
    rows = [json.loads(content) for content in contents]
    there = {name for row in rows for name in row}.union(REQUIRED)
    names = [name for name in DELIVERED.names if name in there]
    columns = {name: pa.array([_text(row.get(name)) for row in rows], pa.string()) for name in names}
    return pa.table(columns)


def _ids_of_tenants(lake: Lake, tenant_ids: Collection[str]) -> dict[str, str]:
    """Return the ids of these tenants' rows, each with its tenant."""
    rows = lake.read(QUARANTINE, columns=["quarantine_id", TENANT, "reason", "content"])
    theirs = rows.filter(pc.is_in(rows[TENANT], value_set=pa.array(list(tenant_ids), pa.string())))
    ids = dict(zip(theirs["quarantine_id"].to_pylist(), theirs[TENANT].to_pylist(), strict=True))
    broken = rows.filter(pc.equal(rows["reason"], Reason.MALFORMED.value))
    for row in broken.select(["quarantine_id", "content"]).to_pylist():
        named = set(tenant_ids).intersection(cells_of(json.loads(row["content"]).get("line", "")))
        if named:
            ids[row["quarantine_id"]] = min(named)
    return ids


def _text(value: Any) -> str | None:
    if value is None:
        return None
    if isinstance(value, dict):
        return json.dumps(value)
    if isinstance(value, list):
        # Written pair by pair: a dictionary would keep the last of two equal names.
        return f"{{{', '.join(f'{json.dumps(name)}: {json.dumps(count)}' for name, count in value)}}}"
    return str(value)


def _json(value: Any) -> Any:
    if isinstance(value, datetime | date):
        return value.isoformat()
    return str(value)
