"""Collect what the carrier has seen of the letters that were handed to a printer; each event counts once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, Protocol

from sqlalchemy import Engine, select

from cjp_fraud.contracts.methods import POSTAL_CLASSES
from cjp_fraud.contracts.model import DeliveryStatus
from cjp_fraud.digests import canonical_json, sha256_hex
from cjp_fraud.errors import BadInputError, CjpFraudError
from cjp_fraud.notices.carrier_events import evidence_of, read_event, require_possible
from cjp_fraud.notices.delivery_record import record_event
from cjp_fraud.notices.methods.letter import letter_key
from cjp_fraud.notices.model import MAY_HAVE_LEFT, DeliveryEvidence
from cjp_fraud.notices.tables import DeliveryEvent, Notice, NoticeAttempt
from cjp_fraud.people.model import Actor, Decision, machine
from cjp_fraud.storage.database import reading, transaction

COLLECTOR: Final = machine("collect-carrier-events")

MAY_COME_BACK: Final = timedelta(days=60)
"""How long after its delivery a carrier is still asked about a letter."""


class EventSource(Protocol):
    """Whoever tells what the carrier has seen."""

    @property
    def name(self) -> str:
        """Who it is, in a few words."""
        ...

    def events(self, key: str) -> Sequence[Mapping[str, Any]]:
        """Return all events of a letter, raw, in any order; raises CjpFraudError where it does not answer."""
        ...


@dataclass(frozen=True, slots=True)
class CollectedEvents:
    """What collecting found.

    Parameters
    ----------
    new_events : events that were not on record before.
    faults : why a letter could not be asked about, or an event not be read, a sentence each; the raw event is kept.
    """

    new_events: int
    faults: tuple[str, ...]


def collect_carrier_events(
    engine: Engine, source: EventSource, at: datetime, *, by: Actor = COLLECTOR
) -> CollectedEvents:
    """Ask about every letter that may have left, and record what is new; a letter that fails holds up no other.

    Parameters
    ----------
    at : aware; the events' time of recording. What the carrier says of its own time stands in the raw text.
    """
    new, faults = 0, []
    for letter in _letters(engine, at):
        try:
            told = source.events(letter.key)
        except CjpFraudError as error:
            faults.append(str(error))
            continue
        for said in told:
            evidence, fault = _evidence(said, source.name, letter, at)
            recorded = _record(engine, letter.notice_id, evidence, at, by)
            new += recorded
            if fault is not None and recorded:
                faults.append(fault)
    return CollectedEvents(new, tuple(faults))


@dataclass(frozen=True, slots=True)
class _Letter:
    """A letter that may be with the carrier; ``handed_over_at``: when it may have left first, aware."""

    notice_id: str
    attempt_id: str
    key: str
    handed_over_at: datetime


def _letters(engine: Engine, at: datetime) -> list[_Letter]:
    """Return the letters that may be with the carrier, and those that were delivered lately, for one may come back."""
    delivered = select(DeliveryEvent.notice_id).where(
        DeliveryEvent.status == DeliveryStatus.DELIVERED,
        DeliveryEvent.authenticated.is_(True),
        DeliveryEvent.negative.is_(False),
        DeliveryEvent.at < at - MAY_COME_BACK,
    )
    with reading(engine) as session:
        rows = session.execute(
            select(Notice.id, NoticeAttempt.id, NoticeAttempt.message_sha256, NoticeAttempt.started_at)
            .join(NoticeAttempt, NoticeAttempt.notice_id == Notice.id)
            .where(
                Notice.method.in_(POSTAL_CLASSES),
                NoticeAttempt.outcome.in_(MAY_HAVE_LEFT),
                Notice.id.not_in(delivered),
            )
            .order_by(Notice.id, NoticeAttempt.number)
        ).all()
    found: dict[str, _Letter] = {}
    for notice_id, attempt_id, digest, started_at in rows:
        key = letter_key(notice_id, digest)
        before = found.get(key)
        first = before.handed_over_at if before is not None else started_at
        found[key] = _Letter(notice_id, attempt_id, key, first)
    return list(found.values())


def _evidence(
    said: Mapping[str, Any], source: str, letter: _Letter, at: datetime
) -> tuple[DeliveryEvidence, str | None]:
    """Return what an event proves; one that cannot be true is kept raw, proves nothing, and is told."""
    try:
        event = read_event(said)
        require_possible(event, letter.handed_over_at, at)
        return evidence_of(event, source, letter.attempt_id), None
    except BadInputError as error:
        raw = canonical_json(dict(said)).decode()
        kept = DeliveryEvidence(
            DeliveryStatus.QUEUED,
            negative=False,
            authenticated=False,
            source=f"{source}: not understood",
            raw=raw,
            attempt_id=letter.attempt_id,
            report_sha256=sha256_hex(raw.encode()),
        )
        return kept, str(error)


def _record(engine: Engine, notice_id: str, evidence: DeliveryEvidence, at: datetime, by: Actor) -> bool:
    with transaction(engine) as session:
        session.get_one(Notice, notice_id, with_for_update=True)
        known = session.scalar(
            select(DeliveryEvent.id).where(
                DeliveryEvent.notice_id == notice_id, DeliveryEvent.report_sha256 == evidence.report_sha256
            )
        )
        if known is None:
            record_event(Decision(session, by, at), notice_id, evidence)
        return known is None
