"""Keep the baseline up to date, and show what is usual of a tenant."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import numpy as np

from cjp_fraud.contracts.tenants import tenant_not_on_record
from cjp_fraud.deployment import Deployment
from cjp_fraud.detection import baseline
from cjp_fraud.detection.due_days import days_waiting
from cjp_fraud.detection.lake_tables import BAR_BY_HOUR, BASELINE, OWN_BAR
from cjp_fraud.progress import Report
from cjp_fraud.storage.full_disk import full_disk_named
from cjp_fraud.storage.lake import Where
from features.columns import SERIES_ID, TENANT
from features.own_bar import OwnBar, bar
from features.regimes import YOUNG_FROM_DAYS, Regime, regime_of

HOURS_A_DAY = 24


@dataclass(frozen=True, slots=True)
class BaselineRefreshed:
    """What a refresh of the baseline did.

    Parameters
    ----------
    changes_waiting : changes of traffic that reach into a local day that has not ended yet.
    newest_day_folded : local date; None where nothing was folded.
    series_days_left_out : days that were folded in a tenant's former time zone and cannot be folded again, because
        the lake no longer has their traffic.
    """

    series_days_folded: int
    snapshots_made: int
    changes_waiting: int
    newest_day_folded: date | None
    series_days_left_out: int


@dataclass(frozen=True, slots=True)
class SeriesBaseline:
    """What is usual of one series, as of the newest local midnight that has a snapshot.

    Parameters
    ----------
    snapshot_day : the local date that the snapshot is valid on.
    regime : cold, young, young_peak, settled or settled_peak.
    days_folded : number of local days that it was made from, at most seven.
    floor, peak_floor : the smallest scale, in contacts per interval and per minute; None: the busiest minute is not
        known.
    own_bar : by how much the series' own past raises its bar, in the hour of the day that has the highest; 1 for most.
    rare, habit, noise, recurring : the largest by hour of the parts of that bar, Q, M, H and R (docs/detection.md); 0
        where not known yet.
    own_bar_by_hour : the bar in each hour of the local day, from midnight.
    usual_by_hour : mean usual contacts per interval in each hour of the local day, from midnight; None: not known.
    """

    series_id: str
    channel: str
    direction: str
    application_id: str | None
    interval_seconds: int
    snapshot_day: date
    regime: str
    days_folded: int
    floor: float
    peak_floor: float | None
    own_bar: float
    rare: float
    habit: float
    noise: float
    recurring: float
    own_bar_by_hour: tuple[float, ...]
    usual_by_hour: tuple[float | None, ...]


@dataclass(frozen=True, slots=True)
class TenantBaseline:
    """What is usual of a tenant.

    Parameters
    ----------
    time_zone : in which its days are counted.
    days_waiting : local dates of the last sixty days that were folded in a former zone; the next refresh folds them
        again.
    days_left_out : those that cannot be folded again, because the lake no longer has their traffic.
    """

    tenant_id: str
    time_zone: str
    series: tuple[SeriesBaseline, ...]
    days_waiting: tuple[date, ...]
    days_left_out: tuple[date, ...]


@full_disk_named("baseline refresh")
def refresh_baseline(
    deployment: Deployment, now: datetime, *, report: Report | None = None
) -> BaselineRefreshed:
    """Fold every local day that has ended, in order, and make the snapshots that are missing.

    Raises
    ------
    FullDiskError
        If the disk is full; days that were folded before stay folded.
    """
    done = baseline.refresh(deployment.lake, deployment.engine, deployment.zones, now, report=report)
    return BaselineRefreshed(
        series_days_folded=done.folded,
        snapshots_made=done.snapshots,
        changes_waiting=done.waiting,
        newest_day_folded=None if done.through is None else done.through.date(),
        series_days_left_out=done.left_out,
    )


def show_baseline(deployment: Deployment, now: datetime, tenant_id: str) -> TenantBaseline:
    """Return the newest snapshot of each of a tenant's series.

    Raises
    ------
    NotFoundError
        If there is no such tenant on record.
    """
    zones = deployment.zones
    if tenant_id not in zones:
        raise tenant_not_on_record(tenant_id, zones)
    lake = deployment.lake
    rows = lake.read(
        BASELINE,
        buckets=[int(lake.bucket_of([tenant_id])[0])],
        where=Where(equal={TENANT: [tenant_id], "zone": [zones[tenant_id]]}),
    )
    newest: dict[str, dict[str, Any]] = {}
    for row in rows.sort_by("day").to_pylist():
        newest[row[SERIES_ID]] = row
    former = set(baseline.days_left_out(lake, zones, [tenant_id], now).get(tenant_id, []))
    waiting = days_waiting(lake, deployment.engine, tenant_id, zones[tenant_id], former) if former else []
    names = ("channel", "direction", "application_id", "interval_seconds")
    series = sorted(newest.values(), key=lambda row: tuple(str(row[name] or "") for name in names))
    return TenantBaseline(
        tenant_id=tenant_id,
        time_zone=zones[tenant_id],
        series=tuple(_series_baseline(row) for row in series),
        days_waiting=tuple(waiting),
        days_left_out=tuple(sorted(former.difference(waiting))),
    )


def _series_baseline(row: dict[str, Any]) -> SeriesBaseline:
    own = OwnBar(**{name: np.array([row[name]], dtype=np.float64) for name in OWN_BAR})
    bars = bar(own)[0] * own.provisional[0]
    with_peak = row["peak_days"] >= YOUNG_FROM_DAYS
    regime = regime_of(np.array([row["count_days"]]), np.array([[with_peak]]))
    location = np.array(row["count_location"], dtype=np.float64)
    by_hour = location.reshape(HOURS_A_DAY, -1).mean(axis=1)
    return SeriesBaseline(
        series_id=row[SERIES_ID],
        channel=row["channel"],
        direction=row["direction"],
        application_id=row["application_id"],
        interval_seconds=row["interval_seconds"],
        snapshot_day=row["day"],
        regime=Regime(int(regime[0, 0])).name.lower(),
        days_folded=row["count_days"],
        floor=row["count_floor"],
        peak_floor=row["peak_floor"] if row["peak_days"] else None,
        own_bar=float(bars.max()),
        **{name: max(row[name]) for name in BAR_BY_HOUR},
        own_bar_by_hour=tuple(bars.round(2).tolist()),
        usual_by_hour=tuple(None if np.isnan(usual) else round(float(usual), 2) for usual in by_hour),
    )
