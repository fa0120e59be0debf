"""Sums by UTC day and series, for the weekly clock: made once from a day's traffic, and read for weeks.

A stored day says from which files of traffic it was made. Files of a lake never change, so that a day is due again
where its files are other ones: late rows, rows that were corrected, rows that were erased.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Final

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from cjp_fraud.clock import date_of, day_of
from cjp_fraud.detection.lake_tables import DAILY_SUMS
from cjp_fraud.detection.series import floats, utc_seconds
from cjp_fraud.digests import digest
from cjp_fraud.storage.lake import Lake, Where
from cjp_fraud.traffic.columns import merge_maps, series_ids
from cjp_fraud.traffic.schema import COUNTRIES, METRICS, OFFERED, TRAFFIC
from features.columns import INTERVAL_START, SERIES_ID, SERIES_KEY, TENANT
from features.local_grid import DAY
from features.weekly_statistic import HISTORY_DAYS, DailySums

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Partition = tuple[int, int]
"""UTC day (days since 1970-01-01) and bucket."""

SUMMED: Final = {
    "contacts": OFFERED,
    "charge": "charge_cents",
    "international": "contacts_international",
    "high_risk": "contacts_high_risk",
    "invalid": "invalid_destinations",
}
"""Column of the sums → metric of the traffic; whole numbers, so that the order in which they are added is the same."""
ROWS_AT_ONCE: Final = 1_000_000
DIGITS: Final = 16
"""Of the digest of the traffic's files; logs of tables cut longer texts."""


def sums_by_day(traffic: pa.Table) -> pa.Table:
    """Add up traffic by series and UTC day.

    Parameters
    ----------
    traffic : in the shape of the lake's ``traffic`` table; metrics that it does not have are unknown.

    Returns
    -------
    table, one row a series and day, by series and day: ``series_id`` and the series' key, the columns of :data:`SUMMED`
    (int64; null where a row with contacts does not know it), ``countries`` (map of string to int64; null where a row
    with contacts does not know them), and ``day`` (date32).
    """
    rows = _with_all_columns(traffic)
    ids = rows[SERIES_ID].combine_chunks().cast(pa.string()).dictionary_encode()
    rank = np.asarray(pc.rank(ids.dictionary, tiebreaker="dense").to_numpy(), dtype=np.int64)
    code, day = rank[np.asarray(ids.indices, dtype=np.int64)], utc_seconds(rows[INTERVAL_START]) // DAY
    order = np.lexsort((day, code))
    rows, code, day = rows.take(pa.array(order)), code[order], day[order]
    first = np.flatnonzero((np.diff(code, prepend=-1) != 0) | (np.diff(day, prepend=-1) != 0))
    busy = (
        floats(rows[OFFERED]) != 0
    )  # a row without contacts has nothing else either, even where it is unknown
    columns = {name: rows[name].take(pa.array(first)) for name in (SERIES_ID, *SERIES_KEY)}
    columns |= {name: _sums(rows[metric], busy, first) for name, metric in SUMMED.items()}
    columns[COUNTRIES] = _by_country(rows[COUNTRIES], busy, first)
    columns["day"] = pa.array(day[first].astype(np.int32)).cast(pa.date32())
    return pa.table(columns)


def refresh_daily_sums(lake: Lake, zones: Mapping[str, str], now: datetime) -> int:
    """Make the sums of each ended UTC day whose traffic has other files than they were made from.

    Parameters
    ----------
    zones : by tenant on record; the traffic of others is left out.
    now : aware.

    Returns
    -------
    number of days and buckets that were made again. One commit for each piece of at most a million rows of traffic.
    """
    files = _files_by_partition(lake, int(now.timestamp()) // DAY)
    stored = _stored_files(lake)
    due = sorted(
        place for place in files.keys() | stored.keys() if files.get(place, ("", 0))[0] != stored.get(place)
    )
    for piece in _pieces(due, files):
        where = Where(partitions=[(date_of(day), bucket) for day, bucket in piece])
        names = [SERIES_ID, *SERIES_KEY, INTERVAL_START, *SUMMED.values(), COUNTRIES]
        rows = lake.read(TRAFFIC, columns=names, where=where)
        lake.replace(DAILY_SUMS, _as_stored(sums_by_day(_on_record(rows, zones)), lake, files), where=where)
    return len(due)


def read_daily_sums(lake: Lake, end: int, zones: Collection[str]) -> pa.Table:
    """Read the sums of the days that the weekly clock looks at before UTC day ``end``, of tenants on record.

    Result as of :func:`sums_by_day`.
    """
    rows = lake.read(DAILY_SUMS, days=(date_of(end - HISTORY_DAYS), date_of(end)))
    rows = _on_record(rows, zones).drop_columns(["bucket", "traffic_files"])
    return rows.sort_by([(SERIES_ID, "ascending"), ("day", "ascending")])


def arranged_sums(rows: pa.Table, code: Ints, series: int, end: int) -> tuple[DailySums, list[str]]:
    """Arrange sums as arrays for the weekly clock.

    Parameters
    ----------
    rows : as of :func:`sums_by_day`; days from ``end`` on are left out.
    code : int64 [rows]; the row's series, 0 to ``series`` − 1.
    end : UTC day, the moment that is scored.

    Returns
    -------
    the sums, and the country of each row of ``of_country``.
    """
    on = np.asarray(rows["day"].cast(pa.int32()).to_numpy(), dtype=np.int64) - (end - HISTORY_DAYS)
    inside = (on >= 0) & (on < HISTORY_DAYS)
    rows, code, on = rows.filter(pa.array(inside)), code[inside], on[inside]
    dense = {}
    for name in SUMMED:
        dense[name] = np.full((series, HISTORY_DAYS), np.nan)
        dense[name][code, on] = floats(rows[name])
    of_country, country_series, names = _dense_countries(rows[COUNTRIES], code, on)
    return DailySums(**dense, of_country=of_country, country_series=country_series), names


def _with_all_columns(traffic: pa.Table) -> pa.Table:
    """The columns that are summed; unknown metrics null, ``series_id`` computed where it is missing."""
    columns = {SERIES_ID: traffic[SERIES_ID] if SERIES_ID in traffic.column_names else series_ids(traffic)}
    columns |= {name: traffic[name].cast(DAILY_SUMS.schema.field(name).type) for name in SERIES_KEY}
    columns[INTERVAL_START] = traffic[INTERVAL_START]
    for name in (*SUMMED.values(), COUNTRIES):
        kind = METRICS[name] if name == COUNTRIES else pa.float64()
        there = name in traffic.column_names
        columns[name] = traffic[name].cast(kind) if there else pa.nulls(len(traffic), kind)
    return pa.table(columns)


def _sums(values: pa.ChunkedArray, busy: NDArray[np.bool_], first: Ints) -> pa.Array:
    """Sum of each group of rows; null where a busy row is unknown."""
    if not len(first):
        return pa.array([], pa.int64())
    unknown = np.logical_or.reduceat(values.is_null().to_numpy() & busy, first)
    whole = np.rint(np.nan_to_num(floats(values))).astype(np.int64)
    return pa.array(np.add.reduceat(whole, first), mask=unknown)


def _by_country(maps: pa.ChunkedArray, busy: NDArray[np.bool_], first: Ints) -> pa.Array:
    """Sum of the maps of each group of rows; null where a busy row is unknown, or none is busy."""
    group = np.searchsorted(first, np.arange(len(busy)), side="right")[busy]
    starts = np.flatnonzero(np.diff(group, prepend=-1))
    if not len(starts):
        return pa.nulls(len(first), METRICS[COUNTRIES])
    merged = merge_maps(maps.filter(pa.array(busy)), starts)
    place = np.full(len(first), -1, dtype=np.int64)
    place[group[starts] - 1] = np.arange(len(starts))
    return merged.take(pa.array(place, mask=place < 0))


def _dense_countries(maps: pa.ChunkedArray, code: Ints, on: Ints) -> tuple[Floats, Ints, list[str]]:
    """Contacts by country as rows, by series and country; 0 on days of the series without any, NaN on unknown days."""
    whole = maps.combine_chunks()
    known = ~whole.is_null().to_numpy(zero_copy_only=False)
    offsets = np.asarray(whole.offsets.to_numpy(), dtype=np.int64)
    entry = np.repeat(np.arange(len(whole)), np.diff(offsets))
    inside = slice(int(offsets[0]), int(offsets[-1]))
    flat = pa.table({"country": whole.keys[inside], "contacts": whole.items[inside]}).filter(
        pa.array(known[entry])
    )
    entry = entry[known[entry]]
    names = flat["country"].combine_chunks().cast(pa.string()).dictionary_encode()
    rank = np.asarray(pc.rank(names.dictionary, tiebreaker="dense").to_numpy(), dtype=np.int64) - 1
    country = rank[np.asarray(names.indices, dtype=np.int64)]
    size = max(len(names.dictionary), 1)
    pairs, row = np.unique(code[entry] * size + country, return_inverse=True)
    dense = np.full((len(pairs), HISTORY_DAYS), np.nan)
    series = pairs // size
    of_series = np.full((int(code.max(initial=-1)) + 1, HISTORY_DAYS), np.nan)
    of_series[code[known], on[known]] = 0.0
    dense[:] = of_series[series]
    dense[row, on[entry]] = floats(flat["contacts"])
    by_rank = sorted(names.dictionary.to_pylist())
    return dense, series, [by_rank[number] for number in (pairs % size).tolist()]


def _as_stored(sums: pa.Table, lake: Lake, files: Mapping[Partition, tuple[str, int]]) -> pa.Table:
    bucket = lake.bucket_of(sums[TENANT]) if len(sums) else np.empty(0, dtype=np.int16)
    days = sums["day"].cast(pa.int32()).to_pylist()
    made_from = [files[day, number][0] for day, number in zip(days, bucket.tolist(), strict=True)]
    sums = sums.append_column("traffic_files", pa.array(made_from, pa.string()))
    return (
        sums.append_column("bucket", pa.array(bucket)).select(DAILY_SUMS.schema.names).cast(DAILY_SUMS.schema)
    )


def _on_record(rows: pa.Table, zones: Collection[str]) -> pa.Table:
    return rows.filter(pc.is_in(rows[TENANT], value_set=pa.array(sorted(zones), pa.string())))


def _files_by_partition(lake: Lake, today: int) -> dict[Partition, tuple[str, int]]:
    """Digest of the names of the files of traffic, and their rows, of each bucket of the UTC days before ``today``."""
    listed = lake.partitions(TRAFFIC).select(["day", "bucket", "path", "num_records"]).to_pandas()
    days = pd.to_datetime(listed["day"]).to_numpy().astype("datetime64[D]").astype(np.int64)
    names: dict[Partition, list[str]] = {}
    rows: dict[Partition, int] = {}
    columns = (listed[name].tolist() for name in ("bucket", "path", "num_records"))
    for day, bucket, path, size in zip(days.tolist(), *columns, strict=True):
        if day < today:
            place = (day, int(bucket))
            names.setdefault(place, []).append(str(path))
            rows[place] = rows.get(place, 0) + int(size)
    return {place: (digest(sorted(paths))[:DIGITS], rows[place]) for place, paths in names.items()}


def _stored_files(lake: Lake) -> dict[Partition, str]:
    """From which files each stored day and bucket was made, as the table's log has it: no row is read."""
    made_from = "min.traffic_files"
    files = lake.partitions(DAILY_SUMS)
    if len(files) == 0:
        return {}
    rows = files.select(["day", "bucket", made_from]).to_pylist()
    return {(day_of(row["day"]), int(row["bucket"])): row[made_from] for row in rows}


def _pieces(due: list[Partition], files: Mapping[Partition, tuple[str, int]]) -> list[list[Partition]]:
    pieces: list[list[Partition]] = []
    held = 0
    for place in due:
        size = files.get(place, ("", 0))[1]
        if not pieces or held + size > ROWS_AT_ONCE:
            pieces.append([])
            held = 0
        pieces[-1].append(place)
        held += size
    return pieces
