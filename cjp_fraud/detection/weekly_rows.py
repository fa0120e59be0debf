"""Rows of the weekly clock: what moved in the weeks before a Monday 00:00 UTC, in the shape of scored intervals."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from cjp_fraud.detection.daily_sums import arranged_sums
from cjp_fraud.detection.registry import FittedVersion
from cjp_fraud.detection.scored_rows import COLUMNS, ScoredRows, coarser, rows_of_columns
from cjp_fraud.detection.series import SeriesTable
from features.columns import SERIES_ID
from features.counting_clocks import SPAN_SECONDS, Clock
from features.local_grid import DAY
from features.regimes import Regime
from features.weekly_growth import WEEK
from features.weekly_statistic import NOTHING, WeeklyScores, weekly_scores

Floats = NDArray[np.float64]

DAYS_TO_MONDAY: Final = 3
"""1970-01-05 was a Monday, four days after the day that days are counted from."""


def ends_a_week(day: int) -> bool:
    """Whether the UTC ``day`` (days since 1970-01-01) is a Sunday: the weekly clock scores as of its end."""
    return (day + 1 + DAYS_TO_MONDAY) % WEEK == 0


def weekly_rows(sums: pa.Table, table: SeriesTable, day: int, version: FittedVersion | None) -> ScoredRows:
    """Score the series that had traffic in the week that ends with a Sunday; one row each, by series.

    Parameters
    ----------
    sums : as of :func:`cjp_fraud.detection.daily_sums.sums_by_day`, of all series: growth that they share is no growth
        of one of them.
    table : series that are wanted.
    day : the Sunday, days since 1970-01-01.
    version : what scores the day.
    """
    code = table.codes(sums[SERIES_ID])
    sums, code = sums.filter(pa.array(code >= 0)), code[code >= 0]
    arranged, countries = arranged_sums(sums, code, len(table), day + 1)
    scores = weekly_scores(arranged)
    seen = ~np.isnan(arranged.contacts[:, -WEEK:]).all(axis=1)
    series = np.flatnonzero(seen & ~np.isnan(scores.statistic))
    nothing = np.full(len(series), np.nan)
    span = np.where(scores.span_days > 0, scores.span_days * DAY, SPAN_SECONDS[Clock.WEEK])
    columns = dict.fromkeys(COLUMNS, nothing) | {
        "series": series,
        "start": (day + 1) * DAY - table.seconds[series],
        "observed": scores.observed[series],
        "baseline": scores.usual[series],
        "span_seconds": span[series],
        "span_observed": scores.observed[series],
        "span_baseline": scores.usual[series],
        "regime": np.full(len(series), int(Regime.SETTLED)),
        "unbarred": scores.shift[series],
        "provisional": np.ones(len(series)),
        "statistic": scores.statistic[series],
        "where": scores.where[series],
        "cost": scores.cost[series],
        "growth": scores.growth[series],
        "moved": _numbers(scores, countries)[series],
        "flagged": np.zeros(len(series), dtype=bool),
    }
    rows = replace(rows_of_columns(columns, table, version), clock=Clock.WEEK)
    longer = coarser(rows, table)
    return replace(rows, statistic=np.where(longer, np.nan, rows.statistic)) if longer.any() else rows


def country_number(country: str) -> float:
    """A country's text, at most six ASCII characters, as one number: its bytes."""
    return float(int.from_bytes(country.encode("ascii"), "big"))


def country_of(number: float) -> str:
    """The text that :func:`country_number` made a number of."""
    whole = int(number)
    return whole.to_bytes((whole.bit_length() + 7) // 8, "big").decode("ascii")


def _numbers(scores: WeeklyScores, countries: list[str]) -> Floats:
    """What moved: a negative code as it is, a country by its number."""
    numbers = np.array([*(country_number(country) for country in countries), 0.0])
    is_country = scores.what > NOTHING
    return np.where(
        is_country, numbers[np.where(is_country, scores.what, -1)], scores.what.astype(np.float64)
    )
