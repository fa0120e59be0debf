"""Business days and hours of a place, as a fixed list of days; a pure rule, which computes with wall clocks.

The list is taken from a library of public holidays once (:mod:`cjp_fraud.contracts.holiday_list`) and kept with what
rests on it, so that a later version of the library changes no answer that was given.
"""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from cjp_fraud.clock import aware
from cjp_fraud.contracts.stated import Unstated
from cjp_fraud.errors import BadInputError

RECIPIENT: Final = "recipient"
SENDER: Final = "sender"
GOVERNING_LAW: Final = "governing_law"

DAY: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Holiday:
    """A day that is no business day, and its name."""

    day: date
    name: str


@dataclass(frozen=True, slots=True)
class BusinessCalendar:
    """Business days and hours of one place.

    Parameters
    ----------
    name : how notice terms call the place: recipient, sender, governing_law, or a name of their own.
    place : the place in words, for sentences ("Toronto").
    time_zone : IANA.
    opens, closes : business hours on its wall clock; both None: not stated, so that a day's end counts.
    weekend : days of the week that are no business days, Monday is 1.
    holidays : between ``first`` and ``last``, in order; those on a weekend too.
    first, last : days that the list covers; None: it holds none, and no business day can be told.
    source : where the list is from, with the version ("holidays 0.109, CA-ON").
    zone_data : version of the time-zone data when it was made.
    """

    name: str
    place: str
    time_zone: str
    opens: time | None = None
    closes: time | None = None
    weekend: tuple[int, ...] = (6, 7)
    holidays: tuple[Holiday, ...] = ()
    first: date | None = None
    last: date | None = None
    source: str = "no list of holidays"
    zone_data: str = "not recorded"

    def holiday(self, day: date) -> str | None:
        """Return the name of the holiday on ``day``; None: it is none."""
        place = bisect_left(self.holidays, day, key=lambda holiday: holiday.day)
        there = self.holidays[place : place + 1]
        return there[0].name if there and there[0].day == day else None

    def why_closed(self, day: date) -> str | None:
        """Return why ``day`` is no business day; None: it is one.

        Raises
        ------
        BadInputError
            If the list does not cover the day.
        """
        if self.first is None or self.last is None or not self.first <= day <= self.last:
            covers = f"covers {self.first} to {self.last}" if self.first else "has no list of holidays"
            raise BadInputError(
                f"whether {day} is a business day in {self.place} is not known: its calendar {covers}; "
                "enter the place's country, or its holidays"
            )
        if day.isoweekday() in self.weekend:
            return f"a {day:%A}"
        return self.holiday(day)

    def local(self, at: datetime) -> datetime:
        """Return an aware moment on the wall clock of the place, aware."""
        return aware(at).astimezone(ZoneInfo(self.time_zone))

    def instant(self, day: date, clock: time) -> datetime:
        """Return when the wall clock shows ``clock`` on ``day``; see :func:`wall_instant`."""
        return wall_instant(datetime.combine(day, clock), self.time_zone)

    def opening(self, day: date) -> datetime:
        """Return when business begins on ``day``."""
        return self.instant(day, self.opens or time(0))

    def closing(self, day: date) -> datetime:
        """Return when business ends on ``day``: at the closing time or, where none is known, with the day."""
        if self.closes is not None:
            return self.instant(day, self.closes)
        return self.instant(day + DAY, time(0))


@dataclass(frozen=True, slots=True)
class Calendars:
    """The places that notice terms count in.

    Parameters
    ----------
    recipient_zone : IANA zone of the recipient, known even where no calendar is.
    calendars : one for each place; names are unique.
    """

    recipient_zone: str
    calendars: tuple[BusinessCalendar, ...] = ()

    def named(self, name: str) -> BusinessCalendar:
        """Return the calendar of a place.

        Raises
        ------
        BadInputError
            If the place is not known; the recipient always is, if only with its zone.
        """
        for calendar in self.calendars:
            if calendar.name == name:
                return calendar
        if name == RECIPIENT:
            return BusinessCalendar(RECIPIENT, self.recipient_zone, self.recipient_zone)
        raise BadInputError(
            f"the place {name!r}, whose days count, is not known; enter it under places of the notice terms"
        )

    def candidates(self, name: str | Unstated) -> tuple[BusinessCalendar, ...]:
        """Return the calendars that may be meant: the one named or, where none is, recipient's, sender's and law's."""
        if not isinstance(name, Unstated):
            return (self.named(name),)
        known = {calendar.name for calendar in self.calendars}
        others = tuple(self.named(place) for place in (SENDER, GOVERNING_LAW) if place in known)
        return (self.named(RECIPIENT), *others)


def wall_instant(wall: datetime, time_zone: str) -> datetime:
    """Return the moment, in UTC, at which a wall clock shows ``wall``.

    Of a time that comes twice the later one; in the place of one that is left out, the moment of the change: so a
    later wall time never gives an earlier moment.

    Parameters
    ----------
    wall : without zone.
    time_zone : IANA.
    """
    zone = ZoneInfo(time_zone)
    first, second = (wall.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1))
    if first > second:  # left out: fold 0 lies after the change, fold 1 before it
        return _change_between(second, first, zone)
    return second


def wall_clock(at: datetime, time_zone: str) -> datetime:
    """Return the latest time that a wall clock has shown by ``at``, without zone.

    In an hour that comes twice that is, the second time, the end of the hour: so a later moment never gives an
    earlier wall time.

    Parameters
    ----------
    at : aware.
    """
    zone = ZoneInfo(time_zone)
    local = aware(at).astimezone(zone)
    if local.fold == 0:
        return local.replace(tzinfo=None)
    before, now = (local.replace(fold=fold).utcoffset() or timedelta(0) for fold in (0, 1))
    change = _change_between(aware(at) - (before - now), aware(at), zone)
    return (change + before).replace(tzinfo=None)


def _change_between(before: datetime, after: datetime, zone: ZoneInfo) -> datetime:
    """Return the first moment, to the second, at which ``zone`` has the offset that it has at ``after``."""
    offset = after.astimezone(zone).utcoffset()
    low, high = before.replace(microsecond=0), after.replace(microsecond=0)
    if low.astimezone(zone).utcoffset() == offset:
        return low
    while high - low > timedelta(seconds=1):
        middle = (low + (high - low) / 2).replace(microsecond=0)
        if middle.astimezone(zone).utcoffset() == offset:
            high = middle
        else:
            low = middle
    return high


def following_business_day(calendar: BusinessCalendar, day: date, steps: list[str]) -> date:
    """Return the first business day after ``day``, and say in ``steps`` why each day before it is none."""
    follower = day + DAY
    skipped: list[date] = []
    while (closed := calendar.why_closed(follower)) is not None:
        if calendar.holiday(follower) is not None or follower.isoweekday() not in calendar.weekend:
            steps.append(f"{_day(follower)} is {closed} in {calendar.place}")
        skipped.append(follower)
        follower += DAY
    return follower


def _day(day: date) -> str:
    return f"{day:%A} {day:%Y-%m-%d}"


def next_opening(at: datetime, calendar: BusinessCalendar) -> tuple[datetime, tuple[str, ...]]:
    """Return the moment itself if it lies in business hours, else when business begins next, and how that was found.

    Where the hours are not stated, nobody knows whether it lies in them, nor when business begins next: the later
    reading is the end of the next business day.

    Parameters
    ----------
    at : aware.

    Returns
    -------
    the moment, UTC, and sentences; no sentence where nothing was moved.
    """
    moment = aware(at)
    day = wall_clock(moment, calendar.time_zone).date()
    closed = calendar.why_closed(day)
    if calendar.opens is None:
        return _next_closing(moment, day, calendar)
    if closed is None and calendar.opening(day) <= moment < calendar.closing(day):
        return moment, ()
    local = calendar.local(moment)
    shown = f"{_day(local.date())} {local:%H:%M} in {calendar.place}"
    steps: list[str] = []
    if closed is None and moment < calendar.opening(day):
        steps.append(f"{shown} is before business hours ({_hours(calendar)}) → {local:%A} {_open(calendar)}")
        return calendar.opening(day), tuple(steps)
    following = following_business_day(calendar, day, steps)
    why = f"is {closed}" if closed is not None else f"is after business hours ({_hours(calendar)})"
    next_weekday = day + DAY
    while next_weekday.isoweekday() in calendar.weekend and next_weekday < following:
        next_weekday += DAY
    first = f"{shown} {why} → {_day(next_weekday)}"
    if next_weekday == following:
        return calendar.opening(following), (f"{first} {_open(calendar)}", *steps)
    steps[-1] = f"{steps[-1]} → {_day(following)} {_open(calendar)}"
    return calendar.opening(following), (first, *steps)


def _next_closing(
    moment: datetime, day: date, calendar: BusinessCalendar
) -> tuple[datetime, tuple[str, ...]]:
    """Return the end of the first business day after ``day``, the latest that business hours not stated can give."""
    local = calendar.local(moment)
    steps = [
        f"{_day(local.date())} {local:%H:%M} in {calendar.place} {_may_lie_outside(calendar.why_closed(day))}"
    ]
    following = following_business_day(calendar, day, steps)
    steps.append(
        f"it counts with the end of the next business day, {_day(following)}, the later reading; places of the "
        f"notice terms can state the hours (opens, closes of {calendar.name!r})"
    )
    return calendar.closing(following), tuple(steps)


def _may_lie_outside(closed: str | None) -> str:
    if closed is not None:
        return f"is {closed}, and business hours there are not stated"
    return "may lie outside business hours: there, they are not stated"


def _open(calendar: BusinessCalendar) -> str:
    return f"{calendar.opens or time(0):%H:%M}"


def _hours(calendar: BusinessCalendar) -> str:
    closes = f"{calendar.closes:%H:%M}" if calendar.closes is not None else "24:00"
    return f"{_open(calendar)}-{closes}"
