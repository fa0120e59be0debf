"""Read from the lake the rows that a case is decided on: traffic and scores of the flagged series."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from cjp_fraud.detection.lake_tables import SCORES
from cjp_fraud.review.evidence import ReadRows, RowsWanted
from cjp_fraud.storage.lake import Lake, LakeTable, Where
from cjp_fraud.traffic.schema import APPLICATION, BUCKET, DAY, SERIES_ID, START, TENANT, TRAFFIC

_LEFT_OUT = (TENANT, DAY, BUCKET)


def evidence_rows(lake: Lake) -> ReadRows:
    """Return the reader of a lake, to be given to the determination."""

    def read(wanted: RowsWanted) -> Sequence[dict[str, Any]]:
        evidence: list[dict[str, Any]] = []
        for table in (TRAFFIC, SCORES):
            origin = {"table": table.name, "lake_version": lake.version(table)}
            evidence += [origin | row for row in _rows(lake, table, wanted)]
        return evidence

    return read


def _rows(lake: Lake, table: LakeTable, wanted: RowsWanted) -> list[dict[str, Any]]:
    """The table's rows of the wanted series by start and series, without null values (except the application's)."""
    rows = lake.read(
        table,
        days=(wanted.start.date(), wanted.end.date() + timedelta(days=1)),
        buckets=[int(lake.bucket_of([wanted.tenant_id])[0])],
        where=Where(
            equal={TENANT: [wanted.tenant_id], SERIES_ID: wanted.series_ids},
            between={START: (wanted.start, wanted.end)},
        ),
    ).sort_by([(START, "ascending"), (SERIES_ID, "ascending")])
    return [
        {
            name: value
            for name, value in row.items()
            if name not in _LEFT_OUT and (value is not None or name == APPLICATION)
        }
        for row in rows.to_pylist()
    ]
