"""Links to the customer's notice page: signed with a key of the deployment, expiring, not to be guessed; a pure rule.

A link names its notice and its end, and is valid only with their authentication code (HMAC-SHA256, RFC 2104). It is
no secret that opens anything: who has it learns that a notice exists, and may ask for a code.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID

from cjp_fraud.clock import aware
from cjp_fraud.errors import BadInputError

SHORTEST_KEY: Final = 32
"""Bytes of a key, at least."""

PATH: Final = "/n/"
"""What stands before the token in a link's path."""

_VERSION: Final = b"\x01"
_CODE_BYTES: Final = 24
_TOKEN: Final = re.compile(r"[A-Za-z0-9_-]{60}")  # 45 bytes: version, id, end, authentication code


@dataclass(frozen=True, slots=True)
class LinkedNotice:
    """What a genuine link names.

    Parameters
    ----------
    expires_at : aware; from then on the link opens nothing.
    """

    notice_id: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class PageKey:
    """The key that signs links, codes and forms of the notice page.

    Parameters
    ----------
    secret : 32 bytes or more.

    Raises
    ------
    BadInputError
        If it is shorter.
    """

    secret: bytes = field(repr=False)

    def __post_init__(self) -> None:
        if len(self.secret) < SHORTEST_KEY:
            raise BadInputError(f"a key of the notice page has {SHORTEST_KEY} bytes or more")

    def code_of(self, purpose: str, *parts: str) -> bytes:
        """Return the authentication code (32 bytes) of texts; one made for another purpose never fits."""
        message = b"".join(
            len(part.encode()).to_bytes(4, "big") + part.encode() for part in (purpose, *parts)
        )
        return hmac.digest(self.secret, message, hashlib.sha256)

    def token(self, notice_id: str, expires_at: datetime) -> str:
        """Return the token of a link: 60 characters that stand in a URL as they are.

        Parameters
        ----------
        notice_id : a UUID.
        expires_at : aware; kept to the second.
        """
        named = _VERSION + UUID(notice_id).bytes + int(aware(expires_at).timestamp()).to_bytes(4, "big")
        return base64.urlsafe_b64encode(named + self._code(named)).decode("ascii")

    def linked(self, token: str) -> LinkedNotice | None:
        """Return what a token names, expired or not; None: it is not one of ours."""
        if _TOKEN.fullmatch(token) is None:
            return None
        raw = base64.urlsafe_b64decode(token)
        named, code = raw[:-_CODE_BYTES], raw[-_CODE_BYTES:]
        if not hmac.compare_digest(code, self._code(named)) or named[:1] != _VERSION:
            return None
        expires_at = datetime.fromtimestamp(int.from_bytes(named[17:], "big"), UTC)
        return LinkedNotice(str(UUID(bytes=named[1:17])), expires_at)

    def _code(self, named: bytes) -> bytes:
        return self.code_of("link", named.hex())[:_CODE_BYTES]


@dataclass(frozen=True, slots=True)
class PageLinks:
    """How links to the notice page are written.

    Parameters
    ----------
    public_url : where customers reach the page, without a slash at its end.
    valid_for : how long a link opens the page, from the letter's date on.
    """

    key: PageKey
    public_url: str
    valid_for: timedelta

    def link(self, notice_id: str, since: datetime) -> str:
        """Return the link to a notice's page, which is valid from ``since`` (aware) for ``valid_for``."""
        return f"{self.public_url}{PATH}{self.key.token(notice_id, aware(since) + self.valid_for)}"
