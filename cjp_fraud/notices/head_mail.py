"""Mail a signed head to somebody outside, through the mail server that serves the notices."""

from __future__ import annotations

from typing import Final

from cjp_fraud.audit.head_keys import PublicKey
from cjp_fraud.audit.signed_head import SignedHead
from cjp_fraud.clock import StandingClock
from cjp_fraud.contracts.methods import require_email_address
from cjp_fraud.notices.methods.email import EmailMethod
from cjp_fraud.notices.methods.interface import Composition, WrittenLetter
from cjp_fraud.notices.methods.mail_server import MailServer
from cjp_fraud.notices.methods.smtp_dialogue import submit
from cjp_fraud.notices.methods.smtp_envelope import Envelope
from cjp_fraud.notices.model import Outcome

_TEXT: Final = """\
This is the signed head of the audit log of {provider}. Please keep this message.
{simulated}
Entry {sequence} of the log has the digest
  {entry_sha256}
It was recorded at {recorded_at} and signed at {signed_at}.

Whoever writes the log anew cannot change this message. To compare it with the log:
  cjp-fraud audit verify --expect-head {entry_sha256}

The signed head, as it lies in the second place under the name {name}:
{content}
The public key that verifies it (its id is {key_id}):
{pem}"""

_SIMULATED: Final = "\nSIMULATED CLOCK: it is the head of a trial, and proves nothing that really happened.\n"


def head_message(server: MailServer, to: str, signed: SignedHead, key: PublicKey) -> Composition:
    """Write the message: the head as a sentence, its file, and the public key.

    Raises
    ------
    BadInputError
        If ``to`` is no address.
    """
    head = signed.head
    body = _TEXT.format(
        provider=server.sender_name,
        simulated=_SIMULATED if head.simulated_clock else "",
        sequence=head.sequence,
        entry_sha256=head.entry_sha256,
        recorded_at=f"{head.recorded_at:%Y-%m-%d %H:%M:%SZ}",
        signed_at=f"{head.signed_at:%Y-%m-%d %H:%M:%SZ}",
        name=signed.name,
        content=signed.content.decode(),
        key_id=key.key_id,
        pem=key.pem.decode(),
    )
    letter = WrittenLetter(
        notice_id=signed.name.removesuffix(".json"),
        address=require_email_address(to),
        language="en",
        subject=f"Signed head of the audit log: entry {head.sequence}, {head.signed_at:%Y-%m-%d %H:%M}Z",
        body=body,
        dated=head.signed_at,
        keep_lines=True,
    )
    return EmailMethod(server).compose(letter)


def mail_head(server: MailServer, to: str, signed: SignedHead, key: PublicKey) -> str | None:
    """Mail a head; return why it could not be handed over, or None where the server took it.

    Raises
    ------
    BadInputError
        If ``to`` is no address.
    """
    message = head_message(server, to, signed, key)
    envelope = Envelope(server.mail_from, to, envid=None)
    delivery = submit(server, envelope, lambda: message.content, StandingClock(signed.head.signed_at))
    if delivery.outcome is Outcome.SENT:
        return None
    return f"the signed head was not mailed to {to} by {server.host} port {server.port}: {_why(delivery.evidence)}"


def _why(dialogue: str) -> str:
    """Return the line of a dialogue that says what went wrong: our own remark, or the server's refusal."""
    said = [line.partition(" ")[2] for line in dialogue.splitlines()]
    faults = [line for line in said if line.startswith(("--", "S: 4", "S: 5"))]
    return (faults or said)[-1].partition(" ")[2]
