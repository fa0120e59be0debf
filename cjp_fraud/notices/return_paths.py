"""Keyed return paths: an address that only we can make, of one attempt alone, and only for a while; a pure rule.

A bounce is as easily forged as any mail (RFC 3464, section 4.1). What a forger cannot do is write to an address that he
has never seen and cannot compute. So each attempt sends from an address whose local part carries the attempt, the day
on which it expires, and a keyed digest of both (HMAC, RFC 2104). It is checked with the key alone; the row of the
attempt confirms it. It is in base 32, so that it survives servers that change capitals, and it is found inside what
forwarders make of it (BATV ``prvs=...=``, SRS ``SRS0=...=``), whatever they put for ``+`` and ``=``.
"""

from __future__ import annotations

import hmac
import re
from base64 import b32decode, b32encode
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from hashlib import sha256
from typing import Final
from uuid import UUID

from cjp_fraud.clock import aware
from cjp_fraud.errors import BadInputError

LIFE: Final = timedelta(days=60)
"""How long a return path is taken: servers try for 5 days, some hold mail for 30."""

_PREFIX: Final = "b+"
_FIRST_DAY: Final = date(2000, 1, 1)
_ID_BYTES: Final = 16
_DAY_BYTES: Final = 2
_DIGEST_BYTES: Final = 10
_TOKEN: Final = -(-(_ID_BYTES + _DAY_BYTES + _DIGEST_BYTES) * 8 // 5)
_RUN: Final = re.compile(rf"[a-z2-7]{{{_TOKEN},64}}")
_CONTEXT: Final = b"cjp-fraud return path 1\x00"
SHORTEST_KEY: Final = 32
"""Bytes of a key at least."""


@dataclass(frozen=True, slots=True)
class ReturnPath:
    """What a return path of ours says.

    Parameters
    ----------
    expires_on : the last day (UTC) on which it is taken.
    """

    attempt_id: str
    expires_on: date

    def expired(self, at: datetime) -> bool:
        """Whether it is taken no longer at ``at`` (aware)."""
        return aware(at).astimezone(UTC).date() > self.expires_on


@dataclass(frozen=True, slots=True)
class ReturnPathKey:
    """The key of a deployment's return paths.

    Parameters
    ----------
    secret : at least 32 bytes.

    Raises
    ------
    BadInputError
        If the secret is shorter.
    """

    secret: bytes = field(repr=False)

    def __post_init__(self) -> None:
        if len(self.secret) < SHORTEST_KEY:
            raise BadInputError(
                f"the key of the return paths has {len(self.secret)} bytes; it needs {SHORTEST_KEY} at least"
            )

    def issue(self, attempt_id: str, at: datetime) -> str:
        """Return the local part of an attempt's return path, which expires 60 days after ``at`` (aware).

        Parameters
        ----------
        attempt_id : a UUID; an attempt is of one notice and of one recipient.
        """
        last_day = (aware(at).astimezone(UTC) + LIFE).date()
        said = UUID(attempt_id).bytes + (last_day - _FIRST_DAY).days.to_bytes(_DAY_BYTES, "big")
        token = b32encode(said + self._digest(said)).decode().rstrip("=").lower()
        return f"{_PREFIX}{token}"

    def read(self, address: str) -> ReturnPath | None:
        """Return what an address says, whatever forwarders made of it; None: this key did not make it."""
        for run in _RUN.findall(address.lower()):
            for start in range(len(run) - _TOKEN + 1):
                found = self._read_token(run[start : start + _TOKEN])
                if found is not None:
                    return found
        return None

    def _read_token(self, token: str) -> ReturnPath | None:
        content = b32decode(token.upper() + "=" * (-len(token) % 8))
        said, digest = content[:-_DIGEST_BYTES], content[-_DIGEST_BYTES:]
        if not hmac.compare_digest(digest, self._digest(said)):
            return None
        days = int.from_bytes(said[_ID_BYTES:], "big")
        return ReturnPath(str(UUID(bytes=said[:_ID_BYTES])), _FIRST_DAY + timedelta(days=days))

    def _digest(self, said: bytes) -> bytes:
        return hmac.new(self.secret, _CONTEXT + said, sha256).digest()[:_DIGEST_BYTES]
