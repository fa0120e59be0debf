"""One connection to a mail server: every line that is said is noted, with its moment; secrets are not.

RFC 5321 (SMTP), RFC 3207 (STARTTLS), RFC 8314 (TLS from the first byte), RFC 4954 and 4616 (login).
"""

from __future__ import annotations

import base64
import re
import smtplib
import socket
import ssl
from dataclasses import dataclass
from typing import Final

from cjp_fraud.clock import Clock, utc_text
from cjp_fraud.config_mail import SmtpSecurity
from cjp_fraud.digests import sha256_hex
from cjp_fraud.notices.methods.mail_server import MailServer
from cjp_fraud.notices.methods.smtp_replies import (
    CLOSING,
    LONGEST_LINE,
    MOST_LINES,
    NOT_UNDERSTOOD,
    ReplyLine,
    reply_line,
)

NOT_KEPT: Final = "(not kept)"
"""In the place of a user or a password in the dialogue."""

_DOT: Final = re.compile(rb"(?m)^\.")
_HOST_NAME: Final = re.compile(r"[A-Za-z0-9._\[\]:-]{1,255}")


@dataclass(frozen=True, slots=True)
class TlsFacts:
    """How a connection was encrypted.

    Parameters
    ----------
    version, cipher : as OpenSSL names them (``TLSv1.3``).
    certificate_sha256 : SHA-256 of the server's certificate (DER); None: it showed none.
    verified : its certificate leads to a trusted root and is for its name.
    """

    version: str
    cipher: str
    certificate_sha256: str | None
    verified: bool


class Transcript:
    """The lines of a dialogue, each with the moment at which it was said."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lines: list[str] = []

    @property
    def text(self) -> str:
        """The dialogue so far."""
        return "\n".join(self._lines).replace("\x00", "\ufffd")

    def note(self, line: str, who: str = "--") -> None:
        """Add a line of the client (``C:``), of the server (``S:``), or a remark."""
        self._lines.append(f"{utc_text(self._clock.now())} {who} {line}")


class GaveUpError(smtplib.SMTPException):
    """Nothing was handed over, because the connection is not what the settings ask for; the message says why.

    Parameters
    ----------
    code : the reply that decided; None: none did.
    """

    def __init__(self, why: str, code: int | None = None) -> None:
        super().__init__(why)
        self.code = code


class OutOfStepError(smtplib.SMTPException):
    """The server answered what it was not asked yet."""


class SmtpConnection(smtplib.SMTP):
    """The standard library's client, which notes every line that it sends and receives.

    It reads replies strictly: a reply that is not one, or that came before what it answers, says nothing.

    Attributes
    ----------
    address : of the server, ``host:port``; None: not connected yet.
    name : by which the server calls itself; None: it has not.
    tls : how the connection is encrypted; None: it is not.
    protected : it is open, and protected as the settings ask.
    """

    def __init__(self, mail: MailServer, transcript: Transcript) -> None:
        super().__init__(local_hostname=mail.domain, timeout=mail.timeout_seconds)
        self._mail = mail
        self._transcript = transcript
        self._unsaid: str | None = None
        self._secrets: tuple[str, ...] = ()
        self.address: str | None = None
        self.name: str | None = None
        self.tls: TlsFacts | None = None
        self.protected = False

    def open(self) -> None:
        """Connect, be greeted, greet, and protect the connection as the settings ask.

        Raises
        ------
        GaveUpError
            If it cannot be protected so.
        SMTPException, OSError
            If the server does not answer, or turns us away.
        """
        mail = self._mail
        self._transcript.note(f"connecting to {mail.host} port {mail.port}")
        code, greeting = self.connect(mail.host, mail.port)
        if code != 220:
            raise smtplib.SMTPConnectError(code, greeting)
        self.ehlo_or_helo_if_needed()
        self.name = self._name_of_server(greeting)
        if mail.security in (SmtpSecurity.STARTTLS, SmtpSecurity.OPPORTUNISTIC):
            self._start_tls()
            self.name = self._name_of_server(greeting)
        self.protected = True

    def log_in(self) -> None:
        """Log in by PLAIN or LOGIN, if there is a user; what is said of them is not noted.

        Raises
        ------
        GaveUpError
            If the server offers neither, or does not let us in.
        """
        user, password = self._mail.user, self._mail.password
        if user is None or password is None:
            return
        offered = self.esmtp_features.get("auth", "").upper().split()
        mechanism = next((each for each in ("PLAIN", "LOGIN") if each in offered), None)
        if mechanism is None:
            raise GaveUpError(
                f"the server offers no login by PLAIN or LOGIN (it offers: {' '.join(offered) or 'none'})"
            )
        self._secrets = _forms_of_secrets(user, password)
        self._unsaid = f"AUTH {mechanism} {NOT_KEPT}"
        try:
            code = self._say_login(mechanism, user, password)
        finally:
            self._unsaid = None
            self._secrets = _forms_of_secrets(password)
        if code != 235:
            raise GaveUpError(f"the server did not accept user and password: {code}", code)

    def content(self, message: bytes) -> tuple[int, bytes]:
        """Send the content after 354 and return the reply; its end leaves only if no reply has come yet."""
        self._unsaid = f"(content: {len(message)} bytes, SHA-256 {sha256_hex(message)})"
        try:
            self.send(_DOT.sub(b"..", message) + (b"" if message.endswith(b"\r\n") else b"\r\n"))
        finally:
            self._unsaid = None
        self.send(b".\r\n")
        return self.getreply()

    def part(self) -> bool:
        """End the dialogue with QUIT; whether its replies were in step with what was asked until the end.

        A line that is closed, silent or garbled now does not matter. A refusal does: QUIT is never refused, so it
        answers something before.
        """
        try:
            code, _ = self.docmd("QUIT")
            in_step = code in (NOT_UNDERSTOOD, CLOSING) or 200 <= code < 300
        except OutOfStepError as error:
            self._transcript.note(f"gave up: {error}")
            in_step = False
        except OSError:
            in_step = True
        self.close()
        return in_step

    def refuse_early_replies(self) -> None:
        """Give up where the server has said something before it was asked.

        Raises
        ------
        OutOfStepError
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
            raise OutOfStepError(f"the server replied before it was asked: {early[:80]!r}")

    def send(self, s: bytes | str) -> None:  # type: ignore[override]  # typeshed names a wider buffer type
        """Send, and note what is sent."""
        self.refuse_early_replies()
        shown = self._unsaid or (s if isinstance(s, str) else s.decode("ascii", "replace")).rstrip("\r\n")
        self._transcript.note(shown, "C:")
        super().send(s)

    def getreply(self) -> tuple[int, bytes]:
        """Return code and text of the next reply; ``NOT_UNDERSTOOD`` where its lines are no reply."""
        lines: list[ReplyLine] = []
        while not lines or lines[-1].more:
            lines.append(self._reply_line())
            if len(lines) > MOST_LINES:
                self._transcript.note(f"a reply of more than {MOST_LINES} lines")
                return NOT_UNDERSTOOD, b"a reply without an end"
        codes = {line.code for line in lines}
        text = b"\n".join(line.text for line in lines)
        if len(codes) > 1:
            self._transcript.note("the lines of this reply have different codes")
        return (codes.pop() if len(codes) == 1 else NOT_UNDERSTOOD), text

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        """Connect; with TLS from the first byte, too (as the standard library's ``SMTP_SSL`` does)."""
        plain = socket.create_connection((host, port), timeout)
        at, its_port = plain.getpeername()[:2]
        self.address = f"[{at}]:{its_port}" if ":" in at else f"{at}:{its_port}"
        self._transcript.note(f"connected to {self.address}")
        return self._encrypted(plain) if self._mail.security is SmtpSecurity.TLS else plain

    def _start_tls(self) -> None:
        """Encrypt the connection where the server offers it; where it must be and the server does not, give up."""
        must = self._mail.security.is_verified
        if not self.has_extn("starttls"):
            if must:
                raise GaveUpError("the server does not offer STARTTLS, and nothing leaves unencrypted")
            self._transcript.note("the server does not offer STARTTLS; not encrypted")
            return
        code, _ = self.docmd("STARTTLS")
        if code != 220:
            if must:
                raise GaveUpError("the server refused STARTTLS, and nothing leaves unencrypted", code)
            self._transcript.note("the server refused STARTTLS; not encrypted")
            return
        self.refuse_early_replies()
        assert self.sock is not None, "a reply came over it"
        self.sock = self._encrypted(self.sock)
        self.file = None
        # What was said before is forgotten: it may be somebody else's (RFC 3207, section 4.2).
        self.helo_resp = self.ehlo_resp = None
        self.esmtp_features = {}
        self.does_esmtp = False
        self.ehlo()

    def _encrypted(self, plain: socket.socket) -> ssl.SSLSocket:
        try:
            encrypted = self._mail.tls_context().wrap_socket(plain, server_hostname=self._mail.host)
        except ssl.SSLCertVerificationError as error:
            plain.close()
            raise GaveUpError(
                f"the certificate of {self._mail.host} is not trusted: {error.verify_message}"
            ) from error
        except (ssl.SSLError, OSError) as error:
            plain.close()
            raise GaveUpError(
                f"no encrypted connection to {self._mail.host} port {self._mail.port}: {error}"
            ) from error
        self.tls = _facts_of(encrypted, verified=self._mail.security.is_verified)
        checked = "verified" if self.tls.verified else "not verified"
        self._transcript.note(
            f"encrypted: {self.tls.version} {self.tls.cipher}, certificate {checked}, "
            f"SHA-256 {self.tls.certificate_sha256}"
        )
        return encrypted

    def _say_login(self, mechanism: str, user: str, password: str) -> int:
        if mechanism == "PLAIN":
            code, _ = self.docmd("AUTH", f"PLAIN {_base64(_plain(user, password))}")
            return code
        code, _ = self.docmd("AUTH", "LOGIN")
        for answer in (user, password):
            if code == 334:
                code, _ = self.docmd(_base64(answer))
        return code

    def _reply_line(self) -> ReplyLine:
        assert self.sock is not None, "a reply is read while the line is open"
        if self.file is None:
            self.file = self.sock.makefile("rb")
        raw = self.file.readline(LONGEST_LINE)
        if not raw.endswith(b"\n") and len(raw) < LONGEST_LINE:
            whole = self._unsaid is None  # of a part of a line nobody can say whether it is part of a secret
            said = (
                f" after {self._without_secrets(raw.decode('utf-8', 'replace'))!r}" if raw and whole else ""
            )
            self.close()
            raise smtplib.SMTPServerDisconnected(f"the server closed the line{said}")
        self._transcript.note(self._without_secrets(raw.decode("utf-8", "replace").rstrip("\r\n")), "S:")
        return reply_line(raw)

    def _without_secrets(self, said: str) -> str:
        """Return what the server said, in which it may have repeated what it must not."""
        for secret in self._secrets:
            said = said.replace(secret, NOT_KEPT)
        return said

    def _name_of_server(self, greeting: bytes) -> str | None:
        """Return by which name the server greeted us last: first word of its answer to EHLO, or of its greeting."""
        for said in (self.ehlo_resp, self.helo_resp, greeting):
            first = (said or b"").decode("utf-8", "replace").split()
            if first and _HOST_NAME.fullmatch(first[0]):
                return first[0]
        return None


def _facts_of(encrypted: ssl.SSLSocket, *, verified: bool) -> TlsFacts:
    cipher = encrypted.cipher()
    certificate = encrypted.getpeercert(binary_form=True)
    return TlsFacts(
        version=encrypted.version() or "not known",
        cipher=cipher[0] if cipher is not None else "not known",
        certificate_sha256=sha256_hex(certificate) if certificate else None,
        verified=verified,
    )


def _base64(text: str) -> str:
    return base64.b64encode(text.encode()).decode("ascii")


def _plain(*words: str) -> str:
    """Return user and password as PLAIN says them (RFC 4616)."""
    return "\0".join(("", *words))


def _forms_of_secrets(*secrets: str) -> tuple[str, ...]:
    """Return secrets as a server may repeat them, the longest first."""
    forms = {form for secret in secrets for form in (secret, _base64(secret))} | {_base64(_plain(*secrets))}
    return tuple(sorted(filter(None, forms), key=len, reverse=True))
