"""Flags as the review takes them: the numbers of each flagged interval, and the reasons in words."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

import numpy as np

from cjp_fraud.detection.judging import Judged
from cjp_fraud.detection.scoring import moment
from cjp_fraud.review.flags import FlagRow
from features.columns import APPLICATION, CHANNEL, DIRECTION, INTERVAL_SECONDS, TENANT
from features.local_grid import HOUR
from features.reasons import FlaggedInterval, odds, reasons
from features.strength import COUNT_SHARE, PEAK_SHARE
from models.calibration import p_of


def flag_rows(judged: Judged, zones: Mapping[str, str], closed: datetime) -> list[FlagRow]:
    """Flags of a judged day whose UTC hour is closed."""
    rows = judged.rows
    hour_end = (rows.start // HOUR + 1) * HOUR
    chosen = np.flatnonzero(judged.flagged & (hour_end <= int(closed.timestamp())))
    keys = judged.keys
    model = None if judged.model is None else judged.model.id
    constants = judged.version.model.constants
    p_value = p_of(judged.log_p)
    found = []
    for row in chosen.tolist():
        key = keys.iloc[int(rows.series[row])]
        start = moment(int(rows.start[row]))
        by_peak = bool(PEAK_SHARE * rows.peak_strength[row] > COUNT_SHARE * rows.count_strength[row])
        numbers = FlaggedInterval(
            start=start,
            interval_seconds=int(key[INTERVAL_SECONDS]),
            observed=float(rows.observed[row]),
            baseline=float(rows.baseline[row]),
            score=float(judged.score[row]),
            against_season=float(rows.against_season[row] / constants.count.season),
            against_hour=float(rows.against_hour[row] / constants.count.hour),
            by_peak=by_peak,
        )
        found.append(
            FlagRow(
                tenant_id=key[TENANT],
                channel=key[CHANNEL],
                direction=key[DIRECTION],
                application_id=key[APPLICATION] if isinstance(key[APPLICATION], str) else None,
                interval_seconds=numbers.interval_seconds,
                interval_start=start,
                observed=numbers.observed,
                baseline=numbers.baseline,
                excess=numbers.observed - numbers.baseline,
                score=numbers.score,
                p_value=float(p_value[row]),
                threshold=judged.version.threshold,
                model_version=model,
                reasons={
                    "words": list(reasons(numbers, zones[key[TENANT]])),
                    "odds": odds(numbers.score),
                    "against_season": numbers.against_season,
                    "against_hour": numbers.against_hour,
                    "by_peak": by_peak,
                },
            )
        )
    return found
