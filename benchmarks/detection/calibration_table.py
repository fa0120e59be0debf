"""How often scores are reached on traffic without events, against how often they say that they are."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from benchmarks.detection.cloud_run import CloudRun
from benchmarks.detection.measures import INTERVAL
from cjp_fraud.simulation.local_calendar import local_calendar
from cjp_fraud.simulation.tenant_profiles import draw_profile

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

NOMINAL = (1e-2, 1e-3, 1e-4)
SIZES = ((0, 16), (16, 100), (100, 1_000), (1_000, 10_000), (10_000, np.inf))
"""Contacts a day of the size classes, from and to."""
WEEK = 7 * 86_400 // INTERVAL
HOURS = 168


def size_name(low: float, high: float) -> str:
    """Name of a size class."""
    return f"{low:,.0f} to {high:,.0f}" if np.isfinite(high) else f"over {low:,.0f}"


def of_size(a_day: NDArray[np.float64], low: float, high: float) -> Bools:
    """Mask of the tenants of a size class."""
    return (a_day >= low) & (a_day < high)


def calibration_rows(run: CloudRun) -> pd.DataFrame:
    """Observed share of the scored rows for each nominal p: overall, by size, by hour of the week, worst decile.

    By hour of the week (local) it is the smallest and the largest of 168. The worst tenth of the tenants is chosen on
    odd weeks and measured on even ones, for each p apart; a p of 1e-4 is judged overall only.
    """
    score = run.scores.score[:, run.first :]
    scored = ~np.isnan(score)
    rows: dict[str, list[float]] = {}
    for nominal in NOMINAL:
        with np.errstate(invalid="ignore"):
            above = score >= -np.log10(nominal)
        rows.setdefault("all", []).append(above.sum() / max(scored.sum(), 1))
        if nominal == NOMINAL[-1]:
            break  # of tenants or hours too few rows would be above
        for low, high in SIZES:
            chosen = of_size(run.a_day, low, high)
            share = above[chosen].sum() / scored[chosen].sum() if scored[chosen].any() else np.nan
            rows.setdefault(f"{size_name(low, high)} contacts a day", []).append(share)
        by_hour = _by_hour(run, above, scored)
        rows.setdefault("quietest hour of the week", []).append(by_hour.min())
        rows.setdefault("loudest hour of the week", []).append(by_hour.max())
        rows.setdefault("worst tenth of the tenants", []).append(worst_tenth(above, scored))
    names = [f"{nominal:g}" for nominal in NOMINAL]
    return pd.DataFrame(
        [dict(zip(names, shares, strict=False)) for shares in rows.values()], index=list(rows)
    )


def worst_tenth(above: Bools, scored: Bools) -> float:
    """Share of rows above, on even weeks, of the tenth of the tenants that has the largest share on odd weeks.

    Parameters
    ----------
    above, scored : bool [tenants, intervals], from the beginning of a week on.
    """
    week = np.arange(above.shape[1]) // WEEK
    odd, even = week % 2 == 0, week % 2 == 1
    judged = np.flatnonzero(scored[:, odd].any(axis=1) & scored[:, even].any(axis=1))
    if not len(judged):
        return np.nan
    share = above[judged][:, odd].sum(axis=1) / scored[judged][:, odd].sum(axis=1)
    worst = judged[np.argsort(-share, kind="stable")[: max(round(len(judged) / 10), 1)]]
    return float(above[worst][:, even].sum() / scored[worst][:, even].sum())


def _by_hour(run: CloudRun, above: Bools, scored: Bools) -> NDArray[np.float64]:
    """Share of rows above by hour of the local week; float64 [168]."""
    counts = np.zeros((2, HOURS))
    zones: dict[tuple[str, str], list[int]] = {}
    for row, tenant in enumerate(run.tenant_numbers):
        profile = draw_profile(run.cloud, tenant)
        zones.setdefault((profile.zone, profile.country.code), []).append(row)
    for (zone, country), rows in zones.items():
        hour = local_calendar(run.cloud, zone, country).slot[run.first :] // 12
        for place, mask in enumerate((above, scored)):
            counts[place] += np.bincount(hour, weights=mask[rows].sum(axis=0), minlength=HOURS)
    return counts[0] / np.maximum(counts[1], 1)
