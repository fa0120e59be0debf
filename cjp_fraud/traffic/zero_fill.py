"""The zeros that a complete source leaves out."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date, datetime, timedelta

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from cjp_fraud.errors import BadInputError
from cjp_fraud.storage.lake import UTC_STAMP
from cjp_fraud.traffic.columns import Integers, key_codes, positions_of, stamps_of, values_of
from cjp_fraud.traffic.schema import DELIVERED, METRICS, SECONDS, SERIES, SHARE, START

MICROSECONDS = 1_000_000
MOST_IMPLIED = 50_000_000
"""More zeros than this in one file come from a wrong stamp, not from a quiet source."""


def series_spans(rows: pa.Table) -> pa.Table:
    """Return one row for each series and step: its keys, ``first`` and ``last`` stamp (UTC)."""
    keys = [name for name in (*SERIES, SECONDS) if name in rows.column_names]
    grouped = rows.group_by(keys, use_threads=False).aggregate([(START, "min"), (START, "max")])
    return grouped.rename_columns({f"{START}_min": "first", f"{START}_max": "last"})


def merged_spans(spans: pa.Table) -> pa.Table:
    """Return the spans of several parts of a file as those of the whole."""
    keys = [name for name in spans.column_names if name not in ("first", "last")]
    grouped = spans.group_by(keys, use_threads=False).aggregate([("first", "min"), ("last", "max")])
    return grouped.rename_columns({"first_min": "first", "last_max": "last"})


def refuse_endless(spans: pa.Table) -> None:
    """Refuse a complete source whose series span so many steps that a stamp must be wrong.

    Parameters
    ----------
    spans : the spans of the whole source, from :func:`series_spans`.

    Raises
    ------
    BadInputError
        If they span over 50 million steps.
    """
    lengths = values_of(spans, SECONDS).astype(np.int64) * MICROSECONDS
    steps = int((stamps_of(spans, "last") // lengths - stamps_of(spans, "first") // lengths + 1).sum())
    if steps > MOST_IMPLIED:
        raise BadInputError(
            f"a complete source would need {steps:,} rows between the first and the last of its series; "
            "look for a wrong stamp, or load it without --complete"
        )


def implied_rows(
    rows: pa.Table,
    spans: pa.Table,
    *,
    zeroed: Collection[str],
    days: tuple[date, date] | None = None,
) -> pa.Table:
    """Return a row of zeros for each step between a series' first and last row that ``rows`` does not have.

    Parameters
    ----------
    rows : delivered rows of one source.
    spans : the spans of the whole source, from :func:`series_spans`.
    zeroed : the metrics that the source delivers: zero in these rows, the others null.
    days : only steps that begin in these UTC days (half-open); default all.
    """
    steps = values_of(spans, SECONDS).astype(np.int64) * MICROSECONDS
    first = stamps_of(spans, "first") // steps
    last = stamps_of(spans, "last") // steps
    if days is not None:
        first = np.maximum(first, _micros(days[0]) // steps)
        last = np.minimum(last, (_micros(days[1]) - 1) // steps)
    sizes = np.maximum(last - first + 1, 0)
    # One place for each step of each span, span after span; the places of delivered rows are not missing.
    begins = np.cumsum(sizes) - sizes
    span = _span_of(rows, spans)
    cell = stamps_of(rows, START)[span >= 0]
    span = span[span >= 0]
    cell = cell // steps[span]
    inside = (cell >= first[span]) & (cell <= last[span])
    is_missing = np.ones(int(sizes.sum()), bool)
    is_missing[(begins[span] + cell - first[span])[inside]] = False
    places = np.flatnonzero(is_missing)
    owner = np.repeat(np.arange(len(spans)), sizes)[places]
    stamps = (places - begins[owner] + first[owner]) * steps[owner]
    columns: dict[str, pa.Array] = {}
    for field in DELIVERED:
        if field.name in spans.column_names:
            columns[field.name] = spans[field.name].combine_chunks().take(pa.array(owner))
        elif field.name == START:
            columns[START] = pa.array(stamps).cast(UTC_STAMP)
        elif field.name in METRICS and field.name in zeroed and field.name != SHARE:
            columns[field.name] = _zeros(field.type, len(owner))
        elif field.name in rows.column_names:
            columns[field.name] = pa.nulls(len(owner), field.type)
    return pa.table(columns, schema=pa.schema([f for f in DELIVERED if f.name in columns]))


def _span_of(rows: pa.Table, spans: pa.Table) -> Integers:
    """Return the position of each row's span; -1 for a row that belongs to none."""
    series = key_codes(pa.concat_tables([_keys(spans), _keys(rows)]), SERIES)
    steps = [values_of(table, SECONDS).astype(np.int64) for table in (spans, rows)]
    return positions_of((series[len(spans) :], steps[1]), (series[: len(spans)], steps[0]))


def _keys(rows: pa.Table) -> pa.Table:
    return pa.table(
        {
            name: rows[name] if name in rows.column_names else pa.nulls(len(rows), pa.string())
            for name in SERIES
        }
    )


def _zeros(kind: pa.DataType, count: int) -> pa.Array:
    if pa.types.is_map(kind):
        return pa.MapArray.from_arrays(
            pa.array(np.zeros(count + 1, np.int32)), pa.array([], pa.string()), pa.array([], pa.int64())
        )
    return pc.cast(pa.array(np.zeros(count, np.int64)), kind)


def _micros(day: date) -> int:
    return (datetime(day.year, day.month, day.day) - datetime(1970, 1, 1)) // timedelta(microseconds=1)  # noqa: DTZ001
