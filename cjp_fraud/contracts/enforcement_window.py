"""When a measure may begin on the tenant's clock: weekdays 08:00 to 21:00, not after noon before a holiday; pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Final

from cjp_fraud.clock import aware
from cjp_fraud.contracts.business_calendar import DAY, RECIPIENT, BusinessCalendar, Calendars
from cjp_fraud.contracts.stated import NOT_STATED, ClosingTime, Stated, WallTime, stated
from cjp_fraud.errors import BadInputError

_LONGEST_SEARCH: Final = 400
"""Days after which no window is expected any more."""
_MIDNIGHT: Final = time(0)


@dataclass(frozen=True, slots=True)
class Window:
    """Hours of some days of the week.

    Parameters
    ----------
    days : Monday is 1.
    opens, closes : on the tenant's clock; a measure may begin from ``opens`` on, and before ``closes``. Closing at
        midnight is at the end of the day.
    """

    days: tuple[int, ...]
    opens: WallTime
    closes: ClosingTime

    def __post_init__(self) -> None:
        if not self.days or not all(1 <= day <= 7 for day in self.days):
            raise BadInputError(f"days {list(self.days)} of a window: write numbers from 1 (Monday) to 7")
        if self.opens >= self.closes != _MIDNIGHT:
            raise BadInputError(
                f"a window from {self.opens} to {self.closes} ends before it begins; one past midnight is two, one of "
                "which ends at 24:00"
            )


@dataclass(frozen=True, slots=True)
class EnforcementWindows:
    """When a measure may begin.

    Parameters
    ----------
    windows : one at least; any of them.
    last_before_holiday : latest time on a day before a public holiday.
    on_holidays : whether it may begin on a holiday; not stated: it may not, where the holidays are known.
    place : whose clock and holidays; not stated: the recipient's.
    """

    windows: tuple[Window, ...]
    last_before_holiday: Stated[WallTime] = NOT_STATED
    on_holidays: Stated[bool] = NOT_STATED
    place: Stated[str] = NOT_STATED

    def __post_init__(self) -> None:
        if not self.windows:
            raise BadInputError("enforcement windows name no window")


def next_in_window(
    at: datetime, rule: EnforcementWindows, calendars: Calendars
) -> tuple[datetime, str | None]:
    """Return the first moment from ``at`` on at which a measure may begin, and why it is not ``at``; None: it is.

    Parameters
    ----------
    at : aware.

    Raises
    ------
    BadInputError
        If holidays matter and the calendar does not reach that far, or no day has a window.
    """
    moment = aware(at)
    calendar = calendars.named(stated(rule.place) or RECIPIENT)
    day = calendar.local(moment).date() - DAY
    for _ in range(_LONGEST_SEARCH):
        begin = min(
            (max(start, moment) for start, end in _openings(day, rule, calendar) if max(start, moment) < end),
            default=None,
        )
        if begin is not None:
            return begin, None if begin == moment else _sentence(moment, begin, calendar)
        day += DAY
    raise BadInputError("no day within a year lies in an enforcement window of the contract")


def _openings(
    day: date, rule: EnforcementWindows, calendar: BusinessCalendar
) -> list[tuple[datetime, datetime]]:
    """Return the windows of a day as moments, UTC, first and end."""
    windows = [window for window in rule.windows if day.isoweekday() in window.days]
    allowed = stated(rule.on_holidays)
    asked = allowed is False or (allowed is None and calendar.first is not None)
    if not windows or (asked and _holiday(calendar, day)):
        return []
    ends = [(window, _end(calendar, day, window.closes)) for window in windows]
    last = stated(rule.last_before_holiday)
    if last is not None and _holiday(calendar, day + DAY):
        ends = [(window, min(end, calendar.instant(day, last))) for window, end in ends]
    openings = [(calendar.instant(day, window.opens), end) for window, end in ends]
    return [(start, end) for start, end in openings if start < end]


def _end(calendar: BusinessCalendar, day: date, closes: time) -> datetime:
    return calendar.instant(day + DAY if closes == _MIDNIGHT else day, closes)


def _holiday(calendar: BusinessCalendar, day: date) -> bool:
    """Whether ``day`` is a public holiday; raises BadInputError where the list does not cover it."""
    calendar.why_closed(day)
    return calendar.holiday(day) is not None


def _sentence(moment: datetime, begin: datetime, calendar: BusinessCalendar) -> str:
    return (
        f"{calendar.local(moment):%A %Y-%m-%d %H:%M} in {calendar.place} lies outside the contract's enforcement "
        f"windows → {calendar.local(begin):%A %Y-%m-%d %H:%M}"
    )
