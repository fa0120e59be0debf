"""Series as codes and dense arrays: the frame of traffic rearranged, without a loop over rows."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from cjp_fraud.clock import date_of
from cjp_fraud.detection.coverage import PartlyCovered, in_proportion
from cjp_fraud.errors import BadInputError
from cjp_fraud.storage.lake import Lake, Where
from cjp_fraud.traffic.columns import series_ids
from cjp_fraud.traffic.schema import TRAFFIC
from features.columns import (
    APPLICATION,
    COVERED,
    INTERVAL_SECONDS,
    INTERVAL_START,
    OFFERED,
    PEAK,
    SERIES_ID,
    SERIES_KEY,
    TENANT,
)
from features.local_grid import DAY, LocalGrid, local_days, local_grid
from features.score_day import Rows

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class SeriesTable:
    """All series of a run; a series' code is its row, in the order of its key.

    Attributes
    ----------
    keys : frame; ``SERIES_KEY`` (application_id None where there is none) and ``series_id``.
    zones : str [series]; IANA zone of the tenant.
    tenants : int64 [series]; code of the tenant, in the order of its id.
    lines : int64 [series]; code of the key without the interval: of two interval lengths of one line the shorter
        is scored.
    seconds : int64 [series]; interval length.
    """

    keys: pd.DataFrame
    zones: NDArray[np.object_]
    tenants: Ints
    lines: Ints
    seconds: Ints

    def __len__(self) -> int:
        return len(self.keys)

    @property
    def ids(self) -> list[str]:
        """The ``series_id`` of each series."""
        ids: list[str] = self.keys[SERIES_ID].tolist()
        return ids

    def codes(self, ids: pa.Array | pa.ChunkedArray) -> Ints:
        """Code of each ``series_id``; -1 where it is none of these series."""
        index = pc.index_in(ids, value_set=pa.array(self.ids, pa.string()))
        return np.asarray(index.fill_null(-1).to_numpy(), dtype=np.int64)


@dataclass(frozen=True, slots=True, eq=False)
class Group:
    """Series that share a zone and an interval length, so that their local days are the same columns.

    Attributes
    ----------
    zone, seconds : of all of them.
    series : int64 [members]; their codes, ascending.
    member : int64 [rows]; index into ``series`` of each row; rows are sorted by start.
    starts : int64 [rows]; UTC seconds.
    counts, peaks : float64 [rows]; ``peaks`` is None where no row knows it.
    days : int64; local days that have rows, ascending.
    """

    zone: str
    seconds: int
    series: Ints
    member: Ints
    starts: Ints
    counts: Floats
    peaks: Floats | None
    days: Ints

    def grid(self, day: int) -> LocalGrid:
        """Grid of a local day."""
        return local_grid(self.zone, day, self.seconds)

    def rows_of(self, day: int, run: LocalGrid | None = None) -> tuple[Ints, Rows]:
        """Members that have a known row on the local ``day``, or in a run of it, and their intervals with context."""
        grid = run if run is not None else self.grid(day)
        low, high = np.searchsorted(self.starts, (grid.starts[0], grid.starts[-1] + 1)).tolist()
        member, column = self.member[low:high], (self.starts[low:high] - grid.starts[0]) // self.seconds
        active = np.unique(member[column >= grid.context])
        place = np.full(len(self.series), -1, dtype=np.int64)
        place[active] = np.arange(len(active))
        is_active = place[member] >= 0
        cell = (place[member[is_active]], column[is_active])
        counts = np.full((len(active), len(grid.starts)), np.nan)
        counts[cell] = self.counts[low:high][is_active]
        if self.peaks is None:
            return active, Rows(grid, counts, None)
        peaks = np.full_like(counts, np.nan)
        peaks[cell] = self.peaks[low:high][is_active]
        return active, Rows(grid, counts, peaks)


@dataclass(frozen=True, slots=True, eq=False)
class Arranged:
    """Traffic by series and groups.

    Attributes
    ----------
    table : the series.
    groups : by zone and interval length.
    partly : intervals of which only a part was covered, and whose counts were brought to the whole interval.
    first, last : int64 [series]; UTC seconds of the first and last row, known or not.
    days : int64; UTC days with known rows, ascending.
    """

    table: SeriesTable
    groups: tuple[Group, ...]
    partly: PartlyCovered
    first: Ints
    last: Ints
    days: Ints


def arrange(traffic: pa.Table, zones: Mapping[str, str], *, open_from: int | None = None) -> Arranged:
    """Arrange gridded traffic.

    Step 11: of an interval that is covered in part the count is brought to the whole interval, x · interval / covered;
    the busiest minute stays as it is. An interval covered under half is unknown, and so is one that is covered in part
    and still open.

    Parameters
    ----------
    traffic : in the shape of the lake's ``traffic`` table: one row per series and interval, starts on the grid; without
        ``seconds_covered`` all intervals are wholly covered. ``series_id`` is computed where the column is missing.
    zones : IANA zone by tenant id.
    open_from : UTC seconds; intervals from here on are still open. None: all are closed.

    Raises
    ------
    BadInputError
        If a tenant has no zone, or a series two rows for one interval.
    """
    table, code = series_table(traffic, zones)
    starts = utc_seconds(traffic[INTERVAL_START])
    order = np.argsort((starts - starts.min(initial=0)) * len(table) + code)  # by start, then by series
    code, starts = code[order], starts[order]
    _refuse_doubles(code, starts, table)
    counts, peaks = (floats(traffic[name])[order] for name in (OFFERED, PEAK))
    covered = floats(traffic[COVERED])[order] if COVERED in traffic.column_names else None
    counts, partly = in_proportion(counts, covered, table.seconds[code], code, starts, open_from)
    first, last = _ends(code, starts, len(table))
    known = ~np.isnan(counts)
    return Arranged(
        table=table,
        groups=_groups(table, code[known], starts[known], counts[known], peaks[known]),
        partly=partly,
        first=first,
        last=last,
        days=np.unique(_distinct(starts[known]) // DAY),
    )


def series_table(rows: pa.Table, zones: Mapping[str, str]) -> tuple[SeriesTable, Ints]:
    """Return the series of ``rows`` (any rows with a series' key), and each row's code.

    Raises
    ------
    BadInputError
        If a tenant has no zone.
    """
    ids = rows[SERIES_ID] if SERIES_ID in rows.column_names else series_ids(rows)
    encoded = (ids if isinstance(ids, pa.Array) else ids.combine_chunks()).dictionary_encode()
    # A dictionary as it stands in a file also has the series of rows that were not read.
    index = np.asarray(encoded.indices, dtype=np.int64)
    is_present = np.bincount(index, minlength=len(encoded.dictionary)) > 0
    present, number = np.flatnonzero(is_present), (np.cumsum(is_present) - 1)[index]
    a_row = np.zeros(len(present), dtype=np.int64)
    a_row[number] = np.arange(len(number))
    keys = rows.select(list(SERIES_KEY)).take(pa.array(a_row)).cast(_KEY_SCHEMA).to_pandas()
    application = keys[APPLICATION].astype(object)
    keys[APPLICATION] = application.where(application.notna(), "")
    keys[SERIES_ID] = encoded.dictionary.take(pa.array(present)).to_pylist()
    ordered = keys.sort_values(list(SERIES_KEY))
    code = np.empty(len(ordered), dtype=np.int64)
    code[ordered.index.to_numpy(dtype=np.int64)] = np.arange(len(ordered))
    return _series_table(ordered.reset_index(drop=True), zones), code[number]


def utc_seconds(stamps: pa.ChunkedArray) -> Ints:
    """UTC seconds of a column of aware stamps."""
    micros = stamps.cast(pa.timestamp("us", tz="UTC"), safe=False).cast(pa.int64())
    return np.asarray(micros.to_numpy(), dtype=np.int64) // 1_000_000


def floats(column: pa.ChunkedArray) -> Floats:
    """A column of numbers as float64, NaN where it is null."""
    return np.asarray(column.cast(pa.float64()).to_numpy(), dtype=np.float64)


def _series_table(ordered: pd.DataFrame, zones: Mapping[str, str]) -> SeriesTable:
    tenants = ordered[TENANT].to_numpy(dtype=object)
    unknown = sorted({str(tenant) for tenant in tenants if tenant not in zones})
    if unknown:
        raise BadInputError(
            f"no time zone for tenant {', '.join(unknown[:5])}{' and others' if len(unknown) > 5 else ''}; "
            "add it to the tenants file (columns tenant_id, time_zone)"
        )
    line = pd.MultiIndex.from_frame(ordered[[*SERIES_KEY[:-1]]])
    named = ordered[APPLICATION]
    return SeriesTable(
        keys=ordered.assign(**{APPLICATION: named.astype(object).where(named != "", None)}),
        zones=np.array([zones[tenant] for tenant in tenants], dtype=object),
        tenants=pd.factorize(tenants, sort=True)[0].astype(np.int64),
        lines=pd.factorize(line, sort=True)[0].astype(np.int64),
        seconds=ordered[INTERVAL_SECONDS].to_numpy(dtype=np.int64),
    )


def _refuse_doubles(code: Ints, starts: Ints, table: SeriesTable) -> None:
    double = np.flatnonzero((np.diff(starts) == 0) & (np.diff(code) == 0))
    if len(double):
        row = table.keys.iloc[int(code[double[0]])]
        at = pd.Timestamp(int(starts[double[0]]), unit="s", tz="UTC")
        raise BadInputError(f"{row[TENANT]} has two rows for the interval of {at}; grid the traffic first")


def _distinct(ordered: Ints) -> Ints:
    """Return the different ones of numbers in ascending order."""
    distinct: Ints = ordered[np.diff(ordered, prepend=ordered[:1] - 1) != 0]
    return distinct


def _ends(code: Ints, starts: Ints, series: int) -> tuple[Ints, Ints]:
    first = np.full(series, np.iinfo(np.int64).max)
    last = np.full(series, np.iinfo(np.int64).min)
    np.minimum.at(first, code, starts)
    np.maximum.at(last, code, starts)
    return first, last


def _groups(table: SeriesTable, code: Ints, starts: Ints, counts: Floats, peaks: Floats) -> tuple[Group, ...]:
    label = pd.MultiIndex.from_arrays([table.zones, table.seconds])
    of_series, labels = pd.factorize(label, sort=True)
    of_row = of_series[code]
    groups = []
    for number, (zone, seconds) in enumerate(labels):
        series = np.flatnonzero(of_series == number)
        rows = of_row == number
        begun, peak = starts[rows], peaks[rows]
        groups.append(
            Group(
                zone=str(zone),
                seconds=int(seconds),
                series=series,
                member=np.searchsorted(series, code[rows]),
                starts=begun,
                counts=counts[rows],
                peaks=None if np.isnan(peak).all() else peak,
                days=np.unique(local_days(str(zone), _distinct(begun))),
            )
        )
    return tuple(groups)


MOST_ROWS: Final = 12_000_000
"""Rows of traffic that are held at once; beyond that days or buckets are taken in several pieces."""

_KEY_SCHEMA: Final = pa.schema(
    [(name, pa.int64() if name == INTERVAL_SECONDS else pa.string()) for name in SERIES_KEY]
)
_TEXT: Final = (SERIES_ID, *(name for name in SERIES_KEY if name != INTERVAL_SECONDS))
_COLUMNS: Final = (SERIES_ID, *SERIES_KEY, INTERVAL_START, OFFERED, PEAK, COVERED)


def read_arranged(
    lake: Lake,
    zones: Mapping[str, str],
    first: int,
    end: int,
    buckets: Collection[int],
    *,
    also: pa.Table | None = None,
    between: tuple[datetime, datetime] | None = None,
    tenants: Collection[str] | None = None,
) -> Arranged:
    """Read UTC days [first, end) of some buckets and arrange them; tenants not on record are left out.

    Parameters
    ----------
    first, end : days since 1970-01-01.
    also : rows with series keys; those series are arranged too, without a known row.
    between : only intervals that start in [low, end), aware.
    tenants : only these; None: all of the buckets.
    """
    where = Where(
        between={INTERVAL_START: between} if between is not None else {},
        equal={TENANT: list(tenants)} if tenants is not None else {},
    )
    rows = read_traffic(lake, zones, first, end, buckets, where)
    return arrange(rows if also is None else with_series(rows, also, zones), zones)


def traffic_sizes(lake: Lake) -> dict[int, dict[int, int]]:
    """Rows of traffic by UTC day and bucket, from the table's list of files."""
    files = lake.partitions(TRAFFIC).select(["day", "bucket", "num_records"]).to_pandas()
    days = pd.to_datetime(files["day"]).to_numpy().astype("datetime64[D]").astype(np.int64)
    sizes: dict[int, dict[int, int]] = {}
    for day, bucket, rows in zip(days.tolist(), files["bucket"], files["num_records"], strict=True):
        of_day = sizes.setdefault(day, {})
        of_day[int(bucket)] = of_day.get(int(bucket), 0) + int(rows)
    return sizes


def read_traffic(
    lake: Lake, zones: Mapping[str, str], first: int, end: int, buckets: Collection[int], where: Where
) -> pa.Table:
    """Read the columns that are scored of UTC days [first, end); tenants not on record are left out.

    Text comes as dictionaries, which takes a fifth of the time; but not where ``where`` asks for some of it.
    """
    rows = lake.read(
        TRAFFIC,
        days=(date_of(first), date_of(end)),
        buckets=sorted(int(bucket) for bucket in buckets),
        columns=list(_COLUMNS),
        where=where,
        encoded=() if where.equal else _TEXT,
    )
    return _on_record(rows, zones)


def with_series(rows: pa.Table, series: pa.Table, zones: Mapping[str, str]) -> pa.Table:
    """Add an unknown row dated 1970 for each of ``series`` that has no row, so that it gets a code."""
    if not len(series):
        return rows
    plain = _decoded(rows)
    return pa.concat_tables([plain, _without_rows(_on_record(series, zones), plain)])


def _on_record(rows: pa.Table, zones: Mapping[str, str]) -> pa.Table:
    if all(tenant in zones for tenant in rows[TENANT].unique().to_pylist()):
        return rows
    plain = _decoded(rows)
    return plain.filter(pc.is_in(plain[TENANT], value_set=pa.array(sorted(zones), pa.string())))


def _decoded(rows: pa.Table) -> pa.Table:
    """Return rows with their text as such, no longer as dictionaries."""
    fields = [
        field.with_type(field.type.value_type) if pa.types.is_dictionary(field.type) else field
        for field in rows.schema
    ]
    return rows.cast(pa.schema(fields))


def _without_rows(series: pa.Table, rows: pa.Table) -> pa.Table:
    absent = series.filter(pc.invert(pc.is_in(series[SERIES_ID], value_set=rows[SERIES_ID].combine_chunks())))
    distinct = absent.group_by(SERIES_ID, use_threads=False).aggregate(
        [(name, "first") for name in SERIES_KEY]
    )
    columns = {SERIES_ID: distinct[SERIES_ID]} | {name: distinct[f"{name}_first"] for name in SERIES_KEY}
    columns |= {
        INTERVAL_START: pa.array([0] * len(distinct), pa.int64()),
        OFFERED: pa.nulls(len(distinct)),
        PEAK: pa.nulls(len(distinct)),
        COVERED: pa.array([0] * len(distinct), pa.int32()),
    }
    return pa.table({name: columns[name].cast(rows.schema.field(name).type) for name in _COLUMNS})
