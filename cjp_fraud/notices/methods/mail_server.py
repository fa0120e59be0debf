"""The mail server that takes letters over: where it is, how the connection is protected, and as whom it is used."""

from __future__ import annotations

import ssl
from dataclasses import dataclass, field
from pathlib import Path

from cjp_fraud.config import Settings
from cjp_fraud.config_mail import SmtpSecurity
from cjp_fraud.contracts.methods import require_email_address
from cjp_fraud.notices.methods.dkim_signing import DkimKey, dkim_key


@dataclass(frozen=True, slots=True)
class MailServer:
    """The configured mail server, and as whom it is used.

    Parameters
    ----------
    mail_from : From of the letters; its domain receives the delivery reports.
    user, password : login; None: none.
    security : how the connection is protected.
    ca_file : PEM file of the roots that the server's certificate must lead to; None: the system's.
    recipient_domains : domains whose own server this is; only for these is a 250 *accepted by the recipient*.
    signing : key that signs the letters; None: they are not signed.
    """

    host: str
    port: int
    mail_from: str = "notices@cjp-fraud.invalid"
    sender_name: str = "The provider"
    user: str | None = None
    password: str | None = field(default=None, repr=False)
    security: SmtpSecurity = SmtpSecurity.NONE
    ca_file: Path | None = None
    timeout_seconds: float = 30.0
    recipient_domains: tuple[str, ...] = ()
    signing: DkimKey | None = None

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

    def tls_context(self) -> ssl.SSLContext:
        """Return whom the server must prove to be: in ``opportunistic`` nobody, else the bearer of its name."""
        context = ssl.create_default_context(cafile=self.ca_file)
        if not self.security.is_verified:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        return context


def mail_server(settings: Settings) -> MailServer:
    """Return the mail server of the settings.

    Raises
    ------
    BadInputError
        If the sender's address is none.
    ValueError
        If a file with a key or a password was changed since the settings were read, and is none any more.
    """
    return MailServer(
        host=settings.smtp_host,
        port=settings.smtp_port,
        mail_from=settings.mail_from,
        sender_name=settings.provider_name,
        user=settings.smtp_user,
        password=settings.smtp_secret,
        security=settings.smtp_security_in_force,
        ca_file=settings.smtp_ca_file,
        timeout_seconds=settings.smtp_timeout_seconds,
        recipient_domains=tuple(settings.smtp_recipient_domains),
        signing=dkim_key(settings),
    )
