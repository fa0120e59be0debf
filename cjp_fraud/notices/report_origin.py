"""Where a message that came back comes from: from our own mail server, or from the recipient's domain (DKIM)."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from email import message_from_bytes
from email.policy import compat32
from ipaddress import ip_address
from typing import Any, Final

from cjp_fraud.notices.reports import mime

TxtRecords = Callable[..., Any]
"""Looks up a TXT record, as dkimpy asks: name as bytes in, record as bytes out, or None."""

MOST_SIGNATURES: Final = 3
"""Signatures that are looked at; each costs a question to the name server."""

_FROM = re.compile(r"^from\s", re.IGNORECASE)
_BY = re.compile(r"\bby\s+([\w.-]+)", re.IGNORECASE)
_ADDRESS = re.compile(r"\[(?:IPv6:)?([0-9a-fA-F:.]+)\]")


def comes_from_own_server(content: bytes, reporting_mta: str | None, own: Collection[str]) -> bool:
    """Whether our own mail server made a report and nobody outside had it in hands.

    The server that files a message puts a ``Received`` line on top of whatever a sender wrote, and those of a sender
    cannot be removed from below it. So every line must be by a server of ours, and say either that it came from
    nowhere (made here) or from an address of ours.

    Parameters
    ----------
    own : names and IP addresses of our mail servers, as the settings name them; empty: none is trusted.
    """
    names = {name.lower() for name in own}
    if not names or reporting_mta not in names:
        return False
    lines = mime.values(message_from_bytes(content, policy=compat32), "Received")
    return bool(lines) and all(_is_own_hop(line, names) for line in lines)


def is_signed_by_domain_of(content: bytes, address: str, records: TxtRecords | None) -> bool:
    """Whether a valid DKIM signature (RFC 6376) is of the recipient's domain, or of one above or below it.

    A signature that leaves a part of the body unsigned (``l=``), or what kind of body it is (``Content-Type``), counts
    for nothing: anybody can write below it, or have it read as something else.

    Parameters
    ----------
    records : looks up TXT records; None: no name server is asked, and nothing is taken as signed.
    """
    domain = address.rpartition("@")[2].lower().rstrip(".")
    if records is None or not domain:
        return False
    signatures = mime.values(message_from_bytes(content, policy=compat32), "DKIM-Signature")
    return any(
        _is_aligned(_tags(value), domain) and _verifies(content, index, records)
        for index, value in enumerate(signatures[:MOST_SIGNATURES])
    )


def _is_own_hop(line: str, names: Collection[str]) -> bool:
    by = _BY.search(line)
    if by is None or by[1].lower() not in names:
        return False
    if not _FROM.match(line):
        return True
    # All of them: which one the server saw, and which one a sender only claimed (HELO), differs from server to server.
    addresses = _ADDRESS.findall(line[: by.start()])
    return bool(addresses) and all(_is_own_address(text, names) for text in addresses)


def _is_own_address(text: str, names: Collection[str]) -> bool:
    try:
        return ip_address(text).is_loopback or text.lower() in names
    except ValueError:
        return False


def _is_aligned(tags: dict[str, str], domain: str) -> bool:
    signer = tags.get("d", "").lower().rstrip(".")
    signed = tags.get("h", "").lower().split(":")
    if "l" in tags or "." not in signer or "content-type" not in signed:
        return False
    return signer == domain or domain.endswith(f".{signer}") or signer.endswith(f".{domain}")


def _verifies(content: bytes, index: int, records: TxtRecords) -> bool:
    import dkim  # inside: few messages need it, and it takes its time

    try:
        return bool(dkim.DKIM(content).verify(idx=index, dnsfunc=records))
    except Exception:  # dkimpy raises what its parsers and the name server raise; unverified is unverified
        return False


def _tags(value: str) -> dict[str, str]:
    pairs = [part.partition("=") for part in value.split(";") if "=" in part]
    return {name.strip().lower(): "".join(text.split()) for name, _, text in pairs}
