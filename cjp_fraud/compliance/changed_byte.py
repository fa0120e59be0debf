"""Find the one byte of a file that was changed, from the CRC-32 that the archive states of it.

A CRC is linear: the difference of two CRCs depends only on what was changed and on how far from the end. Walking
back from the end, each byte has exactly one change that would explain it; a digest, where there is one, decides.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import Final

_POLYNOMIAL: Final = 0xEDB88320
_MOST_BYTES: Final = 16 * 2**20
"""Longest file that is looked through: about a second for each megabyte."""


@dataclass(frozen=True, slots=True)
class ChangedByte:
    """One byte that was changed.

    Parameters
    ----------
    place : from 0.
    line : in which line of the file it stands, from 1.
    found, was : its value now and before.
    """

    place: int
    line: int
    found: int
    was: int

    @property
    def words(self) -> str:
        """The change in words."""
        return f"byte {self.place} (in line {self.line}) is {_shown(self.found)} and was {_shown(self.was)}"


def changed_byte(
    content: bytes, stated_crc: int, is_original: Callable[[bytes], bool] | None
) -> ChangedByte | None:
    """Return which single byte of ``content`` was changed since its CRC-32 was ``stated_crc``; None: not one alone.

    Parameters
    ----------
    is_original : whether bytes are the original (by their digest or signature); None: nobody knows, and the answer
        is given only where there is one.
    """
    if zlib.crc32(content) == stated_crc or len(content) > _MOST_BYTES:
        return None
    likely = []
    for place, change in _candidates(len(content), zlib.crc32(content) ^ stated_crc):
        byte = ChangedByte(place, content.count(b"\n", 0, place) + 1, content[place], content[place] ^ change)
        if is_original is None:
            likely.append(byte)
        elif is_original(content[:place] + bytes([byte.was]) + content[place + 1 :]):
            return byte
    return likely[0] if len(likely) == 1 else None


def _candidates(length: int, difference: int) -> Iterator[tuple[int, int]]:
    """Yield places, and the change of the byte there that gives this difference of the CRCs."""
    table, by_value, by_top = _tables()
    state = difference
    for place in range(length - 1, -1, -1):
        change = by_value.get(state)
        if change is not None:
            yield place, change
        # One byte back: the top byte of a state tells which entry of the table made it.
        entry = by_top[state >> 24]
        state = ((state ^ table[entry]) << 8 | entry) & 0xFFFFFFFF


@cache
def _tables() -> tuple[tuple[int, ...], dict[int, int], dict[int, int]]:
    """Return the CRC's table, and its entries by their value and by their top byte."""
    table = []
    for entry in range(256):
        value = entry
        for _ in range(8):
            value = value >> 1 ^ (_POLYNOMIAL if value & 1 else 0)
        table.append(value)
    by_value = {value: entry for entry, value in enumerate(table) if entry}
    return tuple(table), by_value, {value >> 24: entry for entry, value in enumerate(table)}


def _shown(byte: int) -> str:
    character = chr(byte)
    return f"0x{byte:02x}" + (f" '{character}'" if " " < character < "\x7f" else "")
