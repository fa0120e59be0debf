"""The message of a notice: exact bytes, the same for every attempt."""

from __future__ import annotations

from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime

from cjp_fraud.clock import aware

# ASCII on the line, whatever the server offers.
_POLICY = SMTP.clone(cte_type="7bit")


def message_id_of(notice_id: str, domain: str) -> str:
    """Return the Message-ID of a notice: stable, so that a second copy is known as one."""
    return f"<{notice_id}@{domain}>"


def build_message(
    *,
    sender_name: str,
    sender: str,
    recipient: str,
    subject: str,
    body: str,
    language: str,
    message_id: str,
    at: datetime,
) -> bytes:
    """Return the bytes of a notice.

    A plain letter to one recipient: no header marks it as bulk, as a list's or as made by a machine,
    for persons decided it, and such marks make receivers hide it or answer differently (RFC 3834).

    Parameters
    ----------
    at : aware; the message's Date.
    """
    message = EmailMessage(policy=_POLICY)
    message["From"] = Address(sender_name, addr_spec=sender)
    message["To"] = Address(addr_spec=recipient)
    message["Subject"] = subject
    message["Date"] = format_datetime(aware(at))
    message["Message-ID"] = message_id
    message.set_content(body, charset="utf-8", cte="quoted-printable")
    message["Content-Language"] = language  # set_content clears every Content-* header
    return message.as_bytes()
