"""How long rows are kept as delivered.

A row stays in the intake for 14 days after it came, and as long as anything newer came for the same day and
bucket; so a bulk load of old days is merged like any other, and minutes that come in two files are summed.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

from sqlalchemy import Engine

from cjp_fraud.clock import aware
from cjp_fraud.storage.lake import Lake, Where
from cjp_fraud.storage.locks import process_lock
from cjp_fraud.traffic.quarantine import TRAFFIC_LOCK
from cjp_fraud.traffic.schema import INGESTED_AT, INTAKE

INTAKE_KEPT = timedelta(days=14)


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
