"""Words of the review: the states of a case and its moves (the design's table), findings, capacities, queue filters."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from cjp_fraud.people.model import Reach


class CaseState(StrEnum):
    """Where a case stands."""

    OPEN = "open"
    CAPPED = "capped"
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
        (CaseState.OPEN, CaseState.CAPPED),
        (CaseState.CAPPED, CaseState.OPEN),
        (CaseState.CAPPED, CaseState.IN_REVIEW),
        (CaseState.IN_REVIEW, CaseState.OPEN),
        (CaseState.IN_REVIEW, CaseState.DISMISSED),
        (CaseState.DISMISSED, CaseState.IN_REVIEW),
        (CaseState.IN_REVIEW, CaseState.DETERMINED),
        (CaseState.DETERMINED, CaseState.IN_REVIEW),
        (CaseState.DETERMINED, CaseState.APPROVED),
        (CaseState.DETERMINED, CaseState.EXPIRED),
        (CaseState.DETERMINED, CaseState.SUSPENDING),
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
        (CaseState.SUSPENDING, CaseState.IN_REVIEW),
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


MAY_BE_RESTRICTED: Final = frozenset({CaseState.SUSPENDING, CaseState.SUSPENDED, CaseState.LIFTING})
"""States in which something may be in force at the platform."""


class EvidenceOccasion(StrEnum):
    """When evidence was frozen: a case took flags, a person determined the fraud or looked again, a consent capped."""

    FLAGGED = "flagged"
    DETERMINED = "determined"
    LOOKED_AGAIN = "looked_again"
    CAPPED = "capped"


class Finding(StrEnum):
    """A person's finding about the flagged traffic."""

    FRAUDULENT = "fraudulent"
    NOT_FRAUDULENT = "not_fraudulent"
    UNDETERMINED = "undetermined"


class DrawKind(StrEnum):
    """What is drawn at random for a second reader: closed cases, or the weeks of tenants that were not flagged."""

    CLOSED_CASES = "closed_cases"
    NOT_FLAGGED = "not_flagged"


class NamedEvidence(StrEnum):
    """What of the evidence a reviewer says that the finding rests on."""

    FLAGS = "flags"
    COURSE = "course"
    DESTINATIONS = "destinations"
    PRINCIPALS = "principals"
    SHORT_CALLS = "short_calls"
    AGENTS = "agents"
    CHARGES = "charges"
    EARLIER_CASES = "earlier_cases"
    CUSTOMERS_ANSWER = "customers_answer"


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
    REFUSED = "refused"
    REOPENED = "reopened"
    WITHDRAWN = "withdrawn"
    ASKED_CUSTOMER = "asked_customer"
    CUSTOMERS_ANSWER = "customers_answer"


class CustomersAnswer(StrEnum):
    """What a customer says who is asked whether the flagged traffic was theirs; it clears nobody."""

    OURS = "ours"
    NOT_OURS = "not_ours"
    NOT_SURE = "not_sure"


class DisputeState(StrEnum):
    """Where a dispute stands; ``upheld`` is in the tenant's favour, ``narrowed`` in part."""

    OPEN = "open"
    UPHELD = "upheld"
    NARROWED = "narrowed"
    REJECTED = "rejected"


class DisputeDecision(StrEnum):
    """How a dispute is decided where nothing is narrowed; ``upheld`` is for the tenant."""

    UPHELD = "upheld"
    REJECTED = "rejected"


LONGEST_WORDS: Final = 4000
"""Characters in which a customer disputes on the notice page."""


class WrongCause(StrEnum):
    """What a wrongful measure goes back to: the detector, a person, contract data, or the delivery of the notice."""

    DETECTOR = "detector"
    PERSON = "person"
    CONTRACT_DATA = "contract_data"
    DELIVERY = "delivery"


class StopKind(StrEnum):
    """What shuts the gate while it stands."""

    DISPUTE_UPHELD = "dispute_upheld"
    COUNSEL_ORDER = "counsel_order"


class RestoreCheck(StrEnum):
    """What a person saw to before service is restored."""

    CREDENTIALS_ROTATED = "credentials_rotated"
    FORWARDS_REMOVED = "forwards_removed"
    KEYS_REVOKED = "keys_revoked"


class CaseReason(StrEnum):
    """Why a case was flagged, in one word: what its flag with the highest score is about."""

    BURST = "burst"
    HOURS = "hours"
    DESTINATIONS = "destinations"
    GROWTH = "growth"


class Awaited(StrEnum):
    """What somebody waits for who puts a case aside."""

    MOMENT = "moment"
    CUSTOMER = "customer"
    FLAG = "flag"


class CauseKind(StrEnum):
    """What cases have in common that are dismissed together: nothing that says fraud."""

    KNOWN_EVENT = "known_event"
    SOURCE_OUTAGE = "source_outage"


class BulkResult(StrEnum):
    """What became of one case of a bulk dismissal."""

    PENDING = "pending"
    DISMISSED = "dismissed"
    LEFT = "left"
    UNDONE = "undone"
    KEPT = "kept"


class PageOutcome(StrEnum):
    """Whether a page to somebody on call left."""

    SENDING = "sending"
    SENT = "sent"
    FAILED = "failed"
    NOBODY = "nobody"


class QueueOrder(StrEnum):
    """What comes first: the worst case, the highest score, or the oldest case.

    The worst is what costs most per hour of waiting, then the most unusual, then the oldest.
    """

    WORST = "worst"
    SCORE = "score"
    AGE = "age"


@dataclass(frozen=True, slots=True)
class QueueFilter:
    """Which cases are asked for.

    Parameters
    ----------
    states : which states; None: all that are not closed, and closed ones that were flagged since.
    tenant_id : None: every tenant's.
    held_by : name of the user who works them; empty: nobody; None: anybody.
    text : in the tenant's id or name, or the case's number; None: any.
    channel, country, reason : of what happened; None: any.
    plan : that the tenant has bought; None: any.
    reach : what the reader's roles are narrowed to; None: to nothing.
    mentions : name of a user whom a comment names and who has not opened the case since, of whatever state it is where
        none is asked for; None: any.
    """

    states: frozenset[CaseState] | None = None
    tenant_id: str | None = None
    order: QueueOrder = QueueOrder.WORST
    held_by: str | None = None
    text: str | None = None
    channel: str | None = None
    country: str | None = None
    plan: str | None = None
    reason: CaseReason | None = None
    reach: tuple[Reach, ...] | None = None
    mentions: str | None = None
