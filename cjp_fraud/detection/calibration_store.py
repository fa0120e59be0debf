"""The calibration table: each UTC day's histograms, and whether the day is whole."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from cjp_fraud.clock import date_of, day_of
from cjp_fraud.detection.lake_tables import CALIBRATION
from cjp_fraud.detection.scoring import ScoredRows, moment
from cjp_fraud.detection.significance import Histograms, histograms
from cjp_fraud.storage.lake import Lake
from features.columns import SERIES_KEY
from features.local_grid import DAY
from features.regimes import Regime

TOP_KEPT: Final = 20
"""Largest statistics kept by series and interval, so that reviewed ones can be taken out of the pool later."""


@dataclass(frozen=True, slots=True)
class Coverage:
    """The part of a UTC day that a calibration row counts; UTC seconds."""

    begin: int
    end: int

    def whole(self, day: int) -> bool:
        """Whether it is all of the UTC ``day``."""
        return self.begin <= day * DAY and self.end >= (day + 1) * DAY


@dataclass(frozen=True, slots=True, eq=False)
class StoredDay:
    """One bucket's calibration of one UTC day."""

    histograms: Histograms
    coverage: Coverage


def read_calibrations(lake: Lake, first: int, end: int) -> dict[tuple[int, int], StoredDay]:
    """Stored calibrations of UTC days [first, end) by (day, bucket)."""
    names = ["day", "bucket", "regime", "histogram", "covered_from", "covered_to"]
    rows = lake.read(CALIBRATION, days=(date_of(first), date_of(end)), columns=names).to_pylist()
    found: dict[tuple[int, int], StoredDay] = {}
    for row in rows:
        key = (day_of(row["day"]), int(row["bucket"]))
        coverage = Coverage(int(row["covered_from"].timestamp()), int(row["covered_to"].timestamp()))
        stored = found.setdefault(key, StoredDay({}, coverage))
        if row["regime"] != Regime.COLD:
            stored.histograms[Regime(row["regime"])] = np.array(row["histogram"], dtype=np.int64)
    return found


def summed(parts: Collection[Histograms]) -> Histograms:
    """Histograms of several buckets added up."""
    result: Histograms = {}
    for part in parts:
        for regime, counts in part.items():
            result[regime] = result[regime] + counts if regime in result else counts
    return result


def calibration_rows(
    day: int,
    scored: ScoredRows | None,
    keys: pd.DataFrame,
    bucket_of_series: NDArray[np.int16],
    buckets: Collection[int],
    coverage: Coverage,
    version_id: str | None,
) -> pa.Table:
    """Rows of the calibration table for one UTC day and some buckets.

    Parameters
    ----------
    scored : the day's rows as far as ``coverage`` goes; None without any.
    bucket_of_series : int16 [series]; the bucket of each series of ``keys``.
    """
    rows: list[dict[str, Any]] = []
    of_row = bucket_of_series[scored.series] if scored is not None else np.empty(0, np.int16)
    for bucket in sorted(int(one) for one in buckets):
        mine = scored.take(of_row == bucket) if scored is not None else None
        of_regimes = histograms(mine) if mine is not None and len(mine) else {}
        for regime, counts in of_regimes.items() or {Regime.COLD: np.zeros(0, np.int64)}.items():
            top = _top(mine, regime, keys) if mine is not None else {}
            rows.append(
                {
                    "regime": int(regime),
                    "peer_group": None,
                    "histogram": counts.tolist(),
                    "top_series": top.get("series", []),
                    "top_starts": top.get("starts", []),
                    "top_statistics": top.get("statistics", []),
                    "covered_from": moment(coverage.begin),
                    "covered_to": moment(coverage.end),
                    "model_version": version_id,
                    "day": date_of(day),
                    "bucket": bucket,
                }
            )
    return pa.Table.from_pylist(rows, schema=CALIBRATION.schema)


def days_with_traffic(partitions: pa.Table) -> dict[int, set[int]]:
    """Buckets that have traffic by UTC day, from the table's own list of files."""
    found: dict[int, set[int]] = {}
    for day, bucket in zip(partitions["day"].to_pylist(), partitions["bucket"].to_pylist(), strict=True):
        found.setdefault(day_number(day), set()).add(int(bucket))
    return found


def day_number(on: Any) -> int:
    """Days since 1970-01-01 of a partition's day, however the table's log writes it."""
    return day_of(on if type(on) is date else date.fromisoformat(str(on)[:10]))


def missing_buckets(
    day: int, traffic: Mapping[int, set[int]], stored: Mapping[tuple[int, int], StoredDay]
) -> set[int]:
    """Buckets that have traffic on ``day`` and no whole calibration of it."""
    return {
        bucket
        for bucket in traffic.get(day, set())
        if (day, bucket) not in stored or not stored[day, bucket].coverage.whole(day)
    }


def _top(rows: ScoredRows, regime: Regime, keys: pd.DataFrame) -> dict[str, list[Any]]:
    mine = np.flatnonzero((rows.regime == regime) & ~np.isnan(rows.statistic))
    order = mine[np.argsort(-rows.statistic[mine], kind="stable")[:TOP_KEPT]]
    names = keys.iloc[rows.series[order]][list(SERIES_KEY)].to_numpy(dtype=object)
    return {
        "series": [json.dumps([_plain(part) for part in key]) for key in names],
        "starts": [moment(int(start)) for start in rows.start[order]],
        "statistics": rows.statistic[order].tolist(),
    }


def _plain(value: Any) -> Any:
    return int(value) if isinstance(value, np.integer | int) else value if isinstance(value, str) else None
