"""Settings of mail: the server that takes letters, who may use it, the key that signs, and where reports come back."""

from __future__ import annotations

import re
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Final

from pydantic import AfterValidator, Field, SecretStr, ValidationInfo, field_validator, model_validator
from pydantic_settings import BaseSettings

from cjp_fraud.config_mail_files import require_trusted_roots, rsa_signing_key, secret_of_file
from cjp_fraud.config_values import FROM_THE_ENVIRONMENT, PREFIX, Json, NotEmpty, hex_key, is_loopback

_IMPLICIT_TLS_PORT: Final = 465
"""Port on which a mail server speaks TLS from the first byte (RFC 8314)."""

_SELECTOR: Final = re.compile(
    r"[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?)*"
)


class ImapSecurity(StrEnum):
    """How the connection to the mailbox is protected."""

    TLS = "tls"
    STARTTLS = "starttls"
    NONE = "none"


class SmtpSecurity(StrEnum):
    """How the connection to the mail server is protected.

    ``tls`` from the first byte and ``starttls`` (RFC 3207) verify the server's certificate and its name, and nothing
    leaves without; ``opportunistic`` uses STARTTLS where it is offered and verifies nothing; ``none`` uses none.
    """

    TLS = "tls"
    STARTTLS = "starttls"
    OPPORTUNISTIC = "opportunistic"
    NONE = "none"

    @property
    def is_verified(self) -> bool:
        """Whether nobody between us and the server can read along or take its place."""
        return self in (SmtpSecurity.TLS, SmtpSecurity.STARTTLS)


class MailSettings(BaseSettings):
    """All about mail, validated; it is read as part of :class:`cjp_fraud.config.Settings`."""

    model_config = FROM_THE_ENVIRONMENT

    smtp_host: Annotated[str, NotEmpty] = "127.0.0.1"
    smtp_port: Annotated[int, Field(ge=1, le=65535)] = 25
    smtp_security: SmtpSecurity | None = Field(
        None,
        description="tls (from the start), starttls, opportunistic (nothing is verified) or none; by default "
        "starttls, on port 465 tls, on this machine none",
    )
    smtp_ca_file: Annotated[Path | None, NotEmpty] = Field(
        None,
        description="PEM file of the roots that the server's certificate must lead to; the system's by default",
    )
    smtp_user: Annotated[str | None, NotEmpty] = None
    smtp_password: SecretStr | None = None
    smtp_password_file: Annotated[Path | None, NotEmpty] = Field(
        None, description="file whose first line is the password, in the place of smtp_password"
    )
    smtp_timeout_seconds: Annotated[float, Field(gt=0)] = 30.0
    smtp_recipient_domains: Annotated[list[str], *Json] = Field(
        default_factory=list,
        description="domains whose own mail server smtp_host is (250 = accepted by recipient)",
    )

    mail_from: str = Field("notices@cjp-fraud.invalid", description="From and envelope domain of notices")
    dkim_key_file: Annotated[Path | None, NotEmpty] = Field(
        None,
        description="PEM file of the RSA key that signs letters by email (DKIM, RFC 6376); null: unsigned",
    )
    dkim_selector: Annotated[str | None, NotEmpty] = Field(
        None, description="selector under which its public key stands: SELECTOR._domainkey.DOMAIN"
    )
    dkim_domain: Annotated[str | None, NotEmpty] = Field(
        None,
        description="domain that signs (d=): that of mail_from, or one above it; that of mail_from by default",
    )

    return_path_key: Annotated[SecretStr, AfterValidator(hex_key)] | None = Field(
        None, description="key of the return paths, 64 hex digits or more; a file in the home by default"
    )
    own_mail_servers: Annotated[list[str], *Json] = Field(
        default_factory=list,
        description="names and addresses of our mail servers, whose reports over the local hop count",
    )
    bounce_maildir: Annotated[Path | None, NotEmpty] = Field(
        None, description="Maildir folder that receives what comes back (notices collect)"
    )
    imap_host: Annotated[str | None, NotEmpty] = Field(
        None, description="IMAP server of the mailbox that receives what comes back (notices collect)"
    )
    imap_port: Annotated[int, Field(ge=1, le=65535)] = 993
    imap_user: str | None = None
    imap_password: SecretStr | None = None
    imap_folder: str = "INBOX"
    imap_security: ImapSecurity = Field(
        ImapSecurity.TLS, description="tls from the start, starttls, or none (this machine only)"
    )
    imap_timeout_seconds: Annotated[float, Field(gt=0)] = 30.0

    @field_validator("imap_security")
    @classmethod
    def _is_protected(cls, security: ImapSecurity, info: ValidationInfo) -> ImapSecurity:
        host = info.data.get("imap_host")
        if security is ImapSecurity.NONE and host is not None and not is_loopback(host):
            raise ValueError(f"{host} is another machine, and a mailbox is read unprotected on this one only")
        return security

    @field_validator("smtp_ca_file")
    @classmethod
    def _holds_roots(cls, file: Path | None) -> Path | None:
        if file is not None:
            require_trusted_roots(file)
        return file

    @field_validator("smtp_password_file")
    @classmethod
    def _holds_a_password(cls, file: Path | None) -> Path | None:
        if file is not None:
            secret_of_file(file)
        return file

    @field_validator("dkim_key_file")
    @classmethod
    def _holds_a_key(cls, file: Path | None) -> Path | None:
        if file is not None:
            rsa_signing_key(file)
        return file

    @field_validator("dkim_selector")
    @classmethod
    def _is_a_name(cls, selector: str | None) -> str | None:
        if selector is not None and not _SELECTOR.fullmatch(selector):
            raise ValueError(f"{selector!r} is no selector: letters, digits, hyphens, and dots between them")
        return selector

    @model_validator(mode="after")
    def _hold_together(self) -> MailSettings:
        contradictions = [*self._login_faults(), *self._signing_faults()]
        if contradictions:
            raise ValueError("; ".join(f"{PREFIX}{fault}" for fault in contradictions))
        return self

    @property
    def smtp_security_in_force(self) -> SmtpSecurity:
        """How the connection to the mail server is protected where the setting leaves it open, too."""
        if self.smtp_security is not None:
            return self.smtp_security
        if self.smtp_port == _IMPLICIT_TLS_PORT:
            return SmtpSecurity.TLS
        return SmtpSecurity.NONE if is_loopback(self.smtp_host) else SmtpSecurity.STARTTLS

    @property
    def smtp_secret(self) -> str | None:
        """The password for the mail server; None: it is used without."""
        if self.smtp_password_file is not None:
            return secret_of_file(self.smtp_password_file)
        return self.smtp_password.get_secret_value() if self.smtp_password is not None else None

    @property
    def sender_domain(self) -> str:
        """Domain of the sender of letters."""
        return self.mail_from.rpartition("@")[2].lower().rstrip(".")

    @property
    def signing_domain(self) -> str:
        """Domain that signs letters."""
        return (self.dkim_domain or self.sender_domain).lower().rstrip(".")

    def _login_faults(self) -> list[str]:
        has_password = self.smtp_password is not None or self.smtp_password_file is not None
        security = self.smtp_security_in_force
        faults = []
        if self.smtp_password is not None and self.smtp_password_file is not None:
            faults.append("SMTP_PASSWORD_FILE: SMTP_PASSWORD is set too; set one of them")
        if self.smtp_password is not None and not self.smtp_password.get_secret_value():
            faults.append("SMTP_PASSWORD: empty; give the password, or unset the variable")
        if has_password and self.smtp_user is None:
            faults.append("SMTP_USER: not set, and there is a password; set both or neither")
        if self.smtp_user is not None and not has_password:
            faults.append("SMTP_PASSWORD: not set, and there is a user; set it, or SMTP_PASSWORD_FILE")
        if has_password and not security.is_verified and not is_loopback(self.smtp_host):
            faults.append(
                f"SMTP_SECURITY: {security}, and a password would go to another machine, {self.smtp_host}, where "
                "others can read it; set tls or starttls, or send without a password"
            )
        if self.smtp_ca_file is not None and not security.is_verified:
            faults.append(
                f"SMTP_CA_FILE: set, and with SMTP_SECURITY {security} no certificate is verified; set tls or "
                "starttls, or unset it"
            )
        return faults

    def _signing_faults(self) -> list[str]:
        faults = []
        if (self.dkim_key_file is None) != (self.dkim_selector is None):
            missing = "DKIM_SELECTOR" if self.dkim_selector is None else "DKIM_KEY_FILE"
            faults.append(f"{missing}: not set; to sign letters takes DKIM_KEY_FILE and DKIM_SELECTOR")
        if self.dkim_domain is not None and self.dkim_key_file is None:
            faults.append("DKIM_DOMAIN: set, and there is no DKIM_KEY_FILE; set both or neither")
        above = "." in self.signing_domain and self.sender_domain.endswith(f".{self.signing_domain}")
        if self.signing_domain != self.sender_domain and not above:
            faults.append(
                f"DKIM_DOMAIN: {self.signing_domain} is neither the domain of MAIL_FROM ({self.sender_domain}) nor one "
                "above it, so receivers would not count the signature (DMARC, RFC 7489)"
            )
        return faults
