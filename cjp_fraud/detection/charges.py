"""What a contact of the flagged traffic was charged, from the traffic of the flagged spans."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from cjp_fraud.detection.series import floats
from cjp_fraud.review.flags import FlagRow
from cjp_fraud.storage.lake import Lake, Where
from cjp_fraud.traffic.schema import OFFERED, SERIES_ID, START, TENANT, TRAFFIC
from cjp_fraud.traffic.series_identity import series_id

CHARGE: Final = "charge_cents"
Key = tuple[str, datetime]
"""A series and the start of an interval."""


def with_charges(lake: Lake, flags: Sequence[FlagRow]) -> list[FlagRow]:
    """The flags with the cents that a contact was charged in their spans: null where a part of the span has none."""
    of_day: dict[date, list[FlagRow]] = defaultdict(list)
    for flag in flags:
        of_day[flag.interval_start.date()].append(flag)
    charged: dict[Key, tuple[float, float]] = {}
    for day in sorted(of_day):
        charged |= _charged(lake, of_day[day])
    return [
        replace(flag, cents_per_contact=_mean([charged.get(key) for key in _span(flag)])) for flag in flags
    ]


def _charged(lake: Lake, flags: Sequence[FlagRow]) -> dict[Key, tuple[float, float]]:
    """Contacts and cents of the intervals in the flags' spans, where both are known."""
    of_spans = {key for flag in flags for key in _span(flag)}
    starts = sorted({start for _, start in of_spans})
    first, end = starts[0], starts[-1] + timedelta(seconds=1)
    tenants = sorted({flag.tenant_id for flag in flags})
    rows = lake.read(
        TRAFFIC,
        days=(first.date(), end.date() + timedelta(days=1)),
        buckets=sorted({int(bucket) for bucket in lake.bucket_of(tenants)}),
        columns=[SERIES_ID, START, OFFERED, CHARGE],
        where=Where(equal={TENANT: tenants}, between={START: (first, end)}),
    )
    flagged = pc.is_in(rows[START], value_set=pa.array(starts, rows.schema.field(START).type))
    rows = rows.filter(pc.and_(flagged, pc.is_valid(rows[CHARGE])))
    keys = zip(rows[SERIES_ID].to_pylist(), rows[START].to_pylist(), strict=True)
    amounts = np.column_stack([floats(rows[OFFERED]), floats(rows[CHARGE])]).tolist()
    return {
        key: (contacts, cents)
        for key, (contacts, cents) in zip(keys, amounts, strict=True)
        if key in of_spans
    }


def _span(flag: FlagRow) -> list[Key]:
    """The intervals of a flag's span, the flagged one first."""
    series = series_id(
        flag.tenant_id, flag.channel, flag.direction, flag.application_id, flag.interval_seconds
    )
    step = timedelta(seconds=flag.interval_seconds)
    return [
        (series, flag.interval_start - number * step)
        for number in range(flag.span_seconds // flag.interval_seconds)
    ]


def _mean(charged: Sequence[tuple[float, float] | None]) -> float | None:
    """Cents per contact; None where an interval is not known, or nothing was offered."""
    known = [pair for pair in charged if pair is not None]
    contacts = sum(pair[0] for pair in known)
    return sum(pair[1] for pair in known) / contacts if len(known) == len(charged) and contacts > 0 else None
