"""Read receipts (message disposition notifications, RFC 8098): what became of a message in the recipient's program."""

from __future__ import annotations

import re
from email.message import Message
from typing import Final

from cjp_fraud.notices.reports import mime
from cjp_fraud.notices.reports.addresses import original_address, typed_address
from cjp_fraud.notices.reports.delivery_status import Group, groups_of
from cjp_fraud.notices.reports.model import RecipientReport

TYPES: Final = frozenset({"message/disposition-notification", "message/global-disposition-notification"})

_DISPOSITION = re.compile(r"(?:.*;)?\s*([A-Za-z-]+)")


def receipt_part(message: Message) -> Message | None:
    """Return the part that says for machines what became of it; None: there is none."""
    return mime.part_of_type(message, TYPES)


def recipient_of_receipt(part: Message) -> tuple[RecipientReport, ...]:
    """Return who reports, and the disposition type (``displayed``, ``deleted`` ...) as the action.

    A modifier (``displayed/error``) makes it a disposition of another kind, and stays in it.
    """
    fields = _fields(part)
    original = original_address(fields.get("original-recipient", ""))
    final = typed_address(fields.get("final-recipient", ""))
    action = _action(fields.get("disposition", ""))
    if final is None and original is None and action is None:
        return ()
    return (RecipientReport(final or original, action, None, original),)


def message_id_of_receipt(part: Message) -> frozenset[str]:
    """Return the id of the message that it is about."""
    return frozenset(re.findall(r"<[^<>\s]{3,250}>", _fields(part).get("original-message-id", "")))


def _action(disposition: str) -> str | None:
    match = _DISPOSITION.match(disposition)
    if match is None:
        return None
    modifier = disposition[match.end() :].strip().lower()
    return f"{match[1].lower()}{modifier}" if modifier.startswith("/") else match[1].lower()


def _fields(part: Message) -> Group:
    return {name: value for group in reversed(groups_of(part)) for name, value in group.items()}
