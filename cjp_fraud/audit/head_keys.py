"""The key pair that signs the head of the log: two files in the home, made once by ``init``, in no database.

The private key signs; whoever has it can sign a forged head. The public key verifies: give a copy to somebody
outside, because a copy that lies beside the database proves nothing against the one who writes there.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)

from cjp_fraud.digests import sha256_hex
from cjp_fraud.errors import BadInputError, StorageError
from cjp_fraud.storage.whole_files import create_secret

PRIVATE: Final = "head.key.pem"
_PUBLIC: Final = "head-*.public.pem"


@dataclass(frozen=True, slots=True)
class PublicKey:
    """A key that verifies signatures.

    Parameters
    ----------
    der : SubjectPublicKeyInfo (RFC 8410).
    """

    der: bytes

    @property
    def key_id(self) -> str:
        """SHA-256 of the key."""
        return sha256_hex(self.der)

    @property
    def text(self) -> str:
        """The key in one line (the base64 that stands in a PEM file)."""
        return base64.b64encode(self.der).decode()

    @property
    def pem(self) -> bytes:
        """The key as a PEM file."""
        return f"-----BEGIN PUBLIC KEY-----\n{self.text}\n-----END PUBLIC KEY-----\n".encode()

    def fits(self, signature: bytes, content: bytes) -> bool:
        """Whether the key's owner signed the content."""
        try:
            _ed25519(self.pem).verify(signature, content)
        except InvalidSignature:
            return False
        return True


class PrivateKey:
    """A key that signs."""

    def __init__(self, key: Ed25519PrivateKey) -> None:
        self._key = key

    @property
    def public(self) -> PublicKey:
        """The key that verifies what this one signs."""
        return _public(self._key.public_key())

    @property
    def key_id(self) -> str:
        """Name of the pair: SHA-256 of the public key."""
        return self.public.key_id

    def sign(self, content: bytes) -> bytes:
        """Return the 64 bytes of the signature."""
        return self._key.sign(content)


def read_public_key(pem: bytes) -> PublicKey:
    """Read a public key.

    Raises
    ------
    BadInputError
        If it is no Ed25519 public key in PEM.
    """
    return _public(_ed25519(pem))


@dataclass(frozen=True, slots=True)
class HeadKeys:
    """The folder of a home's key pair."""

    folder: Path

    @property
    def private_file(self) -> Path:
        """Where the private key lies."""
        return self.folder / PRIVATE

    def public_file(self, key: PublicKey) -> Path:
        """Where a public key lies."""
        return self.folder / _PUBLIC.replace("*", key.key_id[:16])

    def make(self) -> bool:
        """Make a pair if there is none, and say whether it was made; a key that is there is never written over."""
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        made = False
        if not self.private_file.exists():
            key = Ed25519PrivateKey.generate()
            made = create_secret(
                self.private_file,
                key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()),
            )
        public = self.private().public
        create_secret(self.public_file(public), public.pem)
        return made

    def private(self) -> PrivateKey:
        """Return the key that signs.

        Raises
        ------
        StorageError
            If there is none, or it cannot be used.
        """
        try:
            key = load_pem_private_key(self.private_file.read_bytes(), password=None)
        except FileNotFoundError:
            raise StorageError(
                f"there is no key at {self.private_file} that signs the head of the log; put it back from a "
                "backup, or make a new one: cjp-fraud init"
            ) from None
        except OSError as error:
            raise StorageError(f"the key {self.private_file} cannot be read: {error.strerror}") from error
        except (ValueError, TypeError, UnsupportedAlgorithm) as error:
            raise StorageError(
                f"{self.private_file} is no private key in PEM without a password; put it back from a backup"
            ) from error
        if not isinstance(key, Ed25519PrivateKey):
            raise StorageError(f"{self.private_file} is no Ed25519 key; put it back from a backup")
        return PrivateKey(key)

    def public(self) -> Sequence[PublicKey]:
        """Return the public keys that count: that of the pair, and those of pairs before it.

        Raises
        ------
        StorageError
            If there is none, or one cannot be used.
        """
        keys = []
        for file in sorted(self.folder.glob(_PUBLIC)):
            try:
                keys.append(read_public_key(file.read_bytes()))
            except (OSError, BadInputError) as error:
                raise StorageError(f"the public key {file} cannot be used: {error}") from error
        if not keys:
            raise StorageError(
                f"there is no public key in {self.folder} that the head of the log could be verified with; put "
                "it back from a backup, or run: cjp-fraud init"
            )
        return keys


def _ed25519(pem: bytes) -> Ed25519PublicKey:
    try:
        key = load_pem_public_key(pem)
    except (ValueError, UnsupportedAlgorithm):
        raise BadInputError("it is no public key in PEM (-----BEGIN PUBLIC KEY-----)") from None
    if not isinstance(key, Ed25519PublicKey):
        raise BadInputError("it is no Ed25519 public key")
    return key


def _public(key: Ed25519PublicKey) -> PublicKey:
    return PublicKey(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo))
