"""Collect what came back: taken from its mailboxes, matched to attempts, weighed, recorded once, kept raw."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from email import message_from_string
from pathlib import Path

from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from cjp_fraud.config import Settings
from cjp_fraud.digests import sha256_hex
from cjp_fraud.errors import StorageError
from cjp_fraud.notices.delivery_record import record_event
from cjp_fraud.notices.inbound_folders import InboundFolders, digest_of, inbound_folders
from cjp_fraud.notices.mailbox_imap import imap_mailbox, take_from_imap
from cjp_fraud.notices.mailbox_maildir import take_from_maildir
from cjp_fraud.notices.model import DeliveryEvidence
from cjp_fraud.notices.report_matching import MatchedAttempt, Trust, match_to_attempt
from cjp_fraud.notices.report_origin import TxtRecords
from cjp_fraud.notices.reports.model import InboundReport, ReportKind
from cjp_fraud.notices.reports.reading import read_message
from cjp_fraud.notices.return_path_key import return_path_key
from cjp_fraud.notices.tables import DeliveryEvent
from cjp_fraud.notices.weighing import weigh
from cjp_fraud.people.model import Actor, Decision, machine
from cjp_fraud.storage.database import transaction
from cjp_fraud.storage.locks import process_lock

COLLECTOR = machine("collect-delivery-events")

LARGEST_BYTES = 4 * 1024 * 1024
"""Larger messages are not read whole (we ask for headers only)."""

_BEGINNING_BYTES = 64 * 1024
"""How much of a message that is too large is read: its headers say to whom it was sent."""


@dataclass(frozen=True, slots=True)
class Collected:
    """What one run of collecting did.

    Parameters
    ----------
    taken : messages that were new in the mailboxes.
    new_events : delivery events that were not on record before.
    for_people : those of them that a person must look at.
    """

    taken: int
    new_events: int
    for_people: int


@dataclass(frozen=True, slots=True)
class _Message:
    """A message as far as it was read.

    Parameters
    ----------
    digest : SHA-256 of the whole.
    unusable : why it is set aside; None: it can be used.
    """

    content: bytes
    digest: str
    report: InboundReport
    unusable: str | None


def collect(
    engine: Engine,
    settings: Settings,
    at: datetime,
    *,
    records: TxtRecords | None = None,
    by: Actor = COLLECTOR,
) -> Collected:
    """Take what is new out of the mailboxes that the settings name, and record what lies there.

    Parameters
    ----------
    at : aware; the events' time. A report's own date is only claimed, so the later moment is taken.
    records : looks up TXT records for DKIM; None: no name server is asked.

    Raises
    ------
    StorageError
        After all that lies there is recorded, if a mailbox or a file could not be read.
    """
    folders = inbound_folders(settings)
    with process_lock(engine, "collect-reports"):
        return _collect(engine, settings, folders, at, records, by)


def unmatched_reports(settings: Settings) -> int:
    """Return how many messages were about no attempt of ours and were moved aside."""
    folders = inbound_folders(settings)
    return folders.count(folders.unmatched)


def reports_aside(settings: Settings) -> int:
    """Return how many messages were too large or could not be read."""
    folders = inbound_folders(settings)
    return folders.count(folders.aside)


def _collect(
    engine: Engine,
    settings: Settings,
    folders: InboundFolders,
    at: datetime,
    records: TxtRecords | None,
    by: Actor,
) -> Collected:
    """Do what :func:`collect` says, while nobody else does."""
    taken = 0
    faults: list[str] = []
    if settings.bounce_maildir is not None:
        try:
            taken += take_from_maildir(settings.bounce_maildir, folders)
        except StorageError as error:
            faults.append(str(error))
    mailbox = imap_mailbox(settings)
    if mailbox is not None:
        try:
            taken += take_from_imap(mailbox, folders)
        except StorageError as error:
            faults.append(str(error))
    new_events, for_people = _record_all(engine, settings, folders, at, records, by, faults)
    if faults:
        raise StorageError("; ".join(faults))
    return Collected(taken, new_events, for_people)


def _record_all(
    engine: Engine,
    settings: Settings,
    folders: InboundFolders,
    at: datetime,
    records: TxtRecords | None,
    by: Actor,
    faults: list[str],
) -> tuple[int, int]:
    """Record every message that waits; a report counts once, by its digest, however often it is dropped.

    A file that cannot be opened stays, and ``faults`` says so.

    Returns
    -------
    events that are new, and those of them that a person must look at.
    """
    waiting = folders.waiting()
    if not waiting:
        return 0, 0
    trust = Trust(return_path_key(settings), frozenset(settings.own_mail_servers), records)
    new_events = for_people = 0
    for file in waiting:
        try:
            message = _read(file)
        except OSError as error:
            faults.append(f"{file}: {error.strerror}")
            continue
        with transaction(engine) as session:
            matched = match_to_attempt(session, message.report, message.content, trust, at)
            event = _record(Decision(session, by, at), matched, message, file.name) if matched else None
            if event is not None:
                new_events, for_people = new_events + 1, for_people + (event.needs_person is not None)
        # The file goes only after the commit: a kill in between leaves it, and its digest counts once.
        if message.unusable is not None:
            folders.set_aside(file, message.unusable, at)
        else:
            folders.move(file, folders.collected if matched is not None else folders.unmatched)
    return new_events, for_people


def _read(file: Path) -> _Message:
    """Read a message; of one that is too large, the beginning."""
    size = file.stat().st_size
    if size <= LARGEST_BYTES:
        content = file.read_bytes()
        report = read_message(content)
        return _Message(content, sha256_hex(content), report, report.unreadable)
    with file.open("rb") as stream:
        beginning = stream.read(_BEGINNING_BYTES)
    why = f"it has {size} bytes, and {LARGEST_BYTES} are read at most"
    cut = read_message(beginning)
    report = InboundReport(ReportKind.NONE, sent_to=cut.sent_to, message_ids=cut.message_ids, unreadable=why)
    return _Message(beginning, digest_of(file), report, why)


def _record(
    decision: Decision, matched: MatchedAttempt, message: _Message, file_name: str
) -> DeliveryEvent | None:
    """Record what a message says of a notice; None: it is on record."""
    weight = weigh(message.report, matched.match)
    evidence = DeliveryEvidence(
        status=weight.status,
        negative=weight.negative,
        authenticated=weight.authenticated,
        source=f"{message.report.kind.in_words} {file_name}"[:200],
        raw=message.content.decode("utf-8", "replace"),
        attempt_id=matched.attempt_id,
        report_sha256=message.digest,
        kind=message.report.kind,
        needs_person=weight.needs_person[:300] if weight.needs_person else None,
        source_at=message.report.dated,
    )
    if _is_on_record(decision.session, matched.notice_id, evidence):
        return None
    return record_event(decision, matched.notice_id, evidence)


def _is_on_record(session: Session, notice_id: str, evidence: DeliveryEvidence) -> bool:
    """Whether a message is on record of a notice, in these bytes or as another mailbox gave it.

    A mailbox may end lines otherwise, and write headers of its own above a message. So the same Message-ID that says
    the same with the same authority is the same message: one that anybody forged keeps no other from being recorded.
    """
    events = session.scalars(select(DeliveryEvent).where(DeliveryEvent.notice_id == notice_id))
    return any(
        event.report_sha256 == evidence.report_sha256
        or (_says(event) == _says(evidence) and _is_same_message(event.raw, evidence.raw))
        for event in events
    )


def _says(event: DeliveryEvent | DeliveryEvidence) -> tuple[object, ...]:
    return event.attempt_id, event.kind, event.status, event.negative, event.authenticated


def _is_same_message(first: str | None, second: str | None) -> bool:
    if first is None or second is None:  # erased
        return False
    ids = [_message_id_of(text) for text in (first, second)]
    return first.splitlines() == second.splitlines() or (ids[0] is not None and ids[0] == ids[1])


def _message_id_of(text: str) -> str | None:
    """Return the Message-ID of a message; None: it has none."""
    value = message_from_string(text)["Message-ID"]
    return "".join(str(value).split()) if value else None
