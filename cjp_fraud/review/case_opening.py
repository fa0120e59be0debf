"""Give episodes their cases: join, open under the cap, or leave on the overflow list."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from cjp_fraud.review.episodes import ATTACHMENT, CaseSpan, joins
from cjp_fraud.review.model import CLOSED_STATES, CaseState
from cjp_fraud.review.tables import Case, Episode, Flag
from cjp_fraud.storage.base import new_id
from cjp_fraud.storage.locks import named_lock

_CHUNK = 500


@dataclass(slots=True)
class Openings:
    """What became of the episodes without a case."""

    opened: list[Case] = field(default_factory=list)
    joined: list[Episode] = field(default_factory=list)
    overflow: int = 0


def order_openers(session: Session) -> None:
    """Let one transaction at a time open cases, for the cap and the number (SQLite: the writer's lock)."""
    named_lock(session, "open cases")


def open_case(session: Session, episode: Episode, hour: datetime, at: datetime) -> Case:
    """Open a case for an episode that has none; the caller holds the openers' order and writes the log."""
    number = (session.scalar(select(func.max(Case.number))) or 0) + 1
    case = Case(
        id=new_id(),
        number=number,
        tenant_id=episode.tenant_id,
        state=CaseState.OPEN,
        opened_at=at,
        opened_hour=hour,
        first_flag_at=episode.first_flag_at,
        last_flag_at=episode.last_flag_at,
        top_score=episode.top_score,
    )
    session.add(case)
    session.flush()
    episode.case_id = case.id
    return case


def assign_cases(
    session: Session,
    episodes: Mapping[str, Sequence[Episode]],
    start: datetime,
    end: datetime,
    cap: int,
    at: datetime,
) -> Openings:
    """Give each episode of the window a case, hour by hour; what the cap leaves over is the overflow list.

    An episode that overflowed is looked at again in each later hour in which it has flags, so that an
    attack that began during an outage of the sources still gets its case.
    """
    openings = Openings()
    waiting = {
        tenant: [episode for episode in found if episode.case_id is None]
        for tenant, found in episodes.items()
    }
    waiting = {tenant: found for tenant, found in waiting.items() if found}
    if not waiting:
        return openings
    cases = lock_cases(session, waiting)
    for tenant, found in waiting.items():
        for episode in found:
            _join(episode, cases[tenant], openings)
    by_hour = _scores_byutc_hour(session, [e for found in waiting.values() for e in found], start, end)
    opened_in = Counter(
        hour
        for hour in session.scalars(
            select(Case.opened_hour).where(Case.opened_hour >= utc_hour(start), Case.opened_hour < end)
        )
    )
    for hour in sorted(by_hour):
        ranked = sorted(by_hour[hour], key=lambda pair: (-pair[0], pair[1].tenant_id, pair[1].id))
        for _score, episode in ranked:
            if episode.case_id is not None or opened_in[hour] >= cap:
                continue
            case = open_case(session, episode, hour, at)
            opened_in[hour] += 1
            openings.opened.append(case)
            cases[episode.tenant_id].insert(0, case)
            for other in waiting[episode.tenant_id]:
                _join(other, cases[episode.tenant_id], openings)
            join_older_overflow(session, case, openings)
    openings.overflow = sum(episode.case_id is None for found in waiting.values() for episode in found)
    return openings


def _join(episode: Episode, cases: Sequence[Case], openings: Openings) -> None:
    if episode.case_id is not None:
        return
    for case in cases:
        span = CaseSpan(case.id, case.state, case.first_flag_at, case.last_flag_at)
        if joins(episode.first_flag_at, span):
            episode.case_id = case.id
            case.first_flag_at = min(case.first_flag_at, episode.first_flag_at)
            case.last_flag_at = max(case.last_flag_at, episode.last_flag_at)
            openings.joined.append(episode)
            return


def join_older_overflow(session: Session, case: Case, openings: Openings) -> None:
    """Take in what of the tenant lies on the overflow list within a day before the case."""
    older = session.scalars(
        select(Episode)
        .where(
            Episode.tenant_id == case.tenant_id,
            Episode.case_id.is_(None),
            Episode.flag_count > 0,
            Episode.last_flag_at >= case.first_flag_at - ATTACHMENT,
            Episode.first_flag_at <= case.first_flag_at,
        )
        .order_by(Episode.first_flag_at.desc())
    )
    for episode in older:
        _join(episode, [case], openings)


def lock_cases(session: Session, tenants: Collection[str]) -> dict[str, list[Case]]:
    """Return the tenants' cases, locked: the open one first, then the newest."""
    found: dict[str, list[Case]] = defaultdict(list)
    names = sorted(tenants)
    for first in range(0, len(names), _CHUNK):
        query = (
            select(Case)
            .where(Case.tenant_id.in_(names[first : first + _CHUNK]))
            .order_by(Case.id)
            .with_for_update()
            .execution_options(populate_existing=True)
        )
        for case in session.scalars(query):
            found[case.tenant_id].append(case)
    for cases in found.values():
        cases.sort(
            key=lambda case: (case.state in CLOSED_STATES, -case.last_flag_at.timestamp(), -case.number)
        )
    return found


def _scores_byutc_hour(
    session: Session, episodes: Sequence[Episode], start: datetime, end: datetime
) -> dict[datetime, list[tuple[float, Episode]]]:
    """For each UTC hour of the window, the waiting episodes flagged in it with their top score in it."""
    waiting = {episode.id: episode for episode in episodes if episode.case_id is None}
    top: dict[tuple[datetime, str], float] = {}
    names = sorted(waiting)
    for first in range(0, len(names), _CHUNK):
        query = select(Flag.episode_id, Flag.interval_start, Flag.score).where(
            Flag.episode_id.in_(names[first : first + _CHUNK]),
            Flag.superseded_at.is_(None),
            Flag.interval_start >= start,
            Flag.interval_start < end,
        )
        for name, begins, score in session.execute(query):
            key = (utc_hour(begins), str(name))
            top[key] = max(score, top.get(key, score))
    by_hour: dict[datetime, list[tuple[float, Episode]]] = defaultdict(list)
    for (hour, name), score in top.items():
        by_hour[hour].append((score, waiting[name]))
    return by_hour


def utc_hour(at: datetime) -> datetime:
    """Return the UTC hour that a moment (in UTC) lies in."""
    return at.replace(minute=0, second=0, microsecond=0)


def refresh_cases(session: Session, tenants: Sequence[str]) -> None:
    """Set the spans and top scores of the tenants' cases from their episodes; emptied cases keep theirs."""
    session.flush()
    for first in range(0, len(tenants), _CHUNK):
        rows = session.execute(
            select(
                Case,
                func.min(Episode.first_flag_at),
                func.max(Episode.last_flag_at),
                func.max(Episode.top_score),
            )
            .join(Episode, Episode.case_id == Case.id)
            .where(Case.tenant_id.in_(tenants[first : first + _CHUNK]), Episode.flag_count > 0)
            .group_by(Case.id)
        ).all()
        for case, begins, ends, top in rows:
            if (case.first_flag_at, case.last_flag_at, case.top_score) != (begins, ends, top):
                case.first_flag_at, case.last_flag_at, case.top_score = begins, ends, top
