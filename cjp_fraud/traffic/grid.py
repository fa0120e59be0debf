"""From rows as delivered to the grid: which interval a stamp belongs to, and what finer rows add up to."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from cjp_fraud.storage.lake import UTC_STAMP
from cjp_fraud.storage.sorting import Integers, group_sizes, group_starts, sort_order
from cjp_fraud.traffic.columns import key_codes, merge_maps, stamps_of, values_of
from cjp_fraud.traffic.schema import (
    COUNTRIES,
    COVERED,
    DELIVERED,
    LARGEST,
    METRICS,
    OFFERED,
    PEAK,
    PRINCIPAL,
    SECONDS,
    SERIES,
    SERIES_ID,
    SHARE,
    START,
    SUMMED,
)
from cjp_fraud.traffic.series import series_ids
from cjp_fraud.traffic.zero_fill import implied_rows, refuse_endless, series_spans

MINUTE = 60
MICROSECONDS = 1_000_000


def grid_interval(step_seconds: int, grid_seconds: int = 300) -> int:
    """Return the length of the grid interval of rows with this step, in seconds.

    The step itself where it is no shorter than the grid; else the smallest multiple of both, which divides an
    hour because both do (60 s → 300 s; 120 s → 600 s; 90 s → 900 s).

    Raises
    ------
    ValueError
        If one of them does not divide an hour.
    """
    for name, seconds in (("step", step_seconds), ("grid", grid_seconds)):
        if seconds <= 0 or 3600 % seconds:
            raise ValueError(f"{name} of {seconds} s does not divide an hour")
    return step_seconds if step_seconds >= grid_seconds else math.lcm(step_seconds, grid_seconds)


def grid_lengths(steps: Integers, grid_seconds: int = 300) -> Integers:
    """Return :func:`grid_interval` of each row's step (int64 seconds, shape (rows,))."""
    lengths = np.zeros_like(steps)
    for step in np.unique(steps):
        lengths[steps == step] = grid_interval(int(step), grid_seconds)
    return lengths


def grid_rows(frame: pd.DataFrame, *, grid_seconds: int = 300, complete: bool = False) -> pd.DataFrame:
    """Put delivered rows on the grid: one row for each series and grid interval.

    Parameters
    ----------
    frame : valid rows as delivered, in any order, no key (series, step, stamp, principal) twice. Columns
        ``tenant_id``, ``channel``, ``direction``, ``interval_start`` (datetime64, aware),
        ``interval_seconds``
        (the step, 60 to 3600, divides 3600), ``contacts_offered``; any of the schema's other columns.
    grid_seconds : the grid, divides 3600.
    complete : the source leaves out intervals without contacts: a missing one between a series' first and
        last row is zero.

    Returns
    -------
    frame sorted by series (``tenant_id``, ``channel``, ``direction``, ``application_id``),
    ``interval_seconds`` (now the grid interval's) and ``interval_start`` (UTC, on the grid); the first column
    is ``series_id``; after the keys the metrics that ``frame`` has
    (int64, or float64 with NaN where unknown), ``contacts_peak`` (contacts offered in the busiest minute; NaN
    where the step is over 60 s and the source gave none) and ``seconds_covered`` (int32; under
    ``interval_seconds``: not to be used yet). :func:`grid_table` says how each column is put together.
    """
    present = [field for field in DELIVERED if field.name in frame.columns]
    rows = pa.table(
        {field.name: pa.Array.from_pandas(frame[field.name], type=field.type) for field in present},
        schema=pa.schema(present),
    )
    if complete:
        spans = series_spans(rows)
        refuse_endless(spans)
        zeros = implied_rows(rows, spans, zeroed=rows.column_names)
        rows = pa.concat_tables([rows, zeros], promote_options="default")
    gridded: pd.DataFrame = grid_table(rows, grid_seconds=grid_seconds).to_pandas()
    return gridded


def grid_table(rows: pa.Table, *, grid_seconds: int = 300) -> pa.Table:
    """Put delivered rows on the grid (Arrow in, Arrow out; see :func:`grid_rows`).

    Off-grid stamps go down to the grid. Rows in one grid interval are put together at one step: the finest
    that covers the interval, or the one that covers most of it. A metric is null if it is null in any row:

    - contacts, seconds, cents, new and invalid destinations: sum;
    - ``contacts_peak``: the largest sum of contacts offered at one 60 s stamp, else the largest delivered;
    - distinct things, concurrency, agents: the largest (the true value is at least that);
    - ``top_destination_share``: mean weighted by contacts offered (the true share is at most that);
    - ``countries``: summed country by country.

    Parameters
    ----------
    rows : columns of ``DELIVERED``; the optional ones may be missing.

    Returns
    -------
    table with the columns that ``rows`` has (no ``principal_id``), ``series_id`` in front, ``contacts_peak``
    and ``seconds_covered``, sorted by series, interval and start.
    """
    steps = values_of(rows, SECONDS).astype(np.int64)
    lengths = grid_lengths(steps, grid_seconds)
    stamps = stamps_of(rows, START)
    slots = stamps // MICROSECONDS // lengths * lengths
    series = key_codes(rows, SERIES)

    order = sort_order(series, lengths, slots, steps)
    series, lengths, slots, steps = series[order], lengths[order], slots[order], steps[order]
    starts = group_starts(series, lengths, slots, steps)
    distinct, busiest = _per_stamp(rows, order, starts, stamps)
    covered = np.minimum(distinct * steps[starts], lengths[starts])
    kept = _one_step(series[starts], lengths[starts], slots[starts], covered)

    columns: dict[str, pa.Array] = {}
    firsts = pa.array(order[starts][kept])
    for name in SERIES:
        if name in rows.column_names:
            columns[name] = rows[name].take(firsts)
    columns[SECONDS] = pa.array(lengths[starts][kept].astype(np.int32))
    columns[START] = pa.array(slots[starts][kept] * MICROSECONDS).cast(UTC_STAMP)
    for name in METRICS:
        if name == PEAK:
            columns[name] = _peak(rows, order, starts, steps, busiest).filter(pa.array(kept))
        elif name in rows.column_names:
            columns[name] = _combined(rows, name, order, starts).filter(pa.array(kept))
    columns[COVERED] = pa.array(covered[kept].astype(np.int32))
    gridded = pa.table(columns)
    return gridded.add_column(0, SERIES_ID, series_ids(gridded))


def _per_stamp(
    rows: pa.Table, order: Integers, starts: Integers, stamps: Integers
) -> tuple[Integers, Integers]:
    """Return, of each group, how many distinct stamps it has and the most contacts offered at one of them."""
    offered = values_of(rows, OFFERED).astype(np.int64)[order]
    if len(order) == 0:
        return offered, offered
    if PRINCIPAL not in rows.column_names or rows[PRINCIPAL].null_count == len(rows):
        return group_sizes(starts, len(order)), np.maximum.reduceat(offered, starts)
    group = np.repeat(np.arange(len(starts)), group_sizes(starts, len(order)))
    inner = sort_order(group, stamps[order])
    moments = group_starts(group[inner], stamps[order][inner])
    at_once = np.add.reduceat(offered[inner], moments)
    firsts = group_starts(group[inner][moments])
    return group_sizes(firsts, len(moments)), np.maximum.reduceat(at_once, firsts)


def _one_step(
    series: Integers, lengths: Integers, slots: Integers, covered: Integers
) -> npt.NDArray[np.bool_]:
    """Keep, of several steps in one grid interval, the finest that covers it, or else covers most."""
    same = group_starts(series, lengths, slots)
    if len(same) == len(series):
        return np.ones(len(series), bool)
    # Inside an interval the groups are sorted by step: the first of the best covered is the finest.
    best = np.repeat(np.maximum.reduceat(covered, same), group_sizes(same, len(series)))
    candidates = np.where(covered == best, np.arange(len(series)), len(series))
    kept = np.zeros(len(series), bool)
    kept[np.minimum.reduceat(candidates, same)] = True
    return kept


def _peak(rows: pa.Table, order: Integers, starts: Integers, steps: Integers, busiest: Integers) -> pa.Array:
    by_minute = pa.array(steps[starts] <= MINUTE)
    counted = pa.array(busiest)
    if PEAK not in rows.column_names or rows[PEAK].null_count == len(rows):
        return pc.if_else(by_minute, counted, pa.scalar(None, pa.int64()))
    return pc.if_else(by_minute, counted, _combined(rows, PEAK, order, starts))


def _combined(rows: pa.Table, name: str, order: Integers, starts: Integers) -> pa.Array:
    kind = METRICS[name]
    column = rows[name]
    if column.null_count == len(column):
        return pa.nulls(len(starts), kind)
    if name == COUNTRIES:
        return merge_maps(column.take(pa.array(order)), starts)
    missing = None
    if column.null_count:
        missing = np.logical_or.reduceat(column.is_null().to_numpy()[order], starts)
    values = values_of(rows, name)[order]
    if name in SUMMED:
        result = np.add.reduceat(values, starts)
    elif name in LARGEST:
        result = np.maximum.reduceat(values, starts)
    elif name == SHARE:
        weight = values_of(rows, OFFERED)[order].astype(np.float64)
        total = np.add.reduceat(weight, starts)
        mean = np.add.reduceat(values * weight, starts) / np.where(total > 0, total, 1.0)
        result = np.where(total > 0, mean, np.maximum.reduceat(values, starts))
    else:  # pragma: no cover - the schema has no other kind of metric
        raise ValueError(f"no rule puts {name} together")
    return pa.array(result, kind, mask=missing)
