"""Builders of gridded traffic for the tests of features, models and detection."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from numpy.typing import NDArray

MONDAY = pd.Timestamp("2024-03-04", tz="UTC")


def a_day_curve(
    intervals: int, *, a_day: int = 288, high: float = 40.0, seed: int = 0
) -> NDArray[np.float64]:
    """Poisson counts over a daily curve."""
    phase = 2 * np.pi * np.arange(intervals) / a_day
    return np.random.default_rng(seed).poisson(high * (0.55 - 0.45 * np.cos(phase))).astype(float)


def rows_of(
    tenant: str,
    counts: NDArray[np.float64],
    *,
    start: pd.Timestamp = MONDAY,
    seconds: int = 300,
    peaks: NDArray[np.float64] | None = None,
    **key: object,
) -> pd.DataFrame:
    """Gridded rows of one series; NaN counts are left out."""
    frame = pd.DataFrame(
        {
            "tenant_id": tenant,
            "channel": "voice",
            "direction": "outbound",
            "application_id": None,
            "interval_seconds": seconds,
            "interval_start": start + pd.to_timedelta(np.arange(len(counts)) * seconds, unit="s"),
            "contacts_offered": counts,
            "contacts_peak": np.nan if peaks is None else peaks,
        }
    )
    return frame.assign(**key)[~np.isnan(counts)].reset_index(drop=True)


def some_traffic(
    tenants: int = 3, days: int = 12, *, with_peak: bool = True, seed: int = 0, **key: object
) -> pd.DataFrame:
    """A few tenants with a daily curve each, and a burst in each one's last days."""
    frames = []
    for number in range(tenants):
        counts = a_day_curve(days * 288, high=20.0 * (number + 1), seed=seed * 100 + number)
        at = (days - 2) * 288 + 50 * number
        counts[at : at + 3] += 150
        peaks = np.ceil(counts / 5 * 1.5) if with_peak else None
        frames.append(rows_of(f"tenant-{number}", counts, peaks=peaks, **key))
    return pd.concat(frames, ignore_index=True)


def in_zone(traffic: pd.DataFrame, zone: str) -> Mapping[str, str]:
    """Every tenant in one zone."""
    return dict.fromkeys(traffic["tenant_id"].unique(), zone)
