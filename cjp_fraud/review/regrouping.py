"""Sort the flags on record of a tenant into episodes again, where some were added or taken back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from cjp_fraud.review.episodes import ENDED_FOR_GOOD, GAP, episode_id, grouped
from cjp_fraud.review.tables import Case, Episode, Flag


def regroup(session: Session, tenant_id: str, start: datetime, end: datetime, at: datetime) -> list[Episode]:
    """Sort the tenant's flags around the window into episodes; return those that reach into the window.

    An episode keeps its id when flags come late. Where several become one, the id is that of the older.
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
        .order_by(Flag.interval_start, Flag.series_id, Flag.clock)
    ).all()
    boundaries = [
        closed
        for closed in session.scalars(
            select(Case.closed_at).where(Case.tenant_id == tenant_id, Case.state.in_(ENDED_FOR_GOOD))
        )
        if closed is not None
    ]
    by_id = {episode.id: episode for episode in near}
    taken: set[str] = set()
    regrouped: list[Episode] = []
    for part in grouped([flag.interval_start for flag in flags], boundaries):
        members = flags[part]
        episode = _episode_of(session, tenant_id, members, by_id, taken, at)
        taken.add(episode.id)
        _gather(episode, members)
        regrouped.append(episode)
    emptied = [episode for episode in near if episode.id not in taken]
    if emptied:
        session.flush()
    for episode in emptied:
        _empty(session, episode)
    return [episode for episode in regrouped if episode.last_flag_at >= start and episode.first_flag_at < end]


def _episode_of(
    session: Session,
    tenant_id: str,
    members: Sequence[Flag],
    near: Mapping[str, Episode],
    taken: set[str],
    at: datetime,
) -> Episode:
    """Return the episode of flags that belong together: the oldest that had one of them, or a new one."""
    former_ids = {flag.episode_id for flag in members if flag.episode_id is not None}
    formers = sorted(
        (near[former_id] for former_id in former_ids & near.keys()),
        key=lambda former: (former.first_flag_at, former.made_at, former.id),
    )
    case_id = next((former.case_id for former in formers if former.case_id is not None), None)
    free = [former for former in formers if former.id not in taken]
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
    """Set the episode's span, score and count from its flags; what is equal is not written again."""
    facts = {
        "first_flag_at": members[0].interval_start,
        "last_flag_at": members[-1].interval_start,
        "top_score": max(flag.score for flag in members),
        "flag_count": len(members),
    }
    for name, value in facts.items():
        if getattr(episode, name) != value:
            setattr(episode, name, value)
    for flag in members:
        if flag.episode_id != episode.id:
            flag.episode_id = episode.id


def _empty(session: Session, episode: Episode) -> None:
    """Note that all flags of an episode were superseded, or moved to an older one."""
    episode.flag_count = 0
    episode.joined_to = session.scalar(
        select(Flag.episode_id)
        .where(
            Flag.tenant_id == episode.tenant_id,
            Flag.superseded_at.is_(None),
            Flag.interval_start >= episode.first_flag_at,
            Flag.interval_start <= episode.last_flag_at,
        )
        .limit(1)
    )
