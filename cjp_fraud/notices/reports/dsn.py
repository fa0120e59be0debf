"""Read a delivery report (RFC 3464): what it says, and of which attempt; decides nothing."""

from __future__ import annotations

import email
from collections.abc import Iterator
from dataclasses import dataclass
from email.message import Message
from email.policy import compat32
from email.utils import getaddresses
from typing import Final

from cjp_fraud.contracts.delivery_status import DeliveryStatus
from cjp_fraud.notices.methods.email import from_xtext

_RECIPIENT_HEADERS: Final = ("To", "Delivered-To", "X-Original-To", "Envelope-To")

_MEANINGS: Final = {
    "failed": (DeliveryStatus.ATTEMPTED, True),
    "delayed": (DeliveryStatus.ATTEMPTED, False),
    "relayed": (DeliveryStatus.RELAYED, False),
    "expanded": (DeliveryStatus.RELAYED, False),  # not terminal: failed or delayed may follow
    "delivered": (DeliveryStatus.DELIVERED, False),
}
"""Actions of RFC 3464, section 2.3.3; any other is no delivery report to us."""


@dataclass(frozen=True, slots=True)
class DeliveryReport:
    """One report.

    Parameters
    ----------
    sent_to : addresses that it was sent to, lower case: one of them is the return path of an attempt.
    envid : Original-Envelope-Id; None where the report names none.
    original_recipients : addresses that it says were written to, lower case; may be empty.
    status, negative : the least favourable of what it says, where it speaks of several recipients.
    """

    sent_to: frozenset[str]
    envid: str | None
    original_recipients: frozenset[str]
    status: DeliveryStatus
    negative: bool


def read_report(content: bytes) -> DeliveryReport | None:
    """Return what a message reports, or None where it is no delivery report that we understand."""
    message = email.message_from_bytes(content, policy=compat32)
    groups = list(_groups(message))
    actions = [str(group["Action"]).strip().lower() for group in groups if group["Action"] is not None]
    if not actions or any(action not in _MEANINGS for action in actions):
        return None
    worst = min((_MEANINGS[action] for action in actions), key=lambda it: (not it[1], it[0].place))
    envids = [str(group["Original-Envelope-Id"]).strip() for group in groups if group["Original-Envelope-Id"]]
    headers = [str(value) for name in _RECIPIENT_HEADERS for value in message.get_all(name, [])]
    originals = [str(group["Original-Recipient"]) for group in groups if group["Original-Recipient"]]
    return DeliveryReport(
        sent_to=frozenset(address.lower() for _, address in getaddresses(headers) if address),
        envid=envids[0] if envids else None,
        original_recipients=frozenset(
            from_xtext(text.partition(";")[2].strip()).strip("<>").lower() for text in originals
        ),
        status=worst[0],
        negative=worst[1],
    )


def _groups(message: Message) -> Iterator[Message]:
    """Yield the groups of fields: one of the message, then one a recipient."""
    if message.get_content_type() != "multipart/report":
        return
    for part in message.walk():
        if part.get_content_type() != "message/delivery-status":
            continue
        payload = part.get_payload()
        if isinstance(payload, list):
            yield from (group for group in payload if isinstance(group, Message))
        return
