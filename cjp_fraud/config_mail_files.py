"""Files that the settings of mail name: a password, a key that signs, trusted roots; each is read or refused."""

from __future__ import annotations

import ssl
from pathlib import Path
from typing import Final

_LEAST_BITS: Final = 1024
"""Shorter keys must not sign, and their signatures do not verify (RFC 8301, section 3.2)."""


def secret_of_file(file: Path) -> str:
    """Return the first line of a file, which is a password.

    Raises
    ------
    ValueError
        If the file cannot be read, or its first line is empty; the message holds nothing of what is in it.
    """
    try:
        first = _bytes_of(file).decode("utf-8").partition("\n")[0].removesuffix("\r")
    except UnicodeDecodeError:
        raise ValueError(f"{file} is no text in UTF-8; write the password into its first line") from None
    if not first:
        raise ValueError(f"{file} is empty; write the password into its first line")
    return first


def rsa_signing_key(file: Path) -> bytes:
    """Return the RSA key of a PEM file, in PEM without encryption (RFC 8017).

    Raises
    ------
    ValueError
        If the file cannot be read, or holds no RSA key that may sign (RFC 8301).
    """
    from cryptography.exceptions import UnsupportedAlgorithm  # inside: few commands sign
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
    from cryptography.hazmat.primitives.serialization import (
        Encoding,
        NoEncryption,
        PrivateFormat,
        load_pem_private_key,
    )

    pem = _bytes_of(file)
    try:
        key = load_pem_private_key(pem, password=None)
    except TypeError:
        raise ValueError(
            f"the key in {file} is encrypted; store it without a passphrase, readable by us alone"
        ) from None
    except (ValueError, UnsupportedAlgorithm):
        raise ValueError(f"{file} holds no private key in PEM (openssl genrsa 2048)") from None
    if not isinstance(key, RSAPrivateKey):
        raise ValueError(
            f"the key in {file} is not RSA; letters are signed with rsa-sha256 (openssl genrsa 2048)"
        )
    if key.key_size < _LEAST_BITS:
        raise ValueError(
            f"the key in {file} has {key.key_size} bits; receivers want 2048 (openssl genrsa 2048)"
        )
    return key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())


def require_trusted_roots(file: Path) -> None:
    """Refuse a file that holds no certificates in PEM.

    Raises
    ------
    ValueError
        If it cannot be read, or holds none.
    """
    _bytes_of(file)
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cafile=file)
    except (ssl.SSLError, OSError):
        raise ValueError(f"{file} holds no certificates in PEM") from None


def _bytes_of(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise ValueError(f"{file} cannot be read: {error.strerror}") from None
