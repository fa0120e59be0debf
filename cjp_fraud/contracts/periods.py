"""Periods of notice terms: hours, days, business days, clear days, and when one is over; pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from enum import StrEnum
from typing import Final
from zoneinfo import ZoneInfo

from cjp_fraud.clock import aware
from cjp_fraud.contracts.business_calendar import (
    DAY,
    BusinessCalendar,
    Calendars,
    following_business_day,
    wall_clock,
    wall_instant,
)
from cjp_fraud.contracts.stated import NOT_STATED, Stated, Unstated
from cjp_fraud.errors import BadInputError

LONGEST: Final = timedelta(days=2 * 366)
"""No notice clause names a longer period: it is a slip of a digit, or of the unit."""


class WaitUnit(StrEnum):
    """Units of a period.

    ``hours`` are elapsed. ``calendar_days`` run from a moment to the same time on the clock. ``days``: the clause says
    days and not which, so that they end with the last day where that is later. ``business_days`` end with the last
    one. Of ``clear_days`` neither the day of the event counts nor that on which something follows.
    """

    HOURS = "hours"
    CALENDAR_DAYS = "calendar_days"
    DAYS = "days"
    BUSINESS_DAYS = "business_days"
    CLEAR_DAYS = "clear_days"


class CountedFrom(StrEnum):
    """From what a waiting period of a notice counts."""

    SENT = "sent"
    DEEMED_RECEIVED = "deemed_received"
    ACTUALLY_RECEIVED = "actually_received"


@dataclass(frozen=True, slots=True)
class Period:
    """A length of time as a contract words it."""

    amount: int
    unit: WaitUnit

    def __post_init__(self) -> None:
        longest = LONGEST.total_seconds() / (3600 if self.unit is WaitUnit.HOURS else 86_400)
        if not 0 <= self.amount <= longest:
            raise BadInputError(
                f"{self} are longer than two years, or fewer than none: write a whole number from 0 to {longest:.0f}, "
                "or correct the unit"
            )

    def __str__(self) -> str:
        return f"{self.amount} {self.unit.replace('_', ' ')}"


@dataclass(frozen=True, slots=True)
class Wait(Period):
    """How long after a notice the next one, or the measure, may follow.

    Parameters
    ----------
    counted_from : not stated: from its deemed receipt, which is never before its sending.
    place : whose days count; not stated: the latest that the places of the contract give.
    """

    counted_from: Stated[CountedFrom] = NOT_STATED
    place: Stated[str] = NOT_STATED


NO_WAIT: Final = Wait(0, WaitUnit.HOURS)


@dataclass(frozen=True, slots=True)
class Reading:
    """When a period is over by one reading of the clause, aware, UTC; and how that was found, a sentence each."""

    at: datetime
    steps: tuple[str, ...]


def after(
    start: datetime,
    periods: tuple[Period, ...],
    place: str | Unstated,
    calendars: Calendars,
    time_of_day: time | None = None,
) -> Reading:
    """Return when a period is over, by the latest of its readings.

    Parameters
    ----------
    start : aware.
    periods : the readings of the clause's words, one at least; the latest counts.
    place : whose days count; not stated: those of each place that may be meant are tried.
    time_of_day : on the last day; None: the clause names none.

    Raises
    ------
    BadInputError
        If business days are counted in a place whose calendar is not known that far.
    """
    begin = aware(start)
    readings = [
        _after(begin, period, calendar, time_of_day)
        for period in periods
        for calendar in (calendars.candidates(place))
    ]
    latest = max(readings, key=lambda reading: reading.at)
    if len({reading.at for reading in readings}) == 1:
        return readings[0]
    return Reading(
        latest.at, (*latest.steps, "the clause can be read in more than one way; this is the latest")
    )


def _after(start: datetime, period: Period, calendar: BusinessCalendar, at: time | None) -> Reading:
    if period.amount == 0 and at is None:
        return Reading(start, ())
    steps: list[str] = []
    if period.unit is WaitUnit.HOURS or period.amount == 0:
        end = start + timedelta(hours=period.amount)
        if at is None:
            return Reading(end, (f"{period} on: {in_words(end, calendar.time_zone)}",))
        end = _next_time(end, at, calendar)
        return Reading(end, (f"at {at:%H:%M} next in {calendar.place}: {in_words(end, calendar.time_zone)}",))
    if period.unit is WaitUnit.BUSINESS_DAYS:
        end = _business_days(start, period.amount, calendar, at, steps)
    else:
        end = _days(start, period, calendar, at, steps)
    return Reading(end, (*steps, f"{period} on in {calendar.place}: {in_words(end, calendar.time_zone)}"))


def _business_days(
    start: datetime, amount: int, calendar: BusinessCalendar, at: time | None, steps: list[str]
) -> datetime:
    day = wall_clock(start, calendar.time_zone).date()
    for _ in range(amount):
        day = following_business_day(calendar, day, steps)
    if at is not None:
        return calendar.instant(day, at)
    steps.append(f"no time of day is stated: the end of {day:%A} {day}, the later reading")
    return calendar.closing(day)


def _days(
    start: datetime, period: Period, calendar: BusinessCalendar, at: time | None, steps: list[str]
) -> datetime:
    zone = calendar.time_zone
    wall = wall_clock(start, zone)
    day = wall.date() + period.amount * DAY
    if period.unit is WaitUnit.CLEAR_DAYS:
        steps.append("neither the day of the event nor the last day counts")
        return calendar.instant(day + DAY, at or time(0))
    if at is not None:
        return calendar.instant(day, at)
    same_time = max(wall_instant(wall + period.amount * DAY, zone), start + period.amount * DAY)
    if period.unit is WaitUnit.CALENDAR_DAYS:
        return same_time
    steps.append("the clause says days and not of what kind: to the end of the last one, the later reading")
    return max(same_time, calendar.instant(day + DAY, time(0)))


def _next_time(start: datetime, at: time, calendar: BusinessCalendar) -> datetime:
    """Return when the clock of the place next shows ``at``, at ``start`` or after it."""
    day = wall_clock(start, calendar.time_zone).date()
    shown = calendar.instant(day, at)
    return shown if shown >= start else calendar.instant(day + DAY, at)


def in_words(at: datetime, time_zone: str) -> str:
    """Return a moment to the second in UTC and on the clock of ``time_zone``."""
    utc = f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"
    local = at.astimezone(ZoneInfo(time_zone))
    if local.utcoffset() == timedelta(0):
        return utc
    return f"{utc} ({local:%Y-%m-%d %H:%M:%S} {time_zone})"
