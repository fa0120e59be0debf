"""Rules of webhooks: which events there are, how a message is signed, when it is sent again, and where it may go.

Messages, headers and signatures are those of the Standard Webhooks specification (standardwebhooks.com, version 1).
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
import secrets
from collections.abc import Collection, Iterable, Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from ipaddress import ip_address
from typing import Final
from urllib.parse import urlsplit

from cjp_fraud.clock import aware
from cjp_fraud.digests import canonical_json
from cjp_fraud.errors import BadInputError


class DeliveryState(StrEnum):
    """How far the sending of an event to one endpoint has come."""

    WAITING = "waiting"
    DELIVERED = "delivered"
    DEAD = "dead"


BACK_OFF: Final = tuple(
    timedelta(seconds=seconds) for seconds in (5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400)
)
"""How long after each failed attempt the next one follows (the specification's schedule); after the last: dead."""

MOST_ATTEMPTS: Final = len(BACK_OFF) + 1

TOLD_PREFIXES: Final = ("case", "measure", "dispute", "billing")
"""Beginnings of the actions of the audit log that are told as they are."""

_NOT_TOLD: Final = frozenset({"case.read", "case.principals_frozen", "measure.looked_at"})

_TOLD_TOO: Final[Mapping[str, tuple[str, ...]]] = {
    "case.suspending": ("measure.ordered",),
    "case.suspended": ("measure.in_force", "billing.stop"),
    "case.emergency_approved": ("measure.confirmed",),
    "case.not_suspended": ("measure.not_in_force",),
    "case.capped": ("measure.ordered",),
    "case.cap_in_force": ("measure.in_force", "billing.stop"),
    "case.cap_not_in_force": ("measure.not_in_force",),
    "case.cap_ended": ("measure.lapsed", "billing.resume"),
    "case.reinstated": ("measure.lifted", "billing.resume"),
    "case.lapsed": ("measure.lapsed", "billing.resume"),
    "case.lifting_failed": ("measure.lifting_failed", "billing.stop"),
    "measure.narrowed": ("billing.resume_in_part",),
    "dispute.opened": ("billing.hold",),
}
"""What an act on a case says of its measure and of charges, for those that listen to measures or billing alone: charges
of what is restricted stop and go on again, and those that are disputed are held."""

_AS_DECIDED: Final[Mapping[str, str]] = {
    "upheld": "billing.credit",
    "narrowed": "billing.credit_in_part",
    "rejected": "billing.release",
}
"""What becomes of held charges by how the dispute was decided."""

CREDIT_ASSESSED: Final = "billing.credit_assessed"
"""Somebody said what a wrongful measure's customer is credited: ``credit_cents`` in all, whatever was said before."""

_PATTERN: Final = re.compile(r"\*|[a-z_]+\.(\*|[a-z_]+)")
_SECRET_BYTES: Final = range(24, 65)


def event_types(action: str, content: Mapping[str, object]) -> tuple[str, ...]:
    """Return the types of the events that an entry of the audit log is told as; none: it is not told."""
    if action in _NOT_TOLD or action.partition(".")[0] not in TOLD_PREFIXES:
        return ()
    if action == "dispute.decided":
        return action, _AS_DECIDED[str(content["state"])]
    if action == "measure.assessed" and content.get("credit_cents") is not None:
        return action, CREDIT_ASSESSED
    mentions = ("case.mentioned",) if content.get("mentions") else ()
    return (action, *_TOLD_TOO.get(action, ()), *mentions)


def wants(patterns: Collection[str], event_type: str) -> bool:
    """Whether an endpoint with these patterns (``*``, ``measure.*``, ``case.approved``) is told of an event."""
    group = f"{event_type.partition('.')[0]}.*"
    return any(pattern in ("*", group, event_type) for pattern in patterns)


def checked_patterns(patterns: Iterable[str]) -> list[str]:
    """Return the patterns, each once and sorted.

    Raises
    ------
    BadInputError
        If there is none, or one is no pattern of events that are told.
    """
    chosen = sorted(set(patterns))
    if not chosen:
        raise BadInputError("say which events are sent: *, measure.*, case.approved, ...")
    for pattern in chosen:
        group = pattern.partition(".")[0]
        if not _PATTERN.fullmatch(pattern) or (pattern != "*" and group not in TOLD_PREFIXES):
            raise BadInputError(
                f"{pattern!r} names no events; write *, or one of {', '.join(TOLD_PREFIXES)} with .* or an event's name"
            )
    return chosen


def checked_url(url: str, *, this_machine_only: bool = False) -> str:
    """Return an address to which messages may be sent: https, or http on this machine.

    Parameters
    ----------
    this_machine_only : for a home whose clock is simulated.

    Raises
    ------
    BadInputError
        Says what is wrong with it.
    """
    try:
        parts = urlsplit(url)
        host, _port = parts.hostname or "", parts.port
    except ValueError:
        raise BadInputError(f"{url!r} is no web address") from None
    if not host or len(url) > 2_000 or not url.isascii() or not url.isprintable() or " " in url:
        raise BadInputError(f"{url!r} is no web address; write https://receiver.example/path")
    if parts.username is not None or parts.fragment:
        raise BadInputError("a webhook's address has neither a login nor a fragment")
    local = _is_this_machine(host)
    if parts.scheme != "https" and not (parts.scheme == "http" and local):
        raise BadInputError(f"{url!r} does not begin with https://; http is for this machine alone")
    if this_machine_only and not local:
        raise BadInputError(f"{url!r} leaves this machine, and this home's clock is simulated")
    return url


def new_secret() -> str:
    """Return a new signing secret, ``whsec_`` and 32 random bytes in base64."""
    return f"whsec_{base64.b64encode(secrets.token_bytes(32)).decode('ascii')}"


def signature(secret: str, message_id: str, sent_at: datetime, body: bytes) -> str:
    """Return ``v1,`` and the HMAC-SHA256 over ``id.timestamp.body`` in base64.

    Parameters
    ----------
    secret : ``whsec_`` and the key in base64.
    sent_at : moment of the attempt, aware; signed to the second.

    Raises
    ------
    BadInputError
        If the secret is none.
    """
    try:
        key = base64.b64decode(secret.removeprefix("whsec_"), validate=True)
    except binascii.Error:
        key = b""
    if not secret.startswith("whsec_") or len(key) not in _SECRET_BYTES:
        raise BadInputError("a signing secret is whsec_ and 24 to 64 bytes in base64")
    signed = b".".join((message_id.encode("ascii"), _seconds(sent_at).encode("ascii"), body))
    return f"v1,{base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode('ascii')}"


def headers_of(
    signing_secrets: Collection[str], message_id: str, sent_at: datetime, body: bytes
) -> dict[str, str]:
    """Return the headers of a message, signed by each secret that counts, so that a receiver may change its own."""
    return {
        "content-type": "application/json",
        "user-agent": "cjp-fraud-webhooks/1",
        "webhook-id": message_id,
        "webhook-timestamp": _seconds(sent_at),
        "webhook-signature": " ".join(signature(each, message_id, sent_at, body) for each in signing_secrets),
    }


def message_body(
    event_type: str,
    at: datetime,
    *,
    sequence: int,
    case_id: str | None,
    subject_type: str,
    subject_id: str,
    content: Mapping[str, object],
) -> bytes:
    """Return what is sent of an event: the same bytes at every attempt.

    It holds ids, states and digests, as the audit log's entry does, and no personal text; whoever may know more asks
    the API by them.
    """
    return canonical_json(
        {
            "type": event_type,
            "timestamp": aware(at),
            "data": {
                "sequence": sequence,
                "case_id": case_id,
                "subject_type": subject_type,
                "subject_id": subject_id,
                "content": content,
            },
        }
    )


def next_attempt(attempts: int, failed_at: datetime) -> datetime | None:
    """Return when an event is sent again after so many attempts, all failed; None: no more."""
    return failed_at + BACK_OFF[attempts - 1] if attempts < MOST_ATTEMPTS else None


def _seconds(at: datetime) -> str:
    return str(int(aware(at).timestamp()))


def _is_this_machine(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
