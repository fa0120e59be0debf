"""Cases: find, lock, move and open them, and give episodes their cases (join, open under the cap, overflow)."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import chain
from typing import Any, Final

from sqlalchemy import bindparam, exists, func, select
from sqlalchemy.orm import Session

from cjp_fraud.audit.log import append
from cjp_fraud.audit.tables import PersonalText
from cjp_fraud.audit.texts import keep_text
from cjp_fraud.digests import canonical_json
from cjp_fraud.errors import NotFoundError
from cjp_fraud.people.model import Decision
from cjp_fraud.people.reach import roles_for
from cjp_fraud.review.case_reach import require_reach
from cjp_fraud.review.episodes import ATTACHMENT, SHIFT, CaseSpan, continues_shift, joins
from cjp_fraud.review.expected_loss import FlaggedSpan, expected_loss
from cjp_fraud.review.model import CLOSED_STATES, MOVES, CaseState, CommentKind
from cjp_fraud.review.tables import Case, CaseComment, Episode, Flag
from cjp_fraud.storage.base import new_id
from cjp_fraud.storage.database import in_parts, read_once
from cjp_fraud.storage.locks import named_lock

# Made once: to make a statement takes longer than to run it.
_NUMBERED: Final = select(Case.id).where(Case.number == bindparam("number"))
_FLAGS_IN_FORCE: Final = (
    select(Flag)
    .join(Episode, Episode.id == Flag.episode_id)
    .where(Episode.case_id == bindparam("case_id"), Flag.superseded_at.is_(None))
    .order_by(Flag.interval_start, Flag.id)
)
_FLAGS_LOCKED: Final = _FLAGS_IN_FORCE.with_for_update(of=Flag).execution_options(populate_existing=True)


def case_id_of(session: Session, reference: str) -> str:
    """Return the id of the case that a person named by number (``7``) or by id.

    Raises
    ------
    NotFoundError
        If there is no such case.
    """
    named = reference.strip().removeprefix("#")
    if named.isdecimal() and len(named) < 10:
        case_id = session.scalar(_NUMBERED, {"number": int(named)})
    else:
        case_id = session.scalar(select(Case.id).where(Case.id == named))
    if case_id is None:
        raise NotFoundError(f"no case {reference!r} is on record; cjp-fraud cases list shows those that are")
    return case_id


def numbers_of(session: Session, case_ids: Collection[str]) -> dict[str, int]:
    """Return the number of each case by its id."""
    rows = session.execute(select(Case.id, Case.number).where(Case.id.in_(set(case_ids))))
    return {row.id: row.number for row in rows}


def lock_case(session: Session, case_id: str) -> Case:
    """Return the case, fresh and locked until the end of the transaction."""
    case = session.get(Case, case_id, with_for_update=True, populate_existing=True)
    if case is None:
        raise NotFoundError(f"no case {case_id!r} is on record; cjp-fraud cases list shows those that are")
    return case


def move(
    decision: Decision,
    case: Case,
    to: CaseState,
    action: str,
    content: Mapping[str, Any] | None = None,
    words: PersonalText | None = None,
) -> None:
    """Move a locked case to another state and write the entry of the log that says so, as :func:`note` does."""
    if (case.state, to) not in MOVES:
        raise ValueError(f"no case moves from {case.state} to {to}")
    waits = to not in CLOSED_STATES
    # A case that comes back into the queue (reopen, which holds the openers' order) is at its end for who reads pages.
    revision = next_revision(decision.session) if waits and not case.in_queue else case.queue_revision
    before, case.state = case.state, to
    case.closed_at = None if waits else decision.at
    case.in_queue, case.queue_revision = waits, revision
    if to is CaseState.OPEN or to in CLOSED_STATES:
        case.claimed_by = case.claimed_at = None
    decision.session.flush()
    note(decision, case, action, {"from": before, "to": to, **(content or {})}, words)


def note(
    decision: Decision,
    case: Case,
    action: str,
    content: Mapping[str, Any],
    words: PersonalText | None = None,
) -> None:
    """Write an entry of the log about a case: every act on a case does, so here a role that is narrowed is asked for.

    Parameters
    ----------
    content : times in it become text, as they are hashed.
    words : what the person wrote; the entry holds its id and digest, never the text.

    Raises
    ------
    OutOfReach
        If none of the person's roles that the act needs reaches the case.
    """
    require_reach(decision.session, decision.by, case, roles_for(action, content))
    text = {"text_id": words.id, "text_sha256": words.sha256} if words is not None else {}
    plain = json.loads(canonical_json({**content, **text}))
    append(decision, action, "cases", case.id, plain, case_id=case.id)


def in_words(case: Case) -> str:
    """Name a case in a sentence."""
    return f"case {case.number}"


def cases_flagged(session: Session, start: datetime, end: datetime) -> set[str]:
    """Return the ids of the cases that have a flag in force which begins in [start, end), aware."""
    return set(
        session.scalars(
            select(Case.id)
            .join(Episode, Episode.case_id == Case.id)
            .join(Flag, Flag.episode_id == Episode.id)
            .where(Flag.superseded_at.is_(None), Flag.interval_start >= start, Flag.interval_start < end)
            .distinct()
        )
    )


def flags_in_force(session: Session, case_id: str, *, lock: bool = False) -> list[Flag]:
    """Return a case's flags that no later detection has replaced, in time.

    Parameters
    ----------
    lock : whether nobody may change them until the transaction ends.
    """
    if lock:
        return list(session.scalars(_FLAGS_LOCKED, {"case_id": case_id}))
    in_force = read_once(
        session,
        ("flags in force", case_id),
        lambda: session.scalars(_FLAGS_IN_FORCE, {"case_id": case_id}).all(),
    )
    return list(in_force)


def write_comment(decision: Decision, case: Case, kind: CommentKind, text: str) -> PersonalText:
    """Store what a person wrote on a case; the caller writes the log."""
    by = decision.by.user_id
    if by is None:
        raise ValueError("a machine writes no comments")
    words = keep_text(decision.session, text.strip(), decision.at)
    decision.session.add(
        CaseComment(case_id=case.id, kind=kind, by_user_id=by, at=decision.at, text_id=words.id)
    )
    decision.session.flush()
    return words


@dataclass(slots=True)
class Openings:
    """What became of the episodes without a case."""

    opened: list[Case] = field(default_factory=list)
    joined: list[Episode] = field(default_factory=list)
    overflow: int = 0


def order_openers(session: Session) -> None:
    """Let only one transaction at a time open cases, so that cap and numbers hold (SQLite: the writer's lock)."""
    named_lock(session, "open cases")


def open_case(session: Session, episode: Episode, hour: datetime, at: datetime) -> Case:
    """Open a case for an episode that has none; the caller holds the openers' order and writes the log."""
    span = episode.first_flag_at, episode.last_flag_at
    case = _new_case(session, episode.tenant_id, hour, at, span, episode.top_score)
    episode.case_id = case.id
    return case


def case_for(decision: Decision, tenant_id: str, span: tuple[datetime, datetime]) -> Case:
    """Return the tenant's open case, locked, or open one that no flag has opened.

    Parameters
    ----------
    span : of what it is about; aware.
    """
    session = decision.session
    order_openers(session)
    standing = lock_cases(session, [tenant_id]).get(tenant_id, [])
    if standing and standing[0].state not in CLOSED_STATES:
        return standing[0]
    case = _new_case(session, tenant_id, utc_hour(span[1]), decision.at, span, 0.0)
    note(decision, case, "case.opened", {"state": case.state, "tenant_id": tenant_id})
    return case


def _new_case(
    session: Session,
    tenant_id: str,
    hour: datetime,
    at: datetime,
    span: tuple[datetime, datetime],
    top_score: float,
) -> Case:
    number = (session.scalar(select(func.max(Case.number))) or 0) + 1
    case = Case(
        id=new_id(),
        number=number,
        tenant_id=tenant_id,
        state=CaseState.OPEN,
        opened_at=at,
        opened_hour=hour,
        first_flag_at=span[0],
        last_flag_at=span[1],
        top_score=top_score,
        in_queue=True,
        queue_revision=next_revision(session),
    )
    session.add(case)
    session.flush()
    return case


def assign_cases(
    session: Session,
    episodes: Mapping[str, Sequence[Episode]],
    start: datetime,
    end: datetime,
    cap: int,
    at: datetime,
) -> Openings:
    """Give each episode of the window a case, hour by hour, the one with the highest expected loss in the hour first.

    What the cap leaves over is the overflow list.

    An episode that overflowed is looked at again in each later hour in which it has flags, so that an
    attack that began during an outage of the sources still gets its case.
    """
    openings = Openings()
    waiting = {
        tenant: without_case
        for tenant, of_tenant in episodes.items()
        if (without_case := [episode for episode in of_tenant if episode.case_id is None])
    }
    if not waiting:
        return openings
    cases = lock_cases(session, waiting)
    for tenant, without_case in waiting.items():
        for episode in without_case:
            _join(session, episode, cases[tenant], openings)
    by_hour = _losses_by_utc_hour(session, list(chain.from_iterable(waiting.values())), start, end)
    opened_in = Counter(
        session.scalars(
            select(Case.opened_hour).where(Case.opened_hour >= utc_hour(start), Case.opened_hour < end)
        )
    )
    for hour in sorted(by_hour):
        ranked = sorted(by_hour[hour], key=lambda row: (-row[0], -row[1], row[2].tenant_id, row[2].id))
        for _loss, _score, episode in ranked:
            if episode.case_id is not None or opened_in[hour] >= cap:
                continue
            case = open_case(session, episode, hour, at)
            opened_in[hour] += 1
            openings.opened.append(case)
            cases[episode.tenant_id].insert(0, case)
            for other in waiting[episode.tenant_id]:
                _join(session, other, cases[episode.tenant_id], openings)
            join_overflow(session, case, openings)
    openings.overflow = sum(episode.case_id is None for episode in chain.from_iterable(waiting.values()))
    return openings


def _join(session: Session, episode: Episode, cases: Sequence[Case], openings: Openings) -> None:
    if episode.case_id is not None:
        return
    for case in cases:
        span = CaseSpan(case.id, case.state, case.first_flag_at, case.last_flag_at)
        if joins(episode.first_flag_at, span) or _continues_shift(session, episode, span):
            episode.case_id = case.id
            case.first_flag_at = min(case.first_flag_at, episode.first_flag_at)
            case.last_flag_at = max(case.last_flag_at, episode.last_flag_at)
            openings.joined.append(episode)
            return


def _continues_shift(session: Session, episode: Episode, case: CaseSpan) -> bool:
    """Whether an episode goes on with the shift of level that a closed case began with, on one of its series."""
    if not case.first_flag_at <= episode.first_flag_at <= case.first_flag_at + SHIFT:
        return False
    in_case = (
        select(Flag.series_id)
        .join(Episode, Episode.id == Flag.episode_id)
        .where(Episode.case_id == case.id, Flag.superseded_at.is_(None))
    )
    begun_by = session.scalars(
        select(Flag).where(
            Flag.episode_id == episode.id,
            Flag.superseded_at.is_(None),
            Flag.interval_start == episode.first_flag_at,
            Flag.series_id.in_(in_case),
        )
    ).all()
    levels = (flag.reasons.get("hour_before") for flag in begun_by)
    return any(continues_shift(episode.first_flag_at, level, case) for level in levels)


def join_overflow(session: Session, case: Case, openings: Openings) -> None:
    """Take into an open case the tenant's episodes on the overflow list, from a day before it on."""
    waiting = session.scalars(
        select(Episode)
        .where(
            Episode.tenant_id == case.tenant_id,
            Episode.case_id.is_(None),
            Episode.flag_count > 0,
            Episode.last_flag_at >= case.first_flag_at - ATTACHMENT,
        )
        .order_by(Episode.first_flag_at.desc())
    )
    for episode in waiting:
        _join(session, episode, [case], openings)


def lock_cases(session: Session, tenants: Collection[str]) -> dict[str, list[Case]]:
    """Return the tenants' cases, locked: the open one first, then the newest."""
    by_tenant: dict[str, list[Case]] = defaultdict(list)
    for some in in_parts(sorted(tenants)):
        query = (
            select(Case)
            .where(Case.tenant_id.in_(some))
            .order_by(Case.id)
            .with_for_update()
            .execution_options(populate_existing=True)
        )
        for case in session.scalars(query):
            by_tenant[case.tenant_id].append(case)
    for cases in by_tenant.values():
        cases.sort(
            key=lambda case: (case.state in CLOSED_STATES, -case.last_flag_at.timestamp(), -case.number)
        )
    return by_tenant


def _losses_by_utc_hour(
    session: Session, episodes: Sequence[Episode], start: datetime, end: datetime
) -> dict[datetime, list[tuple[float, float, Episode]]]:
    """For each UTC hour of the window, the waiting episodes flagged in it: expected loss and top score in it."""
    waiting = {episode.id: episode for episode in episodes if episode.case_id is None}
    flagged: dict[tuple[datetime, str], list[Flag]] = defaultdict(list)
    for some in in_parts(sorted(waiting)):
        query = select(Flag).where(
            Flag.episode_id.in_(some),
            Flag.superseded_at.is_(None),
            Flag.interval_start >= start,
            Flag.interval_start < end,
        )
        for flag in session.scalars(query):
            flagged[utc_hour(flag.interval_start), str(flag.episode_id)].append(flag)
    by_hour: dict[datetime, list[tuple[float, float, Episode]]] = defaultdict(list)
    for (hour, name), flags in flagged.items():
        loss = expected_loss(map(flagged_span, flags)).amount
        by_hour[hour].append((loss, max(flag.score for flag in flags), waiting[name]))
    return by_hour


def flagged_span(flag: Flag) -> FlaggedSpan:
    """Return what the cost of a flag is computed from."""
    end = flag.interval_start + timedelta(seconds=flag.interval_seconds)
    return FlaggedSpan(flag.series_id, flag.span_start, end, flag.excess, flag.cents_per_contact)


def utc_hour(at: datetime) -> datetime:
    """Return the UTC hour that a moment (in UTC) lies in."""
    return at.replace(minute=0, second=0, microsecond=0)


def next_revision(session: Session) -> int:
    """Return the next revision of the queue; the caller holds the openers' order, so that none is given twice."""
    return (session.scalar(select(func.max(Case.queue_revision))) or 0) + 1


def refresh_cases(session: Session, tenants: Sequence[str]) -> None:
    """Set spans, top scores and places in the queue of the tenants' cases from their episodes and flags.

    A case whose flags were all taken back keeps its span and score.
    """
    session.flush()
    revision = next_revision(session)
    for some in in_parts(tenants):
        rows = session.execute(
            select(
                Case,
                func.min(Episode.first_flag_at),
                func.max(Episode.last_flag_at),
                func.max(Episode.top_score),
            )
            .join(Episode, Episode.case_id == Case.id)
            .where(Case.tenant_id.in_(some), Episode.flag_count > 0)
            .group_by(Case.id)
        ).all()
        for case, begins, ends, top in rows:
            if case.top_score != top:
                case.top_score, case.queue_revision = top, revision
            if (case.first_flag_at, case.last_flag_at) != (begins, ends):
                case.first_flag_at, case.last_flag_at = begins, ends
        _refresh_closed(session, some, revision)


def _refresh_closed(session: Session, tenants: Sequence[str], revision: int) -> None:
    """Put closed cases that were flagged since into the queue, and take out those whose flags were taken back."""
    flagged_since = (
        exists()
        .where(Episode.case_id == Case.id, Flag.episode_id == Episode.id)
        .where(Flag.superseded_at.is_(None), Flag.recorded_at > Case.closed_at)
    )
    closed = select(Case, flagged_since).where(Case.tenant_id.in_(tenants), Case.closed_at.is_not(None))
    for case, waits in session.execute(closed):
        if case.in_queue != waits:
            case.in_queue, case.queue_revision = waits, revision
