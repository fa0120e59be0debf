"""What a tenant uses: contacts and charges by stream and UTC day, from the sums that the weekly clock keeps."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from cjp_fraud.detection.lake_tables import DAILY_SUMS
from cjp_fraud.storage.lake import Lake, Where

WEEK: Final = 7


@dataclass(frozen=True, slots=True)
class StreamUsage:
    """Use of one channel and direction.

    Parameters
    ----------
    contacts : one number a UTC day, the oldest first; None: not known, or no traffic of that day is in the lake.
    charge_cents : of all these days; None: a day with contacts does not know it.
    """

    channel: str
    direction: str
    contacts: tuple[int | None, ...]
    charge_cents: int | None

    @property
    def total(self) -> int:
        """Contacts of all days that are known."""
        return sum(count or 0 for count in self.contacts)

    @property
    def last_week(self) -> int:
        """Contacts of the newest seven days."""
        return sum(count or 0 for count in self.contacts[-WEEK:])

    @property
    def week_before(self) -> int:
        """Contacts of the seven days before."""
        return sum(count or 0 for count in self.contacts[-2 * WEEK : -WEEK])


def usage_by_stream(lake: Lake, tenant_id: str, first: date, end: date) -> tuple[StreamUsage, ...]:
    """Return what a tenant used on the UTC days from ``first`` to before ``end``, the busiest stream first.

    Only days that have ended and were looked at by a detection are known.
    """
    rows = lake.read(
        DAILY_SUMS,
        days=(first, end),
        buckets=[int(bucket) for bucket in lake.bucket_of([tenant_id])],
        columns=["channel", "direction", "day", "contacts", "charge"],
        where=Where(equal={"tenant_id": [tenant_id]}),
    )
    days = [first + timedelta(days=number) for number in range((end - first).days)]
    streams: dict[tuple[str, str], list[dict[str, object]]] = {}
    for row in _added(rows).to_pylist():
        streams.setdefault((row["channel"], row["direction"]), []).append(row)
    usage = [_stream(*key, days, rows_of) for key, rows_of in streams.items()]
    return tuple(sorted(usage, key=lambda each: (-each.total, each.channel, each.direction)))


def _added(rows: pa.Table) -> pa.Table:
    """Add up the series of a stream (applications, grids) by day; null where one of them is not known."""
    keep_unknown = pc.ScalarAggregateOptions(skip_nulls=False)
    sums = [("contacts", "sum", keep_unknown), ("charge", "sum", keep_unknown)]
    return rows.group_by(["channel", "direction", "day"]).aggregate(sums)


def _stream(channel: str, direction: str, days: list[date], rows: list[dict[str, object]]) -> StreamUsage:
    contacts = {row["day"]: row["contacts_sum"] for row in rows}
    charges = [row["charge_sum"] for row in rows]
    known = [charge for charge in charges if isinstance(charge, int)]
    counts = [contacts.get(day) for day in days]
    return StreamUsage(
        channel=channel,
        direction=direction,
        contacts=tuple(count if isinstance(count, int) else None for count in counts),
        charge_cents=sum(known) if len(known) == len(charges) else None,
    )
