"""The traffic schema: columns, types, ranges, and the lake tables of this domain."""

from __future__ import annotations

import pyarrow as pa

from cjp_fraud.storage.lake import UTC_STAMP, LakeTable

CHANNELS = ("voice", "chat", "email", "sms", "social")
DIRECTIONS = ("inbound", "outbound")

SERIES_ID = "series_id"
TENANT = "tenant_id"
CHANNEL = "channel"
DIRECTION = "direction"
APPLICATION = "application_id"
PRINCIPAL = "principal_id"
START = "interval_start"
SECONDS = "interval_seconds"
OFFERED = "contacts_offered"
PEAK = "contacts_peak"
SHARE = "top_destination_share"
COUNTRIES = "countries"
COVERED = "seconds_covered"
DAY = "day"
BUCKET = "bucket"
IMPLIED = "implied"
SOURCE = "source"
LINE = "line"
INGESTED_AT = "ingested_at"

SERIES = (TENANT, CHANNEL, DIRECTION, APPLICATION)
REQUIRED = (TENANT, START, SECONDS, CHANNEL, DIRECTION, OFFERED)

SUMMED = (
    OFFERED,
    "contacts_connected",
    "contacts_abandoned",
    "contacts_failed",
    "contacts_short",
    "connected_seconds",
    "contacts_international",
    "contacts_high_risk",
    "new_destinations",
    "invalid_destinations",
    "charge_cents",
)
"""Add up over shorter intervals and over principals (a destination is new only once)."""

LARGEST = (PEAK, "peak_concurrent", "agents_active", "distinct_destinations", "distinct_origins")
"""Distinct things and busiest moments. Where intervals are put together, the largest value is taken: the true one is
at least that."""

COUNTS = tuple(name for name in (*SUMMED, *LARGEST) if name != "connected_seconds")
"""Whole numbers, never negative."""

METRICS: dict[str, pa.DataType] = {
    "contacts_offered": pa.int64(),
    "contacts_connected": pa.int64(),
    "contacts_abandoned": pa.int64(),
    "contacts_failed": pa.int64(),
    "contacts_peak": pa.int64(),
    "contacts_short": pa.int64(),
    "connected_seconds": pa.float64(),
    "peak_concurrent": pa.int64(),
    "agents_active": pa.int64(),
    "contacts_international": pa.int64(),
    "contacts_high_risk": pa.int64(),
    "distinct_destinations": pa.int64(),
    "new_destinations": pa.int64(),
    "invalid_destinations": pa.int64(),
    "top_destination_share": pa.float64(),
    "distinct_origins": pa.int64(),
    "countries": pa.map_(pa.string(), pa.int64()),
    "charge_cents": pa.int64(),
}

DELIVERED = pa.schema(
    [
        (TENANT, pa.string()),
        (CHANNEL, pa.string()),
        (DIRECTION, pa.string()),
        (APPLICATION, pa.string()),
        (PRINCIPAL, pa.string()),
        (SECONDS, pa.int32()),
        (START, UTC_STAMP),
        *METRICS.items(),
    ]
)
"""A row as delivered, at its own step."""

INTAKE = LakeTable(
    "intake",
    pa.schema(
        [
            (SERIES_ID, pa.string()),
            *DELIVERED,
            (IMPLIED, pa.bool_()),
            (SOURCE, pa.string()),
            (LINE, pa.int64()),
            (INGESTED_AT, UTC_STAMP),
            (DAY, pa.date32()),
            (BUCKET, pa.int16()),
        ]
    ),
    stats_columns=(TENANT, START, INGESTED_AT),
)
"""Rows as delivered; key: series, step, stamp, principal. ``series_id`` is that of the traffic row that the
row goes into; ``implied``: a zero that a complete source left out."""

TRAFFIC = LakeTable(
    "traffic",
    pa.schema(
        [
            (SERIES_ID, pa.string()),
            (TENANT, pa.string()),
            (CHANNEL, pa.string()),
            (DIRECTION, pa.string()),
            (APPLICATION, pa.string()),
            (SECONDS, pa.int32()),
            (START, UTC_STAMP),
            *METRICS.items(),
            (COVERED, pa.int32()),
            (DAY, pa.date32()),
            (BUCKET, pa.int16()),
        ]
    ),
    stats_columns=(TENANT, START),
)
"""A series' grid interval. The detection brings counts to the whole interval where ``seconds_covered`` is less than its
length; it is unknown to it under half, and while it is still open."""

QUARANTINE = LakeTable(
    "quarantine",
    pa.schema(
        [
            ("quarantine_id", pa.string()),
            ("reason", pa.string()),
            ("explanation", pa.string()),
            (SOURCE, pa.string()),
            ("source_sha256", pa.string()),
            (LINE, pa.int64()),
            (TENANT, pa.string()),
            ("content", pa.string()),
            ("recorded_at", UTC_STAMP),
            (DAY, pa.date32()),
            (BUCKET, pa.int16()),
        ]
    ),
    stats_columns=("recorded_at",),
)
"""Rejected rows with their content (JSON), erasable: no content and no tenant in the table's log."""

TRAFFIC_TABLES = (INTAKE, TRAFFIC, QUARANTINE)
