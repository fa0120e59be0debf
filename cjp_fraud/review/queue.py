"""The queue: cases in the order in which they should be looked at, a page at a time, and the overflow list."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    Select,
    and_,
    bindparam,
    func,
    or_,
    select,
    tuple_,
    union_all,
)
from sqlalchemy.orm import Session

from cjp_fraud.errors import BadInputError
from cjp_fraud.notices.contradictions import open_contradictions
from cjp_fraud.notices.work_items import work_items
from cjp_fraud.people.model import Reach
from cjp_fraud.people.tables import User
from cjp_fraud.review.case_lines import outline_on_record
from cjp_fraud.review.case_outline import CaseOutline
from cjp_fraud.review.case_reach import flags_within_reach
from cjp_fraud.review.cases import flagged_span
from cjp_fraud.review.expected_loss import FlaggedSpan, expected_loss
from cjp_fraud.review.holdings import Holding
from cjp_fraud.review.joint_events import events_in_queue
from cjp_fraud.review.known_event import NamedEvent
from cjp_fraud.review.model import CaseState, QueueFilter, QueueOrder
from cjp_fraud.review.queue_cursor import MOVING, Cursor, read_cursor
from cjp_fraud.review.queue_filters import in_states, narrowing
from cjp_fraud.review.spike_runs import QueuedEvent
from cjp_fraud.review.tables import Case, CaseLine, Episode, Flag

_OVERFLOWED = (Episode.case_id.is_(None), Episode.flag_count > 0)
"""Which episodes are on the overflow list."""

# Made once: every page of the queue asks them, and making a statement takes longer than to run it.
_OVERFLOW_COUNT: Final = select(func.count()).select_from(Episode).where(*_OVERFLOWED)
_REVISION: Final = select(func.max(Case.queue_revision))
_CASE_IDS: Final[BindParameter[Any]] = bindparam("case_ids", expanding=True)
_LISTED: Final = (
    select(Case, User.name, CaseLine)
    .outerjoin(User, User.id == Case.claimed_by)
    .outerjoin(CaseLine, CaseLine.case_id == Case.id)
    .where(Case.id.in_(_CASE_IDS))
)
_FLAG_COUNTS: Final = (
    select(Episode.case_id, func.sum(Episode.flag_count))
    .where(Episode.case_id.in_(_CASE_IDS))
    .group_by(Episode.case_id)
)
_FLAGS_SINCE: Final = (
    select(Case.id, func.count())
    .join(Episode, Episode.case_id == Case.id)
    .join(Flag, Flag.episode_id == Episode.id)
    .where(Case.id.in_(_CASE_IDS), Flag.superseded_at.is_(None), Flag.recorded_at > Case.closed_at)
    .group_by(Case.id)
)


@dataclass(frozen=True, slots=True)
class QueuedCase:
    """One row of the queue.

    Parameters
    ----------
    flags_since : flags recorded after a closed case was closed.
    moved : whether the case was opened, or its score changed, while the pages were read.
    person_due_at : by when a person decides whether a contradicted notice stands; None: nothing contradicts it.
    reports_to_settle : messages about its notices that a person must look at.
    others_flagged : how many other tenants were flagged together with it, likely by an outage or an event.
    claimed_at : since when somebody holds it; None: nobody does.
    earlier_cases : cases of the tenant that were opened before.
    outline : what happened, what it costs, its course; None: no flag of it was ever in force.
    holding : until when it is held or put aside, and its service clock; None: not asked.
    stages_held_at : since when its reinstatement in stages is held, so that an approver must act; None: it is not.
    mentions_reader : whether a comment names who reads, and they have not opened the case since.
    known_events : those that count and that some of its flags lie in, the newest entered first.
    """

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
    moved: bool
    person_due_at: datetime | None
    reports_to_settle: int
    others_flagged: int
    claimed_at: datetime | None
    earlier_cases: int
    outline: CaseOutline | None
    holding: Holding | None = None
    mentions_reader: bool = False
    stages_held_at: datetime | None = None
    known_events: tuple[NamedEvent, ...] = ()

    @property
    def known_as(self) -> str | None:
        """The known events in words; None: there are none."""
        return "; ".join(event.title for event in self.known_events) or None


@dataclass(frozen=True, slots=True)
class QueuePage:
    """A page of the queue.

    Parameters
    ----------
    counts : how many cases the filter lets through now, by state; states without any are left out.
    overflow : how many episodes are on the overflow list, whatever the filter.
    joint_events : in which many tenants were flagged together, cases in the queue among them, whatever the filter.
    next_cursor : what to ask the next page with; None: this is the last.
    """

    cases: tuple[QueuedCase, ...]
    counts: Mapping[CaseState, int]
    overflow: int
    joint_events: tuple[QueuedEvent, ...]
    next_cursor: str | None


@dataclass(frozen=True, slots=True)
class OverflowEpisode:
    """An episode beyond the hour's cap: no case was opened; ``cases claim`` with its id opens one.

    Parameters
    ----------
    expected_loss : excess × charge per contact, cents; a contact counts as one cent where its charge is not known.
    charge_known : whether the charge of every flag is known.
    """

    episode_id: str
    tenant_id: str
    expected_loss: float
    charge_known: bool
    top_score: float
    flags: int
    first_flag_at: datetime
    last_flag_at: datetime


def queue(
    session: Session,
    queue_filter: QueueFilter | None = None,
    *,
    limit: int = 100,
    after: str | None = None,
    counts: Mapping[CaseState, int] | None = None,
) -> QueuePage:
    """Return a page of cases: the worst first, the highest score first, or the oldest first.

    Whatever changes while somebody reads page after page, a case that the filter lets through all the
    while is shown: none is skipped. By age it is shown once. By exposure and score it is shown once too, unless
    these changed after the first page was read: what was opened or changed since then comes after the
    others, marked ``moved``, and may have been shown before.

    Parameters
    ----------
    limit : most cases on the page, at least 1.
    after : ``next_cursor`` of the page before, asked with the same filter; None: the first page.
    counts : how many cases the filter lets through, by state, from who has counted them; None: they are counted.

    Raises
    ------
    BadInputError
        If ``after`` is not such a cursor, or ``limit`` is less than 1.
    """
    chosen = queue_filter or QueueFilter()
    if limit < 1:
        raise BadInputError(f"a page of {limit} cases: give at least 1")
    cursor = read_cursor(after, chosen.order) if after is not None else _first(session, chosen.order)
    keys = session.execute(_page(chosen, cursor, limit + 1)).all()
    rows: list[tuple[str, bool]] = [(row.id, cursor.moved) for row in keys[:limit]]
    following = (
        Cursor(cursor.order, cursor.revision, cursor.moved, _key(keys[limit - 1]))
        if len(keys) > limit
        else None
    )
    if following is None and chosen.order in MOVING and not cursor.moved:
        # The cases that stayed where they were are through; go on with those that changed meanwhile.
        changed = replace(cursor, moved=True, key=None)
        left = limit - len(rows)
        more = session.execute(_page(chosen, changed, left + 1)).all()
        rows += [(row.id, True) for row in more[:left]]
        if len(more) > left:
            following = replace(changed, key=_key(more[left - 1]) if left else None)
    events = events_in_queue(session)
    return QueuePage(
        cases=_queued(session, rows, events),
        counts=_counts(session, chosen) if counts is None else counts,
        overflow=overflow_count(session),
        joint_events=events,
        next_cursor=following.text() if following is not None else None,
    )


def overflow_list(session: Session, reach: Iterable[Reach] | None = None) -> list[OverflowEpisode]:
    """Return the episodes that no case took, the highest expected loss first.

    Parameters
    ----------
    reach : only those of which a flag is reached; None: all.
    """
    overflowed = list(_OVERFLOWED)
    if reach is not None:
        reached = select(Flag.episode_id).where(Flag.episode_id.is_not(None), flags_within_reach(reach))
        overflowed.append(Episode.id.in_(reached.correlate(None)))
    rows = session.scalars(select(Episode).where(*overflowed)).all()
    flags: dict[str, list[FlaggedSpan]] = defaultdict(list)
    named = (
        select(Flag)
        .join(Episode, Episode.id == Flag.episode_id)
        .where(*overflowed, Flag.superseded_at.is_(None))
    )
    for flag in session.scalars(named):
        flags[str(flag.episode_id)].append(flagged_span(flag))
    losses = {row.id: expected_loss(flags[row.id]) for row in rows}
    waiting = [
        OverflowEpisode(
            episode_id=row.id,
            tenant_id=row.tenant_id,
            expected_loss=losses[row.id].amount,
            charge_known=losses[row.id].charge_known,
            top_score=row.top_score,
            flags=row.flag_count,
            first_flag_at=row.first_flag_at,
            last_flag_at=row.last_flag_at,
        )
        for row in rows
    ]
    return sorted(waiting, key=lambda row: (-row.expected_loss, -row.top_score, row.first_flag_at))


def overflow_count(session: Session) -> int:
    """Return how many episodes no case took."""
    return session.scalar(_OVERFLOW_COUNT) or 0


def _first(session: Session, order: QueueOrder) -> Cursor:
    return Cursor(order, session.scalar(_REVISION) or 0)


def _columns(cursor: Cursor) -> tuple[Any, ...]:
    """The columns that the cursor's order goes by, before the number."""
    if cursor.moved:
        return (Case.queue_revision,)
    if cursor.order is QueueOrder.WORST:
        return Case.exposure_per_hour, Case.top_score
    return (Case.top_score if cursor.order is QueueOrder.SCORE else Case.opened_at,)


def _page(queue_filter: QueueFilter, cursor: Cursor, limit: int) -> Select[Any]:
    """Select id and key of at most ``limit`` cases after the cursor, in order.

    Each branch walks one index in its order and stops at the limit, so that no run sorts all cases.
    """
    columns = _columns(cursor)
    descending = cursor.order in MOVING and not cursor.moved
    conditions = narrowing(queue_filter)
    if cursor.order in MOVING:
        unchanged = Case.queue_revision <= cursor.revision
        conditions.append(~unchanged if cursor.moved else unchanged)
    if cursor.key is not None:
        places, number = cursor.key
        reached: Any = columns[0] if len(columns) == 1 else tuple_(*columns)
        last: Any = places[0] if len(places) == 1 else tuple_(*places)
        beyond = reached < last if descending else reached > last
        not_before = reached <= last if descending else reached >= last
        conditions += [not_before, or_(beyond, Case.number > number)]
    branches = [
        select(
            Case.id.label("id"),
            *(column.label(f"place_{at}") for at, column in enumerate(columns)),
            Case.number.label("number"),
        )
        .where(branch, *conditions)
        .order_by(*(column.desc() if descending else column for column in columns), Case.number)
        .limit(limit)
        for branch in _branches(queue_filter, by_revision=cursor.moved)
    ]
    if len(branches) == 1:
        return branches[0]
    merged = union_all(*(select(branch.subquery()) for branch in branches)).subquery()
    places_merged = [merged.c[f"place_{at}"] for at in range(len(columns))]
    ordered = [place.desc() if descending else place for place in places_merged]
    return select(merged).order_by(*ordered, merged.c.number).limit(limit)


def _branches(queue_filter: QueueFilter, *, by_revision: bool) -> list[ColumnElement[bool]]:
    """The filter as conditions of which each has an index in the queue's order."""
    in_states: ColumnElement[bool] = Case.in_queue.expression
    if queue_filter.states is not None:
        in_states = Case.state.in_(sorted(queue_filter.states))
    if queue_filter.tenant_id is not None:
        return [and_(Case.tenant_id == queue_filter.tenant_id, in_states)]
    if by_revision or queue_filter.states is None:
        return [in_states]
    return [Case.state == state for state in sorted(queue_filter.states)] or [in_states]


def _key(row: Any) -> tuple[tuple[Any, ...], int]:
    return tuple(row[1:-1]), row.number


def _counts(session: Session, queue_filter: QueueFilter) -> dict[CaseState, int]:
    query = select(Case.state, func.count()).group_by(Case.state).order_by(Case.state)
    return dict(session.execute(query.where(*in_states(queue_filter))).all())


def _queued(
    session: Session, rows: Sequence[tuple[str, bool]], events: Sequence[QueuedEvent]
) -> tuple[QueuedCase, ...]:
    """Read the cases of a page, in its order, with the counts of their flags."""
    others: dict[int, int] = {}
    for event in events:
        others |= {number: max(event.tenants - 1, others.get(number, 0)) for number in event.cases}
    ids = [case_id for case_id, _ in rows]
    listed = session.execute(_LISTED, {"case_ids": ids})
    cases = {case.id: (case, holder, line) for case, holder, line in listed}
    flags = _flag_counts(session, ids)
    closed = [case_id for case_id, (case, _, _) in cases.items() if case.closed_at is not None]
    flags_since = _flags_since(session, closed) if closed else {}
    due: dict[str, datetime] = {}
    for contradiction in open_contradictions(session, ids):
        due.setdefault(contradiction.case_id, contradiction.answer_due_at)
    to_settle = Counter(item.case_id for item in work_items(session, ids))
    return tuple(
        QueuedCase(
            number=case.number,
            id=case.id,
            tenant_id=case.tenant_id,
            state=case.state,
            top_score=case.top_score,
            flags=flags.get(case.id, 0),
            flags_since=flags_since.get(case.id, 0),
            first_flag_at=case.first_flag_at,
            last_flag_at=case.last_flag_at,
            opened_at=case.opened_at,
            claimed_by=holder,
            moved=moved,
            person_due_at=due.get(case.id),
            reports_to_settle=to_settle[case.id],
            others_flagged=others.get(case.number, 0),
            claimed_at=case.claimed_at,
            earlier_cases=line.earlier_cases if line is not None else 0,
            outline=outline_on_record(line),
        )
        for (case, holder, line), moved in ((cases[case_id], moved) for case_id, moved in rows)
    )


def _flag_counts(session: Session, case_ids: Collection[str]) -> dict[str, int]:
    counted = session.execute(_FLAG_COUNTS, {"case_ids": list(case_ids)})
    return {str(case_id): int(count) for case_id, count in counted}


def _flags_since(session: Session, case_ids: Collection[str]) -> dict[str, int]:
    return dict(session.execute(_FLAGS_SINCE, {"case_ids": list(case_ids)}).all())
