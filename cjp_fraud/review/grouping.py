"""Sort recorded flags into episodes, with ids that outlive late flags."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from cjp_fraud.review.episodes import ENDED_FOR_GOOD, GAP, episode_id, grouped
from cjp_fraud.review.tables import Case, Episode, Flag


def regroup(session: Session, tenant_id: str, start: datetime, end: datetime, at: datetime) -> list[Episode]:
    """Sort the tenant's flags around the window into episodes; return those that reach into the window.

    An episode's id outlives late flags: of several that now are one, the older keeps it.
    """
    near = session.scalars(
        select(Episode).where(
            Episode.tenant_id == tenant_id,
            Episode.flag_count > 0,
            Episode.first_flag_at <= end + GAP,
            Episode.last_flag_at >= start - GAP,
        )
    ).all()
    first = min([start, *(episode.first_flag_at for episode in near)])
    last = max([end, *(episode.last_flag_at + timedelta(microseconds=1) for episode in near)])
    flags = session.scalars(
        select(Flag)
        .where(
            Flag.tenant_id == tenant_id,
            Flag.superseded_at.is_(None),
            Flag.interval_start >= first,
            Flag.interval_start < last,
        )
        .order_by(Flag.interval_start, Flag.series_id)
    ).all()
    boundaries = [
        closed
        for closed in session.scalars(
            select(Case.closed_at).where(Case.tenant_id == tenant_id, Case.state.in_(ENDED_FOR_GOOD))
        )
        if closed is not None
    ]
    known = {episode.id: episode for episode in near}
    taken: set[str] = set()
    found: list[Episode] = []
    for part in grouped([flag.interval_start for flag in flags], boundaries):
        members = flags[part]
        episode = _episode_of(session, tenant_id, members, known, taken, at)
        taken.add(episode.id)
        _gather(episode, members)
        found.append(episode)
    session.flush()
    for episode in near:
        if episode.id not in taken:
            _empty(session, episode)
    session.flush()
    return [episode for episode in found if episode.last_flag_at >= start and episode.first_flag_at < end]


def _episode_of(
    session: Session,
    tenant_id: str,
    members: Sequence[Flag],
    known: Mapping[str, Episode],
    taken: set[str],
    at: datetime,
) -> Episode:
    before = {flag.episode_id for flag in members if flag.episode_id is not None}
    olds = sorted(
        (known[name] for name in before & known.keys()),
        key=lambda old: (old.first_flag_at, old.made_at, old.id),
    )
    case_id = next((old.case_id for old in olds if old.case_id is not None), None)
    free = [old for old in olds if old.id not in taken]
    if free:
        if free[0].case_id is None:
            free[0].case_id = case_id
        return free[0]
    name = episode_id(tenant_id, members[0].interval_start)
    episode = session.get(Episode, name)
    if episode is None:
        episode = Episode(id=name, tenant_id=tenant_id, case_id=case_id, made_at=at)
        session.add(episode)
    elif case_id is not None:
        episode.case_id = case_id
    episode.joined_to = None
    return episode


def _gather(episode: Episode, members: Sequence[Flag]) -> None:
    first, last = members[0].interval_start, members[-1].interval_start
    top = max(flag.score for flag in members)
    if (episode.first_flag_at, episode.last_flag_at, episode.top_score, episode.flag_count) != (
        first,
        last,
        top,
        len(members),
    ):
        episode.first_flag_at, episode.last_flag_at = first, last
        episode.top_score, episode.flag_count = top, len(members)
    for flag in members:
        if flag.episode_id != episode.id:
            flag.episode_id = episode.id


def _empty(session: Session, episode: Episode) -> None:
    """Note that all flags of an episode were superseded, or moved to an older one."""
    episode.flag_count = 0
    moved = session.scalar(
        select(Flag.episode_id)
        .where(
            Flag.tenant_id == episode.tenant_id,
            Flag.superseded_at.is_(None),
            Flag.interval_start >= episode.first_flag_at,
            Flag.interval_start <= episode.last_flag_at,
        )
        .limit(1)
    )
    episode.joined_to = moved
