"""What a mail server replies: its lines, read strictly (RFC 5321, section 4.2), and the queue id in its last word."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

NOT_UNDERSTOOD: Final = -1
"""In the place of a code: what came is no reply."""

CLOSING: Final = 421
"""Code of a server that closes the line, which may come at any moment."""

LONGEST_LINE: Final = 8192
MOST_LINES: Final = 256

_REPLY_LINE: Final = re.compile(rb"([0-9]{3})(?:([ -])([^\r\n]*))?\r?\n", re.DOTALL)
_ENHANCED_CODE: Final = re.compile(r"[245]\.\d{1,3}\.\d{1,3}\s+")
_QUEUE_ID_LENGTH: Final = 255
_QUEUE_IDS: Final = (
    re.compile(
        r"queued (?:mail )?(?:for delivery )?as\s+(?:id[\s=:]+)?<?([^\s,;()<>]+)", re.IGNORECASE
    ),  # Postfix
    re.compile(r"\bqueued \(([^\s()]*\d[^\s()]*)\)", re.IGNORECASE),  # Haraka
    re.compile(r"\bInternalId=(\d+)", re.IGNORECASE),  # Exchange
    re.compile(r"\bid=([^\s,;()<>]+)", re.IGNORECASE),  # Exim
    re.compile(r"^(?:OK\s+)?(\S+) message accepted for delivery", re.IGNORECASE),  # Sendmail
    re.compile(r"^OK\s+(\d+ qp \d+)", re.IGNORECASE),  # qmail
    re.compile(r"^OK:?\s+(?:\d+\s+)?(\S+) - gsmtp", re.IGNORECASE),  # Google
    re.compile(r"^OK:?\s+<?([^\s,;()<>]*\d[^\s,;()<>]*)>?$", re.IGNORECASE),  # others: one word with a digit
)


@dataclass(frozen=True, slots=True)
class ReplyLine:
    """One line of a reply; ``more``: it says that another one follows."""

    code: int
    text: bytes
    more: bool


def reply_line(raw: bytes) -> ReplyLine:
    """Return what one line of the server says: three digits, a blank or ``-``, and text, or the digits alone."""
    match = _REPLY_LINE.fullmatch(raw)
    if match is None:
        return ReplyLine(NOT_UNDERSTOOD, raw.rstrip(b"\r\n"), more=False)
    return ReplyLine(int(match[1]), match[3] or b"", more=match[2] == b"-")


def queue_id(text: bytes) -> str | None:
    """Return the name under which the server keeps a message that it took, from its reply; None: it names none.

    The standard has no form for it; these are the forms of widespread servers. The reply itself stays in the dialogue.
    """
    said = _ENHANCED_CODE.sub("", text.decode("utf-8", "replace"), count=1).strip()
    for form in _QUEUE_IDS:
        if match := form.search(said):
            return match[1].rstrip(".")[:_QUEUE_ID_LENGTH]
    return None
