"""The key that encrypts second factors: a file in the home, made when it is first asked for."""

from __future__ import annotations

from typing import Final

from cryptography.fernet import Fernet, InvalidToken

from cjp_fraud.config import Settings
from cjp_fraud.errors import StorageError
from cjp_fraud.storage.whole_files import kept_secret

_FILE: Final = "accounts.key"


def account_key(settings: Settings) -> Fernet:
    """Return the key in force; where there is none, one is made, once, even by two processes at a time.

    Who reads the database alone, or a backup of it, learns no second factor.

    Raises
    ------
    StorageError
        If the file is no key.
    """
    file = settings.key_folder / _FILE
    try:
        return Fernet(kept_secret(file, lambda: Fernet.generate_key() + b"\n"))
    except ValueError:
        raise StorageError(
            f"{file} is no key of accounts. Put it back from the backup, or remove it; then a new one is made, and "
            "everybody is invited anew (cjp-fraud users invite NAME)"
        ) from None


def encrypted(key: Fernet, secret: str) -> str:
    """Return a secret as it is kept."""
    return key.encrypt(secret.encode("ascii")).decode("ascii")


def decrypted(key: Fernet, kept: str) -> str:
    """Return a secret that was kept.

    Raises
    ------
    StorageError
        If it was kept by another key.
    """
    try:
        return key.decrypt(kept.encode("ascii")).decode("ascii")
    except InvalidToken:
        raise StorageError(
            "a second factor was kept by another key than the one in the home (keys/accounts.key); put that one back, "
            "or invite the user anew (cjp-fraud users invite NAME)"
        ) from None
