"""``python -m benchmarks.speed``: how the detector's time compares with a plain pandas baseline on the same rows.

Ratios within one run; the seconds are printed only to be divided. The yardstick is what an analyst would write first:
a rolling day's median and its absolute deviation of each series with pandas.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
import pandas as pd

from cjp_fraud.detection.backtest import backtest_rows
from cjp_fraud.detection.rules import DetectionRules
from cjp_fraud.traffic.grid import grid_rows

SERIES, DAYS = 40, 14


def minute_rows(series: int, days: int) -> pd.DataFrame:
    """Per-minute Poisson traffic with a day curve; one row a series and minute."""
    random = np.random.default_rng(0)
    starts = pd.date_range("2026-03-02", periods=days * 1440, freq="min", tz="UTC")
    curve = 4 + 3 * np.sin(np.arange(len(starts)) / 1440 * 2 * np.pi)
    return pd.DataFrame(
        {
            "tenant_id": np.repeat([f"tenant-{n:03}" for n in range(series)], len(starts)),
            "interval_start": pd.DatetimeIndex(
                np.tile(starts.tz_localize(None).to_numpy(), series), tz="UTC"
            ),
            "interval_seconds": 60,
            "channel": "voice",
            "direction": "inbound",
            "application_id": None,
            "contacts_offered": random.poisson(np.tile(curve, series)),
        }
    )


def timed(work: Callable[[], object]) -> float:
    """Seconds that ``work`` takes, once."""
    begin = time.perf_counter()
    work()
    return time.perf_counter() - begin


def main() -> None:
    """Print the ratios."""
    rows = minute_rows(SERIES, DAYS)
    gridded = grid_rows(rows)
    zones = dict.fromkeys(rows["tenant_id"].unique(), "Etc/UTC")

    def plain_pandas() -> None:
        counts = gridded.groupby("tenant_id")["contacts_offered"]
        median = counts.transform(lambda x: x.rolling(288).median())
        (gridded["contacts_offered"] - median).abs().groupby(gridded["tenant_id"]).transform(
            lambda x: x.rolling(288).median()
        )

    yardstick = timed(plain_pandas)
    for name, seconds in (
        ("gridding of minute rows", timed(lambda: grid_rows(rows))),
        ("back-test with training", timed(lambda: backtest_rows(gridded, zones, DetectionRules()))),
    ):
        print(f"{name}: {seconds / yardstick:.2f} × the plain pandas rolling median and deviation")
    print(f"({len(rows):,} minute rows, {len(gridded):,} intervals; yardstick {yardstick:.2f} s)")


if __name__ == "__main__":
    main()
