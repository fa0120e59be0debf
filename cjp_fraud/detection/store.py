"""Read stored scores back as scored rows."""

from __future__ import annotations

from datetime import datetime, timedelta

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cjp_fraud.detection.lake_tables import SCORES
from cjp_fraud.detection.scoring import ROW_FIELDS, ScoredRows
from cjp_fraud.storage.lake import Lake, Where
from features.columns import APPLICATION, INTERVAL_START, SERIES_KEY


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
    frame = found.to_pandas()
    frame[APPLICATION] = frame[APPLICATION].astype(object).where(frame[APPLICATION].notna(), "")
    ordered = frame[list(SERIES_KEY)].drop_duplicates().sort_values(list(SERIES_KEY), ignore_index=True)
    code = (
        frame[list(SERIES_KEY)]
        .merge(ordered.assign(code=np.arange(len(ordered), dtype=np.int64)), on=list(SERIES_KEY), how="left")[
            "code"
        ]
        .to_numpy(dtype=np.int64)
    )
    start = frame[INTERVAL_START].dt.tz_localize(None).to_numpy().astype("datetime64[s]").astype(np.int64)
    order = np.lexsort((start, code))
    columns = {
        name: frame[name].to_numpy(dtype=np.int64 if name == "regime" else np.float64)[order]
        for name in ROW_FIELDS
        if name not in ("series", "start")
    }
    keys = ordered.assign(
        **{APPLICATION: ordered[APPLICATION].astype(object).where(ordered[APPLICATION] != "", None)}
    )
    rows = ScoredRows(series=code[order], start=start[order], **columns)
    return keys, rows, frame["log_p"].to_numpy(dtype=np.float64)[order]
