"""Which files may be attached to a case: their names, sizes and kinds, told by their content; a pure rule."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final, Self

from cjp_fraud.digests import sha256_hex
from cjp_fraud.errors import BadInputError

if TYPE_CHECKING:
    from cjp_fraud.config import Settings

_MEGABYTE: Final = 2**20
_LONGEST_NAME: Final = 120
"""Characters of a name: with its four bytes a character at most, and an ending, every file system takes it."""

_UNSHOWN: Final = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
"""Unicode categories of signs that are not seen, or that turn the direction of what is: ``gpj.exe`` for ``exe.jpg``."""


class AttachmentKind(StrEnum):
    """What a file is, by its first bytes; of a text, by all of them."""

    PDF = "pdf"
    IMAGE = "image"
    AUDIO = "audio"
    CAPTURE = "capture"
    """Packets of a network (pcap, pcapng)."""
    ARCHIVE = "archive"
    """Compressed files, and documents of office programs, which are archives too."""
    TEXT = "text"


@dataclass(frozen=True, slots=True)
class _Format:
    """A format of files: how its bytes begin, and how its names end."""

    kind: AttachmentKind
    begins: re.Pattern[bytes]
    endings: frozenset[str]


def _format(kind: AttachmentKind, begins: bytes, *endings: str) -> _Format:
    return _Format(kind, re.compile(begins, re.DOTALL), frozenset(endings))


_FORMATS: Final = (
    _format(AttachmentKind.PDF, rb"%PDF-", "pdf"),
    _format(AttachmentKind.IMAGE, rb"\x89PNG\r\n\x1a\n", "png"),
    _format(AttachmentKind.IMAGE, rb"\xff\xd8\xff", "jpg", "jpeg"),
    _format(AttachmentKind.IMAGE, rb"GIF8[79]a", "gif"),
    _format(AttachmentKind.IMAGE, rb"RIFF.{4}WEBP", "webp"),
    _format(AttachmentKind.AUDIO, rb"RIFF.{4}WAVE", "wav"),
    _format(AttachmentKind.AUDIO, rb"ID3|\xff[\xf2\xf3\xfb]", "mp3"),
    _format(AttachmentKind.AUDIO, rb"OggS", "ogg", "opus"),
    _format(AttachmentKind.CAPTURE, rb"\xa1\xb2[\xc3\x3c][\xd4\x4d]|[\xd4\x4d][\xc3\x3c]\xb2\xa1", "pcap"),
    _format(AttachmentKind.CAPTURE, rb"\n\r\r\n", "pcapng"),
    _format(AttachmentKind.ARCHIVE, rb"PK\x03\x04", "zip", "docx", "xlsx", "pptx", "odt", "ods", "odp"),
    _format(AttachmentKind.ARCHIVE, rb"\x1f\x8b", "gz"),
)
_TEXT: Final = _format(
    AttachmentKind.TEXT,
    rb"(?!#!)[^\x00-\x08\x0b\x0e-\x1f\x7f]+\Z",  # no control character, and no script that a shell would run
    *("txt", "csv", "tsv", "json", "jsonl", "log", "md", "eml"),
)


@dataclass(frozen=True, slots=True)
class AttachmentPolicy:
    """The provider's settings on files: how large one may be, bytes, and how many a case may have."""

    most_bytes: int = 10 * _MEGABYTE
    most_of_a_case: int = 20

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """Return the policy that the settings describe."""
        return cls(settings.attachment_megabytes * _MEGABYTE, settings.attachments_per_case)


@dataclass(frozen=True, slots=True)
class CheckedFile:
    """A file that may be attached; ``name`` is a plain one, without folders."""

    name: str
    content: bytes
    kind: AttachmentKind
    sha256: str


def checked_file(name: str, content: bytes, policy: AttachmentPolicy) -> CheckedFile:
    """Return a file as it may be attached.

    Parameters
    ----------
    name : as its sender calls it; folders in it are left out.

    Raises
    ------
    BadInputError
        If it is empty or too large, of none of the kinds that are taken, or its name does not fit; says which fit.
    """
    plain = plain_name(name)
    if not content:
        raise BadInputError(f"{plain} is empty; attach the file itself")
    require_size(len(content), policy)
    found = next((each for each in (*_FORMATS, _TEXT) if each.begins.match(content)), None)
    if found is None:
        raise BadInputError(
            f"{plain} is of no kind that is taken: PDF, PNG, JPEG, GIF, WebP, WAV, MP3, Ogg, pcap, zip, gzip, office "
            "documents and plain text are; no programs"
        )
    ending = plain.rpartition(".")[2].lower()
    if ending not in found.endings:
        fitting = ", ".join(f".{each}" for each in sorted(found.endings))
        raise BadInputError(
            f"{plain} holds {found.kind} by its content, and such a name ends with {fitting}; rename the file"
        )
    return CheckedFile(plain, content, found.kind, sha256_hex(content))


def require_size(size: int, policy: AttachmentPolicy) -> None:
    """Refuse a file that is larger than the settings allow; ``size`` in bytes.

    Raises
    ------
    BadInputError
        Says how large one may be.
    """
    if size > policy.most_bytes:
        raise BadInputError(
            f"the file is larger than {policy.most_bytes // _MEGABYTE} MB (CJP_FRAUD_ATTACHMENT_MEGABYTES); attach the "
            "part that the case rests on"
        )


def plain_name(name: str) -> str:
    """Return a file's name without folders, in Unicode's form NFC.

    Raises
    ------
    BadInputError
        If nothing is left, it is too long, begins with a dot, or holds a sign that is not seen; the sign is named by
        its number.
    """
    plain = unicodedata.normalize("NFC", re.split(r"[/\\]", name)[-1].strip())
    for place, sign in enumerate(plain, start=1):
        if unicodedata.category(sign) in _UNSHOWN:
            raise BadInputError(
                f"character {place} of the file's name is U+{ord(sign):04X}, which nobody sees; rename the file"
            )
    if not plain or plain.startswith("."):
        raise BadInputError("the file has no name, or one that begins with a dot; rename it")
    if len(plain) > _LONGEST_NAME:
        raise BadInputError(
            f"the file's name has {len(plain)} characters; {_LONGEST_NAME} at most: rename it"
        )
    return plain
