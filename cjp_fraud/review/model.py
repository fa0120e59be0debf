"""Words of the review: the states of a case and its moves (the design's table), findings, capacities, policy."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Final, Self

from cjp_fraud.config import PlatformMode
from cjp_fraud.contracts.restriction import MeasureKind, Scope
from cjp_fraud.notices.letter_facts import Sender
from cjp_fraud.review.grounds import Ground

if TYPE_CHECKING:
    from cjp_fraud.config import Settings


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


MAY_BE_RESTRICTED: Final = frozenset({CaseState.SUSPENDING, CaseState.SUSPENDED, CaseState.LIFTING})
"""States in which something may be in force at the platform."""


class EvidenceOccasion(StrEnum):
    """When evidence was frozen: as a case took flags, as a person determined the fraud, or looked at it again."""

    FLAGGED = "flagged"
    DETERMINED = "determined"
    LOOKED_AGAIN = "looked_again"


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


class DisputeDecision(StrEnum):
    """How a dispute is decided; ``upheld`` is for the tenant."""

    UPHELD = "upheld"
    REJECTED = "rejected"


class StopKind(StrEnum):
    """What shuts the gate while it stands."""

    DISPUTE_UPHELD = "dispute_upheld"
    COUNSEL_ORDER = "counsel_order"


@dataclass(frozen=True, slots=True)
class MeasureWanted:
    """What a reviewer wants restricted, and for how long.

    Parameters
    ----------
    kind : None: all of the flagged channels' outbound traffic, where the flags are outbound only.
    duration : whole hours; None: the provider's review period.
    """

    kind: MeasureKind | None = None
    scope: Scope = field(default_factory=Scope)
    duration: timedelta | None = None

    @property
    def is_named(self) -> bool:
        """Whether a scope has its kind of measure beside it."""
        return self.kind is not None or self.scope == Scope()


@dataclass(frozen=True, slots=True)
class FraudFinding:
    """What a reviewer says of the flagged traffic that they found fraudulent.

    Parameters
    ----------
    tenants_part : must be said; None is refused.
    measure : what is to be restricted; None: what the rules propose.
    flag_ids : which flags; None: all in force of the case.
    grounds : why it is fraud, from the catalogue; the customer is told. None at all is refused.
    """

    reasons: str
    tenants_part: TenantsPart | None
    measure: MeasureWanted | None = None
    flag_ids: Collection[str] | None = None
    grounds: Collection[Ground] = ()


class QueueOrder(StrEnum):
    """What comes first: the highest score, or the oldest case."""

    SCORE = "score"
    AGE = "age"


@dataclass(frozen=True, slots=True)
class QueueFilter:
    """Which cases are asked for.

    Parameters
    ----------
    states : which states; None: all that are not closed, and closed ones that were flagged since.
    tenant_id : None: every tenant's.
    """

    states: frozenset[CaseState] | None = None
    tenant_id: str | None = None
    order: QueueOrder = QueueOrder.SCORE


_UNNAMED: Final = Sender("The provider", "notices@cjp-fraud.invalid")


@dataclass(frozen=True, slots=True)
class ProviderPolicy:
    """The provider's settings on which decisions depend.

    Parameters
    ----------
    mode : whether measures are taken, or only observed.
    proposal_expires : how long after it was drawn up a proposal may be approved.
    measure_review : after how long a measure is reviewed, and how long it lasts where nobody says otherwise.
    sender : who writes the letters, and how a dispute reaches them.
    fresh : how long approval and notice together permit a measure.
    methods : methods by which the deployment serves notices; None: not known here, and dispatch refuses what it cannot.
    """

    mode: PlatformMode = PlatformMode.OBSERVE
    proposal_expires: timedelta = timedelta(hours=72)
    measure_review: timedelta = timedelta(hours=72)
    sender: Sender = _UNNAMED
    fresh: timedelta = timedelta(hours=72)
    methods: frozenset[str] | None = None

    @classmethod
    def of(cls, settings: Settings, methods: frozenset[str] | None = None) -> Self:
        """Return the policy that the settings describe."""
        return cls(
            mode=settings.platform_mode,
            proposal_expires=timedelta(hours=settings.proposal_expires_hours),
            measure_review=timedelta(hours=settings.measure_review_hours),
            sender=Sender(
                legal_name=settings.sender_legal_name,
                reply_to=settings.mail_from,
                contact=settings.contact,
                dispute_days=settings.dispute_days,
                answer_hours=settings.dispute_answer_hours,
            ),
            fresh=settings.fresh,
            methods=methods,
        )
