"""The queue: cases in the order in which they should be looked at, and the overflow list."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import and_, func, select
from sqlalchemy.orm import Session

from cjp_fraud.people.tables import User
from cjp_fraud.review.model import CLOSED_STATES, CaseState
from cjp_fraud.review.tables import Case, Episode, Flag


@dataclass(frozen=True, slots=True)
class QueuedCase:
    """One row of the queue; ``flags_since`` counts flags recorded after a closed case was closed."""

    number: int
    id: str
    tenant_id: str
    state: CaseState
    top_score: float
    flags: int
    flags_since: int
    first_flag_at: datetime
    last_flag_at: datetime
    opened_at: datetime
    claimed_by: str | None


@dataclass(frozen=True, slots=True)
class OverflowEpisode:
    """An episode beyond the hour's cap: no case was opened; ``cases claim`` with its id opens one."""

    episode_id: str
    tenant_id: str
    top_score: float
    flags: int
    first_flag_at: datetime
    last_flag_at: datetime


def queue(
    session: Session,
    *,
    states: Collection[CaseState] | None = None,
    tenant_id: str | None = None,
    by_age: bool = False,
) -> list[QueuedCase]:
    """Return cases, the highest score first, or the oldest first.

    Parameters
    ----------
    states : which states; None: all that are not closed, and closed ones that were flagged since.
    """
    flagged = (
        select(
            Episode.case_id.label("case_id"),
            func.count(Flag.id).label("flags"),
            func.max(Flag.recorded_at).label("last_recorded_at"),
        )
        .join(Flag, and_(Flag.episode_id == Episode.id, Flag.superseded_at.is_(None)))
        .group_by(Episode.case_id)
        .subquery()
    )
    since = (
        select(func.count(Flag.id))
        .join(Episode, Episode.id == Flag.episode_id)
        .where(Episode.case_id == Case.id, Flag.superseded_at.is_(None), Flag.recorded_at > Case.closed_at)
        .correlate(Case)
        .scalar_subquery()
    )
    query = (
        select(Case, User.name, func.coalesce(flagged.c.flags, 0), since)
        .outerjoin(User, User.id == Case.claimed_by)
        .outerjoin(flagged, flagged.c.case_id == Case.id)
        .order_by(*((Case.opened_at,) if by_age else (Case.top_score.desc(), Case.opened_at)), Case.number)
    )
    if tenant_id is not None:
        query = query.where(Case.tenant_id == tenant_id)
    if states is not None:
        query = query.where(Case.state.in_(states))
    rows = [
        QueuedCase(
            number=case.number,
            id=case.id,
            tenant_id=case.tenant_id,
            state=case.state,
            top_score=case.top_score,
            flags=flags,
            flags_since=later if case.closed_at is not None else 0,
            first_flag_at=case.first_flag_at,
            last_flag_at=case.last_flag_at,
            opened_at=case.opened_at,
            claimed_by=holder,
        )
        for case, holder, flags, later in session.execute(query)
    ]
    if states is not None:
        return rows
    return [row for row in rows if row.state not in CLOSED_STATES or row.flags_since]


def overflow_list(session: Session) -> list[OverflowEpisode]:
    """Return the episodes that no case took, the highest score first."""
    rows = session.scalars(
        select(Episode)
        .where(Episode.case_id.is_(None), Episode.flag_count > 0)
        .order_by(Episode.top_score.desc(), Episode.first_flag_at)
    )
    return [
        OverflowEpisode(
            episode_id=row.id,
            tenant_id=row.tenant_id,
            top_score=row.top_score,
            flags=row.flag_count,
            first_flag_at=row.first_flag_at,
            last_flag_at=row.last_flag_at,
        )
        for row in rows
    ]
