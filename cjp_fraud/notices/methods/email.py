"""Serve a notice by email: one message for one recipient, handed to the mail server; the dialogue is kept."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from typing import TYPE_CHECKING

from cjp_fraud.clock import Clock, aware
from cjp_fraud.config import Settings
from cjp_fraud.errors import BadInputError
from cjp_fraud.notices.letter_words import wrapped
from cjp_fraud.notices.methods.interface import Composition, WrittenLetter
from cjp_fraud.notices.methods.smtp_dialogue import Envelope, MailServer, SmtpDelivery, submit
from cjp_fraud.notices.return_paths import ReturnPathKey
from cjp_fraud.notices.tables import NoticeAttempt, SmtpAttempt
from cjp_fraud.storage.base import new_id

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

# ASCII on the line, whatever the server offers.
_POLICY = SMTP.clone(cte_type="7bit")


def mail_server(settings: Settings) -> MailServer:
    """Return the mail server of the settings."""
    return MailServer(
        host=settings.smtp_host,
        port=settings.smtp_port,
        mail_from=settings.mail_from,
        sender_name=settings.provider_name,
        user=settings.smtp_user,
        password=settings.smtp_password.get_secret_value() if settings.smtp_password else None,
        starttls=settings.smtp_starttls,
        timeout_seconds=settings.smtp_timeout_seconds,
        recipient_domains=tuple(settings.smtp_recipient_domains),
    )


@dataclass(frozen=True, slots=True)
class EmailMethod:
    """The method ``email``: a plain letter to one recipient.

    Parameters
    ----------
    return_paths : key of the addresses that reports come back to; None: it composes, and serves nothing.
    """

    server: MailServer
    return_paths: ReturnPathKey | None = None

    def compose(self, letter: WrittenLetter) -> Composition:
        """Return the message: Message-ID and bytes.

        No header marks it as bulk, as a list's or as made by a machine, for persons decided it, and such
        marks make receivers hide it or answer differently (RFC 3834).
        """
        message = EmailMessage(policy=_POLICY)
        message["From"] = Address(self.server.sender_name, addr_spec=self.server.mail_from)
        message["To"] = Address(addr_spec=letter.address)
        message["Subject"] = letter.subject
        message["Date"] = format_datetime(aware(letter.dated))
        message["Message-ID"] = reference = f"<{letter.notice_id}@{self.server.domain}>"
        body = letter.body if letter.keep_lines else wrapped(letter.body)
        message.set_content(body, charset="utf-8", cte="quoted-printable")
        message["Content-Language"] = letter.language  # set_content clears every Content-* header
        return Composition(reference, message.as_bytes())

    def begin(self, session: Session, attempt: NoticeAttempt, address: str) -> Envelope:
        """Give the attempt a return path of its own that nobody can guess, and put it on record.

        Raises
        ------
        BadInputError
            If there is no key for return paths.
        """
        if self.return_paths is None:
            raise BadInputError(
                "no key for return paths was given: what comes back could not be told from forgeries"
            )
        local_part = self.return_paths.issue(attempt.id, attempt.started_at)
        smtp = SmtpAttempt(
            attempt_id=attempt.id,
            envelope_from=f"{local_part}@{self.server.domain}".lower(),
            envid=new_id(),
            host=self.server.host,
            port=self.server.port,
        )
        session.add(smtp)
        session.flush()
        return Envelope(smtp.envelope_from, address, smtp.envid)

    def deliver(self, prepared: Envelope, content: Callable[[], bytes], clock: Clock) -> SmtpDelivery:
        """Hand the bytes to the mail server; they are asked for once it is ready for the content."""
        return submit(self.server, prepared, content, clock)

    def finish(self, session: Session, attempt: NoticeAttempt, delivered: SmtpDelivery) -> None:
        """Record the reply that decided."""
        session.get_one(SmtpAttempt, attempt.id).reply_code = delivered.reply_code
