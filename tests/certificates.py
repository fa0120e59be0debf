"""Certificates of servers on loopback, made in the test."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from cjp_fraud.digests import sha256_hex

DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class ServerCertificate:
    """A certificate that signs itself: the context of the server that shows it, and the file of whoever trusts it."""

    context: ssl.SSLContext
    file: Path
    sha256: str


def a_certificate(
    folder: Path, *names: str, ends_in: timedelta = DAY, name_of_file: str = "server"
) -> ServerCertificate:
    """Return a certificate for hosts or IP addresses (127.0.0.1 by default) that began ten days ago."""
    key = ec.generate_private_key(ec.SECP256R1())
    now = datetime.now(UTC)
    itself = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name_of_file)])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(itself)
        .issuer_name(itself)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - 10 * DAY)
        .not_valid_after(now + ends_in)
        .add_extension(x509.SubjectAlternativeName([_name(each) for each in names or ("127.0.0.1",)]), False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), True)
        .sign(key, hashes.SHA256())
    )
    file, key_file = folder / f"{name_of_file}.crt.pem", folder / f"{name_of_file}.key.pem"
    file.write_bytes(certificate.public_bytes(Encoding.PEM))
    key_file.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file, key_file)
    return ServerCertificate(context, file, sha256_hex(certificate.public_bytes(Encoding.DER)))


def _name(text: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(text))
    except ValueError:
        return x509.DNSName(text)
