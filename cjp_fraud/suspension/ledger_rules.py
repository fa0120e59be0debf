"""What a wrongful measure cost its customer, and how often measures are overturned; pure rules."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from cjp_fraud.contracts.restriction import Scope
from cjp_fraud.review.frozen_traffic import USUAL_LEVEL

HOUR: Final = timedelta(hours=1)
YEAR: Final = timedelta(days=365.25)
PER: Final = 1000
"""The rate is per so many tenant-years."""
CONFIDENCE: Final = 0.95


@dataclass(frozen=True, slots=True)
class OverturnedRate:
    """How often measures were overturned.

    Parameters
    ----------
    overturned : measures in the ledger.
    tenant_years : years of 365.25 days in which tenants were on record, added up.
    per_1000, low, high : overturned per 1,000 tenant-years, and the exact 95 % interval of a Poisson count; None: no
        tenant has been on record for any time.
    """

    overturned: int
    tenant_years: float
    per_1000: float | None
    low: float | None
    high: float | None


def overturned_rate(overturned: int, exposure: timedelta) -> OverturnedRate:
    """Return the rate with its interval (Garwood 1936, Biometrika 28: by quantiles of chi-squared).

    Parameters
    ----------
    overturned : number of measures, zero or more.
    exposure : time on record of all tenants, added up.
    """
    from scipy.special import gammaincinv  # late: it takes longer than any command that needs no interval

    years = exposure / YEAR
    if years <= 0:
        return OverturnedRate(overturned, 0.0, None, None, None)
    tail = (1 - CONFIDENCE) / 2
    low = float(gammaincinv(overturned, tail)) if overturned else 0.0
    high = float(gammaincinv(overturned + 1, 1 - tail))
    per = PER / years
    return OverturnedRate(overturned, years, overturned * per, low * per, high * per)


def hours_down(in_force_at: datetime, ended_at: datetime | None, now: datetime) -> float:
    """Return for how many hours a measure was in force, or is so far; all moments are aware."""
    return max((ended_at or now) - in_force_at, timedelta()) / HOUR


def usual_per_hour(rows: Iterable[Mapping[str, Any]], scope: Scope) -> float | None:
    """Return the usual contacts an hour of the frozen series that a measure stopped; None: no row says it.

    It is the mean of what detection held usual in the frozen hours of each series or, where none was scored, the usual
    level of its busiest interval. Series that were not frozen are not in it, so that a measure wider than its flags
    stopped at least this much.

    Parameters
    ----------
    rows : of a frozen document.
    scope : of the measure: channels and directions narrow it, where they are named.
    """
    scored: dict[str, list[float]] = defaultdict(list)
    levels: dict[str, float] = {}
    for row in rows:
        if not (_in(row.get("channel"), scope.channels) and _in(row.get("direction"), scope.directions)):
            continue
        series = str(row.get("series_id"))
        if row.get("table") == "scores" and row.get("baseline") is not None:
            scored[series].append(row["baseline"] * HOUR / timedelta(seconds=row["interval_seconds"]))
        elif row.get("table") == USUAL_LEVEL and row.get("usual_per_hour") is not None:
            levels[series] = row["usual_per_hour"]
    usual = levels | {series: sum(values) / len(values) for series, values in scored.items()}
    return sum(usual.values()) if usual else None


def _in(value: str | None, named: tuple[str, ...]) -> bool:
    return value is not None and (not named or value in named)
