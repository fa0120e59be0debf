"""Sort the flags on record of tenants into episodes again, where some were added or taken back."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from cjp_fraud.review.episodes import ENDED_FOR_GOOD, GAP, episode_id, grouped
from cjp_fraud.review.tables import Case, Episode, Flag
from cjp_fraud.storage.database import in_parts


def regroup(
    session: Session, tenant_ids: Collection[str], start: datetime, end: datetime, at: datetime
) -> dict[str, list[Episode]]:
    """Sort the tenants' flags around the window into episodes; return each tenant's that reach into the window.

    An episode keeps its id when flags come late. Where several become one, the id is that of the older. What is on
    record is read for many tenants at once, since an hour may flag some of very many.
    """
    regrouped: dict[str, list[Episode]] = {}
    emptied: list[Episode] = []
    with session.no_autoflush:  # what changes of one tenant, no other's episodes depend on
        for some in in_parts(sorted(tenant_ids)):
            near = _near(session, some, start, end)
            parts = _parts(session, near, start, end)
            names = [episode_id(name, part[0].interval_start) for name, of in parts.items() for part in of]
            named = _named(session, names)
            for tenant_id, of_tenant in parts.items():
                by_id = {episode.id: episode for episode in near[tenant_id]}
                taken: set[str] = set()
                regrouped[tenant_id] = []
                for members in of_tenant:
                    episode = _episode_of(session, tenant_id, members, by_id, named, taken, at)
                    taken.add(episode.id)
                    _gather(episode, members)
                    if episode.last_flag_at >= start and episode.first_flag_at < end:
                        regrouped[tenant_id].append(episode)
                emptied += [episode for episode in near[tenant_id] if episode.id not in taken]
    session.flush()
    for episode in emptied:
        _empty(session, episode)
    session.flush()
    return regrouped


def _near(
    session: Session, tenant_ids: Sequence[str], start: datetime, end: datetime
) -> dict[str, list[Episode]]:
    """Return each tenant's episodes that a flag of the window could belong to."""
    near: dict[str, list[Episode]] = {tenant_id: [] for tenant_id in tenant_ids}
    for episode in session.scalars(
        select(Episode).where(
            Episode.tenant_id.in_(tenant_ids),
            Episode.flag_count > 0,
            Episode.first_flag_at <= end + GAP,
            Episode.last_flag_at >= start - GAP,
        )
    ):
        near[episode.tenant_id].append(episode)
    return near


def _parts(
    session: Session, near: Mapping[str, Sequence[Episode]], start: datetime, end: datetime
) -> dict[str, list[list[Flag]]]:
    """Return each tenant's flags in force, in the window and in the episodes near it, cut into episodes."""
    alike: dict[tuple[datetime, datetime], list[str]] = defaultdict(list)
    for tenant_id, episodes in near.items():
        first = min([start, *(episode.first_flag_at for episode in episodes)])
        last = max([end, *(episode.last_flag_at + timedelta(microseconds=1) for episode in episodes)])
        alike[first, last].append(tenant_id)
    flags: dict[str, list[Flag]] = {tenant_id: [] for tenant_id in near}
    for (first, last), tenant_ids in alike.items():
        for flag in session.scalars(
            select(Flag)
            .where(
                Flag.tenant_id.in_(tenant_ids),
                Flag.superseded_at.is_(None),
                Flag.interval_start >= first,
                Flag.interval_start < last,
            )
            .order_by(Flag.interval_start, Flag.series_id, Flag.clock)
        ):
            flags[flag.tenant_id].append(flag)
    boundaries: dict[str, list[datetime]] = defaultdict(list)
    for tenant_id, closed in session.execute(
        select(Case.tenant_id, Case.closed_at).where(
            Case.tenant_id.in_(list(near)), Case.state.in_(ENDED_FOR_GOOD)
        )
    ):
        if closed is not None:
            boundaries[tenant_id].append(closed)
    return {
        tenant_id: [
            of_tenant[part]
            for part in grouped([flag.interval_start for flag in of_tenant], boundaries[tenant_id])
        ]
        for tenant_id, of_tenant in flags.items()
    }


def _named(session: Session, names: Sequence[str]) -> dict[str, Episode]:
    """Return the episodes on record that have one of these ids."""
    named: dict[str, Episode] = {}
    for some in in_parts(names):
        named |= {
            episode.id: episode for episode in session.scalars(select(Episode).where(Episode.id.in_(some)))
        }
    return named


def _episode_of(
    session: Session,
    tenant_id: str,
    members: Sequence[Flag],
    near: Mapping[str, Episode],
    named: Mapping[str, Episode],
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
    episode = named.get(name)
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
