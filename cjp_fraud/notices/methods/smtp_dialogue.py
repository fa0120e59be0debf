"""The dialogue with the mail server: every line of it is noted, and only what it says clearly counts.

RFC 5321 (SMTP), RFC 3461 (delivery reports: ENVID, ORCPT, NOTIFY), RFC 3207 (STARTTLS).
"""

from __future__ import annotations

import re
import smtplib
import ssl
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from cjp_fraud.clock import Clock, utc_text
from cjp_fraud.contracts.methods import require_email_address
from cjp_fraud.contracts.model import DeliveryStatus
from cjp_fraud.digests import sha256_hex
from cjp_fraud.notices.methods.interface import Delivery
from cjp_fraud.notices.model import Outcome
from cjp_fraud.notices.reports.addresses import xtext

_DOT: Final = re.compile(rb"(?m)^\.")


@dataclass(frozen=True, slots=True)
class MailServer:
    """The configured mail server, and as whom it is used.

    Parameters
    ----------
    mail_from : From of the letters; its domain receives the delivery reports.
    recipient_domains : domains whose own server this is; only for these is a 250 *accepted by the recipient*.
    tls_context : trust for STARTTLS; None: the system's.
    """

    host: str
    port: int
    mail_from: str = "notices@cjp-fraud.invalid"
    sender_name: str = "The provider"
    user: str | None = None
    password: str | None = field(default=None, repr=False)
    starttls: bool = False
    timeout_seconds: float = 30.0
    recipient_domains: tuple[str, ...] = ()
    tls_context: ssl.SSLContext | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        require_email_address(self.mail_from)

    @property
    def domain(self) -> str:
        """Domain of the sender."""
        return self.mail_from.rpartition("@")[2]

    def is_the_recipients_own(self, address: str) -> bool:
        """Whether this server is the one of the address's own domain."""
        domain = address.rpartition("@")[2].lower()
        return domain in {name.lower() for name in self.recipient_domains}


@dataclass(frozen=True, slots=True)
class Envelope:
    """Who sends to whom in the dialogue; one recipient a transaction.

    Parameters
    ----------
    envid : under which delivery reports come back; None: none are asked for.
    """

    mail_from: str
    recipient: str
    envid: str | None


@dataclass(frozen=True, slots=True)
class SmtpDelivery(Delivery):
    """How handing over to the mail server ended; the evidence is the dialogue, a time before every line.

    Parameters
    ----------
    reply_code : the reply that decided; None: none came.
    """

    reply_code: int | None


def submit(mail: MailServer, envelope: Envelope, content: Callable[[], bytes], clock: Clock) -> SmtpDelivery:
    """Hand the exact bytes of a message to the mail server.

    Parameters
    ----------
    content : returns the message, CRLF lines, ASCII; sent as it is (dots are doubled on the line, RFC 5321 section
        4.5.2). Called once the server has answered DATA with 354; what it raises ends the dialogue, and nothing leaves.
    clock : tells the time of each line of the dialogue.
    """
    transcript = _Transcript(clock)
    outcome, code = _converse(mail, envelope, content, transcript)
    own = mail.is_the_recipients_own(envelope.recipient)
    taken_over = DeliveryStatus.ACCEPTED if own else DeliveryStatus.SENT
    return SmtpDelivery(
        outcome=outcome,
        status=taken_over if outcome is Outcome.SENT else DeliveryStatus.ATTEMPTED,
        source=f"smtp {mail.host}:{mail.port}",
        evidence=transcript.text,
        finished_at=clock.now(),
        reply_code=code,
    )


def _converse(
    mail: MailServer, envelope: Envelope, content: Callable[[], bytes], transcript: _Transcript
) -> tuple[Outcome, int | None]:
    """Hold the dialogue; before the content leaves, a lost connection means that nothing was handed over."""
    try:
        smtp = _RecordedSmtp(mail, transcript)
    except smtplib.SMTPResponseException as error:
        return Outcome.DEFERRED, error.smtp_code  # the server turns us away, not the recipient
    except (OSError, smtplib.SMTPException) as error:
        transcript.note(f"no connection: {error}")
        return Outcome.DEFERRED, None
    try:
        refusal = _until_data(smtp, mail, envelope)
    except smtplib.SMTPResponseException as error:
        transcript.note(f"gave up before MAIL: {error}")
        smtp.close()
        return Outcome.DEFERRED, error.smtp_code  # login or TLS: to be put right in our settings
    except (OSError, smtplib.SMTPException) as error:
        transcript.note(f"the line broke: {error}")
        smtp.close()
        return Outcome.DEFERRED, None
    if refusal is not None:
        smtp.part()
        return _refused(refusal), refusal if refusal != NOT_UNDERSTOOD else None
    try:
        message = content()
    except BaseException:
        smtp.close()
        raise
    try:
        code = smtp.content(message)
    except (OSError, smtplib.SMTPException) as error:
        transcript.note(f"the line broke after the content had begun to leave: {error}")
        smtp.close()
        return Outcome.UNKNOWN, None
    if not smtp.part():
        transcript.note("the server said more than it was asked; what it said of the content is not known")
        return Outcome.UNKNOWN, None
    return _after_the_content(code), code if code != NOT_UNDERSTOOD else None


def _until_data(smtp: _RecordedSmtp, mail: MailServer, envelope: Envelope) -> int | None:
    """Go on to the reply 354 after DATA; return the code of a refusal before it, if there was one."""
    smtp.ehlo_or_helo_if_needed()
    if mail.starttls:
        smtp.starttls(context=mail.tls_context or ssl.create_default_context())
        smtp.ehlo()
    if mail.user is not None:
        smtp.log_in(mail.user, mail.password or "")
    reports = envelope.envid is not None and smtp.has_extn("dsn")
    sender = f"MAIL FROM:<{envelope.mail_from}>" + (f" RET=HDRS ENVID={envelope.envid}" if reports else "")
    recipient = f"RCPT TO:<{envelope.recipient}>"
    if reports:
        recipient += f" NOTIFY=SUCCESS,FAILURE,DELAY ORCPT=rfc822;{xtext(envelope.recipient)}"
    for command, reply_class in ((sender, 2), (recipient, 2), ("DATA", 3)):
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


class _Transcript:
    """The lines of a dialogue, each with the moment at which it was said."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lines: list[str] = []

    @property
    def text(self) -> str:
        return "\n".join(self._lines).replace("\x00", "\ufffd")

    def note(self, line: str, who: str = "--") -> None:
        self._lines.append(f"{utc_text(self._clock.now())} {who} {line}")


class _OutOfStepError(smtplib.SMTPException):
    """The server answered what it was not asked yet."""


class _RecordedSmtp(smtplib.SMTP):
    """The standard library's client, which notes every line that it sends and receives.

    It reads replies strictly (RFC 5321 section 4.2): a reply that is not one, or that came before what it answers, says
    nothing.
    """

    def __init__(self, mail: MailServer, transcript: _Transcript) -> None:
        self._transcript = transcript
        self._unsaid: str | None = None
        transcript.note(f"connecting to {mail.host} port {mail.port}")
        super().__init__(mail.host, mail.port, local_hostname=mail.domain, timeout=mail.timeout_seconds)

    def send(self, s: bytes | str) -> None:  # type: ignore[override]  # typeshed names a wider buffer type
        self.refuse_early_replies()
        shown = self._unsaid or (s if isinstance(s, str) else s.decode("ascii", "replace")).rstrip("\r\n")
        self._transcript.note(shown, "C:")
        super().send(s)

    def getreply(self) -> tuple[int, bytes]:
        """Return code and text of the next reply; ``NOT_UNDERSTOOD`` where its lines are no reply."""
        lines: list[ReplyLine] = []
        while not lines or lines[-1].more:
            lines.append(self._reply_line())
            if len(lines) > _MOST_LINES:
                self._transcript.note(f"a reply of more than {_MOST_LINES} lines")
                return NOT_UNDERSTOOD, b"a reply without an end"
        codes = {line.code for line in lines}
        text = b"\n".join(line.text for line in lines)
        if len(codes) > 1:
            self._transcript.note("the lines of this reply have different codes")
        return (codes.pop() if len(codes) == 1 else NOT_UNDERSTOOD), text

    def _reply_line(self) -> ReplyLine:
        assert self.sock is not None, "a reply is read while the line is open"
        if self.file is None:
            self.file = self.sock.makefile("rb")
        raw = self.file.readline(_LONGEST_LINE)
        if not raw.endswith(b"\n") and len(raw) < _LONGEST_LINE:
            said = f" after {raw!r}" if raw else ""
            self.close()
            raise smtplib.SMTPServerDisconnected(f"the server closed the line{said}")
        self._transcript.note(raw.decode("utf-8", "replace").rstrip("\r\n"), "S:")
        return reply_line(raw)

    def refuse_early_replies(self) -> None:
        """Give up where the server has said something before it was asked.

        Raises
        ------
        _OutOfStepError
            With what it said; what it says later cannot be told apart from it.
        """
        if self.file is None or self.sock is None:
            return
        self.sock.settimeout(0)  # what is there already, and no waiting
        try:
            early: bytes = self.file.peek(1)
        except ssl.SSLWantReadError:
            early = b""
        finally:
            self.sock.settimeout(self.timeout)
        if early:
            raise _OutOfStepError(f"the server replied before it was asked: {early[:80]!r}")

    def log_in(self, user: str, password: str) -> None:
        """Log in; what is said meanwhile is not noted."""
        self._unsaid = "AUTH (not kept)"
        try:
            self.login(user, password)
        finally:
            self._unsaid = None

    def content(self, message: bytes) -> int:
        """Send the content after 354 and return the reply's code; its end leaves only if no reply has come yet."""
        self._unsaid = f"(content: {len(message)} bytes, SHA-256 {sha256_hex(message)})"
        try:
            self.send(_DOT.sub(b"..", message) + (b"" if message.endswith(b"\r\n") else b"\r\n"))
        finally:
            self._unsaid = None
        self.send(b".\r\n")
        code, _ = self.getreply()
        return code

    def part(self) -> bool:
        """End the dialogue with QUIT; whether its replies were in step with what was asked until the end.

        A line that is closed, silent or garbled now does not matter. A refusal does: QUIT is never refused, so it
        answers something before.
        """
        try:
            code, _ = self.docmd("QUIT")
            in_step = code in (NOT_UNDERSTOOD, _CLOSING) or 200 <= code < 300
        except _OutOfStepError as error:
            self._transcript.note(f"gave up: {error}")
            in_step = False
        except OSError:
            in_step = True
        self.close()
        return in_step


@dataclass(frozen=True, slots=True)
class ReplyLine:
    """One line of a reply; ``more``: it says that another one follows."""

    code: int
    text: bytes
    more: bool


NOT_UNDERSTOOD: Final = -1
"""In the place of a code: what came is no reply."""

_REPLY_LINE: Final = re.compile(rb"([0-9]{3})(?:([ -])([^\r\n]*))?\r?\n", re.DOTALL)
_LONGEST_LINE: Final = 8192
_MOST_LINES: Final = 256
_CLOSING: Final = 421


def reply_line(raw: bytes) -> ReplyLine:
    """Return what one line of the server says: three digits, a blank or ``-``, and text, or the digits alone."""
    match = _REPLY_LINE.fullmatch(raw)
    if match is None:
        return ReplyLine(NOT_UNDERSTOOD, raw.rstrip(b"\r\n"), more=False)
    return ReplyLine(int(match[1]), match[3] or b"", more=match[2] == b"-")
