"""Arrow columns as numpy arrays that can be sorted, grouped and joined, and back.

Rows come in pieces of 25,000. On such a piece every call of pandas, or of Arrow's ``group_by`` or ``join``, takes 5 to
15 ms, however simple it is. A key packed into one int64 is sorted in 2 ms, and adding up with numpy's ``reduceat``
takes less than that. With those libraries an ingest's merge was measured to take 3 to 5 times as long.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from cjp_fraud.storage.lake import UTC_STAMP
from cjp_fraud.traffic.schema import SECONDS, SERIES
from cjp_fraud.traffic.series_identity import series_id

Integers = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]
LARGEST_PACKED = 2**62


def values_of(rows: pa.Table, name: str) -> npt.NDArray[Any]:
    """Return a numeric column with 0 where it is null (shape (rows,))."""
    column = rows[name]
    values: npt.NDArray[Any] = (pc.fill_null(column, 0) if column.null_count else column).to_numpy()
    return values


def stamps_of(rows: pa.Table, name: str) -> Integers:
    """Return a column of stamps as microseconds since 1970-01-01 UTC (int64, shape (rows,))."""
    stamps: Integers = rows[name].cast(UTC_STAMP).cast(pa.int64()).to_numpy()
    return stamps


def packed(*keys: Integers) -> Integers:
    """Return one number for each row: equal for equal keys, ordered like them (int64, shape (rows,)).

    Parameters
    ----------
    keys : arrays of shape (rows,), the most significant first.
    """
    if len(keys[0]) == 0:
        return np.zeros(0, np.int64)
    lows = [int(key.min()) for key in keys]
    widths = [int(key.max()) - low + 1 for key, low in zip(keys, lows, strict=True)]
    if math.prod(widths) > LARGEST_PACKED:
        # Ranks instead of values: there are at most as many as rows.
        keys = tuple(np.unique(key, return_inverse=True)[1].astype(np.int64) for key in keys)
        lows, widths = [0] * len(keys), [int(key.max()) + 1 for key in keys]
        if math.prod(widths) > LARGEST_PACKED:
            head = np.unique(packed(*keys[:-1]), return_inverse=True)[1].astype(np.int64)
            return head * widths[-1] + keys[-1]
    code = np.zeros(len(keys[0]), np.int64)
    for key, low, width in zip(keys, lows, widths, strict=True):
        code = code * width + (key - low)
    return code


def sort_order(code: Integers) -> Integers:
    """Return the stable order of rows by a packed key (int64, shape (rows,))."""
    if bool((code[1:] >= code[:-1]).all()):
        return np.arange(len(code))
    return code.argsort(kind="stable")


def group_starts(code: Integers) -> Integers:
    """Return where each group begins in a packed key that is sorted (int64, shape (groups,))."""
    is_new = np.ones(len(code), bool)
    is_new[1:] = code[1:] != code[:-1]
    return np.flatnonzero(is_new)


def group_sizes(starts: Integers, count: int) -> Integers:
    """Return the number of rows of each group (int64, shape (groups,))."""
    return np.diff(np.append(starts, count))


def positions_of(left: Sequence[Integers], right: Sequence[Integers]) -> Integers:
    """Return, for each row of ``left``, the position of a row of ``right`` with the same key, or -1.

    Parameters
    ----------
    left, right : the columns of the key.
    """
    count = len(right[0])
    code = packed(*(np.concatenate(pair) for pair in zip(right, left, strict=True)))
    distinct, firsts = np.unique(code[:count], return_index=True)
    at: Integers = pd.Index(distinct).get_indexer(pd.Index(code[count:])).astype(np.int64)
    return np.where(at < 0, -1, firsts[at]) if count else at


def key_codes(rows: pa.Table, names: Sequence[str]) -> Integers:
    """Return one number for each row: equal for equal keys, ordered like them, null after every text.

    Parameters
    ----------
    names : text columns, the most significant first; those that ``rows`` does not have count as null.
    """
    present = [name for name in names if name in rows.column_names and rows[name].null_count < len(rows)]
    return packed(*(_ranks(rows[name]) for name in present)) if present else np.zeros(len(rows), np.int64)


def series_ids(rows: pa.Table) -> pa.Array:
    """Return the id of the series of each row, computed once for each distinct series.

    Parameters
    ----------
    rows : columns ``tenant_id``, ``channel``, ``direction``, ``application_id`` (text; null or missing: none)
        and ``interval_seconds`` (the grid interval's length).

    Returns
    -------
    string array of shape (rows,), no nulls.
    """
    keys = [*SERIES, SECONDS]
    code = packed(key_codes(rows, SERIES), values_of(rows, SECONDS).astype(np.int64))
    _, firsts, numbers = np.unique(code, return_index=True, return_inverse=True)
    distinct = rows.select([name for name in keys if name in rows.column_names]).take(pa.array(firsts))
    ids = [series_id(*(series.get(name) for name in keys)) for series in distinct.to_pylist()]
    return pa.array(ids, pa.string()).take(pa.array(numbers))


def same_values(left: pa.Table, right: pa.Table, names: Collection[str]) -> npt.NDArray[np.bool_]:
    """Return, row by row, whether two tables of one length agree in every named column (null equals
    null; a column that neither has agrees)."""
    same = np.ones(len(left), bool)
    for name in names:
        if name not in left.column_names:
            continue
        ours, theirs = left[name], right[name]
        if ours.null_count == len(ours) and theirs.null_count == len(theirs):
            continue
        if pa.types.is_map(ours.type):
            ours, theirs = _map_texts(ours), _map_texts(theirs)
        equal = pc.fill_null(pc.equal(ours, theirs), False)
        both_null = pc.and_(pc.is_null(ours), pc.is_null(theirs))
        same &= pc.or_(equal, both_null).to_numpy(zero_copy_only=False)
    return same


def widened(rows: pa.Table, schema: pa.Schema) -> pa.Table:
    """Return the rows with all columns of a schema; columns that they do not have are null."""
    columns = [
        rows[field.name] if field.name in rows.column_names else pa.nulls(len(rows), field.type)
        for field in schema
    ]
    return pa.table(columns, schema=schema)


def days_of(stamps: Integers) -> pa.Array:
    """Return the UTC days of stamps in microseconds since 1970 (date32)."""
    return pa.array((stamps // 86_400_000_000).astype(np.int32)).cast(pa.date32())


def merge_maps(maps: pa.ChunkedArray, starts: Integers) -> pa.Array:
    """Add up maps (text → int64) group by group; a group with a null map is null; keys come out sorted.

    Parameters
    ----------
    maps : map<string, int64>, sorted into groups.
    starts : where each group begins.
    """
    whole = maps.combine_chunks() if isinstance(maps, pa.ChunkedArray) else maps
    null = np.logical_or.reduceat(whole.is_null().to_numpy(zero_copy_only=False), starts)
    group = np.repeat(np.arange(len(starts)), group_sizes(starts, len(whole)))
    offsets = whole.offsets.to_numpy()
    inside = slice(int(offsets[0]), int(offsets[-1]))
    owner = np.repeat(group, np.diff(offsets))
    entries = pa.table({"group": owner, "key": whole.keys[inside], "value": whole.items[inside]})
    entries = entries.filter(pa.array(~null[owner]))
    sums = entries.group_by(["group", "key"], use_threads=False).aggregate([("value", "sum")])
    sums = sums.sort_by([("group", "ascending"), ("key", "ascending")]).combine_chunks()
    sizes = np.bincount(sums["group"].to_numpy(), minlength=len(starts))
    bounds = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int32)
    # A null offset marks a null map; the last one only closes the array.
    marked = pa.array(bounds, pa.int32(), mask=np.append(null, False))
    keys, values = sums["key"].combine_chunks(), sums["value_sum"].combine_chunks()
    return pa.MapArray.from_arrays(marked, keys, values)


def _map_texts(maps: pa.ChunkedArray) -> pa.Array:
    texts = [None if entries is None else repr(sorted(entries)) for entries in maps.to_pylist()]
    return pa.array(texts, pa.string())


def _ranks(column: pa.ChunkedArray) -> Integers:
    encoded = column.combine_chunks().dictionary_encode()
    words = encoded.dictionary
    rank = np.empty(len(words) + 1, np.int64)
    rank[pc.sort_indices(words).to_numpy()] = np.arange(len(words))
    rank[len(words)] = len(words)
    ranks: Integers = rank[pc.fill_null(encoded.indices, len(words)).to_numpy(zero_copy_only=False)]
    return ranks
