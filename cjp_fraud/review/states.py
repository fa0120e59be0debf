"""The states of a case and who may move it from one to another (the design's table)."""

from __future__ import annotations

from enum import StrEnum
from typing import Final


class CaseState(StrEnum):
    """Where a case stands."""

    OPEN = "open"
    IN_REVIEW = "in_review"
    DISMISSED = "dismissed"
    DETERMINED = "determined"
    EXPIRED = "expired"
    APPROVED = "approved"
    NOTICED = "noticed"
    NOTICE_FAILED = "notice_failed"
    WITHDRAWN = "withdrawn"
    SUSPENDING = "suspending"
    SUSPENDED = "suspended"
    LIFTING = "lifting"
    REINSTATED = "reinstated"
    LAPSED = "lapsed"


CLOSED_STATES: Final = frozenset(
    {
        CaseState.DISMISSED,
        CaseState.EXPIRED,
        CaseState.WITHDRAWN,
        CaseState.REINSTATED,
        CaseState.LAPSED,
    }
)
"""Nobody works such a case; the tenant may get a new one."""

BEFORE_THE_MEASURE: Final = frozenset({CaseState.APPROVED, CaseState.NOTICED, CaseState.NOTICE_FAILED})
"""Approved and not yet restricting anything: may be withdrawn."""

MOVES: Final = frozenset(
    {
        (CaseState.OPEN, CaseState.IN_REVIEW),
        (CaseState.IN_REVIEW, CaseState.OPEN),
        (CaseState.IN_REVIEW, CaseState.DISMISSED),
        (CaseState.DISMISSED, CaseState.IN_REVIEW),
        (CaseState.IN_REVIEW, CaseState.DETERMINED),
        (CaseState.DETERMINED, CaseState.IN_REVIEW),
        (CaseState.DETERMINED, CaseState.APPROVED),
        (CaseState.DETERMINED, CaseState.EXPIRED),
        (CaseState.EXPIRED, CaseState.IN_REVIEW),
        (CaseState.WITHDRAWN, CaseState.IN_REVIEW),
        (CaseState.APPROVED, CaseState.NOTICED),
        (CaseState.APPROVED, CaseState.NOTICE_FAILED),
        (CaseState.APPROVED, CaseState.WITHDRAWN),
        (CaseState.NOTICED, CaseState.WITHDRAWN),
        (CaseState.NOTICE_FAILED, CaseState.WITHDRAWN),
        (CaseState.NOTICED, CaseState.SUSPENDING),
        (CaseState.SUSPENDING, CaseState.SUSPENDED),
        (CaseState.SUSPENDING, CaseState.NOTICED),
        (CaseState.SUSPENDED, CaseState.LIFTING),
        (CaseState.LIFTING, CaseState.SUSPENDED),
        (CaseState.LIFTING, CaseState.REINSTATED),
        (CaseState.LIFTING, CaseState.LAPSED),
    }
)
"""All moves there are; a transition function that tries another one is a bug."""
