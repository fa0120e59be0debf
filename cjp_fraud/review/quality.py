"""Draw at random what a second reader looks at, and keep what they find; the reader does not know the decision."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil
from random import SystemRandom
from typing import Final

from sqlalchemy import and_, exists, func, or_, select
from sqlalchemy.orm import Session

from cjp_fraud.audit.log import append
from cjp_fraud.audit.tables import AuditEntry
from cjp_fraud.audit.texts import keep_text
from cjp_fraud.clock import aware
from cjp_fraud.contracts.tables import Tenant
from cjp_fraud.contracts.tenant_reach import require_tenant_reach
from cjp_fraud.errors import NotFoundError, refuse_unless
from cjp_fraud.people.form_submissions import READ, TENANT_READ
from cjp_fraud.people.model import Actor, Decision, Role
from cjp_fraud.people.participation import parts_taken
from cjp_fraud.review.case_reach import require_reach
from cjp_fraud.review.decision_tables import Determination
from cjp_fraud.review.model import DrawKind, Finding
from cjp_fraud.review.quality_tables import QualityDraw, QualityReading
from cjp_fraud.review.tables import Case, Flag
from cjp_fraud.storage.base import new_id
from cjp_fraud.storage.locks import named_lock

WEEK: Final = timedelta(days=7)
READ_EVERY: Final = timedelta(hours=1)
"""A person's reading of one thing is on record once in this time, so the entry may be older than the reading."""

_CHANCE: Final = SystemRandom()
"""Nobody can tell before which case will be drawn."""


@dataclass(frozen=True, slots=True)
class Sampling:
    """How much is drawn: a share of the closed cases (at least one), and so many tenants a week."""

    share_of_cases: float
    tenants_a_week: int


@dataclass(frozen=True, slots=True)
class ReadPair:
    """A reading with a finding, and the case's own finding before it.

    Parameters
    ----------
    first : None for a tenant that was not flagged.
    read_by : the reader's id.
    """

    kind: DrawKind
    first: Finding | None
    second: Finding
    read_by: str


def week_before(at: datetime) -> datetime:
    """Return the Monday, 00:00 UTC, with which the newest whole week before ``at`` (aware) began."""
    midnight = aware(at).replace(hour=0, minute=0, second=0, microsecond=0)
    return midnight - timedelta(days=midnight.weekday()) - WEEK


def draw(decision: Decision, sampling: Sampling) -> tuple[QualityDraw, ...]:
    """Draw of the newest whole week what was not drawn yet; returns the new draws."""
    session, week = decision.session, week_before(decision.at)
    named_lock(session, "quality draw")
    drawn = set(session.scalars(select(QualityDraw.kind).where(QualityDraw.week == week)))
    made = []
    for kind in DrawKind:
        if kind in drawn:
            continue
        population = _population(session, kind, week)
        wanted = (
            ceil(sampling.share_of_cases * len(population))
            if kind is DrawKind.CLOSED_CASES
            else sampling.tenants_a_week
        )
        chosen = _CHANCE.sample(population, min(wanted, len(population)))
        made.append(_keep_draw(decision, kind, week, len(population), chosen))
    return tuple(made)


def answer(decision: Decision, reading_id: str, finding: Finding, reasons: str) -> QualityReading:
    """Keep what a second reader found.

    Raises
    ------
    NotFoundError
        If nothing was drawn under this id.
    Refused
        Names everything that stands in the way.
    """
    session, by = decision.session, decision.by
    row = session.get(QualityReading, reading_id, with_for_update=True)
    if row is None:
        raise NotFoundError(f"nothing was drawn under {reading_id!r}; quality list names what waits")
    if row.case_id is not None:
        require_reach(session, by, session.get_one(Case, row.case_id), {Role.REVIEWER})
    else:
        require_tenant_reach(session, by, row.tenant_id, {Role.REVIEWER})
    refuse_unless(
        (row.read_at is None, "it was read already"),
        (bool(reasons.strip()), "say why (reasons)"),
        *((False, fault) for fault in reader_faults(session, by, row)),
        action="read it for the second time",
    )
    words = keep_text(session, reasons.strip(), decision.at)
    row.read_by, row.read_at = by.user_id, decision.at
    row.finding, row.reasons_text_id = finding, words.id
    session.flush()
    content = {"finding": finding, "text_id": words.id, "text_sha256": words.sha256}
    append(decision, "quality.read", "quality_readings", row.id, content)
    return row


def reader_faults(session: Session, by: Actor, row: QualityReading) -> tuple[str, ...]:
    """Return why a person may not be the second reader; none: they may."""
    faults = [] if by.may(Role.REVIEWER) else [f"{by} is not a reviewer"]
    if row.case_id is not None:
        if parts_taken(session, by, row.case_id):
            faults.append(f"{by} took part in the case")
        if _has_read(session, by, row):
            faults.append(f"{by} has read the case or its tenant's page, and knows how it was decided")
    return tuple(faults)


def answered(session: Session) -> tuple[ReadPair, ...]:
    """Return all readings with a finding, each beside the finding that was the newest before it."""
    rows = session.execute(
        select(QualityReading, QualityDraw.kind)
        .join(QualityDraw, QualityDraw.id == QualityReading.draw_id)
        .where(QualityReading.read_at.is_not(None))
        .order_by(QualityReading.id)
    ).all()
    firsts = _findings(session, [row.case_id for row, _ in rows if row.case_id is not None])
    pairs = []
    for row, kind in rows:
        if row.read_at is None or row.finding is None or row.read_by is None:
            continue
        before = [found for at, found in firsts.get(row.case_id or "", []) if at <= row.read_at]
        pairs.append(ReadPair(kind, before[-1] if before else None, row.finding, row.read_by))
    return tuple(pairs)


def _population(session: Session, kind: DrawKind, week: datetime) -> Sequence[tuple[str, str | None]]:
    """Return tenant and case of all that may be drawn."""
    if kind is DrawKind.CLOSED_CASES:
        decided = exists().where(Determination.case_id == Case.id)
        query = select(Case.tenant_id, Case.id).where(
            Case.closed_at >= week, Case.closed_at < week + WEEK, decided
        )
        return [(tenant, case) for tenant, case in session.execute(query.order_by(Case.number))]
    flagged = exists().where(
        Flag.tenant_id == Tenant.id,
        Flag.interval_start >= week,
        Flag.interval_start < week + WEEK,
        Flag.superseded_at.is_(None),
    )
    quiet = select(Tenant.id).where(~flagged, Tenant.recorded_at < week + WEEK).order_by(Tenant.id)
    return [(tenant, None) for tenant in session.scalars(quiet)]


def _keep_draw(
    decision: Decision,
    kind: DrawKind,
    week: datetime,
    population: int,
    chosen: Sequence[tuple[str, str | None]],
) -> QualityDraw:
    session = decision.session
    row = QualityDraw(
        id=new_id(),
        week=week,
        kind=kind,
        population=population,
        drawn=len(chosen),
        drawn_at=decision.at,
    )
    session.add(row)
    session.flush()
    session.add_all(
        QualityReading(id=new_id(), draw_id=row.id, tenant_id=tenant, case_id=case) for tenant, case in chosen
    )
    session.flush()
    content = {"kind": kind, "week": week, "population": population, "drawn": len(chosen)}
    append(decision, "quality.drawn", "quality_draws", row.id, content)
    return row


def _has_read(session: Session, by: Actor, row: QualityReading) -> bool:
    """Whether a person has read the case, or its tenant's page since a first finding stands there."""
    of_case = and_(
        AuditEntry.subject_type == "cases",
        AuditEntry.subject_id == row.case_id,
        AuditEntry.action == READ,
    )
    first_found = session.scalar(
        select(func.min(Determination.at)).where(Determination.case_id == row.case_id)
    )
    assert first_found is not None, "only decided cases are drawn"
    of_tenant = and_(
        AuditEntry.subject_type == "tenants",
        AuditEntry.subject_id == row.tenant_id,
        AuditEntry.action == TENANT_READ,
        AuditEntry.at > first_found - READ_EVERY,
    )
    read = exists().where(AuditEntry.actor == by.reference, or_(of_case, of_tenant))
    return bool(session.scalar(select(read)))


def _findings(session: Session, case_ids: Sequence[str]) -> dict[str, list[tuple[datetime, Finding]]]:
    findings: dict[str, list[tuple[datetime, Finding]]] = {}
    rows = session.execute(
        select(Determination.case_id, Determination.at, Determination.finding)
        .where(Determination.case_id.in_(case_ids))
        .order_by(Determination.number)
    )
    for case_id, at, finding in rows:
        findings.setdefault(case_id, []).append((at, finding))
    return findings
