"""Who is on call, and whom to page next about a proposal that waits for approval; a pure rule."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo, available_timezones

from cjp_fraud.errors import BadInputError

DAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
"""Days of the week, as :meth:`datetime.weekday` counts them."""

STEPS: Final = (timedelta(minutes=5), timedelta(minutes=10), timedelta(minutes=15))
"""After how long without an approval the first, second and third approver is paged."""

TRIED_FOR: Final = timedelta(minutes=30)
"""For so long a page that nobody took is tried again."""

_CLOCK: Final = re.compile(r"(?:[01]\d|2[0-3]):[0-5]\d")


@dataclass(frozen=True, slots=True)
class Hours:
    """Hours of a week in one zone: each day's turn begins at ``begins`` and ends at the next ``ends``.

    Equal beginning and end are 24 hours. Use :meth:`parse`.
    """

    days: tuple[str, ...]
    begins: str
    ends: str
    time_zone: str

    @classmethod
    def parse(cls, days: Collection[str], begins: str, ends: str, time_zone: str) -> Hours:
        """Return the hours, the days in the week's order.

        Parameters
        ----------
        begins, ends : ``08:00``, on the clocks of the zone (IANA name).

        Raises
        ------
        BadInputError
            Says what is wrong with them.
        """
        strangers = sorted(set(days) - set(DAYS))
        if strangers or not days:
            raise BadInputError(
                f"days are {', '.join(DAYS)}, at least one; {', '.join(strangers) or 'none'} given"
            )
        for clock in (begins, ends):
            if not _CLOCK.fullmatch(clock):
                raise BadInputError(f"{clock!r} is no time of day; write 08:00")
        if time_zone not in available_timezones():
            raise BadInputError(f"{time_zone!r} is no time zone; write one as Europe/Paris")
        return cls(tuple(day for day in DAYS if day in days), begins, ends, time_zone)

    def cover(self, at: datetime) -> bool:
        """Whether an aware moment lies in them."""
        local = at.astimezone(ZoneInfo(self.time_zone))
        clock = f"{local:%H:%M}"
        today, yesterday = DAYS[local.weekday()], DAYS[local.weekday() - 1]
        if self.begins < self.ends:
            return today in self.days and self.begins <= clock < self.ends
        return (today in self.days and clock >= self.begins) or (yesterday in self.days and clock < self.ends)


@dataclass(frozen=True, slots=True)
class Turn:
    """One turn of the roster; the one with ``place`` 1 is paged first."""

    id: str
    user_id: str
    place: int
    hours: Hours


def steps_due(waiting_since: datetime, now: datetime) -> int:
    """Return how many steps of paging are due by ``now``; 0: none is yet."""
    return sum(now - waiting_since >= after for after in STEPS)


def next_on_call(
    turns: Sequence[Turn], now: datetime, able: Collection[str], paged: Collection[str]
) -> Turn | None:
    """Return whom to page: the first on call who may approve and was not paged yet; all were: the first again.

    Parameters
    ----------
    able : ids of the users who may approve this very proposal.
    paged : ids of the users who were paged about it.
    """
    on_call = [
        turn
        for turn in sorted(turns, key=lambda turn: (turn.place, turn.id))
        if turn.user_id in able and turn.hours.cover(now)
    ]
    return next((turn for turn in on_call if turn.user_id not in paged), on_call[0] if on_call else None)
