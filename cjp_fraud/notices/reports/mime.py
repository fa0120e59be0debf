"""A message's headers, parts and texts, whatever its encodings say; nothing here raises on broken mail."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from email.errors import MessageError
from email.header import decode_header, make_header
from email.message import Message
from email.utils import parsedate_to_datetime
from html import unescape
from typing import Final

LONGEST_TEXT: Final = 128 * 1024
"""How much of a text is read, characters: what a server has to say stands at its beginning."""

LONGEST_HEADER: Final = 1000
"""How much of a header is searched for words, characters."""

ORIGINALS: Final = frozenset(
    {"message/rfc822", "text/rfc822-headers", "message/global", "message/global-headers", "message/partial"}
)
"""Types of the parts that bring a message back (RFC 3462, 6533)."""

_RECIPIENT_HEADERS: Final = ("To", "Delivered-To", "X-Original-To", "Envelope-To")
_BREAK = re.compile(r"(?i)<\s*(?:br|/p|/div|/tr|/li|/h\d|/td)\b[^>]{0,200}>")
_UNSHOWN: Final = ("style", "script", "head")
_TAG = re.compile(r"<[a-zA-Z/!][^<>]{0,2000}>")


def header(message: Message, name: str) -> str:
    """Return the beginning of a header's text, decoded and on one line; empty: it is not there."""
    return next((decoded(value[:LONGEST_HEADER]) for value in values(message, name)), "")


def values(message: Message, *names: str) -> list[str]:
    """Return all headers of these names, in the order of the names, as they stand, each on one line."""
    fields = fields_of(message)
    return [text for name in names for field, text in fields if field == name.lower()]


def fields_of(message: Message) -> list[tuple[str, str]]:
    """Return a message's header fields: names in lower case, values on one line, bytes beyond ASCII read as UTF-8."""
    return [
        (name.lower(), re.sub(r"\s*[\r\n]+\s*", " ", _unescaped(str(value))).strip())
        for name, value in message.raw_items()
    ]


def _unescaped(text: str) -> str:
    """Return a text of the parser with the bytes beyond ASCII that it hides read as UTF-8."""
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def decoded(text: str) -> str:
    """Return a header's value with its encoded words decoded (RFC 2047) where they can be."""
    if "=?" not in text:
        return text
    try:
        return storable(str(make_header(decode_header(text))))
    except (MessageError, LookupError, UnicodeError, ValueError):
        return text


def sent_to(message: Message) -> list[str]:
    """Return the headers that name to whom it was sent."""
    return values(message, *_RECIPIENT_HEADERS)


def date_of(message: Message) -> datetime | None:
    """Return the moment of its ``Date``, aware, UTC; None: it has none that can be read."""
    for text in values(message, "Date"):
        with suppress(ValueError, OverflowError, TypeError):
            at = parsedate_to_datetime(text)
            return (at if at.tzinfo is not None else at.replace(tzinfo=UTC)).astimezone(UTC)
    return None


def own_parts(message: Message) -> Iterator[Message]:
    """Yield the parts of a message, itself included, without those inside a message that it brings back."""
    waiting = [message]
    while waiting:
        part = waiting.pop()
        yield part
        if part.get_content_maintype() == "multipart":
            waiting += reversed(parts_in(part))


def parts_in(part: Message) -> list[Message]:
    """Return the parts directly inside a part; of one that is a text, none."""
    payload = part.get_payload() if part.is_multipart() else []
    return [each for each in payload if isinstance(each, Message)] if isinstance(payload, list) else []


def part_of_type(message: Message, types: Iterable[str]) -> Message | None:
    """Return the first part of one of these types, outside a message that it brings back."""
    return next(parts_of_type(message, types), None)


def parts_of_type(message: Message, types: Iterable[str]) -> Iterator[Message]:
    """Yield the parts of these types, outside a message that it brings back."""
    wanted = frozenset(types)
    return (part for part in own_parts(message) if part.get_content_type() in wanted)


def words_of(message: Message) -> str:
    """Return what a message says to its reader: its texts, without the message that it brings back.

    HTML counts only where there is no plain text.
    """
    plain, html = [], []
    for part in own_parts(message):
        kind = part.get_content_type()
        if part.is_multipart():
            continue
        if kind == "text/html":
            html.append(shown_text(text_of(part)))
        elif kind == "text/plain" or part.get_content_maintype() == "multipart":  # its boundary is never used
            plain.append(text_of(part))
    return next(
        (
            text
            for text in ("\n".join(plain), "\n".join(html), _unescaped(str(message.preamble or "")))
            if text.strip()
        ),
        "",
    )


def text_of(part: Message) -> str:
    """Return a part's text in the charset that it names, or in the one that fits."""
    payload = part.get_payload(decode=True)
    content = payload[: 4 * LONGEST_TEXT] if isinstance(payload, bytes) else b""
    return decoded_bytes(content, part.get_param("charset")).replace("\r\n", "\n")[:LONGEST_TEXT]


def decoded_bytes(content: bytes, charset: object) -> str:
    """Return bytes as text: in the named charset where that works, else ISO-2022-JP, UTF-8, or Latin 1."""
    tries = [charset] if isinstance(charset, str) else []
    if b"\x1b$" in content:
        tries.append("iso-2022-jp")
    for name in [*tries, "utf-8"]:
        try:
            return storable(content.decode(name.strip("'\" ")))
        except (LookupError, UnicodeError, ValueError):
            continue
    return content.decode("latin-1")


def storable(text: str) -> str:
    """Return a text that can be written as UTF-8: some charsets (UTF-7) can name halves of characters."""
    return text.encode("utf-8", "replace").decode("utf-8")


def shown_text(html: str) -> str:
    """Return the text of HTML, a block a line; not for display, only to be searched."""
    for element in _UNSHOWN:
        html = _without(html, element)
    return unescape(_TAG.sub("", _BREAK.sub("\n", html)))


def _without(html: str, element: str) -> str:
    """Return HTML without what stands in an element; without the rest where it is never closed."""
    lower, kept, place = html.lower(), [], 0
    while (begin := lower.find(f"<{element}", place)) >= 0:
        kept.append(html[place:begin])
        end = lower.find(f"</{element}", begin)
        if end < 0:
            return "".join(kept)
        place = end
    return "".join([*kept, html[place:]])
