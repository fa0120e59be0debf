"""Which delivered rows can be used beside those that are there, and which stored ones a correction takes away."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
import pyarrow as pa

from cjp_fraud.traffic.columns import (
    Mask,
    group_sizes,
    group_starts,
    key_codes,
    packed,
    positions_of,
    same_values,
    sort_order,
    stamps_of,
    values_of,
)
from cjp_fraud.traffic.grid import MICROSECONDS, Keys, keys_of, principal_sums
from cjp_fraud.traffic.schema import LINE, METRICS, OFFERED, SECONDS, SERIES, START

ORDER = "source_order"
"""Order of the sources that are merged at once (int64): the highest number is the latest and wins; -1 in the intake."""


@dataclass(frozen=True)
class Usable:
    """Old and new rows that can be used, and those that cannot.

    Parameters
    ----------
    rows, keys : the usable rows.
    disagreeing, unclear : see :class:`cjp_fraud.traffic.merge.Merged`.
    corrected, emptied : the old rows that the new ones take away, and their keys.
    """

    rows: pa.Table
    keys: Keys
    disagreeing: pa.Table
    unclear: pa.Table
    corrected: pa.Table
    emptied: Keys


def usable(rows: pa.Table, keys: Keys, *, corrects: bool) -> Usable:
    """Return the rows that can be used. What goes to quarantine corrects nothing: it takes no row away."""
    rows, keys, disagreeing = without(rows, keys, clashes(rows, keys))
    unclear = rows.slice(0, 0)
    while True:
        covered = _covered_by_new(rows, keys) if corrects else np.zeros(len(rows), bool)
        left, left_keys, corrected = without(rows, keys, covered)
        doubtful = covered.copy()
        doubtful[~covered] = unclear_rows(left, left_keys)
        doubtful &= ~covered
        if not doubtful.any():
            return Usable(left, left_keys, disagreeing, unclear, corrected, keys.take(covered))
        # Without the doubtful rows, others may be covered no longer: look again.
        rows, keys, taken_out = without(rows, keys, doubtful)
        unclear = pa.concat_tables([unclear, taken_out])


def in_key_order(rows: pa.Table, grid_seconds: int) -> tuple[pa.Table, Keys]:
    """Return rows by key, source and line, and their keys."""
    keys = keys_of(rows, grid_seconds)
    lines = values_of(rows, LINE).astype(np.int64)
    order = sort_order(packed(packed(*keys.row), values_of(rows, ORDER), lines))
    if bool((np.diff(order) == 1).all()):
        return rows, keys
    return rows.take(pa.array(order)), keys.take(order)


def without(rows: pa.Table, keys: Keys, bad: Mask) -> tuple[pa.Table, Keys, pa.Table]:
    """Return the rows and keys that are not bad, and the rows that are."""
    if not bad.any():
        return rows, keys, rows.slice(0, 0)
    return rows.filter(pa.array(~bad)), keys.take(~bad), rows.filter(pa.array(bad))


def clashes(rows: pa.Table, keys: Keys) -> Mask:
    """Return a mask of the rows with a key that their own source delivers twice with different values."""
    code = packed(packed(*keys.row), values_of(rows, ORDER))
    starts = group_starts(code)
    if len(starts) == len(rows):
        return np.zeros(len(rows), bool)
    # Rows of one key stand together: each is compared with the one before it.
    again = np.setdiff1d(np.arange(len(rows)), starts)
    differs = np.zeros(len(rows), bool)
    differs[again] = ~same_values(rows.take(pa.array(again)), rows.take(pa.array(again - 1)), METRICS)
    return np.repeat(np.logical_or.reduceat(differs, starts), group_sizes(starts, len(rows)))


def _covered_by_new(rows: pa.Table, keys: Keys) -> Mask:
    """Return a mask of the intake's rows whose whole time is covered by a new row with another key.

    A new row with a principal covers rows of that principal only, one without covers all.
    """
    frame = pd.DataFrame({name: getattr(keys, name) for name in ("series", "step", "stamp", "principal")})
    is_old = values_of(rows, ORDER) < 0
    old, new = frame[is_old], frame[~is_old]
    is_total = new["principal"] < 0
    covered = np.zeros(len(rows), bool)
    covered[is_old] = _covered(old, new[is_total], ["series"])
    covered[is_old] |= _covered(old, new[~is_total], ["series", "principal"])
    # A row of the same key is replaced in the usual way, so that an equal one stays unchanged.
    return covered & (positions_of(keys.row, keys.take(~is_old).row) < 0)


def covered_traffic(rows: pa.Table, keys: Keys, traffic: pa.Table) -> pa.Table:
    """Return the key columns of the traffic's rows whose whole time is covered by a delivered row without principal.

    Parameters
    ----------
    rows, keys : the delivered rows.
    traffic : rows of the traffic table.
    """
    is_total = keys.principal < 0
    rows, keys = rows.filter(pa.array(is_total)), keys.take(is_total)
    series = key_codes(pa.concat_tables([traffic.select(SERIES), rows.select(SERIES)]), SERIES)
    stored = pd.DataFrame(
        {
            "series": series[: len(traffic)],
            "step": values_of(traffic, SECONDS).astype(np.int64),
            "stamp": stamps_of(traffic, START),
        }
    )
    new = pd.DataFrame({"series": series[len(traffic) :], "step": keys.step, "stamp": keys.stamp})
    return traffic.filter(pa.array(_covered(stored, new, ["series"]))).select([*SERIES, SECONDS, START])


def _covered(old: pd.DataFrame, new: pd.DataFrame, by: list[str]) -> Mask:
    """Return a mask of the old rows that lie wholly within the time of one new row with the same ``by``.

    Parameters
    ----------
    old, new : int64 columns ``by``, ``stamp`` (µs) and ``step`` (seconds).
    """
    ordered = old.reset_index(drop=True).rename_axis("row").reset_index().sort_values("stamp")
    covered = np.zeros(len(old), bool)
    for _, part in new.groupby("step"):
        right = part.assign(begin=part["stamp"])[[*by, "stamp", "begin", "step"]]
        right = right.drop_duplicates().sort_values("stamp")
        pairs = pd.merge_asof(ordered, right, on="stamp", by=by, suffixes=("", "_new"))
        ends = pairs["begin"] + pairs["step_new"] * MICROSECONDS
        covered[pairs.loc[pairs["stamp"] + pairs["step"] * MICROSECONDS <= ends, "row"].to_numpy()] = True
    return covered


def unclear_rows(rows: pa.Table, keys: Keys) -> Mask:
    """Return a mask of the new rows at moments whose row without principal may be a total or a rest.

    If it is equal to the sum of the others, it is their total. If it is smaller, it can only be what is left
    beside them. If it is larger, it may be either. And if it was the total so far and is not equal any more, a
    part may have been corrected without it.
    """
    unclear = np.zeros(len(rows), bool)
    is_named = keys.principal >= 0
    if not is_named.any() or is_named.all():
        return unclear
    offered = values_of(rows, OFFERED).astype(np.int64)
    is_old = values_of(rows, ORDER) < 0
    last = np.append(np.diff(packed(*keys.row)) != 0, True)
    named, unnamed = principal_sums(keys.take(last), offered[last])
    doubtful = (unnamed > named) & (named > 0)
    if is_old.any():
        before_named, before_unnamed = principal_sums(keys.take(is_old), offered[is_old])
        was_total = keys.take(is_old).take((before_unnamed == before_named) & (before_named > 0))
        doubtful |= (unnamed != named) & (positions_of(keys.take(last).moment, was_total.moment) >= 0)
    if not doubtful.any():
        return unclear
    return ~is_old & (positions_of(keys.moment, keys.take(last).take(doubtful).moment) >= 0)
