"""Flags as the review takes them: the numbers of each flagged interval, and the reasons in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

import numpy as np

from cjp_fraud.detection.scoring import ScoredRows, moment
from cjp_fraud.review.flags import FlagRow
from features.columns import APPLICATION, CHANNEL, DIRECTION, INTERVAL_SECONDS, TENANT
from features.local_grid import HOUR
from features.reasons import FlaggedInterval, odds, reasons
from features.strength import COUNT_SHARE, PEAK_SHARE


def flag_rows(parts: Sequence[ScoredRows], zones: Mapping[str, str], closed: datetime) -> list[FlagRow]:
    """Flags of closed hours, which are those that end by ``closed`` (aware)."""
    until = int(closed.timestamp())
    return [
        _flag_row(rows, row, zones)
        for rows in parts
        for row in np.flatnonzero(rows.flagged & ((rows.start // HOUR + 1) * HOUR <= until)).tolist()
    ]


def _flag_row(rows: ScoredRows, row: int, zones: Mapping[str, str]) -> FlagRow:
    assert rows.version is not None, "intervals in gaps are never flagged"
    key = rows.table.keys.iloc[int(rows.series[row])]
    numbers = _numbers(rows, row, int(key[INTERVAL_SECONDS]))
    return FlagRow(
        tenant_id=key[TENANT],
        channel=key[CHANNEL],
        direction=key[DIRECTION],
        application_id=key[APPLICATION] if isinstance(key[APPLICATION], str) else None,
        interval_seconds=numbers.interval_seconds,
        interval_start=numbers.start,
        observed=numbers.observed,
        baseline=numbers.baseline,
        excess=numbers.observed - numbers.baseline,
        score=numbers.score,
        p_value=float(rows.p_value[row]),
        threshold=rows.version.threshold,
        model_version=rows.version.id,
        reasons={
            "words": list(reasons(numbers, zones[key[TENANT]])),
            "odds": odds(numbers.score),
            "against_hour": numbers.against_hour,
            "against_season": numbers.against_season,
            "by_peak": numbers.by_peak,
            "peak": numbers.peak,
            "usual_peak": numbers.usual_peak,
        },
    )


def _numbers(rows: ScoredRows, row: int, interval_seconds: int) -> FlaggedInterval:
    """The numbers of one flag: A and S are those of the kind that weighed most, count or busiest minute."""
    assert rows.version is not None
    constants = rows.version.model.constants
    by_peak = bool(PEAK_SHARE * rows.peak_strength[row] > COUNT_SHARE * rows.count_strength[row])
    if by_peak:
        usual, hour, season = constants.peak, rows.peak_against_hour[row], rows.peak_against_season[row]
    else:
        usual, hour, season = constants.count, rows.against_hour[row], rows.against_season[row]
    with_peak = not np.isnan(rows.peak[row] + rows.peak_baseline[row])
    return FlaggedInterval(
        start=moment(int(rows.start[row])),
        interval_seconds=interval_seconds,
        observed=float(rows.observed[row]),
        baseline=float(rows.baseline[row]),
        score=float(rows.score[row]),
        peak=float(rows.peak[row]) if with_peak else None,
        usual_peak=float(rows.peak_baseline[row]) if with_peak else None,
        against_hour=float(hour / usual.hour),
        against_season=float(season / usual.season),
        by_peak=by_peak,
    )
