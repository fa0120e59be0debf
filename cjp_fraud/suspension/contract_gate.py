"""What the gate asks of the contract: the right, the term, and that somebody confirmed what a feed changed; pure."""

from __future__ import annotations

from cjp_fraud.contracts.model import Right
from cjp_fraud.suspension.model import GateFacts


def contract_faults(facts: GateFacts) -> list[str]:
    """Return what is missing of the right to restrict, of the deployment and of the term; none: nothing."""
    contract = facts.contract
    if contract is None:
        return ["the contract position is not known"]
    unread = contract.right in (None, Right.NOT_READ)
    checks = (
        (
            contract.right is Right.CLAUSE_2_4,
            "the governing document's right to suspend has not been read"
            if unread
            else "the governing document gives no right to suspend for fraudulent use",
        ),
        (
            contract.deployment_accepted is True,
            contract.deployment_fault or "the deployment is not one that the provider runs",
        ),
        (contract.governing_faults is not None, "it is not known which document governs"),
        (contract.term_faults is not None, "it is not known whether the term is proven"),
        (contract.term_faults != () or contract.term_running is True, "the term is not running"),
    )
    return [
        *(sentence for holds, sentence in checks if not holds),
        *(contract.governing_faults or ()),
        *(contract.term_faults or ()),
    ]


def confirmation_faults(facts: GateFacts) -> list[str]:
    """Return what is missing of the confirmation of an edit by a feed; none: nothing.

    Counsel confirms it, or an approver who neither took part in the case nor approved in it.
    """
    contract = facts.contract
    feed = contract.feed if contract is not None else None
    if feed is None:
        return ["it is not known whether a feed changed the contract data"]
    if feed.feed is None:
        return []
    determined_by = facts.determination.by_user_id if facts.determination is not None else None
    decided = {determined_by, *(approval.by_user_id for approval in facts.approvals), *feed.took_part}
    if feed.confirmed_by - decided:
        return []
    return [
        f"the feed {feed.feed} changed the contract data, and neither counsel nor a second approver, somebody who "
        "neither took part in the case nor approved in it, has confirmed it since (tenants confirm)"
    ]
