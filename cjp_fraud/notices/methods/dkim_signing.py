"""Sign letters with the sender's domain (DKIM, RFC 6376), so that the recipient and a court can verify a copy.

Keys are replaced after a while, so the public key goes on record with each attempt, as the text that stands in DNS.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from cjp_fraud.clock import aware
from cjp_fraud.config import Settings
from cjp_fraud.config_mail_files import rsa_signing_key

_ONCE_MORE: Final = (b"from", b"to", b"subject", b"date", b"reply-to", b"message-id", b"content-type")
"""Headers that are signed as often as they stand there and once more, so that nobody can add another one."""


@dataclass(frozen=True, slots=True)
class PublicKeyRecord:
    """A public key as DNS has it (RFC 6376, section 3.6).

    Parameters
    ----------
    name : under which it stands, ``SELECTOR._domainkey.DOMAIN``.
    text : the TXT record.
    """

    name: str
    text: str


@dataclass(frozen=True, slots=True)
class DkimKey:
    """A key that signs, and under which name its public key stands.

    Parameters
    ----------
    pem : RSA private key, PEM without encryption.
    """

    domain: str
    selector: str
    pem: bytes = field(repr=False)

    @property
    def record(self) -> PublicKeyRecord:
        """The public key, to be published."""
        from cryptography.hazmat.primitives.serialization import (  # inside: few commands sign
            Encoding,
            PublicFormat,
            load_pem_private_key,
        )

        public = load_pem_private_key(self.pem, password=None).public_key()
        der = public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        text = f"v=DKIM1; k=rsa; p={base64.b64encode(der).decode()}"
        return PublicKeyRecord(f"{self.selector}._domainkey.{self.domain}", text)

    def sign(self, message: bytes, at: datetime) -> bytes:
        """Return a message with its signature (rsa-sha256, relaxed/relaxed) before it; the same each time.

        Parameters
        ----------
        message : CRLF lines, ASCII.
        at : aware; the signature's date.
        """
        signer = _signer(message, at)
        present = [name.lower() for name, _ in signer.headers]
        header: bytes = signer.sign(
            self.selector.encode("ascii"),
            self.domain.encode("ascii"),
            self.pem,
            canonicalize=(b"relaxed", b"relaxed"),
            include_headers=[*present, *_ONCE_MORE],
        )
        return header + message


def dkim_key(settings: Settings) -> DkimKey | None:
    """Return the key of the settings; None: letters are not signed.

    Raises
    ------
    ValueError
        If the file was changed since the settings were read, and holds no key any more.
    """
    if settings.dkim_key_file is None or settings.dkim_selector is None:
        return None
    return DkimKey(settings.signing_domain, settings.dkim_selector, rsa_signing_key(settings.dkim_key_file))


def _signer(message: bytes, at: datetime) -> Any:
    import dkim  # inside: few commands sign

    class DatedDkim(dkim.DKIM):  # type: ignore[misc]  # the library has no types
        """The library's signer, which dates a signature by the letter and not by the machine's clock."""

        def gen_header(self, fields: list[tuple[bytes, bytes]], *arguments: Any, **options: Any) -> bytes:
            seconds = str(int(aware(at).timestamp())).encode("ascii")
            dated = [(name, seconds if name == b"t" else value) for name, value in fields]
            header: bytes = super().gen_header(dated, *arguments, **options)
            return header

    return DatedDkim(message, signature_algorithm=b"rsa-sha256", linesep=b"\r\n")
