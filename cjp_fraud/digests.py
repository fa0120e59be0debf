"""Canonical JSON and SHA-256: the one form in which things are hashed, approved and proved."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Collection, Mapping
from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from typing import Any, Final

import rfc8785

from cjp_fraud.clock import utc_text

_PLAIN_ALREADY: Final = frozenset({str, bool, type(None)})
"""Types whose values are JSON as they are; most values are of these."""
_ENCODER: Final = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def canonical_json(document: Any) -> bytes:
    """Return the canonical UTF-8 JSON of ``document`` after RFC 8785.

    Times are written in UTC as ``2026-01-31T09:00:00.000000Z``, dates as ``2026-01-31``, enums as their value,
    decimals as text, sets sorted. Whole numbers from 2^53 on are written as the nearest double: the standard
    knows no others, and PostgreSQL gives a large double back as such a number.

    Raises
    ------
    ValueError
        For NaN or infinity, which have no JSON form.
    NaiveTimeError
        For a time without a zone.
    TypeError
        For a value of any other type.
    """
    special: list[Any] = []
    plain = _plain(document, special)
    # The standard library writes everything but these as the standard says, and six times as fast.
    return rfc8785.dumps(plain) if special else _ENCODER.encode(plain).encode()


def sha256_hex(content: bytes) -> str:
    """Return the SHA-256 of ``content`` as 64 lower-case hex digits."""
    return hashlib.sha256(content).hexdigest()


def sha256_bytes(content: bytes) -> bytes:
    """Return the SHA-256 of ``content`` as its 32 bytes."""
    return hashlib.sha256(content).digest()


def digest(document: Any) -> str:
    """Return the SHA-256 of the canonical JSON of ``document``."""
    return sha256_hex(canonical_json(document))


def _plain(value: Any, special: list[Any]) -> Any:
    """Return ``value`` in JSON's own types; floats, large numbers and keys beyond ASCII go to ``special`` too."""
    if type(value) in _PLAIN_ALREADY:
        return value
    if type(value) is dict:
        return _plain_mapping(value, special)
    if isinstance(value, Enum):
        return _plain(value.value, special)
    if isinstance(value, str):
        return value
    if isinstance(value, int):
        if abs(value) < 2**53:
            return value
        special.append(value)
        return float(value)
    if isinstance(value, float):
        if not math.isfinite(value):
            raise ValueError(f"{value} has no JSON form")
        special.append(value)
        return value
    if isinstance(value, datetime):
        return utc_text(value)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, Mapping):
        return _plain_mapping(value, special)
    if isinstance(value, list | tuple):
        return [_plain(item, special) for item in value]
    if isinstance(value, set | frozenset):
        return sorted(_plain(item, special) for item in value)
    raise TypeError(f"{type(value).__name__} has no canonical form")


def _plain_mapping(document: Mapping[Any, Any], special: list[Any]) -> dict[str, Any]:
    plain = {
        str(key): item if type(item) in _PLAIN_ALREADY else _plain(item, special)
        for key, item in document.items()
    }
    if not "".join(plain).isascii():
        special.extend(key for key in plain if not key.isascii())
    return plain


def digits_needed(identifiers: Collection[str], least: int = 8) -> int:
    """Return to how many characters identifiers may be cut and all stay different; at least ``least``."""
    longest = max(map(len, identifiers), default=least)
    different = len(set(identifiers))
    return next(
        (n for n in range(least, longest) if len({text[:n] for text in identifiers}) == different), longest
    )
