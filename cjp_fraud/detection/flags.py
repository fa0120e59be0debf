"""Flags as the review takes them: the numbers of each flagged interval, and the reasons in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final, TypedDict

import numpy as np

from cjp_fraud.detection.scored_rows import ScoredRows
from cjp_fraud.detection.scoring import moment
from cjp_fraud.detection.weekly_rows import country_of
from cjp_fraud.review.flags import FlagRow
from features.columns import APPLICATION, CHANNEL, DIRECTION, INTERVAL_SECONDS, TENANT
from features.constants import COUNT, FIFTEEN, PEAK
from features.counting_clocks import Clock
from features.local_grid import HOUR
from features.reasons import (
    FlaggedInterval,
    FlaggedSpan,
    FlaggedWeeks,
    Kind,
    odds,
    reasons,
    span_reasons,
    week_reasons,
)
from features.strength import COUNT_SHARE, PEAK_SHARE
from features.weekly_statistic import GROWTH, HIGH_RISK, INTERNATIONAL, INVALID, NOTHING


def flag_rows(parts: Sequence[ScoredRows], zones: Mapping[str, str], closed: datetime) -> list[FlagRow]:
    """Flags of closed hours, which are those that end by ``closed`` (aware)."""
    until = int(closed.timestamp())
    # Taken out first, so that what is computed of all rows at once is not computed of all for each flag.
    flagged = (rows.take(rows.flagged & ((rows.start // HOUR + 1) * HOUR <= until)) for rows in parts)
    return [_flag_row(rows, row, zones) for rows in flagged for row in range(len(rows))]


def _flag_row(rows: ScoredRows, row: int, zones: Mapping[str, str]) -> FlagRow:
    assert rows.version is not None, "intervals in gaps are never flagged"
    key = rows.table.keys.iloc[int(rows.series[row])]
    seconds, zone = int(key[INTERVAL_SECONDS]), zones[key[TENANT]]
    if rows.clock is Clock.MINUTE:
        why = _of_interval(rows, row, seconds, zone)
    elif rows.clock is Clock.WEEK:
        why = _of_weeks(rows, row, seconds, key[DIRECTION])
    else:
        why = _of_span(rows, row, seconds, zone)
    return FlagRow(
        tenant_id=key[TENANT],
        channel=key[CHANNEL],
        direction=key[DIRECTION],
        application_id=key[APPLICATION] if isinstance(key[APPLICATION], str) else None,
        interval_seconds=seconds,
        interval_start=moment(int(rows.start[row])),
        clock=rows.clock,
        **_counted(rows, row),
        excess=float(rows.excess[row]),
        p_value=float(rows.p_value[row]),
        q_value=_known(rows.q_value[row]),
        threshold=rows.version.thresholds[rows.clock],
        model_version=rows.version.id,
        reasons=why,
    )


class _Counted(TypedDict):
    """What was counted over a flagged span and how unusual it is, whatever the clock and the others of its hour."""

    span_seconds: int
    observed: float
    baseline: float
    score: float


def _counted(rows: ScoredRows, row: int) -> _Counted:
    return _Counted(
        span_seconds=int(rows.span_seconds[row]),
        observed=float(rows.span_observed[row]),
        baseline=float(rows.span_baseline[row]),
        score=float(rows.score[row]),
    )


def _of_interval(rows: ScoredRows, row: int, interval_seconds: int, zone: str) -> dict[str, object]:
    """Why an interval was flagged, in words and numbers."""
    numbers = _numbers(rows, row, interval_seconds)
    return {
        "words": list(reasons(numbers, zone)),
        "odds": odds(numbers.score),
        "kind": numbers.kind,
        "against_hour": numbers.against_hour,
        "against_season": numbers.against_season,
        "peak": numbers.peak,
        "usual_peak": numbers.usual_peak,
        "own_bar": numbers.own_bar,
        "anomaly": numbers.anomaly,
        "seconds_covered": numbers.seconds_covered,
        "hour_before": numbers.hour_before,
    }


def _of_span(rows: ScoredRows, row: int, interval_seconds: int, zone: str) -> dict[str, object]:
    """Why the span of a longer clock was flagged, in words and numbers."""
    numbers = FlaggedSpan(
        clock=rows.clock,
        end=moment(int(rows.start[row]) + interval_seconds),
        **_counted(rows, row),
        q_value=float(rows.q_value[row]),
        own_bar=float(rows.unbarred[row] / rows.statistic[row]),
        seconds_covered=_known(rows.seconds_covered[row]),
    )
    return {
        "words": list(span_reasons(numbers, zone)),
        "odds": odds(numbers.score, "spans"),
        "own_bar": numbers.own_bar,
        "seconds_covered": numbers.seconds_covered,
    }


_MOVED: Final = {
    INTERNATIONAL: "abroad",
    HIGH_RISK: "to high-risk numbers",
    INVALID: "to numbers that are not assigned",
    GROWTH: "",
}


def _of_weeks(rows: ScoredRows, row: int, interval_seconds: int, direction: str) -> dict[str, object]:
    """Why the weekly clock flagged a series, in words and numbers."""
    what = int(rows.moved[row])
    country = country_of(what) if what > NOTHING else None
    way = "from" if direction == "inbound" else "to"
    numbers = FlaggedWeeks(
        end=moment(int(rows.start[row]) + interval_seconds),
        moved=_MOVED[what] if country is None else f"{way} {country}",
        **_counted(rows, row),
        q_value=float(rows.q_value[row]),
        where=_known(rows.where[row]),
        cost=_known(rows.cost[row]),
        growth=_known(rows.growth[row]),
    )
    return {
        "words": list(week_reasons(numbers)),
        "odds": odds(numbers.score, "weeks"),
        "moved": numbers.moved,
        "country": country,
        "shift": float(rows.unbarred[row]),
        "where": numbers.where,
        "cost": numbers.cost,
        "growth": numbers.growth,
    }


_OF_KIND: Final = {Kind.COUNT: (COUNT, ""), Kind.PEAK: (PEAK, "peak_"), Kind.FIFTEEN: (FIFTEEN, "fifteen_")}
"""Constants of a kind, and what its columns of scored rows begin with."""


def _numbers(rows: ScoredRows, row: int, interval_seconds: int) -> FlaggedInterval:
    """The numbers of one flag: A and S are those of the kind that weighed most."""
    kind = _kind(rows, row, interval_seconds)
    usual, prefix = _OF_KIND[kind]
    with_peak = not np.isnan(rows.peak[row] + rows.peak_baseline[row])
    return FlaggedInterval(
        start=moment(int(rows.start[row])),
        interval_seconds=interval_seconds,
        **_counted(rows, row),
        q_value=_known(rows.q_value[row]),
        peak=float(rows.peak[row]) if with_peak else None,
        usual_peak=float(rows.peak_baseline[row]) if with_peak else None,
        against_hour=float(getattr(rows, f"{prefix}against_hour")[row] / usual.hour),
        against_season=float(getattr(rows, f"{prefix}against_season")[row] / usual.season),
        kind=kind,
        own_bar=float(rows.unbarred[row] / rows.statistic[row] * rows.provisional[row]),
        anomaly=_known(rows.anomaly[row]),
        seconds_covered=_known(rows.seconds_covered[row]),
        hour_before=_times_usual(float(rows.level[row]), float(rows.baseline[row])),
    )


def _kind(rows: ScoredRows, row: int, interval_seconds: int) -> Kind:
    if rows.span_seconds[row] > interval_seconds:
        return Kind.FIFTEEN
    by_peak = PEAK_SHARE * rows.peak_strength[row] > COUNT_SHARE * rows.count_strength[row]
    return Kind.PEAK if by_peak else Kind.COUNT


def _times_usual(level: float, baseline: float) -> float | None:
    """By how many times the hour before was above its usual; a usual under one contact counts as one."""
    return None if np.isnan(level) else level / max(baseline, 1.0)


def _known(value: float) -> float | None:
    return None if np.isnan(value) else float(value)
