"""Where mail lies that comes back: what waits, what was recorded, what is of no notice, what could not be used.

Nothing is ever deleted here. A file keeps its bytes, and its name begins with their digest.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from email import message_from_bytes
from hashlib import file_digest
from pathlib import Path
from typing import Final

from cjp_fraud.clock import utc_text
from cjp_fraud.config import Settings
from cjp_fraud.digests import sha256_hex
from cjp_fraud.notices.reports.addresses import from_xtext
from cjp_fraud.storage.whole_files import write_whole

_DIGITS: Final = 16
_REASON: Final = ".reason.json"


@dataclass(frozen=True, slots=True)
class InboundFolders:
    """The folders of what comes back, in one folder of the home."""

    root: Path

    @property
    def incoming(self) -> Path:
        """Waits: the mail server drops it here, or ``collect`` does."""
        return self.root / "incoming"

    @property
    def collected(self) -> Path:
        """Recorded as events of notices."""
        return self.root / "collected"

    @property
    def unmatched(self) -> Path:
        """Of no attempt of ours: anybody can send such mail."""
        return self.root / "unmatched"

    @property
    def aside(self) -> Path:
        """Too large or not to be read; beside each file stands why."""
        return self.root / "aside"

    @property
    def ledgers(self) -> Path:
        """What was taken from which mailbox."""
        return self.root / "taken"

    def waiting(self) -> list[Path]:
        """Return the files that wait, in the order of their names."""
        return sorted(self.incoming.glob("*.eml")) if self.incoming.is_dir() else []

    def take(self, content: bytes) -> bool:
        """Put a message among those that wait, durably; whether it is new: its bytes are in none of the folders."""
        digest = sha256_hex(content)
        file = self.incoming / f"{digest}.eml"
        if file.exists() or self._holds(digest):
            return False
        write_durably(file, content)
        return True

    def move(self, file: Path, folder: Path) -> Path:
        """Move a file that was dealt with, under a name that begins with its digest; return where it lies."""
        folder.mkdir(parents=True, exist_ok=True)
        digest = digest_of(file)
        name = file.name if file.name.startswith(digest[:_DIGITS]) else f"{digest[:_DIGITS]}-{file.name}"
        target = folder / name
        shutil.move(file, target)
        return target

    def set_aside(self, file: Path, why: str, at: datetime) -> None:
        """Move a file that cannot be used, and write beside it why, and its whole digest."""
        target = self.move(file, self.aside)
        reason = {
            "sha256": digest_of(target),
            "bytes": target.stat().st_size,
            "reason": why,
            "at": utc_text(at),
        }
        write_durably(target.with_name(target.name + _REASON), (json.dumps(reason) + "\n").encode())

    def count(self, folder: Path) -> int:
        """Return how many messages lie in a folder."""
        return sum(1 for _ in folder.glob("*.eml")) if folder.is_dir() else 0

    def _holds(self, digest: str) -> bool:
        folders = (self.collected, self.unmatched, self.aside)
        return any(next(folder.glob(f"{digest[:_DIGITS]}*.eml"), None) is not None for folder in folders)


def inbound_folders(settings: Settings) -> InboundFolders:
    """Return the folders of a home."""
    return InboundFolders(settings.home / "mail")


def reports_kept(
    settings: Settings, addresses: Collection[str], digests: Collection[str]
) -> tuple[tuple[Path, ...], tuple[Path, ...]]:
    """Return the files of the mail folders that are about some addresses: those not collected yet, and the others.

    Parameters
    ----------
    addresses : mail addresses that a file names, plainly or in an encoding of mail.
    digests : SHA-256 of files that are meant whatever they name.
    """
    folders = inbound_folders(settings)
    kept = []
    for folder in (folders.incoming, folders.collected, folders.unmatched, folders.aside):
        files = sorted(folder.glob("*")) if folder.is_dir() else []
        kept += [
            file for file in files if file.is_file() and _is_meant(file.read_bytes(), addresses, digests)
        ]
    return (
        tuple(file for file in kept if file.parent == folders.incoming),
        tuple(file for file in kept if file.parent != folders.incoming),
    )


def write_durably(file: Path, content: bytes) -> None:
    """Write a file whole, in a folder that is made where there is none."""
    file.parent.mkdir(parents=True, exist_ok=True)
    write_whole(file, content)


def digest_of(file: Path) -> str:
    """Return the SHA-256 of a file, however large."""
    with file.open("rb") as stream:
        return file_digest(stream, "sha256").hexdigest()


def _is_meant(content: bytes, addresses: Collection[str], digests: Collection[str]) -> bool:
    if sha256_hex(content) in digests:
        return True
    parts = [part.get_payload(decode=True) for part in message_from_bytes(content).walk()]
    texts = [content, *(part for part in parts if isinstance(part, bytes))]
    plain = [from_xtext(text.decode("utf-8", "replace")).lower() for text in texts]
    plain += [text.decode("utf-8", "replace").lower() for text in texts]
    return any(address.lower() in text for address in addresses for text in plain)
