"""What newly delivered rows change in the intake and in the traffic of the partitions that they touch."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from cjp_fraud.storage.lake import UTC_STAMP, bucket_numbers
from cjp_fraud.traffic.columns import (
    Integers,
    Mask,
    days_of,
    group_sizes,
    group_starts,
    key_codes,
    packed,
    positions_of,
    same_values,
    series_ids,
    stamps_of,
    values_of,
    widened,
)
from cjp_fraud.traffic.grid import Keys, put_on_grid
from cjp_fraud.traffic.schema import (
    BUCKET,
    COVERED,
    DAY,
    IMPLIED,
    METRICS,
    OFFERED,
    PEAK,
    SECONDS,
    SERIES,
    SERIES_ID,
    START,
    TENANT,
    TRAFFIC,
)
from cjp_fraud.traffic.usable_rows import (
    ORDER,
    clashes,
    covered_traffic,
    in_key_order,
    unclear_rows,
    usable,
    without,
)


@dataclass(frozen=True)
class Merged:
    """The partitions as they are after the merge, and what it changes.

    Parameters
    ----------
    intake, traffic : all rows of the partitions, without the metrics that none of them has.
    stored, replaced, unchanged : numbers of delivered rows (implied zeros not counted); an equal row twice in
        one source counts once as stored and once as unchanged. A correcting row that is new and takes others away
        replaces them.
    taken_away : rows of the intake that a correcting source took away, implied zeros among them.
    intervals_changed : grid intervals of a series whose traffic differs.
    outweighed, parts_of_totals : how many of the delivered rows, also of the unchanged ones, do not count in the
        traffic, because another step of the series counts in their interval, or because they are parts of a total.
    disagreeing : delivered rows whose key occurs twice in one source with different values.
    unclear : delivered rows of one moment, with and without principal, of which nobody can tell whether they
        are a total and its parts.
    too_late : delivered rows of intervals older than the intake that do not replace them as a whole.
    intake_changed, traffic_changed : columns ``day``, ``bucket``: the partitions that differ.
    marks : columns ``tenant_id``, ``bucket``, ``interval_start``: every grid interval that differs.
    """

    intake: pa.Table
    traffic: pa.Table
    stored: int
    replaced: int
    unchanged: int
    taken_away: int
    intervals_changed: int
    outweighed: int
    parts_of_totals: int
    disagreeing: pa.Table
    unclear: pa.Table
    too_late: pa.Table
    intake_changed: pa.Table
    traffic_changed: pa.Table
    marks: pa.Table


def merge(
    new: pa.Table,
    intake: pa.Table,
    traffic: pa.Table,
    *,
    grid_seconds: int,
    buckets: int,
    corrects: bool = False,
) -> Merged:
    """Put newly delivered rows into the intake and rebuild the traffic of their grid intervals.

    A new row replaces the row of the same key (series, step, stamp, principal). If one source has a key twice,
    equal rows become one row, and different ones are not used. An interval that is in the traffic, and of which
    the intake no longer has the rows, is only replaced as a whole: by rows that cover all of it.

    Parameters
    ----------
    new : valid rows with the intake's columns (metrics may be missing) and ``source_order``.
    intake : what the intake still has of the partitions touched (nothing that has expired).
    traffic : what the traffic table has of them.
    grid_seconds : the grid.
    buckets : number of buckets of the lake.
    corrects : the new rows take away the intake's rows whose whole time they cover, at whatever step; those
        without principal also the rows of every principal.
    """
    old, traffic = _with_known_metrics(new, intake, traffic)
    rows, keys = in_key_order(pa.concat_tables([old, widened(new, old.schema)]), grid_seconds)
    used = usable(rows, keys, corrects=corrects)
    delivered = _winners(used.rows, used.keys, used.emptied)
    winners, keys = delivered.rows, delivered.keys
    older, late, confirmed = _older_than_intake(winners, keys, delivered.is_new, traffic, buckets)
    left_out = late | confirmed
    is_row = delivered.is_delivered & ~values_of(winners, IMPLIED).astype(bool)
    stored = int((is_row & delivered.is_new & ~older).sum())
    replaced = int((is_row & (delivered.is_replacing | (delivered.is_new & older & ~left_out))).sum())
    too_late = winners.filter(pa.array(late & is_row))
    count = len(new) - int(values_of(new, IMPLIED).sum())
    count -= len(used.disagreeing) + len(used.unclear) + len(too_late)

    intake_after, keys_after, _ = without(winners.drop_columns([ORDER]), keys, left_out)
    gridded, is_part, is_outweighed = put_on_grid(intake_after, keys_after)
    slots_gone = _slots(used.corrected, used.emptied)
    if corrects:  # also what an interrupted run left, and what is older than the intake
        counted, counted_keys, _ = without(winners, keys, left_out | ~delivered.is_delivered)
        slots_gone = pa.concat_tables([slots_gone, covered_traffic(counted, counted_keys, traffic)])
    traffic_after, gone = _rebuilt(_as_traffic(gridded, buckets), traffic, slots_gone)
    changed = _changed(traffic_after, traffic, gone)
    is_written = (delivered.is_new | delivered.is_replacing) & ~left_out
    return Merged(
        intake=intake_after.add_column(0, SERIES_ID, series_ids(_slots(intake_after, keys_after))),
        traffic=traffic_after,
        stored=stored,
        replaced=replaced,
        unchanged=count - stored - replaced,
        taken_away=len(used.corrected),
        intervals_changed=len(changed),
        outweighed=int((is_outweighed & is_row[~left_out]).sum()),
        parts_of_totals=int((is_part & is_row[~left_out]).sum()),
        disagreeing=used.disagreeing,
        unclear=used.unclear,
        too_late=too_late,
        intake_changed=_partitions(winners.filter(pa.array(is_written)), used.corrected),
        traffic_changed=_partitions(changed),
        marks=changed.select([TENANT, BUCKET, START]),
    )


def _with_known_metrics(new: pa.Table, intake: pa.Table, traffic: pa.Table) -> tuple[pa.Table, pa.Table]:
    """Return intake, with ``source_order``, and traffic without the metrics that none of the tables has.

    The series ids of the intake are left out: they are computed again, for all its rows at once.
    """
    unknown = [
        name
        for name in METRICS
        if name not in (OFFERED, PEAK) and not any(_has(rows, name) for rows in (new, intake, traffic))
    ]
    order = pa.array(np.full(len(intake), -1, np.int64))
    return intake.drop_columns([SERIES_ID, *unknown]).append_column(ORDER, order), traffic.drop_columns(
        unknown
    )


def deduplicated(rows: pa.Table, *, grid_seconds: int = 300) -> tuple[pa.Table, pa.Table, pa.Table]:
    """Return the rows with each key once, and two kinds of rows that cannot be used: those whose key occurs twice
    in their source with different values, and those that may be a total and its parts, or not.

    Parameters
    ----------
    rows : columns of ``DELIVERED`` (metrics may be missing), ``line`` and ``source_order``.
    """
    rows, keys = in_key_order(rows, grid_seconds)
    rows, keys, clashing = without(rows, keys, clashes(rows, keys))
    rows, keys, unclear = without(rows, keys, unclear_rows(rows, keys))
    nothing = keys.take(np.zeros(len(rows), bool))
    return _winners(rows, keys, nothing).rows, clashing, unclear


@dataclass(frozen=True)
class _Winners:
    """One row for each key.

    Parameters
    ----------
    rows, keys : the rows that stay; of two equal ones, the old one.
    is_delivered : mask of the keys that the new rows have.
    is_new : mask of the keys that only the new rows have, and that correct nothing.
    is_replacing : mask of the new rows that have other values than the old one, or have taken old ones away.
    """

    rows: pa.Table
    keys: Keys
    is_delivered: Mask
    is_new: Mask
    is_replacing: Mask


def _winners(rows: pa.Table, keys: Keys, emptied: Keys) -> _Winners:
    """Return one row for each key: the last one, and of equal ones the first."""
    starts = group_starts(packed(*keys.row))
    lasts = starts + group_sizes(starts, len(rows)) - 1
    orders = values_of(rows, ORDER)
    had_old, is_delivered = orders[starts] < 0, orders[lasts] >= 0
    challenged = had_old & is_delivered
    same = np.zeros(len(starts), bool)
    at = np.flatnonzero(challenged)
    same[at] = same_values(rows.take(pa.array(starts[at])), rows.take(pa.array(lasts[at])), METRICS)
    if len(starts) < len(rows):
        winners = np.where(same, starts, lasts)
        rows, keys = rows.take(pa.array(winners)), keys.take(winners)
    is_correcting = ~had_old & (positions_of(keys.place, emptied.place) >= 0)
    is_replacing = (challenged & ~same) | is_correcting
    return _Winners(rows, keys, is_delivered, ~had_old & ~is_correcting, is_replacing)


def _older_than_intake(
    winners: pa.Table, keys: Keys, is_new: Mask, traffic: pa.Table, buckets: int
) -> tuple[Mask, Mask, Mask]:
    """Return three masks. The first has the rows that are older than the intake: their interval is in the traffic
    table, and the intake no longer has its rows. Of these, the second has the rows that cover only a part of their
    interval, and the third those that cover all of it with the values that the traffic table has already."""
    nothing = np.zeros(len(winners), bool)
    if len(traffic) == 0 or not is_new.any():
        return nothing, nothing, nothing
    slots = _slots(winners, keys)
    older = positions_of(keys.place, keys.take(~is_new).place) < 0
    older &= _positions(slots, traffic) >= 0
    if not older.any():
        return nothing, nothing, nothing
    gridded = _as_traffic(put_on_grid(winners.filter(pa.array(older)), keys.take(older))[0], buckets)
    at = _positions(slots.filter(pa.array(older)), gridded)
    full = (values_of(gridded, COVERED) >= values_of(gridded, SECONDS))[at]
    late, confirmed = nothing.copy(), nothing.copy()
    late[older] = ~full
    confirmed[older] = full & _same_traffic(gridded, traffic)[at]
    return older, late, confirmed


def _rebuilt(gridded: pa.Table, traffic: pa.Table, emptied: pa.Table) -> tuple[pa.Table, pa.Table]:
    """Return the traffic of the intake's intervals together with the stored rows of older intervals; and the
    stored rows that are gone, because all the rows delivered for them were corrected away."""
    untouched = _positions(traffic, gridded) < 0
    gone = untouched & (_positions(traffic, emptied) >= 0)
    after = pa.concat_tables([gridded, traffic.filter(pa.array(untouched & ~gone))])
    return after, traffic.filter(pa.array(gone))


def _changed(after: pa.Table, before: pa.Table, gone: pa.Table) -> pa.Table:
    """Return tenant, bucket, start and day of the traffic's rows that differ or are gone."""
    differing = after.filter(pa.array(~_same_traffic(after, before)))
    named = [TENANT, BUCKET, START, DAY]
    return pa.concat_tables([differing.select(named), gone.select(named)])


def _as_traffic(gridded: pa.Table, buckets: int) -> pa.Table:
    gridded = gridded.append_column(DAY, days_of(stamps_of(gridded, START)))
    gridded = gridded.append_column(BUCKET, pa.array(bucket_numbers(gridded[TENANT], buckets), pa.int16()))
    known = [name for name in TRAFFIC.schema.names if name in gridded.column_names]
    return gridded.select(known).cast(pa.schema([TRAFFIC.schema.field(name) for name in known]))


def _has(rows: pa.Table, name: str) -> bool:
    return name in rows.column_names and rows[name].null_count < len(rows)


def _slots(rows: pa.Table, keys: Keys) -> pa.Table:
    """Return, for each row, the key of the traffic row that it becomes a part of."""
    columns = {name: rows[name] for name in SERIES}
    columns[SECONDS] = pa.array(keys.length.astype(np.int32))
    columns[START] = pa.array(keys.slot).cast(UTC_STAMP)
    return pa.table(columns)


def _positions(left: pa.Table, right: pa.Table) -> Integers:
    """Return, for each row of ``left``, the row of ``right`` with the same series, interval and start, or -1."""
    names = [*SERIES, SECONDS, START]
    both = pa.concat_tables([right.select(names), left.select(names)])
    series = key_codes(both, SERIES)
    key = (series, values_of(both, SECONDS).astype(np.int64), stamps_of(both, START))
    return positions_of([part[len(right) :] for part in key], [part[: len(right)] for part in key])


def _same_traffic(rows: pa.Table, traffic: pa.Table) -> Mask:
    """Return a mask of the rows that the traffic table has with the same values."""
    at = _positions(rows, traffic)
    same = at >= 0
    there = np.flatnonzero(same)
    if len(there):
        values = (*METRICS, COVERED)
        same[there] = same_values(rows.take(pa.array(there)), traffic.take(pa.array(at[there])), values)
    return same


def _partitions(*tables: pa.Table) -> pa.Table:
    """Return the distinct partitions of the tables' rows."""
    pairs = pa.concat_tables([rows.select([DAY, BUCKET]) for rows in tables])
    return pairs.group_by([DAY, BUCKET], use_threads=False).aggregate([])
