"""The file that a bundle travels in: a zip with one possible form, so that no byte of it can change unseen.

Members are stored, not deflated: the same files give the same bytes with any zlib, nothing can swell on
reading, and whoever has no zip tool still finds the documents in clear.
"""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass

from cjp_fraud.errors import BadInputError

MAX_BYTES = 512 * 2**20
"""Largest bundle that is read; a case's evidence is a few megabytes."""

MAX_MEMBERS = 20_000
"""Most files in a bundle that is read."""

_FIXED_TIME = (1980, 1, 1, 0, 0, 0)
_READABLE_BY_ALL = 0o100644 << 16
_UNIX = 3
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*(/[A-Za-z0-9][A-Za-z0-9._-]*)*")


@dataclass(frozen=True, slots=True)
class Opened:
    """What a container holds, and what is wrong with it; ``files`` is empty where reading is not safe."""

    files: Mapping[str, bytes]
    faults: tuple[str, ...]


def packed(files: Mapping[str, bytes]) -> bytes:
    """Return the one zip that holds ``files``: sorted names, fixed times and rights, nothing compressed.

    Raises
    ------
    BadInputError
        If a name is not plain ASCII (letters, digits, ``._-``, folders by ``/``), or all is too large.
    """
    bad = sorted(name for name in files if not _is_plain(name))
    if bad:
        raise BadInputError(f"a bundle cannot hold files of these names: {', '.join(map(repr, bad))}")
    total = sum(len(content) for content in files.values())
    if total > MAX_BYTES or len(files) > MAX_MEMBERS:
        raise BadInputError(
            f"the bundle would hold {len(files)} files of {total} bytes; at most {MAX_MEMBERS} files of "
            f"{MAX_BYTES} bytes can be verified"
        )
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as archive:
        for name in sorted(files):
            member = zipfile.ZipInfo(name, _FIXED_TIME)
            member.external_attr = _READABLE_BY_ALL
            member.create_system = _UNIX
            archive.writestr(member, files[name])
    return out.getvalue()


def opened(container: bytes) -> Opened:
    """Read a container and say everything that is wrong with its form.

    Nothing is written to a disk and nothing is decompressed; the form is proved by packing the files again.
    """
    if len(container) > MAX_BYTES + MAX_MEMBERS * 1024:
        return Opened({}, (f"the file is larger than {MAX_BYTES} bytes; no bundle of ours is",))
    try:
        archive = zipfile.ZipFile(io.BytesIO(container))
    except (zipfile.BadZipFile, NotImplementedError, ValueError, OSError) as error:
        return Opened(
            {}, (f"the file is not a whole zip archive ({error}); it was cut off, or is no bundle",)
        )
    with archive:
        refusals = _unsafe(archive.infolist())
        if refusals:
            return Opened({}, tuple(refusals))
        files: dict[str, bytes] = {}
        faults: list[str] = []
        for member in archive.infolist():
            try:
                files[member.filename] = archive.read(member)
            except (
                zipfile.BadZipFile,
                NotImplementedError,
                RuntimeError,
                ValueError,
                OSError,
                EOFError,
            ) as error:
                faults.append(f"{member.filename}: cannot be read ({error})")
    if not faults and packed(files) != container:
        faults.append(
            "the archive is not as it was exported: its files are in another order or form, or bytes stand "
            "between, before or behind them"
        )
    return Opened(files, tuple(faults))


def _unsafe(members: list[zipfile.ZipInfo]) -> list[str]:
    if len(members) > MAX_MEMBERS:
        return [f"the archive holds {len(members)} files; no bundle holds more than {MAX_MEMBERS}"]
    if sum(member.file_size for member in members) > MAX_BYTES:
        return [
            f"the archive's files say that they are larger than {MAX_BYTES} bytes together; nothing was read"
        ]
    faults = []
    names: set[str] = set()
    for member in members:
        if not _is_plain(member.filename) or member.filename != member.orig_filename:
            faults.append(f"{member.orig_filename!r}: not a name that a bundle uses; nothing was read")
        if member.filename in names:
            faults.append(f"{member.filename}: stands in the archive more than once")
        names.add(member.filename)
        if member.compress_type != zipfile.ZIP_STORED or member.compress_size != member.file_size:
            faults.append(
                f"{member.filename}: is compressed or encrypted; a bundle's files are stored as they are"
            )
    return faults


def _is_plain(name: str) -> bool:
    return _NAME.fullmatch(name) is not None and len(name) <= 200
