"""Collect delivery reports that the mail server dropped as ``.eml`` files, and match them to attempts."""

from __future__ import annotations

import shutil
from datetime import datetime
from pathlib import Path

from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from cjp_fraud.audit.tables import PersonalText
from cjp_fraud.clock import aware
from cjp_fraud.config import Settings
from cjp_fraud.contracts.tables import Address
from cjp_fraud.digests import sha256_hex
from cjp_fraud.notices.evidence import record_event
from cjp_fraud.notices.reports.dsn import DeliveryReport, read_report
from cjp_fraud.notices.tables import DeliveryEvent, Notice, NoticeAttempt
from cjp_fraud.people.model import Actor, machine
from cjp_fraud.storage.database import transaction

COLLECTOR = machine("collect-delivery-events")

LARGEST_BYTES = 4 * 1024 * 1024
"""Larger messages are no delivery reports of ours (we ask for headers only)."""


def incoming_folder(settings: Settings) -> Path:
    """Folder into which the mail server drops what comes back."""
    return settings.home / "mail" / "incoming"


def collect_delivery_events(
    engine: Engine, settings: Settings, at: datetime, *, by: Actor = COLLECTOR
) -> int:
    """Record every report that is of an attempt of ours; return how many events are new.

    A report counts once, by its digest, however often it is dropped. What is of no attempt of ours is
    moved aside (:func:`unmatched_reports` counts it): anybody can send such mail.

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
        outcome = None
        if report is not None:
            with transaction(engine) as session:
                outcome = _record(session, report, content, file.name, aware(at), by)
        # The file goes only after the commit: a kill in between leaves it, and its digest counts once.
        _move(file, folder.parent / "collected" if outcome is not None else _unmatched_folder(settings))
        recorded += bool(outcome)
    return recorded


def unmatched_reports(settings: Settings) -> int:
    """Return how many messages were of no attempt of ours and lie aside."""
    folder = _unmatched_folder(settings)
    return sum(1 for _ in folder.glob("*.eml")) if folder.is_dir() else 0


def _record(
    session: Session, report: DeliveryReport, content: bytes, name: str, at: datetime, by: Actor
) -> bool | None:
    """Record a report; return whether it is new, or None where it is of no attempt of ours."""
    by_token = session.scalar(
        select(NoticeAttempt).where(NoticeAttempt.envelope_from.in_(sorted(report.sent_to)))
    )
    attempt = by_token
    if attempt is None and report.envid is not None:
        attempt = session.scalar(select(NoticeAttempt).where(NoticeAttempt.envid == report.envid))
    if attempt is None:
        return None
    digest = sha256_hex(content)
    known = session.scalar(
        select(DeliveryEvent.id).where(
            DeliveryEvent.notice_id == attempt.notice_id, DeliveryEvent.report_sha256 == digest
        )
    )
    if known is not None:
        return False
    address = session.scalar(
        select(PersonalText.body)
        .join(Address, Address.text_id == PersonalText.id)
        .join(Notice, Notice.address_id == Address.id)
        .where(Notice.id == attempt.notice_id)
    )
    record_event(
        session,
        attempt.notice_id,
        report.status,
        by,
        at,
        source=f"delivery report {name}"[:200],
        raw=content.decode("utf-8", "replace"),
        negative=report.negative,
        authenticated=by_token is not None and _is_about(report, attempt, address),
        attempt_id=attempt.id,
        report_sha256=digest,
    )
    return True


def _is_about(report: DeliveryReport, attempt: NoticeAttempt, address: str | None) -> bool:
    """Whether what else the report names agrees with the attempt whose return path it came to."""
    names_envelope = report.envid is None or report.envid == attempt.envid
    wanted = {address.lower()} if address else set()
    return names_envelope and (not report.original_recipients or report.original_recipients == wanted)


def _unmatched_folder(settings: Settings) -> Path:
    return settings.home / "mail" / "unmatched"


def _move(file: Path, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / f"{sha256_hex(file.read_bytes())[:16]}-{file.name}"
    shutil.move(file, target)
