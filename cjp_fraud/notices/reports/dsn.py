"""Delivery status notifications (RFC 3464): what one says, and of which attempt; decides nothing."""

from __future__ import annotations

import email
import re
from collections.abc import Iterator
from email.message import Message
from email.policy import compat32
from email.utils import getaddresses
from typing import Final

from cjp_fraud.contracts.model import DeliveryStatus
from cjp_fraud.notices.model import DeliveryReport

_RECIPIENT_HEADERS: Final = ("To", "Delivered-To", "X-Original-To", "Envelope-To")

_MEANINGS: Final = {
    "failed": (DeliveryStatus.ATTEMPTED, True),
    "delayed": (DeliveryStatus.ATTEMPTED, False),
    "relayed": (DeliveryStatus.RELAYED, False),
    "expanded": (DeliveryStatus.RELAYED, False),  # not terminal: failed or delayed may follow
    "delivered": (DeliveryStatus.DELIVERED, False),
}
"""Actions of RFC 3464, section 2.3.3; any other is no delivery report to us."""


def read_dsn(content: bytes) -> DeliveryReport | None:
    """Return what a message reports, or None where it is no delivery status notification that we understand."""
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


def xtext(text: str) -> str:
    """Return ``text`` in the encoding of RFC 3461, section 4: +XX for what is not plain."""
    return "".join(
        character if "!" <= character <= "~" and character not in "+=" else f"+{ord(character):02X}"
        for character in text
    )


def from_xtext(text: str) -> str:
    """Return what :func:`xtext` encoded."""
    return re.sub(r"\+([0-9A-F]{2})", lambda match: chr(int(match[1], 16)), text)


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
