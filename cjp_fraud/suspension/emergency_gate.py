"""When one reviewer may restrict at once, before a second person has approved, and for how long; a pure rule.

The contract must say, as counsel has read it, that a measure on these grounds needs no prior notice, and the measure
must be the narrowest that meets what was seen. It ends by itself unless it is approved in time.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from cjp_fraud.review.measure_fit import narrower_kinds
from cjp_fraud.suspension.chronology import Step, chronology_faults
from cjp_fraud.suspension.model import EmergencyFact, GateFacts

APPROVED_WITHIN: Final = timedelta(minutes=30)
"""How long a measure stands on the order of one reviewer."""

ANOTHER_ORDERS_WITHIN: Final = timedelta(hours=24)
"""How long, after an emergency measure that nobody approved, its reviewer orders no other one of the same tenant."""


MOST_UNAPPROVED: Final = 2
"""How many emergency measures of a tenant may end within 24 hours without that anybody approved them."""


@dataclass(frozen=True, slots=True)
class UnapprovedOrder:
    """An emergency order that nobody approved.

    Parameters
    ----------
    at : when it was given, aware.
    by_same_person : whether who would order now gave it.
    """

    case_number: int
    at: datetime
    by_same_person: bool

    @property
    def ended_at(self) -> datetime:
        """When its measure ended by itself."""
        return self.at + APPROVED_WITHIN


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


def repeated_order_faults(
    by: str,
    unapproved: Sequence[UnapprovedOrder],
    *,
    newest_flag_from: datetime | None,
    approved_since: bool,
    at: datetime,
) -> tuple[str, ...]:
    """Return why somebody may not order in an emergency after orders that nobody approved; none: they may.

    Parameters
    ----------
    by : name of who would order.
    unapproved : the tenant's orders that nobody approved, oldest first; at least one.
    newest_flag_from : when the newest span begins that a flag of the finding was judged over; None: no finding stands.
    approved_since : whether an approver has approved a proposal of the tenant since the newest of these ended.
    at : moment of the order, aware.
    """
    last = unapproved[-1]
    lately = [order for order in unapproved if at < order.ended_at + ANOTHER_ORDERS_WITHIN]
    faults = [
        f"{by} ordered the emergency measure of case {order.case_number}, which nobody approved by "
        f"{order.ended_at:%Y-%m-%d %H:%M:%SZ}; until {order.ended_at + ANOTHER_ORDERS_WITHIN:%Y-%m-%d %H:%M:%SZ} "
        "another reviewer must order the tenant's next one, or somebody who took no part approves the proposal"
        for order in lately
        if order.by_same_person
    ]
    if approved_since:
        return tuple(faults)
    if newest_flag_from is None or newest_flag_from < last.ended_at:
        faults.append(
            f"nobody approved the emergency measure of case {last.case_number}, which ended at "
            f"{last.ended_at:%Y-%m-%d %H:%M:%SZ}; the tenant's next one needs a flag of traffic after that, or "
            "somebody who took no part approves the proposal"
        )
    if len(lately) >= MOST_UNAPPROVED:
        faults.append(
            f"nobody approved {len(lately)} emergency measures of the tenant that ended in the last 24 hours; "
            "somebody who took no part must approve the proposal"
        )
    return tuple(faults)


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
