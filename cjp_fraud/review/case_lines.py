"""Keep each case's line of the queue, and what it may share with others, as its flags are taken."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import fields

from sqlalchemy import func, select
from sqlalchemy.orm import Session, aliased

from cjp_fraud.contracts.tables import Tenant
from cjp_fraud.review.case_outline import CaseOutline, OutlinedFlag, outline
from cjp_fraud.review.case_traits import traits_of_flags
from cjp_fraud.review.cases import flagged_span, next_revision
from cjp_fraud.review.similar_cases import keep_traits
from cjp_fraud.review.tables import Case, CaseLine, Episode, Flag
from cjp_fraud.storage.database import in_parts


def refresh_lines(session: Session, tenants: Sequence[str]) -> None:
    """Compute anew the lines of the tenants' cases in the queue; one whose flags were all taken back keeps its own.

    The caller holds the openers' order, and writes the log after it: a case's place in the queue follows its line.
    """
    session.flush()
    revision = next_revision(session)
    for some in in_parts(tenants):
        flags: dict[str, list[OutlinedFlag]] = defaultdict(list)
        query = (
            select(Episode.case_id, Flag)
            .join(Flag, Flag.episode_id == Episode.id)
            .join(Case, Case.id == Episode.case_id)
            .where(Case.tenant_id.in_(some), Case.in_queue, Flag.superseded_at.is_(None))
        )
        for case_id, flag in session.execute(query):
            flags[str(case_id)].append(_outlined(flag))
        earlier = _earlier(session, sorted(flags))
        lines = {
            line.case_id: line
            for line in session.scalars(select(CaseLine).where(CaseLine.case_id.in_(flags)))
        }
        zones = _zones(session, sorted(flags))
        cases = {case.id: case for case in session.scalars(select(Case).where(Case.id.in_(flags)))}
        keep_traits(session, {case_id: traits_of_flags(flags[case_id], zones[case_id]) for case_id in flags})
        for case_id in sorted(flags):
            line = lines.get(case_id) or CaseLine(case_id=case_id)
            made = outline(flags[case_id])
            for field in fields(CaseOutline):
                value = getattr(made, field.name)
                setattr(line, field.name, list(value) if isinstance(value, tuple) else value)
            line.earlier_cases = earlier.get(case_id, 0)
            session.add(line)
            case = cases[case_id]
            if case.exposure_per_hour != made.exposure_per_hour:
                case.exposure_per_hour, case.queue_revision = made.exposure_per_hour, revision


def outline_on_record(line: CaseLine | None) -> CaseOutline | None:
    """Return a case's line as the rule made it; None: there is none."""
    if line is None:
        return None
    values = {field.name: getattr(line, field.name) for field in fields(CaseOutline)}
    return CaseOutline(**values | {"course": tuple(line.course)})


def _earlier(session: Session, case_ids: Sequence[str]) -> dict[str, int]:
    """Return how many cases of the same tenant were opened before each."""
    other = aliased(Case)
    query = (
        select(Case.id, func.count())
        .join(other, (other.tenant_id == Case.tenant_id) & (other.number < Case.number))
        .where(Case.id.in_(case_ids))
        .group_by(Case.id)
    )
    return dict(session.execute(query).all())


def _zones(session: Session, case_ids: Sequence[str]) -> dict[str, str]:
    """Return the time zone of each case's tenant."""
    query = select(Case.id, Tenant.time_zone).join(Tenant, Tenant.id == Case.tenant_id)
    return dict(session.execute(query.where(Case.id.in_(case_ids))).all())


def _outlined(flag: Flag) -> OutlinedFlag:
    return OutlinedFlag(
        channel=flag.channel,
        direction=flag.direction,
        application_id=flag.application_id,
        start=flag.interval_start,
        score=flag.score,
        observed=flag.observed,
        baseline=flag.baseline,
        reasons=flag.reasons,
        span=flagged_span(flag),
        clock=flag.clock,
    )
