"""Lake tables of the detection: profile, baseline, scores, clock scores, calibration."""

from __future__ import annotations

from typing import Final

import pyarrow as pa

from cjp_fraud.storage.lake import UTC_STAMP, LakeTable
from features.profile import DAY_FIELDS, KIND_FIELDS, LIST_FIELDS, SLOT_FIELDS
from features.snapshot import USUAL_FIELDS, USUAL_SLOT_FIELDS
from features.usual_sums import USUAL_SUMS_FIELDS, USUAL_SUMS_LISTS

KINDS: Final = ("count", "peak", "fifteen")
BAR_BY_HOUR: Final = ("rare", "habit", "noise", "recurring")
"""Parts of a series' own bar in each hour of its day: Q, M, H, R."""
OWN_BAR: Final = (*BAR_BY_HOUR, "provisional")
"""These, and the bar that counts for p before they are known."""
WHOLE_NUMBERS: Final = ("days", "scale_days")

_KEY: Final = [
    ("series_id", pa.string()),
    ("tenant_id", pa.string()),
    ("channel", pa.string()),
    ("direction", pa.string()),
    ("application_id", pa.string()),
    ("interval_seconds", pa.int32()),
]
_PLACE: Final = [("day", pa.date32()), ("bucket", pa.int16())]


def _kind_columns(fields: tuple[str, ...], by_slot: tuple[str, ...]) -> list[tuple[str, pa.DataType]]:
    def type_of(name: str) -> pa.DataType:
        if name in by_slot:
            return pa.list_(pa.float64())
        return pa.int64() if name in WHOLE_NUMBERS else pa.float64()

    return [(f"{kind}_{name}", type_of(name)) for kind in KINDS for name in fields]


def _number_columns(fields: tuple[str, ...], lists: tuple[str, ...]) -> list[tuple[str, pa.DataType]]:
    return [(name, pa.list_(pa.float64()) if name in lists else pa.float64()) for name in fields]


PROFILE = LakeTable(
    "profile",
    pa.schema(
        [
            *_KEY,
            *_kind_columns(KIND_FIELDS, SLOT_FIELDS),
            *_number_columns(DAY_FIELDS, LIST_FIELDS),
            ("zone", pa.string()),
            ("recipe_version", pa.string()),
            *_PLACE,
        ]
    ),
    stats_columns=("tenant_id",),
)
"""A series' local day, folded; ``day`` is the date in ``zone``, the tenant's IANA zone when it was folded."""

BASELINE = LakeTable(
    "baseline",
    pa.schema(
        [
            *_KEY,
            *_kind_columns(USUAL_FIELDS, USUAL_SLOT_FIELDS),
            *_number_columns(OWN_BAR, BAR_BY_HOUR),
            *_number_columns(USUAL_SUMS_FIELDS, USUAL_SUMS_LISTS),
            ("zone", pa.string()),
            ("recipe_version", pa.string()),
            *_PLACE,
        ]
    ),
    stats_columns=("tenant_id",),
)
"""Snapshot D of a series, from local days before D; ``day`` is D, the date in ``zone`` that it is valid on."""

SCORES = LakeTable(
    "scores",
    pa.schema(
        [
            *_KEY,
            ("interval_start", UTC_STAMP),
            ("observed", pa.float64()),
            ("seconds_covered", pa.float64()),
            ("baseline", pa.float64()),
            ("level", pa.float64()),
            ("excess", pa.float64()),
            ("span_seconds", pa.int32()),
            ("span_observed", pa.float64()),
            ("span_baseline", pa.float64()),
            ("regime", pa.int8()),
            ("against_hour", pa.float64()),
            ("against_season", pa.float64()),
            ("count_strength", pa.float64()),
            ("peak", pa.float64()),
            ("peak_baseline", pa.float64()),
            ("peak_against_hour", pa.float64()),
            ("peak_against_season", pa.float64()),
            ("peak_strength", pa.float64()),
            ("fifteen", pa.float64()),
            ("fifteen_baseline", pa.float64()),
            ("fifteen_against_hour", pa.float64()),
            ("fifteen_against_season", pa.float64()),
            ("fifteen_strength", pa.float64()),
            ("strength", pa.float64()),
            ("unbarred", pa.float64()),
            *((name, pa.float64()) for name in OWN_BAR),
            ("statistic", pa.float64()),
            ("anomaly", pa.float64()),
            ("log_p", pa.float64()),
            ("p_value", pa.float64()),
            ("q_value", pa.float64()),
            ("score", pa.float64()),
            ("flagged", pa.bool_()),
            ("threshold", pa.float64()),
            ("model_version", pa.string()),
            *_PLACE,
        ]
    ),
    stats_columns=("tenant_id", "interval_start"),
)
"""A series' interval between its first and last row; where nothing was observed only the baseline may be known.

``level``: contacts per interval above the usual in the hour before. ``observed`` is brought to the whole interval
where only a part of it was covered; ``seconds_covered`` says so and is null elsewhere. ``span_seconds`` is 900 where
the 15 minutes decided, else the interval's length; ``excess`` is ``span_observed`` − ``span_baseline``, the contacts
seen and usual in that span. ``flagged`` and ``q_value`` are null while the row's UTC hour is open; ``threshold`` is
null where there is nothing to flag.
"""

CLOCK_SCORES = LakeTable(
    "clock_scores",
    pa.schema(
        [
            *_KEY,
            ("clock", pa.string()),
            ("interval_start", UTC_STAMP),
            ("observed", pa.float64()),
            ("seconds_covered", pa.float64()),
            ("baseline", pa.float64()),
            ("excess", pa.float64()),
            ("span_seconds", pa.int32()),
            ("unbarred", pa.float64()),
            ("statistic", pa.float64()),
            ("where", pa.float64()),
            ("cost", pa.float64()),
            ("growth", pa.float64()),
            ("moved", pa.float64()),
            ("log_p", pa.float64()),
            ("p_value", pa.float64()),
            ("q_value", pa.float64()),
            ("score", pa.float64()),
            ("flagged", pa.bool_()),
            ("threshold", pa.float64()),
            ("model_version", pa.string()),
            *_PLACE,
        ]
    ),
    stats_columns=("tenant_id", "interval_start"),
)
"""A series' span on a clock longer than its intervals; ``interval_start`` is that of the span's last interval.

``observed`` and ``baseline`` are of the span's known intervals; ``seconds_covered`` says how much these are and is
null where it is the whole ``span_seconds``. ``unbarred`` is −ln of the tail, ``statistic`` the same behind the series'
own bar. On the weekly clock they are s and s′, and ``where``, ``cost``, ``growth`` and ``moved`` say of what.
"""

CALIBRATION = LakeTable(
    "calibration",
    pa.schema(
        [
            ("histogram", pa.list_(pa.int64())),
            ("top_series", pa.list_(pa.string())),
            ("top_starts", pa.list_(UTC_STAMP)),
            ("top_statistics", pa.list_(pa.float64())),
            ("covered_from", UTC_STAMP),
            ("covered_to", UTC_STAMP),
            ("tenant_bucket", pa.int16()),
            ("clock", pa.string()),
            *_PLACE,
        ]
    ),
    stats_columns=(),
)
"""A UTC day's final statistics in fixed bins by bucket and clock, with the largest of them by series and interval.

``covered_from`` to ``covered_to``: the part of the day that was scored. ``tenant_bucket`` is the bucket whose rows are
counted; all of a day's rows are in the partition of bucket 0, because sixty days of them are read at once.
"""

DAILY_SUMS = LakeTable(
    "daily_sums",
    pa.schema(
        [
            *_KEY,
            ("contacts", pa.int64()),
            ("charge", pa.int64()),
            ("international", pa.int64()),
            ("high_risk", pa.int64()),
            ("invalid", pa.int64()),
            ("countries", pa.map_(pa.string(), pa.int64())),
            ("traffic_files", pa.string()),
            *_PLACE,
        ]
    ),
    stats_columns=("tenant_id", "traffic_files"),
)
"""A series' UTC day, added up for the weekly clock; null where a row with contacts does not know the number.

``charge`` is in cents; ``traffic_files`` is the begin of the SHA-256 of the names of the traffic files that the day's
bucket was made from: where these are other ones, it is made again.
"""

DETECTION_TABLES: Final = (PROFILE, BASELINE, SCORES, CLOCK_SCORES, DAILY_SUMS, CALIBRATION)
