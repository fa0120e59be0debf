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


class Quantity(StrEnum):
    """What a flag's excess is counted in; all of these are quantities of use in the sense of clause 2.4."""

    CONTACTS = "contacts"
    MINUTES = "minutes"
    CONCURRENCY = "concurrency"
    CHARGE = "charge"


class Finding(StrEnum):
    """A person's finding about the flagged traffic."""

    FRAUDULENT = "fraudulent"
    NOT_FRAUDULENT = "not_fraudulent"
    UNDETERMINED = "undetermined"


class TenantsPart(StrEnum):
    """The tenant's part in the fraud: mostly the victim."""

    VICTIM = "victim"
    COMPLICIT = "complicit"
    UNKNOWN = "unknown"


class Capacity(StrEnum):
    """In which capacity a person approved a proposal."""

    APPROVER = "approver"
    COUNSEL = "counsel"


class CommentKind(StrEnum):
    """Why a comment was written."""

    COMMENT = "comment"
    RETURNED = "returned"
    TAKEN_BACK = "taken_back"
    REOPENED = "reopened"
    WITHDRAWN = "withdrawn"


class DisputeState(StrEnum):
    """Where a dispute stands; ``upheld`` is in the tenant's favour."""

    OPEN = "open"
    UPHELD = "upheld"
    REJECTED = "rejected"


class StopKind(StrEnum):
    """What shuts the gate while it stands."""

    DISPUTE_UPHELD = "dispute_upheld"
    COUNSEL_ORDER = "counsel_order"
