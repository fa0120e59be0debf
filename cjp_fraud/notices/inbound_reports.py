"""Collect delivery reports that the mail server dropped as ``.eml`` files, and match them to attempts."""

from __future__ import annotations

import shutil
from collections.abc import Collection
from datetime import datetime
from email import message_from_bytes
from pathlib import Path

from sqlalchemy import ColumnElement, Engine, select
from sqlalchemy.orm import Session

from cjp_fraud.config import Settings
from cjp_fraud.digests import sha256_hex
from cjp_fraud.notices.delivery_record import address_served, record_event
from cjp_fraud.notices.model import DeliveryEvidence, DeliveryReport
from cjp_fraud.notices.reports.dsn import from_xtext, read_dsn
from cjp_fraud.notices.tables import DeliveryEvent, NoticeAttempt, SmtpAttempt
from cjp_fraud.people.model import Actor, Decision, machine
from cjp_fraud.storage.database import transaction

COLLECTOR = machine("collect-delivery-events")

_READERS = (read_dsn,)
"""One function a kind of report (:mod:`cjp_fraud.notices.reports`)."""

LARGEST_BYTES = 4 * 1024 * 1024
"""Larger messages are no delivery reports of ours (we ask for headers only)."""


def incoming_folder(settings: Settings) -> Path:
    """Folder into which the mail server drops what comes back."""
    return settings.home / "mail" / "incoming"


def read_report(content: bytes) -> DeliveryReport | None:
    """Return what a message reports, of whatever kind; None where it is no report that we understand."""
    return next((report for read in _READERS if (report := read(content)) is not None), None)


def collect_delivery_events(
    engine: Engine, settings: Settings, at: datetime, *, by: Actor = COLLECTOR
) -> int:
    """Record every report about an attempt of ours; return how many events are new.

    A report counts once, by its digest, however often it is dropped. A report about no attempt of ours
    is moved aside (:func:`unmatched_reports` counts it): anybody can send such mail.

    Parameters
    ----------
    at : aware; the events' time. A report's own date is only claimed, so the later moment is taken.
    """
    folder = incoming_folder(settings)
    if not folder.is_dir():
        return 0
    recorded = 0
    for file in sorted(folder.glob("*.eml")):
        if file.stat().st_size > LARGEST_BYTES:
            _move(file, _unmatched_folder(settings))
            continue
        content = file.read_bytes()
        report = read_report(content)
        is_new = None
        if report is not None:
            with transaction(engine) as session:
                is_new = _record(Decision(session, by, at), report, content, file.name)
        # The file goes only after the commit: a kill in between leaves it, and its digest counts once.
        _move(file, folder.parent / "collected" if is_new is not None else _unmatched_folder(settings))
        recorded += bool(is_new)
    return recorded


def unmatched_reports(settings: Settings) -> int:
    """Return how many messages were about no attempt of ours and were moved aside."""
    folder = _unmatched_folder(settings)
    return sum(1 for _ in folder.glob("*.eml")) if folder.is_dir() else 0


def reports_kept(
    settings: Settings, addresses: Collection[str], digests: Collection[str]
) -> tuple[tuple[Path, ...], tuple[Path, ...]]:
    """Return the files of the mail folders that are about some addresses: those not collected yet, and the others.

    Parameters
    ----------
    addresses : mail addresses that a file names, plainly or in an encoding of mail.
    digests : SHA-256 of files that are meant whatever they name.
    """
    waiting, reports = incoming_folder(settings), []
    for folder in (waiting, waiting.parent / "collected", _unmatched_folder(settings)):
        files = sorted(folder.glob("*")) if folder.is_dir() else []
        reports += [
            file for file in files if file.is_file() and _is_meant(file.read_bytes(), addresses, digests)
        ]
    return (
        tuple(file for file in reports if file.parent == waiting),
        tuple(file for file in reports if file.parent != waiting),
    )


def _is_meant(content: bytes, addresses: Collection[str], digests: Collection[str]) -> bool:
    if sha256_hex(content) in digests:
        return True
    parts = [part.get_payload(decode=True) for part in message_from_bytes(content).walk()]
    texts = [content, *(part for part in parts if isinstance(part, bytes))]
    plain = [from_xtext(text.decode("utf-8", "replace")).lower() for text in texts]
    plain += [text.decode("utf-8", "replace").lower() for text in texts]
    return any(address.lower() in text for address in addresses for text in plain)


def _record(decision: Decision, report: DeliveryReport, content: bytes, file_name: str) -> bool | None:
    """Record a report; return whether it is new, or None where it is about no attempt of ours."""
    session = decision.session
    by_token = _attempt_where(session, SmtpAttempt.envelope_from.in_(sorted(report.sent_to)))
    by_envid = _attempt_where(session, SmtpAttempt.envid == report.envid) if report.envid else None
    matched = by_token or by_envid
    if matched is None:
        return None
    notice_id, smtp = matched
    digest = sha256_hex(content)
    known = session.scalar(
        select(DeliveryEvent.id).where(
            DeliveryEvent.notice_id == notice_id, DeliveryEvent.report_sha256 == digest
        )
    )
    if known is not None:
        return False
    address = address_served(session, notice_id)
    evidence = DeliveryEvidence(
        status=report.status,
        negative=report.negative,
        authenticated=by_token is not None and _is_about(report, smtp, address),
        source=f"delivery report {file_name}"[:200],
        raw=content.decode("utf-8", "replace"),
        attempt_id=smtp.attempt_id,
        report_sha256=digest,
    )
    record_event(decision, notice_id, evidence)
    return True


def _attempt_where(session: Session, condition: ColumnElement[bool]) -> tuple[str, SmtpAttempt] | None:
    """Return the attempt that a report names, with its notice."""
    row = session.execute(
        select(NoticeAttempt.notice_id, SmtpAttempt)
        .join(SmtpAttempt, SmtpAttempt.attempt_id == NoticeAttempt.id)
        .where(condition)
    ).first()
    return (row[0], row[1]) if row is not None else None


def _is_about(report: DeliveryReport, smtp: SmtpAttempt, address: str | None) -> bool:
    """Whether everything else in the report fits the attempt to whose return path it was sent."""
    names_envelope = report.envid is None or report.envid == smtp.envid
    served = {address.lower()} if address else set()
    return names_envelope and (not report.original_recipients or report.original_recipients == served)


def _unmatched_folder(settings: Settings) -> Path:
    return settings.home / "mail" / "unmatched"


def _move(file: Path, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / f"{sha256_hex(file.read_bytes())[:16]}-{file.name}"
    shutil.move(file, target)
