"""The file that a bundle travels in: a zip with one possible form, so that no byte of it can change unseen.

Members are stored, not deflated: the same files give the same bytes with any zlib, nothing can swell on
reading, and whoever has no zip tool still finds the documents in clear.
"""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from cjp_fraud.compliance.archive_form import MAX_NAME, Member, differences, is_plain, members_found
from cjp_fraud.errors import BadInputError

MAX_BYTES = 512 * 2**20
"""Largest bundle that is read; a case's evidence is a few megabytes."""

MAX_MEMBERS = 20_000
"""Most files in a bundle that is read."""

_FIXED_TIME = (1980, 1, 1, 0, 0, 0)
_READABLE_BY_ALL = 0o100644 << 16
_UNIX = 3


@dataclass(frozen=True, slots=True)
class Opened:
    """What a container holds, and what is wrong with it; ``files`` is empty where reading is not safe.

    Parameters
    ----------
    crcs : file → CRC-32 that the archive states of it, by which a single changed byte can be found.
    """

    files: Mapping[str, bytes]
    faults: tuple[str, ...]
    crcs: Mapping[str, int] = field(default_factory=dict)


def packed(files: Mapping[str, bytes]) -> bytes:
    """Return the one zip that holds ``files``: sorted names, fixed times and rights, nothing compressed.

    Raises
    ------
    BadInputError
        If a name is not plain ASCII (letters, digits, ``._-``, folders by ``/``), or all is too large.
    """
    bad = sorted(name for name in files if not is_plain(name))
    if bad:
        raise BadInputError(f"a bundle cannot hold files of these names: {', '.join(map(repr, bad))}")
    total = sum(len(content) for content in files.values())
    if total > MAX_BYTES or len(files) > MAX_MEMBERS:
        raise BadInputError(
            f"the bundle would hold {len(files)} files of {total} bytes; at most {MAX_MEMBERS} files of "
            f"{MAX_BYTES} bytes can be verified"
        )
    return _zipped([(name, files[name]) for name in sorted(files)])


def opened(container: bytes) -> Opened:
    """Read a container and say everything that is wrong with its form, and where.

    Nothing is written to a disk and nothing is decompressed; the form is proved by packing the files again.
    """
    if len(container) > MAX_BYTES + MAX_MEMBERS * 1024:
        return Opened({}, (f"the file is larger than {MAX_BYTES} bytes; no bundle of ours is",))
    readings = members_found(container)
    if not readings:
        return Opened(
            {}, ("the file is not a whole zip archive; it was cut off, or is no bundle: nothing was read",)
        )
    best: tuple[int, Opened] | None = None
    for members in readings:
        read = _judged(container, members)
        if not read.faults:
            return read
        changed = sum(zlib.crc32(content) != read.crcs[name] for name, content in read.files.items())
        rank = len(read.faults) + changed if read.files else MAX_MEMBERS
        if best is None or rank < best[0]:
            best = (rank, read)
    assert best is not None
    return best[1]


def _judged(container: bytes, members: Sequence[Member]) -> Opened:
    """Return one reading of the container with what is wrong with it."""
    refusals = _unsafe(members)
    if refusals:
        return Opened({}, tuple(refusals))
    files = {member.name: member.content for member in members}
    crcs = {member.name: member.crc for member in members}
    expected = packed(files)
    if expected == container:
        return Opened(files, (), crcs)
    order = [member.name for member in members]
    faults = []
    if order != sorted(order):
        moved = next(name for name, right in zip(order, sorted(order), strict=True) if name != right)
        faults.append(f"{moved}: does not stand where it stood at the export; the files are in another order")
        expected = _zipped([(member.name, member.content) for member in members])
    return Opened(files, (*faults, *differences(container, expected, members)), crcs)


def _zipped(files: Iterable[tuple[str, bytes]]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as archive:
        for name, content in files:
            member = zipfile.ZipInfo(name, _FIXED_TIME)
            member.external_attr = _READABLE_BY_ALL
            member.create_system = _UNIX
            archive.writestr(member, content)
    return out.getvalue()


def _unsafe(members: Sequence[Member]) -> list[str]:
    """Return why a reading is not safe to use: strange or repeated names, compression, too much of it."""
    if len(members) > MAX_MEMBERS:
        return [f"the archive holds {len(members)} files; no bundle holds more than {MAX_MEMBERS}"]
    faults = []
    names: set[str] = set()
    for member in members:
        if not is_plain(member.name):
            faults.append(f"{member.name[:MAX_NAME]!r}: not a name that a bundle uses; nothing was read")
        if member.name in names:
            faults.append(f"{member.name}: stands in the archive more than once; nothing was read")
        names.add(member.name)
        if member.compressed:
            faults.append(
                f"{member.name}: is compressed, encrypted or not whole; a bundle's files are stored as they are: "
                "nothing was read"
            )
    return faults
