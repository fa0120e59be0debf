"""Traffic of the lake, arranged for scoring."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Final

import pandas as pd
import pyarrow as pa

from cjp_fraud.clock import date_of
from cjp_fraud.detection.series import Arranged, arrange
from cjp_fraud.storage.lake import Lake, Where
from cjp_fraud.traffic.schema import TRAFFIC
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
