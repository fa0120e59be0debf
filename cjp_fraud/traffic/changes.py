"""Which intervals changed, told to those that must fold or score them again."""

from __future__ import annotations

from datetime import UTC, datetime

import pyarrow as pa
from sqlalchemy import Engine, select

from cjp_fraud.storage.database import reading, transaction
from cjp_fraud.traffic.columns import days_of, stamps_of
from cjp_fraud.traffic.schema import BUCKET, START, TENANT
from cjp_fraud.traffic.tables import TrafficChange


class Changes:
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
        found: list[tuple[str, int, datetime, datetime]] = []
        for (tenant, bucket), days in sorted(self._days.items()):
            previous = None
            for number in sorted(days):
                first, last = (at.astimezone(UTC) for at in days[number])
                if previous is not None and number == previous + 1:
                    found[-1] = (tenant, bucket, found[-1][2], last)
                else:
                    found.append((tenant, bucket, first, last))
                previous = number
        return found


def record_changes(engine: Engine, changes: Changes, *, at: datetime) -> int:
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


def changes_wait(engine: Engine) -> bool:
    """Return whether there are changed intervals that have not been scored since."""
    with reading(engine) as session:
        return (
            session.scalar(select(TrafficChange.id).where(TrafficChange.scored_at.is_(None)).limit(1))
            is not None
        )
