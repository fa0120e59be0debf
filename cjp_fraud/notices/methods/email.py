"""Serve a notice by email: one message for one recipient, handed to the mail server; the dialogue is kept."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from typing import TYPE_CHECKING

from sqlalchemy import select

from cjp_fraud.clock import Clock, aware
from cjp_fraud.errors import BadInputError
from cjp_fraud.notices.letter_words import wrapped
from cjp_fraud.notices.methods.dkim_signing import PublicKeyRecord
from cjp_fraud.notices.methods.interface import Composition, WrittenLetter
from cjp_fraud.notices.methods.mail_server import MailServer
from cjp_fraud.notices.methods.smtp_dialogue import SmtpDelivery, submit
from cjp_fraud.notices.methods.smtp_envelope import Envelope
from cjp_fraud.notices.page_links import PageLinks
from cjp_fraud.notices.page_words import page_named
from cjp_fraud.notices.return_paths import ReturnPathKey
from cjp_fraud.notices.tables import NoticeAttempt, SmtpAttempt
from cjp_fraud.storage.base import new_id

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

# ASCII on the line, whatever the server offers.
_POLICY = SMTP.clone(cte_type="7bit")


@dataclass(frozen=True, slots=True)
class EmailMethod:
    """The method ``email``: a plain letter to one recipient.

    Parameters
    ----------
    return_paths : key of the addresses that reports come back to; None: it composes, and serves nothing.
    pages : how the links to notice pages are written that letters carry; None: they carry none.
    """

    server: MailServer
    return_paths: ReturnPathKey | None = None
    pages: PageLinks | None = None

    def compose(self, letter: WrittenLetter) -> Composition:
        """Return the message: Message-ID and bytes, signed where the mail server's settings have a key.

        No header marks it as bulk, as a list's or as made by a machine, for persons decided it, and such
        marks make receivers hide it or answer differently (RFC 3834).
        """
        message = EmailMessage(policy=_POLICY)
        message["From"] = Address(self.server.sender_name, addr_spec=self.server.mail_from)
        message["To"] = Address(addr_spec=letter.address)
        message["Subject"] = letter.subject
        message["Date"] = format_datetime(aware(letter.dated))
        message["Message-ID"] = reference = f"<{letter.notice_id}@{self.server.domain}>"
        message.set_content(self._body(letter), charset="utf-8", cte="quoted-printable")
        message["Content-Language"] = letter.language  # set_content clears every Content-* header
        signing, written = self.server.signing, message.as_bytes()
        return Composition(reference, signing.sign(written, letter.dated) if signing is not None else written)

    def _body(self, letter: WrittenLetter) -> str:
        """Return the letter's text as its lines are broken, with the link to its page at its end where it has one."""
        body = letter.body if letter.keep_lines else wrapped(letter.body)
        if self.pages is None:
            return body
        link = self.pages.link(letter.notice_id, letter.dated)
        return f"{body.rstrip()}\n\n{wrapped(page_named(letter.language))}\n\n{link}\n"

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
        key = self._public_key(session, attempt)
        local_part = self.return_paths.issue(attempt.id, attempt.started_at)
        smtp = SmtpAttempt(
            attempt_id=attempt.id,
            envelope_from=f"{local_part}@{self.server.domain}".lower(),
            envid=new_id(),
            host=self.server.host,
            port=self.server.port,
            dkim_name=key.name if key is not None else None,
            dkim_record=key.text if key is not None else None,
        )
        session.add(smtp)
        session.flush()
        return Envelope(smtp.envelope_from, address, smtp.envid)

    def _public_key(self, session: Session, attempt: NoticeAttempt) -> PublicKeyRecord | None:
        """Return the key that the bytes are signed with: that of an earlier attempt with the same bytes, or ours."""
        before = session.execute(
            select(SmtpAttempt.dkim_name, SmtpAttempt.dkim_record)
            .join(NoticeAttempt, NoticeAttempt.id == SmtpAttempt.attempt_id)
            .where(
                NoticeAttempt.notice_id == attempt.notice_id,
                NoticeAttempt.message_sha256 == attempt.message_sha256,
            )
            .order_by(NoticeAttempt.number)
        ).first()
        if before is not None:
            name, text = before
            return PublicKeyRecord(name, text) if name is not None and text is not None else None
        return self.server.signing.record if self.server.signing is not None else None

    def deliver(self, prepared: Envelope, content: Callable[[], bytes], clock: Clock) -> SmtpDelivery:
        """Hand the bytes to the mail server; they are asked for once it is ready for the content."""
        return submit(self.server, prepared, content, clock)

    def finish(self, session: Session, attempt: NoticeAttempt, delivered: SmtpDelivery) -> None:
        """Record the reply that decided, who gave it, and how the connection was protected."""
        smtp = session.get_one(SmtpAttempt, attempt.id)
        smtp.reply_code = delivered.reply_code
        smtp.queue_id = delivered.queue_id
        smtp.server_name = delivered.server_name
        smtp.server_address = delivered.server_address
        smtp.reports_offered = delivered.reports_offered
        if delivered.tls is not None:
            smtp.tls_version = delivered.tls.version
            smtp.tls_cipher = delivered.tls.cipher
            smtp.certificate_sha256 = delivered.tls.certificate_sha256
            smtp.certificate_verified = delivered.tls.verified
