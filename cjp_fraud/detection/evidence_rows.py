"""Read from the lake the rows that a case is decided on: traffic and scores of the flagged series, and by principal."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from math import isnan
from operator import itemgetter
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from cjp_fraud.detection.lake_tables import BASELINE, CLOCK_SCORES, SCORES
from cjp_fraud.review.evidence import ReadRows, RowsWanted
from cjp_fraud.review.frozen_traffic import USUAL_LEVEL
from cjp_fraud.review.principals import PrincipalRows, PrincipalsWanted, ReadPrincipals
from cjp_fraud.storage.lake import Lake, LakeTable, Where
from cjp_fraud.traffic.schema import (
    APPLICATION,
    BUCKET,
    CHANNEL,
    DAY,
    DIRECTION,
    INTAKE,
    OFFERED,
    PRINCIPAL,
    SECONDS,
    SERIES_ID,
    START,
    TENANT,
    TRAFFIC,
)
from cjp_fraud.traffic.store import INTAKE_KEPT

_LEFT_OUT = (TENANT, DAY, BUCKET)
_SERIES = (SERIES_ID, CHANNEL, DIRECTION, APPLICATION, SECONDS)
_SNAPSHOTS = timedelta(days=7)
"""How old the newest snapshot of a series may be for what is usual of it."""


def evidence_rows(lake: Lake) -> ReadRows:
    """Return the reader of a lake, to be given to the determination."""

    def read(wanted: RowsWanted) -> Sequence[dict[str, Any]]:
        evidence: list[dict[str, Any]] = []
        for table in (TRAFFIC, SCORES, CLOCK_SCORES):
            origin = {"table": table.name, "lake_version": lake.version(table)}
            evidence += [origin | row for row in _rows(lake, table, wanted)]
        return evidence + _usual_levels(lake, wanted)

    return read


def principal_rows(lake: Lake) -> ReadPrincipals:
    """Return the reader of a lake's intake, to be given to what opens cases."""

    def read(wanted: PrincipalsWanted) -> PrincipalRows:
        first = min(start for _, start, _ in wanted.intervals)
        last = max(end for _, _, end in wanted.intervals)
        flagged = defaultdict(list)
        for series, start, end in wanted.intervals:
            flagged[series].append((start, end))
        rows = [
            row
            for row in _by_principal(lake, wanted.tenant_id, flagged, first, last).to_pylist()
            if any(start <= row[START] < end for start, end in flagged[row[SERIES_ID]])
        ]
        if not rows:
            return PrincipalRows()
        plain = [
            {name: value for name, value in row.items() if name not in _LEFT_OUT and value is not None}
            for row in rows
        ]
        return PrincipalRows(plain, _usual(lake, wanted.tenant_id, flagged, first))

    return read


def _by_principal(
    lake: Lake,
    tenant_id: str,
    series: Collection[str],
    start: datetime,
    end: datetime,
    columns: Sequence[str] | None = None,
) -> pa.Table:
    """The intake's rows that name a principal, of these series in [start, end), by start, series and principal."""
    rows = lake.read(
        INTAKE,
        days=(start.date(), end.date() + timedelta(days=1)),
        buckets=[int(lake.bucket_of([tenant_id])[0])],
        columns=columns,
        where=Where(equal={TENANT: [tenant_id], SERIES_ID: sorted(series)}, between={START: (start, end)}),
    )
    order = [(START, "ascending"), (SERIES_ID, "ascending"), (PRINCIPAL, "ascending")]
    return rows.filter(pc.is_valid(rows[PRINCIPAL])).sort_by(order)


def _usual(lake: Lake, tenant_id: str, series: Collection[str], before: datetime) -> list[dict[str, Any]]:
    """Each principal's mean contacts an hour in each series, over what the intake still has from before a moment."""
    columns = [SERIES_ID, PRINCIPAL, START, OFFERED]
    rows = _by_principal(lake, tenant_id, series, before - INTAKE_KEPT, before, columns)
    if not len(rows):
        return []
    first = pc.min(rows[START]).as_py()
    hours = (before - first) / timedelta(hours=1)
    sums = rows.group_by([SERIES_ID, PRINCIPAL]).aggregate([(OFFERED, "sum")])
    return [
        {
            SERIES_ID: row[SERIES_ID],
            PRINCIPAL: row[PRINCIPAL],
            "contacts_per_hour": row[f"{OFFERED}_sum"] / hours,
            "from": first,
            "to": before,
        }
        for row in sums.sort_by([(SERIES_ID, "ascending"), (PRINCIPAL, "ascending")]).to_pylist()
    ]


def _usual_levels(lake: Lake, wanted: RowsWanted) -> list[dict[str, Any]]:
    """One row for each series of the wanted streams: its usual contacts an hour, in the busiest interval of its day.

    A series is one that has a snapshot of the last 7 days, or traffic in the wanted time; it has a level only where its
    newest snapshot knows one.
    """
    if not wanted.streams:
        return []
    version = lake.version(BASELINE)
    snapshots = _of_streams(
        lake, BASELINE, wanted, wanted.end - _SNAPSHOTS, [*_SERIES, "count_location", DAY]
    )
    traffic = _of_streams(lake, TRAFFIC, wanted, wanted.start, _SERIES)
    newest: dict[str, dict[str, Any]] = {row[SERIES_ID]: row for row in traffic}
    newest |= {row[SERIES_ID]: row for row in sorted(snapshots, key=itemgetter(DAY))}
    levels = []
    for series_id in sorted(newest):
        row = newest[series_id]
        known = [level for level in row.get("count_location") or () if level is not None and not isnan(level)]
        level = {name: row[name] for name in _SERIES}
        level |= {"table": USUAL_LEVEL, "lake_version": version}
        if known:
            level |= {"usual_per_hour": max(known) * 3600 / row[SECONDS], "snapshot": row[DAY].isoformat()}
        levels.append(level)
    return levels


def _of_streams(
    lake: Lake, table: LakeTable, wanted: RowsWanted, since: datetime, columns: Sequence[str]
) -> list[dict[str, Any]]:
    """The table's rows of all series of the wanted streams, from a day on to the wanted end's."""
    rows = lake.read(
        table,
        days=(
            since.date(),
            wanted.end.date() + timedelta(days=2),
        ),  # a snapshot's day is local: it may be ahead
        buckets=[int(lake.bucket_of([wanted.tenant_id])[0])],
        columns=columns,
        where=Where(equal={TENANT: [wanted.tenant_id]}),
    )
    if table is TRAFFIC:
        rows = rows.group_by(list(columns)).aggregate([])
    return [row for row in rows.to_pylist() if (row[CHANNEL], row[DIRECTION]) in wanted.streams]


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
