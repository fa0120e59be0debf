"""When one reviewer may restrict at once, before a second person has approved, and for how long; a pure rule.

The contract must say, as counsel has read it, that a measure on these grounds needs no prior notice, and the measure
must be the narrowest that meets what was seen. It ends by itself unless it is approved in time.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from cjp_fraud.review.measure_fit import narrower_kinds
from cjp_fraud.suspension.chronology import Step, chronology_faults
from cjp_fraud.suspension.model import EmergencyFact, GateFacts

APPROVED_WITHIN: Final = timedelta(minutes=30)
"""How long a measure stands on the order of one reviewer."""

ANOTHER_ORDERS_WITHIN: Final = timedelta(hours=24)
"""How long, after an emergency measure that nobody approved, its reviewer orders no other one of the same tenant."""


def order_faults(order: EmergencyFact, facts: GateFacts) -> list[str]:
    """Return why an emergency order does not count, whether it was given or is about to be; none: it counts."""
    proposal, determination = facts.proposal, facts.determination
    who = order.name or "who ordered it"
    checks = (
        (order.by_user_id is not None, "nobody is on record as having ordered the emergency measure"),
        (order.at is not None, "the emergency order has no time"),
        (
            proposal is not None and order.proposal_sha256 == proposal.sha256,
            "the emergency order is of another version of the proposal",
        ),
        (order.by_reviewer is True, f"{who} is not a reviewer"),
        (order.has_reasons is True, "the emergency order does not say why it could not wait"),
        (
            emergency_ground(facts) is not None,
            "counsel has marked no ground without prior notice under which all grounds of the determination fall",
        ),
    )
    moments = {
        Step.DETERMINED: determination.at if determination is not None else None,
        Step.DRAWN_UP: proposal.drawn_at if proposal is not None else None,
        Step.EMERGENCY: order.at,
    }
    return [
        *(sentence for holds, sentence in checks if not holds),
        *_narrower(facts),
        *chronology_faults(moments),
    ]


def in_time_faults(order: EmergencyFact, at: datetime) -> list[str]:
    """Return why a measure does not stand on an emergency order at ``at`` (aware); none: it does."""
    if order.at is None:
        return ["it is not known when the emergency order was given"]
    if at < order.at:
        return ["the emergency order is dated in the future"]
    if at >= order.at + APPROVED_WITHIN:
        return [
            f"nobody approved the emergency measure by {order.at + APPROVED_WITHIN:%Y-%m-%d %H:%M:%SZ}; "
            "it ends by itself"
        ]
    return []


def repeat_fault(by: str, case_number: int, ordered_at: datetime) -> str:
    """Say why somebody may not order in an emergency again: nobody approved what they had ordered at ``ordered_at``."""
    ended = ordered_at + APPROVED_WITHIN
    again = ended + ANOTHER_ORDERS_WITHIN
    return (
        f"{by} ordered the emergency measure of case {case_number}, which nobody approved by "
        f"{ended:%Y-%m-%d %H:%M:%SZ}; until {again:%Y-%m-%d %H:%M:%SZ} another reviewer must order the tenant's next "
        "one, or somebody who took no part approves the proposal"
    )


def emergency_ground(facts: GateFacts) -> str | None:
    """Return counsel's ground under which all grounds of the determination fall; None: there is none."""
    terms = facts.contract.terms if facts.contract is not None else None
    grounds = facts.determination.grounds if facts.determination is not None else None
    marked = terms.ground_without_notice(grounds) if terms is not None and grounds else None
    return marked.ground if marked is not None else None


def _narrower(facts: GateFacts) -> list[str]:
    """Return that a narrower measure could meet what was seen: one person alone takes no wider one."""
    proposal = facts.proposal
    if proposal is None or proposal.kind is None or proposal.scope is None:
        return []
    narrower = narrower_kinds(proposal.kind, proposal.scope, facts.flagged)
    if not narrower:
        return []
    return [
        f"in an emergency one reviewer takes the narrowest measure alone, and {', '.join(narrower)} could meet what "
        "was seen"
    ]
