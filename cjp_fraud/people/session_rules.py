"""How long somebody stays signed in (a pure rule)."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

WHOLE: Final = timedelta(hours=12)
"""From the password on, however much it is used: a shift."""

IDLE: Final = timedelta(hours=1)
"""Without use."""

SECOND_FACTOR_WITHIN: Final = timedelta(minutes=10)
"""How long the code may be typed after the password."""

SEEN_EVERY: Final = timedelta(minutes=1)
"""How exactly the last use is kept."""

INVITATION_VALID_FOR: Final = timedelta(hours=24)


def session_lives(*, seen_at: datetime, ends_at: datetime, ended_at: datetime | None, at: datetime) -> bool:
    """Whether a session may be used at ``at`` (all aware)."""
    return ended_at is None and at < ends_at and at - seen_at < IDLE
