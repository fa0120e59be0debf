"""The gate before any measure: nine points, each known to hold, or it stays shut.

Pure: facts in, decision out. What is not known (None) does not hold. The same rules are asked at four
moments, each for what can be true by then: when a proposal is drawn up, when a
person approves it, before its notice is sent, and before its measure is taken.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from datetime import datetime, timedelta
from typing import Final

from cjp_fraud.config import PlatformMode
from cjp_fraud.contracts.contract_terms import asks_for_the_narrowest
from cjp_fraud.contracts.restriction import MeasureKind, Scope, consent_reasons
from cjp_fraud.review.grounds import Ground
from cjp_fraud.review.measure_candidates import why_wider_fault
from cjp_fraud.review.measure_fit import measure_misfits
from cjp_fraud.review.model import Capacity, Finding, Quantity
from cjp_fraud.suspension.chronology import Step, chronology_faults
from cjp_fraud.suspension.contract_gate import confirmation_faults, contract_faults
from cjp_fraud.suspension.emergency_gate import in_time_faults, order_faults
from cjp_fraud.suspension.model import ApprovalFact, GateFacts
from cjp_fraud.suspension.notice_gate import notice_faults, permitted_from, terms_faults, window_faults
from cjp_fraud.suspension.requirements import BEFORE_MEASURE, Basis, GateDecision, Obstacle, Requirement

FLAG_FRESH: Final = timedelta(hours=24)
"""How old the newest flag may be, or the statement that the measure is still needed."""


def check(
    facts: GateFacts, at: datetime, requirements: Collection[Requirement] = BEFORE_MEASURE
) -> GateDecision:
    """Return whether a case may go on at ``at``, with every reason why not.

    Parameters
    ----------
    facts : read in the transaction that records what follows.
    at : aware.
    requirements : what is asked; everything before a measure.
    """
    asked = {Requirement.RECORD} if facts.row_faults else requirements  # changed rows prove nothing else
    return GateDecision(
        tuple(
            Obstacle(requirement, sentence)
            for requirement, rule in _RULES.items()
            if requirement in asked
            for sentence in rule(facts, at)
        ),
        basis_of(facts),
    )


def basis_of(facts: GateFacts) -> Basis:
    """Return what the measure stands on: the approval that holds or, while there is none, an order in an emergency."""
    ordered = facts.emergency is not None and approval_in_force(facts) is None
    return Basis.EMERGENCY if ordered else Basis.APPROVAL


def approval_faults(approval: ApprovalFact, facts: GateFacts) -> list[str]:
    """Return why an approval does not count, whether it was given or is about to be; none: it counts."""
    determined_by = facts.determination.by_user_id if facts.determination else None
    who = approval.name or "who approved"
    role = "counsel" if approval.capacity is Capacity.COUNSEL else "an approver"
    checks = (
        (approval.at is not None, "the approval has no time"),
        (
            facts.proposal is not None and approval.proposal_sha256 == facts.proposal.sha256,
            "the approval is of another version of the proposal",
        ),
        (approval.has_role is True, f"{who} is not {role}"),
        (approval.took_part is False, f"{who} took part in the case"),
        (
            determined_by is not None and approval.by_user_id != determined_by,
            "it is not known who determined the fraud; another person must approve"
            if determined_by is None
            else f"{who} determined the fraud; another person must approve",
        ),
        (
            approval.edited_contract is False,
            f"{who} edited the tenant's addresses or terms in the last 30 days",
        ),
        (approval.too_new is not None, f"it is not known since when {who} may approve"),
        *((False, sentence) for sentence in approval.too_new or ()),
    )
    moments = {
        Step.DETERMINED: facts.determination.at if facts.determination else None,
        Step.DRAWN_UP: facts.proposal.drawn_at if facts.proposal else None,
        Step.APPROVED: approval.at,
    }
    return [sentence for holds, sentence in checks if not holds] + list(chronology_faults(moments))


def approval_in_force(facts: GateFacts) -> ApprovalFact | None:
    """Return the approver's approval that holds in every respect; None: there is none."""
    return next(
        (
            approval
            for approval in facts.approvals
            if approval.capacity is Capacity.APPROVER and not approval_faults(approval, facts)
        ),
        None,
    )


def counsel_consents(facts: GateFacts) -> bool:
    """Whether counsel approved this very version, by a person other than the approver."""
    approver = approval_in_force(facts)
    return any(
        approval.capacity is Capacity.COUNSEL
        and not approval_faults(approval, facts)
        and (approver is None or approval.by_user_id != approver.by_user_id)
        for approval in facts.approvals
    )


def earliest_permitted(facts: GateFacts) -> datetime | None:
    """Return the first moment at which approval and notice both allowed the measure; None: not yet known."""
    released_at = _released(facts)[1]
    permitted_at = permitted_from(facts, released_at)
    if released_at is None or permitted_at is None:
        return None
    return max(released_at, permitted_at)


def _record(facts: GateFacts, _at: datetime) -> list[str]:
    if facts.row_faults is None:
        return ["what is on record was not compared with the audit log"]
    return list(facts.row_faults)


def _flags(facts: GateFacts, _at: datetime) -> list[str]:
    faults = []
    if any(flag.as_frozen is not True for flag in facts.flags):
        faults.append("a named flag is not as it stood when the evidence was frozen; it was changed since")
    usable = [
        flag
        for flag in facts.flags
        if flag.of_this_case is True
        and flag.in_force is True
        and flag.quantity in set(Quantity)
        and flag.excess is not None
        and flag.excess > 0
    ]
    if not usable:
        faults.append("no named flag of this case is in force with an excess in a quantity of use")
    if len(usable) < len(facts.flags):
        faults.append(f"{len(facts.flags) - len(usable)} of the named flags are not in force, or not of use")
    return faults


def _evidence(facts: GateFacts, _at: datetime) -> list[str]:
    proposal = facts.proposal
    if proposal is None or proposal.evidence_sha256 is None:
        return ["no evidence is frozen"]
    if proposal.actual_evidence_sha256 != proposal.evidence_sha256:
        return ["the frozen evidence does not match its digest in the proposal"]
    return []


def _determination(facts: GateFacts, at: datetime) -> list[str]:
    determination = facts.determination
    if determination is None:
        return ["no determination is on record"]
    checks = (
        (determination.finding is Finding.FRAUDULENT, "the determination is not of fraud"),
        (determination.is_latest is True, "a later determination is on record"),
        (determination.by_user_id is not None, "nobody is on record as having determined it"),
        (determination.by_reviewer is True, "who determined it is not a reviewer"),
        (determination.has_reasons is True, "the determination has no reasons"),
        (bool(determination.grounds), "the determination names no ground of the catalogue"),
        (
            set(determination.grounds or ()) <= set(Ground),
            "the determination names a ground that is not in the catalogue",
        ),
        (determination.tenants_part is not None, "the tenant's part is not said"),
        (determination.at is not None, "the determination has no time"),
        (
            determination.at is None or determination.at <= at,
            "the determination is dated in the future",
        ),
    )
    return [sentence for holds, sentence in checks if not holds]


def _proposal(facts: GateFacts, _at: datetime) -> list[str]:
    proposal = facts.proposal
    if proposal is None:
        return ["no proposal is on record"]
    faults = []
    if proposal.drawn_at is None:
        faults.append("it is not known when the proposal was drawn up")
    if proposal.actual_sha256 != proposal.sha256:
        faults.append("the proposal's bytes do not match its digest; it was changed after it was drawn up")
    versions = facts.contract.versions if facts.contract else None
    if proposal.versions is None or versions is None or dict(proposal.versions) != dict(versions):
        faults.append(
            "the contract data or addresses are not those of the proposal; it must be determined again"
        )
    return faults


def _mode(facts: GateFacts, _at: datetime) -> list[str]:
    faults = []
    proposal = facts.proposal
    if proposal is not None and proposal.mode is not PlatformMode.ACT:
        faults.append(f"the proposal was drawn up in mode {proposal.mode or 'unknown'}; only act restricts")
    if facts.mode_in_force is not PlatformMode.ACT:
        faults.append(f"the mode in force is {facts.mode_in_force or 'unknown'}; only act restricts")
    return faults


def _approval(facts: GateFacts, at: datetime) -> list[str]:
    approval = approval_in_force(facts)
    if approval is not None:
        dated_later = approval.at is None or approval.at > at
        return ["the approval is dated in the future"] if dated_later else []
    if facts.emergency is not None:
        return order_faults(facts.emergency, facts)
    given = [approval for approval in facts.approvals if approval.capacity is Capacity.APPROVER]
    if not given:
        return ["no approver's approval is on record"]
    return [fault for approval in given for fault in approval_faults(approval, facts)]


def _in_time(facts: GateFacts, at: datetime) -> list[str]:
    if facts.emergency is None or basis_of(facts) is not Basis.EMERGENCY:
        return []
    return in_time_faults(facts.emergency, at)


def _contract(facts: GateFacts, _at: datetime) -> list[str]:
    return contract_faults(facts)


def _confirmation(facts: GateFacts, _at: datetime) -> list[str]:
    return confirmation_faults(facts)


def _terms(facts: GateFacts, _at: datetime) -> list[str]:
    return terms_faults(facts)


def _notice(facts: GateFacts, at: datetime) -> list[str]:
    return notice_faults(facts, at, *_released(facts))


def _window(facts: GateFacts, at: datetime) -> list[str]:
    return window_faults(facts, at)


def _released(facts: GateFacts) -> tuple[Step, datetime | None]:
    """Return the step that lets notice and measure go, and when it was; None: it was not yet."""
    approval = approval_in_force(facts)
    if approval is None and facts.emergency is not None:
        return Step.EMERGENCY, facts.emergency.at
    return Step.APPROVED, approval.at if approval is not None else None


def _stops(facts: GateFacts, _at: datetime) -> list[str]:
    faults = ["stops cannot be read"] if facts.stops is None else list(facts.stops)
    if facts.notice is not None:
        contradictions = facts.notice.contradictions
        faults += ["contradictions cannot be read"] if contradictions is None else list(contradictions)
    return faults


def _end(facts: GateFacts, _at: datetime) -> list[str]:
    proposal, contract = facts.proposal, facts.contract
    if proposal is None:
        return ["no measure is proposed"]
    faults = []
    longest = contract.longest_measure if contract is not None else None
    if proposal.duration is None or proposal.duration <= timedelta(0):
        faults.append("the measure has no end")
    elif longest is not None and proposal.duration > longest:
        faults.append("the measure would outlive the contract's longest duration")
    if proposal.review_after is None or proposal.review_after <= timedelta(0):
        faults.append("the measure has no review date")
    return faults


def _stated_end(facts: GateFacts, at: datetime) -> list[str]:
    """The end that a notice states binds the measure that it announces; one that is kept has a letter of its own."""
    notice = facts.notice
    if notice is None or notice.dispatched_at is None:
        return []
    if notice.states_end_at is None:
        return ["the notice that was sent states no end of the measure"]
    if notice.states_end_at <= at:
        return [
            f"the end that the notice states ({notice.states_end_at:%Y-%m-%d %H:%M:%SZ}) has passed; "
            "withdraw the case and determine it again"
        ]
    return []


def _need(facts: GateFacts, at: datetime) -> list[str]:
    faults = []
    earliest = earliest_permitted(facts)
    if earliest is None:
        faults.append("the earliest permitted moment is not known")
    elif at > earliest + facts.fresh:
        faults.append(f"approval and notice are stale since {earliest + facts.fresh:%Y-%m-%d %H:%M:%SZ}")
    flagged = facts.newest_flag_end is not None and facts.newest_flag_end > at - FLAG_FRESH
    stated = facts.need_stated_at is not None and at - FLAG_FRESH < facts.need_stated_at <= at
    if not flagged and not stated:
        faults.append(
            "no flag in the last 24 hours, and nobody has said again that it is needed "
            "(measures apply --needed-because)"
        )
    return faults


def _fit(facts: GateFacts, _at: datetime) -> list[str]:
    proposal = facts.proposal
    if proposal is None or proposal.kind is None or proposal.scope is None:
        return ["the measure's kind and scope are not known"]
    if not facts.flagged.streams:
        return ["it is not known what traffic was flagged"]
    return [
        *measure_misfits(proposal.kind, proposal.scope, facts.flagged),
        *_wider_than_needed(facts, proposal.kind, proposal.scope),
    ]


def _wider_than_needed(facts: GateFacts, kind: MeasureKind, scope: Scope) -> list[str]:
    """A measure that is wider than needed needs the reason on record."""
    determination = facts.determination
    contract = facts.contract
    terms, home = (contract.terms, contract.country) if contract is not None else (None, None)
    if determination is not None and determination.says_why_wider is True:
        return []
    fault = why_wider_fault(kind, scope, facts.flagged, duty=asks_for_the_narrowest(terms), home=home)
    return [f"{fault}, and nobody said why {kind} is needed"] if fault else []


def _consent(facts: GateFacts, _at: datetime) -> list[str]:
    proposal, contract = facts.proposal, facts.contract
    if proposal is None or proposal.kind is None or proposal.scope is None or counsel_consents(facts):
        return []
    reasons = consent_reasons(
        proposal.kind,
        proposal.scope,
        critical=contract is None or contract.critical is not False,
        former_address_erased=contract is None or contract.former_address_erased is not False,
    )
    return list(reasons)


_RULES: Final[Mapping[Requirement, Callable[[GateFacts, datetime], list[str]]]] = {
    Requirement.RECORD: _record,
    Requirement.FLAGS: _flags,
    Requirement.EVIDENCE: _evidence,
    Requirement.DETERMINATION: _determination,
    Requirement.PROPOSAL: _proposal,
    Requirement.MODE: _mode,
    Requirement.APPROVAL: _approval,
    Requirement.IN_TIME: _in_time,
    Requirement.CONTRACT: _contract,
    Requirement.CONFIRMATION: _confirmation,
    Requirement.TERMS: _terms,
    Requirement.NOTICE: _notice,
    Requirement.WINDOW: _window,
    Requirement.STOPS: _stops,
    Requirement.END: _end,
    Requirement.STATED_END: _stated_end,
    Requirement.NEED: _need,
    Requirement.FIT: _fit,
    Requirement.CONSENT: _consent,
}
