"""Read from the lake the rows that a case is judged on: traffic and scores of the flagged series."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pyarrow as pa

from cjp_fraud.detection.lake_tables import DETECTION_TABLES
from cjp_fraud.review.evidence import ReadRows, RowsWanted
from cjp_fraud.storage.lake import Lake, LakeTable, Where
from cjp_fraud.traffic.schema import BUCKET, DAY, SECONDS, SERIES, START, TENANT, TRAFFIC

_KEY = (*SERIES[1:], SECONDS, START)
_LEFT_OUT = (TENANT, DAY, BUCKET)


def judged_rows(lake: Lake) -> ReadRows:
    """Return the reader of a lake, to be given to the determination."""
    scored = {table.name: table for table in DETECTION_TABLES if table.name == "scores"}
    tables = {"traffic": TRAFFIC} | scored

    def read(wanted: RowsWanted) -> Sequence[dict[str, Any]]:
        rows = []
        for name, table in tables.items():
            for row in _rows(lake, table, wanted):
                rows.append({"table": name, "lake_version": lake.version(table)} | row)
        return rows

    return read


def _rows(lake: Lake, table: LakeTable, wanted: RowsWanted) -> list[dict[str, Any]]:
    days = (wanted.start.date(), wanted.end.date() + timedelta(days=1))
    found: pa.Table = lake.read(
        table,
        days=days,
        buckets=[int(lake.bucket_of([wanted.tenant_id])[0])],
        where=Where(equal={TENANT: [wanted.tenant_id]}, between={START: (wanted.start, wanted.end)}),
    )
    series = {(one.channel, one.direction, one.application_id, one.interval_seconds) for one in wanted.series}
    rows = [
        {name: value for name, value in row.items() if name not in _LEFT_OUT and value is not None}
        | {name: row[name] for name in _KEY}
        for row in found.to_pylist()
        if tuple(row[name] for name in _KEY[:-1]) in series
    ]
    return sorted(rows, key=lambda row: tuple(str(row[name]) for name in (START, *_KEY[:-1])))
