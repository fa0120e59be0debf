"""How right people and detection are: second readings, control samples, agreement, and what is missed."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import case, select
from sqlalchemy.orm import Session

from cjp_fraud.config import PersonFigures
from cjp_fraud.contracts.tables import Tenant
from cjp_fraud.contracts.tenant_reach import tenants_within
from cjp_fraud.deployment import Deployment
from cjp_fraud.detection.usage import StreamUsage, usage_by_stream
from cjp_fraud.errors import NotFoundError, StorageError
from cjp_fraud.operations.quality_draws import Drawn
from cjp_fraud.people.reach import reach_for
from cjp_fraud.people.users import actor_named
from cjp_fraud.review import quality
from cjp_fraud.review.agreement import Agreement, agreement_of
from cjp_fraud.review.case_lines import outline_on_record
from cjp_fraud.review.case_outline import CaseOutline
from cjp_fraud.review.case_reach import within_reach
from cjp_fraud.review.cases import flags_in_force
from cjp_fraud.review.evidence import FlagView
from cjp_fraud.review.model import DrawKind, Finding
from cjp_fraud.review.quality import ReadPair
from cjp_fraud.review.quality_tables import QualityDraw, QualityReading
from cjp_fraud.review.shares import Share, share_of
from cjp_fraud.review.tables import Case, CaseLine
from cjp_fraud.storage.database import reading

_USAGE = timedelta(days=28)


@dataclass(frozen=True, slots=True)
class WaitingReading:
    """Something that a second reader should look at.

    Parameters
    ----------
    week : Monday of the week that it was drawn of.
    may_not : why the person who asks may not read it; none: they may.
    """

    id: str
    kind: DrawKind
    tenant_id: str
    week: datetime
    may_not: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ReadingShown:
    """What a second reader sees: the flags, and use; nothing of what was decided, commented or done.

    Parameters
    ----------
    outline, flags : of the case; None and none for a tenant that was not flagged.
    usage : of the 28 UTC days that end with the week; None: the lake cannot be read now.
    """

    waiting: WaitingReading
    outline: CaseOutline | None
    flags: tuple[FlagView, ...]
    usage: tuple[StreamUsage, ...] | None


@dataclass(frozen=True, slots=True)
class PersonsFigures:
    """One reader's figures, under a name that is not theirs."""

    reader: str
    readings: int
    alike: Share | None


@dataclass(frozen=True, slots=True)
class QualityDesk:
    """How right people and detection are.

    Parameters
    ----------
    waiting : of what the reader reaches, the oldest first; all figures are of everything.
    between_readers : of the first and the second finding of closed cases; None: none was read twice.
    with_detector : of second readers and the detector, which found fraud in cases and none in the others.
    missed : share of tenants that were not flagged and in whose week a reader found fraud; None: none was decided.
    missed_a_week : that share of the tenants that were not flagged in a week, with its interval; None as above.
    persons : empty where figures of single persons are off.
    """

    waiting: tuple[WaitingReading, ...]
    drawn: tuple[Drawn, ...]
    between_readers: Agreement | None
    with_detector: Agreement | None
    missed: Share | None
    missed_a_week: tuple[float, float, float] | None
    persons: tuple[PersonsFigures, ...]


def look_at_quality(deployment: Deployment, by: str) -> QualityDesk:
    """Return how right people and detection are, and what waits for the second reader ``by``."""
    with reading(deployment.engine) as session:
        pairs = quality.answered(session)
        draws = session.scalars(select(QualityDraw).order_by(QualityDraw.week.desc(), QualityDraw.kind)).all()
        waiting = _waiting(session, by)
    controls = [draw.population for draw in draws if draw.kind is DrawKind.NOT_FLAGGED]
    missed = _missed(pairs)
    mean = sum(controls) / len(controls) if controls else 0.0
    return QualityDesk(
        waiting=waiting,
        drawn=tuple(Drawn.of(draw) for draw in draws[:20]),
        between_readers=agreement_of(_both(pairs)),
        with_detector=agreement_of([(_detectors(pair), pair.second) for pair in pairs]),
        missed=missed,
        missed_a_week=None
        if missed is None
        else (missed.low * mean, missed.share * mean, missed.high * mean),
        persons=_persons(pairs, deployment.settings.figures_of_persons),
    )


def show_reading(deployment: Deployment, by: str, reading_id: str) -> ReadingShown:
    """Return what the second reader ``by`` sees of something that waits.

    Raises
    ------
    NotFoundError
        If nothing of this id waits.
    """
    with reading(deployment.engine) as session:
        waiting = next((each for each in _waiting(session, by) if each.id == reading_id), None)
        if waiting is None:
            raise NotFoundError(f"no second reading {reading_id!r} waits; it was read, or never drawn")
        row = session.get_one(QualityReading, reading_id)
        line = session.get(CaseLine, row.case_id) if row.case_id is not None else None
        flags = flags_in_force(session, row.case_id) if row.case_id is not None else []
        shown = tuple(FlagView.of(flag) for flag in sorted(flags, key=lambda flag: -flag.score)[:50])
    end = (waiting.week + quality.WEEK).date()
    try:
        usage = usage_by_stream(deployment.lake, waiting.tenant_id, end - _USAGE, end)
    except StorageError:
        usage = None
    return ReadingShown(waiting, outline_on_record(line), shown, usage)


def answer_reading(
    deployment: Deployment, by: str, now: datetime, reading_id: str, finding: Finding, *, reasons: str
) -> None:
    """Keep what the second reader ``by`` found, without having seen how it was decided.

    Raises
    ------
    NotFoundError, Refused
        As :func:`cjp_fraud.review.quality.answer`.
    """
    with deployment.deciding(by, now) as decision:
        quality.answer(decision, reading_id, finding, reasons)


def _waiting(session: Session, by: str) -> tuple[WaitingReading, ...]:
    reader = actor_named(session, by)
    reach = reach_for(reader)
    of_case = QualityReading.case_id.in_(select(Case.id).where(within_reach(reach)))
    of_tenant = QualityReading.tenant_id.in_(select(Tenant.id).where(tenants_within(reach)))
    reached = case((QualityReading.case_id.is_(None), of_tenant), else_=of_case)
    rows = session.execute(
        select(QualityReading, QualityDraw)
        .join(QualityDraw, QualityDraw.id == QualityReading.draw_id)
        .where(QualityReading.read_at.is_(None), reached)
        .order_by(QualityReading.id)
        .limit(200)
    )
    return tuple(
        WaitingReading(
            row.id, draw.kind, row.tenant_id, draw.week, quality.reader_faults(session, reader, row)
        )
        for row, draw in rows
    )


def _both(pairs: Sequence[ReadPair]) -> list[tuple[Finding, Finding]]:
    return [(pair.first, pair.second) for pair in pairs if pair.first is not None]


def _detectors(pair: ReadPair) -> Finding:
    return Finding.FRAUDULENT if pair.kind is DrawKind.CLOSED_CASES else Finding.NOT_FRAUDULENT


def _missed(pairs: Sequence[ReadPair]) -> Share | None:
    counts = Counter(pair.second for pair in pairs if pair.kind is DrawKind.NOT_FLAGGED)
    fraud = counts[Finding.FRAUDULENT]
    return share_of(fraud, fraud + counts[Finding.NOT_FRAUDULENT])


def _persons(pairs: Sequence[ReadPair], figures: PersonFigures) -> tuple[PersonsFigures, ...]:
    if figures is PersonFigures.OFF:
        return ()
    readers = sorted(
        {pair.read_by for pair in pairs}, key=lambda each: hashlib.sha256(each.encode()).digest()
    )
    shown = []
    for number, reader in enumerate(readers, 1):
        own = [pair for pair in pairs if pair.read_by == reader]
        both = _both(own)
        alike = share_of(sum(first is second for first, second in both), len(both))
        shown.append(PersonsFigures(f"reader {number}", len(own), alike))
    return tuple(shown)
