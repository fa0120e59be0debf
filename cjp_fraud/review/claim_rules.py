"""How long a case is held, may be put aside, and should take; a pure rule."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final, Self

from cjp_fraud.errors import BadInputError
from cjp_fraud.review.model import Awaited

if TYPE_CHECKING:
    from cjp_fraud.config import Settings


LONGEST_WAIT: Final = timedelta(days=14)
"""A case that is put aside is back after this time at the latest, so that none is forgotten."""

LONGEST_STOP: Final = timedelta(minutes=15)
"""How long the service clock stands still at most when the customer is waited for: as long as their answer is."""


@dataclass(frozen=True, slots=True)
class ClaimPolicy:
    """The provider's settings on who works a case and for how long.

    Parameters
    ----------
    lease : how long a claim lasts from its last use.
    handed : how long a case that was handed to somebody waits for them.
    service : within what time a case should be decided.
    """

    lease: timedelta = timedelta(minutes=20)
    handed: timedelta = timedelta(hours=4)
    service: timedelta = timedelta(minutes=60)

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """Return the policy that the settings describe."""
        return cls(
            lease=timedelta(minutes=settings.lease_minutes),
            handed=timedelta(minutes=settings.handed_minutes),
            service=timedelta(minutes=settings.service_minutes),
        )


@dataclass(frozen=True, slots=True)
class Wait:
    """A case that was put aside; it is back at ``until`` at the latest, or by what it waits for.

    Parameters
    ----------
    last_flag_at : the case's newest flag when it was put aside.
    ended_at : when somebody took it up again; None: nobody did.
    """

    begun_at: datetime
    until: datetime
    awaited: Awaited
    last_flag_at: datetime
    ended_at: datetime | None = None

    def lasts(self, now: datetime, last_flag_at: datetime) -> bool:
        """Whether the case still waits, its newest flag being ``last_flag_at``."""
        flagged_again = self.awaited is Awaited.FLAG and last_flag_at > self.last_flag_at
        return self.ended_at is None and now < self.until and not flagged_again

    @property
    def over_at(self) -> datetime:
        """When it was over or will be, if nothing else happens."""
        return self.until if self.ended_at is None else min(self.ended_at, self.until)

    @property
    def clock_stop(self) -> tuple[datetime, datetime]:
        """Since and until when the service clock stands still, where the customer is waited for."""
        return self.begun_at, min(self.over_at, self.begun_at + LONGEST_STOP)


def held_by_another(holder: str | None, until: datetime | None, me: str) -> tuple[str, ...]:
    """Say that a colleague holds a case and what to do about it; nothing: whoever is named ``me`` may decide it.

    Parameters
    ----------
    holder : name of the user whose lease lasts; None: nobody's does.
    until : when that lease ends, aware, UTC, unless it is used.
    """
    if holder in (None, me) or until is None:
        return ()
    return (
        f"{holder} holds it until {until:%H:%MZ}; ask {holder} to hand it over, or wait until then "
        "(where that cannot wait, a reviewer releases it first)",
    )


def require_moment_to_return(until: datetime, now: datetime) -> None:
    """Refuse a moment that is past, or so far off that the case would be forgotten.

    Raises
    ------
    BadInputError
        Says which moments there are.
    """
    if not now < until <= now + LONGEST_WAIT:
        raise BadInputError(
            f"a case is put aside until a moment after now and within {LONGEST_WAIT.days} days, in which it is back at "
            "the latest"
        )
