"""Moments: always aware, UTC inside; and clocks, which are passed to whatever takes time."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Any, Final, Protocol

from cjp_fraud.errors import NaiveTimeError

EPOCH: Final = date(1970, 1, 1)


def aware(at: Any) -> datetime:
    """Return ``at`` in UTC.

    Raises
    ------
    NaiveTimeError
        If ``at`` is not a datetime with a zone.
    """
    if not isinstance(at, datetime) or (at.tzinfo is not UTC and at.utcoffset() is None):
        raise NaiveTimeError(f"{at!r} has no time zone; give an aware time, for example 2026-01-31T09:00:00Z")
    return at if at.tzinfo is UTC else at.astimezone(UTC)


def machine_now() -> datetime:
    """Return the present moment by this machine's clock, in UTC: the only place that reads it."""
    return datetime.now(UTC)


def utc_text(at: datetime) -> str:
    """Return an aware moment as ``2026-01-31T09:00:00.000000Z``."""
    return _text_of(aware(at))


@lru_cache(maxsize=1024)
def _text_of(at: datetime) -> str:
    """Return a moment in UTC as text; the rows of one act have the same moments again and again."""
    return at.replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"


def date_of(day: int) -> date:
    """Return the date of a day counted from 1970-01-01."""
    return EPOCH + timedelta(days=day)


def day_of(on: date) -> int:
    """Return the days from 1970-01-01 to a date."""
    return (on - EPOCH).days


class Clock(Protocol):
    """Tells the time to what takes longer than a moment: a dialogue with a mail server, a run over many cases."""

    def now(self) -> datetime:
        """Return the present moment, aware, in UTC."""


@dataclass(frozen=True, slots=True)
class TickingClock:
    """A clock that shows ``start`` when it is made and goes on as fast as the machine's, never backwards.

    Parameters
    ----------
    start : aware; of the machine, or simulated.
    """

    start: datetime
    _began: float = field(default_factory=time.monotonic, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "start", aware(self.start))

    def now(self) -> datetime:
        """Return ``start`` and the time that has passed since this clock was made."""
        return self.start + timedelta(seconds=time.monotonic() - self._began)


@dataclass(frozen=True, slots=True)
class LaterOf:
    """A clock that shows what the later of two clocks shows."""

    first: Clock
    second: Clock

    def now(self) -> datetime:
        """Return the later moment."""
        return max(self.first.now(), self.second.now())


@dataclass(frozen=True, slots=True)
class StandingClock:
    """A clock that stands still, for what happens at one moment."""

    at: datetime

    def __post_init__(self) -> None:
        object.__setattr__(self, "at", aware(self.at))

    def now(self) -> datetime:
        """Return the moment at which it stands."""
        return self.at
