"""Read from the lake what a tenant's outgoing traffic was charged, and where it went; for standing consents."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Final

import pyarrow.compute as pc

from cjp_fraud.contracts.standing_consent import ChargedInterval
from cjp_fraud.storage.lake import Lake, Where
from cjp_fraud.traffic.schema import (
    CHANNEL,
    COUNTRIES,
    DIRECTION,
    OFFERED,
    SECONDS,
    START,
    TENANT,
    TRAFFIC,
)

_CHARGE: Final = "charge_cents"


def charged_traffic(lake: Lake) -> Callable[[str, datetime, datetime], Sequence[ChargedInterval]]:
    """Return the reader of a lake: a tenant's outgoing intervals in [start, end) of which a charge is known."""

    def read(tenant_id: str, start: datetime, end: datetime) -> Sequence[ChargedInterval]:
        rows = lake.read(
            TRAFFIC,
            days=(start.date(), end.date() + timedelta(days=1)),
            buckets=[int(lake.bucket_of([tenant_id])[0])],
            columns=[START, SECONDS, CHANNEL, DIRECTION, OFFERED, _CHARGE, COUNTRIES],
            where=Where(equal={TENANT: [tenant_id]}, between={START: (start, end)}),
        )
        known = rows.filter(pc.and_(pc.is_valid(rows[_CHARGE]), pc.equal(rows[DIRECTION], "outbound")))
        return [
            ChargedInterval(
                start=row[START],
                seconds=int(row[SECONDS]),
                channel=row[CHANNEL],
                direction=row[DIRECTION],
                contacts=float(row[OFFERED] or 0),
                cents=float(row[_CHARGE]),
                to={place: float(count) for place, count in row[COUNTRIES] or ()},
            )
            for row in known.sort_by([(START, "ascending"), (CHANNEL, "ascending")]).to_pylist()
        ]

    return read
