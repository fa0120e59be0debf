"""What newly delivered rows change in the intake and in the traffic of the partitions that they touch."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from cjp_fraud.storage.lake import UTC_STAMP, bucket_numbers
from cjp_fraud.storage.sorting import Integers, group_sizes, group_starts, sort_order
from cjp_fraud.traffic.columns import (
    days_of,
    key_codes,
    positions_of,
    same_values,
    stamps_of,
    values_of,
    widened,
)
from cjp_fraud.traffic.grid import MICROSECONDS, grid_lengths, grid_table
from cjp_fraud.traffic.schema import (
    BUCKET,
    COVERED,
    DAY,
    IMPLIED,
    LINE,
    METRICS,
    OFFERED,
    PEAK,
    PRINCIPAL,
    SECONDS,
    SERIES,
    SERIES_ID,
    START,
    TENANT,
    TRAFFIC,
)
from cjp_fraud.traffic.series import series_ids

Mask = npt.NDArray[np.bool_]
ORDER = "source_order"
"""Of the sources merged at once, which came later (int64); -1 in the intake. A later one wins."""
SLOT = "slot"


@dataclass(frozen=True)
class Merged:
    """The partitions as they will be, and what that changes.

    Parameters
    ----------
    intake, traffic : all rows of the partitions, without the metrics that none of them has.
    stored, replaced, unchanged : numbers of delivered rows (implied zeros not counted); an equal row twice in
        one source is stored once and unchanged once.
    disagreeing : delivered rows whose key is twice in one source with different values.
    too_late : delivered rows of intervals older than the intake that do not replace them as a whole.
    intake_changed, traffic_changed : columns ``day``, ``bucket``: the partitions that differ.
    marks : columns ``tenant_id``, ``bucket``, ``interval_start``: every grid interval that differs.
    """

    intake: pa.Table
    traffic: pa.Table
    stored: int
    replaced: int
    unchanged: int
    disagreeing: pa.Table
    too_late: pa.Table
    intake_changed: pa.Table
    traffic_changed: pa.Table
    marks: pa.Table


def merge(new: pa.Table, intake: pa.Table, traffic: pa.Table, *, grid_seconds: int, buckets: int) -> Merged:
    """Put newly delivered rows into the intake and rebuild the traffic of their grid intervals.

    A key (series, step, stamp, principal) that is there already is replaced; twice in one source it is one
    row
    if equal, and no row at all if not. An interval that the traffic has and the intake no longer knows is
    only replaced as a whole: by rows that cover all of it.

    Parameters
    ----------
    new : valid rows with the intake's columns (metrics may be missing) and ``source_order``.
    intake : what the intake still has of the partitions touched (nothing that has expired).
    traffic : what the traffic table has of them.
    grid_seconds : the grid.
    buckets : number of buckets of the lake.
    """
    unknown = [
        name
        for name in METRICS
        if name not in (OFFERED, PEAK) and not any(_has(t, name) for t in (new, intake, traffic))
    ]
    # The series ids of the intake are computed again, for all its rows at once.
    intake, traffic = intake.drop_columns([SERIES_ID, *unknown]), traffic.drop_columns(unknown)
    old = intake.append_column(ORDER, pa.array(np.full(len(intake), -1, np.int64)))
    rows = _in_key_order(pa.concat_tables([old, widened(new, old.schema)]))
    clash = _clashes(rows)
    disagreeing = rows.filter(pa.array(clash))
    kept, is_new, is_replacing = _winners(rows.filter(pa.array(~clash)))

    delivered = ~values_of(kept, IMPLIED).astype(bool)
    older, late, confirmed = _older_than_intake(kept, is_new, traffic, grid_seconds, buckets)
    stored = int((delivered & is_new & ~older).sum())
    replaced = int((delivered & (is_replacing | (is_new & older & ~late & ~confirmed))).sum())
    too_late = kept.filter(pa.array(late & delivered))
    count = len(new) - int(values_of(new, IMPLIED).sum()) - len(disagreeing) - len(too_late)

    left_out = late | confirmed
    intake_after = kept.filter(pa.array(~left_out)).drop_columns([ORDER])
    ids = series_ids(_slots(intake_after, grid_seconds))
    intake_after = intake_after.add_column(0, SERIES_ID, ids)
    traffic_after = _rebuilt(intake_after, traffic, grid_seconds, buckets)
    differing = traffic_after.filter(pa.array(~_same_traffic(traffic_after, traffic)))
    return Merged(
        intake=intake_after,
        traffic=traffic_after,
        stored=stored,
        replaced=replaced,
        unchanged=count - stored - replaced,
        disagreeing=disagreeing,
        too_late=too_late,
        intake_changed=_partitions(kept.filter(pa.array((is_new | is_replacing) & ~left_out))),
        traffic_changed=_partitions(differing),
        marks=differing.select([TENANT, BUCKET, START]),
    )


def deduplicated(rows: pa.Table) -> tuple[pa.Table, pa.Table]:
    """Return one row a key, and the rows whose key their own source has twice with different values.

    Parameters
    ----------
    rows : columns of ``DELIVERED`` (metrics may be missing), ``line`` and ``source_order``.
    """
    rows = _in_key_order(rows)
    clash = _clashes(rows)
    kept, _, _ = _winners(rows.filter(pa.array(~clash)) if clash.any() else rows)
    return kept, rows.filter(pa.array(clash))


def _in_key_order(rows: pa.Table) -> pa.Table:
    order = sort_order(*_keys(rows), values_of(rows, ORDER), values_of(rows, LINE).astype(np.int64))
    return rows if bool((np.diff(order) == 1).all()) else rows.take(pa.array(order))


def _keys(rows: pa.Table) -> tuple[Integers, Integers, Integers]:
    return (
        key_codes(rows, [*SERIES, PRINCIPAL]),
        values_of(rows, SECONDS).astype(np.int64),
        stamps_of(rows, START),
    )


def _clashes(rows: pa.Table) -> Mask:
    """Return which rows have a key that their own source delivers twice with different values."""
    if len(rows) == 0:
        return np.zeros(0, bool)
    starts = group_starts(*_keys(rows), values_of(rows, ORDER))
    sizes = group_sizes(starts, len(rows))
    if len(starts) == len(rows):
        return np.zeros(len(rows), bool)
    # Rows of one key stand together: each is compared with the one before it.
    repeated = np.ones(len(rows), bool)
    repeated[starts] = False
    again = np.flatnonzero(repeated)
    differs = np.zeros(len(rows), bool)
    differs[again] = ~same_values(rows.take(pa.array(again)), rows.take(pa.array(again - 1)), METRICS)
    return np.repeat(np.logical_or.reduceat(differs, starts), sizes)


def _winners(rows: pa.Table) -> tuple[pa.Table, Mask, Mask]:
    """Return one row a key, and which of them are new keys and which replace an older value."""
    starts = group_starts(*_keys(rows))
    lasts = starts + group_sizes(starts, len(rows)) - 1
    order = values_of(rows, ORDER)
    had_old = order[starts] < 0
    challenged = had_old & (lasts > starts)
    same = np.zeros(len(starts), bool)
    at = np.flatnonzero(challenged)
    same[at] = same_values(rows.take(pa.array(starts[at])), rows.take(pa.array(lasts[at])), METRICS)
    winners = np.where(same, starts, lasts)
    kept = rows if len(winners) == len(rows) else rows.take(pa.array(winners))
    return kept, ~had_old, challenged & ~same


def _older_than_intake(
    kept: pa.Table, is_new: Mask, traffic: pa.Table, grid_seconds: int, buckets: int
) -> tuple[Mask, Mask, Mask]:
    """Return which rows lie in intervals that only the traffic knows; which of those do not fill their
    interval; and which say nothing else than the traffic does."""
    nobody = np.zeros(len(kept), bool)
    if len(kept) == 0 or len(traffic) == 0 or not is_new.any():
        return nobody, nobody, nobody
    slots = _slots(kept, grid_seconds)
    lookup = {"texts": SERIES, "numbers": (SECONDS, START)}
    known = slots.filter(pa.array(~is_new))
    known = known.group_by([*SERIES, SECONDS, START], use_threads=False).aggregate([])
    older = (positions_of(slots, traffic, **lookup) >= 0) & (positions_of(slots, known, **lookup) < 0)
    if not older.any():
        return nobody, nobody, nobody
    gridded = _traffic_rows(kept.filter(pa.array(older)), grid_seconds, buckets)
    full = values_of(gridded, COVERED) >= values_of(gridded, SECONDS)
    same = _same_traffic(gridded, traffic)
    at = positions_of(slots, gridded, **lookup)
    late, confirmed = nobody.copy(), nobody.copy()
    late[older] = ~full[at[older]]
    confirmed[older] = full[at[older]] & same[at[older]]
    return older, late, confirmed


def _rebuilt(intake: pa.Table, traffic: pa.Table, grid_seconds: int, buckets: int) -> pa.Table:
    """Return the traffic of the intake's intervals, and of the older ones what stands already."""
    gridded = _traffic_rows(intake, grid_seconds, buckets)
    untouched = positions_of(traffic, gridded, texts=SERIES, numbers=(SECONDS, START)) < 0
    return pa.concat_tables([gridded, traffic.filter(pa.array(untouched))])


def _traffic_rows(intake: pa.Table, grid_seconds: int, buckets: int) -> pa.Table:
    gridded = grid_table(intake, grid_seconds=grid_seconds)
    known = [name for name in TRAFFIC.schema.names if name not in METRICS or name in intake.column_names]
    gridded = gridded.append_column(DAY, days_of(stamps_of(gridded, START)))
    gridded = gridded.append_column(BUCKET, pa.array(bucket_numbers(gridded[TENANT], buckets), pa.int16()))
    return gridded.select(known).cast(pa.schema([TRAFFIC.schema.field(name) for name in known]))


def _has(rows: pa.Table, name: str) -> bool:
    return name in rows.column_names and rows[name].null_count < len(rows)


def _slots(rows: pa.Table, grid_seconds: int) -> pa.Table:
    lengths = grid_lengths(values_of(rows, SECONDS).astype(np.int64), grid_seconds)
    starts = stamps_of(rows, START) // MICROSECONDS // lengths * lengths * MICROSECONDS
    columns = {name: rows[name] for name in SERIES}
    return pa.table(
        {**columns, SECONDS: pa.array(lengths.astype(np.int32)), START: pa.array(starts).cast(UTC_STAMP)}
    )


def _same_traffic(rows: pa.Table, traffic: pa.Table) -> Mask:
    """Return which rows the traffic table has, with the same values."""
    at = positions_of(rows, traffic, texts=SERIES, numbers=(SECONDS, START))
    same = at >= 0
    there = np.flatnonzero(same)
    if len(there):
        values = (*METRICS, COVERED)
        same[there] = same_values(rows.take(pa.array(there)), traffic.take(pa.array(at[there])), values)
    return same


def _partitions(rows: pa.Table) -> pa.Table:
    return rows.select([DAY, BUCKET]).group_by([DAY, BUCKET], use_threads=False).aggregate([])
