"""The key of the return paths: of the settings, or a file in the home that is made when it is first asked for."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from cjp_fraud.config import Settings
from cjp_fraud.errors import BadInputError, StorageError
from cjp_fraud.notices.return_paths import SHORTEST_KEY, ReturnPathKey
from cjp_fraud.storage.whole_files import kept_secret, new_hex_key

_FILE: Final = "return-path.key"


def return_path_key(settings: Settings) -> ReturnPathKey:
    """Return the key in force; where there is none, one is made in the home, once, even by two processes at a time.

    Whoever loses the key cannot tell its own bounces any more: they become work items. Several machines with one
    database need the same key, so they set it (``CJP_FRAUD_RETURN_PATH_KEY``).

    Raises
    ------
    StorageError
        If the file is no key.
    """
    return existing_return_path_key(settings) or _read(settings.key_folder / _FILE)


def existing_return_path_key(settings: Settings) -> ReturnPathKey | None:
    """Return the key in force; None: none was made yet. Raises as :func:`return_path_key` does."""
    if settings.return_path_key is not None:
        return ReturnPathKey(bytes.fromhex(settings.return_path_key.get_secret_value()))
    file = settings.key_folder / _FILE
    return _read(file) if file.exists() else None


def _read(file: Path) -> ReturnPathKey:
    """Return the key in a file, which is made where there is none."""
    try:
        return ReturnPathKey(
            bytes.fromhex(kept_secret(file, lambda: new_hex_key(SHORTEST_KEY)).decode("ascii"))
        )
    except (ValueError, BadInputError):
        raise StorageError(
            f"{file} is no key: it holds {2 * SHORTEST_KEY} hex digits. Put it back from the backup, or remove it; "
            "then a new one is made, and bounces of notices sent before are no longer known as ours"
        ) from None
