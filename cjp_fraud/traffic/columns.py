"""Arrow columns as numpy arrays that can be sorted, grouped and compared, all rows at once."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from cjp_fraud.storage.lake import UTC_STAMP
from cjp_fraud.storage.sorting import LARGEST_PACKED, Integers, group_sizes, group_starts, sort_order


def values_of(rows: pa.Table, name: str) -> npt.NDArray[Any]:
    """Return a numeric column with 0 where it is null (shape (rows,))."""
    column = rows[name]
    if column.null_count:
        column = pc.fill_null(column, 0)
    values: npt.NDArray[Any] = column.to_numpy()
    return values


def stamps_of(rows: pa.Table, name: str) -> Integers:
    """Return a column of stamps as microseconds since 1970-01-01 UTC (int64, shape (rows,))."""
    stamps: Integers = rows[name].cast(UTC_STAMP).cast(pa.int64()).to_numpy()
    return stamps


def key_codes(rows: pa.Table, names: Sequence[str]) -> Integers:
    """Return one number for each row: equal for equal keys, ordered like them, null after every text.

    Parameters
    ----------
    names : text columns, the most significant first; those that ``rows`` has not count as null.

    Returns
    -------
    int64 array of shape (rows,).
    """
    codes = np.zeros(len(rows), np.int64)
    for name in names:
        if name not in rows.column_names or rows[name].null_count == len(rows):
            continue
        ranks, count = _ranks(rows[name])
        if len(codes) and int(codes.max() + 1) * count > LARGEST_PACKED:
            codes = np.unique(codes, return_inverse=True)[1].astype(np.int64)
        codes = codes * count + ranks
    return codes


def same_values(left: pa.Table, right: pa.Table, names: Collection[str]) -> npt.NDArray[np.bool_]:
    """Return, row by row, whether two tables of one length agree in every named column (null equals
    null; a column that neither has agrees)."""
    same = np.ones(len(left), bool)
    for name in names:
        if name not in left.column_names:
            continue
        one, other = left[name], right[name]
        if one.null_count == len(one) and other.null_count == len(other):
            continue
        if pa.types.is_map(one.type):
            one, other = _map_texts(one), _map_texts(other)
        equal = pc.fill_null(pc.equal(one, other), False)
        both_null = pc.and_(pc.is_null(one), pc.is_null(other))
        same &= pc.or_(equal, both_null).to_numpy(zero_copy_only=False)
    return same


def positions_of(
    left: pa.Table, right: pa.Table, *, texts: Sequence[str], numbers: Sequence[str]
) -> Integers:
    """Return, for each row of ``left``, the row of ``right`` with the same key, or -1.

    Parameters
    ----------
    left, right : tables with the key columns; no key twice in ``right``.
    texts, numbers : the text columns and the numeric or stamp columns of the key.

    Returns
    -------
    int64 array of shape (rows of ``left``,).
    """
    names = [*texts, *numbers]
    both = pa.concat_tables([right.select(names), left.select(names)], promote_options="permissive")
    keys = [key_codes(both, texts)]
    for name in numbers:
        is_stamp = pa.types.is_timestamp(both[name].type)
        keys.append(stamps_of(both, name) if is_stamp else values_of(both, name).astype(np.int64))
    order = sort_order(*keys)
    starts = group_starts(*(key[order] for key in keys))
    firsts = order[starts] if len(starts) else starts
    found = np.empty(len(both), np.int64)
    found[order] = np.repeat(np.where(firsts < len(right), firsts, -1), group_sizes(starts, len(both)))
    return found[len(right) :]


def widened(rows: pa.Table, schema: pa.Schema) -> pa.Table:
    """Return the rows with all columns of a schema; those that they have not are null."""
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
    group = np.repeat(np.arange(len(starts)), group_sizes(starts, len(whole)))
    null = np.logical_or.reduceat(whole.is_null().to_numpy(zero_copy_only=False), starts)
    offsets = whole.offsets.to_numpy()
    lengths = np.diff(offsets)
    entries = slice(int(offsets[0]), int(offsets[-1]))
    names, counts = whole.keys[entries], whole.items[entries]
    if len(names) == 0:
        return _maps([], np.zeros(0, np.int64), np.zeros(len(starts), np.int64), null)
    ranks, _ = _ranks(names)
    owner = np.repeat(group, lengths)
    order = sort_order(owner, ranks)
    firsts = group_starts(owner[order], ranks[order])
    sums = np.add.reduceat(counts.to_numpy(zero_copy_only=False)[order], firsts)
    owners = owner[order[firsts]]
    kept = ~null[owners]
    sizes = np.bincount(owners[kept], minlength=len(starts))
    return _maps(names.take(pa.array(order[firsts][kept])), sums[kept], sizes, null)


def _maps(
    keys: pa.Array | list[str], values: Integers, sizes: Integers, null: npt.NDArray[np.bool_]
) -> pa.MapArray:
    offsets = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int32)
    # A null offset marks a null map; the last one only closes the array.
    marked = pa.array(offsets, pa.int32(), mask=np.append(null, False))
    return pa.MapArray.from_arrays(marked, pa.array(keys, pa.string()), pa.array(values, pa.int64()))


def _map_texts(maps: pa.ChunkedArray) -> pa.Array:
    found = [None if entries is None else repr(sorted(entries)) for entries in maps.to_pylist()]
    return pa.array(found, pa.string())


def _ranks(column: pa.ChunkedArray) -> tuple[Integers, int]:
    encoded = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    if not pa.types.is_dictionary(encoded.type):
        encoded = encoded.dictionary_encode()
    words = encoded.dictionary
    position = np.empty(len(words) + 1, np.int64)
    position[pc.sort_indices(words).to_numpy()] = np.arange(len(words))
    position[len(words)] = len(words)
    indices = pc.fill_null(encoded.indices, len(words)).to_numpy(zero_copy_only=False)
    return position[indices], len(words) + 1
