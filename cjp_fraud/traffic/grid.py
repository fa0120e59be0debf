"""From rows as delivered to the grid: which interval a stamp belongs to, and what finer rows add up to."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from cjp_fraud.storage.lake import UTC_STAMP
from cjp_fraud.traffic.columns import (
    Integers,
    Mask,
    group_sizes,
    group_starts,
    key_codes,
    merge_maps,
    packed,
    series_ids,
    sort_order,
    stamps_of,
    values_of,
)
from cjp_fraud.traffic.schema import (
    COUNTRIES,
    COVERED,
    DELIVERED,
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
from cjp_fraud.traffic.zero_fill import implied_rows, refuse_endless, series_spans

MINUTE = 60
MICROSECONDS = 1_000_000


@dataclass(frozen=True)
class Keys:
    """The keys of rows as numbers, which are quick to sort, group and join; each int64, shape (rows,).

    Parameters
    ----------
    series : ordered like tenant, channel, direction, application; comparable inside one table only.
    length : the grid interval's, seconds.
    slot : its start, µs since 1970.
    step : as delivered, seconds.
    stamp : as delivered, µs.
    principal : -1 where the row has none.
    """

    series: Integers
    length: Integers
    slot: Integers
    step: Integers
    stamp: Integers
    principal: Integers

    def take(self, at: Integers | Mask) -> Keys:
        """Return the keys of some rows, by position or by mask."""
        return Keys(*(getattr(self, field.name)[at] for field in fields(self)))

    @property
    def place(self) -> tuple[Integers, ...]:
        """What identifies a row of the traffic table."""
        return (self.series, self.length, self.slot)

    @property
    def moment(self) -> tuple[Integers, ...]:
        """What identifies an interval as delivered, whoever carried it."""
        return (self.series, self.step, self.stamp)

    @property
    def row(self) -> tuple[Integers, ...]:
        """What identifies a row of the intake."""
        return (*self.moment, self.principal)


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


def grid_rows(frame: pd.DataFrame, *, grid_seconds: int = 300, complete: bool = False) -> pd.DataFrame:
    """Put delivered rows on the grid: one row for each series and grid interval.

    Parameters
    ----------
    frame : valid rows as delivered, in any order, no key (series, step, stamp, principal) twice. Columns
        ``tenant_id``, ``channel``, ``direction``, ``interval_start`` (datetime64, aware),
        ``interval_seconds`` (the step, 60 to 3600, divides 3600), ``contacts_offered``; any of the schema's
        other columns.
    grid_seconds : the grid, divides 3600.
    complete : the source leaves out intervals without contacts: a missing one between a series' first and
        last row is zero.

    Returns
    -------
    frame sorted by series (``tenant_id``, ``channel``, ``direction``, ``application_id``),
    ``interval_seconds`` (now the grid interval's) and ``interval_start`` (UTC, on the grid); the first column
    is ``series_id``; after the keys the metrics that ``frame`` has (int64, or float64 with NaN where unknown),
    ``contacts_peak`` (contacts offered in the busiest minute; NaN where the step is over 60 s and the source
    gave none) and ``seconds_covered`` (int32; less than ``interval_seconds``: not complete, not to be used yet).
    :func:`grid_table` says how each column is put together.
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

    Off-grid stamps are rounded down to the grid. A row without principal that equals the sum of those with
    one is their total: it counts, they do not. In a grid interval only rows of one step are put together: of
    the finest step that covers the interval, or else of the one that covers most of it. A metric is null if
    it is null in one of these rows:

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
    return put_on_grid(rows, keys_of(rows, grid_seconds))[0]


def keys_of(rows: pa.Table, grid_seconds: int) -> Keys:
    """Return the keys of rows (columns of ``DELIVERED``; the optional ones may be missing)."""
    steps = values_of(rows, SECONDS).astype(np.int64)
    lengths = np.zeros_like(steps)
    for step in np.unique(steps):
        lengths[steps == step] = grid_interval(int(step), grid_seconds)
    stamps = stamps_of(rows, START)
    width = lengths * MICROSECONDS
    principals = np.full(len(rows), -1, np.int64)
    if PRINCIPAL in rows.column_names and rows[PRINCIPAL].null_count < len(rows):
        has_one = rows[PRINCIPAL].is_valid().to_numpy()
        principals[has_one] = key_codes(rows, [PRINCIPAL])[has_one]
    return Keys(key_codes(rows, SERIES), lengths, stamps // width * width, steps, stamps, principals)


def put_on_grid(rows: pa.Table, keys: Keys) -> tuple[pa.Table, Mask, Mask]:
    """Return :func:`grid_table`, and which rows do not count in it.

    Parameters
    ----------
    keys : the keys of the rows, from :func:`keys_of`.

    Returns
    -------
    the table; a mask of the rows that are parts of a total; a mask of the rows that do not count because in
    their interval another step does.
    """
    is_part = parts_of_totals(keys, values_of(rows, OFFERED).astype(np.int64))
    outweighed = np.zeros(len(rows), bool)
    if is_part.any():
        rows, keys = rows.filter(pa.array(~is_part)), keys.take(~is_part)
    code = packed(*keys.place, keys.step)
    order = sort_order(code)
    starts = group_starts(code[order])
    firsts = keys.take(order[starts])
    distinct, busiest = _per_stamp(rows, keys, order, starts)
    covered = np.minimum(distinct * firsts.step, firsts.length)
    counts = _counting_step(firsts, covered)
    if not counts.all():
        among_counted = np.empty(len(rows), bool)
        among_counted[order] = np.repeat(counts, group_sizes(starts, len(rows)))
        outweighed[~is_part] = ~among_counted

    chosen = pa.array(counts)
    samples = pa.array(order[starts][counts])
    columns = {name: rows[name].take(samples) for name in SERIES if name in rows.column_names}
    columns[SECONDS] = pa.array(firsts.length[counts].astype(np.int32))
    columns[START] = pa.array(firsts.slot[counts]).cast(UTC_STAMP)
    for name in METRICS:
        if name == PEAK:
            columns[name] = _peak(rows, order, starts, firsts.step, busiest).filter(chosen)
        elif name in rows.column_names:
            columns[name] = _combined(rows, name, order, starts).filter(chosen)
    columns[COVERED] = pa.array(covered[counts].astype(np.int32))
    gridded = pa.table(columns)
    return gridded.add_column(0, SERIES_ID, series_ids(gridded)), is_part, outweighed


def parts_of_totals(keys: Keys, offered: Integers) -> Mask:
    """Return a mask of rows with a principal whose sum equals the row without one at the same moment.

    The total counts and not its parts, because it also knows what does not add up (distinct things,
    concurrency).
    """
    named, unnamed = principal_sums(keys, offered)
    is_part: Mask = (named > 0) & (unnamed == named) & (keys.principal >= 0)
    return is_part


def principal_sums(keys: Keys, offered: Integers) -> tuple[Integers, Integers]:
    """Return, for each row, the contacts at its moment: the sum of the rows with a principal, and those of the
    row without one (int64, shape (rows,); 0 where there is no such row).

    If every row has a principal, or none has, no total can stand beside its parts. Then nothing is added up: the
    first is only 1 or 0, the second 0.
    """
    is_named = keys.principal >= 0
    if not is_named.any() or is_named.all():
        return np.where(is_named, 1, 0), np.zeros(len(offered), np.int64)
    code = packed(*keys.moment)
    order = sort_order(code)
    starts = group_starts(code[order])
    sums = []
    for which in (is_named, ~is_named):
        total = np.empty(len(offered), np.int64)
        at_moment = np.add.reduceat(np.where(which, offered, 0)[order], starts)
        total[order] = np.repeat(at_moment, group_sizes(starts, len(order)))
        sums.append(total)
    return sums[0], sums[1]


def _per_stamp(rows: pa.Table, keys: Keys, order: Integers, starts: Integers) -> tuple[Integers, Integers]:
    """Return how many distinct stamps each group has, and the most contacts offered at one of them."""
    offered = values_of(rows, OFFERED).astype(np.int64)[order]
    if len(order) == 0:
        return offered, offered
    if not (keys.principal >= 0).any():
        return group_sizes(starts, len(order)), np.maximum.reduceat(offered, starts)
    group = np.repeat(np.arange(len(starts)), group_sizes(starts, len(order)))
    code = packed(group, keys.stamp[order])
    inner = sort_order(code)
    moments = group_starts(code[inner])
    at_once = np.add.reduceat(offered[inner], moments)
    firsts = group_starts(group[inner][moments])
    return group_sizes(firsts, len(moments)), np.maximum.reduceat(at_once, firsts)


def _counting_step(firsts: Keys, covered: Integers) -> Mask:
    """Return a mask of the groups that count. Where a grid interval has several steps, it is the finest one that
    covers the interval, or else the one that covers most of it."""
    code = packed(*firsts.place)
    same = group_starts(code)
    if len(same) == len(code):
        return np.ones(len(code), bool)
    # Inside an interval the groups are sorted by step: the first of the best covered is the finest.
    best = np.repeat(np.maximum.reduceat(covered, same), group_sizes(same, len(code)))
    candidates = np.where(covered == best, np.arange(len(code)), len(code))
    counts = np.zeros(len(code), bool)
    counts[np.minimum.reduceat(candidates, same)] = True
    return counts


def _peak(rows: pa.Table, order: Integers, starts: Integers, steps: Integers, busiest: Integers) -> pa.Array:
    by_minute = pa.array(steps <= MINUTE)
    counted = pa.array(busiest)
    if PEAK not in rows.column_names or rows[PEAK].null_count == len(rows):
        return pc.if_else(by_minute, counted, pa.scalar(None, pa.int64()))
    return pc.if_else(by_minute, counted, _combined(rows, PEAK, order, starts))


def _combined(rows: pa.Table, name: str, order: Integers, starts: Integers) -> pa.Array:
    """Return a metric put together group by group; null if a row of the group has no value."""
    column = rows[name]
    if column.null_count == len(column):
        return pa.nulls(len(starts), METRICS[name])
    if name == COUNTRIES:
        return merge_maps(column.take(pa.array(order)), starts)
    missing = None
    if column.null_count:
        missing = np.logical_or.reduceat(column.is_null().to_numpy()[order], starts)
    values = values_of(rows, name)[order]
    combine = np.add if name in SUMMED else np.maximum
    result = combine.reduceat(values, starts)
    if name == SHARE:
        weight = values_of(rows, OFFERED)[order].astype(np.float64)
        total = np.add.reduceat(weight, starts)
        mean = np.add.reduceat(values * weight, starts) / np.where(total > 0, total, 1.0)
        result = np.where(total > 0, mean, result)
    return pa.array(result, METRICS[name], mask=missing)
