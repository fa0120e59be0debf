"""Hand a message to the mail server: the dialogue up to the reply that counts, of which only what is clear counts."""

from __future__ import annotations

import smtplib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from cjp_fraud.clock import Clock
from cjp_fraud.contracts.model import DeliveryStatus
from cjp_fraud.notices.methods.interface import Delivery
from cjp_fraud.notices.methods.mail_server import MailServer
from cjp_fraud.notices.methods.smtp_connection import GaveUpError, SmtpConnection, TlsFacts, Transcript
from cjp_fraud.notices.methods.smtp_envelope import Envelope
from cjp_fraud.notices.methods.smtp_replies import NOT_UNDERSTOOD, queue_id
from cjp_fraud.notices.model import Outcome

_OF_OUR_SETTINGS: Final = frozenset({530, 534, 535, 538})
"""Replies that ask for a login or for encryption (RFC 4954, RFC 3207): they say nothing of the recipient."""


@dataclass(frozen=True, slots=True)
class SmtpDelivery(Delivery):
    """How handing over to the mail server ended; the evidence is the dialogue, a time before every line.

    Parameters
    ----------
    reply_code : the reply that decided; None: none came.
    server_name : by which the server called itself; None: it did not.
    server_address : IP address and port that were reached; None: none was.
    tls : how the connection was encrypted; None: it was not.
    reports_offered : whether the server passes delivery reports on (RFC 3461); None: it did not come to that.
    queue_id : under which the server keeps the message; None: it took none, or named none.
    """

    reply_code: int | None
    server_name: str | None = None
    server_address: str | None = None
    tls: TlsFacts | None = None
    reports_offered: bool | None = None
    queue_id: str | None = None


def submit(mail: MailServer, envelope: Envelope, content: Callable[[], bytes], clock: Clock) -> SmtpDelivery:
    """Hand the exact bytes of a message to the mail server.

    Parameters
    ----------
    content : returns the message, CRLF lines, ASCII; sent as it is (dots are doubled on the line, RFC 5321 section
        4.5.2). Called once the server has answered DATA with 354; what it raises ends the dialogue, and nothing leaves.
    clock : tells the time of each line of the dialogue.
    """
    transcript = Transcript(clock)
    smtp = SmtpConnection(mail, transcript)
    try:
        said = _converse(smtp, envelope, content, transcript)
    finally:
        smtp.close()
    own = mail.is_the_recipients_own(envelope.recipient)
    taken_over = DeliveryStatus.ACCEPTED if own else DeliveryStatus.SENT
    sent = said.outcome is Outcome.SENT
    return SmtpDelivery(
        outcome=said.outcome,
        status=taken_over if sent else DeliveryStatus.ATTEMPTED,
        source=f"smtp {mail.host}:{mail.port}",
        evidence=transcript.text,
        finished_at=clock.now(),
        reply_code=said.code if said.code != NOT_UNDERSTOOD else None,
        server_name=smtp.name,
        server_address=smtp.address,
        tls=smtp.tls,
        reports_offered=smtp.has_extn("dsn") if smtp.protected else None,
        queue_id=queue_id(said.text) if sent else None,
    )


@dataclass(frozen=True, slots=True)
class _Said:
    """What the dialogue came to: the outcome, and code and text of the reply that decided."""

    outcome: Outcome
    code: int | None = None
    text: bytes = b""


def _converse(
    smtp: SmtpConnection, envelope: Envelope, content: Callable[[], bytes], transcript: Transcript
) -> _Said:
    """Hold the dialogue; before the content leaves, a lost connection means that nothing was handed over."""
    try:
        smtp.open()
        smtp.log_in()
        refusal = _until_data(smtp, envelope)
    except GaveUpError as error:
        transcript.note(f"gave up before MAIL: {error}")
        return _Said(Outcome.DEFERRED, error.code)  # login or TLS: people put it right, here or at the server
    except smtplib.SMTPResponseException as error:
        return _Said(Outcome.DEFERRED, error.smtp_code)  # the server turns us away, not the recipient
    except (OSError, smtplib.SMTPException) as error:
        transcript.note(f"{'the line broke' if smtp.address is not None else 'no connection'}: {error}")
        return _Said(Outcome.DEFERRED)
    if refusal is not None:
        smtp.part()
        return _Said(Outcome.DEFERRED if refusal in _OF_OUR_SETTINGS else _refused(refusal), refusal)
    message = content()
    try:
        code, text = smtp.content(message)
    except (OSError, smtplib.SMTPException) as error:
        transcript.note(f"the line broke after the content had begun to leave: {error}")
        return _Said(Outcome.UNKNOWN)
    if not smtp.part():
        transcript.note("the server said more than it was asked; what it said of the content is not known")
        return _Said(Outcome.UNKNOWN)
    return _Said(_after_the_content(code), code, text)


def _until_data(smtp: SmtpConnection, envelope: Envelope) -> int | None:
    """Go on to the reply 354 after DATA; return the code of a refusal before it, if there was one."""
    for command, reply_class in envelope.commands(server_offers_reports=smtp.has_extn("dsn")):
        code, _ = smtp.docmd(command)
        if code // 100 != reply_class:
            return code
    smtp.refuse_early_replies()
    return None


def _after_the_content(code: int) -> Outcome:
    """What a reply to the content says; one that is not understood says nothing, and the content has left."""
    if 200 <= code < 300:
        return Outcome.SENT
    return _refused(code) if 400 <= code < 600 else Outcome.UNKNOWN


def _refused(code: int) -> Outcome:
    return Outcome.FAILED if 500 <= code < 600 else Outcome.DEFERRED
