"""Mail to people of the staff, through the server that takes the letters; the caller has it on record before."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from cjp_fraud.clock import StandingClock
from cjp_fraud.deployment import Deployment
from cjp_fraud.errors import CjpFraudError
from cjp_fraud.notices.methods.email import EmailMethod
from cjp_fraud.notices.methods.interface import WrittenLetter
from cjp_fraud.notices.methods.mail_server import mail_server
from cjp_fraud.notices.methods.smtp_dialogue import submit
from cjp_fraud.notices.methods.smtp_envelope import Envelope
from cjp_fraud.notices.model import Outcome


@dataclass(frozen=True, slots=True)
class StaffMail:
    """A mail to somebody of the staff; it holds nothing of a customer's.

    Parameters
    ----------
    id : of what it is about; the same one gives the same Message-ID, by which a second copy is known.
    dated : aware; the mail's date.
    """

    id: str
    address: str
    language: str
    subject: str
    body: str
    dated: datetime


def send_to_staff(deployment: Deployment, now: datetime, mail: StaffMail) -> str | None:
    """Hand a mail to the mail server of the settings; return what failed, None: it was taken."""
    try:
        server = mail_server(deployment.settings)
        letter = WrittenLetter(
            notice_id=mail.id,
            address=mail.address,
            language=mail.language,
            subject=mail.subject,
            body=mail.body,
            dated=mail.dated,
            keep_lines=True,
        )
        message = EmailMethod(server).compose(letter)
        envelope = Envelope(server.mail_from, mail.address, envid=None)
        delivery = submit(server, envelope, lambda: message.content, StandingClock(now))
    except CjpFraudError as error:
        return str(error)
    return None if delivery.outcome is Outcome.SENT else f"not taken by {server.host} port {server.port}"


def queue_link(deployment: Deployment, path: str) -> str | None:
    """Return where a page of the queue is, as ``/cases/17``; None: the settings do not say where the queue is."""
    root = deployment.settings.queue_url
    return f"{root}{path}" if root is not None else None
