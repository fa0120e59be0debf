"""Read stored scores back as scored rows."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cjp_fraud.detection.lake_tables import SCORES
from cjp_fraud.detection.scoring import ROW_FIELDS, ScoredRows
from cjp_fraud.detection.series import floats, series_table, utc_seconds
from cjp_fraud.storage.lake import Lake, Where
from features.columns import INTERVAL_START, SERIES_ID, SERIES_KEY, TENANT


def read_scored(
    lake: Lake, begin: datetime, end: datetime
) -> tuple[pd.DataFrame, ScoredRows, NDArray[np.float64]] | None:
    """Read the scores of [begin, end) over all buckets.

    Parameters
    ----------
    begin, end : aware UTC.

    Returns
    -------
    series keys (frame, in the order of the key), rows in the order of series and start, natural log of p (float64
    [rows]); None where nothing is stored.
    """
    last = (end - timedelta(microseconds=1)).date() + timedelta(days=1)
    names = [
        SERIES_ID,
        *SERIES_KEY,
        INTERVAL_START,
        "log_p",
        *(name for name in ROW_FIELDS if name not in ("series", "start")),
    ]
    found = lake.read(
        SCORES, days=(begin.date(), last), columns=names, where=Where(between={INTERVAL_START: (begin, end)})
    )
    if not len(found):
        return None
    table, code = series_table(found, dict.fromkeys(found[TENANT].unique().to_pylist(), "Etc/UTC"))
    start = utc_seconds(found[INTERVAL_START])
    order = np.lexsort((start, code))
    columns: dict[str, Any] = {
        name: floats(found[name])[order].astype(np.int64 if name == "regime" else np.float64)
        for name in ROW_FIELDS
        if name not in ("series", "start")
    }
    rows = ScoredRows(series=code[order], start=start[order], **columns)
    return table.keys, rows, floats(found["log_p"])[order]
