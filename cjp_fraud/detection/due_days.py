"""Which local days must be folded: those that have ended and whose traffic, or whose tenant's zone, changed."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

import numpy as np
import pandas as pd
import pyarrow.compute as pc
from numpy.typing import NDArray
from sqlalchemy import Engine, exists, func, select, update

from cjp_fraud.contracts.tables import ZoneChange
from cjp_fraud.detection.series import Arranged
from cjp_fraud.detection.tables import FollowedZoneChange
from cjp_fraud.storage.database import in_parts, reading, transaction
from cjp_fraud.storage.lake import Lake, Where
from cjp_fraud.storage.locks import process_lock
from cjp_fraud.traffic.quarantine import TRAFFIC_LOCK
from cjp_fraud.traffic.schema import TRAFFIC
from cjp_fraud.traffic.tables import TrafficChange
from features.columns import INTERVAL_START, TENANT
from features.local_grid import local_days, midnights
from features.own_bar import BAR_MEMORY_DAYS

Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class DueDays:
    """Changes of traffic that reach into local days that have ended and are not folded yet.

    Attributes
    ----------
    changes : frame, one row a change; ``id``, ``tenant_id``, ``bucket``, and local days since 1970-01-01:
        ``begin``, ``end`` (the change's first and last) and ``today`` (the first that has not ended).
    """

    changes: pd.DataFrame

    def __len__(self) -> int:
        return len(self.changes)

    def tenants_due(self) -> set[str]:
        """Tenants that have days due."""
        return set(self.changes[TENANT])

    def buckets(self) -> list[int]:
        """Buckets that have days due, ascending."""
        return sorted(self.changes["bucket"].unique().tolist())

    def of_buckets(self, buckets: Collection[int]) -> DueDays:
        """What is due in some buckets."""
        return DueDays(self.changes[self.changes["bucket"].isin(list(buckets))])

    def days(self) -> Ints:
        """Local days due for at least one tenant, ascending."""
        spans = set(zip(self.changes["begin"].tolist(), self._ends().tolist(), strict=True))
        return np.array(
            sorted({day for begin, end in spans for day in range(begin, end + 1)}), dtype=np.int64
        )

    def tenants(self, first: int, last: int) -> tuple[str, ...]:
        """Tenants for whom one of the local days ``first`` to ``last`` is due."""
        touched = (self.changes["begin"] <= last) & (self._ends() >= first)
        return tuple(sorted(self.changes.loc[touched, TENANT].unique().tolist()))

    def of_series(self, arranged: Arranged, first: int, last: int) -> DueSeries:
        """Which of the local days ``first`` to ``last`` are due, by series."""
        tenants = arranged.table.keys[TENANT].to_numpy()
        names, of_series = np.unique(tenants.astype(str), return_inverse=True)
        place = pd.Series(np.arange(len(names)), index=names)
        changes = self.changes[self.changes[TENANT].isin(names)]
        begin = np.clip(changes["begin"].to_numpy() - first, 0, last - first + 1)
        end = np.clip(np.minimum(self._ends().loc[changes.index].to_numpy(), last) - first + 1, 0, None)
        of_change = place.loc[changes[TENANT]].to_numpy()
        steps = np.zeros((len(names), last - first + 2), dtype=np.int64)
        spans = begin < end
        np.add.at(steps, (of_change[spans], begin[spans]), 1)
        np.add.at(steps, (of_change[spans], end[spans]), -1)
        return DueSeries(first, (np.cumsum(steps, axis=1) > 0)[of_series])

    def _ends(self) -> pd.Series:
        return self.changes["end"].clip(upper=self.changes["today"] - 1)


@dataclass(frozen=True, slots=True, eq=False)
class DueSeries:
    """Which local days of which series are due.

    Attributes
    ----------
    first : the first local day.
    mask : bool [series, days + 1]; the last column is False.
    """

    first: int
    mask: NDArray[np.bool_]

    def on(self, code: Ints, day: Ints | int) -> NDArray[np.bool_]:
        """Whether local days are due; int64 [n] codes (-1: no series) and days, or one day for all."""
        column = np.clip(np.asarray(day) - self.first, -1, self.mask.shape[1] - 1)
        due: NDArray[np.bool_] = self.mask[code, column] & (code >= 0)
        return due


def due_days(engine: Engine, zones: Mapping[str, str], now: datetime) -> DueDays:
    """Read what is due at ``now``.

    Waits for an ingest that is storing: a change is recorded before its rows can be read.

    Parameters
    ----------
    zones : IANA zone of every tenant on record; changes of others are left alone.
    now : aware.
    """
    at = np.array([int(now.timestamp())], dtype=np.int64)
    today = {zone: int(local_days(zone, at)[0]) for zone in set(zones.values())}
    latest = max((int(midnights(zone, np.array([day]))[0]) for zone, day in today.items()), default=0)
    identity = (TrafficChange.id, TrafficChange.tenant_id, TrafficChange.bucket)
    spans = (TrafficChange.first_interval, TrafficChange.last_interval)
    with process_lock(engine, TRAFFIC_LOCK), reading(engine) as session:
        rows = session.execute(
            select(*identity, *spans)
            .where(
                TrafficChange.folded_at.is_(None),
                TrafficChange.first_interval < datetime.fromtimestamp(latest, UTC),
            )
            .order_by(TrafficChange.id)
        ).all()
    changes = pd.DataFrame(rows, columns=["id", TENANT, "bucket", "first", "last"])
    changes = changes[changes[TENANT].isin(list(zones))].reset_index(drop=True)
    for name, moments in (("begin", "first"), ("end", "last")):
        seconds = np.array([int(moment.timestamp()) for moment in changes[moments]], dtype=np.int64)
        changes[name] = _local_days(changes[TENANT].map(zones), seconds)
    changes["today"] = changes[TENANT].map(lambda tenant: today[zones[tenant]]).astype(np.int64)
    return DueDays(changes[changes["begin"] < changes["today"]].drop(columns=["first", "last"]))


def follow_zone_changes(lake: Lake, engine: Engine, now: datetime) -> None:
    """Record, for tenants whose zone changed, that all their traffic in the lake is to be folded again.

    Once for each change of a zone, in one transaction with the note that it was followed.
    """
    with reading(engine) as session:
        changes = session.execute(
            select(ZoneChange.id, ZoneChange.tenant_id)
            .outerjoin(FollowedZoneChange, FollowedZoneChange.zone_change_id == ZoneChange.id)
            .where(FollowedZoneChange.zone_change_id.is_(None))
            .order_by(ZoneChange.id)
        ).all()
    for change_id, tenant_id in changes:
        span = _span_of_traffic(lake, tenant_id)
        with transaction(engine) as session:
            if span is not None:
                session.add(
                    TrafficChange(
                        tenant_id=tenant_id,
                        bucket=int(lake.bucket_of([tenant_id])[0]),
                        first_interval=span[0],
                        last_interval=span[1],
                        recorded_at=now,
                        scored_at=now,
                    )
                )
            session.add(
                FollowedZoneChange(
                    zone_change_id=change_id, followed_at=now, traffic_from=span[0] if span else None
                )
            )


def days_waiting(
    lake: Lake, engine: Engine, tenant_id: str, zone: str, former: Collection[date]
) -> list[date]:
    """Return which of the days that were folded in a former zone the next refresh folds again.

    Parameters
    ----------
    zone : the tenant's zone now.
    former : the days that were folded in a former zone; of those not returned the lake no longer has the traffic.
    """
    with reading(engine) as session:
        spans: list[tuple[datetime, datetime]] = [
            (row.first_interval, row.last_interval)
            for row in session.execute(
                select(TrafficChange.first_interval, TrafficChange.last_interval).where(
                    TrafficChange.tenant_id == tenant_id, TrafficChange.folded_at.is_(None)
                )
            )
        ]
        is_followed = exists().where(FollowedZoneChange.zone_change_id == ZoneChange.id)
        unfollowed = select(ZoneChange.id).where(ZoneChange.tenant_id == tenant_id, ~is_followed)
        no_refresh_since = session.scalar(unfollowed.limit(1)) is not None
    if no_refresh_since:
        span = _span_of_traffic(lake, tenant_id)
        spans += [span] if span is not None else []
    due: set[int] = set()
    for span in spans:
        first, last = local_days(zone, np.array([int(moment.timestamp()) for moment in span]))
        due.update(range(int(first), int(last) + 1))
    # A day of a former zone reaches into the next one of the new zone.
    return sorted(day for day in former if {_number(day), _number(day) + 1} & due)


def recently_moved(engine: Engine, now: datetime) -> set[str]:
    """Tenants whose zone changed so recently that their baseline may rest on days before the change."""
    since = now - timedelta(days=BAR_MEMORY_DAYS)
    with reading(engine) as session:
        moved = session.scalars(select(ZoneChange.tenant_id).where(ZoneChange.changed_at >= since))
        return set(moved)


def mark_folded(engine: Engine, due: DueDays, zones: Mapping[str, str], now: datetime) -> None:
    """Mark what was folded. If the last day of a change has not ended, the part from today on stays to be folded."""
    whole = due.changes["end"] < due.changes["today"]
    ids = due.changes.loc[whole, "id"].tolist()
    with transaction(engine) as session:
        for some in in_parts(ids):
            session.execute(
                update(TrafficChange)
                .where(TrafficChange.id.in_(some), TrafficChange.folded_at.is_(None))
                .values(folded_at=now)
            )
        for row in due.changes[~whole].itertuples():
            change = session.get_one(TrafficChange, row.id)
            zone = zones[change.tenant_id]
            midnight = datetime.fromtimestamp(int(midnights(zone, np.array([row.today]))[0]), UTC)
            if change.folded_at is not None or change.first_interval >= midnight:
                continue
            before = change.cut_at(midnight)
            before.folded_at = now
            session.add(before)


def count_unfolded(engine: Engine) -> int:
    """Number of changes that are not folded."""
    with reading(engine) as session:
        waiting = select(func.count()).select_from(TrafficChange).where(TrafficChange.folded_at.is_(None))
        return int(session.scalar(waiting) or 0)


def _span_of_traffic(lake: Lake, tenant_id: str) -> tuple[datetime, datetime] | None:
    """First and last interval of a tenant that the lake has; None: it has none."""
    bucket = int(lake.bucket_of([tenant_id])[0])
    of_tenant = Where(equal={TENANT: [tenant_id]})
    starts = lake.read(TRAFFIC, buckets=[bucket], columns=[INTERVAL_START], where=of_tenant)
    span = pc.min_max(starts[INTERVAL_START]).as_py()
    return None if span["min"] is None else (span["min"], span["max"])


def _number(day: date) -> int:
    """A date as days since 1970-01-01."""
    return (day - date(1970, 1, 1)).days


def _local_days(zones: pd.Series, seconds: Ints) -> Ints:
    """Local day of each moment in its own zone; int64 [n]."""
    days = np.zeros(len(seconds), dtype=np.int64)
    for zone, index in zones.groupby(zones).indices.items():
        days[index] = local_days(str(zone), seconds[index])
    return days
