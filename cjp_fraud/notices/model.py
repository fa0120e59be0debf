"""Value types of notices; they know no database."""

from __future__ import annotations

from enum import StrEnum


class NoticeKind(StrEnum):
    """What a notice tells the customer."""

    SUSPENSION = "suspension"
    WITHDRAWAL = "withdrawal"
    REINSTATEMENT = "reinstatement"


class NoticeState(StrEnum):
    """How far a notice has come; what its receipt is worth is told by its delivery events."""

    PLANNED = "planned"
    DEFERRED = "deferred"
    SENT = "sent"
    FAILED = "failed"
    OBSERVED = "observed"


class Outcome(StrEnum):
    """How an attempt ended; null in the table while it is open."""

    SENT = "sent"
    DEFERRED = "deferred"
    FAILED = "failed"
    UNKNOWN = "unknown"
