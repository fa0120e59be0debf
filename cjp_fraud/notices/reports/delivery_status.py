"""Delivery status notifications (RFC 3464) and their international form (RFC 6533): what one says, field by field."""

from __future__ import annotations

import binascii
import quopri
import re
from base64 import b64decode
from collections.abc import Iterator, Mapping
from email.message import Message
from typing import Final

from cjp_fraud.notices.reports import mime
from cjp_fraud.notices.reports.addresses import original_address, typed_address
from cjp_fraud.notices.reports.model import DELAYED, FAILED, RecipientReport
from cjp_fraud.notices.reports.status_codes import NOT_KNOWN_NEARER, code_in, status_of_field

TYPES: Final = frozenset({"message/delivery-status", "message/global-delivery-status"})

_FIELD = re.compile(r"([A-Za-z][A-Za-z0-9-]{1,40})\s?:[ \t]*(.*)")
_BEGIN_A_RECIPIENT: Final = frozenset({"final-recipient", "original-recipient", "action"})
_WORD = re.compile(r"[A-Za-z][A-Za-z-]*")
_COMMENT = re.compile(r"\([^()]*\)")

Group = Mapping[str, str]
"""Fields of a group: name in lower case → value on one line."""


def status_parts(message: Message) -> tuple[Message, ...]:
    """Return the parts that say for machines what became of a message.

    A second one counts like the first, so that no failure in it goes unseen.
    """
    return tuple(mime.parts_of_type(message, TYPES))


def groups_of(*parts: Message) -> tuple[Group, ...]:
    """Return the groups of fields of status parts: of each, one of the message, then one a recipient."""
    return tuple(group for part in parts for group in groups_in(_text_of_fields(part)))


def recipients_of(groups: tuple[Group, ...]) -> tuple[RecipientReport, ...]:
    """Return what groups say of each recipient, as it stands."""
    return tuple(each for group in groups if (each := _recipient(group)) is not None)


def first_field(groups: tuple[Group, ...], name: str) -> str | None:
    """Return the first field of this (lower-case) name in any group."""
    return next((group[name] for group in groups if group.get(name)), None)


def groups_in(text: str) -> Iterator[Group]:
    """Yield the groups of fields in a text, parted by blank lines, or by a field that begins a recipient again."""
    group: dict[str, str] = {}
    last = None
    for line in text.splitlines():
        match = _FIELD.match(line)
        if match is None:
            if last is not None and line[:1] in (" ", "\t") and line.strip():
                group[last] = f"{group[last]} {line.strip()}".strip()
                continue
            last = None
            if group and not line.strip():
                yield group
                group = {}
            continue
        name = match[1].lower()
        if name in group and name in _BEGIN_A_RECIPIENT:
            yield group
            group = {}
        last = name if name not in group else None
        group.setdefault(name, match[2].strip())
    if group:
        yield group


def _recipient(group: Group) -> RecipientReport | None:
    original = original_address(group.get("original-recipient", ""))
    final = typed_address(group.get("final-recipient", "")) or typed_address(
        group.get("x-actual-recipient", "")
    )
    word = _action(group.get("action", ""))
    if final is None and original is None and word is None:
        return None
    status = (
        status_of_field(group.get("status", ""))
        or code_in(group.get("diagnostic-code", "").partition(";")[2])
        or code_in(group.get("diagnostic-code", ""))
        or NOT_KNOWN_NEARER.get(word or "")
    )
    return RecipientReport(final or original, word, status, original)


def _action(value: str) -> str | None:
    """Return the word of an ``Action`` field, in lower case; None: it holds none.

    Comments are left out. Where more stands beside a word that claims no failure, the whole value is the action: no
    word of the standard, so that it proves nothing.
    """
    said = " ".join(_COMMENT.sub(" ", value).lower().split())
    word = _WORD.search(said)
    if word is None:
        return None
    return word[0] if word[0] in (said, FAILED, DELAYED) else said[:100]


def _text_of_fields(part: Message) -> str:
    """Return the text of a status part; the parser has cut it into messages, each way of cutting in its own way."""
    if not part.is_multipart():
        return mime.text_of(part)
    text = "\n\n".join(_lines_of(piece) for piece in mime.parts_in(part))
    encoding = str(part.get("Content-Transfer-Encoding", "")).strip().lower()
    if encoding == "base64":
        try:
            return b64decode(re.sub(r"\s+", "", text), validate=True).decode("utf-8", "replace")
        except (binascii.Error, ValueError):
            return text
    if encoding == "quoted-printable":
        return quopri.decodestring(text.encode("utf-8", "replace")).decode("utf-8", "replace")
    return text


def _lines_of(piece: Message) -> str:
    fields = "\n".join(f"{name}: {value}" for name, value in mime.fields_of(piece))
    rest = piece.get_payload(decode=True)
    return (
        f"{fields}\n\n{rest.decode('utf-8', 'replace')}"
        if isinstance(rest, bytes) and rest.strip()
        else fields
    )
