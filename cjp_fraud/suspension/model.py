"""Value types of suspension: measures, commands, and the facts that the gate asks about."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from cjp_fraud.config import PlatformMode
from cjp_fraud.contracts.business_calendar import Calendars
from cjp_fraud.contracts.contract_terms import ContractTerms
from cjp_fraud.contracts.model import FeedStanding, Right
from cjp_fraud.contracts.restriction import MeasureKind, Scope
from cjp_fraud.contracts.terms import NoticeTerms
from cjp_fraud.people.model import machine
from cjp_fraud.review.earlier_notice import EarlierNotice
from cjp_fraud.review.measure_fit import Flagged
from cjp_fraud.review.model import Capacity, Finding, Quantity, TenantsPart

ENFORCER = machine("enforcement")
"""Who acts on a standing approval."""


class MeasureState(StrEnum):
    """Where a measure stands."""

    ORDERED = "ordered"
    IN_FORCE = "in_force"
    LIFTING = "lifting"
    ENDED = "ended"
    NEVER_IN_FORCE = "never_in_force"
    OBSERVED = "observed"


UNFINISHED = (MeasureState.ORDERED, MeasureState.IN_FORCE, MeasureState.LIFTING)
"""States of a measure in which the platform may still get commands about it."""


class Ending(StrEnum):
    """How a measure ends."""

    REINSTATED = "reinstated"
    LAPSED = "lapsed"


MEASURE_ACTIONS: Final = frozenset(
    {
        "case.observed",
        "case.suspending",
        "case.suspended",
        "case.emergency_approved",
        "case.not_suspended",
        "case.capped",
        "case.cap_in_force",
        "case.cap_not_in_force",
        "case.cap_ended",
        "measure.reaffirmed",
        "measure.kept",
        "measure.stages_ordered",
        "measure.narrowing",
        "measure.narrowed",
        "case.reinstating",
        "case.lapsing",
        "case.lifting_failed",
        "case.reinstated",
        "case.lapsed",
    }
)
"""Actions of the log by which a measure is ordered, confirmed, kept, ended or lifted: after each the head is signed."""


class CommandKind(StrEnum):
    """What a command asks of the platform."""

    APPLY = "apply"
    LIFT = "lift"


class CommandOutcome(StrEnum):
    """What became of a command, by read-back."""

    DONE = "done"
    REFUSED = "refused"
    FAILED = "failed"
    OBSERVED = "observed"


class PlatformOutcome(StrEnum):
    """What is in force at the platform after it was commanded, by read-back."""

    IN_FORCE = "in_force"
    NOT_IN_FORCE = "not_in_force"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class MeasureOutcome:
    """What became of a measure; ``reasons`` say why it is not as was wanted, or not known to be."""

    case_id: str
    measure_id: str
    outcome: PlatformOutcome
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class FlagFact:
    """A flag that the determination names; ``excess`` in units of ``quantity``, upward is positive.

    ``as_frozen``: whether it is still as the frozen evidence has it, but for the episode that it belongs to.
    """

    of_this_case: bool | None
    in_force: bool | None
    quantity: Quantity | None
    excess: float | None
    as_frozen: bool | None


@dataclass(frozen=True, slots=True)
class DeterminationFact:
    """The determination that the proposal rests on; ``grounds`` are those that it names.

    ``account_taken_over``: whether the customer's account may have been taken over; ``says_why_wider``: whether it says
    why no narrower measure is enough; None: it is not known.
    """

    finding: Finding | None
    is_latest: bool | None
    by_user_id: str | None
    by_reviewer: bool | None
    has_reasons: bool | None
    grounds: tuple[str, ...] | None
    tenants_part: TenantsPart | None
    at: datetime | None
    account_taken_over: bool | None = False
    says_why_wider: bool | None = None


@dataclass(frozen=True, slots=True)
class ApprovalFact:
    """One approval, given or about to be, and what is known of the person who gives it.

    Parameters
    ----------
    has_role : whether the person has the role of the capacity now.
    took_part : whether the person took part in the case.
    edited_contract : whether the person edited the tenant's addresses or terms in the 30 days before.
    too_new : why the person's user or role does not count yet, a sentence each; None: it is not known.
    name : how a sentence names the person; None: it does not.
    """

    by_user_id: str
    capacity: Capacity
    at: datetime | None
    proposal_sha256: str | None
    has_role: bool | None
    took_part: bool | None
    edited_contract: bool | None
    too_new: tuple[str, ...] | None
    name: str | None = None


@dataclass(frozen=True, slots=True)
class EmergencyFact:
    """A reviewer's order to restrict at once, given or about to be; ``name``: how a sentence names the person."""

    by_user_id: str | None
    at: datetime | None
    proposal_sha256: str | None
    by_reviewer: bool | None
    has_reasons: bool | None
    name: str | None = None


@dataclass(frozen=True, slots=True)
class NoticeFact:
    """The notice plan, as the notices tell it.

    Parameters
    ----------
    complete_at : from when the measure may follow.
    states_end_at : when the measure ends at the latest, as the letters that may have left state it.
    terms, calendars : how it is served, and the calendars that the days are counted by; None: not known.
    failed : whether no permitted method can complete it any more; None: not known.
    projected_at : from when the measure may follow if every letter still to come is served the moment it is due;
        None: it never may.
    path : how that moment comes about, a sentence a step.
    everywhere : whether it goes to every address of the contract, by every method at once; None: it is not known.
    not_before : the first moment of a restriction that its letters state because of letters before them; None: of none.
    """

    mode: PlatformMode | None
    plan_sha256: str | None
    cancelled: bool | None
    language: str | None
    planned_at: datetime | None
    dispatched_at: datetime | None
    complete_at: datetime | None
    states_end_at: datetime | None
    contradictions: tuple[str, ...] | None
    terms: NoticeTerms | None = None
    calendars: Calendars | None = None
    failed: bool | None = None
    projected_at: datetime | None = None
    path: tuple[str, ...] = ()
    everywhere: bool | None = False
    not_before: datetime | None = None


@dataclass(frozen=True, slots=True)
class ContractFact:
    """Where the tenant stands under its contract now.

    Parameters
    ----------
    term_faults : why the term is not proven; None: it is not known.
    longest_measure : None where the contract names none.
    versions : what the position rests on; to be compared with the proposal's.
    deployment_fault : why the deployment is not accepted, in words; None: it is not said.
    feed : the newest edit by a feed and who confirmed it; None: it is not known.
    former_address_erased : whether an address was entered lately and the one before it was erased; None: not known.
    terms_faults : what of the notice terms was not read, or cannot be served, a sentence each; None: not known.
    terms, calendars : the notice terms, and the calendars that their days are counted by; None: not known.
    governing_faults : why none of the documents that counsel entered governs, a sentence each; None: not known.
    country : of the tenant (ISO 3166-1), so that what is abroad can be told; None: not known.
    """

    right: Right | None
    deployment_accepted: bool | None
    term_faults: tuple[str, ...] | None
    term_running: bool | None
    language: str | None
    longest_measure: timedelta | None
    critical: bool | None
    versions: Mapping[str, str | None] | None
    feed: FeedStanding | None
    former_address_erased: bool | None
    terms_faults: tuple[str, ...] | None
    deployment_fault: str | None = None
    terms: ContractTerms | None = None
    calendars: Calendars | None = None
    governing_faults: tuple[str, ...] | None = ()
    country: str | None = None


@dataclass(frozen=True, slots=True)
class ProposalFact:
    """What was proposed, and whether its bytes and its evidence are still what was hashed.

    The digests named ``actual_…`` are computed from the stored bytes, the others stand in the record.
    """

    sha256: str
    actual_sha256: str | None
    mode: PlatformMode | None
    evidence_sha256: str | None
    actual_evidence_sha256: str | None
    plan_sha256: str | None
    versions: Mapping[str, str | None] | None
    kind: MeasureKind | None
    scope: Scope | None
    duration: timedelta | None
    review_after: timedelta | None
    drawn_at: datetime | None


@dataclass(frozen=True, slots=True)
class GateFacts:
    """All that the gate asks about, read in one transaction; moments are aware.

    Parameters
    ----------
    mode_in_force : of the deployment; the proposal has its own.
    fresh : how long approval and notice may be acted on.
    flags : those that the determination names.
    row_faults : where the case's rows are not as the log names them, a sentence each; None: not compared.
    newest_flag_end : end of the newest flagged interval of the case that is in force.
    need_stated_at : when a person last said, since the determination, that the measure is still needed.
    stops : a sentence for each that stands; None: they cannot be read.
    earlier : warnings and notices of breach on the case; None: they cannot be read.
    emergency : the order to restrict before the approval; None: nobody gave one.
    """

    mode_in_force: PlatformMode | None
    fresh: timedelta
    flags: tuple[FlagFact, ...]
    flagged: Flagged
    row_faults: tuple[str, ...] | None
    newest_flag_end: datetime | None
    need_stated_at: datetime | None
    determination: DeterminationFact | None
    proposal: ProposalFact | None
    approvals: tuple[ApprovalFact, ...]
    contract: ContractFact | None
    notice: NoticeFact | None
    stops: tuple[str, ...] | None
    earlier: tuple[EarlierNotice, ...] | None = ()
    emergency: EmergencyFact | None = None


@dataclass(frozen=True, slots=True)
class Assumed:
    """What a letter would state that is not on record of its case yet.

    Parameters
    ----------
    term_concerned, cure_until : of a notice of breach: the term that is not met, and until when it is to be put right
        (aware).
    upheld : how an open dispute would be decided.
    """

    term_concerned: str | None = None
    cure_until: datetime | None = None
    upheld: bool = False
