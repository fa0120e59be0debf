"""Keys that sign letters in tests, and whether a signature holds, without a name server."""

from __future__ import annotations

from typing import Any

import dkim
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from cjp_fraud.notices.methods.dkim_signing import DkimKey


def a_dkim_key(selector: str = "notices-2026", domain: str = "provider.example") -> DkimKey:
    """Return a new key of 2048 bits."""
    made = rsa.generate_private_key(65537, 2048)
    pem = made.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())
    return DkimKey(domain, selector, pem)


def verifies(message: bytes, name: str, record: str) -> bool:
    """Whether the signature of a message holds where DNS has ``record`` under ``name`` and nothing else."""

    def look_up(asked: bytes, timeout: int = 5) -> Any:
        return record.encode() if asked.decode().rstrip(".") == name else None

    return bool(dkim.verify(message, dnsfunc=look_up))
