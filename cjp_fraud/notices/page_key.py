"""The key of the notice page: of the settings, or a file in the home that is made when it is first asked for."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from cjp_fraud.config import Settings
from cjp_fraud.errors import BadInputError, StorageError
from cjp_fraud.notices.page_links import SHORTEST_KEY, PageKey, PageLinks
from cjp_fraud.storage.whole_files import kept_secret, new_hex_key

_FILE: Final = "notice-page.key"


def page_links(settings: Settings) -> PageLinks | None:
    """Return how links to the notice page are written; None: no customer can reach it (``CJP_FRAUD_PUBLIC_URL``)."""
    if settings.public_url is None:
        return None
    days = max(settings.notice_page_days, settings.dispute_days)
    return PageLinks(page_key(settings), settings.public_url, timedelta(days=days))


def page_key(settings: Settings) -> PageKey:
    """Return the key in force; where there is none, one is made in the home, once, even by two processes at a time.

    Several machines with one database need the same key, so they share the home or set it
    (``CJP_FRAUD_NOTICE_PAGE_KEY``). Without the key, links that were sent open nothing any more.

    Raises
    ------
    StorageError
        If the file is no key.
    """
    if settings.notice_page_key is not None:
        return PageKey(bytes.fromhex(settings.notice_page_key.get_secret_value()))
    file = settings.key_folder / _FILE
    try:
        return PageKey(bytes.fromhex(kept_secret(file, lambda: new_hex_key(SHORTEST_KEY)).decode("ascii")))
    except (ValueError, BadInputError):
        raise StorageError(
            f"{file} is no key: it holds {2 * SHORTEST_KEY} hex digits. Put it back from the backup, or remove it; "
            "then a new one is made, and links to notices sent before open nothing any more"
        ) from None


def client_digest(settings: Settings, client: str) -> str:
    """Return what stands on record in the place of a visitor's network address: a keyed digest, hex digits."""
    return page_key(settings).code_of("client", client).hex()
