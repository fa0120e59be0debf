"""Say why an interval was flagged, in words and numbers that a reviewer can check."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final
from zoneinfo import ZoneInfo

from features.counting_clocks import Clock

HIGHER_LEVEL: Final = 0.5
"""From this many times its usual above it on, the hour before was at another level."""
WEEKDAYS: Final = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


class Kind(StrEnum):
    """What weighed most: the interval's contacts, its busiest minute, or the 15 minutes that end with it."""

    COUNT = "count"
    PEAK = "peak"
    FIFTEEN = "fifteen"


_NAMES: Final = {
    Kind.COUNT: "the interval's sum",
    Kind.PEAK: "the busiest minute",
    Kind.FIFTEEN: "the 15 minutes together",
}


@dataclass(frozen=True, slots=True)
class FlaggedInterval:
    """The numbers that a flag rests on.

    Attributes
    ----------
    start : aware; the interval's start.
    interval_seconds : its length.
    span_seconds : of what ``observed`` and ``baseline`` count, ending with the interval: its length, or 15 minutes.
    observed, baseline : contacts.
    score : −log10 of the p-value.
    q_value : share of chance among this hour's intervals that are as unusual, at most; None: not known.
    peak, usual_peak : contacts in the busiest minute, and usually; None where not known.
    against_hour, against_season : A/G_A and S/G_S of the kind that weighed most; 1 is what the ordinary tenant's
        busiest days reach.
    kind : what weighed most.
    own_bar : by how much the series' own past lowers what is compared; 1 for most.
    anomaly : score of the isolation forest, .5 is ordinary; None where it does not see the interval.
    hour_before : by how many times its usual the hour before was above it; None: not known.
    seconds_covered : None where the interval is wholly covered.
    """

    start: datetime
    interval_seconds: int
    span_seconds: int
    observed: float
    baseline: float
    score: float
    q_value: float | None = None
    peak: float | None = None
    usual_peak: float | None = None
    against_hour: float = 0.0
    against_season: float = 0.0
    kind: Kind = Kind.COUNT
    own_bar: float = 1.0
    anomaly: float | None = None
    seconds_covered: float | None = None
    hour_before: float | None = None


def reasons(flag: FlaggedInterval, zone: str) -> tuple[str, ...]:
    """Sentences, most telling first.

    Parameters
    ----------
    flag : the numbers.
    zone : the tenant's IANA zone; weekday and hour are said in it.
    """
    end = flag.start + timedelta(seconds=flag.interval_seconds)
    local = (end - timedelta(seconds=flag.span_seconds)).astimezone(ZoneInfo(zone))
    until = end.astimezone(ZoneInfo(zone))
    usual = f"usual {WEEKDAYS[local.weekday()]} {local:%H:%M}"
    said = [
        f"{_times(flag.observed, flag.baseline)} the {usual}"
        if flag.baseline > 0
        else f"the {usual} has none",
        f"{_number(flag.observed)} contacts from {local:%H:%M} to {until:%H:%M} ({zone}), "
        f"usually {_number(flag.baseline)}: {_number(flag.observed - flag.baseline)} too many",
        f"so unusual an interval comes {odds(flag.score)}",
    ]
    if flag.q_value is not None:
        said.append(f"{chance(flag.q_value)} of this hour's intervals that are as unusual is chance")
    if flag.peak is not None and flag.usual_peak is not None:
        said.append(f"{_number(flag.peak)} in the busiest minute, usually {_number(flag.usual_peak)}")
    if flag.seconds_covered is not None:
        said.append(
            f"only {_number(flag.seconds_covered / 60)} of {_number(flag.interval_seconds / 60)} minutes were "
            "delivered; contacts are brought to the whole interval"
        )
    if flag.hour_before is not None and flag.hour_before >= HIGHER_LEVEL:
        said.append(
            f"the hour before was already {1 + flag.hour_before:.1f} × its usual: "
            "something that goes on, or a new level"
        )
    nearer = "the season" if flag.against_season >= flag.against_hour else "the hour before"
    said.append(
        f"what weighed most: {_NAMES[flag.kind]} against {nearer} "
        f"(season {flag.against_season:.1f}, hour before {flag.against_hour:.1f}; 1 is a busy day's maximum)"
    )
    if flag.own_bar > 1:
        said.append(f"the series' own restless past is taken into account: divided by {flag.own_bar:.1f}")
    if flag.anomaly is not None:
        said.append(
            f"isolation forest: {flag.anomaly:.2f} (0.50 is ordinary); shown beside the score, not in it"
        )
    return tuple(said)


@dataclass(frozen=True, slots=True)
class FlaggedSpan:
    """The numbers that a flag of a longer clock rests on.

    Attributes
    ----------
    clock : over what was counted.
    end : aware; end of the span.
    span_seconds : its length.
    observed, baseline : contacts in its known part, and as many as are usual there.
    score, q_value, own_bar : as of :class:`FlaggedInterval`.
    seconds_covered : how much of the span is known; None where it is all of it.
    """

    clock: Clock
    end: datetime
    span_seconds: int
    observed: float
    baseline: float
    score: float
    q_value: float
    own_bar: float
    seconds_covered: float | None


_SPANS: Final = {Clock.HOUR: "hour", Clock.DAY: "24 hours", Clock.WEEK: "week"}


def span_reasons(flag: FlaggedSpan, zone: str) -> tuple[str, ...]:
    """Sentences, most telling first; ``zone`` is the tenant's IANA zone."""
    span = _SPANS[flag.clock]
    begin, end = (
        moment.astimezone(ZoneInfo(zone))
        for moment in (flag.end - timedelta(seconds=flag.span_seconds), flag.end)
    )
    since, until = (f"{WEEKDAYS[moment.weekday()]} {moment:%H:%M}" for moment in (begin, end))
    said = [
        f"{_times(flag.observed, flag.baseline)} what is usual in this {span}",
        f"{_number(flag.observed)} contacts in the {span} from {since} to {until} ({zone}), "
        f"usually {_number(flag.baseline)}: {_number(flag.observed - flag.baseline)} too many",
        f"so much comes {odds(flag.score, 'spans')}",
        f"{chance(flag.q_value)} of the spans that end with this hour and are as unusual is chance",
    ]
    if flag.seconds_covered is not None:
        said.append(
            f"only {_number(flag.seconds_covered / 60)} of {_number(flag.span_seconds / 60)} minutes are known; "
            "the usual is of these alone"
        )
    said.append(f"counted over the {span}, beside what its intervals say: many small rises add up")
    if flag.own_bar > 1:
        said.append(f"the series' own restless past is taken into account: divided by {flag.own_bar:.1f}")
    return tuple(said)


@dataclass(frozen=True, slots=True)
class FlaggedWeeks:
    """The numbers that a flag of the weekly clock rests on.

    Attributes
    ----------
    end : aware; end of the span.
    span_seconds : its length, one, two or four weeks.
    moved : what moved: "to MV", "abroad", "to high-risk numbers", "to numbers that are not assigned", or "" where all
        contacts grew.
    observed, baseline : contacts of what moved in the span, and as many as are usual.
    score, q_value : as of :class:`FlaggedInterval`.
    where, cost, growth : w, c and g of docs/detection.md; None where it is not known or did not decide.
    """

    end: datetime
    span_seconds: int
    moved: str
    observed: float
    baseline: float
    score: float
    q_value: float
    where: float | None
    cost: float | None
    growth: float | None


def week_reasons(flag: FlaggedWeeks) -> tuple[str, ...]:
    """Sentences, most telling first; weeks are counted in UTC."""
    days = flag.span_seconds // 86_400
    until = f"{days} days until {flag.end:%Y-%m-%d %H:%M} UTC"
    numbers = f"{_number(flag.observed)} in the {until}, usually {_number(flag.baseline)}"
    excess = f"{_number(flag.observed - flag.baseline)} too many"
    if flag.growth is not None:
        said = [
            "contacts grow week after week, more than those of other series",
            f"contacts: {numbers}: {excess}",
        ]
    else:
        said = [
            f"more of the contacts go {flag.moved}, day after day",
            f"contacts {flag.moved}: {numbers}: {excess}",
        ]
        if flag.cost is None:
            said.append("what they cost is not known: neither a charge nor numbers that are not assigned")
        else:
            said.append(
                "the charge a contact, or the share of numbers that are not assigned, has risen with them"
            )
    said.append(f"so much comes {odds(flag.score, 'weeks')}")
    said.append(f"{chance(flag.q_value)} of the series that are as unusual this week is chance")
    said.append("seen over weeks, beside what its intervals say: so slow a rise is usual within days")
    return tuple(said)


def chance(q_value: float) -> str:
    """A q-value as people say it: "at most one in ten"."""
    if q_value > 0.5:
        return "more than half"
    return f"at most one in {max(int(min(1 / q_value, 1e9)), 2):,}"


def odds(score: float, of: str = "intervals") -> str:
    """A score as people say it: "once in 40,000 such intervals"."""
    if score > 9:
        return f"less than once in a billion such {of}"
    times = 10.0**score
    digits = max(len(str(int(times))) - 2, 0)
    return f"once in {max(round(times, -digits), 1):,.0f} such {of}"


def _times(observed: float, baseline: float) -> str:
    ratio = observed / baseline
    return f"{ratio:,.0f} ×" if ratio >= 10 else f"{ratio:.1f} ×"


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 10 or value == int(value) else f"{value:.1f}"
