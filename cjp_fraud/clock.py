"""Moments: always aware, UTC inside."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

from cjp_fraud.errors import NaiveTimeError

EPOCH: Final = date(1970, 1, 1)


def aware(at: Any) -> datetime:
    """Return ``at`` in UTC.

    Raises
    ------
    NaiveTimeError
        If ``at`` is not a datetime with a zone.
    """
    if not isinstance(at, datetime) or at.tzinfo is None or at.utcoffset() is None:
        raise NaiveTimeError(f"{at!r} has no time zone; give an aware time, for example 2026-01-31T09:00:00Z")
    return at.astimezone(UTC)


def utc_text(at: datetime) -> str:
    """Return an aware moment as ``2026-01-31T09:00:00.000000Z``."""
    return aware(at).replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"


def date_of(day: int) -> date:
    """Return the date of a day counted from 1970-01-01."""
    return EPOCH + timedelta(days=day)


def day_of(on: date) -> int:
    """Return the days from 1970-01-01 to a date."""
    return (on - EPOCH).days
