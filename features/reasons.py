"""Say why an interval was flagged, in words and numbers that a reviewer can check."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

WEEKDAYS: Final = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


@dataclass(frozen=True, slots=True)
class FlaggedInterval:
    """The numbers that a flag rests on.

    Attributes
    ----------
    start : aware; the interval's start.
    interval_seconds : its length.
    observed, baseline : contacts.
    score : −log10 of the p-value.
    peak, usual_peak : contacts in the busiest minute, and usually; None where not known.
    against_hour, against_season : A/G_A and S/G_S of the kind that weighed most, the interval's sum or its busiest
        minute; 1 is what the ordinary tenant's busiest days reach.
    by_peak : whether the busiest minute weighed more than the sum.
    """

    start: datetime
    interval_seconds: int
    observed: float
    baseline: float
    score: float
    peak: float | None = None
    usual_peak: float | None = None
    against_hour: float = 0.0
    against_season: float = 0.0
    by_peak: bool = False


def reasons(flag: FlaggedInterval, zone: str) -> tuple[str, ...]:
    """Sentences, most telling first.

    Parameters
    ----------
    flag : the numbers.
    zone : the tenant's IANA zone; weekday and hour are said in it.
    """
    local = flag.start.astimezone(ZoneInfo(zone))
    until = (flag.start + timedelta(seconds=flag.interval_seconds)).astimezone(ZoneInfo(zone))
    usual = f"usual {WEEKDAYS[local.weekday()]} {local:%H:%M}"
    said = [
        f"{_times(flag.observed, flag.baseline)} the {usual}"
        if flag.baseline > 0
        else f"the {usual} has none",
        f"{_number(flag.observed)} contacts from {local:%H:%M} to {until:%H:%M} ({zone}), "
        f"usually {_number(flag.baseline)}: {_number(flag.observed - flag.baseline)} too many",
        f"so unusual an interval comes {odds(flag.score)}",
    ]
    if flag.peak is not None and flag.usual_peak is not None:
        said.append(f"{_number(flag.peak)} in the busiest minute, usually {_number(flag.usual_peak)}")
    kind = "the busiest minute" if flag.by_peak else "the interval's sum"
    nearer = "the season" if flag.against_season >= flag.against_hour else "the hour before"
    said.append(
        f"what weighed most: {kind} against {nearer} "
        f"(season {flag.against_season:.1f}, hour before {flag.against_hour:.1f}; 1 is a busy day's maximum)"
    )
    return tuple(said)


def odds(score: float) -> str:
    """A score as people say it: "once in 40,000 such intervals"."""
    if score > 9:
        return "less than once in a billion such intervals"
    times = 10.0**score
    digits = max(len(str(int(times))) - 2, 0)
    return f"once in {max(round(times, -digits), 1):,.0f} such intervals"


def _times(observed: float, baseline: float) -> str:
    ratio = observed / baseline
    return f"{ratio:,.0f} ×" if ratio >= 10 else f"{ratio:.1f} ×"


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 10 or value == int(value) else f"{value:.1f}"
