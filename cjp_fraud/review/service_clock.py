"""The service clock: how much of the time in which a case should be decided is left.

It stands still while the customer is waited for; a pure rule.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta


@dataclass(frozen=True, slots=True)
class ServiceClock:
    """Where a case's clock stands.

    Parameters
    ----------
    left : time that is left; negative: so much too late.
    due_at : when nothing is left; None while the clock stands still.
    stopped_until : until when the customer is waited for at the latest; None: the clock runs.
    """

    left: timedelta
    due_at: datetime | None
    stopped_until: datetime | None = None

    @property
    def late(self) -> bool:
        """Whether the time is over."""
        return self.left <= timedelta()


def service_clock(
    opened_at: datetime, target: timedelta, stops: Iterable[tuple[datetime, datetime]], now: datetime
) -> ServiceClock:
    """Return where the clock of an undecided case stands.

    Parameters
    ----------
    opened_at : when the case was opened; aware.
    target : time in which it should be decided.
    stops : spans in which the customer was or is waited for, aware; they may overlap.
    now : aware, not before ``opened_at``.
    """
    stopped, counted_to, until = timedelta(), opened_at, None
    for begin, end in sorted(stops):
        first, last = max(begin, counted_to), min(end, now)
        if last > first:
            stopped += last - first
            counted_to = last
        if begin <= now < end:
            until = end if until is None else max(until, end)
    left = target - (now - opened_at - stopped)
    return ServiceClock(left, now + left if until is None else None, until)
