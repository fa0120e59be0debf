"""The message that a report brings back: as a part of its own, or below a line in the text."""

from __future__ import annotations

import re
from email import message_from_string
from email.message import Message
from typing import Final

from cjp_fraud.notices.reports import mime
from cjp_fraud.notices.reports.addresses import addresses_in, header_addresses
from cjp_fraud.notices.reports.status_codes import code_in, says_it_failed

_FIELD = re.compile(r"([A-Za-z][A-Za-z0-9-]{1,40})\s?:(?:\s|[^/\s]|$)")
_KNOWN: Final = frozenset(
    [
        "received",
        "return-path",
        "delivered-to",
        "from",
        "to",
        "cc",
        "subject",
        "date",
        "message-id",
        "mime-version",
        "content-type",
        "reply-to",
        "sender",
        "dkim-signature",
        "x-mailer",
        "content-transfer-encoding",
        "domainkey-signature",
        "x-received",
        "precedence",
        "errors-to",
        "authentication-results",
        "arc-seal",
        "user-agent",
        "references",
        "in-reply-to",
        "x-originating-ip",
    ]
)
_TRACE: Final = frozenset(
    {
        "received",
        "message-id",
        "return-path",
        "mime-version",
        "date",
        "dkim-signature",
        "x-received",
        "arc-seal",
    }
)
_WRITTEN_BY_SERVERS: Final = frozenset(
    {"received", "message-id", "return-path", "x-received", "dkim-signature"}
)
_TRANSPORT: Final = ("X-Original-To", "Delivered-To", "X-Rcpt-To", "Envelope-To")
_FEWEST_FIELDS: Final = 3
_MARK = re.compile(
    r"^\W{0,40}(?:original message(?: text| follows| headers?)?|below this line is|(?:this|included"
    r"|enclosed) is a copy of"
    r"|(?:the )?headers? of the original|message headers? follow|unsent message follows|returned message"
    r"|copy of (?:your|the) (?:original )?message|the (?:text of the )?original message (?:follows|is"
    r"|was)? ?(?:included|attached)?)\W*"
    r"(?:below|follows|here|the message|your message|the message header|included)?\W*$",
    re.IGNORECASE,
)
_DAEMON = re.compile(r"mailer-?daemon|postmaster|mail delivery|delivery subsystem", re.IGNORECASE)


def original_of(message: Message, words: str) -> Message | None:
    """Return the headers of the message that is brought back; None: there are none.

    Parameters
    ----------
    words : the report's text; where no part brings the message back, its headers may stand there.
    """
    for part in message.walk():
        if part.get_content_type() not in mime.ORIGINALS:
            continue
        inside = mime.parts_in(part)
        if inside:
            return inside[0]
        return message_from_string(mime.text_of(part).lstrip("\n"))
    _, below = without_original(words)
    return message_from_string(below) if below else None


def without_original(text: str) -> tuple[str, str]:
    """Return what a report says itself, and the message that it brings back below; the latter may be empty.

    A message begins with a block of its header fields, or after a line that says that it follows. The block of a
    report that somebody forwarded is passed over, for what it says stands below it.
    """
    lines = text.split("\n")
    marked = next((number for number, line in enumerate(lines) if number and _MARK.match(line.strip())), None)
    for number in range(len(lines)):
        if (marked is not None and number > marked) or not _FIELD.match(lines[number]):
            continue
        if number and _FIELD.match(lines[number - 1]):
            continue  # inside a block that was looked at already
        block = _block(lines, number)
        names = {match[1].lower() for line in block if (match := _FIELD.match(line))}
        if len(names & _KNOWN) < _FEWEST_FIELDS or not names & _TRACE:
            continue
        above = "\n".join(lines[:number])
        if not names & _WRITTEN_BY_SERVERS and not (says_it_failed(above) or code_in(above)):
            continue  # a copy of the report's own headers, before what it says
        if any(line.lower().startswith("from:") and _DAEMON.search(line) for line in block):
            continue
        return "\n".join(lines[:number]), "\n".join(lines[number:])
    if marked is not None:
        return "\n".join(lines[:marked]), "\n".join(lines[marked + 1 :]).lstrip("\n")
    return text, ""


def recipients_of_original(original: Message) -> tuple[str, ...]:
    """Return to whom the returned message was sent, by the nearest that is named."""
    written = tuple(dict.fromkeys(header_addresses(mime.values(original, "To"))))
    for name in ("X-HmXmrOriginalRecipient", *(() if len(written) == 1 else _TRANSPORT)):
        if found := header_addresses(mime.values(original, name)):
            return tuple(dict.fromkeys(found))
    if written:
        return written
    for line in mime.values(original, "Received"):
        tail = re.search(r"\bfor\s+(<[^>]{3,320}>|\S{3,320})", line)
        if tail and (address := next(addresses_in(tail[1]), None)):
            return (address,)
    return ()


def message_ids(original: Message | None, *names: str) -> frozenset[str]:
    """Return the message ids in these headers, ``Message-ID`` by default."""
    if original is None:
        return frozenset()
    texts = mime.values(original, *(names or ("Message-ID",)))
    return frozenset(match for text in texts for match in re.findall(r"<[^<>\s]{3,250}>", text))


def _block(lines: list[str], start: int) -> list[str]:
    """Return the header block that begins at a line: fields and what is folded below them."""
    end = start + 1
    while end < len(lines) and lines[end].strip() and (lines[end][:1] in " \t" or _FIELD.match(lines[end])):
        end += 1
    return lines[start:end]
