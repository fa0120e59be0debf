"""Whom a comment names with ``@name``, and when they are written to; a pure rule."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

_MENTION: Final = re.compile(r"(?<![\w@.+/-])@([\w.-]{2,64})")
"""An ``@`` that begins a word: none of a mail address (``ada@provider.example``), and none that stands alone."""

MAILED_FOR: Final = timedelta(days=1)
"""For so long after a comment a mail about it that nobody took is tried again."""

_SHORTEST_WAIT: Final = timedelta(minutes=1)


class MailOutcome(StrEnum):
    """Whether a mail about a mention left."""

    SENDING = "sending"
    SENT = "sent"
    FAILED = "failed"


def names_mentioned(text: str) -> tuple[str, ...]:
    """Return the names that a text mentions, each once and in small letters, in their order.

    What ends a sentence is no part of a name: ``@adam.`` mentions ``adam``.
    """
    found = (match[1].rstrip(".-_").lower() for match in _MENTION.finditer(text))
    return tuple(dict.fromkeys(name for name in found if name))


def mail_is_due(mentioned_at: datetime, tried_at: datetime | None, now: datetime) -> bool:
    """Whether a mail about a mention is tried now: at once, then after waits that double, and not after a day.

    Parameters
    ----------
    mentioned_at : when the comment was written; aware, as the others.
    tried_at : when a mail server did not take it the last time; None: it was not tried.
    """
    if now - mentioned_at >= MAILED_FOR:
        return False
    return tried_at is None or now - tried_at >= max(_SHORTEST_WAIT, tried_at - mentioned_at)
