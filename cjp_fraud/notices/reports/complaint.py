"""Complaints (abuse feedback reports, RFC 5965, and their like): the recipient calls a message unwanted."""

from __future__ import annotations

import re
from email.message import Message
from typing import Final

from cjp_fraud.notices.reports import mime
from cjp_fraud.notices.reports.addresses import typed_address
from cjp_fraud.notices.reports.model import RecipientReport
from cjp_fraud.notices.reports.original import original_of, recipients_of_original

TYPES: Final = frozenset({"message/feedback-report"})
_SUBJECT = re.compile(
    r"complaint about|abuse report|spam report|feedback (?:loop|report)|email feedback|fbl report",
    re.IGNORECASE,
)


def is_complaint(message: Message) -> bool:
    """Whether a message is a complaint: by its part for machines, or by its subject and what it brings back."""
    if mime.part_of_type(message, TYPES) is not None:
        return True
    if str(message.get_param("report-type", "")).lower() == "feedback-report":
        return True
    brings_back = mime.part_of_type(message, mime.ORIGINALS) is not None
    return brings_back and _SUBJECT.search(mime.header(message, "Subject")) is not None


def recipients_of_complaint(message: Message) -> tuple[RecipientReport, ...]:
    """Return who complains: whom the report names, else to whom the returned message went."""
    part = mime.part_of_type(message, TYPES)
    named = _named(part) if part is not None else ()
    if not named:
        original = original_of(message, mime.words_of(message))
        named = recipients_of_original(original) if original is not None else ()
    return tuple(RecipientReport(address) for address in dict.fromkeys(named))


def envid_of_complaint(message: Message) -> str | None:
    """Return the envelope id that a complaint names."""
    part = mime.part_of_type(message, TYPES)
    return (
        next((value for name, value in _fields(part) if name == "original-envelope-id"), None)
        if part
        else None
    )


def _named(part: Message) -> tuple[str, ...]:
    values = [value for name, value in _fields(part) if name in ("original-rcpt-to", "removal-recipient")]
    return tuple(address for value in values if (address := typed_address(value)) is not None)


def _fields(part: Message) -> list[tuple[str, str]]:
    """Return the fields of a feedback report, of which one may stand several times."""
    if part.is_multipart():
        return [field for each in mime.parts_in(part) for field in mime.fields_of(each)]
    pairs = [line.partition(":") for line in mime.text_of(part).splitlines() if ":" in line]
    return [(name.strip().lower(), value.strip()) for name, _, value in pairs]
