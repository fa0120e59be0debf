"""A tenant's traffic as the lake has it, and its usual day with the deviations that detection measures by."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from cjp_fraud.clock import aware, day_of
from cjp_fraud.contracts.tenants import tenant_not_on_record
from cjp_fraud.deployment import Deployment
from cjp_fraud.detection.lake_tables import BASELINE
from cjp_fraud.detection.profile_rows import snapshot_of
from cjp_fraud.errors import BadInputError, NotFoundError
from cjp_fraud.storage.lake import Where
from cjp_fraud.traffic.schema import BUCKET, DAY, START, TENANT, TRAFFIC
from features.columns import SERIES_ID
from features.local_grid import LocalGrid, local_grid, slots_a_day
from features.regimes import Regime
from features.scales import NORMAL_MAD
from features.score_day import Rows, measure_day
from features.snapshot import Snapshot

Floats = NDArray[np.float64]

_FIRST: Final = datetime(1970, 1, 1, tzinfo=UTC)
_LAST: Final = datetime(2200, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, eq=False)
class UsualDay:
    """What is usual of a series on one local day, as of its midnight, interval by interval.

    Parameters
    ----------
    time_zone : of the day.
    regime : cold, young, young_peak, settled or settled_peak.
    days : local days that it was made from, at most seven.
    day_floor : F of the series, contacts per interval (docs/detection.md, step 3).
    starts : int64 [intervals]; UTC seconds. A day on which clocks change has 23 or 25 hours of them.
    usual : float64 [intervals]; m, contacts per interval.
    deviation : float64 [intervals]; the denominator of S: what a deviation of the season is measured by.
    bare_deviation : float64 [intervals]; 1.4826 · MAD_s alone, without floors and without what a short past adds.
    """

    series_id: str
    channel: str
    direction: str
    application_id: str | None
    interval_seconds: int
    time_zone: str
    day: date
    regime: str
    days: int
    day_floor: float
    starts: NDArray[np.int64]
    usual: Floats
    deviation: Floats
    bare_deviation: Floats


def tenant_traffic(
    deployment: Deployment, tenant_id: str, begin: datetime | None = None, end: datetime | None = None
) -> pa.Table:
    """Return a tenant's intervals that start in [begin, end) by start and series: columns of the lake's ``traffic``.

    Parameters
    ----------
    begin, end : aware; None: from the first, to the last.

    Raises
    ------
    NotFoundError
        If there is no such tenant on record.
    BadInputError
        If the window is empty.
    """
    _require_tenant(deployment, tenant_id)
    if begin is not None and end is not None and aware(begin) >= aware(end):
        raise BadInputError(f"the window from {begin} to {end} is empty")
    first = aware(begin) if begin is not None else _FIRST
    last = aware(end) if end is not None else _LAST
    lake = deployment.lake
    rows = lake.read(
        TRAFFIC,
        days=(first.date(), last.date() + timedelta(days=1)),
        buckets=[int(lake.bucket_of([tenant_id])[0])],
        columns=[name for name in TRAFFIC.schema.names if name not in (DAY, BUCKET)],
        where=Where(equal={TENANT: [tenant_id]}, between={START: (first, last)}),
    )
    return rows.sort_by([(START, "ascending"), (SERIES_ID, "ascending")])


def usual_day(deployment: Deployment, tenant_id: str, day: date | None = None) -> tuple[UsualDay, ...]:
    """Return a tenant's series on a local day, each as its snapshot of that midnight says.

    Deviations are read off the function that scores: how far one contact more moves S (``features/score_day.py``).

    Parameters
    ----------
    day : local date; None: the newest that has a snapshot. The lake keeps the newest fourteen of each series.

    Raises
    ------
    NotFoundError
        If there is no such tenant on record, or no snapshot of that day.
    """
    zone = _require_tenant(deployment, tenant_id)
    lake = deployment.lake
    rows = lake.read(
        BASELINE,
        buckets=[int(lake.bucket_of([tenant_id])[0])],
        where=Where(equal={TENANT: [tenant_id], "zone": [zone]}),
    )
    days = sorted(set(rows[DAY].to_pylist()))
    chosen = day if day is not None else max(days, default=None)
    if chosen is None or chosen not in days:
        kept = f"{days[0]} to {days[-1]}" if days else "none; make them: cjp-fraud baseline refresh"
        raise NotFoundError(f"{tenant_id} has no snapshot of {chosen}; there are: {kept}")
    of_day = rows.filter(pc.equal(rows[DAY], pa.scalar(chosen, pa.date32()))).sort_by(SERIES_ID)
    return tuple(_usual_day(of_day.slice(place, 1), zone, chosen) for place in range(len(of_day)))


def _usual_day(row: pa.Table, zone: str, day: date) -> UsualDay:
    key: dict[str, Any] = row.select(
        [SERIES_ID, "channel", "direction", "application_id", "interval_seconds"]
    ).to_pylist()[0]
    seconds = int(key["interval_seconds"])
    number = day_of(day)
    grid = local_grid(zone, number, seconds)
    snapshot = snapshot_of(row, np.zeros(1, dtype=np.int64), 1, slots_a_day(seconds), number)
    nothing, one = (_against_season(snapshot, grid, contacts) for contacts in (0.0, 1.0))
    measured = measure_day(snapshot, _rows(grid, 0.0))
    slot = grid.slot[grid.context :]
    return UsualDay(
        **key,
        time_zone=zone,
        day=day,
        regime=Regime(int(measured.regime[0, -1])).name.lower(),
        days=int(snapshot.count.days[0]),
        day_floor=float(snapshot.count.floor[0]),
        starts=measured.starts,
        usual=measured.count.location[0, 1:],
        deviation=1.0 / (one - nothing),
        bare_deviation=NORMAL_MAD * snapshot.count.season[0, slot],
    )


def _against_season(snapshot: Snapshot, grid: LocalGrid, contacts: float) -> Floats:
    """S of every interval of the day, had there been so many contacts in each."""
    return measure_day(snapshot, _rows(grid, contacts)).count.against_season[0, 1:]


def _rows(grid: LocalGrid, contacts: float) -> Rows:
    return Rows(grid, np.full((1, len(grid.starts)), contacts), None)


def _require_tenant(deployment: Deployment, tenant_id: str) -> str:
    """Return the zone of a tenant on record."""
    zones = deployment.zones
    if tenant_id not in zones:
        raise tenant_not_on_record(tenant_id, zones)
    return zones[tenant_id]
