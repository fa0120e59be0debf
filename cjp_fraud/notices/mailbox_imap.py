"""Take what came back out of an IMAP mailbox (RFC 3501), which is opened to be read only: nothing in it changes.

The standard library's ``imaplib`` suffices: one folder, messages by their UID, whole.
"""

from __future__ import annotations

import imaplib
import json
import re
import ssl
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from cjp_fraud.config import Settings
from cjp_fraud.config_mail import ImapSecurity
from cjp_fraud.digests import sha256_hex
from cjp_fraud.errors import StorageError
from cjp_fraud.notices.inbound_folders import InboundFolders, write_durably

_OK: Final = "OK"


@dataclass(frozen=True, slots=True)
class ImapMailbox:
    """A folder of a mailbox, and as whom it is read.

    Parameters
    ----------
    tls_context : trust; None: the system's.
    """

    host: str
    port: int
    user: str
    password: str = field(repr=False)
    folder: str = "INBOX"
    security: ImapSecurity = ImapSecurity.TLS
    timeout_seconds: float = 30.0
    tls_context: ssl.SSLContext | None = field(default=None, repr=False)

    @property
    def name(self) -> str:
        """What it is called in errors and notes."""
        return f"imap://{self.user}@{self.host}:{self.port}/{self.folder}"


def imap_mailbox(settings: Settings) -> ImapMailbox | None:
    """Return the mailbox of the settings; None: they name none."""
    if settings.imap_host is None:
        return None
    return ImapMailbox(
        host=settings.imap_host,
        port=settings.imap_port,
        user=settings.imap_user or "",
        password=settings.imap_password.get_secret_value() if settings.imap_password else "",
        folder=settings.imap_folder,
        security=settings.imap_security,
        timeout_seconds=settings.imap_timeout_seconds,
    )


def take_from_imap(mailbox: ImapMailbox, folders: InboundFolders) -> int:
    """Copy the messages that were not taken before; return how many are new.

    What was taken is noted by UID, which only grows while the folder's UIDVALIDITY stands. A kill before the note is
    harmless, and so is a folder that was made anew: the same bytes count once.

    Raises
    ------
    StorageError
        If the server cannot be reached, refuses, or breaks off; what was taken until then stays.
    """
    ledger = folders.ledgers / f"imap-{sha256_hex(mailbox.name.encode())[:16]}.json"
    new = 0
    try:
        with _opened(mailbox) as imap:
            validity = _number(imap.response("UIDVALIDITY")[1])
            last = _last_taken(ledger, validity)
            try:
                for uid in _uids_after(imap, last):
                    new += folders.take(_message(imap, uid))
                    last = uid
            finally:
                write_durably(ledger, json.dumps({"uid_validity": validity, "last_uid": last}).encode())
    except (imaplib.IMAP4.error, OSError) as error:
        raise StorageError(
            f"the mailbox {mailbox.name} cannot be read: {error}; its settings are CJP_FRAUD_IMAP_..."
        ) from error
    return new


@contextmanager
def _opened(mailbox: ImapMailbox) -> Iterator[imaplib.IMAP4]:
    """Connect, protect the connection, log in and open the folder to be read only."""
    context = mailbox.tls_context or ssl.create_default_context()
    imap: imaplib.IMAP4
    if mailbox.security is ImapSecurity.TLS:
        imap = imaplib.IMAP4_SSL(
            mailbox.host, mailbox.port, ssl_context=context, timeout=mailbox.timeout_seconds
        )
    else:
        imap = imaplib.IMAP4(mailbox.host, mailbox.port, timeout=mailbox.timeout_seconds)
    try:
        if mailbox.security is ImapSecurity.STARTTLS:
            imap.starttls(context)
        imap.login(mailbox.user, mailbox.password)
        quoted = mailbox.folder.replace("\\", "\\\\").replace('"', '\\"')
        _require(imap.select(f'"{quoted}"', readonly=True), f"no folder {mailbox.folder!r}")
        yield imap
    finally:
        with suppress(imaplib.IMAP4.error, OSError):  # a line that broke before cannot be ended politely
            imap.logout()


def _uids_after(imap: imaplib.IMAP4, last: int) -> list[int]:
    """Return the UIDs after ``last``, in order; the range ``n:*`` always holds the newest, so it is sieved."""
    answer = _require(imap.uid("SEARCH", "UID", f"{last + 1}:*"), "the search failed")
    numbers = [int(number) for part in answer if isinstance(part, bytes) for number in part.split()]
    return sorted(number for number in numbers if number > last)


def _message(imap: imaplib.IMAP4, uid: int) -> bytes:
    answer = _require(imap.uid("FETCH", str(uid), "(BODY.PEEK[])"), f"message {uid} was not handed out")
    for part in answer:
        if isinstance(part, tuple) and len(part) > 1 and isinstance(part[1], bytes):
            return part[1]
    raise imaplib.IMAP4.error(f"message {uid} came without content")


def _require(response: tuple[str, Sequence[object]], what: str) -> Sequence[object]:
    kind, answer = response
    if kind != _OK:
        raise imaplib.IMAP4.error(f"{what}: {answer}")
    return answer


def _number(answer: Sequence[object]) -> int:
    match = re.search(rb"\d+", answer[0]) if answer and isinstance(answer[0], bytes) else None
    if match is None:
        raise imaplib.IMAP4.error("the server names no UIDVALIDITY")
    return int(match[0])


def _last_taken(ledger: Path, validity: int) -> int:
    try:
        noted = json.loads(ledger.read_text(encoding="utf-8"))
        return int(noted["last_uid"]) if noted["uid_validity"] == validity else 0
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        return 0  # lost: all is read again, and counts once
