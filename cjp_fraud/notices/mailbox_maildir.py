"""Take what came back out of a Maildir: copied, not moved, so that the mailbox stays as people and programs know it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Final

from cjp_fraud.digests import sha256_hex
from cjp_fraud.errors import StorageError
from cjp_fraud.notices.inbound_folders import InboundFolders, write_durably

_FOLDERS: Final = ("new", "cur")


def take_from_maildir(maildir: Path, folders: InboundFolders) -> int:
    """Copy the messages of ``new/`` and ``cur/`` that were not taken before; return how many are new.

    What was taken is noted by the part of the name that never changes, so that a run reads only what is new. A kill
    before the note is harmless: the same bytes count once.

    Raises
    ------
    StorageError
        If it is no Maildir; or, once all others are taken, if a message cannot be read, which is tried again.
    """
    if not all((maildir / name).is_dir() for name in _FOLDERS):
        raise StorageError(
            f"{maildir} is no Maildir: it has no folders new/ and cur/ (CJP_FRAUD_BOUNCE_MAILDIR)"
        )
    ledger = folders.ledgers / f"maildir-{sha256_hex(str(maildir.resolve()).encode())[:16]}.json"
    taken_before = _noted(ledger)
    present: set[str] = set()
    unread: list[str] = []
    new = 0
    try:
        for file in _messages(maildir):
            name = file.name.partition(":")[0]
            if name not in taken_before:
                try:
                    new += folders.take(file.read_bytes())
                except FileNotFoundError:
                    continue  # another program renamed it just now; the next run finds it
                except OSError as error:
                    unread.append(f"{file}: {error.strerror}")
                    continue
            present.add(name)
    finally:
        write_durably(
            ledger, json.dumps({"taken": sorted(present | _still_there(taken_before, maildir))}).encode()
        )
    if unread:
        raise StorageError(f"messages that came back cannot be read: {'; '.join(unread)}")
    return new


def _messages(maildir: Path) -> list[Path]:
    """Return the messages, those that nobody has looked at first."""
    files = [file for name in _FOLDERS for file in sorted((maildir / name).iterdir())]
    return [file for file in files if not file.name.startswith(".") and file.is_file()]


def _still_there(names: set[str], maildir: Path) -> set[str]:
    """Return the names of messages that are still in the mailbox: the note grows no longer than the mailbox."""
    return names & {file.name.partition(":")[0] for file in _messages(maildir)}


def _noted(ledger: Path) -> set[str]:
    try:
        return set(json.loads(ledger.read_text(encoding="utf-8"))["taken"])
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        return set()  # lost: all is read again, and counts once
