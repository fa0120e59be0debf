"""How often a password or a code may be tried, and how long nothing is tried after too many (a pure rule)."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

FREE_TRIES: Final = 5
"""Wrong tries in a row that cost nothing; the next pause begins with the fifth."""

_FIRST_PAUSE: Final = timedelta(minutes=1)
_LONGEST_PAUSE: Final = timedelta(hours=1)
_MOST_DOUBLINGS: Final = 10


def refused_until(failures: int, at: datetime) -> datetime | None:
    """Return until when nothing more is tried after ``failures`` wrong tries in a row, the last ``at``; None: go on.

    The pause is a minute after the fifth, doubles with each further one, and is never longer than an hour: so
    nobody is locked out for good by a stranger who types wrong passwords.
    """
    if failures < FREE_TRIES:
        return None
    doubled = 1 << min(failures - FREE_TRIES, _MOST_DOUBLINGS)
    return at + min(_FIRST_PAUSE * doubled, _LONGEST_PAUSE)
