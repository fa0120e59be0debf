"""Whom a bounce in words is about: addresses by the place at which they stand, and what is said of each."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

from cjp_fraud.notices.reports.addresses import ADDRESS, addresses_in

_ROLES: Final = frozenset(
    [
        "postmaster",
        "mailer-daemon",
        "maildaemon",
        "mail-daemon",
        "hostmaster",
        "support",
        "abuse",
        "help",
        "helpdesk",
        "info",
        "noreply",
        "no-reply",
        "admin",
        "administrator",
        "webmaster",
        "root",
        "sysadmin",
    ]
)


class Place(IntEnum):
    """Where an address stands, from the least to the most telling."""

    ANYWHERE = 0
    REPLY = 1
    NAMED = 2
    HEADS_A_LINE = 3


@dataclass(frozen=True, slots=True)
class _Mention:
    address: str
    line: int
    place: Place


_HEADS = re.compile(r"^[\s>*\-•・\"'(\[<|]{0,24}(?:\d{1,3}[.)]\s+)?$")
_NAMED = re.compile(
    r"(?:\brcpt to|\brecipients?|\baddress(?:es|ee)?|\bto|\bfor|\buser(?: ?id)?|\bmailbox|\bwith|\brcpt"
    r"|\baccount|\ban|\bà|\bpara"
    r"|\ba|\bdestinataire|\bempf[äa]nger|\bdestinatario|宛先|宛"
    r"|アドレス)\s{0,4}(?:address)?(?:\(s\))?\s{0,4}[:=\-]{0,2}\s{0,4}[<\"'(\[「]{0,3}$"
    r"|[a-z]\s?[:：]\s{0,8}[<\"'(\[]{0,3}$",
    re.IGNORECASE,
)
_NOT_HIM = re.compile(
    r"(?:\bfrom|\bsender|\bmail from|\bsent by|\bby|\bcontact|\bmailto|\benvelope-from|\bgenerated from"
    r"|\breply-to|\be-?mail us at"
    r"|\breturn-path|\bposter|差出人|送信者)\s{0,4}(?:address)?\s{0,4}[:=]?\s{0,4}[<\"'(\[]{0,3}$",
    re.IGNORECASE,
)
_SENT_BY = re.compile(r"(?:\bfrom|\bsender|\bsent by)\W*$", re.IGNORECASE)
_REPLIED_TO = re.compile(r"^\W{0,12}[45]\d\d[ \-](?:[45]\.\d{1,3}\.\d{1,3} )?\W{0,3}$")
_REPLY = re.compile(r"^\W{0,12}(?:[45]\d\d[ \-]|.{0,80}[:\s][45]\d\d[ \-])")


def recipients_in(words: str, *, senders: Collection[str]) -> tuple[str, ...]:
    """Return the addresses that a bounce is about, as they stand, each once.

    Those at the most telling place win: at the head of a line, named as recipient, in a server's reply, anywhere.
    Whoever sent the message, and servers' own mailboxes, count only where nobody else is named.

    Parameters
    ----------
    senders : lower case; who wrote the message, and who reports.
    """
    lines = words.split("\n")
    mentions = [
        each for number, line in enumerate(lines) for each in _mentions(number, line, _before(lines, number))
    ]
    others = [each for each in mentions if not _is_of_the_sender(each.address, senders)]
    chosen = others or [each for each in mentions if each.place > Place.REPLY]
    if not chosen:
        return ()
    best = max(each.place for each in chosen)
    found = {each.address.lower(): each.address for each in reversed(chosen) if each.place == best}
    return tuple(reversed(found.values()))


def said_of(words: str, address: str, all_recipients: Collection[str]) -> tuple[str, str]:
    """Return the lines that name an address, and those from where it heads a line to the next recipient.

    The second is empty where it heads none.
    """
    lines = words.split("\n")
    wanted = address.lower()
    naming, block, inside = [], [], False
    answered = False
    for line in lines:
        lower = line.lower()
        if wanted in lower or (answered and line.lstrip(" >").startswith("<<<")):
            naming.append(line)
        answered = wanted in lower and "rcpt to" in lower
        head = _head_of(line)
        if head is not None and head.lower() in {each.lower() for each in all_recipients}:
            inside = head.lower() == wanted
        if inside:
            block.append(line)
    return "\n".join(naming), "\n".join(block)


def _mentions(number: int, line: str, before: str) -> list[_Mention]:
    found = []
    for match in ADDRESS.finditer(line):
        address = next(addresses_in(match[0]), match[0])
        ahead = line[: match.start()]
        if _NOT_HIM.search(ahead[-60:]) or (not ahead.strip() and _SENT_BY.search(before)):
            continue
        if line[match.end() : match.end() + 1] == "/" or "://" in ahead[-80:].rpartition(" ")[2]:
            continue
        found.append(_Mention(address, number, _place(line, ahead)))
    return found


def _place(line: str, ahead: str) -> Place:
    if _HEADS.match(ahead):
        return Place.HEADS_A_LINE
    if _NAMED.search(ahead[-60:]) or _REPLIED_TO.match(ahead):
        return Place.NAMED
    return Place.REPLY if _REPLY.match(line) else Place.ANYWHERE


def _head_of(line: str) -> str | None:
    match = ADDRESS.search(line)
    if match is None or not _HEADS.match(line[: match.start()]):
        return None
    return next(addresses_in(match[0]), match[0])


def _before(lines: list[str], number: int) -> str:
    """Return the line above, past blank ones."""
    return next(
        (lines[place] for place in range(number - 1, max(number - 4, -1), -1) if lines[place].strip()), ""
    )


def _is_of_the_sender(address: str, senders: Collection[str]) -> bool:
    lower = address.lower()
    return lower in senders or lower.partition("@")[0] in _ROLES
