"""The bytes of a zip archive, place by place: which file and which field a byte belongs to (APPNOTE.TXT, 4.3).

It reads what damaged archives still hold: once by the directory at their end, once from their beginning on.
"""

from __future__ import annotations

import re
import struct
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

MAX_NAME: Final = 200
"""Longest name of a file, characters."""

_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*(/[A-Za-z0-9][A-Za-z0-9._-]*)*")
_LOCAL, _CENTRAL, _END = b"PK\x03\x04", b"PK\x01\x02", b"PK\x05\x06"
_MOST_SENTENCES: Final = 20

_LOCAL_FIELDS: Final = (
    *(("signature", 4), ("version needed", 2), ("flags", 2), ("method", 2), ("time", 2), ("date", 2)),
    *(
        ("CRC-32", 4),
        ("stored size", 4),
        ("size", 4),
        ("length of the name", 2),
        ("length of the extra field", 2),
    ),
)
_CENTRAL_FIELDS: Final = (
    *(("signature", 4), ("version made by", 2), ("version needed", 2), ("flags", 2), ("method", 2)),
    *(("time", 2), ("date", 2), ("CRC-32", 4), ("stored size", 4), ("size", 4), ("length of the name", 2)),
    *(("length of the extra field", 2), ("length of the comment", 2), ("disk", 2)),
    *(("internal attributes", 2), ("external attributes", 4), ("place of the file", 4)),
)
_END_FIELDS: Final = (
    *(
        ("signature", 4),
        ("disk", 2),
        ("disk of the directory", 2),
        ("entries on the disk", 2),
        ("entries", 2),
    ),
    *(("size of the directory", 4), ("place of the directory", 4), ("length of the comment", 2)),
)
_LOCAL_SIZE, _CENTRAL_SIZE, _END_SIZE = 30, 46, 22


@dataclass(frozen=True, slots=True)
class Member:
    """A file in an archive as one reading finds it.

    Parameters
    ----------
    crc : CRC-32 that the archive states.
    compressed : it is not simply stored, or not all of it is there.
    """

    name: str
    content: bytes
    crc: int
    compressed: bool


def is_plain(name: str) -> bool:
    """Whether a name is one that a bundle uses."""
    return _NAME.fullmatch(name) is not None and len(name) <= MAX_NAME


def members_found(container: bytes) -> list[list[Member]]:
    """Return the files of an archive as its directory lists them, and as they stand from its beginning on.

    A reading that finds nothing is left out: none means that it is no archive.
    """
    return [found for found in (_by_directory(container), _from_the_beginning(container)) if found]


def differences(container: bytes, expected: bytes, members: Sequence[Member]) -> list[str]:
    """Return where an archive is not as ``expected``, which holds the same files in the same order.

    Returns
    -------
    A sentence a place, at least one where the two differ; at most twenty.
    """
    if container == expected:
        return []
    changed = [
        f"{member.name}: its content has the CRC-32 {zlib.crc32(member.content):08x}, the archive says "
        f"{member.crc:08x}; the content was changed"
        for member in members
        if zlib.crc32(member.content) != member.crc
    ]
    if len(container) != len(expected):
        return [*changed, _other_length(container, expected, members)]
    of_content = {member.name for member in members if zlib.crc32(member.content) != member.crc}
    faults = []
    for start, end, name, what in _places(members):
        if container[start:end] == expected[start:end]:
            continue
        if what == "CRC-32" and name in of_content and container[start:end] == _stated(members, name):
            continue
        faults.append(
            f"{name or 'the archive'}: {what} at byte {start} is {container[start:end].hex()} and was "
            f"{expected[start:end].hex()}"
        )
    return [*changed, *faults][:_MOST_SENTENCES]


def _stated(members: Sequence[Member], name: str) -> bytes:
    return next(struct.pack("<I", member.crc) for member in members if member.name == name)


def _other_length(container: bytes, expected: bytes, members: Sequence[Member]) -> str:
    """Say how an archive is longer or shorter than it was, and where it begins to be."""
    more = len(container) - len(expected)
    how = f"{abs(more)} {'byte' if abs(more) == 1 else 'bytes'} {'too long' if more > 0 else 'too short'}"
    first = next(
        (place for place, (one, other) in enumerate(zip(container, expected, strict=False)) if one != other),
        min(len(container), len(expected)),
    )
    if first >= len(expected):
        return f"the archive is {how}: bytes stand behind its end, from byte {first} on"
    if more > 0 and container.endswith(expected):
        return f"the archive is {how}: bytes stand before its beginning"
    place = next(
        (
            f"{name or 'the archive'}, {what}"
            for start, end, name, what in _places(members)
            if start <= first < end
        ),
        "its end",
    )
    return f"the archive is not as it was exported: it is {how}; it differs from byte {first} on ({place})"


def _places(members: Sequence[Member]) -> Iterator[tuple[int, int, str, str]]:
    """Yield the places of an archive of these files in its one form: start, end, file (empty: none), what it is."""
    at = 0
    for member in members:
        yield from _fields(at, _LOCAL_FIELDS, member.name, "in its header")
        at += _LOCAL_SIZE
        yield at, at + len(member.name), member.name, "its name in its header"
        at += len(member.name)
        yield at, at + len(member.content), member.name, "its content"
        at += len(member.content)
    for member in members:
        yield from _fields(at, _CENTRAL_FIELDS, member.name, "in the directory")
        at += _CENTRAL_SIZE
        yield at, at + len(member.name), member.name, "its name in the directory"
        at += len(member.name)
    yield from _fields(at, _END_FIELDS, "", "at its end")


def _fields(
    at: int, fields: Sequence[tuple[str, int]], name: str, where: str
) -> Iterator[tuple[int, int, str, str]]:
    for what, size in fields:
        yield at, at + size, name, "CRC-32" if what == "CRC-32" else f"{what} {where}"
        at += size


def _by_directory(container: bytes) -> list[Member]:
    """Return what the directory at the archive's end lists; empty where it cannot be followed."""
    end = container.rfind(_END)
    if end < 0 or len(container) < end + _END_SIZE:
        return []
    count, length, listed_at = struct.unpack("<HII", container[end + 10 : end + 20])
    at = end - length if end - length >= 0 else listed_at
    before = max(at - listed_at, 0)  # bytes that somebody put before the archive move every place
    if container[at : at + 4] != _CENTRAL:
        at, before = listed_at, 0
    members = []
    for _ in range(count):
        head = container[at : at + _CENTRAL_SIZE]
        if len(head) < _CENTRAL_SIZE or head[:4] != _CENTRAL:
            return []
        flags, method = struct.unpack("<HH", head[8:12])
        crc, stored, size, named, extra, comment = struct.unpack("<IIIHHH", head[16:34])
        (place,) = struct.unpack("<I", head[42:46])
        name = container[at + _CENTRAL_SIZE : at + _CENTRAL_SIZE + named].decode("ascii", "replace")
        at += _CENTRAL_SIZE + named + extra + comment
        start = before + place + _LOCAL_SIZE + named  # a header that was damaged does not say where it ends
        content = container[start : start + stored]
        whole = len(content) == stored == size and not method and not flags & 1
        members.append(Member(name, content, crc, compressed=not whole))
    return members


def _from_the_beginning(container: bytes) -> list[Member]:
    """Return the files as they stand one behind the other; a damaged header is passed over by its neighbour's."""
    starts = []
    at = 0
    while container[at : at + 4] == _LOCAL and len(container) >= at + _LOCAL_SIZE:
        starts.append(at)
        stored, named, extra = _lengths(container, at)
        at += _LOCAL_SIZE + named + extra + stored
    members = []
    for start, _ in pairwise([*starts, at]):
        flags, method = struct.unpack("<HH", container[start + 6 : start + 10])
        crc, stored, size = struct.unpack("<III", container[start + 14 : start + 26])
        _, named, extra = _lengths(container, start)
        name = container[start + _LOCAL_SIZE : start + _LOCAL_SIZE + named].decode("ascii", "replace")
        begins = start + _LOCAL_SIZE + named + extra
        content = container[begins : begins + stored]
        whole = len(content) == stored == size and not method and not flags & 1
        members.append(Member(name, content, crc, compressed=not whole))
    return members


def _lengths(container: bytes, start: int) -> tuple[int, int, int]:
    """Return how long the content, the name and the extra field behind a local header are."""
    (stored,) = struct.unpack("<I", container[start + 18 : start + 22])
    named, extra = struct.unpack("<HH", container[start + 26 : start + 30])
    return stored, named, extra
