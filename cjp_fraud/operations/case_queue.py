"""Look at the queue of cases, at the overflow list and at the disputes: what is read most, and loads least.

Each function takes the deployment, opens its own transaction and returns frozen views.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TypeAlias, TypeVar

from sqlalchemy.orm import Session

from cjp_fraud.contracts.tenants import require_tenant
from cjp_fraud.deployment import Deployment
from cjp_fraud.operations.reach import reach_of, reached_by, reached_within
from cjp_fraud.people.reach import reach_for
from cjp_fraud.people.tables import User
from cjp_fraud.people.users import actor_named
from cjp_fraud.review import saved_views
from cjp_fraud.review.claim import case_workers
from cjp_fraud.review.dispute import ListedDispute, disputes_on_record
from cjp_fraud.review.holdings import holdings_of
from cjp_fraud.review.known_events_on_record import events_of_cases
from cjp_fraud.review.mentions import mentions_waiting
from cjp_fraud.review.model import CaseState, QueueFilter, QueueOrder
from cjp_fraud.review.queue import OverflowEpisode, QueuedCase, QueuePage, overflow_list, queue
from cjp_fraud.review.queue_filters import QueueCounts
from cjp_fraud.review.saved_views import QueueView, keep_view, view_of, views_for
from cjp_fraud.storage.database import reading
from cjp_fraud.suspension.stage_views import HeldStages, held_stages

ListedCase: TypeAlias = QueuedCase
"""One row of the queue, as pages take it."""
SharedView: TypeAlias = QueueView
"""A view of the queue that somebody keeps, as the API takes it."""


def list_cases(
    deployment: Deployment,
    queue_filter: QueueFilter | None = None,
    *,
    limit: int = 100,
    after: str | None = None,
    by: str | None = None,
) -> QueuePage:
    """Return a page of cases: the worst, the highest score or the oldest first.

    No case is skipped, whatever changes between two pages: :func:`cjp_fraud.review.queue.queue` says what
    is guaranteed.

    Parameters
    ----------
    limit : most cases on the page.
    after : ``next_cursor`` of the page before; None: the first page.
    by : name of the user who reads, whose roles may be narrowed; None: the account of this machine.

    Raises
    ------
    NotFoundError
        If the tenant asked for is not on record.
    """
    with reading(deployment.engine) as session:
        chosen = _within_reach(session, queue_filter, by)
        held = held_stages(session)
        return _page(session, deployment, chosen, deployment.now, held, limit=limit, after=after, by=by)


@dataclass(frozen=True, slots=True)
class QueueDesk:
    """The queue as its page shows it to one person, all of one moment.

    Parameters
    ----------
    counts : how many cases the filter lets through, by state, reason and age.
    disputes : the open ones, the one due first on top; only on the first page.
    held_stages : reinstatements in stages that are held, so that an approver must act; only on the first page.
    views : the reader's own views, and those that others share.
    workers : names of those who may hold a case.
    """

    listed: QueuePage
    counts: QueueCounts
    disputes: tuple[ListedDispute, ...]
    held_stages: tuple[HeldStages, ...]
    views: tuple[QueueView, ...]
    workers: tuple[str, ...]


def look_at_queue(
    deployment: Deployment,
    by: str,
    now: datetime,
    queue_filter: QueueFilter,
    *,
    limit: int,
    after: str | None = None,
) -> QueueDesk:
    """Return a page of cases and what stands around it, for the user ``by``, read at once.

    Parameters
    ----------
    limit, after : as in :func:`list_cases`.

    Raises
    ------
    NotFoundError
        If the tenant asked for is not on record.
    """
    with reading(deployment.engine) as session:
        reader = actor_named(session, by)
        reach = reach_for(reader)
        chosen = replace(_of_any_state(queue_filter), reach=reach)
        counts = deployment.count_cache.counts(session, replace(chosen, order=QueueOrder.WORST), now)
        reached = reached_within(session, reach) if after is None else None
        stages = held_stages(session)
        return QueueDesk(
            listed=_page(
                session,
                deployment,
                chosen,
                now,
                stages,
                limit=limit,
                after=after,
                by=by,
                counts=counts.states,
            ),
            counts=counts,
            disputes=_disputes(session, reached) if after is None else (),
            held_stages=_within(stages, reached) if after is None else (),
            views=views_for(session, reader),
            workers=case_workers(session),
        )


def list_overflow(deployment: Deployment, *, by: str | None = None) -> tuple[OverflowEpisode, ...]:
    """Return the episodes beyond the hour's cap of new cases, the highest expected loss first.

    Parameters
    ----------
    by : name of the user who reads, whose roles may be narrowed; None: the account of this machine.
    """
    with reading(deployment.engine) as session:
        return tuple(overflow_list(session, reach_of(session, by)))


def list_disputes(
    deployment: Deployment, *, decided_too: bool = False, by: str | None = None
) -> tuple[ListedDispute, ...]:
    """Return the open disputes, the one due first on top; with ``decided_too`` all there are.

    Parameters
    ----------
    by : name of the user who reads, whose roles may be narrowed; None: the account of this machine.
    """
    with reading(deployment.engine) as session:
        return _disputes(session, reached_by(session, by), decided_too=decided_too)


def _page(
    session: Session,
    deployment: Deployment,
    chosen: QueueFilter,
    now: datetime,
    stages: Iterable[HeldStages],
    *,
    limit: int,
    after: str | None,
    by: str | None,
    counts: Mapping[CaseState, int] | None = None,
) -> QueuePage:
    if chosen.tenant_id is not None:
        require_tenant(session, chosen.tenant_id)
    page = queue(session, chosen, limit=limit, after=after, counts=counts)
    held = holdings_of(session, page.cases, now, deployment.claim_policy)
    naming = {mention.case for mention in mentions_waiting(session, by)} if by is not None else set()
    events = events_of_cases(session, page.cases)
    stages_held_at = {each.case: each.held_at for each in stages}
    cases = (
        replace(
            case,
            holding=held[case.id],
            mentions_reader=case.number in naming,
            stages_held_at=stages_held_at.get(case.number),
            known_events=events.get(case.id, ()),
        )
        for case in page.cases
    )
    return replace(page, cases=tuple(cases))


def _disputes(
    session: Session, reached: frozenset[int] | None, *, decided_too: bool = False
) -> tuple[ListedDispute, ...]:
    return _within(disputes_on_record(session, decided_too=decided_too), reached)


_OfCaseT = TypeVar("_OfCaseT", ListedDispute, HeldStages)


def _within(listed: Iterable[_OfCaseT], reached: frozenset[int] | None) -> tuple[_OfCaseT, ...]:
    """Return what is of a case that is reached; None: every case is."""
    return tuple(each for each in listed if reached is None or each.case in reached)


def _of_any_state(chosen: QueueFilter) -> QueueFilter:
    """Return the filter; where it asks for mentions and for no state, of all states: closed cases mention too."""
    asks_for_mentions = chosen.mentions is not None and chosen.states is None
    return replace(chosen, states=frozenset(CaseState)) if asks_for_mentions else chosen


def _within_reach(session: Session, queue_filter: QueueFilter | None, by: str | None) -> QueueFilter:
    return replace(_of_any_state(queue_filter or QueueFilter()), reach=reach_of(session, by))


def save_view(
    deployment: Deployment, by: str, now: datetime, name: str, filters: Mapping[str, str], *, shared: bool
) -> QueueView:
    """Keep filters of the queue under a name, for the user ``by`` or for everybody.

    Raises
    ------
    BadInputError
        If the name is empty or too long.
    Refused
        If the user keeps too many views, or shares one and works on no cases.
    """
    with deployment.deciding(by, now, of_their_own=not shared) as decision:
        view = keep_view(decision, name, filters, shared=shared)
        return view_of(view, by)


def list_views(deployment: Deployment, by: str | None = None) -> tuple[QueueView, ...]:
    """Return the views that people share, and those of the user ``by``; None: of no user."""
    with reading(deployment.engine) as session:
        return views_for(session, actor_named(session, by) if by is not None else None)


def remove_view(deployment: Deployment, by: str, now: datetime, view_id: str) -> QueueView:
    """Remove a view of one's own or, as an admin, one that somebody shares.

    Parameters
    ----------
    view_id : its id.

    Raises
    ------
    NotFoundError
        If there is no such view, or somebody else keeps it for themself.
    Refused
        If somebody else shares it, and the user is no admin.
    """
    with deployment.deciding(by, now, of_their_own=True) as decision:
        view = saved_views.remove_view(decision, view_id)
        return view_of(view, decision.session.get_one(User, view.user_id).name)
