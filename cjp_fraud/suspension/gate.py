"""The gate before any measure: nine points, each known to hold, or it stays shut.

Pure: facts in, decision out. What is not known (None) does not hold.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from cjp_fraud.config import PlatformMode
from cjp_fraud.contracts.model import Right
from cjp_fraud.contracts.restriction import MeasureKind, Scope
from cjp_fraud.review.measure_fit import Flagged, measure_misfits
from cjp_fraud.review.model import Capacity, Finding, Quantity, TenantsPart

FLAG_FRESH: Final = timedelta(hours=24)
"""How old the newest flag may be, or the statement that the measure is still needed."""

POINTS: Final = (1, 2, 3, 4, 5, 6, 7, 8, 9)
"""The design's points."""

BEFORE_NOTICE: Final = (1, 2, 3, 4, 6, 7, 9)
"""What must hold already when a notice is sent: all but the notice itself and what is counted from it."""


@dataclass(frozen=True, slots=True)
class FlagFact:
    """A flag that the determination names."""

    of_this_case: bool | None
    in_force: bool | None
    quantity: Quantity | None
    excess: float | None


@dataclass(frozen=True, slots=True)
class DeterminationFact:
    """The determination that the proposal rests on."""

    finding: Finding | None
    is_latest: bool | None
    by_user_id: str | None
    by_reviewer: bool | None
    has_reasons: bool | None
    tenants_part: TenantsPart | None
    at: datetime | None


@dataclass(frozen=True, slots=True)
class ApprovalFact:
    """One approval, and what is known of the person who gave it."""

    by_user_id: str
    capacity: Capacity
    at: datetime | None
    proposal_sha256: str | None
    has_role: bool | None
    took_part: bool | None
    edited_contract: bool | None


@dataclass(frozen=True, slots=True)
class NoticeFact:
    """The notice plan, as the notices tell it; ``complete_at``: from when the measure may follow."""

    mode: PlatformMode | None
    plan_sha256: str | None
    cancelled: bool | None
    language: str | None
    dispatched_at: datetime | None
    complete_at: datetime | None
    contradictions: tuple[str, ...] | None


@dataclass(frozen=True, slots=True)
class ContractFact:
    """Where the tenant stands under its contract now."""

    right: Right | None
    deployment_accepted: bool | None
    term_proven: bool | None
    term_running: bool | None
    language: str | None
    longest_measure: timedelta | None
    critical: bool | None
    versions: Mapping[str, str | None] | None


@dataclass(frozen=True, slots=True)
class ProposalFact:
    """What was approved, and whether its bytes and its evidence are still what was hashed."""

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


@dataclass(frozen=True, slots=True)
class GateFacts:
    """All that the gate asks about, read in one transaction."""

    mode_in_force: PlatformMode | None
    fresh: timedelta
    flags: tuple[FlagFact, ...]
    flagged: Flagged
    newest_flag_end: datetime | None
    need_stated_at: datetime | None
    determination: DeterminationFact | None
    proposal: ProposalFact | None
    approvals: tuple[ApprovalFact, ...]
    contract: ContractFact | None
    notice: NoticeFact | None
    stops: tuple[str, ...] | None


@dataclass(frozen=True, slots=True)
class Shut:
    """Why one point does not hold."""

    point: int
    sentence: str


@dataclass(frozen=True, slots=True)
class GateDecision:
    """Whether the gate is open, and if not, everything that keeps it shut."""

    shut: tuple[Shut, ...]

    @property
    def is_open(self) -> bool:
        """Whether nothing keeps it shut."""
        return not self.shut

    @property
    def sentences(self) -> tuple[str, ...]:
        """What keeps it shut, each with the number of its point."""
        return tuple(f"gate point {one.point}: {one.sentence}" for one in self.shut)


def check(facts: GateFacts, at: datetime, points: Collection[int] = POINTS) -> GateDecision:
    """Return whether a measure may be taken at ``at``, with every reason why not.

    Parameters
    ----------
    facts : read in the transaction that records the measure.
    at : aware.
    points : which points are asked; all of them before a measure.
    """
    rules = {
        1: _flags_of_use,
        2: _determined,
        3: _approved,
        4: _contract_gives_right,
        5: _notice_sent,
        6: _no_stop,
        7: _has_an_end,
        8: _still_needed,
        9: _fits,
    }
    return GateDecision(
        tuple(
            Shut(point, sentence)
            for point in POINTS
            if point in points
            for sentence in rules[point](facts, at)
        )
    )


def approval_in_force(facts: GateFacts) -> ApprovalFact | None:
    """Return the approver's approval that holds in every respect; None: there is none."""
    return next(
        (
            one
            for one in facts.approvals
            if one.capacity is Capacity.APPROVER and not _approval_faults(one, facts)
        ),
        None,
    )


def counsel_consents(facts: GateFacts) -> bool:
    """Whether counsel approved this very version, by a person other than the approver."""
    approver = approval_in_force(facts)
    return any(
        one.capacity is Capacity.COUNSEL
        and not _approval_faults(one, facts)
        and (approver is None or one.by_user_id != approver.by_user_id)
        for one in facts.approvals
    )


def earliest_permitted(facts: GateFacts) -> datetime | None:
    """Return the first moment at which approval and notice both allowed the measure; None: not yet known."""
    approval = approval_in_force(facts)
    if approval is None or approval.at is None or facts.notice is None or facts.notice.complete_at is None:
        return None
    return max(approval.at, facts.notice.complete_at)


def _flags_of_use(facts: GateFacts, _at: datetime) -> list[str]:
    found = []
    good = [
        flag
        for flag in facts.flags
        if flag.of_this_case is True
        and flag.in_force is True
        and flag.quantity in set(Quantity)
        and flag.excess is not None
        and flag.excess > 0
    ]
    if not good:
        found.append("no named flag of this case is in force with an excess in a quantity of use")
    if len(good) < len(facts.flags):
        found.append(f"{len(facts.flags) - len(good)} of the named flags are not in force, or not of use")
    proposal = facts.proposal
    if proposal is None or proposal.evidence_sha256 is None:
        found.append("no evidence is frozen")
    elif proposal.actual_evidence_sha256 != proposal.evidence_sha256:
        found.append("the frozen evidence does not match its digest")
    return found


def _determined(facts: GateFacts, at: datetime) -> list[str]:
    determination = facts.determination
    if determination is None:
        return ["no determination is on record"]
    checks = (
        (determination.finding is Finding.FRAUDULENT, "the determination is not of fraud"),
        (determination.is_latest is True, "a later determination is on record"),
        (determination.by_user_id is not None, "nobody is on record as having determined it"),
        (determination.by_reviewer is True, "who determined it is not a reviewer"),
        (determination.has_reasons is True, "the determination has no reasons"),
        (determination.tenants_part is not None, "the tenant's part is not said"),
        (determination.at is not None and determination.at <= at, "the determination is not of before"),
    )
    return [sentence for holds, sentence in checks if not holds]


def _approved(facts: GateFacts, at: datetime) -> list[str]:
    proposal = facts.proposal
    if proposal is None:
        return ["no proposal is on record"]
    found = []
    if proposal.actual_sha256 != proposal.sha256:
        found.append("the proposal's bytes do not match its digest")
    if proposal.mode is not PlatformMode.ACT:
        found.append(f"the proposal was drawn up in mode {proposal.mode or 'unknown'}; only act restricts")
    if facts.mode_in_force is not PlatformMode.ACT:
        found.append(f"the mode in force is {facts.mode_in_force or 'unknown'}; only act restricts")
    now = facts.contract.versions if facts.contract else None
    if proposal.versions is None or now is None or dict(proposal.versions) != dict(now):
        found.append("the contract data or addresses are not those that were approved")
    approval = approval_in_force(facts)
    if approval is None:
        given = [one for one in facts.approvals if one.capacity is Capacity.APPROVER]
        found += [fault for one in given for fault in _approval_faults(one, facts)]
        if not given:
            found.append("no approver's approval is on record")
    elif approval.at is None or approval.at > at:
        found.append("the approval is not of before")
    return found


def _approval_faults(one: ApprovalFact, facts: GateFacts) -> list[str]:
    determined_by = facts.determination.by_user_id if facts.determination else None
    checks = (
        (one.at is not None, "the approval has no time"),
        (
            facts.proposal is not None and one.proposal_sha256 == facts.proposal.sha256,
            "the approval is of another version",
        ),
        (one.has_role is True, f"who approved is not {one.capacity} any more"),
        (one.took_part is False, "who approved took part in the case"),
        (
            determined_by is not None and one.by_user_id != determined_by,
            "who approved is not known to be another person than who determined",
        ),
        (one.edited_contract is False, "who approved lately edited the tenant's addresses or terms"),
    )
    return [sentence for holds, sentence in checks if not holds]


def _contract_gives_right(facts: GateFacts, _at: datetime) -> list[str]:
    contract = facts.contract
    if contract is None:
        return ["the contract position is not known"]
    checks = (
        (
            contract.right is Right.CLAUSE_2_4,
            "the governing document's right to suspend has not been read"
            if contract.right in (None, Right.NOT_READ)
            else "the governing document gives no right to suspend for fraudulent use",
        ),
        (contract.deployment_accepted is True, "the deployment is not one that the provider runs"),
        (contract.term_proven is True, "the term is not proven by a notice of provisioning"),
        (contract.term_running is True, "the term is not running"),
    )
    return [sentence for holds, sentence in checks if not holds]


def _notice_sent(facts: GateFacts, at: datetime) -> list[str]:
    notice = facts.notice
    if notice is None:
        return ["no notice was served"]
    approved = facts.proposal.plan_sha256 if facts.proposal else None
    language = facts.contract.language if facts.contract else None
    checks = (
        (notice.mode is PlatformMode.ACT, "the notice was only observed, not sent"),
        (notice.cancelled is False, "the notice was withdrawn"),
        (
            approved is not None and notice.plan_sha256 == approved,
            "the notice is not the one that was approved",
        ),
        (
            notice.language is not None and notice.language == language,
            "the notice is not known to be in the contract's language",
        ),
        (
            notice.dispatched_at is not None and notice.dispatched_at <= at,
            "no dispatch of a notice is on record",
        ),
        (
            notice.complete_at is not None and notice.complete_at <= at,
            "the contract's notice is not complete"
            if notice.complete_at is None
            else f"the contract lets the measure follow from {notice.complete_at:%Y-%m-%d %H:%M:%SZ} on",
        ),
    )
    return [sentence for holds, sentence in checks if not holds]


def _no_stop(facts: GateFacts, _at: datetime) -> list[str]:
    found = ["stops cannot be read"] if facts.stops is None else list(facts.stops)
    if facts.notice is not None:
        contradictions = facts.notice.contradictions
        found += ["contradictions cannot be read"] if contradictions is None else list(contradictions)
    return found


def _has_an_end(facts: GateFacts, _at: datetime) -> list[str]:
    proposal, contract = facts.proposal, facts.contract
    if proposal is None:
        return ["no measure is proposed"]
    found = []
    if proposal.duration is None or proposal.duration <= timedelta(0):
        found.append("the measure has no end")
    elif (
        contract is not None
        and contract.longest_measure is not None
        and proposal.duration > contract.longest_measure
    ):
        found.append("the measure would outlive the contract's longest duration")
    if proposal.review_after is None or proposal.review_after <= timedelta(0):
        found.append("the measure has no review date")
    return found


def _still_needed(facts: GateFacts, at: datetime) -> list[str]:
    found = []
    earliest = earliest_permitted(facts)
    if earliest is None:
        found.append("the earliest permitted moment is not known")
    elif at > earliest + facts.fresh:
        found.append(f"approval and notice are stale since {earliest + facts.fresh:%Y-%m-%d %H:%M:%SZ}")
    flagged = facts.newest_flag_end is not None and facts.newest_flag_end > at - FLAG_FRESH
    stated = facts.need_stated_at is not None and at - FLAG_FRESH < facts.need_stated_at <= at
    if not flagged and not stated:
        found.append(
            "no flag in the last 24 hours, and nobody has said again that it is needed "
            "(measures apply --needed-because)"
        )
    return found


def _fits(facts: GateFacts, _at: datetime) -> list[str]:
    proposal, contract = facts.proposal, facts.contract
    if proposal is None or proposal.kind is None or proposal.scope is None:
        return ["the measure's kind and scope are not known"]
    if not facts.flagged.directions or not facts.flagged.channels:
        return ["it is not known what traffic was flagged"]
    critical = contract.critical if contract else None
    return list(
        measure_misfits(
            proposal.kind,
            proposal.scope,
            facts.flagged,
            critical=critical is not False,
            counsel_consents=counsel_consents(facts),
        )
    )
