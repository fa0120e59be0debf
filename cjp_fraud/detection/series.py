"""Series as codes and dense arrays: the frame of traffic rearranged, without a loop over rows."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from cjp_fraud.clock import date_of
from cjp_fraud.errors import BadInputError
from cjp_fraud.storage.lake import Lake, Where
from cjp_fraud.traffic.schema import TRAFFIC
from features import columns
from features.columns import (
    APPLICATION,
    COVERED,
    INTERVAL_SECONDS,
    INTERVAL_START,
    OFFERED,
    PEAK,
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
    keys : frame; ``SERIES_KEY``, application_id None where there is none.
    zones : str [series]; IANA zone of the tenant.
    tenants : int64 [series]; code of the tenant, in the order of its id.
    lines : int64 [series]; code of the key without the interval: of two resolutions of one line the finer is
        scored.
    seconds : int64 [series]; interval length.
    """

    keys: pd.DataFrame
    zones: NDArray[np.object_]
    tenants: Ints
    lines: Ints
    seconds: Ints

    def __len__(self) -> int:
        return len(self.keys)


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
        kept = place[member] >= 0
        cell = (place[member[kept]], column[kept])
        counts = np.full((len(active), len(grid.starts)), np.nan)
        counts[cell] = self.counts[low:high][kept]
        if self.peaks is None:
            return active, Rows(grid, counts, None)
        peaks = np.full_like(counts, np.nan)
        peaks[cell] = self.peaks[low:high][kept]
        return active, Rows(grid, counts, peaks)


@dataclass(frozen=True, slots=True, eq=False)
class Arranged:
    """Traffic by series and groups.

    Attributes
    ----------
    table : the series.
    groups : by zone and interval length.
    first, last : int64 [series]; UTC seconds of the first and last row, known or not.
    days : int64; UTC days with known rows, ascending.
    """

    table: SeriesTable
    groups: tuple[Group, ...]
    first: Ints
    last: Ints
    days: Ints


def arrange(traffic: pd.DataFrame, zones: Mapping[str, str]) -> Arranged:
    """Arrange gridded traffic.

    Parameters
    ----------
    traffic : frame in the shape of the lake's ``traffic`` table: one row per series and interval, starts on
        the grid; a row whose ``seconds_covered`` is short of its interval is unknown.
    zones : IANA zone by tenant id.

    Raises
    ------
    BadInputError
        If a tenant has no zone, or a series two rows for one interval.
    """
    application = traffic[columns.APPLICATION].astype(object)
    keys = traffic[list(columns.SERIES_KEY)].assign(
        **{columns.APPLICATION: application.where(application.notna(), None).map(lambda name: name or "")}
    )
    ordered = keys.drop_duplicates().sort_values(list(columns.SERIES_KEY), ignore_index=True)
    table = _series_table(ordered, zones)
    code = _codes(keys, ordered)
    starts = _utc_seconds(traffic[columns.INTERVAL_START])
    order = np.lexsort((code, starts))
    code, starts = code[order], starts[order]
    _refuse_doubles(code, starts, table)
    counts = traffic[columns.OFFERED].to_numpy(dtype=np.float64, na_value=np.nan)[order]
    peaks = traffic[columns.PEAK].to_numpy(dtype=np.float64, na_value=np.nan)[order]
    if columns.COVERED in traffic:
        covered = traffic[columns.COVERED].to_numpy(dtype=np.float64, na_value=0.0)[order]
        counts = np.where(covered >= table.seconds[code], counts, np.nan)
    first, last = _ends(code, starts, len(table))
    known = ~np.isnan(counts)
    return Arranged(
        table=table,
        groups=_groups(table, code[known], starts[known], counts[known], peaks[known]),
        first=first,
        last=last,
        days=np.unique(starts[known] // DAY),
    )


def _series_table(ordered: pd.DataFrame, zones: Mapping[str, str]) -> SeriesTable:
    tenants = ordered[columns.TENANT].to_numpy(dtype=object)
    unknown = sorted({str(tenant) for tenant in tenants if tenant not in zones})
    if unknown:
        raise BadInputError(
            f"no time zone for tenant {', '.join(unknown[:5])}{' and others' if len(unknown) > 5 else ''}; "
            "add it to the tenants file (columns tenant_id, time_zone)"
        )
    line = pd.MultiIndex.from_frame(ordered[[*columns.SERIES_KEY[:-1]]])
    named = ordered[columns.APPLICATION]
    return SeriesTable(
        keys=ordered.assign(**{columns.APPLICATION: named.astype(object).where(named != "", None)}),
        zones=np.array([zones[tenant] for tenant in tenants], dtype=object),
        tenants=pd.factorize(tenants, sort=True)[0].astype(np.int64),
        lines=pd.factorize(line, sort=True)[0].astype(np.int64),
        seconds=ordered[columns.INTERVAL_SECONDS].to_numpy(dtype=np.int64),
    )


def _codes(keys: pd.DataFrame, ordered: pd.DataFrame) -> Ints:
    names = list(columns.SERIES_KEY)
    numbered = ordered.assign(code=np.arange(len(ordered), dtype=np.int64))
    return keys.merge(numbered, on=names, how="left", validate="many_to_one")["code"].to_numpy(dtype=np.int64)


def _utc_seconds(starts: pd.Series) -> Ints:
    utc = starts.dt.tz_convert("UTC").dt.tz_localize(None).to_numpy()
    seconds: Ints = utc.astype("datetime64[s]").astype(np.int64)
    return seconds


def _refuse_doubles(code: Ints, starts: Ints, table: SeriesTable) -> None:
    double = np.flatnonzero((np.diff(starts) == 0) & (np.diff(code) == 0))
    if len(double):
        row = table.keys.iloc[int(code[double[0]])]
        at = pd.Timestamp(int(starts[double[0]]), unit="s", tz="UTC")
        raise BadInputError(
            f"{row[columns.TENANT]} has two rows for the interval of {at}; grid the traffic first"
        )


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
                days=np.unique(local_days(str(zone), begun)),
            )
        )
    return tuple(groups)


MOST_ROWS: Final = 12_000_000
"""Rows of traffic that are held at once; beyond that days or buckets are taken in several pieces."""

_COLUMNS = (*SERIES_KEY, INTERVAL_START, OFFERED, PEAK, COVERED)


def read_arranged(
    lake: Lake,
    zones: Mapping[str, str],
    first: int,
    end: int,
    buckets: Collection[int],
    *,
    also: pa.Table | None = None,
    between: tuple[datetime, datetime] | None = None,
) -> Arranged:
    """Read UTC days [first, end) of some buckets and arrange them; tenants not on record are left out.

    Parameters
    ----------
    first, end : days since 1970-01-01.
    also : rows with series keys; those series are arranged too, without a known row.
    between : only intervals that start in [low, end), aware.
    """
    where = Where(between={INTERVAL_START: between}) if between is not None else None
    found = lake.read(
        TRAFFIC,
        days=(date_of(first), date_of(end)),
        buckets=sorted(int(bucket) for bucket in buckets),
        columns=list(_COLUMNS),
        where=where,
    )
    rows = found.to_pandas()
    if also is not None and len(also):
        series = also.select(list(SERIES_KEY)).to_pandas().drop_duplicates()
        rows = pd.concat([rows, _without_rows(series, rows)], ignore_index=True)
    return arrange(rows[rows[TENANT].isin(list(zones))].reset_index(drop=True), zones)


def _without_rows(series: pd.DataFrame, rows: pd.DataFrame) -> pd.DataFrame:
    """One unknown row for each series that has none, at the beginning of time: it is known to nobody."""
    names = list(SERIES_KEY)
    known = rows[names].drop_duplicates().assign(here=True)
    absent = series.merge(known, on=names, how="left")
    absent = absent[absent["here"].isna()][names]
    empty = {
        INTERVAL_START: pd.Timestamp(0, tz="UTC"),
        OFFERED: None,
        PEAK: None,
        COVERED: 0,
    }
    filled = absent.assign(**empty).astype({INTERVAL_SECONDS: "int32"})
    filled[APPLICATION] = filled[APPLICATION].astype(object)
    return filled.astype({INTERVAL_START: rows[INTERVAL_START].dtype})
