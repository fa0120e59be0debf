"""Signed heads: what the newest entry of the log was at a moment, signed, so that it can be kept in a second place.

The chain shows that no entry was changed unless all that follow were written anew. A head that was signed before
and lies elsewhere shows that they were not. This module is the rule; keys are in :mod:`cjp_fraud.audit.head_keys`,
the second place in :mod:`cjp_fraud.audit.head_store`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Final, Literal, Protocol

from pydantic import Field

from cjp_fraud.clock import aware
from cjp_fraud.digests import canonical_json, sha256_hex
from cjp_fraud.documents import UtcMoment, from_document, to_document
from cjp_fraud.errors import BadInputError

_Digest = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
_NAME: Final = re.compile(r"head-(\d{12,})-\d{8}T\d{12}Z-[0-9a-f]{16}\.json")


@dataclass(frozen=True, slots=True)
class Head:
    """What is signed.

    Parameters
    ----------
    sequence, entry_sha256, recorded_at : number, digest and time of recording of the log's newest entry.
    signed_at : when it was signed, by the home's clock.
    simulated_clock : whether that clock is simulated: the head proves a trial.
    key_id : SHA-256 of the public key.
    """

    format: Literal["cjp-fraud-signed-head-1"]
    sequence: Annotated[int, Field(ge=1)]
    entry_sha256: _Digest
    recorded_at: UtcMoment
    signed_at: UtcMoment
    simulated_clock: bool
    key_id: _Digest


@dataclass(frozen=True, slots=True)
class SignedHead:
    """A head with the Ed25519 signature of its canonical JSON, as hex digits."""

    head: Head
    signature: Annotated[str, Field(pattern="^[0-9a-f]{128}$")]

    @property
    def content(self) -> bytes:
        """The bytes of its file: canonical JSON and a line's end."""
        return canonical_json(to_document(self)) + b"\n"

    @property
    def name(self) -> str:
        """The name of its file: sorted by entry, then by time; a digest of the content makes it the file's own."""
        head = self.head
        signed = aware(head.signed_at).strftime("%Y%m%dT%H%M%S%fZ")
        return f"head-{head.sequence:012d}-{signed}-{sha256_hex(self.content)[:16]}.json"


class Signer(Protocol):
    """A private key."""

    @property
    def key_id(self) -> str: ...

    def sign(self, content: bytes) -> bytes: ...


class Verifier(Protocol):
    """A public key."""

    @property
    def key_id(self) -> str: ...

    def fits(self, signature: bytes, content: bytes) -> bool: ...


def sign_head(
    key: Signer,
    sequence: int,
    entry_sha256: str,
    recorded_at: datetime,
    signed_at: datetime,
    *,
    simulated_clock: bool,
) -> SignedHead:
    """Sign an entry of the log as its newest."""
    head = Head(
        "cjp-fraud-signed-head-1",
        sequence,
        entry_sha256,
        aware(recorded_at),
        aware(signed_at),
        simulated_clock,
        key.key_id,
    )
    return SignedHead(head, key.sign(_signed_bytes(head)).hex())


def is_head_name(name: str) -> bool:
    """Whether a file's name is one that :attr:`SignedHead.name` gives."""
    return _NAME.fullmatch(name) is not None


def read_signed_head(content: bytes) -> SignedHead:
    """Read a signed head; whether its signature fits is asked of :func:`signature_fault`.

    Raises
    ------
    BadInputError
        If it is none.
    """
    try:
        document = json.loads(content)
    except (ValueError, RecursionError):
        raise BadInputError("it is no signed head: not JSON") from None
    return from_document(SignedHead, document)


def signature_fault(signed: SignedHead, keys: Iterable[Verifier]) -> str | None:
    """Return why a head is not signed by one of ``keys``, or None if it is."""
    trusted = {key.key_id: key for key in keys}
    key = trusted.get(signed.head.key_id)
    if key is None:
        known = " or ".join(f"{key_id[:16]}…" for key_id in trusted) or "none"
        return (
            f"is signed with key {signed.head.key_id[:16]}…, and the key that counts is {known}: the key was "
            "replaced, or the head is another home's"
        )
    if not key.fits(bytes.fromhex(signed.signature), _signed_bytes(signed.head)):
        return "its signature does not fit: it was changed after it was signed"
    return None


def head_faults(heads: Iterable[SignedHead], entries: Mapping[int, str], count: int) -> list[str]:
    """Return how a chain contradicts heads that were signed of it: at most one sentence of each kind.

    Parameters
    ----------
    heads : whose signatures fit.
    entries : number → digest of the chain's entries, at least of those that the heads name.
    count : length of the chain.
    """
    ordered = sorted((signed.head for signed in heads), key=lambda head: (head.sequence, head.signed_at))
    other = [
        head for head in ordered if head.sequence <= count and entries.get(head.sequence) != head.entry_sha256
    ]
    beyond = [head for head in ordered if head.sequence > count]
    faults = []
    if other:
        first = other[0]
        more = f" ({len(other) - 1} later heads contradict it too)" if len(other) > 1 else ""
        faults.append(
            f"entry {first.sequence} has the digest {entries.get(first.sequence)}, but the head signed on "
            f"{_stamp(first)} says {first.entry_sha256}{more}: the log was written anew since"
        )
    if beyond:
        last = beyond[-1]
        faults.append(
            f"the log ends with entry {count}, but a head signed on {_stamp(last)} is of entry "
            f"{last.sequence}: entries were removed at its end"
        )
    return faults


def newest(heads: Iterable[SignedHead]) -> SignedHead | None:
    """Return the head of the latest entry, of several the one signed last; None: there is none."""
    return max(heads, key=lambda signed: (signed.head.sequence, signed.head.signed_at), default=None)


def _signed_bytes(head: Head) -> bytes:
    return canonical_json(to_document(head))


def _stamp(head: Head) -> str:
    return f"{head.signed_at:%Y-%m-%d %H:%M:%SZ}"
