"""How a letter names a user, a credential or a key: as the customer knows it, and no secret whole.

Whoever reads the customer's mail learns which access is suspended, which its holder notices anyway, and nothing that
opens anything: what looks like a key or a digest is named by its last characters alone.
"""

from __future__ import annotations

import re
from typing import Final

LAST_CHARACTERS: Final = 4
"""How many of a secret's characters are told; always less than half of them."""

_LONGEST_NAME: Final = 64
_SAYS_SO: Final = re.compile(
    r"secret|token|passw|passphrase|api.?key|hash|bearer|private|^(sk|pk|rk)[-_]", re.I
)
_MAIL_OR_SIP: Final = re.compile(r"(?:sips?:|tel:|mailto:)?[^\s@:/]+@[^\s@:/]+", re.I)
_KEY: Final = re.compile(r"[A-Za-z0-9+/=_.~-]{16,}")
_HEX: Final = re.compile(r"[0-9a-f]{16,}", re.I)
_RUN: Final = re.compile(r"[A-Za-z0-9+/=]{16,}")


def is_secret(principal_id: str) -> bool:
    """Whether an identifier looks like a key, a token or a digest, and not like a name that people use.

    A name is short, or is an address; a key is a long run of letters and digits mixed, or says that it is one.
    """
    if len(principal_id) > _LONGEST_NAME or _SAYS_SO.search(principal_id):
        return True
    if _MAIL_OR_SIP.fullmatch(principal_id):
        return False
    if _HEX.fullmatch(principal_id.replace("-", "")):
        return True
    run = _RUN.search(principal_id)
    mixed = any(map(str.isdigit, principal_id)) and any(map(str.isalpha, principal_id))
    return _KEY.fullmatch(principal_id) is not None and mixed and run is not None


def last_characters(principal_id: str) -> str:
    """Return the last characters by which its holder tells a secret from others."""
    return (
        principal_id[-min(LAST_CHARACTERS, (len(principal_id) - 1) // 2) :] if len(principal_id) > 2 else ""
    )
